"""What cases decide about clients: events in FACTS, like what platforms report, so that the engine follows them by the
stream; the audit record of each, in BOOKS, is written in the same transaction.
"""

from __future__ import annotations

from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import DESK, Change
from introducer.domain.events import Event, EventType
from introducer.store import keys
from introducer.store.configuration import audit_record, audit_to_item
from introducer.store.facts import event_from_item, event_to_item
from introducer.store.items import CONDITION
from introducer.store.wire import connect, from_wire, put_operation, reading, unavailable

ACTION = "rule_on_client"
"""The audit trail's word for such a fact. Its subject is the client's keyed hash."""


class Rulings:
    """Reads and writes of VERDICT events, across both tables."""

    def __init__(self, facts: str, books: str, region: str | None = None, host: str | None = None) -> None:
        self._facts = facts
        self._books = books
        self._connection = connect(facts, books, region=region, host=host)

    def of_client(self, brand: str, client: str) -> list[Event]:
        """All rulings about a client in the order in which they were made, read consistently."""
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
                rulings = (event for event in found if event.type is EventType.VERDICT)
                return sorted(rulings, key=lambda ruling: (ruling.occurred_at, ruling.event_id))

    def record(self, ruling: Event, change: Change) -> bool:
        """Records a ruling and who made it, or nothing of both; whether it is new. Raises `Unavailable`."""
        told = {"ruling": ruling.event_id, "case": ruling.case, "status": ruling.status, "reason": ruling.reason}
        after = told | {"starts_at": ruling.starts_at}
        record = audit_record(ruling.client, ACTION, change, None, after, brand=ruling.brand)
        absent = Path(keys.PK).does_not_exist()
        puts = [
            put_operation(self._connection, self._facts, event_to_item(ruling), absent),
            put_operation(self._connection, self._books, audit_to_item(record), absent),
        ]
        try:
            self._connection.transact_write_items((), (), puts, ())
        except TransactWriteError as error:
            # One of both is there, so both are: they are never written apart.
            if any(reason is not None and reason.code == CONDITION for reason in error.cancellation_reasons):
                return False
            raise unavailable() from error
        except PynamoDBConnectionError as error:
            raise unavailable() from error
        return True
