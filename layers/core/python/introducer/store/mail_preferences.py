"""What members want by mail, in BOOKS: one item each, changed under its version together with the audit record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict
from introducer.domain.ids import derived_id
from introducer.domain.mail_preferences import MailPreferences
from introducer.domain.mail_topics import Topic
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.reservations import write_all
from introducer.store.wire import connect, from_wire, put_operation, reading


def preferences_to_item(preferences: MailPreferences) -> dict[str, Any]:
    """The item of a member's preferences."""
    return {
        **keys.key("mail_preferences", member=preferences.member).item(),
        "off": json.dumps(sorted(preferences.off)),
        "time_zone": preferences.time_zone,
        "quiet_from": preferences.quiet_from,
        "quiet_until": preferences.quiet_until,
        "version": preferences.version,
    }


def preferences_from_item(item: Mapping[str, Any]) -> MailPreferences:
    """The preferences of an item."""
    return MailPreferences(
        member=keys.parts(item[keys.PK])[1],
        off=frozenset(Topic(each) for each in json.loads(item["off"])),
        time_zone=item["time_zone"],
        quiet_from=item["quiet_from"],
        quiet_until=item["quiet_until"],
        version=item["version"],
    )


class MemberMails:
    """Reads and changes what members want by mail."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def preferences(self, member: str) -> MailPreferences:
        """A member's, as they stand now; those of whoever never chose. Raises `Unavailable`."""
        key = keys.key("mail_preferences", member=member)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return preferences_from_item(from_wire(answer["Item"])) if "Item" in answer else MailPreferences(member=member)

    def change(self, brand: str, before: MailPreferences, after: MailPreferences, change: Change) -> None:
        """A member's preferences are others now. Raises `Conflict` when they changed since they were read,
        `Unavailable`."""
        version = Path("version")
        as_read = version == before.version if before.version else Path(keys.PK).does_not_exist()
        record = audit_record(after.member, "change_mail_preferences", change, _told(before), _told(after), brand=brand)
        puts = (
            put_operation(self._connection, self._table, preferences_to_item(after), as_read),
            put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist()),
        )
        token = derived_id("t", record.audit, after.version, json.dumps(_told(after), sort_keys=True))
        if not write_all(self._connection, puts, (), (), token=token):
            raise Conflict("These preferences changed meanwhile: read again.")


def _told(preferences: MailPreferences) -> dict[str, Any]:
    return {
        "off": sorted(preferences.off),
        "time_zone": preferences.time_zone,
        "quiet_from": preferences.quiet_from,
        "quiet_until": preferences.quiet_until,
        # Off, on and off again within a moment are three records.
        "version": preferences.version,
    }
