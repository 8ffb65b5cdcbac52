"""Staff proposes to reverse an adjustment. It moves nothing until a second person approves it (`decide_adjustment`)."""

from __future__ import annotations

from introducer.domain.adjustment import (
    Act,
    Adjustment,
    AdjustmentStatus,
    check_proposer,
    check_reversible,
    reason,
    reversal_proposed,
)
from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.ledger import journal_month
from introducer.services.creation import Clock, now
from introducer.services.partner_of_brand import partner_of_brand
from introducer.store.adjustments import Adjustments
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger


def reverse_adjustment(
    configuration: Configuration,
    adjustments: Adjustments,
    ledger: Ledger,
    *,
    member: Member,
    partner: str,
    entry: str,
    why: str,
    clock: Clock,
) -> Adjustment:
    """The adjustment, whose reversal now waits for another person. `entry` is its id, or that of its journal.

    Proposing again what the same person proposed with the same reason changes nothing. Raises `Forbidden` for a role
    that proposes nothing, `NotFound`, `Invalid` for an earning, a clawback or a reversal, and `Conflict` when it was
    never posted, is reversed already, or somebody else's reversal waits.
    """
    check_proposer(member.role)
    partner_of_brand(configuration, member, partner)
    act = Act(member.member, now(clock), reason(why))
    found = adjustments.adjustment(partner, _adjustment_of(ledger, partner, entry))
    if _is_proposed(found, act):
        return found
    after = reversal_proposed(found, act)
    try:
        adjustments.move("propose_reversal", found, after, Change(by=act.by, at=act.at, why=act.why))
    except Conflict:
        # Two at once: the slower one is told what the faster one did.
        now_there = adjustments.adjustment(partner, found.adjustment)
        if not _is_proposed(now_there, act):
            reversal_proposed(now_there, act)
            raise
        return now_there
    return after


def _adjustment_of(ledger: Ledger, partner: str, entry: str) -> str:
    if journal_month(entry) is None:
        return entry
    journal = ledger.journal(partner, entry)
    if journal is None:
        raise NotFound("There is no such entry.")
    check_reversible(journal.kind)
    return journal.key.scope


def _is_proposed(adjustment: Adjustment, act: Act) -> bool:
    waiting = adjustment.waiting
    return (
        adjustment.status is AdjustmentStatus.REVERSAL_PROPOSED
        and waiting is not None
        and (waiting.by, waiting.why) == (act.by, act.why)
    )
