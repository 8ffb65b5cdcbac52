"""BOOKS: freezing a partner's months, and the statements of those that are frozen.

Freezing comes first and is seen by every posting transaction; only then are the month's journals added up. A statement
is put once, and nothing here can change it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.statement import CurrencyTotals, Statement, Total
from introducer.store import keys
from introducer.store.ledger import FROZEN
from introducer.store.paging import Page
from introducer.store.wire import Refused, connect, from_wire, reading, to_wire, writing


class Statements:
    """Statements of a BOOKS table."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def freeze(self, partner: str, month: str) -> None:
        """From now on nothing is posted for the partner into this month or one before. A later month that is frozen
        stays so. Makes the balance of a partner who has none. Raises `Unavailable`."""
        key = keys.key("balance", partner=partner)
        frozen = Path(FROZEN)
        try:
            with writing():
                self._connection.update_item(
                    self._table,
                    key.pk,
                    key.sk,
                    actions=[frozen.set(month)],
                    condition=frozen.does_not_exist() | (frozen < month),
                )
        except Refused:
            return

    def put(self, statement: Statement) -> Statement:
        """Puts a statement, and returns the one that stands there: this, or the one that was put before."""
        attributes = to_wire(statement_to_item(statement))
        pk, sk = attributes.pop(keys.PK)["S"], attributes.pop(keys.SK)["S"]
        try:
            with writing():
                self._connection.put_item(
                    self._table, pk, sk, attributes=attributes, condition=Path(keys.PK).does_not_exist()
                )
        except Refused:
            before = self.get(statement.partner, statement.month)
            assert before is not None, "nobody may delete from the books"
            return before
        return statement

    def get(self, partner: str, month: str) -> Statement | None:
        """The statement of a month, read consistently; None when the month is not closed."""
        key = keys.key("statement", partner=partner, month=month)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return statement_from_item(from_wire(answer["Item"])) if "Item" in answer else None

    def of_partner(self, partner: str, before: str | None = None, limit: int = 50) -> Page[Statement]:
        """A page of a partner's statements, the newest month first; those of months before `before`."""
        condition = None if before is None else Path(keys.SK) < before
        with reading():
            answer = self._connection.query(
                self._table,
                keys.partition("statement", partner=partner),
                range_key_condition=condition,
                # One more than asked for tells whether there is a next page.
                limit=limit + 1,
                scan_index_forward=False,
                consistent_read=True,
            )
        found = [statement_from_item(from_wire(item)) for item in answer["Items"]]
        return Page(tuple(found[:limit]), found[limit - 1].month if len(found) > limit else None)


def statement_to_item(statement: Statement) -> dict[str, Any]:
    """The item of a statement."""

    def told(totals: tuple[Total, ...]) -> list[list[Any]]:
        return [[total.of, total.amount, total.entries] for total in totals]

    return {
        **keys.key("statement", partner=statement.partner, month=statement.month).item(),
        "entries": statement.entries,
        "digest": statement.digest,
        "closed_at": milliseconds(statement.closed_at),
        "totals": json.dumps(
            [[each.currency, each.opening, told(each.rules), told(each.earlier)] for each in statement.totals],
            separators=(",", ":"),
            ensure_ascii=False,
        ),
    }


def statement_from_item(item: Mapping[str, Any]) -> Statement:
    """The statement of an item."""

    def read(totals: list[list[Any]]) -> tuple[Total, ...]:
        return tuple(Total(of=of, amount=amount, entries=entries) for of, amount, entries in totals)

    return Statement(
        partner=keys.parts(item[keys.PK])[1],
        month=item[keys.SK],
        totals=tuple(
            CurrencyTotals(currency=currency, opening=opening, rules=read(rules), earlier=read(earlier))
            for currency, opening, rules, earlier in json.loads(item["totals"])
        ),
        entries=item["entries"],
        digest=item["digest"],
        closed_at=from_milliseconds(item["closed_at"]),
    )
