"""Take a platform's events: who sent it, what it says, and one write per event.

Accepting is one conditional put into FACTS and nothing else; the engine follows the table's stream. So nothing can fail
after the platform has been told that its event was taken, and an event is taken once however often it is sent. An event
that says who its client is costs one read before: of a client who was erased it is kept without that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from introducer.domain import signatures
from introducer.domain.configuration import Availability, Source
from introducer.domain.erasing import names_somebody, says_who, without_traits
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge, Unavailable
from introducer.domain.identity import CLIENT, brand_key, keyed_hash
from introducer.domain.ids import derived_id
from introducer.gateways.secrets import Secrets
from introducer.sources.events import UnknownType, read_event, redacted, to_event
from introducer.sources.strict_json import MAX_BYTES, read_object
from introducer.store.facts import Facts

MOST_EVENTS = 100
"""Events in one message."""
_SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)


class Status(StrEnum):
    """What became of one event."""

    ACCEPTED = "accepted"
    """Stored now."""
    DUPLICATE = "duplicate"
    """Stored before, saying the same."""
    QUARANTINED = "quarantined"
    """Kept for a person: its type is not known, or it is a row that cannot be read."""
    REFUSED = "refused"
    """Not stored, and never will be as it is: `code` and `detail` say why."""
    FAILED = "failed"
    """Not known to be stored, through no fault of the event: send it again."""
    IGNORED = "ignored"
    """A row that says nothing that is counted, such as a position that was opened."""


TAKEN = frozenset({Status.ACCEPTED, Status.DUPLICATE, Status.QUARANTINED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The answer for one event."""

    status: Status
    event_id: str | None
    """As it was sent; None when it was no id."""
    receipt: str | None = None
    """An id for whom it may be quoted to. The same event has the same one, however often it is sent."""
    code: str | None = None
    detail: str | None = None
    errors: Sequence[Mapping[str, str]] = ()
    """What is wrong, field by field."""
    line: int | None = None
    """Of a row: its line, or its place in a list."""

    def document(self) -> dict[str, Any]:
        """As JSON, without what is empty."""
        whole = {
            "line": self.line,
            "event_id": self.event_id,
            "status": str(self.status),
            "receipt": self.receipt,
            "code": self.code,
            "detail": self.detail,
            "errors": list(self.errors),
        }
        return {name: value for name, value in whole.items() if value or name == "event_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The answer to a message: all of its events were dealt with, in their order."""

    brand: str
    source: str
    receipts: tuple[Receipt, ...]

    def count(self, status: Status) -> int:
        return sum(receipt.status == status for receipt in self.receipts)


class Sources(Protocol):
    """Where sources are configured."""

    def source(self, source: str) -> Source:
        """Raises `NotFound`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What taking events needs."""

    facts: Facts
    sources: Sources
    secrets: Secrets
    identity_secret: str
    """The id of the secret behind all keyed hashes."""
    source_secret_prefix: str
    """What stands before a source's name in the id of its secret."""


def accept_events(intake: Intake, *, source: str, body: bytes, signature: str | None, now: datetime) -> Taken:
    """Take the event or the events in this body, as the named source sent it.

    Raises `TooLarge`, `NotFound`, `Unauthenticated`, `Forbidden` and `Malformed` for the message as a whole. A single
    event that cannot be taken raises `Invalid` or `Conflict`; in a batch such an event has a receipt that says so, and
    the others go on. `Invalid` with `no_event_taken` answers a batch of which nothing was taken. `Unavailable` carries
    the receipts (`receipts`) of what was dealt with before the store failed.
    """
    return take_message(
        intake, authenticated(intake, source=source, body=body, signature=signature, now=now), body, now
    )


def take_message(intake: Intake, sender: Source, body: bytes, now: datetime) -> Taken:
    """Take what this body says, from whoever it is known to be. Raises as `accept_events`."""
    message = read_object(body)
    key = people_key(intake, sender.brand)
    if "events" not in message:
        return Taken(brand=sender.brand, source=sender.source, receipts=(_take(intake, sender, message, key, now),))
    return Taken(brand=sender.brand, source=sender.source, receipts=_take_all(intake, sender, message, key, now))


def authenticated(intake: Intake, *, source: str, body: bytes, signature: str | None, now: datetime) -> Source:
    """Who sent this body, and may. Raises `TooLarge`, `NotFound`, `Unauthenticated`, `Forbidden` and `Unavailable`."""
    sender = known(intake, source, body)
    signatures.check(signature, body, signing_keys(intake, sender), now)
    active(sender)
    return sender


def known(intake: Intake, source: str, body: bytes) -> Source:
    """Who says to have sent this body: it remains to be proved. Raises `TooLarge`, `NotFound` and `Unavailable`."""
    if len(body) > MAX_BYTES:
        raise TooLarge(f"The body has {len(body)} bytes; {MAX_BYTES} are accepted.", code="body_too_large")
    return _known(intake, source)


def active(sender: Source) -> None:
    """Raise `Forbidden` when nothing is taken from it."""
    if sender.status != Availability.ACTIVE:
        raise Forbidden(f"The source {sender.source} is paused: nothing it sends is taken.", code="source_paused")


def people_key(intake: Intake, brand: str) -> bytes:
    """What the people of a brand are hashed under. Raises `Unavailable`."""
    return brand_key(_secret(intake, intake.identity_secret).encode(), brand)


def _known(intake: Intake, name: str) -> Source:
    unknown = NotFound(
        "There is no such source: check the address, or ask for one to be set up.", code="unknown_source"
    )
    if not _SOURCE.fullmatch(name):
        raise unknown
    try:
        return intake.sources.source(name)
    except NotFound:
        raise unknown from None


def signing_keys(intake: Intake, sender: Source) -> list[bytes]:
    """The secrets of a source, of which each is good. Raises `Unavailable`."""
    try:
        return intake.secrets.signing_keys(intake.source_secret_prefix + sender.source)
    except Unavailable as error:
        raise _no_key(error) from error


def _secret(intake: Intake, secret_id: str) -> str:
    try:
        return intake.secrets.text(secret_id)
    except Unavailable as error:
        raise _no_key(error) from error


def _no_key(error: Unavailable) -> Unavailable:
    # What the secret is called is nobody's business outside; the log has the cause.
    return Unavailable("A key that this needs could not be read: send it again later.", code=error.code)


def _take(intake: Intake, sender: Source, message: Mapping[str, Any], key: bytes, now: datetime) -> Receipt:
    """Take one event. Raises `Invalid`, `Conflict`, `Unavailable`."""
    try:
        posted = read_event(message, now)
    except UnknownType as unknown:
        return _quarantine(intake, sender, message, key, now, unknown)
    event = to_event(posted, brand=sender.brand, source=sender.source, brand_key=key, accepted_at=now)
    if says_who(event) and intake.facts.is_erased(event.brand, event.client):
        event = without_traits(event)
    receipt = derived_id("rcp", event.brand, event.source, event.client, event.event_id)
    before = intake.facts.put_event(event)
    if before is None:
        return Receipt(status=Status.ACCEPTED, event_id=event.event_id, receipt=receipt)
    if before.digest == event.digest:
        return Receipt(status=Status.DUPLICATE, event_id=event.event_id, receipt=receipt)
    raise Conflict(
        "This event_id was accepted for this client before, and said something else. What was accepted stands: "
        "to correct it, cancel it and send a new event with an id of its own.",
        code="event_conflict",
        event_id=event.event_id,
        receipt=receipt,
    )


def _quarantine(
    intake: Intake, sender: Source, message: Mapping[str, Any], key: bytes, now: datetime, error: UnknownType
) -> Receipt:
    client_id = message.get("client_id")
    client = keyed_hash(key, CLIENT, client_id) if client_id else None
    said = redacted(message, key)
    if client is not None and intake.facts.is_erased(sender.brand, client):
        said = {name: value for name, value in said.items() if name == "client_id" or not names_somebody(name, value)}
    kept = intake.facts.quarantine(
        brand=sender.brand,
        source=sender.source,
        at=now,
        reason=error.code,
        detail=error.detail,
        message=json.dumps(said, ensure_ascii=False, separators=(",", ":")),
        event_id=message["event_id"],
        client=client,
    )
    return Receipt(
        status=Status.QUARANTINED,
        event_id=message["event_id"],
        receipt=derived_id("rcp", kept.brand, kept.source, kept.at, kept.digest),
        code=error.code,
        detail=error.detail,
    )


def _take_all(
    intake: Intake, sender: Source, message: Mapping[str, Any], key: bytes, now: datetime
) -> tuple[Receipt, ...]:
    events = message["events"]
    if len(message) > 1 or not isinstance(events, list) or not 1 <= len(events) <= MOST_EVENTS:
        raise Invalid(
            f'A batch reads {{"events": [ … ]}} with 1 to {MOST_EVENTS} events, and nothing beside it.',
            code="invalid_batch",
        )
    receipts: list[Receipt] = []
    trouble: Unavailable | None = None
    for event in events:
        if trouble is None:
            try:
                receipts.append(_take_one_of_many(intake, sender, event, key, now))
                continue
            except Unavailable as error:
                # The rest would wait for the same trouble, and the sender has stopped listening by then.
                trouble = error
        receipts.append(
            Receipt(
                status=Status.FAILED,
                event_id=_id_of(event),
                code=trouble.code,
                detail="Send this event again.",
            )
        )
    if trouble is not None:
        raise Unavailable(
            "Not every event could be stored: send those that failed again, or all of them.",
            code=trouble.code,
            receipts=[receipt.document() for receipt in receipts],
        ) from trouble
    if not any(receipt.status in TAKEN for receipt in receipts):
        raise Invalid(
            "No event of this batch could be taken: see what each of them lacks.",
            code="no_event_taken",
            receipts=[receipt.document() for receipt in receipts],
        )
    return tuple(receipts)


def _take_one_of_many(intake: Intake, sender: Source, event: Any, key: bytes, now: datetime) -> Receipt:
    try:
        if not isinstance(event, dict):
            raise Invalid("An event is a JSON object.", code="not_an_object")
        return _take(intake, sender, event, key, now)
    except (Invalid, Conflict) as error:
        errors: Any = error.facts.get("errors", ())
        return Receipt(
            status=Status.REFUSED, event_id=_id_of(event), code=error.code, detail=error.detail, errors=errors
        )


def _id_of(event: Any) -> str | None:
    event_id = event.get("event_id") if isinstance(event, dict) else None
    return event_id if isinstance(event_id, str) and len(event_id) <= 100 else None
