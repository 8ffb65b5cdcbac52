"""Suppressed addresses in BOOKS, by keyed hash; listed under the partner whose people have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.mail import COMPLAINED
from introducer.domain.suppressing import Suppressed
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.owned import owned
from introducer.store.reservations import write_all
from introducer.store.wire import connect, from_wire, put_operation, reading, writing


def suppressed_to_item(suppressed: Suppressed) -> dict[str, Any]:
    """The item of a suppressed address."""
    item: dict[str, Any] = {
        **keys.key("suppressed", brand=suppressed.brand, hash=suppressed.hash).item(),
        "reason": suppressed.reason,
        "since": milliseconds(suppressed.since),
        "member": suppressed.member,
        "partner": suppressed.partner,
        "mail": suppressed.mail,
        "lifted_at": None if suppressed.lifted_at is None else milliseconds(suppressed.lifted_at),
        "lifted_by": suppressed.lifted_by or None,
    }
    of = suppressed.partner or suppressed.brand
    return item | keys.owner_key("suppressed", of=of, since=milliseconds(suppressed.since), hash=suppressed.hash)


def suppressed_from_item(item: Mapping[str, Any]) -> Suppressed:
    """The address of an item."""
    _, brand, _, hashed = keys.parts(item[keys.PK])
    return Suppressed(
        brand=brand,
        hash=hashed,
        reason=item["reason"],
        since=from_milliseconds(item["since"]),
        member=item["member"],
        partner=item["partner"],
        mail=item["mail"],
        lifted_at=from_milliseconds(item["lifted_at"]) if "lifted_at" in item else None,
        lifted_by=item.get("lifted_by", ""),
    )


class Suppressions:
    """Reads and conditional writes of suppressed addresses."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def address(self, brand: str, hashed: str) -> Suppressed | None:
        """Whether and why an address of this hash gets no mail, or got none before; None: it always did."""
        key = keys.key("suppressed", brand=brand, hash=hashed)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return suppressed_from_item(from_wire(answer["Item"])) if "Item" in answer else None

    def of(self, of: str) -> list[Suppressed]:
        """All addresses of a partner's people, or of a brand's staff, that get no mail or got none; the latest first.
        The index lags by moments."""
        found: list[Suppressed] = []
        owner, cursor = keys.owner_partition("suppressed", of=of), None
        while True:
            page = owned(self._connection, self._table, owner, cursor, 100, newest_first=True)
            found += map(suppressed_from_item, page.items)
            cursor = page.cursor
            if cursor is None:
                return found

    def suppress(self, suppressed: Suppressed, change: Change) -> bool:
        """The address gets nothing from now on; whether that is new. A complaint counts more than a bounce; the same
        mail suppresses once, so that what comes again undoes no lifting. Raises `Unavailable`."""
        reason, complaint = Path("reason"), suppressed.reason == COMPLAINED
        anew = Path("lifted_at").exists() & (Path("mail") != suppressed.mail)
        free = Path(keys.PK).does_not_exist() | anew
        return self._write("suppress_address", None, suppressed, change, free | (reason != COMPLAINED) if complaint
                           else free)  # fmt: skip

    def lift(self, before: Suppressed, after: Suppressed, change: Change) -> None:
        """The address gets mail again. Raises `Conflict` when it stands otherwise meanwhile; `Unavailable`."""
        as_read = (
            Path(keys.PK).exists()
            & Path("lifted_at").does_not_exist()
            & (Path("since") == milliseconds(before.since))
            & (Path("reason") == before.reason)
        )
        if not self._write("lift_suppression", before, after, change, as_read):
            raise Conflict("This address stands otherwise meanwhile: read again.")

    def forget(self, suppressed: Suppressed) -> None:
        """Removes an address: whoever it was is erased. May be repeated. Raises `Unavailable`."""
        key = keys.key("suppressed", brand=suppressed.brand, hash=suppressed.hash)
        with writing():
            self._connection.delete_item(self._table, key.pk, key.sk)

    def _write(self, action: str, before: Suppressed | None, after: Suppressed, change: Change, condition: Any) -> bool:
        record = audit_record(
            after.partner or after.brand, action, change,
            None if before is None else _told(before), _told(after), brand=after.brand,
        )  # fmt: skip
        puts = (
            put_operation(self._connection, self._table, suppressed_to_item(after), condition),
            put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist()),
        )
        return write_all(self._connection, puts, (), (), token=derived_id("t", record.audit, change.why, action))


def _told(suppressed: Suppressed) -> dict[str, Any]:
    """No hash: the trail is never erased."""
    return {
        "member": suppressed.member,
        "reason": suppressed.reason,
        "mail": suppressed.mail,
        "stands": suppressed.stands,
    }
