"""What was adjusted by hand for a partner, by whom and why; and what a reader may do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from introducer.domain.adjustment import (
    ADJUSTED,
    Act,
    Adjustment,
    AdjustmentStatus,
    check_decider,
    check_proposer,
)
from introducer.domain.configuration import Member
from introducer.domain.errors import Forbidden, NotFound
from introducer.domain.ledger import AVAILABLE, PENDING, Journal, post_month
from introducer.domain.money import Money
from introducer.store.adjustments import Adjustments
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something a person did about an adjustment."""

    by: str
    name: str
    """Empty for a login that is gone."""
    at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentInList:
    """An adjustment as staff reads it."""

    adjustment: str
    partner: str
    partner_name: str
    amount: Money
    earn_month: str
    available_day: str
    status: AdjustmentStatus
    version: int
    proposed: Said
    decided: Said | None
    journal: str | None
    reversal_proposed: Said | None
    reversal_decided: Said | None
    reversal: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentToDecide:
    """One adjustment, with what this reader may do and what it would do to the partner's money."""

    adjustment: AdjustmentInList
    may_decide: bool
    may_reverse: bool
    why_not: str
    """The code of the reason why the reader may not do what could be done next; empty where they may, or nothing is."""
    posts: Money | None
    """What approving would post; None when nothing waits."""
    post_month: str | None
    """Where it would be posted: another month than its own when that is closed."""
    bucket: str
    """`available`, or `pending` when its day is still to come."""
    before: Money | None
    """What stands in that bucket now."""
    after: Money | None
    """What would stand there."""


def read_adjustments_of_partner(
    configuration: Configuration,
    adjustments: Adjustments,
    *,
    partner: str,
    cursor: str | None,
    limit: int,
) -> Page[AdjustmentInList]:
    """A partner's adjustments, newest first."""
    page = adjustments.of_partner(partner, cursor, limit)
    return Page(_listed(configuration, page.items), page.cursor)


def read_adjustments_waiting(
    configuration: Configuration,
    adjustments: Adjustments,
    *,
    brand: str,
    cursor: str | None,
    limit: int,
) -> Page[AdjustmentInList]:
    """What waits for a second person in a brand, longest first."""
    page = adjustments.waiting(brand, cursor, limit)
    return Page(_listed(configuration, page.items), page.cursor)


def read_adjustment(
    configuration: Configuration,
    adjustments: Adjustments,
    ledger: Ledger,
    *,
    partner: str,
    adjustment: str,
    member: Member,
    today: str,
) -> AdjustmentToDecide:
    """One adjustment, as `member` meets it on a UTC day. Raises `NotFound`."""
    found = adjustments.adjustment(partner, adjustment)
    [listed] = _listed(configuration, [found])
    may_decide, may_reverse, why_not = _may(found, member)
    if found.waiting is None:
        return AdjustmentToDecide(
            adjustment=listed, may_decide=may_decide, may_reverse=may_reverse, why_not=why_not, posts=None,
            post_month=None, bucket="", before=None, after=None,
        )  # fmt: skip
    balance = ledger.balance(partner)
    bucket = AVAILABLE if found.available_day <= today else PENDING
    minor = found.amount if found.status is AdjustmentStatus.PROPOSED else -found.amount
    before = balance.bucket(found.currency, bucket, today)
    return AdjustmentToDecide(
        adjustment=listed,
        may_decide=may_decide,
        may_reverse=may_reverse,
        why_not=why_not,
        posts=Money(minor, found.currency),
        post_month=post_month(found.earn_month, balance.frozen_through),
        bucket=bucket,
        before=Money(before, found.currency),
        after=Money(before + minor, found.currency),
    )


def with_names(configuration: Configuration, journal: Journal) -> Journal:
    """The journal with the names of the two people behind an adjustment. The books keep their ids alone: a journal is
    for ever, a name is not. A login that is gone keeps its id."""
    lines = tuple(
        replace(line, values=(line.values[0], *(_name(configuration, member) or member for member in line.values[1:])))
        if line.step == ADJUSTED
        else line
        for line in journal.receipt.lines
    )
    return replace(journal, receipt=replace(journal.receipt, lines=lines))


def _may(adjustment: Adjustment, member: Member) -> tuple[bool, bool, str]:
    """Whether a member may decide, may propose a reversal, and the code of why not."""
    try:
        if adjustment.waiting is not None:
            check_decider(adjustment, member.member, member.role)
            return True, False, ""
        if adjustment.status is AdjustmentStatus.POSTED:
            check_proposer(member.role)
            return False, True, ""
    except Forbidden as error:
        return False, False, error.code
    return False, False, ""


def _listed(configuration: Configuration, adjustments: Iterable[Adjustment]) -> tuple[AdjustmentInList, ...]:
    found = tuple(adjustments)
    names = _names(configuration, found)
    partners = {partner: configuration.partner(partner).name for partner in sorted({each.partner for each in found})}

    def said(act: Act | None) -> Said | None:
        return None if act is None else Said(by=act.by, name=names[act.by], at=act.at, why=act.why)

    def listed(each: Adjustment) -> AdjustmentInList:
        proposed = said(each.proposed)
        assert proposed is not None
        return AdjustmentInList(
            adjustment=each.adjustment,
            partner=each.partner,
            partner_name=partners[each.partner],
            amount=Money(each.amount, each.currency),
            earn_month=each.earn_month,
            available_day=each.available_day,
            status=each.status,
            version=each.version,
            proposed=proposed,
            decided=said(each.decided),
            journal=each.journal,
            reversal_proposed=said(each.reversal_proposed),
            reversal_decided=said(each.reversal_decided),
            reversal=each.reversal,
        )

    return tuple(map(listed, found))


def _names(configuration: Configuration, adjustments: Iterable[Adjustment]) -> Mapping[str, str]:
    """The names of everybody who acted; each is read once."""
    acted = {
        act.by
        for each in adjustments
        for act in (each.proposed, each.decided, each.reversal_proposed, each.reversal_decided)
        if act is not None
    }
    return {member: _name(configuration, member) for member in sorted(acted)}


def _name(configuration: Configuration, member: str) -> str:
    """The member's name; empty for a login that is gone."""
    try:
        return configuration.member(member).name
    except NotFound:
        return ""
