"""The partner appeals, once, against a verdict that took something back."""

from __future__ import annotations

from datetime import datetime

from introducer.domain.case import Case
from introducer.domain.configuration import Member
from introducer.services.case_books import CaseBooks, Wake


def appeal_case(
    books: CaseBooks, wake: Wake, *, member: Member, partner: str, case: str, why: str, now: datetime
) -> Case:
    """The case as it waits for a second verdict. An owner of the partner appeals, while `appeal_by` has not passed; the
    same appeal again changes nothing.

    Raises `NotFound`, `Forbidden` (`appeal_role`), `Invalid` (`text_needed`), `Conflict` (`nothing_to_appeal`,
    `appeal_too_late`, `appealed_already`).
    """
    raise NotImplementedError
