"""Conversations as they are shown: to a partner its own, without notes; to staff a partner's, and the brand's inbox.

Names are looked up where they are shown: the threads and messages keep ids alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import Member
from introducer.domain.conversation import Kind, Message, Side, Thread, ThreadStatus
from introducer.domain.events import milliseconds
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.people import Names
from introducer.store.configuration import Configuration
from introducer.store.conversations import CLOSED, LAST, Conversations
from introducer.store.paging import Page

MOST_READ = 20
"""So many pages of the index are read for one page of an inbox; what is left is behind its cursor."""
READ_AT_ONCE = 200
"""Messages that are read at once for whoever sees no notes: there can be many between two that it sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadShown:
    """A thread in a line."""

    thread: str
    partner: str
    name: str
    """The partner's."""
    subject: str
    status: ThreadStatus
    opened_at: datetime
    last_at: datetime
    last_side: Side
    unread: bool
    """Whether the side that looks has not seen what the other wrote."""
    waits_since: datetime | None
    answers: str = ""
    """Who of staff answers, a name; empty for nobody in particular."""
    assigned: str = ""
    """The member it is given to; empty: to the partner's manager. For staff."""
    read_by_other: bool = False
    """Whether the partner has seen what staff wrote last. For staff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageShown:
    """A message."""

    message: str
    kind: Kind
    by: str
    """A name; empty for a login that is gone."""
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One thread and a page of its messages, the oldest first."""

    thread: ThreadShown
    messages: tuple[MessageShown, ...]
    earlier: str | None
    """Where the messages before these begin."""


class ConversationReader:
    """Reads for one member: a partner's own, or one of staff. What is another's is not found."""

    def __init__(self, configuration: Configuration, conversations: Conversations, member: Member) -> None:
        self._configuration = configuration
        self._conversations = conversations
        self._member = member
        self._side = Side.STAFF if member.partner is None else Side.PARTNER
        self._names = Names(configuration)

    def threads(self, partner: str, cursor: str | None = None, limit: int = 50) -> Page[ThreadShown]:
        """A page of a partner's threads: open ones first, whatever was written in last first. Raises `NotFound`."""
        found = sorted(self._conversations.of_partner(self._partner(partner)), key=_place)
        later = [each for each in found if cursor is None or _place(each) > cursor]
        page = later[:limit]
        return Page(tuple(self._shown(page)), _place(page[-1]) if len(later) > limit else None)

    def unread(self, partner: str) -> int:
        """In how many threads the other side wrote what this one has not seen."""
        return sum(each.unread(self._side) for each in self._conversations.of_partner(self._partner(partner)))

    def conversation(
        self, partner: str, thread: str, before: str | None = None, limit: int = 50
    ) -> tuple[Thread, Conversation]:
        """One thread as it stands, and its newest messages, or those before a place. Raises `NotFound`."""
        found = self._conversations.thread(self._partner(partner), thread)
        messages: list[Message] = []
        place, at_once = int(before) if before else None, limit
        while True:
            page = self._conversations.messages(found.partner, thread, place, at_once)
            messages += [each for each in page.items if self._sees(each)]
            place, at_once = int(page.cursor) if page.cursor else None, READ_AT_ONCE
            if place is None or len(messages) >= limit:
                break
        messages = messages[:limit]
        [shown] = self._shown([found])
        # The first message is seen by both sides: before it there is nothing, and before any other there is something.
        # Of one length always: a sealed cursor is as long as what is in it, and notes are counted in these numbers.
        earlier = f"{messages[-1].number:06d}" if messages and messages[-1].number > 1 else None
        return found, Conversation(
            thread=shown, messages=tuple(self._message(each) for each in reversed(messages)), earlier=earlier
        )

    def asks(self, thread: Thread) -> str:
        """The name of whoever of the partner wrote last in a thread; empty where nobody did, or the login is gone."""
        if not thread.from_partner:
            return ""
        newest = self._conversations.messages(thread.partner, thread.thread, before=thread.from_partner + 1, limit=1)
        return "".join(self._names.of(each.by) for each in newest.items)

    def inbox(
        self, *, mine: bool, state: ThreadStatus, cursor: str | None = None, limit: int = 50
    ) -> Page[ThreadShown]:
        """A page of the brand's threads: those that wait for an answer first, the longest wait first. `mine` are those
        that this member answers."""
        found: list[Thread] = []
        place = cursor or (CLOSED if state is ThreadStatus.CLOSED else None)
        for _ in range(MOST_READ):
            page = self._conversations.placed(self._member.brand, place, limit)
            cards = self._conversations.cards(self._member.brand, {each.partner for _, each in page.items})
            for position, (at, each) in enumerate(page.items):
                manager = cards.get(each.partner, ("", ""))[1]
                if each.status is state and (not mine or (each.assigned or manager) == self._member.member):
                    found.append(each)
                if len(found) == limit:
                    rest = page.items[position + 1 :]
                    return Page(tuple(self._shown(found)), at if rest or page.cursor else None)
            place = page.cursor
            if place is None or (state is ThreadStatus.OPEN and place.startswith(CLOSED)):
                return Page(tuple(self._shown(found)))
        return Page(tuple(self._shown(found)), place)

    # ------------------------------------------------------------------------------------------------------ parts

    def _partner(self, partner: str) -> str:
        """The partner, if the member may look at it. Raises `NotFound`."""
        if self._member.partner is None:
            return partner_of_brand(self._configuration, self._member, partner).partner
        assert partner == self._member.partner, "a partner's pages ask for the member's own"
        return partner

    def _sees(self, message: Message) -> bool:
        return self._side is Side.STAFF or message.kind is not Kind.NOTE

    def _shown(self, threads: list[Thread]) -> Iterator[ThreadShown]:
        brand = self._member.brand
        cards = self._conversations.cards(brand, {each.partner for each in threads})
        for each in threads:
            name, manager = cards.get(each.partner, ("", ""))
            staff = self._side is Side.STAFF
            yield ThreadShown(
                thread=each.thread,
                partner=each.partner,
                name=name or each.partner,
                subject=each.subject,
                status=each.status,
                opened_at=each.opened_at,
                last_at=each.last_at,
                last_side=each.last_side,
                unread=each.unread(self._side),
                waits_since=each.waits_since,
                answers=self._names.of(each.assigned or manager),
                assigned=each.assigned if staff else "",
                read_by_other=staff and bool(each.from_staff) and not each.unread(Side.PARTNER),
            )

    def _message(self, message: Message) -> MessageShown:
        return MessageShown(
            message=message.message,
            kind=message.kind,
            by=self._names.of(message.by),
            at=message.at,
            text=message.text,
        )


def _place(thread: Thread) -> str:
    """Where a thread stands among its partner's: open ones first, the newest first."""
    closed = thread.status is ThreadStatus.CLOSED
    return f"{int(closed)}-{LAST - milliseconds(thread.last_at):013d}-{thread.thread}"
