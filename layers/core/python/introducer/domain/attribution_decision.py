"""How a campaign attributes, as staff decide it anew: from a moment to come on.

A client is attributed by what holds at its registration, so nobody who registered before a decision moves by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import Attribution, Campaign

LONGEST_WINDOW = 365
"""Days; raw clicks are kept for 400."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionDecision:
    """From `since` on the campaign attributes so."""

    campaign: str
    brand: str
    number: int
    """The how manieth decision about the campaign, from 1 on; a later one covers earlier ones from its `since` on."""
    since: datetime
    window_days: int
    attribution: Attribution
    promo_first: bool
    """Whether a promo code comes before the campaign's clicks."""
    reason: str
    decided_at: datetime
    decided_by: str
    request: str = ""
    """Names the request that decided it, so that it may be repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """How a campaign attributes at a moment."""

    window_days: int
    attribution: Attribution
    promo_first: bool


def attributes_at(at: datetime, campaign: Campaign, decisions: Iterable[AttributionDecision]) -> Attributes:
    """What holds at a moment: as the campaign was made, until a decision says otherwise."""
    found = Attributes(window_days=campaign.window_days, attribution=campaign.attribution, promo_first=False)
    for each in sorted(decisions, key=lambda each: each.number):
        if each.since <= at:
            found = attributes_of(each)
    return found


def attributes_of(decision: AttributionDecision) -> Attributes:
    """What a decision says."""
    return Attributes(
        window_days=decision.window_days, attribution=decision.attribution, promo_first=decision.promo_first
    )
