"""`/messages`: what a partner and the staff wrote to each other, what is announced, and beginning a conversation.
`/messages/{thread}`: one conversation, and writing in it. `/messages/announcements/{announcement}`: one announcement.

Looking at a conversation or an announcement marks it as read. Notes of staff are nowhere in here.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Annotated, Any

from advice import Advice, advised
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, page
from visit import N_, Visit

from introducer.domain.configuration import Partner, Status
from introducer.domain.conversation import Message, Side, Thread
from introducer.services.announce import (
    AnnouncementOfMember,
    announcements_for,
    note_announcement_read,
    read_announcement,
)
from introducer.services.read_conversations import ConversationReader, MessageShown, ThreadShown
from introducer.services.save_answer import values_for
from introducer.services.work_thread import note_read
from introducer.services.write_message import open_thread, write_message

PATH = "/messages"
ONE = PATH + "/{thread}"
ANNOUNCED = PATH + "/announcements/{announcement}"

Written = Annotated[str, StringConstraints(max_length=60_000)]
"""How long a text may be is said by the service, which counts what is left of it."""


class NewThread(BaseModel):
    """What a conversation is about, and its first message."""

    model_config = ConfigDict(extra="forbid")

    subject: Written
    text: Written


class NewMessage(BaseModel):
    """What is said."""

    model_config = ConfigDict(extra="forbid")

    text: Written


ADVICE: Advice = {
    "subject_needed": ("subject", N_("Say in a few words what it is about.")),
    "subject_too_long": ("subject", N_("Use at most 120 characters for the subject.")),
    "text_needed": ("text", N_("Write something first.")),
    "text_too_long": ("text", N_("Write at most 5,000 characters, or send it in parts.")),
    "invalid_text": ("text", N_("Leave out control characters: they cannot be shown.")),
    "too_many_threads": ("", N_("Many conversations are open already: go on in one of them.")),
    "thread_full": ("", N_("This conversation is full: begin a new one.")),
    "thread_changed": ("", N_("Others are writing here at the same moment: send it again.")),
}
"""Why something cannot be written, and what to do."""


@page(
    PATH,
    "messages.html",
    columns=(
        ("thread", lambda row: row["thread"]),
        ("subject", lambda row: row["subject"]),
        ("status", lambda row: row["status"]),
        ("opened_at", lambda row: row["opened_at"]),
        ("last_at", lambda row: row["last_at"]),
        ("last_side", lambda row: row["last_side"]),
        ("unread", lambda row: str(row["unread"]).lower()),
        ("answers", lambda row: row["answers"]),
    ),
)
def messages(visit: Visit) -> dict[str, Any]:
    """The partner's conversations with the staff, and what is announced to it."""
    assert visit.partner is not None and visit.member is not None
    subject = f"threads of {visit.partner.partner}"
    reader = reader_of(visit)
    found = reader.threads(visit.partner.partner, visit.position(subject), visit.limit())
    announced = announcements_for(
        visit.portal.announcements, visit.portal.broadcast_books.results, visit.member, _today(visit.partner), visit.now
    )
    return {
        "items": [_line(each) for each in found.items],
        "next": visit.next(subject, found.cursor),
        "unread": reader.unread(visit.partner.partner),
        "announcements": [_announced(visit, each) for each in announced],
    }


@page(PATH, "messages.html", method="POST", again=messages, body=NewThread)
def begin(visit: Visit) -> Done:
    """Begins a conversation with the staff."""
    assert visit.partner is not None and visit.member is not None
    thread = begun(visit, visit.partner.partner)
    data = {"thread": thread.thread, "subject": thread.subject, "status": thread.status}
    return Done(data, f"{PATH}/{thread.thread}", created=True)


@page(ONE, "message_thread.html")
def conversation(visit: Visit, thread: str) -> dict[str, Any]:
    """One conversation of the partner; looking at it marks it as read."""
    assert visit.partner is not None
    subject = f"messages of {visit.partner.partner} {thread}"
    found, shown = reader_of(visit).conversation(
        visit.partner.partner, thread, visit.position(subject), visit.limit(30)
    )
    mark_read(visit, found, Side.PARTNER)
    return _line(shown.thread) | {
        "items": [_said(each) for each in shown.messages],
        "next": visit.next(subject, shown.earlier),
    }


@page(ONE, "message_thread.html", method="POST", again=conversation, body=NewMessage)
def write(visit: Visit, thread: str) -> Done:
    """Writes a message in a conversation."""
    assert visit.partner is not None and visit.member is not None
    wish = visit.read(NewMessage)
    found, message = written(visit, wish, visit.partner.partner, thread, ADVICE)
    data = {"thread": found.thread, "message": message.message, "at": message.at, "text": message.text}
    return Done(data, f"{PATH}/{thread}?written={message.message}#write", created=True)


