"""What partners' months must say: rows of the clients as they were recomputed, settled from nothing, month by month.

It grows with the rows: one per client and month of partners whose rules look at clients together.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator

from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts
from introducer.domain.errors import IntroducerError
from introducer.domain.ledger import Key
from introducer.domain.money import decimal_string
from introducer.domain.partner_month import Below
from introducer.domain.rows import MonthOf, Row, months_of, rows_of
from introducer.domain.settlement import Chain, Settlement, settle_month
from introducer.services.verify.books_side import BooksSide
from introducer.services.verify.report import Difference, Kind
from introducer.store import keys
from introducer.store.scans import place
from introducer.store.settlements import (
    CLIENT,
    PARTNER,
    SettledMonth,
    below_to_item,
    row_to_item,
    rows_digest,
    settled_to_item,
)


class PartnersSide:
    """Takes the recomputed clients one by one, and then settles everything from nothing."""

    def __init__(self, books: BooksSide, contracts: Contracts) -> None:
        self._books = books
        self._contracts = contracts
        self._rows: dict[MonthOf, dict[str, Row]] = defaultdict(dict)
        self._below: dict[MonthOf, dict[str, Below]] = defaultdict(dict)

    def take(self, state: ClientState) -> None:
        """A client as its applied events make it."""
        for month_of, row in rows_of(state, self._contracts, months_of(state, self._contracts)).items():
            if row != Row():
                self._rows[month_of][state.client] = row

    def differences(self) -> Iterator[Difference]:
        """Where rows, settled months and what was posted for them are not what they must be."""
        settled: dict[str, dict[str, Settlement]] = defaultdict(dict)
        todo = set(self._rows) | set(self._books.settled)
        while todo:
            # The earliest month first, and in it those who stand lowest: what they earn is seen above.
            month_of = min(todo, key=self._order)
            todo.remove(month_of)
            partner, month = month_of
            before = max((each for each in settled[partner] if each < month), default=None)
            chain = settled[partner][before].chain if before else Chain()
            try:
                settlement = settle_month(
                    partner, month, self._rows[month_of], self._below[month_of], chain, self._contracts
                )
            except IntroducerError as error:
                what = f"{partner} in {month}: its settling"
                yield Difference(Kind.NOT_RECOMPUTABLE, what, "a settled month", error.detail, _settled_place(month_of))
                continue
            settled[partner][month] = settlement
            for ancestor, below in settlement.above.items():
                self._below[ancestor, month][partner] = below
                todo.add((ancestor, month))
            yield from self._compare_rows(month_of)
            yield from self._compare_month(month_of, settlement)

    def _order(self, month_of: MonthOf) -> tuple[str, int, str]:
        partner, month = month_of
        return month, -len(self._contracts.ancestors(partner, month)), partner

    def _texts(self, month_of: MonthOf) -> dict[tuple[str, str], str]:
        """The rows that must be there, as they stand in their items."""
        texts = {(CLIENT, name): row_to_item(*month_of, name, row)["row"] for name, row in self._rows[month_of].items()}
        below = {(PARTNER, name): below_to_item(*month_of, name, each) for name, each in self._below[month_of].items()}
        return texts | {name: item["row"] for name, item in below.items()}

    def _compare_rows(self, month_of: MonthOf) -> Iterator[Difference]:
        should, says = self._texts(month_of), self._books.rows.get(month_of, {})
        partner, month = month_of
        for of, name in sorted(should.keys() | says.keys()):
            expected, found = should.get((of, name), _NOTHING), says.get((of, name), _NOTHING)
            # They are compared as data: the order of fields says nothing.
            if json.loads(expected) != json.loads(found):
                key = keys.key("row", partner=partner, month=month, of=of, name=name)
                what = f"{partner} in {month}: row of {of} {name}"
                yield Difference(Kind.ROW, what, expected, found, place(keys.BOOKS, key))

    def _compare_month(self, month_of: MonthOf, settlement: Settlement) -> Iterator[Difference]:
        partner, month = month_of
        found = self._books.settled.get(month_of, SettledMonth())
        where = _settled_place(month_of)
        says = self._books.rows.get(month_of, {})
        if found.seen != rows_digest(says) and (found != SettledMonth() or settlement.targets):
            what = f"{partner} in {month}: the rows it was settled from"
            yield Difference(Kind.UNSETTLED, what, rows_digest(says), found.seen or "none", where)
        targets = {key: target.minor for key, target in settlement.targets.items() if target.minor}
        for key in sorted(targets.keys() | found.posted.keys()):
            if targets.get(key, 0) != found.posted.get(key, 0):
                yield Difference(
                    Kind.SETTLED,
                    _amount_of(key),
                    _money(targets.get(key, 0), key),
                    _money(found.posted.get(key, 0), key),
                    where,
                )
        handed = SettledMonth(chain=settlement.chain, above=settlement.above)
        expected, says_month = settled_to_item(partner, month, handed), settled_to_item(partner, month, found)
        for name in ("chain", "above"):
            if expected[name] != says_month[name]:
                what = f"{partner} in {month}: what it hands {'on' if name == 'chain' else 'to those above'}"
                yield Difference(Kind.SETTLED, what, expected[name], says_month[name], where)


_NOTHING = "{}"


def _amount_of(key: Key) -> str:
    whose = f", {key.scope}" if key.scope else ""
    return f"{key.partner} {key.rule} for {key.earn_month}, available {key.available_day}{whose}"


def _money(minor: int, key: Key) -> str:
    return f"{decimal_string(minor, key.currency)} {key.currency}"


def _settled_place(month_of: MonthOf) -> str:
    return place(keys.BOOKS, keys.key("settled", partner=month_of[0], month=month_of[1]))
