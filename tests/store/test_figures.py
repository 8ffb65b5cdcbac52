"""Figures: counters told apart by where clicks and clients came from."""

from __future__ import annotations

from typing import Any

import pytest

from introducer.domain.counts import OTHER_SUB
from introducer.store import keys
from introducer.store.click_counts import ClickCount, ClickCounts, Span, position
from introducer.store.event_counts import EventCounts, count_key
from introducer.store.figures import (
    NO_SUB,
    NOWHERE,
    UNKNOWN,
    Cell,
    ClickCell,
    CohortCell,
    Dimension,
    Figures,
)
from introducer.store.sub_names import SubNames
from introducer.store.wire import to_wire
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

PARTNER, LINK, DAY = "par_01", "link0001", "2026-03-02"


def put(tables: Tables, key: keys.Key, **numbers: int) -> None:
    tables.client.put_item(TableName=tables.books, Item=to_wire({**key.item(), **numbers}))


def clicked(tables: Tables, day: str = DAY, link: str = LINK, **by: tuple[tuple[str, int, int, int], ...]) -> None:
    count = ClickCount(PARTNER, day, link, clicks=10, unique=8, flagged=3, by=by)
    assert ClickCounts(tables.books).add(count, {0: Span(position("1"), position("2"))})


def numbers(cells: list[ClickCell]) -> dict[str, tuple[int, int, int]]:
    return {each.value: (each.clicks, each.unique, each.flagged) for each in cells}


def test_clicks_are_told_apart_and_add_up_to_the_whole(tables: Tables) -> None:
    newsletter = SubNames(tables.books).number(PARTNER, LINK, "newsletter")
    clicked(
        tables,
        country=(("DE", 6, 5, 1), ("TH", 1, 1, 0)),
        device=(("desktop", 4, 3, 0), ("mobile", 6, 5, 0), ("other", 0, 0, 3)),
        sub1=((newsletter, 5, 4, 0), (OTHER_SUB, 2, 2, 1)),
    )
    month = Figures(tables.books).read(PARTNER, "2026-03")
    assert numbers(month.clicks_by(Dimension.COUNTRY)) == {"DE": (6, 5, 1), "TH": (1, 1, 0), NOWHERE: (3, 2, 2)}
    assert numbers(month.clicks_by(Dimension.DEVICE)) == {
        "desktop": (4, 3, 0), "mobile": (6, 5, 0), "other": (0, 0, 3),
    }  # fmt: skip
    assert numbers(month.clicks_by(Dimension.SUB1)) == {
        "newsletter": (5, 4, 0),
        OTHER_SUB: (2, 2, 1),
        NO_SUB: (3, 2, 2),
    }


def test_clicks_that_were_counted_before_stand_where_nothing_is_known(tables: Tables) -> None:
    put(tables, keys.key("click_count", partner=PARTNER, month="2026-03", day=DAY, link=LINK), clicks=4, unique=2,
        flagged=1, at_0=1)  # fmt: skip
    figures = Figures(tables.books)
    found = {each.value: numbers for each in Dimension for numbers in [figures.clicks_by(PARTNER, "2026-03", each)]}
    assert {name: [(each.value, each.clicks, each.flagged) for each in cells] for name, cells in found.items()} == {
        "country": [(NOWHERE, 4, 1)],
        "device": [(UNKNOWN, 4, 1)],
        "sub1": [(NO_SUB, 4, 1)],
    }


def test_a_counter_of_which_nobody_knows_the_source_stands_where_it_stood_before_sources_were() -> None:
    before = keys.Key(f"P#{PARTNER}#N#{DAY[:7]}", f"{DAY}#events#{LINK}")
    assert count_key(PARTNER, DAY, LINK) == before
    assert count_key(PARTNER, DAY, LINK, cohort="2026-02").sk.startswith(f"{before.sk}#")


@pytest.mark.pattern("unsaid_counts_of_month")
def test_what_clients_did_is_a_cell_for_each_source_and_one_for_what_nobody_knows(tables: Tables) -> None:
    # given a value of sub1 that has a name, and one whose name was taken away
    names = SubNames(tables.books)
    assert [names.number(PARTNER, LINK, each) for each in ("newsletter", "ann")] == ["0", "1"]
    tables.client.update_item(
        TableName=tables.books,
        Key=to_wire(keys.key("sub_names", partner=PARTNER, link=LINK).item()),
        UpdateExpression="REMOVE v_ann",
    )
    put(tables, count_key(PARTNER, DAY, LINK, "DE", "mobile", "0", "2026-02"), ftd=1, lots=50, **{"deposits.EUR": 9})
    put(tables, count_key(PARTNER, DAY, LINK, "DE", "mobile", "1", "2026-02"), kyc=1)
    put(tables, count_key(PARTNER, DAY, LINK), ftd=2, **{"deposits.EUR": 1})
    put(tables, count_key(PARTNER, "2026-04-01", LINK, "DE"), ftd=100)
    # when
    cells = Figures(tables.books).month(PARTNER, "2026-03")
    # then
    assert sorted(cells, key=lambda each: (each.country, each.sub1)) == [
        Cell(DAY, LINK, "DE", "mobile", "newsletter", "2026-02", {"ftd": 1, "lots": 50}, {("deposits", "EUR"): 9}),
        Cell(DAY, LINK, "DE", "mobile", OTHER_SUB, "2026-02", {"kyc": 1}, {}),
        Cell(DAY, LINK, NOWHERE, UNKNOWN, NO_SUB, "", {"ftd": 2}, {("deposits", "EUR"): 1}),
    ]
    # and who does not ask what values are called is told everything else
    (unnamed,) = [
        each for each in Figures(tables.books).read(PARTNER, "2026-03", named=False).cells if each.counts.get("lots")
    ]
    assert (unnamed.sub1, unnamed.counts["ftd"]) == (OTHER_SUB, 1)
    # and who asks by day and link alone is told the whole, without lots
    (whole,) = EventCounts(tables.books).month(PARTNER, "2026-03")
    assert (whole.day, whole.link, whole.counts, whole.sums) == (DAY, LINK, {"ftd": 3, "kyc": 1},
                                                                 {("deposits", "EUR"): 10})  # fmt: skip


def test_cohorts_are_months_of_registration_over_months(tables: Tables) -> None:
    def did(day: str, cohort: str, device: str = "mobile", **what: Any) -> None:
        put(tables, count_key(PARTNER, day, LINK, "DE", device, "", cohort), **what)

    did("2026-02-10", "2026-02", registrations=2)
    did("2026-03-01", "2026-02", **{"net_revenue.EUR": 5})
    did("2026-03-31", "2026-02", **{"net_revenue.EUR": -2})
    did("2026-03-31", "2026-02", "desktop", **{"net_revenue.EUR": 1})
    did("2026-03-31", "2026-03", registrations=1)
    found = Figures(tables.books).cohorts(PARTNER, ["2026-02", "2026-03"])
    assert found == [
        CohortCell("2026-02", "2026-02", LINK, "DE", "mobile", "", {"registrations": 2}),
        CohortCell("2026-02", "2026-03", LINK, "DE", "desktop", "", {}, {("net_revenue", "EUR"): 1}),
        CohortCell("2026-02", "2026-03", LINK, "DE", "mobile", "", {}, {("net_revenue", "EUR"): 3}),
        CohortCell("2026-03", "2026-03", LINK, "DE", "mobile", "", {"registrations": 1}),
    ]
