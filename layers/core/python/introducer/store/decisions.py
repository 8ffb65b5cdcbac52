"""What people decide about a client is an event in FACTS, like what platforms report, so that the engine follows it by
the stream; its audit record, in BOOKS, is written in the same transaction.
"""

from __future__ import annotations

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import DESK, AuditRecord
from introducer.domain.events import Event, EventType
from introducer.store import keys
from introducer.store.audit import audit_to_item
from introducer.store.facts import event_from_item, event_to_item
from introducer.store.items import CONDITION
from introducer.store.partitions import whole
from introducer.store.wire import connect, put_operation, unavailable


class Decisions:
    """Reads and writes of decisions of one kind, across both tables."""

    kind: EventType

    def __init__(self, facts: str, books: str, region: str | None = None, host: str | None = None) -> None:
        self._facts = facts
        self._books = books
        self._connection = connect(facts, books, region=region, host=host)

    def of_client(self, brand: str, client: str) -> list[Event]:
        """All decisions about a client in the order in which they were made, read consistently."""
        pk = keys.partition("event", brand=brand, client=client)
        made = Path(keys.SK).startswith(keys.prefix("event", source=DESK))
        found = map(event_from_item, whole(self._connection, self._facts, pk, made))
        decided = (event for event in found if event.type is self.kind)
        return sorted(decided, key=lambda event: (event.occurred_at, event.event_id))

    def _write(self, decision: Event, record: AuditRecord) -> bool:
        """Writes a decision and who made it, or nothing of both; whether it is new. Raises `Unavailable`."""
        absent = Path(keys.PK).does_not_exist()
        puts = [
            put_operation(self._connection, self._facts, event_to_item(decision), absent),
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
