"""Staff answer an objection. That changes no count: where it was right, somebody is set aside, or is so no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from introducer.domain.configuration import Member
from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.contest_closing import Objection, check_deciding
from introducer.domain.contest_mail import Answer, answered_mail
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import in_full_ms
from introducer.services.contest_books import TRIES, ContestBooks, Wake, changed_meanwhile
from introducer.services.contest_steps import contest_of_brand, recorded, woken
from introducer.services.decisions import reason
from introducer.services.people import by_member
from introducer.store.reservations import Beside


def decide_objection(
    books: ContestBooks,
    wake: Wake,
    *,
    member: Member,
    contest: str,
    partner: str,
    at: datetime,
    upheld: bool,
    why: str,
    now: datetime,
) -> Contest:
    """The contest, with the answer to what this partner objected at that moment; it is told. Deciding the same again
    changes nothing. Once the time for objections is over and the last one is answered, the execution goes on.

    Raises `Forbidden` (`objection_role`), `NotFound` (`no_such_objection`), `Invalid` for a reason that is none,
    `Conflict` (`decided_already`, `not_provisional`), `Unavailable`.
    """
    check_deciding(member.role)
    word = reason(why)
    for _ in range(TRIES):
        found = contest_of_brand(books, member, contest)
        waiting = [each for each in books.results.objections(contest) if each.waits]
        objection = _objection(books, contest, partner, at)
        if not objection.waits:
            if (objection.decided_by, objection.upheld, objection.why) != (member.member, upheld, word):
                raise Conflict("This objection was answered already.", code="decided_already")
            _go_on(wake, found, waiting, now)
            return found
        if found.status is not ContestStatus.PROVISIONAL:
            raise Conflict("The result is final, or there is none.", code="not_provisional")
        moment = in_full_ms(now)
        decided = replace(objection, decided_by=member.member, decided_at=moment, upheld=upheld, why=word)
        told = {"partner": partner, "objection_upheld": upheld}
        puts = [
            books.results.objection_put(decided),
            recorded(books, found, by_member(member, now, word), "decide_objection", None, told),
        ]
        answer = Answer.UPHELD if upheld else Answer.REJECTED
        mail = answered_mail(found, partner, objection.at, moment, answer=answer, why=word)
        written = books.contests.move(found, replace(found), None, mails=[mail], beside=Beside(puts=puts))
        if written is not None:
            _go_on(wake, written, [each for each in waiting if (each.partner, each.at) != (partner, at)], now)
            return written
    raise changed_meanwhile(found)


def _objection(books: ContestBooks, contest: str, partner: str, at: datetime) -> Objection:
    for each in books.results.objections(contest, partner):
        if each.at == at:
            return each
    raise NotFound("There is no such objection.", code="no_such_objection")


def _go_on(wake: Wake, contest: Contest, waiting: list[Objection], now: datetime) -> None:
    if not waiting and contest.objections_until is not None and now >= contest.objections_until:
        woken(wake, contest, "answered")
