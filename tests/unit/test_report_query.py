"""Periods, what stands beside them, and how a figure moved: by example."""

from __future__ import annotations

from decimal import Decimal

import pytest

from introducer.domain.client_value import COHORT, ValueQuery, by_age, per_client, tabulate_value
from introducer.domain.errors import Malformed
from introducer.domain.money import FINE, Money
from introducer.domain.report_query import (
    Against,
    Dimension,
    Fact,
    Kind,
    Period,
    Preset,
    Sums,
    change_of,
    counterpart,
    currency_of,
    earlier,
    figure,
    preset_period,
    query_of,
    tabulate,
)

TODAY = "2026-11-30"


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        (Preset.TODAY, "2026-03-31", "2026-03-31"),
        (Preset.YESTERDAY, "2026-03-30", "2026-03-30"),
        (Preset.LAST_7, "2026-03-25", "2026-03-31"),
        (Preset.LAST_30, "2026-03-02", "2026-03-31"),
        (Preset.THIS_MONTH, "2026-03-01", "2026-03-31"),
        (Preset.LAST_MONTH, "2026-02-01", "2026-02-28"),
        (Preset.LAST_3_MONTHS, "2026-01-01", "2026-03-31"),
        (Preset.THIS_YEAR, "2026-01-01", "2026-03-31"),
        (Preset.LAST_12_MONTHS, "2025-04-01", "2026-03-31"),
    ],
)
def test_a_preset_moves_along_with_the_calendar(preset: Preset, first: str, last: str) -> None:
    assert preset_period(preset, "2026-03-31") == Period(first, last)


@pytest.mark.parametrize(
    ("period", "against", "today", "before"),
    [
        # Days beside as many days, months beside months.
        (("2026-03-10", "2026-03-16"), Against.BEFORE, TODAY, ("2026-03-03", "2026-03-09")),
        (("2026-03-01", "2026-03-31"), Against.BEFORE, TODAY, ("2026-02-01", "2026-02-28")),
        (("2026-01-01", "2026-03-31"), Against.BEFORE, TODAY, ("2025-10-01", "2025-12-31")),
        (("2024-02-01", "2024-02-29"), Against.YEAR, TODAY, ("2023-02-01", "2023-02-28")),
        (("2025-02-01", "2025-02-28"), Against.YEAR, TODAY, ("2024-02-01", "2024-02-29")),
        (("2024-02-29", "2024-03-02"), Against.YEAR, TODAY, ("2023-02-28", "2023-03-02")),
        # What is not over is compared with as much as has passed.
        (("2026-03-01", "2026-03-31"), Against.BEFORE, "2026-03-10", ("2026-02-01", "2026-02-10")),
        (("2026-03-01", "2026-03-31"), Against.YEAR, "2026-03-10", ("2025-03-01", "2025-03-10")),
        (("2026-03-09", "2026-03-20"), Against.BEFORE, "2026-03-10", ("2026-03-07", "2026-03-08")),
    ],
)
def test_beside_a_time_stands_one_that_it_can_be_compared_with(
    period: tuple[str, str], against: Against, today: str, before: tuple[str, str]
) -> None:
    assert earlier(Period(*period), against, today) == Period(*before)


def test_days_of_a_longer_month_that_have_no_counterpart_stand_by_themselves() -> None:
    january, february = Period("2026-01-01", "2026-01-31"), Period("2026-02-01", "2026-02-28")
    assert counterpart("2026-01-28", Dimension.DAY, january, february) == "2026-02-28"
    assert counterpart("2026-01-29", Dimension.DAY, january, february) == ""
    assert counterpart("2026-01-29", Dimension.MONTH, january, february) == "2026-02"
    # Weeks stand beside weeks by their Mondays, whatever day a month begins on.
    assert counterpart("2026-01-04", Dimension.WEEK, january, february) == "2026-01-26"
    assert counterpart("2026-01-05", Dimension.WEEK, january, february) == "2026-02-02"
    assert counterpart("2026-01-31", Dimension.WEEK, january, february) == "2026-02-23"
    query = query_of({"from": "2026-02-01", "to": "2026-02-28", "against": "before"}, today=TODAY)
    table = tabulate(query, [Fact("2026-01-30", "par_1", "l", {"clicks": 4})])
    assert (table.rows[0].key, table.rows[0].before and table.rows[0].before.counts) == ("", {"clicks": 4})


