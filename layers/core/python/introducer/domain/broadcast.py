"""Broadcasts: one text to many partners at once. Drafted by one person, approved by another where it goes to many, sent
at its moment and no faster than mail may go, stopped by anybody who may write one.

Who gets it is decided once, when it begins: the members are frozen then, in pages. How far it is, is one number: the
recipients are handed over in their order, each with one mail whose id follows from the broadcast and the member.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from introducer.domain.announcement import USUAL_DAYS, Announcement, Reach, announcement_id
from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Conflict, Forbidden, Invalid
from introducer.domain.events import day_of, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.mail import Audience, mail_id
from introducer.domain.mail_text import MailText
from introducer.domain.segment import Segment

WRITERS = frozenset({Role.MANAGER, Role.ADMIN})
"""Who drafts, sends and stops broadcasts, and saves segments."""
APPROVERS = frozenset({Role.MANAGER, Role.COMPLIANCE, Role.ADMIN})
"""Who approves one; never anybody who wrote on it."""
LATEST = timedelta(days=90)
"""How far ahead one may be planned."""
PAGE = 200
"""Recipients on one page."""
APPROVE_ABOVE = 100
"""To so many people one person may write alone, where the brand has set nothing else."""
MOST_ALONE = 1_000
"""No brand lets one person write to more: up to so many partners, people are counted when it is submitted."""
PREFIX = "brc"

_PATH = re.compile(r"/[A-Za-z0-9/_.-]{0,100}", re.ASCII)
_ID = re.compile(PREFIX + r"_[0-9A-Z]{26}", re.ASCII)


class BroadcastStatus(StrEnum):
    DRAFT = "draft"
    WAITING = "waiting"
    """A second person is asked."""
    SCHEDULED = "scheduled"
    SENDING = "sending"
    DONE = "done"
    """Every recipient's mail was handed over."""
    STOPPED = "stopped"

    @property
    def is_over(self) -> bool:
        return self in (BroadcastStatus.DONE, BroadcastStatus.STOPPED)


class Channel(StrEnum):
    """How it reaches those it is for."""

    MAIL = "mail"
    PORTAL = "portal"
    """It is announced in the portal to the partners of its recipients."""
    BOTH = "both"

    @property
    def by_mail(self) -> bool:
        return self is not Channel.PORTAL

    @property
    def in_portal(self) -> bool:
        return self is not Channel.MAIL


GREW = "more_people_than_approved"
NOBODY = "nobody_fits"
"""Why a broadcast stopped by itself before anybody got it."""


TAKEN_BACK = "broadcast_stopped"
"""Why a mail is suppressed that still waited when its broadcast was stopped."""


class Recipient(NamedTuple):
    """A member whom a broadcast goes to, and whose partner it is."""

    partner: str
    member: str


class Stage(StrEnum):
    """What its execution does next."""

    OTHER = "other"
    """It is a draft again, or was given another time: the execution of that walks it."""
    BEFORE = "before"
    FREEZE = "freeze"
    SEND = "send"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """One broadcast as it stands."""

    broadcast: str
    brand: str
    name: str
    """What staff call it; no partner reads it."""
    text: MailText
    segment: Segment
    path: str = "/"
    """Where the button of the mail leads, in the portal."""
    channel: Channel = Channel.MAIL
    send_at: datetime | None = None
    """When it begins; None: as soon as it may."""
    status: BroadcastStatus = BroadcastStatus.DRAFT
    created: datetime
    writers: tuple[str, ...]
    """Everybody who wrote on it, the first one first: none of them approves it."""
    people: int = 0
    """To how many it would have gone when it was submitted; of more partners than one person may write to, the number
    of partners."""
    limit: int = 0
    """How many one person might write to then."""
    submitted_at: datetime | None = None
    submitted_by: str = ""
    approved_at: datetime | None = None
    approved_by: str = ""
    text_id: str = ""
    """Under which its text is kept for mails, since it was frozen."""
    edition: str = ""
    """Which freezing of recipients counts."""
    recipients: int = 0
    handed: int = 0
    """How many of them have their mail, or see it in the portal, in their order."""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    why_ended: str = ""
    version: int = 0
    skipped: int = field(default=0)
    """Partners that fit and have nobody who could get it."""
    partners: int = 0
    """Whose owners the recipients are."""

    @property
    def series(self) -> str:
        """Among which mails its own are counted."""
        return f"{PREFIX}:{self.broadcast}"

    @property
    def is_approved(self) -> bool:
        return bool(self.approved_by)

    @property
    def may_have_mails(self) -> bool:
        """Whether mails of it can be there: it began, and goes by mail."""
        return bool(self.edition) and self.channel.by_mail

    @property
    def announcement(self) -> str:
        """The id of what it says in the portal; empty where it says nothing there, or has not begun."""
        if not self.channel.in_portal or not self.edition or self.began_at is None:
            return ""
        return announcement_id(self.began_at, self.brand, self.broadcast)


