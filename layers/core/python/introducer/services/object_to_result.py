"""A participant objects to a provisional result. The execution waits until the time for that is over, and longer while
somebody waits for an answer.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from introducer.domain.configuration import Member
from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.contest_closing import Objection, check_objecting
from introducer.domain.contest_mail import objected_mail
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.events import in_full_ms
from introducer.services.contest_books import TRIES, ContestBooks, changed_meanwhile
from introducer.services.contest_steps import contest_of_brand, keep_token, recorded
from introducer.services.people import by_member
from introducer.services.publish_result import tell_result
from introducer.store.reservations import Beside

LONGEST_TEXT = 2000
MOST_OBJECTIONS = 5
"""So often one participant may object to one result."""


def object_to_result(books: ContestBooks, *, member: Member, contest: str, text: str, now: datetime) -> Contest:
    """The contest, with what this partner says against its result; its manager is told. The same words again, while
    they wait for an answer, change nothing.

    Raises `NotFound`, `Invalid` (`objection_text`), `Conflict` (`not_provisional`, `objections_over`,
    `not_a_participant`, `objected_often`), `Unavailable`.
    """
    said = text.strip()
    if not 3 <= len(said) <= LONGEST_TEXT:
        raise Invalid(f"Say what is wrong, in 3 to {LONGEST_TEXT} characters.", code="objection_text")
    if member.partner is None:
        raise NotFound("There is no such contest.")
    at = in_full_ms(now)
    for _ in range(TRIES):
        found = contest_of_brand(books, member, contest)
        before = books.results.objections(contest, member.partner)
        if any(each.waits and each.text == said for each in before):
            return found
        check_objecting(found, books.contests.entry(contest, member.partner), now)
        if len(before) >= MOST_OBJECTIONS:
            raise Conflict("You objected often enough: your manager answers.", code="objected_often")
        objection = Objection(contest=contest, partner=member.partner, at=at, by=member.member, text=said)
        owner = books.configuration.partner(member.partner)
        change = by_member(member, now, "An objection")
        told = {"partner": member.partner}
        # What it said is in the objection: the trail is never erased.
        puts = [
            books.results.objection_put(objection),
            recorded(books, found, change, "object_to_result", None, told),
        ]
        mail = objected_mail(found, member.partner, owner.name, said, at, manager=owner.manager or "")
        # The contest's version moves, so that nobody finishes it who has not seen this.
        written = books.contests.move(found, replace(found), None, mails=[mail], beside=Beside(puts=puts))
        if written is not None:
            return written
    raise changed_meanwhile(found)


def objections_open(books: ContestBooks, *, contest: str) -> int:
    """How many objections nobody answered yet. Raises `Unavailable`."""
    return sum(1 for each in books.results.objections(contest) if each.waits)


def wait_for_objections(books: ContestBooks, *, contest: str, token: str, now: datetime) -> Contest:
    """Keeps by what the execution is woken that waits for objections and their answers; the contest as it is then.
    Whoever was not told the result yet is told now. Raises `NotFound`, `Conflict`, `Unavailable`."""
    found = keep_token(books, contest, token)
    if found.status is ContestStatus.PROVISIONAL:
        tell_result(books, found, now)
    return found
