"""What a partner may see of a case about it: the rule, in one place.

It sees that something is looked at and what (the detector's sentence for partners), whose earnings are in question,
what is held since when, by when it is decided, what both sides said to each other, and the verdict with its reason. It
never sees thresholds, measured figures, evidence, other partners, staff's notes, or who of staff did something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.case import Answer, Case, CaseStatus, ReasonCode
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
    """Pseudonyms of those whose earnings are in question; empty: all that is not paid out."""
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
    may_appeal_until: datetime | None
    appealed_at: datetime | None
    second: Decided | None
    closed_at: datetime | None


def partner_view(case: Case, findings: Sequence[Finding], detectors: Mapping[str, Detector]) -> PartnerCase:
    """What the partner sees. `detectors` are the registered ones, by name."""
    raise NotImplementedError
