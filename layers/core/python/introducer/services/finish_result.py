"""The result stands for good: what stands against participants is looked at once more, then nobody is set aside any
more, and prizes are due.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from introducer.domain.contest import MACHINE, Contest, ContestStatus
from introducer.domain.contest_closing import Objection
from introducer.domain.contest_mail import Answer, answered_mail
from introducer.domain.contest_prizes import Award, awards
from introducer.domain.contest_waits import objections_end
from introducer.domain.errors import Conflict
from introducer.domain.events import in_full_ms
from introducer.services.contest_books import TRIES, ContestBooks, changed_meanwhile
from introducer.services.contest_steps import by_clock, recorded
from introducer.services.publish_result import ranked_now, set_aside_by_clock, tell_result
from introducer.store.reservations import Beside

_ANSWERED_AT_ONCE = 30


def finish_result(books: ContestBooks, *, contest: str, now: datetime) -> Contest:
    """The contest with its final result, and its prizes due. Objections that nobody answered for a week after their
    time are answered by the clock: the result stands. Again changes nothing; one that is further, or cancelled, is
    answered as it is.

    Raises `NotFound`, `Conflict` (`not_provisional`; `objections_open` while somebody may object, or waits for an
    answer), `Unavailable`.
    """
    for _ in range(TRIES):
        found = books.contests.contest(contest)
        if found.status in (ContestStatus.PAYING, ContestStatus.DONE):
            books.results.keep_awards(prizes(books, found))
            return found
        if found.status is ContestStatus.CANCELLED:
            return found
        if found.status is not ContestStatus.PROVISIONAL:
            raise Conflict("There is no provisional result yet.", code="not_provisional")
        waiting = [each for each in books.results.objections(contest) if each.waits]
        until = objections_end(found, len(waiting))
        if until is None or now < until:
            raise Conflict("Objections are open: wait.", code="objections_open")
        if waiting:
            _answer(books, found, waiting, now)
            continue
        tell_result(books, found, now)
        ranked, changed = ranked_now(books, found, now)
        before, rest = set_aside_by_clock(books, found, changed, now)
        if before is None:
            continue
        after = replace(
            before, status=ContestStatus.PAYING, finished_at=in_full_ms(now), edition=ranked.edition, token=""
        )
        change = by_clock(now, "The time for objections is over, and all are answered")
        written = books.contests.move(before, after, change, "finish_result", beside=rest)
        if written is not None:
            books.results.keep_awards(prizes(books, written))
            return written
    raise changed_meanwhile(found)


def prizes(books: ContestBooks, contest: Contest) -> Sequence[Award]:
    """What was won, as the final result says: the same whoever reckons it, and no matter what is paid."""
    return awards(contest, books.results.all_results(contest))


def _answer(books: ContestBooks, contest: Contest, waiting: Sequence[Objection], now: datetime) -> None:
    """The clock answers objections, some in each transaction. Where the contest was changed meanwhile it is looked at
    again."""
    before: Contest | None = contest
    at = in_full_ms(now)
    for start in range(0, len(waiting), _ANSWERED_AT_ONCE):
        some = waiting[start : start + _ANSWERED_AT_ONCE]
        if before is None:
            return
        told = {"unanswered": [each.partner for each in some]}
        change = by_clock(now, "Nobody answered in time: the result stands")
        puts = [
            *(
                books.results.objection_put(replace(each, decided_by=MACHINE, decided_at=at, why=change.why))
                for each in some
            ),
            recorded(books, contest, change, "answer_objections", None, told),
        ]
        mails = [answered_mail(contest, each.partner, each.at, at, answer=Answer.UNANSWERED, why="") for each in some]
        before = books.contests.move(before, before, None, mails=mails, beside=Beside(puts=puts))
