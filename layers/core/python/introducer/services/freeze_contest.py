"""A contest ends: nothing that is accepted from now on changes anything. Its execution waits here for that moment, and
then until the engine has applied what was accepted before it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from introducer.domain.calendar import plus_days
from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.errors import Conflict
from introducer.domain.events import day_of, in_full_ms
from introducer.services.contest_books import TRIES, ContestBooks, changed_meanwhile
from introducer.services.contest_steps import by_clock, keep_token
from introducer.store.intake_days import IntakeDay
from introducer.store.paging import every

ARRIVES = timedelta(minutes=1)
"""So long after it was accepted an event is stored and counted for certain: no function of ours that takes events runs
longer than half of it."""
PATIENCE = timedelta(hours=2)
"""So long the day of the freeze is waited for, on which events come in that the contest does not count. A client whose
events wait even then is found when it is counted (`engine_behind`)."""


def wait_for_end(books: ContestBooks, *, contest: str, token: str, now: datetime) -> Contest:
    """Keeps by what the execution is woken that waits for the end; the contest as it is then. Whoever waits looks at
    it again: what was decided since it looked before woke nobody. Raises `NotFound`, `Conflict`, `Unavailable`."""
    return keep_token(books, contest, token)


def freeze_contest(books: ContestBooks, *, contest: str, now: datetime) -> Contest:
    """The contest, frozen: its window with it, so that the engine counts nothing more. Again changes nothing; one that
    was cancelled is answered as it is.

    Raises `NotFound`, `Conflict` (`not_started`; `counts_later` when it was extended meanwhile: wait), `Unavailable`.
    """
    for _ in range(TRIES):
        found = books.contests.contest(contest)
        if found.status.is_frozen:
            return found
        if found.status is not ContestStatus.RUNNING:
            raise Conflict("This contest has not started.", code="not_started")
        if now < found.counts_until:
            raise Conflict("This contest is counted later: wait until then.", code="counts_later")
        after = replace(found, status=ContestStatus.COUNTING, frozen_at=in_full_ms(now), token="")
        change = by_clock(now, "Its time, and that for late postbacks, is over")
        written = books.contests.move(found, after, change, "freeze_contest", window=True)
        if written is not None:
            return written
    raise changed_meanwhile(found)


def engine_is_done(books: ContestBooks, *, contest: str, now: datetime) -> bool:
    """Whether the engine has applied what was accepted before the freeze, as far as the counts of each day's intake
    tell: all but what stands in quarantine. Raises `NotFound`, `Conflict` (`not_frozen`), `Unavailable`."""
    found = books.contests.contest(contest)
    if not found.status.is_frozen:
        raise Conflict("This contest is not frozen yet.", code="not_frozen")
    if found.status is not ContestStatus.COUNTING:
        return True
    assert found.frozen_at is not None, "the freeze sets it"
    if now < found.frozen_at + ARRIVES:
        return False
    # What was accepted before the start may be said to have happened after it, by a clock that runs ahead.
    first, last = plus_days(day_of(found.starts_at), -1), day_of(found.frozen_at)
    for source in every(lambda cursor: books.configuration.sources_of_brand(found.brand, cursor)):
        for day in books.intake.of_source(source.source):
            if not first <= day.day <= last or day.waiting <= 0:
                continue
            if day.day == last and now >= found.frozen_at + PATIENCE:
                continue
            if day.waiting > _in_quarantine(books, found.brand, day):
                return False
    return True


def _in_quarantine(books: ContestBooks, brand: str, day: IntakeDay) -> int:
    """How many events of a day are kept for a person, because the engine could not apply them."""
    kept = books.facts.every_quarantined(brand, day.source, day.day)
    events = {(each.client, each.event_id) for each in kept if each.client and each.event_id}
    stored = (books.facts.event(brand, client, day.source, event) for client, event in sorted(events))
    return sum(1 for event in stored if event is not None and event.applied_at is None)
