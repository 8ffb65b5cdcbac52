"""Holds in BOOKS. Placing and releasing one is one transaction: the hold, the balance's count, the audit record.

The balance counts the holds that stand, and its version says that it changed: a reservation that read it before is
refused, and sending checks the count itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.hold import Hold
from introducer.domain.ids import derived_id
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.ledger import HOLDS, VERSION
from introducer.store.partitions import whole
from introducer.store.wire import REFUSED, connect, from_wire, put_operation, reading, unavailable


def hold_to_item(hold: Hold) -> dict[str, Any]:
    """The item of a hold."""
    return {
        **keys.key("hold", partner=hold.partner, hold=hold.hold).item(),
        "brand": hold.brand,
        "reason": hold.reason,
        "placed_by": hold.placed_by,
        "placed_at": milliseconds(hold.placed_at),
        "released_by": hold.released_by or None,
        "released_at": None if hold.released_at is None else milliseconds(hold.released_at),
        "released_why": hold.released_why or None,
    }


def hold_from_item(item: Mapping[str, Any]) -> Hold:
    """The hold of an item."""
    return Hold(
        hold=keys.unescape(item[keys.SK]),
        brand=item["brand"],
        partner=keys.parts(item[keys.PK])[1],
        reason=item["reason"],
        placed_by=item["placed_by"],
        placed_at=from_milliseconds(item["placed_at"]),
        released_by=item.get("released_by", ""),
        released_at=from_milliseconds(item["released_at"]) if "released_at" in item else None,
        released_why=item.get("released_why", ""),
    )


class Holds:
    """Reads and conditional writes of holds."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def hold(self, partner: str, hold: str) -> Hold:
        """One hold of this partner, as it stands now. Raises `NotFound`."""
        key = keys.key("hold", partner=partner, hold=hold)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        if "Item" not in answer:
            raise NotFound("There is no such hold.")
        return hold_from_item(from_wire(answer["Item"]))

    def of_partner(self, partner: str) -> list[Hold]:
        """All holds of a partner, the newest first, as they stand now."""
        found = map(hold_from_item, whole(self._connection, self._table, keys.partition("hold", partner=partner)))
        # By time in memory: a hold's key is its id alone, so that a repeated request meets it.
        return sorted(found, key=lambda hold: (hold.placed_at, hold.hold), reverse=True)

    def place(self, hold: Hold, change: Change) -> None:
        """A new hold. Raises `Conflict` when there is one of this id, and `Unavailable`."""
        put = put_operation(self._connection, self._table, hold_to_item(hold), Path(keys.PK).does_not_exist())
        # A partner who never earned anything has no balance item: then this makes it.
        uncounted = Path(HOLDS).does_not_exist() | (Path(HOLDS) >= 0)
        self._write("place_hold", None, hold, change, put, self._count(hold, 1, uncounted))

    def release(self, before: Hold, after: Hold, change: Change) -> None:
        """A hold that stood is released. Raises `Conflict` when it does not stand any more, and `Unavailable`."""
        standing = Path(keys.PK).exists() & Path("released_at").does_not_exist()
        put = put_operation(self._connection, self._table, hold_to_item(after), standing)
        self._write("release_hold", before, after, change, put, self._count(after, -1, Path(HOLDS) >= 1))

    def _count(self, hold: Hold, by: int, condition: Any) -> dict[str, Any]:
        key = keys.key("balance", partner=hold.partner)
        return self._connection.get_operation_kwargs(
            self._table,
            key.pk,
            key.sk,
            actions=[Path(HOLDS).add(by), Path(VERSION).add(1)],
            condition=condition,
        )

    def _write(
        self,
        action: str,
        before: Hold | None,
        after: Hold,
        change: Change,
        put: dict[str, Any],
        count: dict[str, Any],
    ) -> None:
        record = audit_record(
            after.partner, action, change, None if before is None else _told(before), _told(after), brand=after.brand
        )
        puts = (
            put,
            put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist()),
        )
        # The same for a resent request, so that a lost answer is answered again and counts once.
        token = derived_id("t", record.audit, change.why)
        try:
            self._connection.transact_write_items((), (), puts, (count,), client_request_token=token)
        except TransactWriteError as error:
            if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
                raise Conflict("The books changed meanwhile: read again.") from error
            raise unavailable() from error
        except PynamoDBConnectionError as error:
            raise unavailable() from error


def _told(hold: Hold) -> dict[str, Any]:
    told = {"hold": hold.hold, "reason": hold.reason}
    return told if hold.stands else told | {"released_by": hold.released_by, "released_why": hold.released_why}
