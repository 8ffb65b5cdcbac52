"""No contest is left without an execution: one that could not be started at the approval, or that failed since, is
started once the clock has come to something that nobody did.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.contest_waits import execution_input, execution_name, is_overdue
from introducer.domain.errors import IntroducerError
from introducer.services.contest_books import ContestBooks, Start


def sweep_contests(books: ContestBooks, start: Start, *, now: datetime) -> list[str]:
    """The executions of contests that are late, in all brands: started, unless they run. What cannot be started now is
    left to the next sweep. Raises `Unavailable`: call again."""
    started = []
    for contest in _contests(books):
        if is_overdue(contest, now, waiting=_waiting(books, contest)):
            with suppress(IntroducerError):
                started.append(start(execution_name(contest), execution_input(contest)))
    return started


def _waiting(books: ContestBooks, contest: Contest) -> int:
    if contest.status is not ContestStatus.PROVISIONAL:
        return 0
    return sum(1 for each in books.results.objections(contest.contest) if each.waits)


def _contests(books: ContestBooks) -> Iterator[Contest]:
    for brand in books.configuration.every_brand():
        yield from books.contests.all_of_brand(brand.brand)
