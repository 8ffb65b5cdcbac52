"""A contest's settings as forms and programs send them: what is read, and what is said of what is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from introducer.domain.configuration import PartnerKind
from introducer.domain.contest import Conditions, Contest, ContestStatus, Division, Every, Metric, Series, Tie
from introducer.domain.contest_rules import check
from introducer.domain.errors import Invalid
from introducer.sources.contest_settings import contest_of, settings_of
from tests.support.builders import at
from tests.support.contest_builders import A_BRAND, a_contest, fixed, gift, share, threshold

NOW = at("2026-10-01")
PLAIN: dict[str, Any] = {
    "name": "November",
    "weights": {"ftd": "1"},
    "first_day": "2026-11-01",
    "last_day": "2026-11-30",
}


def read(**more: Any) -> Contest:
    return contest_of(PLAIN | more, brand=A_BRAND, contest="ctt_1", by="mem_anna", now=NOW)


def wrong(**more: Any) -> dict[str, str]:
    """The codes of what is wrong, by field."""
    with pytest.raises(Invalid) as raised:
        read(**more)
    assert raised.value.code == "invalid_contest"
    errors, codes = raised.value.facts["errors"], raised.value.facts["codes"]
    assert isinstance(errors, dict) and isinstance(codes, dict) and errors.keys() == codes.keys()
    assert all(errors.values())
    return codes


def prizes(*rows: dict[str, Any], pool: str = "0") -> dict[str, Any]:
    return {"divisions": [{"pool": pool, "prizes": list(rows)}]}


def test_the_least_that_has_to_be_said() -> None:
    contest = read()
    check(contest)

    # The first day begins at 23:00 UTC in Berlin, and the last one ends so.
    assert (contest.starts_at, contest.ends_at) == (at("2026-10-31 23:00"), at("2026-11-30 23:00"))
    assert (contest.currency, contest.time_zone, contest.brand) == ("EUR", "Europe/Berlin", "brd_1")
    assert (contest.status, contest.drafted_by, contest.drafted_at) == (ContestStatus.DRAFT, "mem_anna", NOW)
    assert contest.weights == ((Metric.FTD, 1000),)


def test_everything_that_can_be_said() -> None:
    contest = read(
        description="Good luck.\r\nAll of you.",
        weights={"qftd": "10", "deposits": "0.01"},
        currency="USD",
        time_zone="America/New_York",
        first_day="2026-11-01T08:00",
        last_day="2026-11-30T18:30",
        grace_hours=48,
        objection_hours="24",
        kinds=["ib"],
        deals=["revshare", "cpa"],
        countries=["DE", "AT"],
        managers=["mem_b"],
        partners=["par_1"],
        opt_in=False,
        public="yes",
        shown="20",
        minimum="12.5",
        tie="first",
        size_by="qftd",
        size_days=30,
        prize_hold_days=7,
        series={"every": "month", "until": "12"},
        divisions=[
            {"name": "Small", "prizes": [{"kind": "fixed", "first": 1, "amount": "250.50"}]},
            {
                "name": "Large",
                "from_size": "50",
                "pool": "1000",
                "prizes": [
                    {"kind": "share", "first": "1", "last": "3", "share": "33.3333"},
                    {"kind": "gift", "first": 1, "gift": "Watch"},
                    {"kind": "threshold", "threshold": "100.5", "amount": "5.00"},
                ],
            },
        ],
    )

    assert contest == Contest(
        contest="ctt_1",
        brand="brd_1",
        name="November",
        description="Good luck.\nAll of you.",
        weights=((Metric.DEPOSITS, 10), (Metric.QFTD, 10_000)),
        currency="USD",
        time_zone="America/New_York",
        # New York's clocks are put back on the first of November, at 2 in the morning.
        starts_at=at("2026-11-01 13:00"),
        ends_at=at("2026-11-30 23:30"),
        grace_hours=48,
        objection_hours=24,
        conditions=Conditions(
            kinds=frozenset({PartnerKind.IB}),
            deals=frozenset({"cpa", "revshare"}),
            countries=frozenset({"AT", "DE"}),
            managers=frozenset({"mem_b"}),
            partners=frozenset({"par_1"}),
        ),
        opt_in=False,
        public=True,
        shown=20,
        minimum=1250,
        tie=Tie.FIRST,
        size_by=Metric.QFTD,
        size_days=30,
        prize_hold_days=7,
        series=Series(series="ctt_1", number=1, every=Every.MONTH, until=12),
        divisions=(
            Division(name="Small", prizes=(fixed(1, 25_050),)),
            Division(
                name="Large",
                from_size=50,
                pool=100_000,
                prizes=(
                    replace(share(1, 33, last=3), share=333_333),
                    gift(1, "Watch"),
                    replace(threshold(100, 500), threshold=10_050),
                ),
            ),
        ),
        drafted_by="mem_anna",
        drafted_at=NOW,
    )


WRONG: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"name": ""}, {"name": "missing"}),
    ({"name": 3}, {"name": "text"}),
    ({"name": "x" * 121}, {"name": "range"}),
    ({"description": None}, {"description": "text"}),
    ({"colour": "red"}, {"colour": "unknown"}),
    ({"weights": {}}, {"weights": "missing"}),
    ({"weights": {"clicks": "1"}}, {"weights.clicks": "choice"}),
    ({"weights": {"ftd": 1}}, {"weights.ftd": "text"}),
    ({"weights": {"ftd": "1.0001"}}, {"weights.ftd": "too_many_decimals"}),
    ({"currency": "eur"}, {"currency": "written"}),
    ({"currency": "EUX"}, {"currency": "unknown_currency"}),
    ({"time_zone": "Mars"}, {"time_zone": "unknown_time_zone"}),
    ({"first_day": "1 November"}, {"first_day": "written"}),
    ({"first_day": "2026-11-31"}, {"first_day": "no_such_day"}),
    ({"first_day": "2026-11-01T25:00"}, {"first_day": "no_such_day"}),
    ({"last_day": "9999-12-31"}, {"last_day": "no_such_day"}),
    ({"last_day": "2027-03-28T02:30"}, {"last_day": "no_such_time"}),
    ({"grace_hours": "many"}, {"grace_hours": "number"}),
    ({"grace_hours": 1.5}, {"grace_hours": "number"}),
    ({"shown": True}, {"shown": "number"}),
    ({"opt_in": "perhaps"}, {"opt_in": "yes_or_no"}),
    ({"opt_in": 1}, {"opt_in": "yes_or_no"}),
    ({"tie": "draw"}, {"tie": "choice"}),
    ({"size_by": "lots"}, {"size_by": "choice"}),
    ({"kinds": ["bank"]}, {"kinds.0": "choice"}),
    ({"countries": "DE"}, {"countries": "list"}),
    ({"countries": ["DE", "Egypt"]}, {"countries.1": "written"}),
    ({"partners": [""]}, {"partners.0": "missing"}),
    ({"minimum": "-1"}, {"minimum": "written"}),
    ({"minimum": "1.001"}, {"minimum": "too_many_decimals"}),
    ({"series": "weekly"}, {"series": "object"}),
    ({"series": {"every": "day"}}, {"series.every": "choice"}),
    ({"divisions": []}, {"divisions": "missing"}),
    ({"divisions": {}}, {"divisions": "list"}),
    ({"divisions": [{"from_size": -1}]}, {"divisions.0.from_size": "range"}),
    ({"divisions": [{"pool": "1.005"}]}, {"divisions.0.pool": "too_many_decimals"}),
    (prizes({}), {"divisions.0.prizes.0.kind": "missing"}),
    (prizes({"kind": "car"}), {"divisions.0.prizes.0.kind": "choice"}),
    (prizes({"kind": "fixed", "first": 1}), {"divisions.0.prizes.0.amount": "missing"}),
    (prizes({"kind": "fixed", "first": 0, "amount": "1"}), {"divisions.0.prizes.0.first": "range"}),
    (prizes({"kind": "fixed", "first": 1, "amount": "1,5"}), {"divisions.0.prizes.0.amount": "written"}),
    (prizes({"kind": "fixed", "first": 1, "amount": "1.555"}), {"divisions.0.prizes.0.amount": "too_many_decimals"}),
    (prizes({"kind": "share", "first": 1, "share": "50%"}), {"divisions.0.prizes.0.share": "written"}),
    (prizes({"kind": "share", "first": 1, "share": "1.23456"}), {"divisions.0.prizes.0.share": "too_many_decimals"}),
    (prizes({"kind": "gift", "first": 1, "gift": " "}), {"divisions.0.prizes.0.gift": "missing"}),
    (prizes({"kind": "gift", "first": 1, "gift": "Pen", "amount": "1"}), {"divisions.0.prizes.0.amount": "unknown"}),
    (
        prizes({"kind": "threshold", "first": 1, "threshold": "5", "amount": "1"}),
        {"divisions.0.prizes.0.first": "unknown"},
    ),
]


@pytest.mark.parametrize(("sent", "codes"), WRONG)
def test_what_cannot_be_read_is_said_at_its_field(sent: dict[str, Any], codes: dict[str, str]) -> None:
    assert wrong(**sent) == codes


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_fields() -> None:
    found = wrong(name="", tie="draw", divisions=[{"prizes": [{"kind": "fixed"}]}])

    assert list(found) == ["name", "tie", "divisions.0.prizes.0.first", "divisions.0.prizes.0.amount"]


def test_what_to_do_is_said_in_a_sentence() -> None:
    with pytest.raises(Invalid) as raised:
        read(tie="draw", minimum="1.001", first_day="soon", shown="x", last_day="2027-03-28T02:30", public="?")

    assert raised.value.facts["errors"] == {
        "first_day": "Write it like 2026-11-30.",
        "public": "Say yes or no.",
        "shown": "Write a whole number.",
        "tie": "Choose one of these: split or first.",
    }


def test_settings_change_a_contest_and_nothing_of_how_far_it_is() -> None:
    series = Series(series="ctt_0", number=4, every=Every.MONTH)
    before = a_contest(status=ContestStatus.PLANNED, version=3, approved_by="mem_f", series=series, token="t")
    after = contest_of(
        PLAIN | {"series": {"every": "month", "until": 9}},
        brand=A_BRAND, contest="ctt_9", by="mem_b", now=at("2026-10-09"), before=before,
    )  # fmt: skip

    assert (after.contest, after.version, after.status, after.drafted_by) == ("ctt_1", 3, before.status, "mem_anna")
    assert (after.approved_by, after.token) == ("mem_f", "t")
    assert after.series == replace(series, until=9)


@pytest.mark.parametrize(
    "contest",
    [
        a_contest(),
        a_contest(fixed(1, 5), share(2, 100), gift(1, "Watch", last=2), threshold(7, 3), pool=9),
        a_contest(time_zone="Asia/Kolkata", starts_at=at("2026-11-01 07:07"), ends_at=at("2026-11-08 12:30")),
        a_contest(ends_at=datetime(2026, 11, 9, 12, 0, 1, 234_000, tzinfo=UTC)),
        # 02:30 in Berlin comes twice on 25 October 2026; this is the second one.
        a_contest(time_zone="Europe/Berlin", starts_at=at("2026-10-25 01:30")),
        # Cairo has no midnight on 24 April 2026.
        a_contest(time_zone="Africa/Cairo", starts_at=at("2026-04-23 22:00"), ends_at=at("2026-04-30 21:00")),
        a_contest(
            weights=((Metric.FTD, 10_500), (Metric.LOTS, 1)), currency="JPY", minimum=1, public=True, opt_in=False,
            series=Series(series="ctt_1", number=1, every=Every.WEEK), conditions=Conditions(deals=frozenset({"lot"})),
        ),
    ],
)  # fmt: skip
def test_what_is_shown_again_is_read_as_the_same_contest(contest: Contest) -> None:
    again = contest_of(settings_of(contest), brand=A_BRAND, contest="ctt_1", by="mem_anna", now=contest.drafted_at)

    assert again == contest
