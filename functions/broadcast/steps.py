"""The steps of `broadcast`, by the names that the state machine calls them.

What a step keeps as `told` is what people read in AWS's console: how far the broadcast is, in numbers. What it says and
who gets it stands in the portal alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from introducer.domain.broadcast import Broadcast, Stage, stage
from introducer.domain.errors import Invalid
from introducer.services.broadcast_books import BroadcastBooks
from introducer.services.freeze_broadcast import freeze_broadcast
from introducer.services.send_broadcast import Sender
from introducer.services.take_back_mails import take_back_mails

ROUND = 240.0
"""Seconds for which a step hands mails over, or takes them back, before the state machine looks at it again."""
LONGEST = timedelta(days=1)
"""Between two looks at one whose moment has not come."""

Given = Mapping[str, Any]
Kept = dict[str, Any]


class Tools(NamedTuple):
    """What steps work with."""

    books: BroadcastBooks
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    per_second: Callable[[], int]
    """Asks the mail service for the account's rate."""
    pause: Callable[[int], None]


def look(tools: Tools, given: Given) -> Kept:
    """How far it is, for the execution of this submission."""
    name, submitted = _place(given)
    return _kept(tools.books.broadcasts.broadcast(name), submitted, tools.now())


def freeze(tools: Tools, given: Given) -> Kept:
    """Whom it goes to, written down."""
    name, submitted = _place(given)
    before = tools.books.broadcasts.broadcast(name)
    # Somebody may have taken it back since the last look.
    if stage(before, submitted, tools.now()) is not Stage.FREEZE:
        return _kept(before, submitted, tools.now())
    return _kept(freeze_broadcast(tools.books, broadcast=name, now=tools.now()), submitted, tools.now())


def send(tools: Tools, given: Given) -> Kept:
    """Mails are handed over for a while, as fast as mail may go."""
    name, submitted = _place(given)
    sender = Sender(tools.books, now=tools.now, sleep=tools.sleep, per_second=tools.per_second, pause=tools.pause)
    return _kept(sender.send(name, ROUND), submitted, tools.now())


def take_back(tools: Tools, given: Given) -> Kept:
    """It was stopped: mails that still wait are taken back, for a while."""
    name, submitted = _place(given)
    until = tools.now() + timedelta(seconds=ROUND)
    taken = take_back_mails(tools.books, broadcast=name, now=tools.now(), enough=lambda: tools.now() >= until)
    kept = _kept(tools.books.broadcasts.broadcast(name), submitted, tools.now())
    kept["told"]["taken_back"] = taken.number
    kept["whole"] = taken.whole
    return kept


STEPS: Mapping[str, Callable[[Tools, Given], Kept]] = {
    "look": look,
    "freeze": freeze,
    "send": send,
    "take_back": take_back,
}


def _kept(broadcast: Broadcast, submitted: str, now: datetime) -> Kept:
    ahead = min(LONGEST, broadcast.send_at - now) if broadcast.send_at else timedelta()
    told: Kept = {
        "broadcast": broadcast.broadcast,
        "name": broadcast.name,
        "status": broadcast.status.value,
        "recipients": broadcast.recipients,
        "handed_over": broadcast.handed,
        "page": f"/desk/broadcasts/{broadcast.broadcast}",
    }
    if broadcast.why_ended:
        told["why"] = broadcast.why_ended
    return {
        "told": told,
        "stage": stage(broadcast, submitted, now).value,
        "wait": max(1, -(-ahead // timedelta(seconds=1))),
    }


def _place(given: Given) -> tuple[str, str]:
    """Which submission of which broadcast. Raises `Invalid`."""
    missing = [name for name in ("broadcast", "submitted") if not isinstance(given.get(name), str) or not given[name]]
    if missing:
        raise Invalid(
            f"{' and '.join(missing)} must be texts: start it with brand, broadcast, name and submitted, as the desk "
            "does.",
            code="bad_input",
        )
    return given["broadcast"], given["submitted"]
