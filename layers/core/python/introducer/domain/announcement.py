"""What the brand tells many partners in the portal: a text by language, for whom, and until when it is shown.

Nothing is written for each partner: whether it is for one is decided when that one looks. So whoever comes later, or
gets another manager, sees what is for them then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from introducer.domain.adjustment import Act
from introducer.domain.configuration import PartnerCard, PartnerKind, Role
from introducer.domain.errors import Conflict, Invalid
from introducer.domain.events import day_of, milliseconds
from introducer.domain.ids import base32, derived_ulid
from introducer.domain.mail_text import MailText
from introducer.domain.results import ResultLine
from introducer.domain.segment import Segment, fits

ANNOUNCERS = frozenset({Role.MANAGER, Role.ADMIN})
"""Who announces, and who saves answers."""
USUAL_DAYS, MOST_DAYS = 30, 366
"""For how long an announcement is shown where nobody says it, and at most."""
MOST_COUNTRIES = 60
FILLED = frozenset({"name", "partner", "brand", "portal", "manager"})
"""Placeholders that a text in the portal may have: what is known without counting anything."""
EVERYBODY = Segment()
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """For which partners: all conditions hold. An empty one holds for everybody."""

    kinds: tuple[PartnerKind, ...] = ()
    countries: tuple[str, ...] = ()
    """ISO 3166 alpha-2."""
    manager: str = ""
    """The member of staff who looks after them."""
    segment: Segment = EVERYBODY
    """As it was when it was chosen: changing the saved one changes no announcement."""
    segment_name: str = ""
    broadcast: str = ""
    """What it is of: then it is for those partners alone that are named with it, and no other condition is asked."""
    partners: int = 0
    """Of a broadcast: how many it was to name."""

    def includes(self, card: PartnerCard, line: ResultLine | None, today: str) -> bool:
        """Whether a partner is meant on a UTC day; `line` is what it brought, None where that is not known."""
        return (
            (not self.kinds or card.kind in self.kinds)
            and (not self.countries or card.country in self.countries)
            and (not self.manager or card.manager == self.manager)
            and fits(self.segment, card, line, today)
        )

    @property
    def asks_for_results(self) -> bool:
        """Whether what a partner brought has a say in it."""
        return bool(self.segment.conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    announcement: str
    brand: str
    text: MailText
    reach: Reach
    published_by: str
    published_at: datetime
    through: str
    """The last UTC day on which it is shown."""
    path: str = ""
    """A page of the portal that it leads to; empty: to none."""
    withdrawn: Act | None = None

    def shown_at(self, at: datetime) -> bool:
        return self.withdrawn is None and self.published_at <= at and day_of(at) <= self.through


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementRead:
    """That a member read an announcement, and when first."""

    brand: str
    partner: str
    announcement: str
    member: str
    at: datetime


def announcement_id(at: datetime, *parts: str) -> str:
    """An id that sorts by time, and that the same parts make again; its end is the same at any time."""
    return f"ann_{base32(milliseconds(at), 10)}{derived_ulid(0, *parts)[10:]}"


def reach_of(kinds: Iterable[str], countries: Iterable[str], manager: str) -> Reach:
    """Raises `Invalid` (`invalid_kind`, `invalid_country`, `too_many_countries`)."""
    wanted = []
    for each in kinds:
        if each not in list(PartnerKind):
            raise Invalid("A partner is an affiliate or an ib.", code="invalid_kind")
        wanted.append(PartnerKind(each))
    found = sorted({each.strip().upper() for each in countries if each.strip()})
    if any(not _COUNTRY.fullmatch(each) for each in found):
        raise Invalid("Write countries by their two letters, such as PL TH AE.", code="invalid_country")
    if len(found) > MOST_COUNTRIES:
        raise Invalid(f"Name at most {MOST_COUNTRIES} countries.", code="too_many_countries")
    return Reach(kinds=tuple(sorted(set(wanted))), countries=tuple(found), manager=manager)


def through_of(text: str, at: datetime) -> str:
    """The last day; the usual one for an empty text. Raises `Invalid` (`invalid_through`)."""
    text = text.strip()
    if not text:
        return day_of(at + timedelta(days=USUAL_DAYS))
    wrong = Invalid(f"Choose a day from today on, within {MOST_DAYS} days.", code="invalid_through")
    if not _DAY.fullmatch(text):
        raise wrong
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise wrong from error
    if not day_of(at) <= text <= day_of(at + timedelta(days=MOST_DAYS)):
        raise wrong
    return text


def withdrawn(announcement: Announcement, act: Act) -> Announcement:
    """The announcement, taken back. Raises `Conflict` (`announcement_withdrawn`)."""
    if announcement.withdrawn is not None:
        raise Conflict("This announcement was taken back already.", code="announcement_withdrawn")
    return replace(announcement, withdrawn=act)


def check_filled(text: MailText) -> MailText:
    """The text, if the portal can fill it in. Raises `Invalid` (`placeholder_not_here`)."""
    other = sorted(text.placeholders - FILLED)
    if other:
        known = ", ".join(f"{{{each}}}" for each in sorted(FILLED))
        raise Invalid(f"{{{other[0]}}} is for mails alone: use {known} here.", code="placeholder_not_here",
                      placeholder=other[0])  # fmt: skip
    return text
