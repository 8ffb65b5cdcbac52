"""Reports are sums: by whatever rows, these come to the total; beside them stands what an earlier period comes to."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from introducer.domain.calendar import plus_days, plus_months
from introducer.domain.client_value import COHORT, VALUES, ValueQuery, tabulate_value
from introducer.domain.money import FINE, Money
from introducer.domain.report_query import (
    METRICS,
    SOURCES,
    Against,
    Dimension,
    Fact,
    Kind,
    Period,
    Query,
    Sums,
    figure,
    number_of,
    ordered,
    over_time,
    query_of,
    tabulate,
)

TODAY = "2026-11-30"
FIRST = "2025-09-01"
days = st.integers(0, 500).map(lambda number: plus_days(FIRST, number))
few = st.sampled_from(["", "a", "b"])
counts = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("clicks", "registrations", "ftd", "lots"), st.integers(-3, 9))
)
sums = st.dictionaries(
    st.tuples(st.sampled_from(["deposits", "withdrawals", "net_revenue", "earnings"]), st.sampled_from(["EUR", "JPY"])),
    st.integers(-5 * FINE, 5 * FINE),
    max_size=3,
)
facts = st.lists(
    st.builds(
        Fact, days, few, few, counts, sums, few, few, few, few, few, few,
        st.sampled_from(["", "2026-03", "2026-11"]),
    ),
    max_size=12,
)  # fmt: skip
periods = st.tuples(days, st.integers(0, 360)).map(lambda each: Period(each[0], plus_days(*each)))
queries = st.builds(
    Query,
    rows=st.sampled_from(Dimension),
    period=periods,
    asked_on=st.just(TODAY),
    against=st.sampled_from(Against),
    metrics=st.lists(st.sampled_from(list(METRICS)), min_size=1, max_size=4, unique=True).map(tuple),
    filters=st.dictionaries(st.sampled_from(SOURCES), st.sampled_from(["a", "b"]), max_size=2),
    sort=st.sampled_from(["", "name", *METRICS]),
    down=st.booleans(),
)


def added(many: list[Sums]) -> Sums:
    total = Sums()
    for each in many:
        total.add(each.counts, each.money)
    return total


def same(one: Sums, other: Sums) -> bool:
    def something(found: dict) -> dict:
        return {name: value for name, value in found.items() if value}

    return something(one.counts) == something(other.counts) and something(one.money) == something(other.money)


@settings(max_examples=40)
@given(query=queries, found=facts)
def test_the_rows_of_any_report_come_to_its_total_then_and_before(query: Query, found: list[Fact]) -> None:
    table = tabulate(query, found)
    assert same(added([row.sums for row in table.rows]), table.total.sums)
    wanted = [
        fact for fact in found
        if all(getattr(fact, name.value) == value for name, value in query.filters.items())
    ]  # fmt: skip

    def summed(period: Period) -> Sums:
        total = Sums()
        for fact in wanted:
            if period.first <= fact.day <= period.last:
                total.add(fact.counts, fact.sums)
        return total

    assert same(table.total.sums, summed(query.period))
    if query.earlier is None:
        assert all(row.before is None for row in table.rows)
    else:
        assert table.total.before is not None
        assert same(table.total.before, summed(query.earlier))
        assert same(added([row.before for row in table.rows if row.before]), table.total.before)


@settings(max_examples=40)
@given(query=queries, found=facts)
def test_however_it_is_sorted_a_report_has_the_same_rows(query: Query, found: list[Fact]) -> None:
    table = tabulate(query, found)
    rows = ordered(table, query, "EUR", {"a": "Zoe", "b": "Åke"})
    assert sorted(row.key for row in rows) == sorted(row.key for row in table.rows)
    if query.sort in METRICS:
        shown = [number_of(figure(query.sort, row.sums, "EUR")) for row in rows]
        known = [number for number in shown if number is not None]
        assert known == sorted(known, reverse=query.down)
        assert None not in shown[: len(known)]


@settings(max_examples=40)
@given(query=queries, found=facts)
def test_a_chart_shows_what_the_report_comes_to(query: Query, found: list[Fact]) -> None:
    drawn = tabulate(over_time(query), found)
    assert same(added([row.sums for row in drawn.rows]), tabulate(query, found).total.sums)
    assert len(drawn.rows) <= 62


@settings(max_examples=40)
@given(query=queries)
def test_the_address_of_a_report_asks_the_same_again(query: Query) -> None:
    asked = replace(query, metrics=tuple(name for name in METRICS if name in query.metrics))
    asked = replace(asked, chart=asked.metrics[-1], down=query.down if query.sort else False)
    again = query_of(asked.to_params(), today=TODAY, allowed=tuple(Dimension))
    assert again == asked


@settings(max_examples=40)
@given(query=queries)
def test_an_earlier_period_is_earlier_and_never_longer_than_it_needs_to_be(query: Query) -> None:
    before = query.earlier
    if before is not None:
        assert before.first <= before.last
        assert before.last < query.period.last
        begun = min(query.period.last, max(query.period.first, TODAY))
        if query.against is Against.BEFORE and not query.period.is_of_whole_months:
            assert plus_days(before.last, 1) == query.period.first
            assert before.days == Period(query.period.first, begun).days
        if query.against is Against.YEAR:
            assert before.first[:7] == plus_months(query.period.first[:7], -12)


@settings(max_examples=40)
@given(found=sums, count=st.integers(-3, 9))
def test_a_ratio_is_exact_and_there_is_none_of_nothing(found: dict[tuple[str, str], int], count: int) -> None:
    total = Sums()
    total.add({"clicks": count, "qftd": count, "registrations": 3}, found)
    for name in ("epc", "ecpa", "click_to_registration"):
        value = figure(name, total, "EUR")
        if count <= 0:
            assert value is None
        elif METRICS[name].kind is Kind.SHARE:
            assert value is not None
            assert abs(Decimal(3) / count - number_of(value)) <= Decimal("0.0000005")
        else:
            unit = Decimal("0.01") if isinstance(value, Money) else Decimal("0.0001")
            exact = Decimal(found.get(("earnings", "EUR"), 0)) / FINE / 100 / count
            assert abs(exact - number_of(value)) <= unit / 2


@settings(max_examples=40)
@given(found=facts, by=st.sampled_from([COHORT, *SOURCES, "partner"]), value=st.sampled_from(VALUES))
def test_what_clients_are_worth_adds_up_by_source_and_by_age(found: list[Fact], by: str, value: str) -> None:
    query = ValueQuery(by=by, first="2026-01", last="2026-10", through="2026-11", value=value)
    valued = tabulate_value(query, found)
    mine = [fact for fact in found if fact.cohort == "2026-03"]
    total = Sums()
    for fact in mine:
        total.add(fact.counts, fact.sums)
    assert same(valued.total.sums, total)
    assert same(added([row.sums for row in valued.rows]), total)
    if by == COHORT:
        assert [row.key for row in valued.rows] == [f"2026-{month:02d}" for month in range(1, 11)]
        for row in valued.rows:
            reached = [age for age in row.ages if age is not None]
            assert len(reached) == 12 - int(row.key[5:])
            if all(fact.day[:7] <= "2026-11" for fact in mine):
                assert same(added(reached), row.sums)
