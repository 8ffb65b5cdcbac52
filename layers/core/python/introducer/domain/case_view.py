"""What a partner may see of a case about it: the rule, in one place.

It sees that something is looked at and what (the detector's sentence for partners), whose earnings are in question,
what is held since when, by when it is decided, what both sides said to each other, and the verdict with its reason. It
never sees thresholds, measured figures, evidence, other partners, staff's notes, or who of staff did something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from string import Formatter

from introducer.domain.case import CLOCK, Answer, Case, CaseStatus, ReasonCode, Verdict
from introducer.domain.fraud.finding import Detector, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A detector's sentence for partners, with the values that it has places for, and no others."""

    detector: str
    text: str
    """To be translated, then filled in with `str.format(**values)`."""
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A verdict, as the partner reads it."""

    at: datetime
    by_clock: bool
    """Nobody decided in time."""
    disallowed: bool
    code: ReasonCode | None
    why: str
    clients: tuple[str, ...]
    starts_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerCase:
    """A case, as its partner reads it."""

    case: str
    status: CaseStatus
    opened_at: datetime
    sentences: tuple[Sentence, ...]
    """Empty where a person opened it: then staff say why in their answers."""
    clients: tuple[str, ...]
    """Pseudonyms of those whose earnings are in question."""
    whole: bool
    """Whether all is in question that is not paid out, whoever it came from."""
    held: Mapping[str, int]
    """By currency, minor units."""
    stops_payouts: bool
    decide_by: datetime
    """When it is decided, or goes on by the clock."""
    release_by: datetime
    """When the clock decides for the partner."""
    said: tuple[Answer, ...]
    """What both sides said; `by` is empty for staff."""
    verdict: Decided | None
    """Told once it is carried out, like the one on the appeal."""
    may_appeal_until: datetime | None
    appealed_at: datetime | None
    second: Decided | None
    closed_at: datetime | None


def partner_view(case: Case, findings: Sequence[Finding], detectors: Mapping[str, Detector]) -> PartnerCase:
    """What the partner sees. `detectors` are the registered ones, by name; of one that is not registered any more
    nothing is said."""
    known = {finding.detector: finding for finding in findings}
    return PartnerCase(
        case=case.case,
        status=case.status,
        opened_at=case.opened_at,
        sentences=tuple(
            _sentence(known[name], detectors[name].partner)
            for name in case.detectors
            if name in known and name in detectors
        ),
        clients=case.clients,
        whole=case.whole,
        held=case.holds,
        stops_payouts=bool(case.stop),
        decide_by=case.decide_by,
        release_by=case.escalate_by,
        said=tuple(each if each.side == "partner" else replace(each, by="") for each in case.answers if _shown(each)),
        verdict=_decided(case.verdict) if case.freed_at is not None else None,
        may_appeal_until=case.appeal_by if case.status is CaseStatus.DISALLOWED and not case.is_closed else None,
        appealed_at=case.appealed_at,
        second=_decided(case.second) if case.second_at is not None else None,
        closed_at=case.closed_at,
    )


def _shown(answer: Answer) -> bool:
    return answer.side in ("partner", "staff")


def _sentence(finding: Finding, text: str) -> Sentence:
    named = {name for _, name, _, _ in Formatter().parse(text) if name}
    return Sentence(
        detector=finding.detector,
        text=text,
        values={name: value for name, value in finding.values.items() if name in named},
    )


def _decided(verdict: Verdict | None) -> Decided | None:
    if verdict is None:
        return None
    return Decided(
        at=verdict.at,
        by_clock=verdict.by == CLOCK,
        disallowed=verdict.disallowed,
        code=verdict.code,
        why="" if verdict.by == CLOCK else verdict.why,
        clients=verdict.clients,
        starts_at=verdict.starts_at,
    )
