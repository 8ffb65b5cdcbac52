"""Freezing months, statements, and a brand's closed months, asked of real tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from introducer.domain.configuration import Brand, Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.statement import CurrencyTotals, MonthClose, Statement, Total
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.statements import Statements
from tests.conftest import Tables
from tests.support.closing import PARTNER, a_journal, post

NOW = datetime(2026, 4, 5, 2, 0, 0, 123_000, tzinfo=UTC)
CHANGE = Change(by="mem_1", at=NOW, why="March is done", origin="test")
STATEMENT = Statement(
    partner=PARTNER,
    month="2026-03",
    totals=(
        CurrencyTotals(
            currency="EUR",
            opening=-150,
            rules=(Total(of="cpa", amount=20_000, entries=1), Total(of="revshare", amount=31, entries=2)),
            earlier=(Total(of="2026-01", amount=-600, entries=1),),
        ),
        CurrencyTotals(currency="JPY", opening=0, rules=(Total(of="lot", amount=10**14, entries=3),), earlier=()),
    ),
    entries=7,
    digest="ab" * 32,
    closed_at=NOW,
)
CLOSE = MonthClose(brand="brd_1", month="2026-03", began_at=NOW, began_by="mem_1")


@pytest.fixture
def statements(tables: Tables) -> Statements:
    return Statements(tables.books)


class TestFreezing:
    def test_a_frozen_month_takes_no_journal_and_the_next_one_does(
        self, tables: Tables, statements: Statements
    ) -> None:
        post(tables, a_journal(100, "2026-03"))
        statements.freeze(PARTNER, "2026-03")

        for month in ("2026-02", "2026-03"):
            with pytest.raises(Conflict):
                post(tables, a_journal(7, month, client="late"))
        post(tables, a_journal(7, "2026-04", earned="2026-03", client="late"))

        balance = Ledger(tables.books).balance(PARTNER)
        assert balance.earned == {("EUR", "2026-03"): 107}
        assert balance.frozen_through == "2026-03"

    def test_freezing_again_or_an_earlier_month_changes_nothing(self, tables: Tables, statements: Statements) -> None:
        for month in ("2026-03", "2026-03", "2026-01", "2025-12"):
            statements.freeze(PARTNER, month)
            assert Ledger(tables.books).balance(PARTNER).frozen_through == "2026-03"
        statements.freeze(PARTNER, "2026-04")
        assert Ledger(tables.books).balance(PARTNER).frozen_through == "2026-04"

    def test_a_partner_without_a_balance_is_frozen_too(self, tables: Tables, statements: Statements) -> None:
        statements.freeze(PARTNER, "2026-03")

        balance = Ledger(tables.books).balance(PARTNER)
        assert (balance.currencies(), balance.amounts, balance.frozen_through) == ([], {}, "2026-03")
        with pytest.raises(Conflict):
            post(tables, a_journal(7, "2026-03"))
        post(tables, a_journal(7, "2026-04", earned="2026-03"))


@pytest.mark.pattern("statement_of_month")
class TestStatementOfMonth:
    def test_a_statement_comes_back_as_it_was_put(self, statements: Statements) -> None:
        assert statements.get(PARTNER, "2026-03") is None
        assert statements.put(STATEMENT) == STATEMENT
        assert statements.get(PARTNER, "2026-03") == STATEMENT
        assert statements.get("par_other", "2026-03") is None

    def test_a_statement_is_put_once(self, tables: Tables, statements: Statements) -> None:
        statements.put(STATEMENT)
        stood = tables.items(tables.books)

        assert statements.put(replace(STATEMENT, entries=8)) == STATEMENT
        assert tables.items(tables.books) == stood


@pytest.mark.pattern("statements_of_partner")
def test_statements_come_newest_first_page_by_page(statements: Statements) -> None:
    months = [f"2025-{number:02d}" for number in range(9, 13)] + [f"2026-{number:02d}" for number in range(1, 4)]
    for month in months:
        statements.put(replace(STATEMENT, month=month))
    statements.put(replace(STATEMENT, partner="par_other"))

    first = statements.of_partner(PARTNER, limit=4)
    second = statements.of_partner(PARTNER, first.cursor, limit=4)

    assert [each.month for each in (*first.items, *second.items)] == months[::-1]
    assert (len(first.items), second.cursor) == (4, None)
    assert [each.month for each in statements.of_partner(PARTNER, before="2026-01", limit=1).items] == ["2025-12"]
    assert statements.of_partner(PARTNER, before="2025-09").items == ()


@pytest.mark.pattern("close_of_month")
class TestCloseOfMonth:
    def test_who_began_and_who_closed_is_kept_and_on_record(self, tables: Tables) -> None:
        books = Configuration(tables.books)
        with pytest.raises(NotFound):
            books.month_close("brd_1", "2026-03")
        books.begin_month_close(CLOSE, CHANGE)
        assert books.month_close("brd_1", "2026-03") == CLOSE

        closed = replace(
            CLOSE, closed_at=NOW, closed_by="mem_2", partners=3, entries=9, sums={"EUR": -5, "JPY": 10**14}
        )
        books.finish_month_close(closed, replace(CHANGE, by="mem_2"))

        assert books.month_close("brd_1", "2026-03") == closed
        records = books.audit_of_subject("brd_1").items
        assert {(record.action, record.by, record.why) for record in records} == {
            ("begin_month_close", "mem_1", "March is done"),
            ("close_month", "mem_2", "March is done"),
        }

    def test_a_month_is_begun_once_and_closed_once(self, tables: Tables) -> None:
        books = Configuration(tables.books)
        closed = replace(CLOSE, closed_at=NOW, closed_by="mem_2", sums={})
        with pytest.raises(Conflict):
            books.finish_month_close(closed, CHANGE)
        books.begin_month_close(CLOSE, CHANGE)
        with pytest.raises(Conflict):
            books.begin_month_close(replace(CLOSE, began_by="mem_9"), replace(CHANGE, by="mem_9"))
        books.finish_month_close(closed, CHANGE)
        with pytest.raises(Conflict):
            books.finish_month_close(replace(closed, partners=4), replace(CHANGE, by="mem_9"))

        assert books.month_close("brd_1", "2026-03") == closed
        assert len(books.audit_of_subject("brd_1").items) == 2


@pytest.mark.pattern("months_of_brand")
def test_a_brands_months_come_newest_first_page_by_page(tables: Tables) -> None:
    books = Configuration(tables.books)
    for number in range(1, 6):
        books.begin_month_close(replace(CLOSE, month=f"2026-0{number}"), CHANGE)
    books.begin_month_close(replace(CLOSE, brand="brd_2"), CHANGE)

    first = books.months_of_brand("brd_1", limit=3)
    second = books.months_of_brand("brd_1", first.cursor, limit=3)

    assert [each.month for each in first.items] == ["2026-05", "2026-04", "2026-03"]
    assert [each.month for each in second.items] == ["2026-02", "2026-01"]
    assert second.cursor is None


@pytest.mark.pattern("brands")
def test_all_brands_are_found_page_by_page(tables: Tables) -> None:
    books = Configuration(tables.books)
    assert books.brands().items == ()
    for number in range(5):
        brand = Brand(
            brand=f"brd_{number}", name=f"Brand {number}", domain=f"brand{number}.example", base_currency="EUR",
            fallback_url="https://www.brand.example/", created=NOW,
        )  # fmt: skip
        books.open_brand(brand, CHANGE)

    first = books.brands(limit=3)
    second = books.brands(first.cursor, limit=3)

    assert sorted(each.brand for each in (*first.items, *second.items)) == [f"brd_{number}" for number in range(5)]
    assert (len(first.items), second.cursor) == (3, None)
