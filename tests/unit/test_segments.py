"""Which partners a segment means, and how a wrong condition is refused."""

from __future__ import annotations

from typing import Any

import pytest

from introducer.domain.calendar import plus_days
from introducer.domain.configuration import PartnerCard, PartnerKind, Status
from introducer.domain.deal import Band, Basis, Mode, Tiers
from introducer.domain.errors import Invalid
from introducer.domain.money import FINE
from introducer.domain.results import ResultDay, ResultLine, TierPlace, line_of, place_in
from introducer.domain.segment import Field, Operator, data_of, fits, members_of, segment_of

TODAY = "2026-11-29"


def a_card(partner: str = "par_1", **changes: Any) -> PartnerCard:
    given: dict[str, Any] = {
        "kind": PartnerKind.IB, "status": Status.ACTIVE, "country": "PL", "manager": "mem_m", "currency": "EUR",
    }  # fmt: skip
    return PartnerCard(partner=partner, brand="brd_1", name="Partner", **given | changes)


def a_line(partner: str = "par_1", **changes: Any) -> ResultLine:
    given: dict[str, Any] = {"ftd_7": 2, "ftd_30": 9, "ftd_prev_28": 6, "clicks_30": 400, "language": "pl",
                             "last_active_day": "2026-11-20", "joined": "2026-01-10", "deal_kinds": ("cpa", "revshare"),
                             "net_revenue_30": {"EUR": 125_000}}  # fmt: skip
    return ResultLine(partner=partner, day=TODAY, **given | changes)


def one(field: str, operator: str, *values: Any) -> Any:
    return segment_of("all", [{"field": field, "operator": operator, "values": list(values)}])


@pytest.mark.parametrize(
    ("field", "operator", "value", "holds"),
    [
        ("partner", "is", "par_1", True),
        ("partner", "is", "par_2", False),
        ("partner", "is_not", "par_1", False),
        ("kind", "is", "ib", True),
        ("kind", "is_not", "ib", False),
        ("status", "is", "suspended", False),
        ("country", "is", "PL", True),
        ("language", "is", "pl", True),
        ("manager", "is", "mem_m", True),
        ("manager", "is", "", False),
        ("currency", "is_not", "USD", True),
        ("deal_kind", "is", "revshare", True),
        ("deal_kind", "is_not", "cpa", False),
        ("ftd_30", "at_least", "9", True),
        ("ftd_30", "at_least", "10", False),
        ("ftd_7", "at_most", "2", True),
        ("clicks_30", "at_most", "399", False),
        ("dormant_days", "at_least", "9", True),
        ("dormant_days", "at_least", "10", False),
        ("age_days", "at_most", "323", True),
        ("net_revenue_30", "at_least", "1250.00 EUR", True),
        ("net_revenue_30", "at_least", "1250.01 EUR", False),
        ("net_revenue_30", "at_least", "0.01 USD", False),
        ("tier", "at_most", "0", True),
        # 2 in a week, where 6 in four weeks make a week and a half of them: a third more
        ("trend", "at_least", "33", True),
        ("trend", "at_least", "34", False),
    ],
)
def test_a_condition_holds_or_not(field: str, operator: str, value: str, holds: bool) -> None:
    assert fits(one(field, operator, value), a_card(), a_line(), TODAY) is holds


def test_all_conditions_or_any_of_them() -> None:
    conditions: list[dict[str, Any]] = [
        {"field": "country", "operator": "is", "values": ["PL", "DE"]},
        {"field": "ftd_30", "operator": "at_least", "value": 50},
    ]
    assert not fits(segment_of("all", conditions), a_card(), a_line(), TODAY)
    assert fits(segment_of("any", conditions), a_card(), a_line(), TODAY)
    assert fits(segment_of("any", []), a_card(), None, TODAY), "without conditions all are meant"


def test_of_a_partner_without_a_line_nothing_is_known_and_nothing_was_brought() -> None:
    card = a_card(manager=None)
    assert fits(one("ftd_30", "at_most", "0"), card, None, TODAY)
    assert fits(one("manager", "is", ""), card, None, TODAY)
    assert fits(one("language", "is_not", "pl"), card, None, TODAY)
    assert not fits(one("deal_kind", "is", "cpa"), card, None, TODAY)
    assert not fits(one("dormant_days", "at_least", "1"), card, None, TODAY)


def test_without_anything_to_compare_with_there_is_no_trend() -> None:
    line = a_line(ftd_prev_28=0)
    assert not fits(one("trend", "at_least", "0"), a_card(), line, TODAY)
    assert not fits(one("trend", "at_most", "0"), a_card(), line, TODAY)
    assert a_line(ftd_7=0).trend == -100


def test_a_partner_that_never_did_anything_is_dormant_since_it_joined() -> None:
    assert a_line(last_active_day="", joined="2026-11-01").dormant_days(TODAY) == 28


def test_members_come_in_the_order_of_the_cards() -> None:
    cards = [a_card("par_2"), a_card("par_1"), a_card("par_3", country="DE")]
    found = members_of(one("country", "is", "PL"), cards, [a_line("par_1")], TODAY)
    assert [card.partner for card in found] == ["par_2", "par_1"]


