"""A person decides a case: its money goes free, or clients earn nothing; another person decides an appeal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from introducer.domain.case import Case
from introducer.domain.configuration import Member
from introducer.services.case_books import CaseBooks, Wake


def decide_case(
    books: CaseBooks,
    wake: Wake,
    *,
    member: Member,
    partner: str,
    case: str,
    version: int,
    disallow: bool,
    code: str = "",
    why: str,
    clients: Sequence[str] = (),
    starts_at: datetime | None = None,
    now: datetime,
) -> Case:
    """The verdict on a case as it was read (`version`): released, or disallowed with a `code` (a `ReasonCode`).

    `clients` are those who are disallowed, some of the case's own; without any, all of them (a case about no client in
    particular needs them named, of the partner's). From `starts_at` on they earn nothing; None: from the beginning.
    Deciding again the way it was decided, by the same person, changes nothing.

    Raises `Forbidden` (`case_role`), `NotFound`, `Invalid` (`reason_needed`, `unknown_code`, `unknown_clients`,
    `clients_needed`, `invalid_starts_at`), `Conflict` (`decided_already`, `case_changed`: look again).
    """
    raise NotImplementedError


def decide_appeal(
    books: CaseBooks,
    wake: Wake,
    *,
    member: Member,
    partner: str,
    case: str,
    version: int,
    uphold: bool,
    why: str,
    now: datetime,
) -> Case:
    """The second verdict, by compliance or an admin who did not make the first: upheld, or overturned.

    Raises `Forbidden` (`case_role`, `same_person`), `NotFound`, `Invalid`, `Conflict` (`not_appealed`,
    `decided_already`, `case_changed`).
    """
    raise NotImplementedError
