"""Who gets a broadcast is decided once, when it begins, and written down in pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from introducer.domain.broadcast import Broadcast, BroadcastStatus, Recipient, announcement_of, begun
from introducer.domain.configuration import PartnerCard
from introducer.domain.events import in_full_ms, milliseconds
from introducer.services.broadcast_books import MACHINE, BroadcastBooks, by_clock
from introducer.services.count_segment import partners_in
from introducer.services.people import owners_of


def recipients_of(books: BroadcastBooks, partners: Iterable[PartnerCard]) -> tuple[list[Recipient], int]:
    """The owners of these partners, each once, in order; and how many partners have none. Raises `Unavailable`."""
    found: list[Recipient] = []
    without = 0
    for card in partners:
        owners = sorted({member.member for member in owners_of(books.configuration, card.partner)})
        found += [Recipient(card.partner, member) for member in owners]
        without += not owners
    return found, without


def freeze_broadcast(books: BroadcastBooks, *, broadcast: str, now: datetime) -> Broadcast:
    """The broadcast with its recipients, about to be sent; stopped where there are none, or more than one person may
    write to and nobody approved it. May be repeated safely: what an interrupted freezing left is an edition that does
    not count. Its text is kept for its mails, as it is now, and announced where it is for the portal too.

    Raises `NotFound`, `Conflict` (`not_scheduled`, `broadcast_changed`), `Unavailable`.
    """
    before, at = books.broadcasts.broadcast(broadcast), in_full_ms(now)
    if before.status is BroadcastStatus.SENDING:
        return before
    partners = partners_in(books.configuration, books.results, brand=before.brand, segment=before.segment, now=at)
    recipients, without = recipients_of(books, partners)
    edition = str(milliseconds(at))
    after = begun(
        before,
        edition=edition,
        recipients=len(recipients),
        partners=len({each.partner for each in recipients}),
        skipped=without,
        text_id=books.texts.keep(before.brand, before.text),
        now=at,
        by=MACHINE,
    )
    if after.status is BroadcastStatus.SENDING:
        books.broadcasts.freeze(broadcast, edition, recipients, at)
    change = by_clock(at, before.name)
    beside: list[dict[str, Any]] = []
    if after.announcement:
        # It is announced when it begins, and to those alone that are named with it from then on.
        beside = books.announcements.puts(None, announcement_of(after), change, "announce")
    return books.broadcasts.move(before, after, change, "begin_broadcast", beside)
