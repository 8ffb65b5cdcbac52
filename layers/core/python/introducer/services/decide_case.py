"""A person decides a case: its money goes free, or clients earn nothing; another person decides an appeal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from introducer.domain.case import Case
from introducer.domain.case_rules import (
    appeal_decided,
    check_appeal_decider,
    check_decider,
    decided,
    same_verdict,
    verdict_of,
)
from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict
from introducer.domain.events import in_full_ms
from introducer.services.case_books import CaseBooks, Wake
from introducer.services.decisions import reason
from introducer.services.open_case import check_clients
from introducer.services.partner_of_brand import partner_of_brand
from introducer.store.cases import Step


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

    `clients` are those who are disallowed, some of the case's own; without any, all of them. Where all of the partner's
    money is in question, others of its clients can be named too. From `starts_at` on they earn nothing; None: from the
    beginning. Deciding again the way it was decided, by the same person, changes nothing.

    Raises `Forbidden` (`case_role`), `NotFound`, `Invalid` (`reason_needed`, `unknown_code`, `unknown_clients`,
    `clients_needed`, `too_many_clients`, `invalid_starts_at`), `Conflict` (`decided_already`; `deadline_passed`;
    `case_changed`: look again).
    """
    check_decider(member.role)
    owner = partner_of_brand(books.configuration, member, partner)
    word = reason(why)
    found = books.cases.case(owner.partner, case)
    verdict = verdict_of(
        found,
        by=member.member,
        at=now,
        disallow=disallow,
        code=code,
        why=word,
        clients=clients,
        starts_at=None if starts_at is None else in_full_ms(starts_at),
    )
    if found.verdict is not None:
        if not same_verdict(found.verdict, verdict):
            raise Conflict("This case is decided already: look at it again.", code="decided_already")
        _wake(wake, found, "disallowed" if found.verdict.disallowed else "released")
        return found
    after = decided(found, verdict)
    check_clients(books, found.brand, found.partner, set(verdict.clients) - set(found.clients))
    _check_version(found, version)
    change = Change(by=member.member, at=now, why=word, origin="portal")
    return _decided(books, wake, found, after, change, "disallow_case" if disallow else "release_case")


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
    """The second verdict, by compliance or an admin who did not make the first: upheld, or overturned. Deciding again
    the way it was decided, by the same person, changes nothing.

    Raises `Forbidden` (`case_role`, `same_person`), `NotFound`, `Invalid` (`reason_needed`), `Conflict`
    (`not_appealed`, `decided_already`, `deadline_passed`, `case_changed`).
    """
    owner = partner_of_brand(books.configuration, member, partner)
    found = books.cases.case(owner.partner, case)
    check_appeal_decider(found, member)
    word = reason(why)
    if (second := found.second) is not None:
        if (second.by, second.disallowed, second.why) != (member.member, uphold, word):
            raise Conflict("This appeal is decided already: look at it again.", code="decided_already")
        _wake(wake, found, found.status.value)
        return found
    after = appeal_decided(found, by=member.member, at=now, uphold=uphold, why=word)
    _check_version(found, version)
    change = Change(by=member.member, at=now, why=word, origin="portal")
    return _decided(books, wake, found, after, change, "uphold_case" if uphold else "overturn_case")


def _check_version(case: Case, version: int) -> None:
    if case.version != version:
        raise Conflict("The case changed since you looked at it: look again.", code="case_changed")


def _decided(books: CaseBooks, wake: Wake, before: Case, after: Case, change: Change, action: str) -> Case:
    written = books.cases.write(Step(before=before, after=after, change=change, action=action))
    if written is None:
        raise Conflict("The case changed since you looked at it: look again.", code="case_changed")
    _wake(wake, written, written.status.value)
    return written


def _wake(wake: Wake, case: Case, decision: str) -> None:
    if case.token:
        wake(case.token, {"decision": decision})
