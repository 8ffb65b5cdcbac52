"""What is refused of a contest and why, what may change when, who may take part, and which one comes next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Member, PartnerCard, PartnerKind, Role, Status
from introducer.domain.contest import (
    WEIGHT_ONE,
    Conditions,
    Contest,
    ContestStatus,
    Division,
    Every,
    Metric,
    Series,
    Tie,
)
from introducer.domain.contest_rules import (
    LEAST_AHEAD,
    MOST_PRIZES,
    check,
    check_approver,
    check_change,
    check_extension,
    check_open,
    check_planner,
    check_start,
    default_name,
    division_of,
    most_paid,
    needs_approval,
    next_of_series,
    rules_hash,
    shown_name,
    why_not,
)
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid
from tests.support.builders import at
from tests.support.contest_builders import a_contest, fixed, gift, share, threshold

BEFORE, DURING, LATE = at("2026-10-20"), at("2026-11-10"), at("2026-12-01 12:00")
THREE = (share(1, 50), share(2, 30), share(3, 20))
POOL = 100_000
PLANNED = a_contest(*THREE, pool=POOL, status=ContestStatus.PLANNED)
RUNNING = replace(PLANNED, status=ContestStatus.RUNNING)
EVERY_WEEK = Series(series="ctt_1", number=1, every=Every.WEEK)
EVERY_MONTH = Series(series="ctt_1", number=1, every=Every.MONTH)


def refusal(act: Callable[[], object], kind: type[IntroducerError] = Invalid) -> tuple[str, Any]:
    with pytest.raises(kind) as raised:
        act()
    return raised.value.code, raised.value.facts.get("field")


# ----------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "contest",
    [
        a_contest(),
        a_contest(*THREE, pool=POOL),
        a_contest(fixed(1, 500), fixed(2, 100, last=10), gift(1, "Watch", last=3), threshold(10, 50)),
        a_contest(fixed(1, 500), share(2, 60), share(3, 40), pool=POOL),
        a_contest(share(1, 10, last=10), pool=POOL),
        a_contest(weights=((Metric.FTD, 10_000), (Metric.LOTS, 1))),
        a_contest(series=EVERY_MONTH),
        a_contest(divisions=(Division(name="A"), Division(name="B", from_size=10), Division(name="C", from_size=50))),
        a_contest(ends_at=at("2026-11-01") + timedelta(days=180)),
    ],
)
def test_what_can_be_a_contest(contest: Contest) -> None:
    check(contest)


REFUSED: list[tuple[Contest, str, str]] = [
    (a_contest(name=" November"), "invalid_name", "name"),
    (a_contest(name="Nov\nember"), "invalid_name", "name"),
    (a_contest(name="x" * 121), "invalid_name", "name"),
    (a_contest(description="x" * 2001), "text_too_long", "description"),
    (a_contest(description="\x00"), "text_too_long", "description"),
    (a_contest(time_zone="Europe/Atlantis"), "unknown_time_zone", "time_zone"),
    (a_contest(time_zone="/etc/passwd"), "unknown_time_zone", "time_zone"),
    (a_contest(currency="EUX"), "unknown_currency", "currency"),
    (a_contest(conditions=Conditions(countries=frozenset({"Germany"}))), "invalid_country", "countries"),
    (a_contest(weights=()), "metric_needed", "weights"),
    (a_contest(weights=((Metric.LOTS, 1), (Metric.FTD, 1))), "metric_twice", "weights"),
    (a_contest(weights=((Metric.FTD, 1), (Metric.FTD, 1))), "metric_twice", "weights"),
    (a_contest(weights=((Metric.FTD, 0), (Metric.LOTS, 1))), "out_of_range", "weights.ftd"),
    (a_contest(weights=((Metric.FTD, 2_000),)), "single_weight", "weights"),
    (a_contest(ends_at=at("2026-11-01")), "ends_before_start", "last_day"),
    (a_contest(ends_at=at("2026-10-31")), "ends_before_start", "last_day"),
    (a_contest(ends_at=at("2026-11-01") + timedelta(days=180, seconds=1)), "window_too_long", "last_day"),
    (a_contest(grace_hours=-1), "out_of_range", "grace_hours"),
    (a_contest(grace_hours=169), "out_of_range", "grace_hours"),
    (a_contest(objection_hours=0), "out_of_range", "objection_hours"),
    (a_contest(objection_hours=337), "out_of_range", "objection_hours"),
    (a_contest(shown=-1), "out_of_range", "shown"),
    (a_contest(size_days=0), "out_of_range", "size_days"),
    (a_contest(prize_hold_days=366), "out_of_range", "prize_hold_days"),
    (a_contest(minimum=-1), "out_of_range", "minimum"),
    (a_contest(size_by=Metric.LOTS), "size_by", "size_by"),
    (a_contest(conditions=Conditions(deals=frozenset({"gold"}))), "unknown_deal_kind", "deals"),
    (a_contest(conditions=Conditions(partners=frozenset(map(str, range(1001))))), "too_many", "partners"),
    (a_contest(divisions=()), "out_of_range", "divisions"),
    (a_contest(divisions=(Division(name="", from_size=1),)), "divisions_not_rising", "divisions.0.from_size"),
    (
        a_contest(divisions=(Division(name="A"), Division(name="B", from_size=9), Division(name="C", from_size=9))),
        "divisions_not_rising",
        "divisions.2.from_size",
    ),
    (a_contest(divisions=(Division(name="A"), Division(name="", from_size=9))), "invalid_name", "divisions.1.name"),
    (a_contest(divisions=(Division(name="A"), Division(name="A", from_size=9))), "name_twice", "divisions.1.name"),
    (a_contest(*[fixed(each, 1) for each in range(1, MOST_PRIZES + 2)]), "too_many", "divisions"),
    (a_contest(fixed(1, 5, last=3), fixed(3, 5)), "places_overlap", "divisions.0.prizes.1.first"),
    (a_contest(share(1, 100), fixed(1, 5), pool=POOL), "places_overlap", "divisions.0.prizes.1.first"),
    (a_contest(gift(1, "Watch"), gift(1, "Pen")), "places_overlap", "divisions.0.prizes.1.first"),
    (a_contest(fixed(2, 5)), "places_leave_hole", "divisions.0.prizes.0.first"),
    (a_contest(fixed(1, 5), fixed(3, 5)), "places_leave_hole", "divisions.0.prizes.1.first"),
    (a_contest(fixed(1, 5), gift(3, "Pen")), "places_leave_hole", "divisions.0.prizes.1.first"),
    (a_contest(fixed(0, 5, last=1)), "place_needed", "divisions.0.prizes.0.first"),
    (a_contest(fixed(3, 5, last=2)), "places_reversed", "divisions.0.prizes.0.last"),
    (a_contest(fixed(1, 5, last=5001)), "out_of_range", "divisions.0.prizes.0.last"),
    (a_contest(fixed(1, 0)), "amount_needed", "divisions.0.prizes.0.amount"),
    (a_contest(fixed(1, -5)), "amount_needed", "divisions.0.prizes.0.amount"),
    (a_contest(share(1, 0), pool=POOL), "share_needed", "divisions.0.prizes.0.share"),
    (a_contest(gift(1, "")), "gift_needed", "divisions.0.prizes.0.gift"),
    (a_contest(gift(1, "  ")), "gift_needed", "divisions.0.prizes.0.gift"),
    (a_contest(threshold(0, 5)), "threshold_needed", "divisions.0.prizes.0.threshold"),
    (a_contest(threshold(5, 0)), "amount_needed", "divisions.0.prizes.0.amount"),
    (a_contest(threshold(5, 1), threshold(5, 2)), "threshold_twice", "divisions.0.prizes.1.threshold"),
    (a_contest(threshold(5, 1), minimum=600), "threshold_below_minimum", "divisions.0.prizes.0.threshold"),
    (a_contest(replace(fixed(1, 5), gift="Pen")), "not_for_this_prize", "divisions.0.prizes.0.gift"),
    (a_contest(replace(gift(1, "Pen"), amount=1)), "not_for_this_prize", "divisions.0.prizes.0.amount"),
    (a_contest(replace(threshold(5, 1), first=1)), "not_for_this_prize", "divisions.0.prizes.0.first"),
    (a_contest(replace(fixed(1, 5), share=1)), "not_for_this_prize", "divisions.0.prizes.0.share"),
    (a_contest(replace(fixed(1, 5), threshold=1)), "not_for_this_prize", "divisions.0.prizes.0.threshold"),
    (a_contest(share(1, 60), share(2, 50), pool=POOL), "pool_over_100", "divisions.0.prizes"),
    (a_contest(share(1, 60, last=2), pool=POOL), "pool_over_100", "divisions.0.prizes"),
    (a_contest(share(1, 60), pool=POOL), "pool_under_100", "divisions.0.prizes"),
    (a_contest(fixed(1, 60), pool=POOL), "pool_under_100", "divisions.0.prizes"),
    (a_contest(*THREE), "pool_needed", "divisions.0.pool"),
    (a_contest(pool=-1), "out_of_range", "divisions.0.pool"),
    (a_contest(series=replace(EVERY_MONTH, number=3, until=2)), "series_over", "series.until"),
    (a_contest(series=EVERY_WEEK), "series_overlaps", "last_day"),
    (a_contest(series=EVERY_MONTH, starts_at=at("2026-11-29"), ends_at=at("2026-12-01")), "series_day", "first_day"),
    (a_contest(series=EVERY_MONTH, ends_at=at("2026-11-28 18:00")), "series_day", "last_day"),
    (a_contest(series=EVERY_MONTH, starts_at=at("2026-11-01 02:30")), "series_hour", "first_day"),
]


@pytest.mark.parametrize(("contest", "code", "field"), REFUSED)
def test_what_cannot_be_a_contest_is_refused_at_its_field(contest: Contest, code: str, field: str) -> None:
    assert refusal(lambda: check(contest)) == (code, field)


def test_a_contest_is_planned_ten_minutes_ahead_at_least_and_ends_within_a_years_execution() -> None:
    start = PLANNED.starts_at
    check_start(PLANNED, start - timedelta(minutes=10))
    check_start(PLANNED, start - timedelta(days=150))

    assert refusal(lambda: check_start(PLANNED, start - timedelta(minutes=9))) == ("start_too_soon", "first_day")
    assert refusal(lambda: check_start(PLANNED, start - timedelta(days=151))) == ("start_too_far", "first_day")


# ------------------------------------------------------------------------------------------------ what may change when

OTHER: dict[str, tuple[Any, str]] = {
    "name": ("Other", "rules_changed_after_start"),
    "weights": (((Metric.LOTS, 1000),), "metric_changed_after_start"),
    "currency": ("USD", "prizes_changed_after_start"),
    "time_zone": ("Europe/Berlin", "rules_changed_after_start"),
    "starts_at": (at("2026-11-02"), "start_changed_after_start"),
    "grace_hours": (48, "rules_changed_after_start"),
    "objection_hours": (48, "rules_changed_after_start"),
    "conditions": (Conditions(countries=frozenset({"DE"})), "participants_changed_after_start"),
    "opt_in": (False, "participants_changed_after_start"),
    "minimum": (100, "rules_changed_after_start"),
    "tie": (Tie.FIRST, "rules_changed_after_start"),
    "size_by": (Metric.QFTD, "participants_changed_after_start"),
    "size_days": (30, "participants_changed_after_start"),
    "divisions": ((Division(name="", prizes=(fixed(1, 5),)),), "prizes_changed_after_start"),
    "prize_hold_days": (5, "prizes_changed_after_start"),
    "series": (EVERY_MONTH, "series_changed_after_start"),
}
STILL_FREE: dict[str, Any] = {
    "description": "Good luck.",
    "public": True,
    "shown": 10,
    "ends_at": at("2026-12-05"),
}


@pytest.mark.parametrize("field", sorted(OTHER))
def test_after_the_start_what_was_agreed_stays(field: str) -> None:
    after = replace(RUNNING, **{field: OTHER[field][0]})
    by_clock = replace(after, status=ContestStatus.PLANNED)

    assert refusal(lambda: check_change(RUNNING, after, DURING), Conflict) == (OTHER[field][1], field)
    # The clock starts it, whether or not its machine did already.
    assert refusal(lambda: check_change(PLANNED, by_clock, DURING), Conflict) == (OTHER[field][1], field)


@pytest.mark.parametrize("field", sorted(STILL_FREE))
def test_after_the_start_the_end_and_what_is_shown_may_change(field: str) -> None:
    check_change(RUNNING, replace(RUNNING, **{field: STILL_FREE[field]}), DURING)


@pytest.mark.parametrize("field", sorted(OTHER | STILL_FREE))
def test_before_the_start_all_may_change(field: str) -> None:
    value = OTHER[field][0] if field in OTHER else STILL_FREE[field]

    check_change(PLANNED, replace(PLANNED, **{field: value}), BEFORE)


def test_shortly_before_the_start_what_is_counted_stays() -> None:
    after = replace(PLANNED, weights=((Metric.LOTS, WEIGHT_ONE),))
    soon = PLANNED.starts_at - LEAST_AHEAD

    check_change(PLANNED, after, soon)
    # Who counts may not hear of it in time, and nothing would count anew what scored by then.
    assert refusal(lambda: check_change(PLANNED, after, soon + timedelta(seconds=1)))[0] == "start_too_soon"
    check_change(PLANNED, replace(PLANNED, minimum=100), soon + timedelta(seconds=1))


@pytest.mark.parametrize("status", [ContestStatus.COUNTING, ContestStatus.PROVISIONAL, ContestStatus.PAYING])
def test_after_the_freeze_nothing_changes(status: ContestStatus) -> None:
    frozen = replace(RUNNING, status=status)
    others = replace(frozen, conditions=Conditions(countries=frozenset({"DE"})))

    assert refusal(lambda: check_change(frozen, replace(frozen, shown=3), LATE), Conflict)[0] == "contest_frozen"
    assert refusal(lambda: check_change(frozen, others, LATE), Conflict)[0] == "participants_frozen"
    assert refusal(lambda: check_extension(frozen, at("2026-12-24"), LATE), Conflict)[0] == "contest_frozen"
    assert refusal(lambda: check_open(frozen, LATE), Conflict)[0] == "participants_frozen"


@pytest.mark.parametrize("status", [ContestStatus.DONE, ContestStatus.CANCELLED])
def test_what_is_over_stays_as_it_is(status: ContestStatus) -> None:
    over = replace(RUNNING, status=status)

    assert refusal(lambda: check_change(over, replace(over, shown=3), LATE), Conflict)[0] == "contest_over"
    assert refusal(lambda: check_open(over, LATE), Conflict)[0] == "contest_over"


def test_a_draft_changes_freely_and_into_nothing_that_cannot_be() -> None:
    draft = a_contest()
    check_change(draft, replace(draft, starts_at=at("2026-11-09")), DURING)

    assert refusal(lambda: check_change(draft, replace(draft, name=""), DURING)) == ("invalid_name", "name")


def test_a_planned_start_moves_to_ten_minutes_ahead_at_the_soonest() -> None:
    moved = replace(PLANNED, starts_at=BEFORE + timedelta(minutes=5))

    assert refusal(lambda: check_change(PLANNED, moved, BEFORE)) == ("start_too_soon", "first_day")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "USD"),
        ("divisions", (Division(name="", pool=2 * POOL, prizes=THREE),)),
        ("divisions", (Division(name="", prizes=(fixed(1, 5),)),)),
        ("series", EVERY_MONTH),
        ("prize_hold_days", 5),
        # Who may take part says who shares a pool.
        ("conditions", Conditions(partners=frozenset({"par_friend"}))),
        ("divisions", (Division(name="A", pool=POOL, prizes=THREE), Division(name="B", from_size=5))),
    ],
)
def test_money_that_changes_is_approved_again(field: str, value: Any) -> None:
    assert needs_approval(PLANNED, replace(PLANNED, **{field: value}))


def test_what_costs_no_more_is_not_approved_again() -> None:
    plain = replace(PLANNED, divisions=(replace(PLANNED.divisions[0], name="All"),), minimum=100, name="Other")
    lots = ((Metric.LOTS, 1000),)
    with_threshold = a_contest(threshold(5, 100))

    assert not needs_approval(PLANNED, plain)
    assert not needs_approval(PLANNED, replace(PLANNED, weights=lots))
    # What a threshold counts decides how many reach it.
    assert needs_approval(with_threshold, replace(with_threshold, weights=lots))


def test_a_contest_may_end_earlier_or_later_until_it_is_counted() -> None:
    check_extension(RUNNING, DURING + timedelta(minutes=1), DURING)
    check_extension(RUNNING, at("2027-01-01"), LATE)

    assert refusal(lambda: check_extension(RUNNING, DURING, DURING)) == ("end_too_soon", "last_day")
    assert refusal(lambda: check_extension(RUNNING, at("2026-10-31"), BEFORE)) == ("ends_before_start", "last_day")
    assert refusal(lambda: check_extension(RUNNING, at("2027-06-01"), DURING)) == ("window_too_long", "last_day")


def test_partners_join_and_leave_from_the_plan_to_the_end() -> None:
    check_open(PLANNED, BEFORE)
    check_open(RUNNING, DURING)

    assert refusal(lambda: check_open(a_contest(), BEFORE), Conflict)[0] == "not_planned"
    assert refusal(lambda: check_open(RUNNING, RUNNING.ends_at), Conflict)[0] == "contest_ended"


def test_who_plans_and_who_approves() -> None:
    def member(name: str, role: Role) -> Member:
        return Member(member=name, brand="brd_1", partner=None, role=role, name="N", language="en")

    check_planner(Role.MANAGER)
    check_approver(PLANNED, member("mem_fritz", Role.FINANCE))

    assert refusal(lambda: check_planner(Role.FINANCE), Forbidden)[0] == "contest_role"
    assert refusal(lambda: check_approver(PLANNED, member("mem_m", Role.MANAGER)), Forbidden)[0] == "contest_role"
    assert refusal(lambda: check_approver(PLANNED, member("mem_anna", Role.ADMIN)), Forbidden)[0] == "same_person"


# --------------------------------------------------------------------------------------------------- who may take part

CARD = PartnerCard(
    partner="par_1", brand="brd_1", name="Nile", kind=PartnerKind.IB, status=Status.ACTIVE, country="EG",
    manager="mem_anna", currency="EUR",
)  # fmt: skip


@pytest.mark.parametrize(
    ("conditions", "code"),
    [
        (Conditions(), None),
        (Conditions(kinds=frozenset({PartnerKind.IB}), deals=frozenset({"cpa"}), countries=frozenset({"EG"})), None),
        (Conditions(managers=frozenset({"mem_anna"}), partners=frozenset({"par_1"})), None),
        (Conditions(kinds=frozenset({PartnerKind.AFFILIATE})), "other_kind"),
        (Conditions(deals=frozenset({"revshare"})), "other_deal"),
        (Conditions(countries=frozenset({"DE"})), "other_country"),
        (Conditions(managers=frozenset({"mem_b"})), "other_manager"),
        (Conditions(partners=frozenset({"par_2"})), "not_named"),
    ],
)
def test_who_may_take_part(conditions: Conditions, code: str | None) -> None:
    assert why_not(conditions, CARD, {"cpa", "lot"}, Status.ACTIVE) == code


def test_a_blocked_partner_takes_part_in_nothing_and_one_without_a_deal_only_where_none_is_asked() -> None:
    assert why_not(Conditions(), CARD, {"cpa"}, Status.BLOCKED) == "blocked"
    assert why_not(Conditions(), CARD, {"cpa"}, Status.SUSPENDED) is None
    assert why_not(Conditions(), CARD, (), Status.ACTIVE) is None
    assert why_not(Conditions(deals=frozenset({"cpa"})), CARD, (), Status.ACTIVE) == "other_deal"
    assert why_not(Conditions(managers=frozenset({"m"})), replace(CARD, manager=None), (), Status.ACTIVE) == (
        "other_manager"
    )


@pytest.mark.parametrize(("size", "division"), [(0, 0), (9, 0), (10, 1), (49, 1), (50, 2), (10**9, 2)])
def test_the_division_of_a_size(size: int, division: int) -> None:
    divisions = (Division(name="A"), Division(name="B", from_size=10), Division(name="C", from_size=50))

    assert division_of(a_contest(divisions=divisions), size) == division


def test_a_neutral_name_says_nothing_and_differs_from_contest_to_contest() -> None:
    name = default_name("ctt_1", "par_1")

    assert name == default_name("ctt_1", "par_1")
    assert name != default_name("ctt_2", "par_1")
    assert shown_name(name) == name and name.startswith("Partner ") and len(name) == 12
    assert shown_name("  Golden   gate ") == "Golden gate"


@pytest.mark.parametrize("text", ["", " ", "x", "x" * 41, "a\nb", "a\u202eb", "\u200b\u2060", "a\u3164", "\u2800 "])
def test_a_name_that_cannot_be_shown(text: str) -> None:
    assert refusal(lambda: shown_name(text)) == ("invalid_name", "shown_as")


# ----------------------------------------------------------------------------------------------------- what is accepted


@pytest.mark.parametrize("field", sorted((OTHER | STILL_FREE).keys() - {"series"}))
def test_whatever_changes_of_the_rules_changes_their_hash(field: str) -> None:
    value = OTHER[field][0] if field in OTHER else STILL_FREE[field]

    assert rules_hash(replace(PLANNED, **{field: value})) != rules_hash(PLANNED)


def test_how_far_a_contest_is_does_not_change_what_was_accepted() -> None:
    assert rules_hash(replace(RUNNING, version=9, token="t", approved_by="mem_f")) == rules_hash(PLANNED)


# ------------------------------------------------------------------------------------------------------------ the money


def test_the_most_that_a_contest_costs() -> None:
    contest = a_contest(fixed(1, 500), fixed(2, 100, last=10), gift(1, "Watch"))

    assert most_paid(contest) == 500 + 9 * 100
    assert most_paid(contest, 3) == 500 + 2 * 100
    assert most_paid(contest, 0) == 0
    assert most_paid(PLANNED) == POOL
    assert most_paid(PLANNED, 1) == POOL


def test_thresholds_leave_it_open_until_somebody_says_how_many_take_part() -> None:
    contest = a_contest(fixed(1, 500), threshold(5, 20), threshold(9, 30))

    assert most_paid(contest) is None
    assert most_paid(contest, 10) == 500 + 10 * 50


# ----------------------------------------------------------------------------------------------------------- the series


def windows(contest: Contest, count: int) -> list[tuple[str, str]]:
    """Of the contests after this one, in UTC."""
    found = []
    following: Contest | None = contest
    for _ in range(count):
        following = following and next_of_series(following)
        assert following is not None
        found.append((f"{following.starts_at:%Y-%m-%d %H:%M}", f"{following.ends_at:%Y-%m-%d %H:%M}"))
    return found


def test_a_month_is_followed_by_the_next_one_whatever_its_length() -> None:
    january = a_contest(series=EVERY_MONTH, starts_at=at("2027-01-01"), ends_at=at("2027-02-01"))

    assert windows(january, 3) == [
        ("2027-02-01 00:00", "2027-03-01 00:00"),
        ("2027-03-01 00:00", "2027-04-01 00:00"),
        ("2027-04-01 00:00", "2027-05-01 00:00"),
    ]


def test_what_ends_on_a_months_last_day_ends_on_each_ones() -> None:
    evening = a_contest(series=EVERY_MONTH, starts_at=at("2027-01-31 08:00"), ends_at=at("2027-01-31 18:00"))
    check(evening)

    assert windows(evening, 3) == [
        ("2027-02-28 08:00", "2027-02-28 18:00"),
        ("2027-03-31 08:00", "2027-03-31 18:00"),
        ("2027-04-30 08:00", "2027-04-30 18:00"),
    ]


def test_a_week_keeps_its_hour_when_clocks_change() -> None:
    # Berlin: summer time ends on 25 October 2026.
    weekly = a_contest(
        series=EVERY_WEEK, time_zone="Europe/Berlin",
        starts_at=at("2026-10-11 22:00"), ends_at=at("2026-10-18 16:00"),
    )  # fmt: skip
    check(weekly)

    assert windows(weekly, 2) == [("2026-10-18 22:00", "2026-10-25 17:00"), ("2026-10-25 23:00", "2026-11-01 17:00")]


def test_midnight_stays_midnight_over_a_night_that_has_none() -> None:
    # Cairo puts its clocks forward at midnight to 24 April 2026: that day begins at 01:00, which is 22:00 UTC.
    weekly = a_contest(
        series=EVERY_WEEK, time_zone="Africa/Cairo", starts_at=at("2026-04-16 22:00"), ends_at=at("2026-04-23 22:00")
    )
    check(weekly)

    assert windows(weekly, 2) == [("2026-04-23 22:00", "2026-04-30 21:00"), ("2026-04-30 21:00", "2026-05-07 21:00")]


def test_the_next_contest_has_the_settings_and_nothing_of_what_became_of_this_one() -> None:
    over = replace(
        RUNNING, series=EVERY_MONTH, approved_by="mem_fritz", token="t", frozen_at=LATE, why_over="early", version=7,
        archive="ab", outcome="{}",
    )  # fmt: skip
    following = next_of_series(over)

    assert following is not None
    assert following.contest == next_of_series(over).contest != over.contest  # type: ignore[union-attr]
    assert (following.status, following.version, following.approved_by) == (ContestStatus.PLANNED, 1, "mem_fritz")
    assert (following.token, following.frozen_at, following.why_over, following.archive) == ("", None, "", "")
    assert following.series == replace(EVERY_MONTH, number=2)
    assert (following.divisions, following.weights) == (over.divisions, over.weights)


def test_a_series_ends_with_its_last_number_and_what_is_none_has_no_next() -> None:
    assert next_of_series(a_contest()) is None
    assert next_of_series(a_contest(series=replace(EVERY_MONTH, number=3, until=3))) is None
    assert next_of_series(a_contest(series=replace(EVERY_MONTH, number=2, until=3))) is not None
