"""A second person decides what waits: an adjustment, or the reversal of one. Approving posts one journal."""

from __future__ import annotations

from collections.abc import Callable

from introducer.domain.adjustment import (
    SHORTEST_WORD,
    Act,
    Adjustment,
    AdjustmentStatus,
    approved,
    check_decider,
    outcome,
    reason,
    refused,
)
from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict, Unavailable
from introducer.services.creation import Clock, now
from introducer.services.partner_of_brand import partner_of_brand
from introducer.store.adjustments import Adjustments
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger

_TRIES = 5
"""How often books that change meanwhile are read again; the engine may be posting to the same balance."""


def decide_adjustment(
    configuration: Configuration,
    adjustments: Adjustments,
    ledger: Ledger,
    *,
    member: Member,
    partner: str,
    adjustment: str,
    version: int,
    approve: bool,
    why: str,
    clock: Clock,
    pause: Callable[[int], None],
) -> Adjustment:
    """The adjustment after the decision. `version` is the one that was read: it names what is decided. `pause` waits
    before the n-th new try.

    Deciding again the way it was decided changes nothing, whoever was first. Raises `Forbidden` for a role that decides
    nothing and for the person who proposed it, `NotFound`, `Invalid` for a word that cannot be kept, `Conflict` when it
    was decided the other way or is not as it was read, and `Unavailable` when the books do not come to rest.
    """
    partner_of_brand(configuration, member, partner)
    word = reason(why, SHORTEST_WORD)
    act = Act(member.member, now(clock), word)
    change = Change(by=act.by, at=act.at, why=word)
    for attempt in range(_TRIES):
        if attempt:
            pause(attempt)
        found = adjustments.adjustment(partner, adjustment)
        check_decider(found, member.member, member.role)
        if found.waiting is None or found.version != version:
            if outcome(found, version) is approve:
                return found
            raise Conflict("This is no longer as you read it: look at it again.", code="decided_already")
        action = _action(found, approve)
        try:
            if not approve:
                after = refused(found, act)
                adjustments.move(action, found, after, change)
            else:
                after, journal = approved(found, act, ledger.balance(partner).frozen_through)
                adjustments.move(action, found, after, change, journal)
        except Conflict:
            continue
        return after
    raise Unavailable("The books are busy with this partner: try again.", code="store_busy")


def _action(adjustment: Adjustment, approve: bool) -> str:
    verb = "approve" if approve else "refuse"
    return f"{verb}_adjustment" if adjustment.status is AdjustmentStatus.PROPOSED else f"{verb}_reversal"
