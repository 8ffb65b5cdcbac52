"""Take what a platform sends us over HTTP, in the dialect of its source and proved in the dialect's way.

Our own JSON is `accept_events`. In the other dialects every row has a receipt: one that cannot be an event is kept for
a person, and the rest goes on. A network's call is a single row and has a single answer, so there it is an error as
well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs

from introducer.domain import signatures
from introducer.domain.configuration import Source
from introducer.domain.errors import Conflict, Invalid, Malformed, TooLarge, Unavailable
from introducer.services.accept_events import Intake, Receipt, Status, Taken, active, known, signing_keys, take_message
from introducer.services.accept_rows import accept_rows, settings_of
from introducer.sources import dialects
from introducer.sources.dialects.model import Dialect, Signature, SourceSettings
from introducer.sources.events import MOST_FIELDS

MOST_ROWS = 500
"""Rows in one message: a write each, and the sender waits."""
_TOKEN = "token"
_FOR_PEOPLE = frozenset({"unknown_type", "taken_back"})
_FINE = frozenset({Status.ACCEPTED, Status.DUPLICATE, Status.IGNORED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A request."""

    source: str
    body: bytes
    query: str
    """As it was sent, still encoded."""
    signature: str | None
    posted: bool
    """Whether it came by POST; else by GET."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What was taken, and how its sender wants to hear of it."""

    taken: Taken
    in_a_word: bool
    """A network reads no receipts: it wants a 200 and `OK`."""


def accept_message(intake: Intake, message: Message, *, now: datetime) -> Accepted:
    """Take the message. Raises as `accept_events`; `Malformed` (`post_only`) for a call to a source that signs;
    `Unavailable` (`source_settings`) while the source cannot be read as it is set up; of a call also `Invalid` and
    `Conflict` with what is wrong with it, and the `receipt` under which it was kept."""
    sender = known(intake, message.source, message.body)
    dialect = _dialect(sender)
    if dialect.signature is Signature.TOKEN:
        return Accepted(taken=_called(intake, sender, message, now), in_a_word=True)
    if not message.posted:
        raise Malformed("This source signs what it sends: use POST (docs/postback.md).", code="post_only")
    signatures.check(message.signature, message.body, signing_keys(intake, sender), now)
    active(sender)
    if dialect.name == "json":
        return Accepted(taken=take_message(intake, sender, message.body, now), in_a_word=False)
    return Accepted(taken=_rows(intake, sender, message.body, now), in_a_word=False)


def _called(intake: Intake, sender: Source, message: Message, now: datetime) -> Taken:
    call = b"&".join(part for part in (message.query.encode("utf-8", "surrogatepass"), message.body) if part)
    try:
        said = parse_qs(call.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Invalid(f"A call has {MOST_FIELDS} parameters at most.", code="too_many_fields") from None
    signatures.check_token(said.get(_TOKEN, [""])[0], signing_keys(intake, sender))
    active(sender)
    taken = _rows(intake, sender, b" ".join(call.split()), now)
    _answer_for(taken.receipts[0])
    return taken


def _answer_for(receipt: Receipt) -> None:
    """Raise what is wrong with a call. One of a kind that we do not know, or of what was taken back, is kept, and
    nothing is wrong with it."""
    if receipt.status in _FINE or receipt.code in _FOR_PEOPLE:
        return
    kind = Conflict if receipt.code == "event_conflict" else Invalid
    raise kind(receipt.detail or "", code=receipt.code, receipt=receipt.receipt)


def _rows(intake: Intake, sender: Source, body: bytes, now: datetime) -> Taken:
    dialect, settings = _settings(sender)
    lines = dialect.read(body, source=settings, received_at=now)
    if len(lines) > MOST_ROWS:
        raise TooLarge(f"The message has {len(lines)} rows; {MOST_ROWS} are accepted.", code="too_many_rows")
    return accept_rows(intake, sender, lines, dialect=dialect, now=now)


def _settings(sender: Source) -> tuple[Dialect, SourceSettings]:
    try:
        return settings_of(sender)
    except Invalid as error:
        raise _set_up_wrongly(sender) from error


def _dialect(sender: Source) -> Dialect:
    try:
        return dialects.of(sender.dialect)
    except Invalid as error:
        raise _set_up_wrongly(sender) from error


def _set_up_wrongly(sender: Source) -> Unavailable:
    # Nothing that the sender could mend: it is to try again when the broker has.
    return Unavailable(
        f"The source {sender.source} is not set up as it should be: ask the broker, and send it again.",
        code="source_settings",
    )
