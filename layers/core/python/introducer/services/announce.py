"""Managers and admins tell many partners something in the portal, may take it back, and see who has read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from introducer.domain.adjustment import Act
from introducer.domain.announcement import (
    MOST_DAYS,
    Announcement,
    AnnouncementRead,
    Reach,
    announcement_id,
    check_filled,
    reach_of,
    through_of,
    withdrawn,
)
from introducer.domain.configuration import Change, Member, Partner, PartnerCard, Status
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.events import day_of, milliseconds
from introducer.domain.ids import new_id
from introducer.domain.mail_text import MailText, check_text
from introducer.services.count_segment import cards_now
from introducer.services.creation import Clock, Randomness, create_once, now
from introducer.services.decisions import reason
from introducer.services.save_answer import check_announcer
from introducer.services.write_message import is_staff_of
from introducer.store.announcements import Announcements
from introducer.store.configuration import Configuration
from introducer.store.results import Results
from introducer.store.segments import SavedSegment

READ_AT_ONCE = 100
"""Of a brand's announcements, the newest first."""
_TIME = 4 + 10
"""How many characters of an id say what it is and when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementOfMember:
    """An announcement, and whether this member has read it."""

    announcement: Announcement
    unread: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How many partners an announcement is for as they are now, and in how many of them somebody has read it."""

    partners: int
    have_read: int
    people: int
    """Members who have read it, of all partners."""


