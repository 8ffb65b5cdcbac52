"""FACTS: events and quarantined messages. Clicks are written by the redirect, which is too light to come here.

An event is put once and never edited, save three marks: `applied_at` (the engine's, in its own transaction), and
`retry`, a number that only makes the stream show the event again. Attributes are texts and whole numbers; times are
milliseconds since 1970, as `domain.events` has them.

pynamodb's connection is used without its models: an event is some thirty attributes of two kinds, and this is the
path every event takes twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from pynamodb.connection.base import BOTOCORE_EXCEPTIONS
from pynamodb.constants import ITEM, PUT_ITEM
from pynamodb.expressions.operand import Path

from introducer.domain.errors import NotFound
from introducer.domain.events import (
    Event,
    EventType,
    day_of,
    from_milliseconds,
    in_full_ms,
    milliseconds,
)
from introducer.store import keys
from introducer.store.paging import Page, every
from introducer.store.wire import (
    CONDITION_FAILED,
    Refused,
    Wire,
    connect,
    from_wire,
    reading,
    to_wire,
    unavailable,
    writing,
)

_IN_THE_KEY = ("brand", "source", "client", "event_id")
_TIMES = ("occurred_at", "accepted_at", "opened_at", "closed_at", "starts_at", "applied_at")
_STORED = tuple(field.name for field in fields(Event) if field.name not in _IN_THE_KEY)
_EVENT_PREFIX = keys.partition("event", brand="", client="").split("#")[0] + "#"
_QUARANTINE_PREFIX = keys.partition("quarantined", brand="", source="", day="").split("#")[0] + "#"

QUARANTINED_AT_ONCE = 200
"""Read of a list at once, where all of it is read."""
QUARANTINE_DAYS = 90
"""How long a quarantined message waits for a person (see `keys.ITEMS`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A message that could not be taken or applied, until a person has looked at it."""

    brand: str
    source: str
    at: datetime
    digest: str
    """Names the message within its moment."""
    reason: str
    """The error's stable code."""
    detail: str
    message: str
    """The message as JSON text; what names a person is already hashed."""
    event_id: str | None = None
    client: str | None = None
    """The client's keyed hash."""
    replayed_at: datetime | None = None


def event_to_item(event: Event) -> dict[str, Any]:
    """The event as a plain item: texts and whole numbers, nothing for what is None."""
    item: dict[str, Any] = dict(_event_key(event.brand, event.client, event.source, event.event_id).item())
    for name in _STORED:
        value = getattr(event, name)
        if isinstance(value, datetime):
            item[name] = milliseconds(value)
        elif isinstance(value, str):
            item[name] = str(value)
        elif value is not None:
            item[name] = value
    return item


def event_from_item(item: Mapping[str, Any]) -> Event:
    """The event of a plain item. Attributes that are not an event's own (`retry`) are passed over."""
    _, brand, client = keys.parts(item[keys.PK])
    source, event_id = keys.parts(item[keys.SK])
    values = {name: item[name] for name in _STORED if name in item}
    for name in _TIMES:
        if name in values:
            values[name] = from_milliseconds(int(values[name]))
    values["type"] = EventType(values["type"])
    return Event(brand=brand, client=client, source=source, event_id=event_id, **values)


def event_from_image(image: Wire) -> Event | None:
    """The event of a stream's image; None when the image is a click, a quarantined message or no item at all."""
    if not image.get(keys.PK, {}).get("S", "").startswith(_EVENT_PREFIX):
        return None
    return event_from_item(from_wire(image))


def is_quarantine_key(pk: str) -> bool:
    """Whether a FACTS partition holds quarantined messages."""
    return pk.startswith(_QUARANTINE_PREFIX)


class Facts:
    """The FACTS table. What DynamoDB does not do is `Unavailable`: nothing was promised, trying again is right."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def put_event(self, event: Event) -> Event | None:
        """Store the event unless one of its identity is there. None when it is stored now, else the one that is.

        One write unit per begun kilobyte, also when the event was there.
        """
        attributes = to_wire(event_to_item(event))
        pk, sk = attributes.pop(keys.PK)["S"], attributes.pop(keys.SK)["S"]
        arguments = self._connection.get_operation_kwargs(
            self._table,
            pk,
            sk,
            key=ITEM,
            attributes=attributes,
            condition=_absent(),
            return_values_on_condition_failure="ALL_OLD",
        )
        try:
            self._connection.dispatch(PUT_ITEM, arguments)
        except BOTOCORE_EXCEPTIONS as error:
            # pynamodb keeps the error's code but not the item that came with it; botocore's own error has both.
            answer = getattr(error.__cause__, "response", None) or {}
            if answer.get("Error", {}).get("Code") != CONDITION_FAILED:
                raise unavailable() from error
            return event_from_item(from_wire(answer["Item"]))
        return None

    def event(self, brand: str, client: str, source: str, event_id: str) -> Event | None:
        """The event of this identity, read consistently; None when there is none."""
        key = _event_key(brand, client, source, event_id)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return event_from_item(from_wire(answer["Item"])) if "Item" in answer else None

    def events_of_client(self, brand: str, client: str) -> list[Event]:
        """All events of a client, read consistently, in their one order (`Event.order`)."""
        pk = keys.partition("event", brand=brand, client=client)
        events: list[Event] = []
        position: Mapping[str, Any] | None = None
        while True:
            with reading():
                answer = self._connection.query(self._table, pk, consistent_read=True, exclusive_start_key=position)
            events += [event_from_item(from_wire(item)) for item in answer["Items"]]
            position = answer.get("LastEvaluatedKey")
            if not position:
                return sorted(events, key=lambda event: event.order)

    def is_erased(self, brand: str, client: str) -> bool:
        """Whether this client was erased: what it sends is kept without what says who it is. Read consistently."""
        key = keys.key("erased", brand=brand, client=client)
        with reading():
            answer = self._connection.get_item(
                self._table, key.pk, key.sk, consistent_read=True, attributes_to_get=[keys.PK]
            )
        return "Item" in answer

    def mark_for_retry(self, brand: str, client: str, source: str, event_id: str) -> int:
        """Make the stream show the event again, and answer how often that was done. Raises `NotFound`.

        The number is the stream's business only: it changes nothing the event says.
        """
        key = _event_key(brand, client, source, event_id)
        with _found("There is no such event.", "no_such_event"):
            answer = self._connection.update_item(
                self._table,
                key.pk,
                key.sk,
                actions=[Path("retry").add(1)],
                condition=Path(keys.PK).exists(),
                return_values="UPDATED_NEW",
            )
        return int(answer["Attributes"]["retry"]["N"])

    def quarantine(
        self,
        *,
        brand: str,
        source: str,
        at: datetime,
        reason: str,
        detail: str,
        message: str,
        event_id: str | None = None,
        client: str | None = None,
        apart: str = "",
    ) -> Quarantined:
        """Keep a message for a person to look at. `message` is JSON text without anything that names a person.

        The same message at the same moment is one item: a caller that may run twice passes a time that stays the
        same (the event's `accepted_at`), and meets what it wrote before. `apart` tells apart what was withheld from
        two messages that now read the same; only a part of a hash of it is kept.
        """
        at = in_full_ms(at)
        told = f"{reason}\n{message}" + (f"\n{apart}" if apart else "")
        digest = hashlib.sha256(told.encode()).hexdigest()[:16]
        kept = Quarantined(
            brand=brand,
            source=source,
            at=at,
            digest=digest,
            reason=reason,
            detail=detail,
            message=message,
            event_id=event_id,
            client=client,
        )
        key = _quarantined_key(kept)
        attributes = {
            "at": milliseconds(at),
            "reason": reason,
            "detail": detail,
            "message": message,
            "event_id": event_id,
            "client": client,
            keys.TTL: milliseconds(at + timedelta(days=QUARANTINE_DAYS)) // 1000,
        }
        try:
            with writing():
                self._connection.put_item(
                    self._table,
                    key.pk,
                    key.sk,
                    attributes=to_wire(attributes),
                    condition=_absent(),
                )
        except Refused:
            pass
        return kept

    def every_quarantined(self, brand: str, source: str, day: str) -> Iterator[Quarantined]:
        """All that a source could not deliver on a UTC day, oldest first."""
        return every(lambda cursor: self.quarantined(brand, source, day, cursor, QUARANTINED_AT_ONCE))

    def quarantined(
        self,
        brand: str,
        source: str,
        day: str,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Quarantined]:
        """What a source could not deliver on a UTC day (`2026-03-01`), oldest first."""
        pk = keys.partition("quarantined", brand=brand, source=source, day=day)
        start = None if cursor is None else to_wire({keys.PK: pk, keys.SK: cursor})
        with reading():
            answer = self._connection.query(self._table, pk, exclusive_start_key=start, limit=limit)
        last = answer.get("LastEvaluatedKey")
        return Page(
            tuple(_quarantined(from_wire(item)) for item in answer["Items"]),
            last[keys.SK]["S"] if last else None,
        )

    def mark_replayed(self, kept: Quarantined, at: datetime) -> None:
        """Say that a person replayed this message. Raises `NotFound`."""
        key = _quarantined_key(kept)
        with _found("There is no such quarantined message.", "no_such_message"):
            self._connection.update_item(
                self._table,
                key.pk,
                key.sk,
                actions=[Path("replayed_at").set(to_wire({"at": milliseconds(at)})["at"])],
                condition=Path(keys.PK).exists(),
            )

    def scan_events(self, segment: int = 0, segments: int = 1) -> Iterator[Event]:
        """Every event, in no order. Reads the whole table: for operator commands only.

        Several workers share the reading by asking for one of `segments` parts each.
        """
        position: Any = None
        while True:
            with reading():
                answer = self._connection.scan(
                    self._table,
                    filter_condition=Path(keys.PK).startswith(_EVENT_PREFIX),
                    segment=segment,
                    total_segments=segments,
                    exclusive_start_key=position,
                    consistent_read=True,
                )
            for item in answer["Items"]:
                yield event_from_item(from_wire(item))
            position = answer.get("LastEvaluatedKey")
            if not position:
                return


def _event_key(brand: str, client: str, source: str, event_id: str) -> keys.Key:
    return keys.key("event", brand=brand, client=client, source=source, event=event_id)


def _quarantined_key(kept: Quarantined) -> keys.Key:
    return keys.key(
        "quarantined",
        brand=kept.brand,
        source=kept.source,
        day=day_of(kept.at),
        at=milliseconds(kept.at),
        digest=kept.digest,
    )


def _quarantined(item: Mapping[str, Any]) -> Quarantined:
    _, brand, source, _day = keys.parts(item[keys.PK])
    _at, digest = keys.parts(item[keys.SK])
    replayed_at = item.get("replayed_at")
    return Quarantined(
        brand=brand,
        source=source,
        at=from_milliseconds(item["at"]),
        digest=digest,
        reason=item["reason"],
        detail=item["detail"],
        message=item["message"],
        event_id=item.get("event_id"),
        client=item.get("client"),
        replayed_at=None if replayed_at is None else from_milliseconds(replayed_at),
    )


def _absent() -> Any:
    return Path(keys.PK).does_not_exist()


@contextmanager
def _found(otherwise: str, code: str) -> Iterator[None]:
    """A write on the condition that the item is there; else `NotFound`."""
    try:
        with writing():
            yield
    except Refused:
        raise NotFound(otherwise, code=code) from None