def test_a_change_is_told_by_its_part_and_never_of_nothing() -> None:
    assert (change_of(Kind.COUNT, 12, 10).way, change_of(Kind.COUNT, 12, 10).by) == ("up", Decimal("0.2"))
    assert (change_of(Kind.COUNT, 0, 3).way, change_of(Kind.COUNT, 0, 3).by) == ("down", Decimal(-1))
    assert change_of(Kind.COUNT, 2, 0) == change_of(Kind.MONEY, Money(2, "EUR"), Money(0, "EUR"))
    assert (change_of(Kind.COUNT, 2, 0).way, change_of(Kind.COUNT, 2, 0).by) == ("new", None)
    assert change_of(Kind.COUNT, 0, 0).way == "same"
    assert change_of(Kind.MONEY, Money(5, "EUR"), Money(-5, "EUR")).by is None
    assert change_of(Kind.SHARE, Decimal("0.3"), Decimal("0.25")).by == Decimal("0.05")
    assert change_of(Kind.SHARE, None, Decimal("0.25")).way == ""


def test_figures_are_divided_at_the_end_and_amounts_rounded_half_to_the_even() -> None:
    sums = Sums()
    sums.add({"qftd": 2, "clicks": 3, "lots": 125 * 10**6}, {("earnings", "EUR"): 25 * FINE, ("deposits", "JPY"): FINE})
    assert figure("ecpa", sums, "EUR") == Money(12, "EUR")
    assert figure("epc", sums, "EUR") == Decimal("0.0833")
    sums.add({}, {("earnings", "JPY"): 25 * FINE})
    assert figure("epc", sums, "JPY") == Decimal("8.33")
    assert str(figure("lots", sums, "EUR")) == "1.25"
    assert figure("deposits", sums, "EUR") == Money(0, "EUR")
    assert figure("ftd_to_qftd", sums, "EUR") is None


def test_a_report_speaks_the_usual_currency_where_there_is_something_in_it() -> None:
    def of(*currencies: str) -> list[Fact]:
        return [Fact(TODAY, "p", "l", {}, {("deposits", each): FINE}) for each in currencies]

    query = query_of({}, today=TODAY)
    for found, wish, spoken, every in (
        ((), "", "EUR", ["EUR"]),
        (("USD", "EUR"), "", "EUR", ["EUR", "USD"]),
        (("USD", "JPY"), "", "JPY", ["JPY", "USD"]),
        (("USD",), "EUR", "EUR", ["EUR", "USD"]),
    ):
        assert currency_of(tabulate(query, of(*found)), wish, "EUR") == (spoken, every)
    # What was only in the earlier time is told of too.
    beside = query_of({"period": "today", "against": "before"}, today=TODAY)
    past = Fact(beside.earlier.first if beside.earlier else "", "p", "l", {}, {("deposits", "USD"): FINE})
    assert currency_of(tabulate(beside, [past]), "", "EUR") == ("USD", ["USD"])


def test_no_report_touches_more_than_thirteen_months() -> None:
    assert len(query_of({"from": "2025-11-30", "to": "2026-11-01"}, today=TODAY).months) == 13
    with pytest.raises(Malformed) as refused:
        query_of({"from": "2025-10-31", "to": "2026-11-01"}, today=TODAY)
    assert refused.value.code == "period_too_long"
    assert query_of({"from": "2026-11-05"}, today=TODAY).period == Period("2026-11-05", "2026-11-05")


@pytest.mark.parametrize(("grows", "shown"), [(True, [2, 3, None]), (False, [2, 2, None])])
def test_a_cohorts_value_is_divided_once_however_it_is_looked_at(grows: bool, shown: list[int | None]) -> None:
    # given three clients who brought 4.5 cents in their first month and 4.5 in the next
    query = ValueQuery(by=COHORT, first="2026-09", last="2026-10", through="2026-11", grows=grows)
    revenue = {("net_revenue", "EUR"): 9 * FINE // 2}
    facts = [
        Fact("2026-10-01", "p", "l", {"registrations": 3}, revenue, cohort="2026-10"),
        Fact("2026-11-01", "p", "l", {}, revenue, cohort="2026-10"),
    ]
    september, october = tabulate_value(query, facts).rows
    # then a client brought a cent and a half in each, which is two, and three in all
    amounts = [None if each is None else each.minor for each in by_age(october, query, "EUR")]
    assert amounts == shown
    assert per_client(october.sums, "net_revenue", "EUR") == Money(3, "EUR")
    assert by_age(september, query, "EUR") == [None, None, None]
