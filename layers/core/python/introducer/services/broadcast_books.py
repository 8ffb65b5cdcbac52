"""What the services of segments and broadcasts work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.broadcast import Broadcast
from introducer.domain.configuration import Change, Member
from introducer.domain.errors import NotFound
from introducer.store.announcements import Announcements
from introducer.store.broadcasts import Broadcasts
from introducer.store.configuration import Configuration
from introducer.store.mail_figures import MailFigures
from introducer.store.mail_texts import MailTexts
from introducer.store.mails import Mails
from introducer.store.paces import Paces
from introducer.store.results import Results
from introducer.store.segments import Segments

Start = Callable[[str, Mapping[str, str]], str]
"""Starts the execution of `broadcast` that has this name, unless it runs or has succeeded; the name that it has. Raises
`Unavailable`, `TooMany`, `Conflict`."""

MACHINE = "system:broadcast"


@dataclass(frozen=True, kw_only=True)
class BroadcastBooks:
    """The stores that segments choose from, and those that broadcasts are kept in and told by."""

    configuration: Configuration
    results: Results
    segments: Segments
    broadcasts: Broadcasts
    announcements: Announcements
    mails: Mails
    texts: MailTexts
    figures: MailFigures
    paces: Paces

    @classmethod
    def of(cls, books: str) -> BroadcastBooks:
        """The books of this table."""
        return cls(
            configuration=Configuration(books),
            results=Results(books),
            segments=Segments(books),
            broadcasts=Broadcasts(books),
            announcements=Announcements(books),
            mails=Mails(books),
            texts=MailTexts(books),
            figures=MailFigures(books),
            paces=Paces(books),
        )


def broadcast_of_brand(books: BroadcastBooks, member: Member, broadcast: str) -> Broadcast:
    """The broadcast, if it is one of the member's own brand. Raises `NotFound`: another brand's is none."""
    found = books.broadcasts.broadcast(broadcast)
    if found.brand != member.brand:
        raise NotFound("There is no such broadcast.")
    return found


def by_clock(now: datetime, why: str) -> Change:
    """What its execution does by itself."""
    return Change(by=MACHINE, at=now, why=why, origin="broadcast")
