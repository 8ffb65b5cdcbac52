"""Saved segments in BOOKS: each under its brand, changed under its version, with an audit record of each change."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.segment import Segment, data_of, segment_of
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.wire import REFUSED, connect, from_wire, put_operation, reading, unavailable

PREFIX = "seg"
_GONE = "deleted_at"
_ID = re.compile(PREFIX + r"_[0-9A-Z]{26}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSegment:
    """A choice among a brand's partners that somebody keeps."""

    segment: str
    brand: str
    name: str
    owner: str
    """The member who saved it first."""
    shared: bool
    """Whether colleagues see it too."""
    chosen: Segment
    changed_at: datetime
    changed_by: str
    version: int = 0


def segment_to_item(saved: SavedSegment) -> dict[str, Any]:
    """The item of a saved segment."""
    return {
        **keys.key("segment", brand=saved.brand, segment=saved.segment).item(),
        "brand": saved.brand,
        "name": saved.name,
        "owner": saved.owner,
        "shared": int(saved.shared),
        "chosen": json.dumps(data_of(saved.chosen), ensure_ascii=False, sort_keys=True),
        "changed_at": milliseconds(saved.changed_at),
        "changed_by": saved.changed_by,
        "version": saved.version,
    }


def segment_from_item(item: Mapping[str, Any]) -> SavedSegment:
    """The saved segment of an item."""
    return SavedSegment(
        segment=keys.unescape(item[keys.SK]),
        brand=item["brand"],
        name=item["name"],
        owner=item["owner"],
        shared=bool(item["shared"]),
        chosen=segment_of(**json.loads(item["chosen"])),
        changed_at=from_milliseconds(item["changed_at"]),
        changed_by=item["changed_by"],
        version=item["version"],
    )


class Segments:
    """Reads and conditional writes of saved segments. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def segment(self, brand: str, segment: str) -> SavedSegment:
        """One of a brand's, as it stands now. Raises `NotFound`."""
        if not _ID.fullmatch(segment):
            raise NotFound("There is no such segment.")
        key = keys.key("segment", brand=brand, segment=segment)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        item = from_wire(answer.get("Item", {}))
        if not item or _GONE in item:
            raise NotFound("There is no such segment.")
        return segment_from_item(item)

    def of_brand(self, brand: str) -> list[SavedSegment]:
        """All of a brand's, by name."""
        found: list[SavedSegment] = []
        start: Any = None
        while True:
            with reading():
                answer = self._connection.query(
                    self._table,
                    keys.partition("segment", brand=brand),
                    exclusive_start_key=start,
                    consistent_read=True,
                )
            items = map(from_wire, answer["Items"])
            found += [segment_from_item(item) for item in items if _GONE not in item]
            start = answer.get("LastEvaluatedKey")
            if not start:
                return sorted(found, key=lambda saved: (saved.name.casefold(), saved.segment))

    def save(self, before: SavedSegment | None, after: SavedSegment, change: Change) -> SavedSegment:
        """Saves a new one, or what was read with changes; as it stands then. Raises `Conflict` (`segment_changed`) when
        it is there already, or was changed or deleted meanwhile."""
        written = replace(after, version=before.version + 1 if before else 0)
        put = put_operation(self._connection, self._table, segment_to_item(written), _as_read(before))
        action = "change_segment" if before else "save_segment"
        self._write(action, before, written, change, put)
        return written

    def delete(self, saved: SavedSegment, change: Change) -> None:
        """Nobody finds what was read any more, and its conditions are forgotten. (No role may delete an item.) Raises
        `Conflict` (`segment_changed`)."""
        key = keys.key("segment", brand=saved.brand, segment=saved.segment)
        gone = {**key.item(), "version": saved.version + 1, _GONE: milliseconds(change.at)}
        put = put_operation(self._connection, self._table, gone, _as_read(saved))
        self._write("delete_segment", saved, None, change, put)

    def _write(
        self,
        action: str,
        before: SavedSegment | None,
        after: SavedSegment | None,
        change: Change,
        put: dict[str, Any],
    ) -> None:
        saved = after or before
        assert saved is not None
        record = audit_record(saved.segment, action, change, _told(before), _told(after) or {}, brand=saved.brand)
        audit = put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist())
        token = derived_id("t", saved.segment, action, saved.version, change.by, milliseconds(change.at))
        try:
            self._connection.transact_write_items((), (), [put, audit], (), client_request_token=token)
        except TransactWriteError as error:
            if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
                raise Conflict(
                    "This segment was changed meanwhile: look at it again.", code="segment_changed"
                ) from error
            raise unavailable() from error
        except PynamoDBConnectionError as error:
            raise unavailable() from error


def _as_read(before: SavedSegment | None) -> Any:
    return Path(keys.PK).does_not_exist() if before is None else Path("version") == before.version


def _told(saved: SavedSegment | None) -> dict[str, Any] | None:
    if saved is None:
        return None
    return {"name": saved.name, "shared": saved.shared, **data_of(saved.chosen)}
