"""Which months of a partner are closed, and what does the statement of one say?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.errors import NotFound
from introducer.domain.money import Money
from introducer.domain.statement import CurrencyTotals, Statement
from introducer.store.paging import Page
from introducer.store.statements import Statements


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedMonth:
    """A closed month in one currency; a month of several has one of these for each."""

    month: str
    opening: Money
    earned: Money
    """For this month."""
    for_earlier: Money
    """For earlier months, posted in this one."""
    closing: Money
    entries: int
    """Of the month, in all currencies."""
    closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One line of a statement: `opening`, `rule`, `earlier` or `closing`."""

    line: str
    of: str | None
    """The kind of rule, or the earlier month it is for."""
    entries: int | None
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementOfMonth:
    """A statement as its partner reads it. Per currency, the lines from `opening` on add up to `closing`."""

    month: str
    closed_at: datetime
    entries: int
    digest: str
    """Names the entries and amounts that were added up."""
    lines: tuple[StatementLine, ...]


def read_statements_of_partner(
    statements: Statements, *, partner: str, currency: str, before: str | None, limit: int
) -> Page[ClosedMonth]:
    """A page of `limit` closed months, the newest first. `currency` is what the partner is paid in: a month without
    money shows nothing in that."""
    page = statements.of_partner(partner, before, limit)
    return Page(
        tuple(
            ClosedMonth(
                month=statement.month,
                opening=Money(totals.opening, totals.currency),
                earned=Money(totals.earned, totals.currency),
                for_earlier=Money(totals.for_earlier, totals.currency),
                closing=Money(totals.closing, totals.currency),
                entries=statement.entries,
                closed_at=statement.closed_at,
            )
            for statement in page.items
            for totals in _totals(statement, currency)
        ),
        page.cursor,
    )


def read_statement(statements: Statements, *, partner: str, currency: str, month: str) -> StatementOfMonth:
    """The statement of a closed month. Raises `NotFound` (code `month_not_closed`)."""
    statement = statements.get(partner, month)
    if statement is None:
        raise NotFound("There is no statement of this month: it is not closed.", code="month_not_closed")
    return StatementOfMonth(
        month=statement.month,
        closed_at=statement.closed_at,
        entries=statement.entries,
        digest=statement.digest,
        lines=tuple(line for totals in _totals(statement, currency) for line in _lines(totals)),
    )


def _totals(statement: Statement, currency: str) -> tuple[CurrencyTotals, ...]:
    """By currency, the partner's own first; there is always at least one."""
    found = statement.totals or (CurrencyTotals(currency=currency, opening=0, rules=(), earlier=()),)
    return tuple(sorted(found, key=lambda totals: (totals.currency != currency, totals.currency)))


def _lines(totals: CurrencyTotals) -> Iterator[StatementLine]:
    def line(kind: str, amount: int, of: str | None = None, entries: int | None = None) -> StatementLine:
        return StatementLine(line=kind, of=of, entries=entries, amount=Money(amount, totals.currency))

    yield line("opening", totals.opening)
    for total in totals.rules:
        yield line("rule", total.amount, total.of, total.entries)
    for total in totals.earlier:
        yield line("earlier", total.amount, total.of, total.entries)
    yield line("closing", totals.closing)
