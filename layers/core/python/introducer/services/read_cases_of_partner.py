"""What a partner sees of the cases about it: what is looked at, what is held since when, by when it is decided, what
was said and what was decided. What it may see is decided in `domain.case_view`, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from introducer.domain.case import Case, CaseStatus
from introducer.domain.case_view import Decided, Sentence, partner_view
from introducer.domain.configuration import Member, Role
from introducer.domain.fraud import registry
from introducer.domain.money import Money
from introducer.services.people import Names
from introducer.services.read_cases import due
from introducer.services.read_clients_of_partner import pseudonym
from introducer.store.cases import Cases
from introducer.store.configuration import Configuration

OWNER_ONLY = "appeal_role"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOfPartner:
    """A case in the partner's list."""

    case: str
    status: CaseStatus
    topic: str
    """What is looked at, as the mail about it says too; empty where a person opened it."""
    held: tuple[Money, ...]
    opened_at: datetime
    due: datetime | None
    """When it goes on by itself."""
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidToPartner:
    at: datetime
    ours: bool
    """Whether the partner said it."""
    by: str
    """The name of the partner's own login; empty for staff."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnersCase:
    """One case, as its partner reads it."""

    case: str
    status: CaseStatus
    opened_at: datetime
    sentences: tuple[Sentence, ...]
    clients: tuple[str, ...]
    """Pseudonyms of those whose earnings are in question."""
    whole: bool
    """Whether all is in question that is not paid out, whoever it came from."""
    held: tuple[Money, ...]
    stops_payouts: bool
    decide_by: datetime
    release_by: datetime
    said: tuple[SaidToPartner, ...]
    verdict: Decided | None
    may_appeal_until: datetime | None
    appealed_at: datetime | None
    second: Decided | None
    closed_at: datetime | None
    may_answer: bool
    may_appeal: bool
    why_not: str
    """The code of why this login does not appeal while somebody else of the partner may; else empty."""


def read_cases_of_partner(cases: Cases, *, partner: str) -> tuple[CaseOfPartner, ...]:
    """The partner's cases, the newest first."""
    return tuple(_row(each) for each in cases.of_partner(partner))


def read_case_of_partner(
    configuration: Configuration, cases: Cases, *, member: Member, case: str, now: datetime
) -> PartnersCase:
    """One case of the member's partner. Raises `NotFound`: another's is none."""
    assert member.partner is not None, "staff read cases with read_case"
    found = cases.case(member.partner, case)
    view = partner_view(found, cases.findings(member.partner, case), {each.name: each for each in registry.DETECTORS})
    names = Names(configuration)
    in_time = view.may_appeal_until is not None and now < view.may_appeal_until
    owner = member.role is Role.OWNER
    return PartnersCase(
        case=view.case,
        status=view.status,
        opened_at=view.opened_at,
        sentences=view.sentences,
        clients=_pseudonyms(view.clients),
        whole=view.whole,
        held=tuple(Money(minor, currency) for currency, minor in sorted(view.held.items()) if minor),
        stops_payouts=view.stops_payouts,
        decide_by=view.decide_by,
        release_by=view.release_by,
        said=tuple(
            SaidToPartner(at=each.at, ours=bool(each.by), by=names.of(each.by), text=each.text) for each in view.said
        ),
        verdict=_named(view.verdict),
        may_appeal_until=view.may_appeal_until,
        appealed_at=view.appealed_at,
        second=_named(view.second),
        closed_at=view.closed_at,
        may_answer=view.closed_at is None,
        may_appeal=in_time and owner,
        why_not=OWNER_ONLY if in_time and not owner else "",
    )


def _pseudonyms(clients: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(map(pseudonym, clients)))


def _named(verdict: Decided | None) -> Decided | None:
    return None if verdict is None else replace(verdict, clients=_pseudonyms(verdict.clients))


def _row(case: Case) -> CaseOfPartner:
    return CaseOfPartner(
        case=case.case,
        status=case.status,
        topic=case.detectors[0] if case.detectors else "",
        held=tuple(Money(minor, currency) for currency, minor in sorted(case.holds.items())),
        opened_at=case.opened_at,
        due=due(case),
        closed_at=case.closed_at,
    )
