"""What closed months must say: each statement made again from the journals of its month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.rows import MonthOf
from introducer.domain.statement import CurrencyTotals, Statement, Total, make_statement
from introducer.services.verify.amounts import money
from introducer.services.verify.books_side import BooksSide
from introducer.services.verify.report import Difference, Kind
from introducer.store import keys
from introducer.store.scans import place


def statement_differences(books: BooksSide) -> Iterator[Difference]:
    """Where a statement is not what the journals make, or a partner's books are closed through another month.

    Each opens with what the one before closed with, and what was posted in the months between: so a wrong one is named,
    and not all that come after it.
    """
    closed: dict[str, list[str]] = defaultdict(list)
    for partner, month in sorted(books.statements):
        closed[partner].append(month)
    posted: dict[str, list[str]] = defaultdict(list)
    for partner, month in sorted(books.made):
        posted[partner].append(month)
    for partner in sorted(closed.keys() | books.frozen.keys()):
        yield from _frozen(books, partner, closed[partner])
        before: Statement | None = None
        for month in closed[partner]:
            opening = _opening(books, partner, month, posted[partner], before)
            before = books.statements[partner, month]
            yield from _compare(books, (partner, month), _made(books, (partner, month), opening), before)
    for brand, month in sorted(books.closes):
        yield from _close(books, brand, month)


def _close(books: BooksSide, brand: str, month: str) -> Iterator[Difference]:
    """What a closed month of a brand came to is what the statements of its partners say."""
    those = [
        each for each in books.statements.values() if (books.brands.get(each.partner), each.month) == (brand, month)
    ]
    sums: dict[str, int] = defaultdict(int)
    for statement in those:
        for totals in statement.totals:
            sums[totals.currency] += totals.earned + totals.for_earlier
    found = books.closes[brand, month]
    values = {
        "partners": (str(len(those)), str(found.partners)),
        "entries": (str(sum(each.entries for each in those)), str(found.entries)),
    }
    for currency in sorted(sums.keys() | found.sums.keys()):
        amounts = sums.get(currency, 0), found.sums.get(currency, 0)
        values[currency] = money(amounts[0], currency), money(amounts[1], currency)
    where = place(keys.BOOKS, keys.key("month_close", brand=brand, month=month))
    for name, (should, says) in values.items():
        if should != says:
            yield Difference(Kind.STATEMENT, f"{brand} in {month}: {name}", should, says, where)


def _frozen(books: BooksSide, partner: str, closed: list[str]) -> Iterator[Difference]:
    """Nothing may be posted any more through the last month with a statement; a close that stopped leaves a month that
    is shut and has none."""
    expected, found = max(closed, default="none"), books.frozen.get(partner, "none")
    if expected != found:
        where = place(keys.BOOKS, keys.key("balance", partner=partner))
        yield Difference(Kind.STATEMENT, f"{partner}: the last closed month", expected, found, where)


def _opening(
    books: BooksSide, partner: str, month: str, posted: list[str], before: Statement | None
) -> Mapping[str, int]:
    sums: dict[str, int] = defaultdict(int)
    if before is not None:
        sums.update({totals.currency: totals.closing for totals in before.totals})
    for each in posted:
        if each < month and (before is None or before.month < each):
            for totals in books.made[partner, each].totals:
                sums[totals.currency] += totals.closing
    return sums


def _made(books: BooksSide, month_of: MonthOf, opening: Mapping[str, int]) -> Statement:
    made = books.made.get(month_of) or make_statement(*month_of, {}, (), from_milliseconds(0))
    own = {totals.currency: totals for totals in made.totals}
    return replace(
        made,
        totals=tuple(
            replace(own.get(currency, _nothing(currency)), opening=opening.get(currency, 0))
            for currency in sorted({*opening, *own})
        ),
    )


def _nothing(currency: str) -> CurrencyTotals:
    return CurrencyTotals(currency=currency, opening=0, rules=(), earlier=())


def _compare(books: BooksSide, month_of: MonthOf, made: Statement, found: Statement) -> Iterator[Difference]:
    if made.says_the_same(found):
        return
    partner, month = month_of
    where = place(keys.BOOKS, keys.key("statement", partner=partner, month=month))

    def differ(what: str, expected: str, found: str) -> Difference:
        return Difference(Kind.STATEMENT, f"{partner} in {month}: {what}", expected, found, where)

    if made.entries != found.entries:
        yield differ("number of its entries", str(made.entries), str(found.entries))
    if made.digest != found.digest:
        yield differ("digest of its entries", made.digest, found.digest)
        at, journal = books.newest.get(month_of, (0, ""))
        if at > milliseconds(found.closed_at):
            # What the month holds is not what it held when it was closed, and this came later.
            yield differ(
                f"the last posting, {journal}", f"before {_moment(milliseconds(found.closed_at))}", _moment(at)
            )
    should = {totals.currency: totals for totals in made.totals}
    says = {totals.currency: totals for totals in found.totals}
    for currency in sorted(should.keys() | says.keys()):
        one, other = (each.get(currency, _nothing(currency)) for each in (should, says))
        if one.opening != other.opening:
            yield differ(f"{currency} opening", money(one.opening, currency), money(other.opening, currency))
        for name, totals, others in (("", one.rules, other.rules), ("for ", one.earlier, other.earlier)):
            expected, told = _by_name(totals), _by_name(others)
            for of in sorted(expected.keys() | told.keys()):
                (amount, entries), (said, number) = expected.get(of, (0, 0)), told.get(of, (0, 0))
                if (amount, entries) != (said, number):
                    yield differ(
                        f"{currency} {name}{of}",
                        f"{money(amount, currency)} in {entries}",
                        f"{money(said, currency)} in {number}",
                    )


def _by_name(totals: tuple[Total, ...]) -> dict[str, tuple[int, int]]:
    return {total.of: (total.amount, total.entries) for total in totals}


def _moment(at_ms: int) -> str:
    return from_milliseconds(at_ms).isoformat(timespec="milliseconds")
