"""Conversations between a partner and the staff: threads, their messages, who has read how far, and who answers. Pure:
each function answers the thread as it is then, or raises.

A note is a message that staff write for themselves. Nothing that a partner sees changes by it: not the order of the
threads, not what is unread, not what waits.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from introducer.domain.errors import Conflict, Invalid

LONGEST_SUBJECT = 120
LONGEST_TEXT = 5_000
"""Characters."""
MOST_MESSAGES = 5_000
"""In one thread: then a new one is begun."""
MOST_OPEN = 50
"""Threads of one partner that are open at the same time."""
TOLD_EVERY = timedelta(minutes=15)
"""Within it a side gets at most one mail about a thread."""
_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"})
"""Categories of characters that alone show nothing."""
_TURNING = {0x202D: "\0", 0x202E: "\0"}
"""Characters that force a direction upon letters: no language needs them on one line."""


class Side(StrEnum):
    """Who speaks with whom."""

    PARTNER = "partner"
    STAFF = "staff"


class Kind(StrEnum):
    """Whose message it is."""

    PARTNER = "partner"
    STAFF = "staff"
    NOTE = "note"
    """Of staff, for staff."""


class ThreadStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    """Nothing is left to be said. Whoever writes again opens it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message. It never changes."""

    thread: str
    partner: str
    number: int
    """From 1 on, in the order in which they were written; notes are counted too."""
    message: str
    kind: Kind
    by: str
    """The member who wrote it."""
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One conversation."""

    thread: str
    brand: str
    partner: str
    subject: str
    opened_by: str
    opened_at: datetime
    status: ThreadStatus = ThreadStatus.OPEN
    assigned: str = ""
    """The member of staff who answers; empty: the partner's manager."""
    messages: int = 0
    """How many there are, notes among them."""
    from_partner: int = 0
    from_staff: int = 0
    """The number of the newest message of each side that both see; 0 for none."""
    read_by_partner: int = 0
    read_by_staff: int = 0
    """Up to which number each side has read."""
    last_at: datetime
    """When the newest message that both see was written."""
    waits_since: datetime | None = None
    """Since when the partner waits for an answer."""
    told_partner: datetime | None = None
    told_staff: datetime | None = None
    """For when the newest mail about this thread to each side is meant; it can be to come."""
    version: int = 1

    @property
    def last_side(self) -> Side:
        """Who wrote last of what both see."""
        return Side.PARTNER if self.from_partner > self.from_staff else Side.STAFF

    def unread(self, side: Side) -> bool:
        """Whether the other side wrote what this one has not seen."""
        if side is Side.PARTNER:
            return self.from_staff > self.read_by_partner
        return self.from_partner > self.read_by_staff

    def told(self, side: Side) -> datetime | None:
        return self.told_partner if side is Side.PARTNER else self.told_staff


# --------------------------------------------------------------------------------------------------------------- texts


def subject_of(text: str) -> str:
    """A subject as it is kept, on one line. Raises `Invalid` (`subject_needed`, `subject_too_long`, `invalid_text`)."""
    text = text.strip()
    if any(each in text for each in "\n\r\t\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"):
        raise Invalid("A subject stands on one line.", code="invalid_text", field="subject")
    # What turns letters round would turn the rest of a mail's subject as well, and can make a name look like another.
    _check_characters(text.translate(_TURNING), "subject")
    if not _shows(text):
        raise Invalid("Say in a few words what it is about.", code="subject_needed")
    if len(text) > LONGEST_SUBJECT:
        raise Invalid(f"Use at most {LONGEST_SUBJECT} characters for the subject.", code="subject_too_long")
    return text


def text_of(text: str) -> str:
    """What somebody wrote, as it is kept: lines end in a line feed, and nothing stands around it.

    Raises `Invalid` (`text_needed`, `text_too_long`, `invalid_text` for control characters).
    """
    text = re.sub(r"\r\n?", "\n", text).strip()
    _check_characters(text.replace("\n", "").replace("\t", ""), "text")
    if not _shows(text):
        raise Invalid("Write something first.", code="text_needed")
    if len(text) > LONGEST_TEXT:
        raise Invalid(f"Write at most {LONGEST_TEXT} characters, or send it in parts.", code="text_too_long")
    return text


