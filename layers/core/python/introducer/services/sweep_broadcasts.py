"""Once an hour: a broadcast whose moment has come, or that is being sent, has an execution that sends it, and one that
was stopped has one that takes back what waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from introducer.domain.broadcast import LATEST, Broadcast, BroadcastStatus, execution_input, execution_name, stop_name
from introducer.domain.errors import IntroducerError
from introducer.services.broadcast_books import BroadcastBooks, Start

AGE = LATEST + timedelta(days=30)
"""How far back broadcasts are looked at: one that was drafted before has no moment to come, unless it was a draft for
a month."""
STOPPED = timedelta(days=2)
"""For so long it is seen that what waits of a stopped one is taken back: nobody's night is longer."""


def sweep_broadcasts(books: BroadcastBooks, start: Start, *, now: datetime, brand: str | None = None) -> int:
    """How many of a brand's (all brands', without one) are to be walked now. Those that run already are left alone by
    `start`; one that cannot be started is left to the next hour. Raises `Unavailable`: call again."""
    number = 0
    for each in [brand] if brand else [each.brand for each in books.configuration.every_brand()]:
        for broadcast in _walked(books, each, now):
            with suppress(IntroducerError):
                stopped = broadcast.status is BroadcastStatus.STOPPED
                start(stop_name(broadcast) if stopped else execution_name(broadcast), execution_input(broadcast))
                number += 1
    return number


def _walked(books: BroadcastBooks, brand: str, now: datetime) -> Iterator[Broadcast]:
    cursor: str | None = None
    while True:
        page = books.broadcasts.of_brand(brand, cursor)
        yield from (each for each in page.items if _is_walked(each, now))
        cursor = page.cursor
        if cursor is None or any(each.created < now - AGE for each in page.items):
            return


def _is_walked(broadcast: Broadcast, now: datetime) -> bool:
    match broadcast.status:
        case BroadcastStatus.SCHEDULED | BroadcastStatus.SENDING:
            return True
        case BroadcastStatus.STOPPED:
            # Whoever stopped it may not have met Step Functions, and not have tried again.
            lately = broadcast.ended_at is not None and broadcast.ended_at > now - STOPPED
            return lately and broadcast.may_have_mails
        case _:
            return False