def announce(
    configuration: Configuration,
    announcements: Announcements,
    results: Results,
    *,
    member: Member,
    text: MailText,
    kinds: Iterable[str] = (),
    countries: Iterable[str] = (),
    manager: str = "",
    segment: SavedSegment | None = None,
    through: str = "",
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> Announcement:
    """An announcement that partners see from now on. A repeated `request` meets the first one's. `segment` is one that
    the member may use, as it is now.

    Raises `Forbidden`; `Invalid` for a text or an audience that cannot be (`check_text`, `check_filled`, `reach_of`,
    `through_of`, `not_of_staff`, `nobody_reached`); `Conflict` (`idempotency_key_reused`).
    """
    check_announcer(member)
    at = now(clock)
    reach = reach_of(kinds, countries, manager)
    if segment is not None:
        reach = replace(reach, segment=segment.chosen, segment_name=segment.name)
    if manager and not (len(manager) <= 100 and is_staff_of(configuration, member.brand, manager)):
        raise Invalid("Choose somebody of your own staff.", code="not_of_staff")
    new = Announcement(
        announcement=_id(request, at, random, member),
        brand=member.brand,
        text=check_filled(check_text(text)),
        reach=reach,
        published_by=member.member,
        published_at=at,
        through=through_of(through, at),
    )
    if request is not None:
        for each in announcements.of_brand(member.brand).items:
            if each.announcement[_TIME:] == new.announcement[_TIME:]:
                return _same(each, new)
    if not _reached(configuration, results, member.brand, reach, at):
        raise Invalid("Nobody is reached by this: choose more partners.", code="nobody_reached")
    change = Change(by=member.member, at=at, why="announced", origin="portal")
    return create_once(
        lambda: announcements.write(None, new, change, "announce"),
        lambda: announcements.announcement(new.brand, new.announcement),
        lambda existing: existing == new,
        new,
    )


def withdraw_announcement(
    announcements: Announcements, *, member: Member, announcement: str, why: str, clock: Clock
) -> Announcement:
    """The announcement, which no partner sees any more. Again changes nothing.

    Raises `Forbidden`, `NotFound`, `Invalid` without a reason, `Conflict`.
    """
    check_announcer(member)
    found = announcements.announcement(member.brand, announcement)
    if found.withdrawn is not None:
        return found
    act = Act(member.member, now(clock), reason(why))
    after = withdrawn(found, act)
    try:
        announcements.write(found, after, Change(by=act.by, at=act.at, why=act.why, origin="portal"),
                            "withdraw_announcement")  # fmt: skip
    except Conflict:
        # Of two presses at once the slower one finds it taken back.
        again = announcements.announcement(member.brand, announcement)
        if again.withdrawn is None:
            raise
        return again
    return after


def announcements_for(
    announcements: Announcements, results: Results, member: Member, partner: Partner, at: datetime
) -> tuple[AnnouncementOfMember, ...]:
    """What is announced to a partner now, the newest first. `partner` has the status that holds now: a profile has
    what was decided last, for later too."""
    read = {
        each.announcement for each in announcements.read_of_partner(partner.partner) if each.member == member.member
    }
    shown = _shown(announcements, partner.brand, at)
    includes = _includes(announcements, results, partner, shown, at)
    return tuple(
        AnnouncementOfMember(announcement=each, unread=each.announcement not in read)
        for each in shown
        if includes(each)
    )


def read_announcement(
    announcements: Announcements, results: Results, member: Member, partner: Partner, announcement: str, at: datetime
) -> AnnouncementOfMember:
    """One that is for this partner now; `partner` as in `announcements_for`. Raises `NotFound`."""
    found = announcements.announcement(partner.brand, announcement)
    if not (found.shown_at(at) and _includes(announcements, results, partner, [found], at)(found)):
        raise NotFound("There is no such announcement.")
    unread = not announcements.has_read(partner.partner, announcement, member.member)
    return AnnouncementOfMember(announcement=found, unread=unread)


def note_announcement_read(
    announcements: Announcements, member: Member, partner: Partner, announcement: str, clock: Clock
) -> bool:
    """That the member has it before it; whether that is new. Raises `Unavailable`."""
    return announcements.note_read(
        AnnouncementRead(
            brand=partner.brand,
            partner=partner.partner,
            announcement=announcement,
            member=member.member,
            at=now(clock),
        )
    )


def spread_of(
    configuration: Configuration,
    announcements: Announcements,
    results: Results,
    announcement: Announcement,
    at: datetime,
) -> Spread:
    """How far it went, as partners are now: a partner that moved to another country since counts by where it is."""
    readers = announcements.readers_by_partner(announcement.brand, announcement.announcement)
    if announcement.reach.broadcast:
        # Whom it is for was decided when it began.
        return Spread(partners=announcement.reach.partners, have_read=len(readers), people=sum(readers.values()))
    reached = _reached(configuration, results, announcement.brand, announcement.reach, at)
    return Spread(
        partners=len(reached),
        have_read=sum(each in readers for each in reached),
        people=sum(readers.values()),
    )


def _shown(announcements: Announcements, brand: str, at: datetime) -> list[Announcement]:
    """All that a brand shows at a moment, the newest first. What is older than any is shown is not read."""
    found: list[Announcement] = []
    cursor = None
    while True:
        # Long texts fill a page of a table before there are so many.
        page = announcements.of_brand(brand, cursor, READ_AT_ONCE)
        found += [each for each in page.items if each.shown_at(at)]
        cursor = page.cursor
        if cursor is None or page.items[-1].published_at < at - timedelta(days=MOST_DAYS + 1):
            return found


def _includes(
    announcements: Announcements, results: Results, partner: Partner, shown: Sequence[Announcement], at: datetime
) -> Callable[[Announcement], bool]:
    """Whether a partner is meant, as it is now. What it brought is read only where it has a say; a broadcast is for
    those that it names."""
    of_broadcasts = [each.announcement for each in shown if each.reach.broadcast]
    named = announcements.named(partner.partner, of_broadcasts) if of_broadcasts else frozenset()
    card = PartnerCard(**{field.name: getattr(partner, field.name) for field in fields(PartnerCard)})
    asked = any(each.reach.asks_for_results for each in shown)
    line = results.line(partner.brand, partner.partner) if asked else None

    def includes(each: Announcement) -> bool:
        if each.reach.broadcast:
            return each.announcement in named
        return each.reach.includes(card, line, day_of(at))

    return includes


def _reached(configuration: Configuration, results: Results, brand: str, reach: Reach, at: datetime) -> list[str]:
    """The brand's partners who are meant, as they are now."""
    lines = {each.partner: each for each in results.of_brand(brand)} if reach.asks_for_results else {}
    return [
        card.partner
        for card in cards_now(configuration, brand, at)
        # Those who are blocked get nothing said any more.
        if card.status is not Status.BLOCKED and reach.includes(card, lines.get(card.partner), day_of(at))
    ]


def _id(request: str | None, at: datetime, random: Randomness, member: Member) -> str:
    """Sorts by time. A repeated request has the same end, whenever it comes again."""
    if request is None:
        return new_id("ann", milliseconds(at), random(10))
    return announcement_id(at, member.brand, member.member, request)


def _same(before: Announcement, new: Announcement) -> Announcement:
    if (before.text, before.reach) != (new.text, new.reach):
        raise Conflict("This request announced something else before: use a new key.", code="idempotency_key_reused")
    return before