@pytest.mark.parametrize(
    ("condition", "code", "says"),
    [
        ({"field": "shoe_size", "operator": "is", "value": "44"}, "segment_field", "no such field"),
        ({}, "segment_field", "no such field"),
        ({"field": "country", "operator": "at_least", "value": "PL"}, "segment_operator", "is or is_not"),
        ({"field": "ftd_30", "operator": "is", "value": "3"}, "segment_operator", "at_least or at_most"),
        ({"field": "country", "operator": "is", "values": ["Poland"]}, "segment_value", "two capital letters"),
        ({"field": "country", "operator": "is", "values": []}, "segment_value", "needs a value"),
        ({"field": "country", "operator": "is"}, "segment_value", "needs a value"),
        ({"field": "kind", "operator": "is", "value": "bank"}, "segment_value", "affiliate, ib"),
        ({"field": "ftd_30", "operator": "at_least", "value": "many"}, "segment_value", "whole number"),
        ({"field": "ftd_30", "operator": "at_least", "value": "1.5"}, "segment_value", "whole number"),
        ({"field": "ftd_30", "operator": "at_least", "value": "-1"}, "segment_value", "below 0"),
        ({"field": "ftd_30", "operator": "at_least", "value": True}, "segment_value", "needs a value"),
        ({"field": "ftd_30", "operator": "at_least", "values": ["1", "2"]}, "segment_value", "one whole number"),
        ({"field": "net_revenue_30", "operator": "at_least", "value": "1000"}, "segment_value", "1000.00 EUR"),
        ({"field": "net_revenue_30", "operator": "at_least", "value": "1.001 EUR"}, "segment_value", "decimals"),
        ({"field": "net_revenue_30", "operator": "at_least", "value": "1 XXX"}, "segment_value", "XXX"),
    ],
)
def test_a_wrong_condition_is_refused_by_its_number(condition: dict[str, Any], code: str, says: str) -> None:
    right = {"field": "kind", "operator": "is", "value": "ib"}
    with pytest.raises(Invalid) as refused:
        segment_of("all", [right, condition])
    assert refused.value.code == code
    assert refused.value.facts["condition"] == 2
    assert says in refused.value.detail and refused.value.detail.startswith("Condition 2: ")


def test_a_segment_has_twenty_conditions_at_most_and_matches_all_or_any() -> None:
    right = {"field": "kind", "operator": "is", "value": "ib"}
    with pytest.raises(Invalid, match="at most 20"):
        segment_of("all", [right] * 21)
    with pytest.raises(Invalid, match="all or any"):
        segment_of("some", [right])


def test_every_field_says_how_it_is_compared() -> None:
    assert all(field.operators for field in Field)
    assert Operator.IS in Field.MANAGER.operators and Operator.AT_LEAST in Field.TREND.operators


def test_a_segment_is_read_back_from_its_data() -> None:
    segment = segment_of("any", [
        {"field": "net_revenue_30", "operator": "at_most", "value": "-5 EUR"},
        {"field": "country", "operator": "is_not", "values": ["PL", "DE", "PL"]},
    ])  # fmt: skip
    data = data_of(segment)
    assert data["conditions"][0]["values"] == ["-5.00 EUR"]
    assert data["conditions"][1]["values"] == ["PL", "DE"]
    assert segment_of(**data) == segment


# --------------------------------------------------------------------------------------------------------------- lines


def test_a_line_counts_weeks_and_months_by_utc_days() -> None:
    # given a first deposit and a click on each day of two months, and half a euro of net revenue
    days = [
        ResultDay(f"2026-{month:02d}-{day:02d}", clicks=1, ftd=1, qftd=0, revenue={"EUR": 50 * FINE}, active=True)
        for month, last in ((10, 31), (11, 30))
        for day in range(1, last + 1)
    ]
    line = line_of("par_1", TODAY, days, joined="2026-10-01")
    # then the day after today is not counted, and nothing twice: a week is of days that are over
    assert (line.ftd_7, line.ftd_prev_28, line.ftd_30, line.clicks_30) == (7, 28, 30, 30)
    assert line.trend == 0
    assert line.net_revenue_30 == {"EUR": 1_500}
    assert (line.last_active_day, line.dormant_days(TODAY)) == (TODAY, 0)


@pytest.mark.parametrize("today", [0, 1, 9])
def test_a_steady_partner_has_no_trend_whatever_of_today_has_passed(today: int) -> None:
    # given three first deposits on every day that is over, and so many today
    days = [ResultDay(plus_days(TODAY, -ago), ftd=3, active=True) for ago in range(1, 60)]
    line = line_of("par_1", TODAY, [*days, ResultDay(TODAY, ftd=today, active=True)])
    assert (line.ftd_7, line.ftd_prev_28, line.trend, line.ftd_30) == (21, 84, 0, 87 + today)


@pytest.mark.parametrize("before", [0, -1, -4])
def test_weeks_that_brought_nothing_or_lost_some_are_nothing_to_compare_with(before: int) -> None:
    assert a_line(ftd_7=3, ftd_prev_28=before).trend is None


def test_what_was_known_of_activity_stays_known() -> None:
    line = line_of("par_1", TODAY, [], last_active_day="2026-05-01")
    assert line.last_active_day == "2026-05-01" and line.dormant_days(TODAY) == 212


def test_how_far_a_month_is_along_its_tiers() -> None:
    by_clients = Tiers(Basis.QFTD, Mode.MARGINAL, (Band(0), Band(10), Band(25)))
    assert place_in(by_clients, 10) == TierPlace(Basis.QFTD, 2, 3, 10, 25)
    assert place_in(by_clients, 30) == TierPlace(Basis.QFTD, 3, 3, 30, 0)
    by_revenue = Tiers(Basis.NET_REVENUE, Mode.MARGINAL, (Band(100_000),))
    place = place_in(by_revenue, 100_000 * FINE - 1, "EUR")
    assert place == TierPlace(Basis.NET_REVENUE, 0, 1, 99_999, 100_000, "EUR")
    assert place_in(by_clients, 10, "EUR").currency == "", "clients are in no currency"