def what_of(broadcast: str) -> str:
    """What its mails say happened: with the member it names one mail for ever."""
    return f"{broadcast} broadcast"


def mail_of(broadcast: Broadcast, recipient: Recipient) -> str:
    """The id of a recipient's mail."""
    what = what_of(broadcast.broadcast)
    return mail_id(broadcast.brand, what, Audience.MEMBER, recipient.partner, recipient.member)


def announcement_of(broadcast: Broadcast) -> Announcement:
    """What one that has begun says in the portal, to the partners of its recipients alone."""
    assert broadcast.announcement and broadcast.began_at is not None, "it says nothing in the portal"
    return Announcement(
        announcement=broadcast.announcement,
        brand=broadcast.brand,
        text=broadcast.text,
        reach=Reach(broadcast=broadcast.broadcast, partners=broadcast.partners, segment_name=broadcast.name),
        published_by=broadcast.submitted_by,
        published_at=broadcast.began_at,
        through=day_of(broadcast.began_at + timedelta(days=USUAL_DAYS)),
        path=broadcast.path,
    )


def broadcast_of(series: str) -> str:
    """The broadcast whose mails are counted so; empty for mails of anything else."""
    broadcast = series.removeprefix(f"{PREFIX}:")
    return broadcast if broadcast != series and is_broadcast(broadcast) else ""


def is_broadcast(text: str) -> bool:
    """Whether a text can be the id of one."""
    return _ID.fullmatch(text) is not None


def execution_name(broadcast: Broadcast) -> str:
    """What its execution is called: one for each time it was submitted."""
    assert broadcast.submitted_at is not None, "only what was submitted is walked"
    return f"{broadcast.broadcast}-{milliseconds(broadcast.submitted_at)}"


def stop_name(broadcast: Broadcast) -> str:
    """What the execution is called that takes back what waits, once it is stopped."""
    return execution_name(broadcast) + "-stop"


def execution_input(broadcast: Broadcast) -> dict[str, str]:
    """What its execution begins with; for people who read it in AWS's console."""
    assert broadcast.submitted_at is not None, "only what was submitted is walked"
    return {
        "brand": broadcast.brand,
        "broadcast": broadcast.broadcast,
        "name": broadcast.name,
        "submitted": str(milliseconds(broadcast.submitted_at)),
    }


def stage(broadcast: Broadcast, submitted: str, now: datetime) -> Stage:
    """What the execution of one submission (ms, as text) does next."""
    match broadcast.status:
        case BroadcastStatus.DONE:
            return Stage.DONE
        case BroadcastStatus.STOPPED:
            return Stage.STOPPED
        case BroadcastStatus.DRAFT | BroadcastStatus.WAITING:
            return Stage.OTHER
    if broadcast.submitted_at is None or str(milliseconds(broadcast.submitted_at)) != submitted:
        return Stage.OTHER
    if broadcast.status is BroadcastStatus.SENDING:
        return Stage.SEND
    return Stage.BEFORE if broadcast.send_at is not None and now < broadcast.send_at else Stage.FREEZE


# --------------------------------------------------------------------------------------------------------------- steps


def check_writer(member: Member) -> None:
    """Raises `Forbidden` for whoever writes no broadcasts."""
    if member.role not in WRITERS:
        raise Forbidden("Managers and admins write to partners: ask one of them.", code="broadcast_role")


def check_path(path: str) -> str:
    """Raises `Invalid` for what is no page of the portal."""
    if not _PATH.fullmatch(path) or path.startswith("//"):
        raise Invalid("The button leads to a page of the portal: write its path, such as /links.", code="invalid_path")
    return path


def channel_of(text: str) -> Channel:
    """Raises `Invalid` (`invalid_channel`)."""
    try:
        return Channel(text)
    except ValueError as error:
        raise Invalid("It goes by mail, portal or both.", code="invalid_channel") from error


def check_moment(send_at: datetime | None, now: datetime) -> None:
    """Raises `Invalid` for a moment that is over or too far ahead."""
    if send_at is not None and send_at < now - timedelta(minutes=1):
        raise Invalid("This moment is over: choose a later one, or none to send it at once.", code="moment_over")
    if send_at is not None and send_at > now + LATEST:
        raise Invalid(f"Choose a moment within {LATEST.days} days.", code="moment_too_far")


def check_limit(people: int) -> int:
    """Raises `Invalid` for what cannot be the number of people that one person may write to alone."""
    if not 0 <= people <= MOST_ALONE:
        raise Invalid(f"Write a whole number from 0 to {MOST_ALONE}.", code="invalid_limit")
    return people


def new_broadcast_id(brand: str, member: str, at: datetime, request: str) -> str:
    """An id that the same request makes again."""
    return derived_id(PREFIX, brand, member, request or milliseconds(at))


def changed(broadcast: Broadcast, member: Member, **what: object) -> Broadcast:
    """A draft with other words, partners or moment. Raises `Forbidden`, `Conflict` (`not_a_draft`)."""
    check_writer(member)
    _expect(broadcast, BroadcastStatus.DRAFT)
    writers = broadcast.writers if member.member in broadcast.writers else (*broadcast.writers, member.member)
    return replace(broadcast, **what, writers=writers)  # type: ignore[arg-type]


