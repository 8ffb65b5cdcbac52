"""Counters of clicks and of intake: added once, read by day."""

from __future__ import annotations

import pytest

from introducer.domain.errors import Unavailable
from introducer.store.click_counts import ClickCount, ClickCounts, Span, position
from introducer.store.intake_days import IntakeDay, IntakeDays
from tests.conftest import Tables

DAY = "2026-03-02"


@pytest.fixture
def books(tables: Tables) -> str:
    """The name of an empty table of this test's own."""
    return tables.books


def span(first: int, last: int) -> Span:
    return Span(position(str(first)), position(str(last)))


def a_count(link: str = "link0001", day: str = DAY, partner: str = "par_01", clicks: int = 1) -> ClickCount:
    return ClickCount(partner, day, link, clicks=clicks, unique=1, flagged=2)


@pytest.mark.pattern("counts_of_day")
def test_a_partners_clicks_of_a_day_are_read_by_link(books: str) -> None:
    counts = ClickCounts(books)
    wanted = [a_count("link0001"), a_count("link0002", clicks=7)]
    for count in [*wanted, a_count(day="2026-03-01"), a_count(day="2026-03-20"), a_count(partner="par_02")]:
        assert counts.add(count, {0: span(1, 2)})
    assert counts.day("par_01", DAY) == wanted
    assert [count.day for count in counts.month("par_01", "2026-03")] == ["2026-03-01", DAY, DAY, "2026-03-20"]


def test_what_is_counted_in_part_is_refused_whole(books: str) -> None:
    counts = ClickCounts(books)
    assert counts.add(a_count(clicks=5), {0: span(10, 20)})
    # when a span begins at, within or before what is counted
    refused = [counts.add(a_count(), {0: span(*pair)}) for pair in ((20, 25), (15, 25), (1, 5), (10, 20))]
    # or only one of two does
    refused += [counts.add(a_count(), {0: span(21, 25), 1: span(1, 2)})]
    assert refused == [False, False, False, False, True]
    assert counts.add(a_count(), {0: span(26, 27), 1: span(2, 3)}) is False
    assert counts.positions("par_01", DAY, "link0001") == {0: position("25"), 1: position("2")}
    assert counts.day("par_01", DAY)[0].clicks == 6


@pytest.mark.pattern("intake_of_source")
def test_a_sources_days_say_what_waits(books: str) -> None:
    days = IntakeDays(books)
    for day, accepted, applied in (("2026-03-02", 5, 2), ("2026-03-01", 4, 4)):
        assert days.add(IntakeDay("meta", day), IntakeDay("meta", day, accepted, applied, 1, "mark"))
    assert days.add(IntakeDay("other", "2026-03-01"), IntakeDay("other", "2026-03-01", 9, marks="mark"))
    found = [(day.day, day.accepted, day.applied, day.quarantined, day.waiting) for day in days.of_source("meta")]
    assert found == [("2026-03-01", 4, 4, 1, 0), ("2026-03-02", 5, 2, 1, 3)]
    assert days.of_source("nobody") == []


def test_a_day_that_another_has_changed_is_not_added_to(books: str) -> None:
    days = IntakeDays(books)
    unseen = days.get("meta", DAY)
    assert days.add(unseen, IntakeDay("meta", DAY, 1, marks="first"))
    # when somebody adds to the day as it was before
    assert days.add(unseen, IntakeDay("meta", DAY, 1, marks="second")) is False
    seen = days.get("meta", DAY)
    assert days.add(seen, IntakeDay("meta", DAY, 1, 1, marks="third"))
    assert days.add(seen, IntakeDay("meta", DAY, 1, 1, marks="fourth")) is False
    assert days.get("meta", DAY) == IntakeDay("meta", DAY, accepted=2, applied=1, marks="third")


def test_a_store_that_does_not_answer_is_unavailable(tables: Tables) -> None:
    counts, days = ClickCounts("no-such-table"), IntakeDays("no-such-table")
    for ask in (
        lambda: counts.add(a_count(), {0: span(1, 1)}),
        lambda: counts.positions("par_01", DAY, "link0001"),
        lambda: counts.day("par_01", DAY),
        lambda: days.get("meta", DAY),
        lambda: days.add(IntakeDay("meta", DAY), IntakeDay("meta", DAY, 1, marks="m")),
        lambda: days.of_source("meta"),
    ):
        with pytest.raises(Unavailable):
            ask()
