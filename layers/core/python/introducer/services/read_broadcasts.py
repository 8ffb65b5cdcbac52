"""How far is a broadcast, and what became of its mails, exactly?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice

from introducer.domain.broadcast import TAKEN_BACK, Broadcast, Recipient
from introducer.domain.mail import UNSUBSCRIBED, MailStatus
from introducer.services.broadcast_books import BroadcastBooks

AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Every recipient is in exactly one of the first rows; the rest are of those that were sent."""

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
    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    opened: int = 0
    clicked: int = 0


def read_report(books: BroadcastBooks, broadcast: Broadcast) -> Report:
    """What became of it. Reads every recipient's mail, a hundred at a time. Raises `Unavailable`."""
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
    return Report(
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
