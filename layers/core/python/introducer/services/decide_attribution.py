"""Staff decide how a campaign attributes: its window, whether the first or the last click counts, and whether promo
codes come before clicks. It holds from a moment to come on: whoever registered before is attributed as it was then. It
covers what was decided before for later moments, so a slip in the year binds nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from introducer.domain.attribution_decision import (
    LONGEST_WINDOW,
    Attributes,
    AttributionDecision,
    attributes_at,
    attributes_of,
)
from introducer.domain.configuration import Attribution, Campaign, Change, Role
from introducer.domain.errors import Conflict, Invalid
from introducer.services.creation import Author, Clock, Randomness, make_id, now
from introducer.services.decisions import after, reason
from introducer.services.set_standing import earliest, full_minute
from introducer.store.configuration import Configuration

MAY_DECIDE = frozenset({Role.MANAGER, Role.ADMIN})
"""Who decides how campaigns attribute."""
FURTHEST = timedelta(days=366)


def decide_attribution(
    configuration: Configuration,
    *,
    brand: str,
    campaign: str,
    window_days: int,
    attribution: Attribution,
    promo_first: bool,
    since: datetime | None,
    author: Author,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> AttributionDecision:
    """The decision, recorded. It holds from `since` on (a full minute; None is as soon as possible).

    Raises `NotFound` for a campaign of another brand; `Invalid` for a window or moment that cannot be, or a missing
    reason; `Conflict` when nothing would change, when somebody else decided meanwhile, or when the same `request`
    decided something else.
    """
    why = reason(author.why)
    at = now(clock)
    found = configuration.campaign(brand, campaign)
    history = configuration.attributions(brand, campaign)
    name = make_id("atr", request, at, random, brand, campaign)
    asked = None if since is None else full_minute(since)
    wish = Attributes(window_days=window_days, attribution=attribution, promo_first=promo_first)
    for before in history:
        if before.request == name:
            return _same(before, wish, asked)
    if not 1 <= window_days <= LONGEST_WINDOW:
        raise Invalid(f"A click may wait 1 to {LONGEST_WINDOW} days for its registration.", code="invalid_window")
    start = earliest(at) if asked is None else asked
    if not earliest(at) <= start <= at + FURTHEST:
        raise Invalid(
            f"No decision reaches back, and engines need twelve minutes to see it: choose a moment from"
            f" {earliest(at):%Y-%m-%dT%H:%MZ} on, at most {FURTHEST.days} days ahead.",
            code="invalid_since",
        )
    _check(history, found, start, wish)
    decision = AttributionDecision(
        campaign=campaign,
        brand=brand,
        number=len(history) + 1,
        since=start,
        window_days=window_days,
        attribution=attribution,
        promo_first=promo_first,
        reason=why,
        decided_at=after(at, (each.decided_at for each in history)),
        decided_by=author.by,
        request=name,
    )
    change = Change(by=author.by, at=decision.decided_at, why=why, origin=author.origin)
    configuration.decide_attribution(decision, change)
    return decision


def _check(history: Sequence[AttributionDecision], campaign: Campaign, start: datetime, wish: Attributes) -> None:
    # What is decided for a later moment is covered by this one: deciding what holds already may undo it.
    if any(each.since > start for each in history):
        return
    if attributes_at(start, campaign, history) == wish:
        raise Conflict("So the campaign attributes then already: there is nothing to change.", code="same_attribution")


def _same(before: AttributionDecision, wish: Attributes, asked: datetime | None) -> AttributionDecision:
    """What was decided before, if it is what is asked for now."""
    if attributes_of(before) != wish or asked not in (None, before.since):
        raise Conflict("This request decided something else before: use a new key.", code="idempotency_key_reused")
    return before
