"""Decisions of staff about whose client it is. A decision is an event in FACTS, like what platforms report, so that the
engine follows it by the stream; its audit record, in BOOKS, is written in the same transaction.
"""

from __future__ import annotations

from typing import Any

from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import DESK, Change
from introducer.domain.errors import Unavailable
from introducer.domain.events import Event, EventType
from introducer.store import keys
from introducer.store.configuration import audit_record, audit_to_item
from introducer.store.facts import event_from_item, event_to_item
from introducer.store.items import CONDITION
from introducer.store.wire import connect, from_wire, put_operation, reading

ACTION = "move_client"
"""The audit trail's word for such a decision. Its subject is the client's keyed hash."""


class Moves:
    """Reads and writes of decisions, across both tables."""

    def __init__(self, facts: str, books: str, region: str | None = None, host: str | None = None) -> None:
        self._facts = facts
        self._books = books
        self._connection = connect(facts, books, region=region, host=host)

    def of_client(self, brand: str, client: str) -> list[Event]:
        """All decisions about a client in the order in which they were made, read consistently."""
        pk = keys.partition("event", brand=brand, client=client)
        found: list[Event] = []
        position: Any = None
        while True:
            with reading():
                answer = self._connection.query(
                    self._facts,
                    pk,
                    range_key_condition=Path(keys.SK).startswith(keys.prefix("event", source=DESK)),
                    exclusive_start_key=position,
                    consistent_read=True,
                )
            found += [event_from_item(from_wire(item)) for item in answer["Items"]]
            position = answer.get("LastEvaluatedKey")
            if not position:
                moves = (event for event in found if event.type is EventType.MOVE)
                return sorted(moves, key=lambda move: (move.occurred_at, move.event_id))

    def decide(self, move: Event, before: str | None, change: Change) -> Event | None:
        """Record a decision and who made it, or nothing of both. `before` is the partner who had the client.

        None when it is recorded now; else the decision of this id that was recorded before. Raises `Unavailable`.
        """
        after = {"move": move.event_id, "partner": move.partner, "starts_at": move.starts_at}
        record = audit_record(move.client, ACTION, change, {"partner": before}, after, brand=move.brand)
        absent = Path(keys.PK).does_not_exist()
        puts = [
            put_operation(self._connection, self._facts, event_to_item(move), absent),
            put_operation(self._connection, self._books, audit_to_item(record), absent),
        ]
        try:
            self._connection.transact_write_items((), (), puts, ())
        except TransactWriteError as error:
            # One of both is there, so both are: they are never written apart.
            if any(reason is not None and reason.code == CONDITION for reason in error.cancellation_reasons):
                for decided in self.of_client(move.brand, move.client):
                    if decided.event_id == move.event_id:
                        return decided
            raise Unavailable("The decision could not be recorded: try again.", code="store_unavailable") from error
        return None
