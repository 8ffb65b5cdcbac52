"""Targets of outbound postbacks in BOOKS, and their gates.

A target is changed under its version, with its audit record in the same transaction. Its gate is an item of its own:
sending moves it often, and must not meet whoever edits the target.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.mail import Mail
from introducer.domain.postback_out import Gate, Method, Standing, Target, Told
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.mails import mail_put
from introducer.store.partitions import one, whole
from introducer.store.reservations import write_all
from introducer.store.wire import Refused, connect, put_operation, to_wire, writing

_ID = re.compile(r"tgt_[0-9A-Z]{26}", re.ASCII)
_GATE = ("failures", "slow", "until", "version")


def target_to_item(target: Target) -> dict[str, Any]:
    """The item of a target."""
    return {
        **keys.key("target", of=target.of, target=target.target).item(),
        "brand": target.brand,
        "partner": target.partner,
        "name": target.name,
        "url": target.url,
        "method": target.method.value,
        "events": json.dumps(sorted(target.events)),
        "campaigns": json.dumps(sorted(target.campaigns)),
        "standing": target.standing.value,
        "generation": target.generation,
        "rotated_at": None if target.rotated_at is None else milliseconds(target.rotated_at),
        "shown": target.shown,
        "created": milliseconds(target.created),
        "created_by": target.created_by,
        "version": target.version,
    }


def target_from_item(item: Mapping[str, Any]) -> Target:
    """The target of an item."""
    return Target(
        target=keys.unescape(item[keys.SK]),
        brand=item["brand"],
        partner=item["partner"],
        name=item["name"],
        url=item["url"],
        method=Method(item["method"]),
        events=frozenset(map(Told, json.loads(item["events"]))),
        campaigns=frozenset(json.loads(item["campaigns"])),
        standing=Standing(item["standing"]),
        generation=item["generation"],
        rotated_at=from_milliseconds(item["rotated_at"]) if "rotated_at" in item else None,
        shown=item["shown"],
        created=from_milliseconds(item["created"]),
        created_by=item["created_by"],
        version=item["version"],
    )


class Targets:
    """Reads and conditional writes of targets and gates. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def target(self, of: str, target: str) -> Target:
        """One target of a partner, or of a brand itself. Raises `NotFound`."""
        item = None
        if _ID.fullmatch(target):
            item = one(self._connection, self._table, keys.key("target", of=of, target=target))
        found = None if item is None else target_from_item(item)
        if found is None or found.standing is Standing.DELETED:
            raise NotFound("There is no such target.", code="no_such_target")
        return found

    def targets_of(self, of: str) -> tuple[Target, ...]:
        """All targets of a partner, or of a brand itself, oldest first."""
        return tuple(target for target in self.ever_of(of) if target.standing is not Standing.DELETED)

    def ever_of(self, of: str) -> tuple[Target, ...]:
        """The same with those that are deleted."""
        found = map(target_from_item, whole(self._connection, self._table, keys.partition("target", of=of)))
        return tuple(sorted(found, key=lambda target: (target.created, target.target)))

    def gate(self, of: str, target: str) -> Gate:
        """A target's gate; an open one where it was never closed."""
        item = one(self._connection, self._table, keys.key("target_gate", of=of, target=target)) or {}
        return Gate(item.get("failures", 0), bool(item.get("slow")), item.get("until", 0), item.get("version", 0))

    # ----------------------------------------------------------------------------------------------------- writes

    def put(self, action: str, before: Target | None, after: Target, change: Change, mail: Mail | None = None) -> None:
        """A target is another from now on, or there from now on. Raises `Conflict` (`target_changed`) when it changed
        since it was read."""
        as_read = Path(keys.PK).does_not_exist() if before is None else Path("version") == before.version
        told = _told(after)
        record = audit_record(
            after.of, action, change, None if before is None else _told(before), told, brand=after.brand
        )
        puts = [
            put_operation(self._connection, self._table, target_to_item(after), as_read),
            put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist()),
        ]
        if mail is not None:
            puts.append(mail_put(self._connection, self._table, mail))
        token = derived_id("t", record.audit, after.target, after.version, json.dumps(told, sort_keys=True))
        if not write_all(self._connection, puts, (), (), token=token):
            raise Conflict("This target changed meanwhile: read it again.", code="target_changed")

    def move_gate(self, of: str, target: str, before: Gate, after: Gate) -> bool:
        """Whether the gate moved: not, when somebody else moved it since it was read."""
        place = keys.key("target_gate", of=of, target=target)
        version = Path("version")
        condition = version == before.version if before.version else version.does_not_exist()
        values = to_wire({name: int(getattr(after, name)) for name in _GATE})
        try:
            with writing():
                self._connection.put_item(self._table, place.pk, place.sk, attributes=values, condition=condition)
        except Refused:
            return False
        return True


def _told(target: Target) -> dict[str, Any]:
    """What the audit trail says of it. A URL may hold a token of the partner's tracker: its host is told, and a digest
    that shows that it changed."""
    return {
        "target": target.target,
        "name": target.name,
        "host": urlsplit(target.url).netloc,
        "url": derived_id("u", target.target, target.url)[-8:],
        "method": target.method.value,
        "events": sorted(target.events),
        "campaigns": sorted(target.campaigns),
        "standing": target.standing.value,
        "generation": target.generation,
        "shown": target.shown,
    }
