"""Events that could not be priced because a day's exchange rates were not there yet: noted, and replayed by themselves.

The engine puts such an event into quarantine, as any that it cannot apply. Beside it stands a note of where it lies and
for which day's rates it waits; when the feed is complete so far, everything the note names is sent to the engine again.
An event in a currency that the feed did not publish is not noted: what is stored never changes, so a person decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from introducer.domain.calendar import plus_days
from introducer.domain.errors import NotFound, RateMissing
from introducer.domain.events import Event, day_of
from introducer.services.read_contracts import ECB
from introducer.store.facts import Facts, Quarantined
from introducer.store.rates import RateStore, RateWait, RateWaits

QUIET = timedelta(minutes=10)
"""A note stays open until it is so old: the engine writes it before the message it stands for."""

_SKEW = timedelta(minutes=1)
"""How far the clocks of two functions may be apart."""


def note_wait(waits: RateWaits, event: Event, error: Exception, at: datetime, feed: str = ECB) -> None:
    """Note that this event, which now goes to quarantine with this error, waits for rates; nothing when it does not.

    Call it before the message is put: a note of nothing is harmless, a message without its note would wait for ever.
    Raises `Unavailable`.
    """
    if isinstance(error, RateMissing) and "currency" not in error.facts:
        accepted = day_of(event.accepted_at or event.occurred_at)
        waits.note(RateWait(feed, str(error.facts["day"]), event.brand, event.source, accepted, at))


def replay_what_waited(facts: Facts, waits: RateWaits, rates: RateStore, *, at: datetime, feed: str = ECB) -> int:
    """Sends to the engine again what waited for rates that are there now; returns how many events.

    Doing it twice is harmless: the engine applies an event once, and one that is applied is passed over. An event that
    fails again, for another day, is noted again. Raises `Unavailable`; the next run goes on from there.
    """
    complete = rates.completed_through(feed)
    if complete is None:
        return 0
    replayed = 0
    for wait in waits.open(feed, plus_days(complete, 1)):
        if rates.published_before(feed, wait.day) is None:
            # It is older than the first rates we have: trying would only fail again.
            continue
        for kept in _lying(facts, wait):
            replayed += _replay(facts, kept, at)
        if wait.noted_at < at - QUIET:
            waits.settle(wait, at)
    return replayed


def _lying(facts: Facts, wait: RateWait) -> Iterator[Quarantined]:
    """The messages that a note stands for, save those that were replayed after it was written."""
    for kept in facts.every_quarantined(wait.brand, wait.source, wait.accepted):
        done = kept.replayed_at is not None and kept.replayed_at > wait.noted_at + _SKEW
        if kept.reason == RateMissing.code and not done:
            yield kept


def _replay(facts: Facts, kept: Quarantined, at: datetime) -> int:
    if kept.client is None or kept.event_id is None:
        return 0
    event = facts.event(kept.brand, kept.client, kept.source, kept.event_id)
    if event is None or event.applied_at is not None:
        return 0
    try:
        facts.mark_for_retry(kept.brand, kept.client, kept.source, kept.event_id)
        facts.mark_replayed(kept, at)
    except NotFound:
        # The message expired just now; the event itself was sent.
        pass
    return 1
