"""Each prize is paid once: its status, its journal, the balance and the record in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from introducer.domain.calendar import plus_days
from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.contest_closing import prize_journal
from introducer.domain.contest_prizes import Award, AwardStatus
from introducer.domain.errors import Conflict
from introducer.domain.events import day_of, in_full_ms, milliseconds
from introducer.services.contest_books import TRIES, ContestBooks
from introducer.services.contest_steps import by_clock
from introducer.services.finish_result import prizes

AT_ONCE = 250
"""So many prizes are paid in one step."""


class Paid(NamedTuple):
    """What one step paid, gifts that are to be sent among them, and what is left for the next one."""

    paid: int
    left: int


def pay_prizes(books: ContestBooks, *, contest: str, now: datetime, pause: Callable[[int], None]) -> Paid:
    """Pays the next prizes that are due, and sees that staff send gifts. `pause` waits before the n-th new try where
    the winner's books move meanwhile; what could not be paid is left. Again pays nothing twice.

    Raises `NotFound`, `Conflict` (`result_not_final`), `Unavailable`.
    """
    found = books.contests.contest(contest)
    if found.status is ContestStatus.DONE:
        return Paid(0, 0)
    if found.status is not ContestStatus.PAYING:
        raise Conflict("The result of this contest is not final.", code="result_not_final")
    # Not by the list of the contest's prizes, which lags: one that was just written would be forgotten.
    kept = books.results.keep_awards(prizes(books, found))
    due = [award for award in kept.values() if award.status is AwardStatus.DUE]
    due.sort(key=lambda award: (award.division, award.place, award.partner, award.number))
    paid = sum(_paid(books, found, award, now, pause) for award in due[:AT_ONCE])
    return Paid(paid, len(due) - paid)


def _paid(books: ContestBooks, contest: Contest, award: Award, now: datetime, pause: Callable[[int], None]) -> bool:
    """Whether a prize is paid, or a gift is to be sent, now or by another one meanwhile."""
    for attempt in range(TRIES):
        if attempt:
            pause(attempt)
            award = books.results.award(award.partner, award.contest, award.number)
            if award.status is not AwardStatus.DUE:
                return True
        if award.gift:
            change = by_clock(now, "A gift is to be sent")
            if books.results.move_award(award, replace(award, status=AwardStatus.TO_SEND), change, "award_gift"):
                return True
            continue
        available = plus_days(day_of(now), contest.prize_hold_days)
        frozen = books.ledger.balance(award.partner).frozen_through
        journal = prize_journal(contest, award, milliseconds(now), available, frozen)
        after = replace(award, status=AwardStatus.PAID, journal=journal.id, paid_at=in_full_ms(now))
        if books.results.move_award(award, after, by_clock(now, "A prize of a contest"), "pay_prize", journal):
            return True
    return False
