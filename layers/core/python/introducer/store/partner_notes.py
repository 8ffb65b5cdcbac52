"""What staff note about a partner, in BOOKS: written once, and never changed. Beside each note its audit record, which
does not keep the words: they go when the partner is erased, and the trail stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.owned import owned
from introducer.store.paging import Page
from introducer.store.partitions import one
from introducer.store.reservations import write_all
from introducer.store.wire import connect, put_operation

PREFIX = "not"
_ID = re.compile(PREFIX + r"_[0-9A-Z]{26}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerNote:
    """What somebody of the staff noted about a partner, for colleagues alone."""

    note: str
    brand: str
    partner: str
    text: str
    by: str
    """The member who wrote it."""
    at: datetime


class PartnerNotes:
    """Reads, and a write that happens once. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def note(self, partner: str, note: str) -> PartnerNote:
        """One note. Raises `NotFound`."""
        key = keys.key("partner_note", partner=partner, note=note)
        item = one(self._connection, self._table, key) if _ID.fullmatch(note) else None
        if item is None:
            raise NotFound("There is no such note.")
        return _from_item(item)

    def of_partner(self, partner: str, cursor: str | None = None, limit: int = 50) -> Page[PartnerNote]:
        """The newest first. The index lags by moments."""
        owner = keys.owner_partition("partner_note", partner=partner)
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=True)
        return Page(tuple(map(_from_item, page.items)), page.cursor)

    def write(self, note: PartnerNote, change: Change) -> None:
        """Raises `Conflict` (`note_exists`) when it is there already."""
        told = {"note": note.note, "characters": len(note.text)}
        record = audit_record(note.partner, "write_note", change, None, told, brand=note.brand)
        absent = Path(keys.PK).does_not_exist()
        puts = (
            put_operation(self._connection, self._table, note_to_item(note), absent),
            put_operation(self._connection, self._table, audit_to_item(record), absent),
        )
        token = derived_id("t", note.note, milliseconds(note.at), note.text)
        if not write_all(self._connection, puts, (), (), token=token):
            raise Conflict("There is such a note already.", code="note_exists")


def note_to_item(note: PartnerNote) -> dict[str, Any]:
    """The item of a note."""
    return {
        **keys.key("partner_note", partner=note.partner, note=note.note).item(),
        **keys.owner_key(
            "partner_note", partner=note.partner, at=f"{milliseconds(note.at):013d}", note=note.note
        ),
        "brand": note.brand,
        "text": note.text,
        "by": note.by,
        "at": milliseconds(note.at),
    }  # fmt: skip


def _from_item(item: Mapping[str, Any]) -> PartnerNote:
    return PartnerNote(
        note=keys.unescape(item[keys.SK]),
        brand=item["brand"],
        partner=keys.parts(item[keys.PK])[1],
        text=item["text"],
        by=item["by"],
        at=from_milliseconds(item["at"]),
    )