def _check_characters(text: str, field: str) -> None:
    # Half of a surrogate pair can be in no table, page or mail.
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in text):
        raise Invalid("Leave out control characters: they cannot be shown.", code="invalid_text", field=field)


def _shows(text: str) -> bool:
    return any(unicodedata.category(each) not in _INVISIBLE for each in text)


# --------------------------------------------------------------------------------------------------------------- steps


def opened(
    *, thread: str, brand: str, partner: str, subject: str, kind: Kind, text: str, message: str, by: str, at: datetime
) -> tuple[Thread, Message]:
    """A new thread with its first message. Raises `Invalid`."""
    first = Thread(
        thread=thread,
        brand=brand,
        partner=partner,
        subject=subject_of(subject),
        opened_by=by,
        opened_at=at,
        last_at=at,
        version=0,
    )
    return written(first, kind=kind, text=text, message=message, by=by, at=at)


def written(thread: Thread, *, kind: Kind, text: str, message: str, by: str, at: datetime) -> tuple[Thread, Message]:
    """The thread with a message more. One that both sides see opens a closed thread again; one of staff is the answer
    that the partner waits for. Raises `Invalid`; `Conflict` (`thread_full`)."""
    if thread.messages >= MOST_MESSAGES:
        raise Conflict("This conversation is full: begin a new one.", code="thread_full")
    number = thread.messages + 1
    said = Message(
        thread=thread.thread,
        partner=thread.partner,
        number=number,
        message=message,
        kind=kind,
        by=by,
        at=at,
        text=text_of(text),
    )
    after = replace(thread, messages=number, version=thread.version + 1)
    match kind:
        case Kind.NOTE:
            return after, said
        case Kind.PARTNER:
            waits = thread.waits_since or at
            after = replace(after, from_partner=number, waits_since=waits)
        case Kind.STAFF:
            after = replace(after, from_staff=number, waits_since=None)
    # A clock that goes back changes no order.
    return replace(after, status=ThreadStatus.OPEN, last_at=max(at, thread.last_at)), said


def assigned(thread: Thread, member: str, manager: str = "") -> Thread:
    """The thread with somebody who answers; empty: the partner's `manager`. A mail that was meant for another tells
    nobody new: whoever answers from now on is told of the next message at once."""
    if thread.assigned == member:
        return thread
    told_staff = thread.told_staff if (thread.assigned or manager) == (member or manager) else None
    return replace(thread, assigned=member, told_staff=told_staff, version=thread.version + 1)


def closed(thread: Thread) -> Thread:
    """The thread when nothing is left to be said; nobody waits in it then."""
    if thread.status is ThreadStatus.CLOSED:
        return thread
    return replace(thread, status=ThreadStatus.CLOSED, waits_since=None, version=thread.version + 1)


def reopened(thread: Thread) -> Thread:
    """The thread, open again. It waits for an answer if the partner wrote last."""
    if thread.status is ThreadStatus.OPEN:
        return thread
    waits = thread.last_at if thread.last_side is Side.PARTNER else None
    return replace(thread, status=ThreadStatus.OPEN, waits_since=waits, version=thread.version + 1)


# --------------------------------------------------------------------------------------------------------------- mails


def told_when(last: datetime | None, at: datetime) -> datetime | None:
    """When a side is to be told by mail of a message of this moment; None where a mail that is to come tells it.

    At once where the last mail about the thread is old enough; else when it will be. So every message is followed by a
    mail, and two mails are never nearer than `TOLD_EVERY`.
    """
    if last is None or at >= last + TOLD_EVERY:
        return at
    return None if last > at else last + TOLD_EVERY


def told(thread: Thread, side: Side, at: datetime) -> Thread:
    """The thread when a mail to a side is meant for this moment."""
    return replace(thread, told_partner=at) if side is Side.PARTNER else replace(thread, told_staff=at)
