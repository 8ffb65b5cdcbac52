"""All that the payouts of a partner moved, of BOOKS, in one query: what was paid in a month, and before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from introducer.domain.ledger import Journal
from introducer.store import keys
from introducer.store.reservations import payout_journal_from_item
from introducer.store.wire import connect, from_wire, reading


class PayoutJournals:
    """Reads only: what writes them is `store/reservations.py`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def of_partner(self, partner: str) -> Iterator[Journal]:
        """Every journal of the partner's payouts, by payout and step, read consistently: at most three each."""
        start: dict[str, Any] | None = None
        while True:
            with reading():
                answer = self._connection.query(
                    self._table,
                    keys.partition("payout_journal", partner=partner),
                    exclusive_start_key=start,
                    consistent_read=True,
                )
            for item in answer["Items"]:
                yield payout_journal_from_item(from_wire(item))
            start = answer.get("LastEvaluatedKey")
            if not start:
                return
