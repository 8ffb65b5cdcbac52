"""Saved reports in BOOKS: what a report asks, under a name. A partner's own under the partner, the staff's under their
brand; each belongs to whoever saved it, and is changed under its version, with an audit record of each change."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.partitions import one, whole
from introducer.store.reservations import write_all
from introducer.store.wire import connect, put_operation

PREFIX = "rep"
_GONE = "deleted_at"
_ID = re.compile(PREFIX + r"_[0-9A-Z]{26}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedReport:
    """A report that somebody keeps."""

    report: str
    brand: str
    partner: str = ""
    """Whose report it is; empty for one of the staff's."""
    name: str
    owner: str
    """The member who saved it."""
    shared: bool = False
    """Whether colleagues see it too."""
    asked: Mapping[str, str] = field(default_factory=dict)
    """The parameters of its address."""
    changed_at: datetime
    version: int = 0


class SavedReports:
    """Reads and conditional writes. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def report(self, brand: str, partner: str, report: str) -> SavedReport:
        """One of a partner's, or of a brand's staff's, as it stands now. Raises `NotFound`."""
        found = one(self._connection, self._table, _key(brand, partner, report)) if _ID.fullmatch(report) else None
        if found is None or _GONE in found:
            raise NotFound("There is no such saved report.")
        return _from_item(found)

    def all_of(self, brand: str, partner: str) -> list[SavedReport]:
        """All of a partner, or of a brand's staff without one, by name."""
        pk = keys.partition("saved_report", partner=partner) if partner else keys.partition("staff_report", brand=brand)
        found = [_from_item(item) for item in whole(self._connection, self._table, pk) if _GONE not in item]
        return sorted(found, key=place_of)

    def save(self, before: SavedReport | None, after: SavedReport, change: Change) -> SavedReport:
        """Saves a new one, or what was read with changes; as it stands then. Raises `Conflict` (`report_changed`) when
        it is there already, or was changed or deleted meanwhile."""
        written = replace(after, version=before.version + 1 if before else 0)
        self._write("change_report" if before else "save_report", before, written, change, _to_item(written))
        return written

    def delete(self, saved: SavedReport, change: Change) -> None:
        """Nobody finds what was read any more, and what it asked is forgotten. (The portal may delete no item.) Raises
        `Conflict` (`report_changed`)."""
        key = _key(saved.brand, saved.partner, saved.report)
        gone = {**key.item(), "version": saved.version + 1, _GONE: milliseconds(change.at)}
        self._write("delete_report", saved, None, change, gone)

    def _write(
        self,
        action: str,
        before: SavedReport | None,
        after: SavedReport | None,
        change: Change,
        item: dict[str, Any],
    ) -> None:
        saved = after or before
        assert saved is not None
        as_read = Path("version") == before.version if before else Path(keys.PK).does_not_exist()
        record = audit_record(saved.report, action, change, _told(before), _told(after) or {}, brand=saved.brand)
        puts = (
            put_operation(self._connection, self._table, item, as_read),
            put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist()),
        )
        token = derived_id("t", saved.report, action, saved.version, change.by, milliseconds(change.at))
        if not write_all(self._connection, puts, (), (), token=token):
            raise Conflict("This report was changed meanwhile: look at it again.", code="report_changed")


def place_of(saved: SavedReport) -> tuple[str, str]:
    """Where it stands among all: by name."""
    return saved.name.casefold(), saved.report


def _key(brand: str, partner: str, report: str) -> keys.Key:
    if partner:
        return keys.key("saved_report", partner=partner, report=report)
    return keys.key("staff_report", brand=brand, report=report)


def _to_item(saved: SavedReport) -> dict[str, Any]:
    return {
        **_key(saved.brand, saved.partner, saved.report).item(),
        "report": saved.report,
        "brand": saved.brand,
        "partner": saved.partner,
        "name": saved.name,
        "owner": saved.owner,
        "shared": int(saved.shared),
        "asked": json.dumps(saved.asked, ensure_ascii=False, sort_keys=True),
        "changed_at": milliseconds(saved.changed_at),
        "version": saved.version,
    }


def _from_item(item: Mapping[str, Any]) -> SavedReport:
    return SavedReport(
        report=item["report"],
        brand=item["brand"],
        partner=item["partner"],
        name=item["name"],
        owner=item["owner"],
        shared=bool(item["shared"]),
        asked=json.loads(item["asked"]),
        changed_at=from_milliseconds(item["changed_at"]),
        version=item["version"],
    )


def _told(saved: SavedReport | None) -> dict[str, Any] | None:
    """Without the name: it is somebody's own words, and the trail is for ever."""
    if saved is None:
        return None
    return {"version": saved.version, "shared": saved.shared, "asked": dict(saved.asked)}
