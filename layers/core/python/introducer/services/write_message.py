"""Somebody writes in a conversation: a partner to the staff, staff to the partner, or staff a note for themselves.

The other side is told by mail: the partner's owners, or whoever answers. What comes again with the same request changes
nothing, and of two who write at once each finds the other's message before their own.
"""

from __future__ import annotations

from introducer.domain.configuration import Change, Member, Partner
from introducer.domain.conversation import (
    MOST_OPEN,
    Kind,
    Message,
    Side,
    Thread,
    ThreadStatus,
    opened,
    text_of,
    told,
    told_when,
    written,
)
from introducer.domain.conversation_mail import message_mail
from introducer.domain.errors import Conflict, Forbidden, NotFound
from introducer.domain.mail import Mail
from introducer.services.creation import Clock, Randomness, make_id, now
from introducer.services.partner_of_brand import partner_of_brand
from introducer.store.configuration import Configuration
from introducer.store.conversations import Conversations

TRIES = 8
LOOKED_BACK = 50
"""Among so many messages a repeated request is looked for: the portal itself remembers a key for a day."""


def open_thread(
    configuration: Configuration,
    conversations: Conversations,
    *,
    member: Member,
    partner: str,
    subject: str,
    text: str,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> Thread:
    """A new conversation with its first message, of a partner's member or of staff. A repeated `request` meets the
    first one's thread.

    Raises `NotFound` for another's partner; `Invalid` (`subject_needed`, `subject_too_long`, `text_needed`,
    `text_too_long`, `invalid_text`); `Conflict` (`too_many_threads`, `idempotency_key_reused`).
    """
    owner = _partner_for(configuration, member, partner)
    at = now(clock)
    kind = Kind.PARTNER if member.partner is not None else Kind.STAFF
    new, message = opened(
        thread=make_id("thr", request, at, random, owner.partner, member.member),
        brand=owner.brand,
        partner=owner.partner,
        subject=subject,
        kind=kind,
        text=text,
        message=make_id("msg", request, at, random, owner.partner, member.member, "first"),
        by=member.member,
        at=at,
    )
    others = conversations.of_partner(owner.partner)
    before = next((each for each in others if each.thread == new.thread), None)
    if before is None:
        if sum(each.status is ThreadStatus.OPEN for each in others) >= MOST_OPEN:
            raise Conflict(f"{MOST_OPEN} conversations are open: go on in one of them.", code="too_many_threads")
        new, mail = _told(configuration, new, message, owner)
        try:
            conversations.write(
                None, new, action="open_thread", change=_change(kind, message), message=message, mail=mail
            )
        except Conflict:
            # Of two presses at once the slower one finds it there.
            try:
                before = conversations.thread(owner.partner, new.thread)
            except NotFound:
                before = None
            if before is None:
                raise
    if before is None:
        return new
    [first] = conversations.messages(owner.partner, before.thread, before=2).items
    if (before.subject, first.text) != (new.subject, message.text):
        raise Conflict("This request wrote something else before: use a new key.", code="idempotency_key_reused")
    return before


def write_message(
    configuration: Configuration,
    conversations: Conversations,
    *,
    member: Member,
    partner: str,
    thread: str,
    text: str,
    note: bool = False,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> tuple[Thread, Message]:
    """The thread with what the member wrote in it; `note` is for staff alone. A repeated `request` meets the first
    one's message.

    Raises `NotFound` for another's thread; `Forbidden` (`notes_are_staffs`); `Invalid` (`text_needed`, `text_too_long`,
    `invalid_text`); `Conflict` (`thread_full`, `idempotency_key_reused`, `thread_changed`: try again).
    """
    owner = _partner_for(configuration, member, partner)
    if note and member.partner is not None:
        raise Forbidden("Notes are the staff's own: write a message instead.", code="notes_are_staffs")
    kind = Kind.PARTNER if member.partner is not None else Kind.NOTE if note else Kind.STAFF
    at = now(clock)
    new = make_id("msg", request, at, random, thread, member.member)
    for _ in range(TRIES):
        found = conversations.thread(owner.partner, thread)
        if request is not None and (before := _before(conversations, found, new)) is not None:
            if (before.text, before.kind) != (text_of(text), kind):
                raise Conflict("This request wrote something else before: use a new key.",
                               code="idempotency_key_reused")  # fmt: skip
            return found, before
        after, message = written(found, kind=kind, text=text, message=new, by=member.member, at=at)
        after, mail = _told(configuration, after, message, owner)
        action = "note_on_thread" if note else "write_message"
        try:
            conversations.write(found, after, action=action, change=_change(kind, message), message=message, mail=mail)
        except Conflict:
            continue
        return after, message
    raise Conflict("Others are writing in this conversation: try again.", code="thread_changed")


def whom_to_tell(configuration: Configuration, thread: Thread, partner: Partner) -> str:
    """The member of staff who answers in a thread: the one it is assigned to, else the partner's manager; empty where
    neither works for the brand any more, or nobody was named."""
    for member in (thread.assigned, partner.manager):
        if member and is_staff_of(configuration, thread.brand, member):
            return member
    return ""


def is_staff_of(configuration: Configuration, brand: str, member: str) -> bool:
    """Whether somebody works for the brand."""
    try:
        found = configuration.member(member)
    except NotFound:
        return False
    return found.brand == brand and found.partner is None


# --------------------------------------------------------------------------------------------------------------- parts


def _partner_for(configuration: Configuration, member: Member, partner: str) -> Partner:
    """The partner, if the member speaks for it, or for its brand. Raises `NotFound`: another's is none."""
    if member.partner is None:
        return partner_of_brand(configuration, member, partner)
    if member.partner != partner:
        raise NotFound("There is no such partner.")
    return configuration.partner(partner)


def _before(conversations: Conversations, thread: Thread, message: str) -> Message | None:
    newest = conversations.messages(thread.partner, thread.thread, limit=LOOKED_BACK).items
    return next((each for each in newest if each.message == message), None)


def _change(kind: Kind, message: Message) -> Change | None:
    """Staff write on record; what a partner writes is its own."""
    if kind is Kind.PARTNER:
        return None
    return Change(by=message.by, at=message.at, why="noted" if kind is Kind.NOTE else "written", origin="portal")


def _told(
    configuration: Configuration, thread: Thread, message: Message, partner: Partner
) -> tuple[Thread, Mail | None]:
    """The thread, and the mail to the other side where no mail that is to come tells it anyway."""
    if message.kind is Kind.NOTE:
        return thread, None
    side = Side.STAFF if message.kind is Kind.PARTNER else Side.PARTNER
    due = told_when(thread.told(side), message.at)
    if due is None:
        return thread, None
    answers = whom_to_tell(configuration, thread, partner) if side is Side.STAFF else ""
    mail = message_mail(thread, side, partner.name, message.at, due=due, answers=answers)
    return told(thread, side, due), mail
