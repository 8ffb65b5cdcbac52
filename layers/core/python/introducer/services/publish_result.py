"""The provisional result: what the facts say of each participant, without those who are set aside. Partners see it and
may object.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.contest_closing import SetAside, by_the_clock
from introducer.domain.contest_mail import result_mail
from introducer.domain.errors import Conflict
from introducer.domain.events import in_full_ms
from introducer.services.contest_books import TRIES, ContestBooks, changed_meanwhile
from introducer.services.contest_steps import (
    Ranked,
    by_clock,
    causes,
    counted,
    participants,
    rank,
    recorded,
)
from introducer.store.reservations import Beside

ASIDES_AT_ONCE = 80
"""So many set-asides go into one transaction."""


def publish_result(books: ContestBooks, *, contest: str, now: datetime) -> Contest:
    """The contest with its provisional result, and everybody told their place. Again changes nothing; one that is
    further, or cancelled, is answered as it is. Where nobody takes part there is nothing to object to.

    Raises `NotFound`, `Conflict` (`not_frozen`, `recount_incomplete`), `Unavailable`.
    """
    for _ in range(TRIES):
        found = books.contests.contest(contest)
        if found.status is ContestStatus.PROVISIONAL:
            tell_result(books, found, now)
        if found.status is not ContestStatus.COUNTING:
            if not found.status.is_frozen:
                raise Conflict("This contest is not frozen yet.", code="not_frozen")
            return found
        ranked, changed = ranked_now(books, found, now)
        before, rest = set_aside_by_clock(books, found, changed, now)
        if before is None:
            continue
        hours = found.objection_hours if ranked.conclusion.results else 0
        after = replace(
            before,
            status=ContestStatus.PROVISIONAL,
            objections_until=in_full_ms(now) + timedelta(hours=hours),
            edition=ranked.edition,
            token="",
        )
        change = by_clock(now, "Everybody is counted")
        written = books.contests.move(before, after, change, "publish_result", beside=rest)
        if written is not None:
            tell_result(books, written, now)
            return written
    raise changed_meanwhile(found)


def ranked_now(books: ContestBooks, contest: Contest, now: datetime) -> tuple[Ranked, list[SetAside]]:
    """The ranking as it is with what stands against participants now, kept as an edition; and the set-asides that this
    changes, which are to be written with it."""
    entries = participants(books, contest.contest)
    scored = counted(books, contest.contest)
    before = {each.partner: each for each in books.results.asides(contest.contest)}
    changed = by_the_clock(contest, before, causes(books, contest, entries, now), in_full_ms(now))
    asides = before | {each.partner: each for each in changed}
    ranked = rank(contest, entries, scored, asides.values())
    books.results.keep_results(ranked.edition, ranked.conclusion.results)
    return ranked, changed


def set_aside_by_clock(
    books: ContestBooks, contest: Contest, changed: Sequence[SetAside], now: datetime
) -> tuple[Contest | None, Beside]:
    """Writes the set-asides that are more than go with a step of the contest. The contest as it is then, and what goes
    with the step; None where it was changed meanwhile."""
    written: Contest | None = contest
    left = list(changed)
    while written is not None and len(left) > ASIDES_AT_ONCE:
        some, left = left[:ASIDES_AT_ONCE], left[ASIDES_AT_ONCE:]
        written = books.contests.move(written, written, None, beside=Beside(puts=_asides(books, contest, some, now)))
    return written, Beside(puts=_asides(books, contest, left, now))


def _asides(books: ContestBooks, contest: Contest, changed: Sequence[SetAside], now: datetime) -> list[dict[str, Any]]:
    if not changed:
        return []
    told = {each.partner: each.why if each.stands else "" for each in changed}
    change = by_clock(now, "What stands against participants now")
    return [
        *(books.results.aside_put(each) for each in changed),
        recorded(books, contest, change, "set_aside", None, {"set_aside": told}),
    ]


def tell_result(books: ContestBooks, contest: Contest, now: datetime) -> None:
    """Tells everybody who was not told yet. Whoever takes the contest on does it first: the step that published the
    result may have ended before."""
    results = list(books.results.all_results(contest))
    ranked = Counter(each.division for each in results if each.rank)
    books.mails.put_all([result_mail(contest, each, now, ranked=ranked[each.division]) for each in results])
