"""What staff do with a conversation beside writing in it: give it to a colleague, close it, open it again. And how far
a side has read.
"""

from __future__ import annotations

from collections.abc import Callable

from introducer.domain.configuration import Change, Member
from introducer.domain.conversation import Side, Thread, assigned, closed, reopened
from introducer.domain.errors import Conflict, Invalid
from introducer.services.creation import Clock, now
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.write_message import TRIES, is_staff_of
from introducer.store.configuration import Configuration
from introducer.store.conversations import Conversations


def assign_thread(
    configuration: Configuration,
    conversations: Conversations,
    *,
    member: Member,
    partner: str,
    thread: str,
    to: str,
    clock: Clock,
) -> Thread:
    """The thread with somebody of the brand's staff who answers; empty: the partner's manager. Again changes nothing.

    Raises `NotFound`, `Invalid` (`not_of_staff`), `Conflict` (`thread_changed`).
    """
    owner = partner_of_brand(configuration, member, partner)
    if to and not (len(to) <= 100 and is_staff_of(configuration, owner.brand, to)):
        raise Invalid("Choose somebody of your own staff.", code="not_of_staff")
    return _step(
        conversations, member, owner.partner, thread, "assign_thread", "assigned",
        lambda found: assigned(found, to, owner.manager or ""), clock,
    )  # fmt: skip


def close_thread(
    configuration: Configuration,
    conversations: Conversations,
    *,
    member: Member,
    partner: str,
    thread: str,
    seen: int | None = None,
    clock: Clock,
) -> Thread:
    """The thread when nothing is left to be said. Again changes nothing. `seen` is the partner's newest message that
    the member had before them; None where nobody looked.

    Raises `NotFound`, `Conflict` (`thread_changed`; `partner_wrote` where there is a newer one).
    """
    owner = partner_of_brand(configuration, member, partner)

    def step(found: Thread) -> Thread:
        if seen is not None and found.from_partner > seen:
            raise Conflict("The partner wrote meanwhile: read it first.", code="partner_wrote")
        return closed(found)

    return _step(conversations, member, owner.partner, thread, "close_thread", "closed", step, clock)


def reopen_thread(
    configuration: Configuration,
    conversations: Conversations,
    *,
    member: Member,
    partner: str,
    thread: str,
    clock: Clock,
) -> Thread:
    """The thread, open again. Again changes nothing. Raises `NotFound`, `Conflict`."""
    owner = partner_of_brand(configuration, member, partner)
    return _step(conversations, member, owner.partner, thread, "reopen_thread", "reopened", reopened, clock)


def note_read(conversations: Conversations, thread: Thread, side: Side) -> None:
    """A side has the thread before it, as it was read: whatever the other wrote in it is read. Raises `Unavailable`."""
    if thread.unread(side):
        conversations.mark_read(thread, side, thread.from_staff if side is Side.PARTNER else thread.from_partner)


def _step(
    conversations: Conversations,
    member: Member,
    partner: str,
    thread: str,
    action: str,
    why: str,
    step: Callable[[Thread], Thread],
    clock: Clock,
) -> Thread:
    change = Change(by=member.member, at=now(clock), why=why, origin="portal")
    for _ in range(TRIES):
        found = conversations.thread(partner, thread)
        after = step(found)
        if after is found:
            return found
        try:
            conversations.write(found, after, action=action, change=change)
        except Conflict:
            continue
        return after
    raise Conflict("Others are writing in this conversation: try again.", code="thread_changed")
