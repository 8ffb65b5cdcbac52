"""How far is a broadcast, and what became of its mails, exactly?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from introducer.domain.announcement import Announcement
from introducer.domain.broadcast import TAKEN_BACK, Broadcast, Recipient
from introducer.domain.events import day_of
from introducer.domain.mail import UNSUBSCRIBED, MailStatus
from introducer.services.broadcast_books import BroadcastBooks

AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Where it goes by mail, every recipient is in exactly one of the first rows; the last ones are of those that were
    sent. Where it goes by the portal alone, they are shown it, or left."""

    recipients: int
    sent: int = 0
    suppressed: int = 0
    """Not sent: the address bounced or complained before, the login is disabled, or the address was never verified."""
    taken_back: int = 0
    """Not sent: they waited when it was stopped."""
    unsubscribed: int = 0
    """Not sent: they want no news."""
    waiting: int = 0
    """Handed over, and about to be sent, or waiting for the end of their quiet hours."""
    failed: int = 0
    unclear: int = 0
    """Nobody knows whether the mail service took them."""
    left: int = 0
    """Not handed over: not yet, or it was stopped."""
    shown: int = 0
    """Those that the portal shows it to, or showed it to until it was stopped; they may be among the above too."""
    taken_from_portal: bool = False
    """The portal shows it to nobody any more: it was stopped, or withdrawn."""
    seen: int = 0
    """People who have seen it in the portal, of the partners of its recipients."""
    seen_partners: int = 0
    partners: int = 0
    """Whose owners the recipients are."""
    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    opened: int = 0
    clicked: int = 0


def read_report(books: BroadcastBooks, broadcast: Broadcast) -> Report:
    """What became of it. Reads every recipient's mail, a hundred at a time. Raises `Unavailable`."""
    if not broadcast.channel.by_mail:
        return _of_portal(books, broadcast, Report(
            recipients=broadcast.recipients, left=broadcast.recipients - broadcast.handed
        ))  # fmt: skip
    seen: Counter[tuple[str, str]] = Counter()
    recipients = iter(books.broadcasts.recipients(broadcast)) if broadcast.edition else iter(())
    while some := list[Recipient](islice(recipients, AT_ONCE)):
        seen += books.broadcasts.outcomes(broadcast, some)
    by_status: Counter[str] = Counter()
    for (status, _), number in seen.items():
        by_status[status] += number
    unsubscribed = seen[MailStatus.SUPPRESSED.value, UNSUBSCRIBED]
    taken_back = seen[MailStatus.SUPPRESSED.value, TAKEN_BACK]
    figures = books.figures.of_series(broadcast.brand, broadcast.series)
    report = Report(
        recipients=broadcast.recipients,
        sent=by_status[MailStatus.SENT.value],
        suppressed=by_status[MailStatus.SUPPRESSED.value] - unsubscribed - taken_back,
        taken_back=taken_back,
        unsubscribed=unsubscribed,
        waiting=by_status[MailStatus.WAITING.value] + by_status[MailStatus.SENDING.value],
        failed=by_status[MailStatus.FAILED.value],
        unclear=by_status[MailStatus.UNCLEAR.value],
        left=broadcast.recipients - sum(by_status.values()),
        delivered=figures.delivered,
        bounced=figures.bounced,
        complained=figures.complained,
        opened=figures.opened,
        clicked=figures.clicked,
    )
    return _of_portal(books, broadcast, report)


def _of_portal(books: BroadcastBooks, broadcast: Broadcast, report: Report) -> Report:
    """The report with what became of it in the portal."""
    if not broadcast.announcement:
        return report
    announcement = books.announcements.announcement(broadcast.brand, broadcast.announcement)
    readers = books.announcements.readers_by_partner(broadcast.brand, broadcast.announcement)
    return replace(
        report,
        partners=broadcast.partners,
        shown=broadcast.handed,
        taken_from_portal=announcement.withdrawn is not None,
        seen=sum(readers.values()),
        seen_partners=len(readers),
    )


def shown_of(books: BroadcastBooks, broadcast: Broadcast, now: datetime) -> Announcement | None:
    """What the portal shows of it; None where it shows nothing, or no longer. Raises `Unavailable`."""
    if not broadcast.announcement:
        return None
    found = books.announcements.announcement(broadcast.brand, broadcast.announcement)
    # Not by when it began: clocks differ by moments, and a stop must not miss it.
    return found if found.withdrawn is None and day_of(now) <= found.through else None
