"""Both sides say something about a case; staff may also note what is for staff alone."""

from __future__ import annotations

from datetime import datetime

from introducer.domain.case import Case
from introducer.domain.configuration import Member
from introducer.services.case_books import CaseBooks


def answer_case(
    books: CaseBooks, *, member: Member, partner: str, case: str, text: str, note: bool = False, now: datetime
) -> Case:
    """The case with what the member said: a login of the partner, or one of staff who decides cases. What the member
    said last, said again, changes nothing.

    Raises `NotFound`, `Forbidden` (`case_role`; a note of a partner), `Invalid` (`text_needed`), `Conflict`
    (`case_closed`, `too_many_answers`).
    """
    raise NotImplementedError