def submitted(broadcast: Broadcast, member: Member, people: int, limit: int, now: datetime) -> Broadcast:
    """A draft that is to be sent to so many people: scheduled, or waiting for a second person.

    Raises `Forbidden`, `Conflict` (`not_a_draft`), `Invalid` (`nobody_fits`, `moment_over`, `moment_too_far`).
    """
    check_writer(member)
    _expect(broadcast, BroadcastStatus.DRAFT)
    check_moment(broadcast.send_at, now)
    if not people:
        raise Invalid("Nobody fits these conditions now: change them first.", code="nobody_fits")
    waits = people > limit
    return replace(
        broadcast,
        status=BroadcastStatus.WAITING if waits else BroadcastStatus.SCHEDULED,
        people=people,
        limit=limit,
        submitted_at=now,
        submitted_by=member.member,
    )


def approved(broadcast: Broadcast, member: Member, now: datetime) -> Broadcast:
    """Raises `Forbidden` (`broadcast_role`, `same_person`), `Conflict` (`not_waiting`), `Invalid` (`moment_over`)."""
    if member.role not in APPROVERS:
        raise Forbidden("Managers, compliance and admins approve broadcasts: ask one of them.", code="broadcast_role")
    if member.member in (*broadcast.writers, broadcast.submitted_by):
        raise Forbidden("You wrote this broadcast: another person approves it.", code="same_person")
    if broadcast.status is not BroadcastStatus.WAITING:
        raise Conflict("This broadcast waits for nobody any more: look at it again.", code="not_waiting")
    check_moment(broadcast.send_at, now)
    return replace(broadcast, status=BroadcastStatus.SCHEDULED, approved_by=member.member, approved_at=now)


def taken_back(broadcast: Broadcast, member: Member) -> Broadcast:
    """A draft again, as long as nobody got it. Raises `Forbidden`, `Conflict` (`already_sending`)."""
    check_writer(member)
    if broadcast.status not in (BroadcastStatus.WAITING, BroadcastStatus.SCHEDULED):
        raise Conflict("It is being sent, or over: stop it, or write another one.", code="already_sending")
    return replace(
        broadcast,
        status=BroadcastStatus.DRAFT,
        people=0,
        limit=0,
        submitted_at=None,
        submitted_by="",
        approved_at=None,
        approved_by="",
    )


def stopped(broadcast: Broadcast, by: str, why: str, now: datetime) -> Broadcast:
    """Nobody gets it any more who has not, be it that their mail waits for the morning. Raises `Conflict`
    (`broadcast_over`)."""
    if broadcast.status is BroadcastStatus.STOPPED:
        raise Conflict("This broadcast is over already.", code="broadcast_over")
    return replace(broadcast, status=BroadcastStatus.STOPPED, ended_at=now, ended_by=by, why_ended=why)


def begun(
    broadcast: Broadcast,
    *,
    edition: str,
    recipients: int,
    partners: int,
    skipped: int,
    text_id: str,
    now: datetime,
    by: str,
) -> Broadcast:
    """It begins with these recipients; it stops where there are none, where there are more than one person may write to
    and nobody approved it, and where there are more than were approved: a tenth, and as many as one person may write
    to, may have come since. Raises `Conflict` (`not_scheduled`)."""
    if broadcast.status is not BroadcastStatus.SCHEDULED:
        raise Conflict("This broadcast is not about to be sent any more.", code="not_scheduled")
    if not recipients:
        return stopped(broadcast, by, NOBODY, now)
    if _has_grown(broadcast, recipients, partners):
        return replace(stopped(broadcast, by, GREW, now), people=recipients)
    return replace(
        broadcast,
        status=BroadcastStatus.SENDING,
        edition=edition,
        recipients=recipients,
        partners=partners,
        skipped=skipped,
        text_id=text_id,
        handed=0,
        began_at=now,
    )


def _has_grown(broadcast: Broadcast, recipients: int, partners: int) -> bool:
    """Whether it would go to more than were agreed."""
    if not broadcast.is_approved:
        return recipients > broadcast.limit
    # To how many it was approved was counted in partners, where these were too many already.
    return partners > broadcast.people + broadcast.people // 10 + broadcast.limit


def advanced(broadcast: Broadcast, number: int, now: datetime) -> Broadcast:
    """So many more recipients have their mail; the last one ends it."""
    handed = broadcast.handed + number
    assert broadcast.status is BroadcastStatus.SENDING and handed <= broadcast.recipients
    if handed < broadcast.recipients:
        return replace(broadcast, handed=handed)
    return replace(broadcast, handed=handed, status=BroadcastStatus.DONE, ended_at=now)


def _expect(broadcast: Broadcast, status: BroadcastStatus) -> None:
    if broadcast.status is not status:
        raise Conflict("This is no draft any more: look at it again.", code="not_a_draft")
