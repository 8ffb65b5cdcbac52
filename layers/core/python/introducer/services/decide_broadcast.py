"""A broadcast is submitted, approved by a second person where it goes to many, taken back, or stopped."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from introducer.domain.adjustment import Act
from introducer.domain.announcement import withdrawn
from introducer.domain.broadcast import (
    Broadcast,
    BroadcastStatus,
    approved,
    check_limit,
    check_writer,
    execution_input,
    execution_name,
    stop_name,
    stopped,
    submitted,
    taken_back,
)
from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Conflict, Forbidden
from introducer.domain.events import in_full_ms
from introducer.services.broadcast_books import BroadcastBooks, Start, broadcast_of_brand
from introducer.services.count_segment import partners_in
from introducer.services.decisions import reason
from introducer.services.draft_broadcast import changed_meanwhile
from introducer.services.freeze_broadcast import recipients_of
from introducer.services.people import by_member
from introducer.services.read_broadcasts import read_report, shown_of

STOPS = 5
"""So often a stop is tried again that met the sender's own writing."""


def submit_broadcast(
    books: BroadcastBooks, start: Start, *, member: Member, broadcast: str, version: int, now: datetime
) -> Broadcast:
    """Counts the people it goes to now; scheduled where one person may write to so many, else waiting for a second one.

    The same again sees that the execution runs. Raises `NotFound`, `Forbidden`, `Conflict` (`not_a_draft`,
    `broadcast_changed`), `Invalid` (`nobody_fits`, `moment_over`), `Unavailable`, `TooMany`.
    """
    before, at = broadcast_of_brand(books, member, broadcast), in_full_ms(now)
    check_writer(member)
    if before.submitted_by == member.member and not before.status.is_over:
        # The answer was lost: it stands as it was submitted.
        return _walked(start, before)
    if before.version != version:
        raise changed_meanwhile()
    people, limit = 0, books.broadcasts.approve_above(before.brand)
    if before.status is BroadcastStatus.DRAFT:
        partners = partners_in(books.configuration, books.results, brand=before.brand, segment=before.segment, now=at)
        # Whose owners they are is asked for where it matters: of many it is clear already.
        people = len(partners) if len(partners) > limit else len(recipients_of(books, partners)[0])
    after = submitted(before, member, people, limit, at)
    change = by_member(member, at, before.name)
    return _walked(start, books.broadcasts.move(before, after, change, "submit_broadcast"))


def approve_broadcast(
    books: BroadcastBooks, start: Start, *, member: Member, broadcast: str, version: int, now: datetime
) -> Broadcast:
    """A second person has read it, as `version`, and says yes. The same again sees that the execution runs.

    Raises `NotFound`, `Forbidden` (`broadcast_role`, `same_person`), `Conflict` (`not_waiting`, `broadcast_changed`),
    `Invalid` (`moment_over`), `Unavailable`, `TooMany`.
    """
    before, at = broadcast_of_brand(books, member, broadcast), in_full_ms(now)
    if before.approved_by == member.member and not before.status.is_over:
        return _walked(start, before)
    if before.version != version:
        raise changed_meanwhile()
    after = approved(before, member, at)
    change = by_member(member, at, before.name)
    return _walked(start, books.broadcasts.move(before, after, change, "approve_broadcast"))


def take_back_broadcast(
    books: BroadcastBooks, *, member: Member, broadcast: str, version: int, now: datetime
) -> Broadcast:
    """A draft again, before anybody got it; it is submitted, and approved, anew then. Raises `NotFound`, `Forbidden`,
    `Conflict` (`already_sending`, `broadcast_changed`), `Unavailable`."""
    before, at = broadcast_of_brand(books, member, broadcast), in_full_ms(now)
    if before.version != version:
        raise changed_meanwhile()
    after = taken_back(before, member)
    return books.broadcasts.move(before, after, by_member(member, at, before.name), "take_back_broadcast")


def stop_broadcast(
    books: BroadcastBooks, start: Start, *, member: Member, broadcast: str, why: str, now: datetime
) -> Broadcast:
    """Nobody gets it any more who has not: whoever sends it looks before each quarter of a second's worth of mails, and
    where it goes by mail, an execution takes back those that wait. The portal shows it to nobody from now on, also to
    those who have seen it.

    It asks for no version: it is not to be missed because one more mail went. The same member's stop again sees that
    this execution runs; so does the hourly sweep, for two days.

    Raises `NotFound`, `Forbidden`, `Invalid` (`reason_needed`), `Conflict` (`broadcast_over`, `broadcast_changed` when
    it is changed too often to be met), `Unavailable`, `TooMany`.
    """
    check_writer(member)
    said, at = reason(why), in_full_ms(now)
    for attempt in range(STOPS):
        before = broadcast_of_brand(books, member, broadcast)
        if before.status is BroadcastStatus.STOPPED and before.ended_by == member.member and before.why_ended == said:
            return _taken_back(start, before)
        shown = shown_of(books, before, at)
        if before.status is BroadcastStatus.DONE and shown is None and not read_report(books, before).waiting:
            raise Conflict("Everybody has it already: it cannot be stopped any more.", code="broadcast_over")
        after, change = stopped(before, member.member, said, at), by_member(member, at, said)
        beside: list[dict[str, Any]] = []
        if shown is not None:
            act = Act(change.by, change.at, change.why)
            beside = books.announcements.puts(shown, withdrawn(shown, act), change, "withdraw_announcement")
        try:
            written = books.broadcasts.move(before, after, change, "stop_broadcast", beside)
        except Conflict:
            if attempt == STOPS - 1:
                raise
            continue
        return _taken_back(start, written)
    raise AssertionError("unreachable")


def set_broadcast_policy(books: BroadcastBooks, *, member: Member, people: int, now: datetime) -> int:
    """To how many people one person may write alone, from now on. Admins say so. Raises `Forbidden`
    (`policy_role`), `Invalid` (`invalid_limit`), `Conflict` (`policy_changed`), `Unavailable`."""
    if member.role is not Role.ADMIN:
        raise Forbidden("Admins decide this: ask one of them.", code="policy_role")
    check_limit(people)
    before = books.broadcasts.approve_above(member.brand)
    if before != people:
        change = by_member(member, in_full_ms(now), f"one person may write to {people}")
        books.broadcasts.set_policy(member.brand, before, people, change)
    return people


def _walked(start: Start, broadcast: Broadcast) -> Broadcast:
    """Sees that the execution runs that walks it. Again starts no second one."""
    if broadcast.status in (BroadcastStatus.SCHEDULED, BroadcastStatus.SENDING):
        start(execution_name(broadcast), execution_input(broadcast))
    return broadcast


def _taken_back(start: Start, broadcast: Broadcast) -> Broadcast:
    """Sees that an execution takes back what waits, where anything can."""
    if broadcast.may_have_mails:
        start(stop_name(broadcast), execution_input(broadcast))
    return broadcast
