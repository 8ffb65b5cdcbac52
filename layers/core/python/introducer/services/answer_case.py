"""Both sides say something about a case; staff may also note what is for staff alone."""

from __future__ import annotations

from datetime import datetime

from introducer.domain.case import Answer, Case
from introducer.domain.case_rules import answered, check_decider, text_of
from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict, Forbidden, NotFound
from introducer.services.case_books import TRIES, CaseBooks
from introducer.services.partner_of_brand import partner_of_brand
from introducer.store.cases import Step

PARTNER, STAFF, NOTE = "partner", "staff", "note"
"""Whose answer it is; a note is for staff alone."""


def answer_case(
    books: CaseBooks, *, member: Member, partner: str, case: str, text: str, note: bool = False, now: datetime
) -> Case:
    """The case with what the member said: a login of the partner, or one of staff who works on cases. What the member
    said last, said again, changes nothing.

    Raises `NotFound`, `Forbidden` (`case_role`; a note of a partner), `Invalid` (`text_needed`), `Conflict`
    (`case_closed`, `too_many_answers`, `case_changed`: try again).
    """
    side = _side(member, partner, note)
    if side != PARTNER:
        partner_of_brand(books.configuration, member, partner)
    answer = Answer(at=now, by=member.member, side=side, text=text_of(text))
    action = "note_on_case" if note else "answer_case"
    change = Change(by=member.member, at=now, why="Answered" if not note else "Noted", origin="portal")
    for _ in range(TRIES):
        found = books.cases.case(partner, case)
        after = answered(found, answer)
        if after is found:
            return found
        written = books.cases.write(Step(before=found, after=after, change=change, action=action))
        if written is not None:
            return written
    raise Conflict("The case is being changed by somebody else: try again.", code="case_changed")


def _side(member: Member, partner: str, note: bool) -> str:
    if member.partner is None:
        check_decider(member.role)
        return NOTE if note else STAFF
    if member.partner != partner:
        raise NotFound("There is no such case.")
    if note:
        raise Forbidden("Notes are staff's own: answer instead.", code="case_role")
    return PARTNER
