"""Staff set a participant aside: it has no place in the result, and everybody below moves up. What the clock sees
against somebody (a case, a hold) it sets aside by itself when the result is published, and again when it is final.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from introducer.domain.configuration import Member
from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.contest_closing import SetAside, aside_again, check_asides_open, check_setting_aside, taken_back
from introducer.domain.contest_mail import result_mail
from introducer.domain.errors import NotFound
from introducer.domain.events import in_full_ms
from introducer.domain.mail import Mail
from introducer.services.contest_books import TRIES, ContestBooks, changed_meanwhile
from introducer.services.contest_steps import (
    contest_of_brand,
    counted,
    participants,
    rank,
    recorded,
)
from introducer.services.decisions import reason
from introducer.services.people import by_member
from introducer.store.reservations import Beside

TIME_TO_OBJECT = timedelta(hours=24)
"""So long whoever is set aside after the result was published has at least to object."""


def set_aside(books: ContestBooks, *, member: Member, contest: str, partner: str, why: str, now: datetime) -> Contest:
    """The contest, without this participant. A result that is published is ranked anew at once; the participant is
    told, and has a day at least to object.

    Raises `Forbidden` (`aside_role`), `NotFound` (`no_such_participant`), `Invalid` for a reason that is none,
    `Conflict` (`result_final`, `not_approved`, `set_aside_already`), `Unavailable`.
    """
    word = reason(why)
    at = in_full_ms(now)

    def aside(before: SetAside | None) -> SetAside:
        return aside_again(before, SetAside(contest=contest, partner=partner, why=word, by=member.member, at=at))

    return _changed(books, member, contest, partner, aside, "set_aside", word, now)


def take_back_aside(
    books: ContestBooks, *, member: Member, contest: str, partner: str, why: str, now: datetime
) -> Contest:
    """The contest, with this participant again. Raises as `set_aside`, and `Conflict` (`not_set_aside`,
    `aside_has_a_cause`)."""
    word = reason(why)
    at = in_full_ms(now)

    def aside(before: SetAside | None) -> SetAside:
        return taken_back(before, member.member, at, word)

    return _changed(books, member, contest, partner, aside, "take_back_aside", word, now)


def _changed(
    books: ContestBooks,
    member: Member,
    contest: str,
    partner: str,
    aside: Callable[[SetAside | None], SetAside],
    action: str,
    why: str,
    now: datetime,
) -> Contest:
    check_setting_aside(member.role)
    for _ in range(TRIES):
        found = contest_of_brand(books, member, contest)
        check_asides_open(found)
        entry = books.contests.entry(contest, partner)
        if entry is None or not entry.takes_part:
            raise NotFound("There is no such participant.", code="no_such_participant")
        before = books.results.aside(contest, partner)
        after = aside(before)
        told = {"partner": partner, "set_aside": after.stands, "why": why}
        was = {"partner": partner, "set_aside": before is not None and before.stands}
        puts = [
            books.results.aside_put(after),
            recorded(books, found, by_member(member, now, why), action, was, told),
        ]
        changed, mails = found, list[Mail]()
        if found.status is ContestStatus.PROVISIONAL:
            changed, mails = _ranked_anew(books, found, after, now)
        written = books.contests.move(found, changed, None, mails=mails, beside=Beside(puts=puts))
        if written is not None:
            return written
    raise changed_meanwhile(found)


def _ranked_anew(books: ContestBooks, contest: Contest, aside: SetAside, now: datetime) -> tuple[Contest, list[Mail]]:
    """The published result as it is with this change, and what the participant is told of it."""
    asides = {each.partner: each for each in books.results.asides(contest.contest)} | {aside.partner: aside}
    ranked = rank(contest, participants(books, contest.contest), counted(books, contest.contest), asides.values())
    results = ranked.conclusion.results
    books.results.keep_results(ranked.edition, results)
    until = contest.objections_until
    if aside.stands and until is not None:
        # Nobody loses a prize in the last minute without a word.
        until = max(until, in_full_ms(now) + TIME_TO_OBJECT)
    changed = replace(contest, edition=ranked.edition, objections_until=until)
    standing = Counter(each.division for each in results if each.rank)
    told = [
        result_mail(changed, each, now, ranked=standing[each.division], anew=True)
        for each in results
        if each.partner == aside.partner
    ]
    return changed, told
