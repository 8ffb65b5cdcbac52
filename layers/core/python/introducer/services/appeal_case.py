"""The partner appeals, once, against a verdict that took something back."""

from __future__ import annotations

from datetime import datetime

from introducer.domain.case import Answer, Case
from introducer.domain.case_mail import appealed_mails
from introducer.domain.case_rules import appealed, text_of
from introducer.domain.configuration import Change, Member, Role
from introducer.domain.errors import Conflict, Forbidden, NotFound
from introducer.services.answer_case import PARTNER
from introducer.services.case_books import TRIES, CaseBooks, Wake
from introducer.store.cases import Step


def appeal_case(
    books: CaseBooks, wake: Wake, *, member: Member, partner: str, case: str, why: str, now: datetime
) -> Case:
    """The case as it waits for a second verdict. An owner of the partner appeals, while `appeal_by` has not passed; the
    same appeal again changes nothing.

    Raises `NotFound`, `Forbidden` (`appeal_role`), `Invalid` (`text_needed`), `Conflict` (`nothing_to_appeal`,
    `appeal_too_late`, `appealed_already`, `case_changed`: try again).
    """
    if member.partner is None or member.partner != partner:
        raise NotFound("There is no such case.")
    if member.role is not Role.OWNER:
        raise Forbidden("An owner of the partner appeals: ask one of them.", code="appeal_role")
    answer = Answer(at=now, by=member.member, side=PARTNER, text=text_of(why))
    change = Change(by=member.member, at=now, why="Appealed", origin="portal")
    for _ in range(TRIES):
        found = books.cases.case(partner, case)
        if found.appealed_at is not None and any(
            (each.at, each.by, each.text) == (found.appealed_at, answer.by, answer.text) for each in found.answers
        ):
            _wake(wake, found)
            return found
        after = appealed(found, answer, books.cases.policy(found.brand))
        mails = appealed_mails(after, now, said=answer.text, decide_by=after.escalate_by)
        step = Step(before=found, after=after, change=change, action="appeal_case", mails=tuple(mails))
        written = books.cases.write(step)
        if written is not None:
            _wake(wake, written)
            return written
    raise Conflict("The case is being changed by somebody else: try again.", code="case_changed")


def _wake(wake: Wake, case: Case) -> None:
    if case.token:
        wake(case.token, {"decision": "appealed"})
