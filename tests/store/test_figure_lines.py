"""Partners' months in lines: written once a day from the counters, and what a report of many says like one of few."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from introducer.domain.client import by_code
from introducer.domain.configuration import Campaign, DealRecord
from introducer.domain.errors import Invalid
from introducer.domain.money import FINE
from introducer.domain.promo_code import PromoCode
from introducer.domain.report_query import Dimension, query_of
from introducer.services.read_report import ReportBooks, Whose, read_report
from introducer.services.write_figures import write_figures
from introducer.store import keys
from introducer.store.configuration import Configuration
from introducer.store.event_counts import count_key
from introducer.store.figure_lines import FigureLine, FigureLines
from introducer.store.figures import Figures
from introducer.store.wire import to_wire
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

NOW = datetime(2026, 11, 30, 9, 12, 31, tzinfo=UTC)
PARTNERS = [Whose("par_1", "Aye", "mem_1"), Whose("par_2", "Bee", "mem_1"), Whose("par_3", "Cee", "")]


def counted(tables: Tables, partner: str, day: str, clicks: int, ftd: int, *, link: str = "link1") -> None:
    """What rollup and the engine leave of a day."""
    click = keys.key("click_count", partner=partner, month=day[:7], day=day, link=link)
    event = count_key(partner, day, link, "PL", "mobile", "", day[:7])
    numbers = {"clicks": clicks, "unique": clicks, "flagged": 1}
    money = {"deposits.EUR": ftd * 5000 * FINE + 1, "earnings.JPY": ftd * 7 * FINE, "ftd": ftd, "lots": 10**6}
    for item in (click.item() | numbers, event.item() | money):
        tables.client.put_item(TableName=tables.books, Item=to_wire(item))


def write(tables: Tables, now: datetime = NOW, partner: str = "par_1") -> int:
    return write_figures(FigureLines(tables.books), Figures(tables.books), brand="brd_1", partner=partner, now=now)


@pytest.mark.pattern("figures_of_brand")
@pytest.mark.pattern("figure_line_of_partner")
def test_a_month_in_a_line_reads_as_it_was_written(tables: Tables) -> None:
    lines = FigureLines(tables.books)
    assert lines.get("brd_1", "par_1", "2026-11") is None
    line = FigureLine(
        partner="par_1", month="2026-11", counted_at=NOW, days={"2026-11-03": {"clicks": 2, "deposits.EUR": 10**24}}
    )
    lines.put("brd_1", line)
    assert lines.get("brd_1", "par_1", "2026-11") == line
    assert lines.of_month("brd_1", "2026-11") == [line]
    assert lines.of_month("brd_1", "2026-10") == lines.of_month("brd_2", "2026-11") == []


def test_lines_are_written_once_a_day_and_all_months_anew_once_a_month(tables: Tables) -> None:
    lines = FigureLines(tables.books)
    counted(tables, "par_1", "2025-12-04", 3, 1)
    counted(tables, "par_1", "2026-10-31", 5, 0)
    # Of this month there is a line even without anything in it.
    assert write(tables) == 3
    assert lines.get("brd_1", "par_1", "2026-11") == FigureLine(partner="par_1", month="2026-11", counted_at=NOW)
    counted(tables, "par_1", "2026-11-30", 8, 1)
    assert write(tables, NOW + timedelta(hours=3)) == 0
    next_month = NOW + timedelta(days=1)
    counted(tables, "par_1", "2025-12-04", 3, 1, link="link2")
    assert write(tables, next_month) == 4
    old = lines.get("brd_1", "par_1", "2025-12")
    assert old is not None
    assert old.days["2025-12-04"]["clicks"] == 6
    assert write(tables, next_month + timedelta(days=1)) == 2
    # What was counted and is taken back goes out of its line too.
    event = count_key("par_1", "2026-11-30", "link1", "PL", "mobile", "", "2026-11")
    click = keys.key("click_count", partner="par_1", month="2026-11", day="2026-11-30", link="link1")
    for key in (event, click):
        tables.client.delete_item(TableName=tables.books, Key=to_wire(key.item()))
    assert write(tables, next_month + timedelta(days=2)) == 2
    emptied = lines.get("brd_1", "par_1", "2026-11")
    assert emptied is not None
    assert emptied.days == {}


def test_a_report_from_lines_says_what_one_from_counters_says(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    books = ReportBooks.of(tables.books)
    for number, whose in enumerate(PARTNERS, 1):
        for day in ("2026-09-30", "2026-10-01", "2026-10-17", "2026-11-02"):
            counted(tables, whose.partner, day, number * int(day[-2:]), number)
        write(tables, NOW + timedelta(hours=number - 1), whose.partner)
    # Another's line in the brand is none of theirs.
    counted(tables, "par_4", "2026-10-01", 1000, 1000)
    write(tables, partner="par_4")
    for rows in ("day", "week", "month", "partner", "manager"):
        asked = {"rows": rows, "from": "2026-10-01", "to": "2026-11-30", "against": "before"}
        query = query_of(asked, today="2026-11-30", allowed=tuple(Dimension))
        told = []
        for most in (300, 1):
            monkeypatch.setattr("introducer.services.read_report.BY_LINES", most)
            told.append(read_report(books, brand="brd_1", partners=PARTNERS, query=query))
            # A brand that no sweep has been over yet has no lines: its counters are read.
            assert read_report(books, brand="brd_2", partners=PARTNERS, query=query).total.sums.counts["clicks"] == 120
        counters, lines = told
        assert (counters.counted_at, lines.counted_at) == (None, NOW)
        assert counters.total.sums.counts["clicks"] == (1 + 17 + 2) * 6
        for one, other in zip((*counters.rows, counters.total), (*lines.rows, lines.total), strict=True):
            assert (one.key, one.sums.counts, one.sums.money) == (other.key, other.sums.counts, other.sums.money)
            assert one.before is not None
            assert other.before is not None
            assert (one.before.counts, one.before.money) == (other.before.counts, other.before.money)


def test_a_report_that_meets_too_many_counters_stops_with_a_way_out(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    for whose in PARTNERS:
        counted(tables, whose.partner, "2026-11-02", 1, 1)
    monkeypatch.setattr("introducer.services.read_report.AT_ONCE", 1)
    query = query_of({"rows": "country", "period": "this_month"}, today="2026-11-30")
    for most, refused in ((6, False), (4, False), (3, True)):
        monkeypatch.setattr("introducer.services.read_report.MOST_COUNTERS", most)
        with pytest.raises(Invalid) if refused else nullcontext():
            read_report(ReportBooks.of(tables.books), brand="brd_1", partners=PARTNERS, query=query)


class Codes(Configuration):
    """One promo code, which each of two partners had for a campaign of its own."""

    def promo_code(self, brand: str, code: str) -> list[PromoCode]:
        return [
            PromoCode(
                code=code, number=number, brand=brand, partner=whose.partner, campaign=f"cmp_{number}", starts_at=NOW,
                ends_at=None, given_at=NOW, given_by="mem_1",
            )
            for number, whose in enumerate(PARTNERS[:2], 1)
        ]  # fmt: skip

    def campaigns(self, brand: str) -> list[Campaign]:
        return []


def test_a_code_that_passed_on_counts_for_each_partner_under_its_own_campaign(tables: Tables) -> None:
    for number, whose in enumerate(PARTNERS[:2], 1):
        counted(tables, whose.partner, "2026-11-02", 0, number, link=by_code("SUMMER"))
    books = replace(ReportBooks.of(tables.books), configuration=Codes(tables.books))
    query = query_of({"rows": "campaign", "period": "this_month", "metrics": "ftd"}, today="2026-11-30")
    report = read_report(books, brand="brd_1", partners=PARTNERS[:2], query=query)
    assert {row.key: row.sums.counts["ftd"] for row in report.rows} == {"cmp_1": 1, "cmp_2": 2}


class Deals(Codes):
    """A deal since October, and two for the tenth of November, of which the later one prices; another only offered."""

    def deals(self, partner: str) -> list[DealRecord]:
        return [
            DealRecord(
                partner=partner, version=version, valid_from=datetime.fromisoformat(f"{day}T00:00:00+00:00"),
                accepted_at=None if version == 4 else NOW, terms="{}", terms_hash="",
            )
            for version, day in ((1, "2026-10-01"), (2, "2026-11-10"), (3, "2026-11-10"), (4, "2026-11-11"))
        ]  # fmt: skip


def test_a_day_belongs_to_the_deal_that_was_in_force_when_it_began(tables: Tables) -> None:
    for number, day in enumerate(("2026-09-30", "2026-10-01", "2026-11-09", "2026-11-10", "2026-11-12")):
        counted(tables, "par_1", day, 0, 10**number)
    books = replace(ReportBooks.of(tables.books), configuration=Deals(tables.books))
    query = query_of({"rows": "deal", "from": "2026-09-01", "to": "2026-11-30", "metrics": "ftd"}, today="2026-11-30")
    report = read_report(books, brand="brd_1", partners=PARTNERS[:1], query=query)
    assert {report.names.get(row.key, ""): row.sums.counts["ftd"] for row in report.rows} == {
        "": 1, "1": 110, "3": 11000,
    }  # fmt: skip
