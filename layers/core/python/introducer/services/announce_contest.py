"""Everybody who took part is told how it ended: where they stand for good, what they won, and when it is theirs."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from introducer.domain.calendar import plus_days
from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.contest_mail import final_mail
from introducer.domain.contest_prizes import AwardStatus
from introducer.domain.errors import Conflict
from introducer.domain.events import day_of
from introducer.services.contest_books import ContestBooks
from introducer.services.finish_result import prizes


def announce_contest(books: ContestBooks, *, contest: str, now: datetime) -> Contest:
    """The contest; each participant has one mail, however often this is repeated. Raises `NotFound`, `Conflict`
    (`result_not_final`, `prizes_due` while one is not paid), `Unavailable`."""
    found = books.contests.contest(contest)
    if found.status not in (ContestStatus.PAYING, ContestStatus.DONE):
        raise Conflict("The result of this contest is not final.", code="result_not_final")
    available: dict[str, str] = {}
    for award in books.results.keep_awards(prizes(books, found)).values():
        if award.status is AwardStatus.DUE:
            raise Conflict("A prize is not paid yet: pay them first.", code="prizes_due")
        if award.paid_at is not None and not award.gift:
            day = plus_days(day_of(award.paid_at), found.prize_hold_days)
            available[award.partner] = max(day, available.get(award.partner, ""))
    results = list(books.results.all_results(found))
    ranked = Counter(each.division for each in results if each.rank)
    books.mails.put_all(
        [
            final_mail(found, each, now, ranked=ranked[each.division], available=available.get(each.partner, ""))
            for each in results
        ]
    )
    return found
