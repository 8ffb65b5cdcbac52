"""Materials in BOOKS: each under its own id, so that the address of a picture is enough to find it, and listed under
its campaign until it is removed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.creative import MOST_MATERIALS, Material, MaterialKind, MaterialStatus
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.owned import owned
from introducer.store.paging import every
from introducer.store.partitions import one
from introducer.store.reservations import write_all
from introducer.store.wire import connect, put_operation

_ID = re.compile(r"mat_[0-9A-Z]{26}", re.ASCII)
_TEXTS = ("brand", "campaign", "name", "language", "text", "content_type", "digest", "created_by")
_NUMBERS = ("width", "height", "size", "version")


def material_to_item(material: Material) -> dict[str, Any]:
    """The item of a material. A removed one is listed nowhere."""
    created = milliseconds(material.created)
    place = {"campaign": material.campaign, "created": created, "material": material.material}
    listed = {} if material.status is MaterialStatus.REMOVED else keys.owner_key("material", **place)
    return {
        **keys.key("material", material=material.material).item(),
        **listed,
        "kind": material.kind.value,
        "status": material.status.value,
        "created": created,
        **{name: getattr(material, name) for name in (*_TEXTS, *_NUMBERS)},
    }


def material_from_item(item: Mapping[str, Any]) -> Material:
    """The material of an item."""
    return Material(
        material=keys.parts(item[keys.PK])[1],
        kind=MaterialKind(item["kind"]),
        status=MaterialStatus(item["status"]),
        created=from_milliseconds(item["created"]),
        **{name: item[name] for name in (*_TEXTS, *_NUMBERS)},
    )


class Materials:
    """Reads and conditional writes. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def material(self, material: str) -> Material:
        """One, removed ones too. Raises `NotFound`."""
        if _ID.fullmatch(material):
            item = one(self._connection, self._table, keys.key("material", material=material))
            if item is not None:
                return material_from_item(item)
        raise NotFound("There is no such material.")

    def of_campaign(self, campaign: str) -> list[Material]:
        """A campaign's materials that are not removed, the newest first. The index lags by moments."""
        owner = keys.owner_partition("material", campaign=campaign)
        found = every(
            lambda cursor: owned(self._connection, self._table, owner, cursor, MOST_MATERIALS + 1, newest_first=True)
        )
        return [each for each in map(material_from_item, found) if each.status is not MaterialStatus.REMOVED]

    def write(self, before: Material | None, after: Material, change: Change, action: str) -> None:
        """A new material, or one that changes from what was read. Raises `Conflict` (`material_changed`) when it is
        there already, or was changed meanwhile."""
        absent = Path(keys.PK).does_not_exist()
        stands = absent if before is None else Path("version") == before.version
        told = None if before is None else _told(before)
        record = audit_record(after.material, action, change, told, _told(after), brand=after.brand)
        puts = [
            put_operation(self._connection, self._table, material_to_item(after), stands),
            put_operation(self._connection, self._table, audit_to_item(record), absent),
        ]
        if not write_all(self._connection, puts, (), (), token=derived_id("t", *puts)):
            raise Conflict("This was changed meanwhile: look at it again.", code="material_changed")


def _told(material: Material) -> dict[str, Any]:
    """What the audit trail says of it."""
    return {
        "campaign": material.campaign,
        "kind": material.kind.value,
        "name": material.name,
        "language": material.language,
        "text": material.text,
        "digest": material.digest,
        "status": material.status.value,
        "version": material.version,
    }
