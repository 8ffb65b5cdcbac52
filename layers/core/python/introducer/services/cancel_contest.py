"""A contest is called off, with a reason: until its result is final. Nothing is paid, and its execution tells those who
took part.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from introducer.domain.configuration import Member
from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.contest_closing import check_cancelling
from introducer.services.contest_books import TRIES, ContestBooks, Wake, changed_meanwhile
from introducer.services.contest_steps import contest_of_brand, woken
from introducer.services.decisions import reason
from introducer.services.people import by_member


def cancel_contest(
    books: ContestBooks, wake: Wake, *, member: Member, contest: str, why: str, now: datetime
) -> Contest:
    """The contest, cancelled: its window with it, so that nothing scores any more. Again changes nothing, and wakes the
    execution that did not hear of it.

    Raises `Forbidden` (`planner_role`), `NotFound`, `Invalid` for a reason that is none, `Conflict` (`result_final`),
    `Unavailable`.
    """
    word = reason(why)
    for _ in range(TRIES):
        found = contest_of_brand(books, member, contest)
        check_cancelling(found, member.role)
        if found.status is ContestStatus.CANCELLED:
            woken(wake, found, "cancelled")
            return found
        after = replace(found, status=ContestStatus.CANCELLED, why_over=word)
        written = books.contests.move(
            found,
            after,
            by_member(member, now, word),
            "cancel_contest",
            # A draft has no window.
            window=found.approved_at is not None,
        )
        if written is not None:
            woken(wake, written, "cancelled")
            return written
    raise changed_meanwhile(found)
