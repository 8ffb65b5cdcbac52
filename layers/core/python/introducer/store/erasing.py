"""What takes a person out of the tables: attributes that are removed or emptied, items that are deleted.

For operators alone: no function's role may do it. An event that was accepted stays the event it was, without what says
who its client is; amounts, journals and the audit trail are never touched. Every write here may be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.erasing import PERSON_TRAITS, TRAITS
from introducer.domain.errors import Conflict
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.scans import Stored
from introducer.store.wire import (
    REFUSED,
    Refused,
    batch_get,
    connect,
    from_wire,
    put_operation,
    reading,
    unavailable,
    writing,
)

ERASE_CLIENT, ERASE_PARTNER = "erase_client", "erase_partner"
"""What the audit trail calls it."""
TRIES = 8


class Erasing:
    """Conditional writes to both tables. All of them may raise `Unavailable`."""

    def __init__(self, facts: str, books: str, region: str | None = None, host: str | None = None) -> None:
        self._facts, self._books = facts, books
        self._names = {keys.FACTS: facts, keys.BOOKS: books}
        self._connection = connect(facts, books, region=region, host=host)

    # -------------------------------------------------------------------------------------------------- beginnings

    def client_erased_at(self, brand: str, client: str) -> datetime | None:
        """When a client was erased first; None when it was not."""
        return self._erased_at(self._facts, keys.key("erased", brand=brand, client=client))

    def begin_client(self, brand: str, client: str, change: Change, told: Mapping[str, int]) -> None:
        """From now on what the client sends is kept without what says who it is; on record in the same transaction.
        `told` is what there was to erase. Raises `Conflict` when two people do it at once."""
        place = keys.key("erased", brand=brand, client=client)
        record = audit_record(client, ERASE_CLIENT, change, None, told, brand=brand)
        self._begin(self._facts, place, change, audit_to_item(record), exists=False)

    def partner_erased_at(self, partner: str) -> datetime | None:
        """When erasing a partner began first; None when it did not."""
        return self._erased_at(self._books, keys.key("partner", partner=partner))

    def begin_partner(self, brand: str, partner: str, change: Change, told: Mapping[str, int]) -> None:
        """The partner's profile says that it is being erased; on record in the same transaction. Raises `Conflict`."""
        record = audit_record(partner, ERASE_PARTNER, change, None, told, brand=brand)
        self._begin(self._books, keys.key("partner", partner=partner), change, audit_to_item(record), exists=True)

    def record(self, brand: str, subject: str, action: str, change: Change, told: Mapping[str, Any]) -> None:
        """What is done to many items at once is on record before it is done. Again at the same moment is the same
        record."""
        record = audit_record(subject, action, change, None, told, brand=brand)
        put = put_operation(self._connection, self._books, audit_to_item(record), Path(keys.PK).does_not_exist())
        self._write(puts=[put])

    def _erased_at(self, table: str, place: keys.Key) -> datetime | None:
        with reading():
            answer = self._connection.get_item(table, place.pk, place.sk, consistent_read=True)
        at = from_wire(answer.get("Item", {})).get("erased_at")
        return None if at is None else from_milliseconds(at)

    def _begin(self, table: str, place: keys.Key, change: Change, audit: Mapping[str, Any], *, exists: bool) -> None:
        at = Path("erased_at")
        mark = self._connection.get_operation_kwargs(
            table,
            place.pk,
            place.sk,
            actions=[at.set(at | milliseconds(change.at))],
            condition=Path(keys.PK).exists() if exists else None,
        )
        put = put_operation(self._connection, self._books, audit, Path(keys.PK).does_not_exist())
        if not self._write(puts=[put], updates=[mark]):
            raise Conflict("Somebody else is erasing this at the same moment: try again.", code="erased_meanwhile")

    # ----------------------------------------------------------------------------------------------------- clients

    def forget_registration(self, stored: Stored) -> None:
        """The event that registered the client says no more who it is, and the index of persons counts one client
        less: both in one transaction, so that a person is counted back once, however often this is repeated."""
        place = stored.key
        for _ in range(TRIES):
            with reading():
                answer = self._connection.get_item(self._facts, place.pk, place.sk, consistent_read=True)
            item = from_wire(answer.get("Item", {}))
            if not item.keys() & set(TRAITS):
                return
            if self._forget_registration(item):
                return
        raise Conflict("This client's persons are being counted: try again.", code="counted_meanwhile")

    def _forget_registration(self, item: Mapping[str, Any]) -> bool:
        _, brand, client = keys.parts(item[keys.PK])
        said = {kind: item[trait] for kind, trait in PERSON_TRAITS.items() if trait in item}
        unchanged = Path("applied_at").exists()
        for kind, value in said.items():
            unchanged &= Path(PERSON_TRAITS[kind]) == value
        updates = [
            self._connection.get_operation_kwargs(
                self._facts,
                item[keys.PK],
                item[keys.SK],
                actions=[Path(name).remove() for name in TRAITS],
                condition=unchanged,
            )
        ]
        deletes = []
        places = [keys.key("person", brand=brand, kind=kind, hash=value) for kind, value in said.items()]
        for person in batch_get(self._connection, self._books, places):
            clients = person.get("clients", 0)
            if clients <= 0:
                # Addresses are not counted, and what was counted may have expired in between.
                continue
            key, as_read = keys.Key(person[keys.PK], person[keys.SK]), Path("clients") == clients
            if clients == 1 and "member_of" not in person:
                gone = as_read & Path("member_of").does_not_exist()
                deletes.append(self._connection.get_operation_kwargs(self._books, *key, condition=gone))
                continue
            actions: list[Any] = [Path("clients").add(-1)]
            if person.get("first") == client:
                actions += [Path("first").remove(), Path("first_owner").remove()]
            updates.append(self._connection.get_operation_kwargs(self._books, *key, actions=actions, condition=as_read))
        return self._write(updates=updates, deletes=deletes)

    # ------------------------------------------------------------------------------------------------------- items

    def empty(self, stored: Stored, values: Mapping[str, Any] = {}, remove: Iterable[str] = ()) -> None:
        """Attributes of an item are set, and others taken away. One that is gone stays gone."""
        table, place = self._table(stored), stored.key
        actions: list[Any] = [Path([name]).set(value) for name, value in values.items()]
        actions += [Path([name]).remove() for name in remove]
        try:
            with writing():
                self._connection.update_item(
                    table, place.pk, place.sk, actions=actions, condition=Path(keys.PK).exists()
                )
        except Refused:
            return

    def delete(self, stored: Stored) -> None:
        """An item is deleted."""
        place = stored.key
        with writing():
            self._connection.delete_item(self._table(stored), place.pk, place.sk)

    def _table(self, stored: Stored) -> str:
        return self._names[keys.ITEMS[stored.kind].table]

    def _write(self, *, puts: Any = (), updates: Any = (), deletes: Any = ()) -> bool:
        try:
            self._connection.transact_write_items((), deletes, puts, updates)
        except TransactWriteError as error:
            if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
                return False
            raise unavailable() from error
        except PynamoDBConnectionError as error:
            raise unavailable() from error
        return True