@page(ANNOUNCED, "announcement.html")
def announcement(visit: Visit, announcement: str) -> dict[str, Any]:
    """One announcement to the partner; looking at it marks it as read."""
    assert visit.partner is not None and visit.member is not None
    announcements = visit.portal.announcements
    found = read_announcement(
        announcements, visit.portal.broadcast_books.results, visit.member, _today(visit.partner), announcement,
        visit.now,
    )  # fmt: skip
    if found.unread and is_looked_at(visit):
        note_announcement_read(announcements, visit.member, visit.partner, announcement, visit.portal.now)
    return _announced(visit, found)


# --------------------------------------------------------------------------------------------------------------- parts


def begun(visit: Visit, partner: str) -> Thread:
    """The conversation with a partner that was sent, with its first message."""
    assert visit.member is not None
    wish = visit.read(NewThread)
    with advised(wish, ADVICE):
        return open_thread(
            visit.portal.configuration,
            visit.portal.conversations,
            member=visit.member,
            partner=partner,
            subject=wish.subject,
            text=wish.text,
            clock=visit.portal.now,
            random=secrets.token_bytes,
            request=visit.idempotency_key,
        )


def written(
    visit: Visit, wish: NewMessage, partner: str, thread: str, advice: Advice, *, note: bool = False
) -> tuple[Thread, Message]:
    """A message in a conversation, and the conversation with it."""
    assert visit.member is not None
    with advised(wish, advice):
        return write_message(
            visit.portal.configuration,
            visit.portal.conversations,
            member=visit.member,
            partner=partner,
            thread=thread,
            text=wish.text,
            note=note,
            clock=visit.portal.now,
            random=secrets.token_bytes,
            request=visit.idempotency_key,
        )


def mark_read(visit: Visit, thread: Thread, side: Side) -> None:
    """Whoever looks at a conversation has read it. One who looks at earlier messages has not seen the newest."""
    if is_looked_at(visit) and not visit.query("cursor"):
        note_read(visit.portal.conversations, thread, side)


def is_looked_at(visit: Visit) -> bool:
    """Whether somebody gets the page before their eyes: no browser that fetches ahead, and nobody who asks for headers
    alone."""
    method = visit.request.to_original_event()["requestContext"]["http"]["method"]
    ahead = visit.header("sec-purpose") or visit.header("purpose") or visit.header("x-moz")
    return bool(method != "HEAD" and "prefetch" not in ahead.lower())


def reader_of(visit: Visit) -> ConversationReader:
    """What reads for whoever looks."""
    assert visit.member is not None
    return ConversationReader(visit.portal.configuration, visit.portal.conversations, visit.member)


def has_news(visit: Visit) -> bool:
    """Whether an answer or an announcement stands here that the partner's member has not looked at."""
    assert visit.partner is not None and visit.member is not None
    books, partner = visit.portal, visit.partner
    return bool(reader_of(visit).unread(partner.partner)) or any(
        each.unread
        for each in announcements_for(
            books.announcements, books.broadcast_books.results, visit.member, _today(partner), visit.now
        )
    )


def _today(partner: Partner) -> Partner:
    """The partner who looks, with the status that it has now: nobody else gets here, whatever was decided for later."""
    return replace(partner, status=Status.ACTIVE)


def _line(thread: ThreadShown) -> dict[str, Any]:
    """A thread as its partner gets it: nothing of how staff work on it."""
    return {
        "thread": thread.thread,
        "subject": thread.subject,
        "status": thread.status,
        "opened_at": thread.opened_at,
        "last_at": thread.last_at,
        "last_side": thread.last_side,
        "unread": thread.unread,
        "answers": thread.answers,
    }


def _said(message: MessageShown) -> dict[str, Any]:
    return {
        "message": message.message,
        "side": message.kind,
        "by": message.by,
        "at": message.at,
        "text": message.text,
    }


def _announced(visit: Visit, found: AnnouncementOfMember) -> dict[str, Any]:
    """An announcement in the visitor's words."""
    assert visit.partner is not None and visit.member is not None
    words = found.announcement.text.words(visit.language.code)
    if words.placeholders:
        values = values_for(visit.portal.configuration, visit.brand, visit.partner, visit.member.name)
        words = words.filled(values)
    return {
        "announcement": found.announcement.announcement,
        "title": words.subject,
        "paragraphs": words.paragraphs,
        "published_at": found.announcement.published_at,
        "through": found.announcement.through,
        "path": found.announcement.path,
        "unread": found.unread,
    }
