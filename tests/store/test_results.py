"""Partners' results in a line: what they are made from, and how they are read back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.deal import Basis
from introducer.domain.results import ResultLine, TierPlace
from introducer.services.write_results import write_results
from introducer.store.click_counts import ClickCount, ClickCounts, Span
from introducer.store.event_counts import EventCounts, count_key
from introducer.store.results import Results
from introducer.store.wire import to_wire
from tests.conftest import Tables
from tests.support.builders import BRAND, a_click, an_event, at, cpa, revshare, terms
from tests.support.case_world import PARTNER, CaseWorld

pytestmark = pytest.mark.in_memory

LINE = ResultLine(
    partner="par_#1", day="2026-11-29", ftd_7=1, ftd_30=4, ftd_prev_28=2, qftd_30=1, clicks_30=90,
    net_revenue_30={"EUR": -120, "USD": 5}, last_active_day="2026-11-28", joined="2026-01-01", language="th",
    deal_kinds=("cpa", "lot"), tier=TierPlace(Basis.QFTD, 1, 3, 4, 10),
)  # fmt: skip


def a_click_on(tables: Tables, day: str, number: int = 5) -> None:
    span = Span("0" * 39 + "1", "0" * 39 + "2")
    assert ClickCounts(tables.books).add(
        ClickCount(PARTNER, day, "LinkAAAA", clicks=number, unique=1, flagged=0), {0: span}
    )


@pytest.mark.pattern("results_of_brand")
@pytest.mark.pattern("results_of_partner")
def test_lines_are_kept_by_partner_and_read_back_whole(tables: Tables) -> None:
    results = Results(tables.books)
    assert results.line("brd_r", LINE.partner) is None
    bare = ResultLine(partner="par_2", day="2026-11-29")
    money = replace(bare, partner="par_3", tier=TierPlace(Basis.NET_REVENUE, 0, 1, 99_999, 100_000, "EUR"))
    for line in (bare, LINE, LINE, money):
        results.put("brd_r", line)
    assert results.of_brand("brd_r") == [LINE, bare, money]
    assert results.line("brd_r", LINE.partner) == LINE
    assert results.of_brand("brd_other") == []


def test_a_line_is_written_from_what_is_counted(tables: Tables) -> None:
    # given a client of November that paid in, on a deal with two kinds of rules
    deal = terms(cpa("100.00", min_deposit="10.00", within_hours=72), revshare("30"), days=20)
    world = CaseWorld(tables, deal)
    world.client("c1", "2026-11-25")
    a_click_on(tables, "2026-11-25")
    results = Results(tables.books)
    # when the line is written, twice
    lines = [write_results(results, world.books, partner=PARTNER, now=world.now) for _ in range(2)]
    # then it says what the counters do, once
    assert lines[0] == lines[1] == results.line(BRAND, PARTNER)
    line = lines[0]
    assert (line.day, line.clicks_30, line.ftd_30, line.ftd_7, line.ftd_prev_28) == ("2026-12-02", 5, 1, 1, 0)
    assert line.deal_kinds == ("cpa", "revshare") and line.tier is None
    assert line.last_active_day == "2026-11-25"


BORDERS = {
    # The moment of a first deposit, and what it counts in when the line is written on 2 December at 09:00 UTC: the
    # last thirty days, today among them; the seven whole days before today; the four weeks before those.
    "2026-10-27 23:59:59": (0, 0, 0),
    "2026-10-28 00:00:00": (0, 0, 1),
    "2026-11-02 23:59:59": (0, 0, 1),
    "2026-11-03 00:00:00": (1, 0, 1),
    "2026-11-24 23:59:59": (1, 0, 1),
    "2026-11-25 00:00:00": (1, 1, 0),
    "2026-12-01 23:59:59": (1, 1, 0),
    "2026-12-02 00:00:00": (1, 0, 0),
}


def test_what_the_engine_counted_at_the_borders_of_days_is_what_a_hand_computes(tables: Tables) -> None:
    # given a client for each border, through the engine: what it counts, `introducer verify` compares with the facts
    deal = terms(cpa("100.00", min_deposit="10.00", within_hours=72), revshare("30"), days=20)
    world = CaseWorld(tables, deal)
    for number, moment in enumerate(BORDERS):
        when, client = at(moment), f"c{number}"
        world.applies(
            an_event("registration", when - timedelta(hours=2), client=client,
                     click_id=a_click(when - timedelta(hours=3), number=number)),
            an_event("deposit", when, client=client, amount="50.00"),
            an_event("trade", when, client=client, lots="1", spread=f"{number}.50"),
        )  # fmt: skip
    # and a deposit of the last week that was charged back today
    world.applies(an_event("chargeback", at("2026-12-02 08:00"), client="c6", amount="50.00"))

    line = write_results(Results(tables.books), world.books, partner=PARTNER, now=at("2026-12-02 09:00"))

    month, week, before = (sum(each) for each in zip(*BORDERS.values(), strict=True))
    assert (line.ftd_30, line.ftd_7, line.ftd_prev_28) == (month, week, before)
    # spreads of the clients of the thirty days: 3.50, 4.50, 5.50, 6.50 and 7.50
    assert line.net_revenue_30 == {"EUR": 2_750}
    counted = list(EventCounts(tables.books).month(PARTNER, "2026-11"))
    assert sum(each.counts.get("ftd", 0) for each in counted) == sum("-11-" in moment for moment in BORDERS)
    assert line.trend == 100 * (4 * week - before) // before


def test_the_oldest_day_counts_though_it_is_the_only_one_of_its_month(tables: Tables) -> None:
    # given a line of 5 December: its four weeks begin on 31 October
    world = CaseWorld(tables)
    for day in ("2026-10-30", "2026-10-31"):
        item = {**count_key(PARTNER, day, "LINK0001").item(), "ftd": 1}
        tables.client.put_item(TableName=tables.books, Item=to_wire(item))

    line = write_results(Results(tables.books), world.books, partner=PARTNER, now=at("2026-12-05 09:00"))

    assert (line.ftd_prev_28, line.last_active_day) == (1, "2026-10-31")


def test_of_tiers_it_says_how_far_the_month_is(tables: Tables) -> None:
    tiers = {"by": "qftd", "mode": "retroactive", "bands": [{"from": "1", "add": "5.00"}, {"from": "5", "add": "9.00"}]}
    world = CaseWorld(tables, terms({**cpa("10.00"), "tiers": tiers}, days=20))
    world.client("c1", "2026-12-01")
    line = write_results(Results(tables.books), world.books, partner=PARTNER, now=world.now)
    assert line.tier == TierPlace(Basis.QFTD, 1, 2, 1, 5)


def test_a_first_line_finds_activity_of_months_ago_and_later_ones_keep_it(tables: Tables) -> None:
    world = CaseWorld(tables)
    a_click_on(tables, "2026-05-17")
    results = Results(tables.books)
    first = write_results(results, world.books, partner=PARTNER, now=world.now)
    later = write_results(results, world.books, partner=PARTNER, now=at("2026-12-20 00:00"))
    assert first.last_active_day == later.last_active_day == "2026-05-17"
    assert later.dormant_days("2026-12-20") == 217
