"""Adjustments: signed amounts that people post by hand, each with a reason and a second person.

An adjustment is proposed by one member of staff and decided by another; approving posts one journal. A posted one can
be reversed once, by a proposal and a second person again: the reversal is the same journal with its legs turned round.
Earnings and clawbacks follow the facts, and are never reversed by hand: what was undone would be posted again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from introducer.domain.calendar import plus_days
from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, Forbidden, Invalid
from introducer.domain.events import milliseconds
from introducer.domain.ids import derived_ulid
from introducer.domain.ledger import Journal, Key, Line, Receipt, earning_legs, journal_id, post_month
from introducer.domain.money import decimal_string, minor_units

RULE = "adjustment"
"""The rule of an adjustment's key, and the kind of its journal and receipt."""
REVERSAL = "reversal"
"""The kind of the journal that takes an adjustment back."""
ADJUSTED, REVERSED = "adjusted", "reversed"
"""The steps of their receipts. The first one's values are the reason and the ids of who proposed and who approved; the
second one's the journal that it takes back, and the reason."""

PROPOSERS = frozenset({Role.MANAGER, Role.FINANCE, Role.ADMIN})
DECIDERS = frozenset({Role.FINANCE, Role.ADMIN})

SHORTEST_REASON, SHORTEST_WORD, LONGEST_REASON = 10, 2, 500
"""Characters of a reason: at least ten for a proposal, two for a decision."""
FURTHEST_DAY = 365
"""Days from today within which an adjustment becomes available."""

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)
_DAY = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)
_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories of what has no place in a line of text: controls, half pairs, line and paragraph separators."""


class AdjustmentStatus(StrEnum):
    """Where an adjustment stands. Only `posted`, `reversal_proposed` and `reversed` ones are in the books."""

    PROPOSED = "proposed"
    REFUSED = "refused"
    POSTED = "posted"
    REVERSAL_PROPOSED = "reversal_proposed"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Act:
    """Something a person did: the member's id, when, and the reason in their words."""

    by: str
    at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """One adjustment with its whole story. Each step makes a new value, one version higher."""

    adjustment: str
    brand: str
    partner: str
    amount: int
    """Signed minor units, never zero."""
    currency: str
    earn_month: str
    """For which month it is; where that one is closed, it is posted in the first open one."""
    available_day: str
    status: AdjustmentStatus
    version: int
    proposed: Act
    decided: Act | None = None
    journal: str | None = None
    """The journal that posted it."""
    reversal_proposed: Act | None = None
    """The newest proposal to reverse it."""
    reversal_decided: Act | None = None
    """The decision about that proposal."""
    reversal: str | None = None
    """The journal that reversed it."""

    @property
    def key(self) -> Key:
        """What its amount is owed for: itself, so that no two adjustments are one amount."""
        return Key(self.partner, RULE, self.adjustment, self.earn_month, self.currency, self.available_day)

    @property
    def waiting(self) -> Act | None:
        """What waits for a second person; None when nothing does."""
        if self.status is AdjustmentStatus.PROPOSED:
            return self.proposed
        return self.reversal_proposed if self.status is AdjustmentStatus.REVERSAL_PROPOSED else None


# --------------------------------------------------------------------------------------------------- what can be said


def proposed(
    *,
    adjustment: str,
    brand: str,
    partner: str,
    amount: str,
    currency: str,
    earn_month: str,
    available_day: str | None,
    today: str,
    act: Act,
) -> Adjustment:
    """A new proposal. `amount` is a signed decimal string; without an `available_day` it is available today.

    Raises `Invalid` with the sentence and code of what cannot be.
    """
    minor = minor_units(amount, currency)
    if not minor:
        raise Invalid("An adjustment of zero changes nothing: send an amount.", code="invalid_amount")
    return Adjustment(
        adjustment=adjustment,
        brand=brand,
        partner=partner,
        amount=minor,
        currency=currency,
        earn_month=_month(earn_month, today),
        available_day=_day(today if available_day is None else available_day, today),
        status=AdjustmentStatus.PROPOSED,
        version=1,
        proposed=act,
    )


def reason(text: str, shortest: int = SHORTEST_REASON) -> str:
    """A reason of `shortest` to 500 characters on one line. Raises `Invalid`."""
    text = text.strip()
    if not shortest <= len(text) <= LONGEST_REASON or any(unicodedata.category(each) in _UNSEEN for each in text):
        raise Invalid(
            f"Give a reason of {shortest} to {LONGEST_REASON} characters on one line: it stays in the books.",
            code="invalid_reason",
        )
    return text


def _month(text: str, today: str) -> str:
    if not _MONTH.fullmatch(text) or text > today[:7]:
        raise Invalid(
            f"An adjustment is for a month that has begun: send one up to {today[:7]}, such as {today[:7]}.",
            code="invalid_month",
        )
    return text


def _day(text: str, today: str) -> str:
    last = plus_days(today, FURTHEST_DAY)
    try:
        fits = bool(_DAY.fullmatch(text)) and today <= date.fromisoformat(text).isoformat() <= last
    except ValueError:
        fits = False
    if not fits:
        raise Invalid(f"It becomes available on a day from {today} to {last}: send one of them.", code="invalid_day")
    return text


# -------------------------------------------------------------------------------------------------------- who may what


def check_proposer(role: Role) -> None:
    """Raises `Forbidden` for a role that proposes no adjustments and no reversals."""
    if role not in PROPOSERS:
        raise Forbidden("Managers, finance and admins propose adjustments: ask one of them.", code="proposer_role")


def check_decider(adjustment: Adjustment, member: str, role: Role) -> None:
    """Raises `Forbidden` when this member may not decide what waits: for the role, or as the one who proposed it."""
    if role not in DECIDERS:
        raise Forbidden("Finance and admins decide adjustments: ask one of them.", code="decider_role")
    _check_second(adjustment, member)


def _check_second(adjustment: Adjustment, member: str) -> None:
    if adjustment.waiting is not None and adjustment.waiting.by == member:
        raise Forbidden("You proposed this: another person of finance, or an admin, decides it.", code="same_person")


# --------------------------------------------------------------------------------------------------------------- steps


def outcome(adjustment: Adjustment, version: int) -> bool | None:
    """How what waited at this version was decided: approved, refused, or None when nothing tells."""
    status = adjustment.status
    if version == 1 and status is not AdjustmentStatus.PROPOSED:
        return status is not AdjustmentStatus.REFUSED
    if version > 1 and version + 1 == adjustment.version:
        if status is AdjustmentStatus.REVERSED:
            return True
        if status is AdjustmentStatus.POSTED:
            return False
    return None


def refused(adjustment: Adjustment, act: Act) -> Adjustment:
    """What waits is refused: a proposal for good, a reversal so that the adjustment stays as it is posted. Raises
    `Conflict` when nothing waits, and `Forbidden` for the person who proposed it, as `approved` does."""
    _check_waiting(adjustment, act)
    if adjustment.status is AdjustmentStatus.PROPOSED:
        return _next(replace(adjustment, status=AdjustmentStatus.REFUSED, decided=act))
    return _next(replace(adjustment, status=AdjustmentStatus.POSTED, reversal_decided=act))


def approved(adjustment: Adjustment, act: Act, frozen_through: str | None) -> tuple[Adjustment, Journal]:
    """What waits is approved, and the one journal that this posts. A closed month is not touched: the journal stands in
    the first open one, and its key says for which month it is."""
    _check_waiting(adjustment, act)
    if adjustment.status is AdjustmentStatus.PROPOSED:
        entry = _adjusting(adjustment, act, frozen_through)
        return _next(replace(adjustment, status=AdjustmentStatus.POSTED, decided=act, journal=entry.id)), entry
    entry = _reversing(adjustment, act, frozen_through)
    return _next(replace(adjustment, status=AdjustmentStatus.REVERSED, reversal_decided=act, reversal=entry.id)), entry


def reversal_proposed(adjustment: Adjustment, act: Act) -> Adjustment:
    """A reversal is proposed. Raises `Conflict` when there is nothing posted to reverse, or it is reversed already."""
    match adjustment.status:
        case AdjustmentStatus.POSTED:
            return _next(
                replace(
                    adjustment,
                    status=AdjustmentStatus.REVERSAL_PROPOSED,
                    reversal_proposed=act,
                    reversal_decided=None,
                )
            )
        case AdjustmentStatus.REVERSED:
            raise Conflict("This adjustment is reversed already: propose a new one.", code="reversed_already")
        case AdjustmentStatus.REVERSAL_PROPOSED:
            raise Conflict("A reversal of this adjustment waits already: decide that one.", code="reversal_waits")
        case _:
            raise Conflict("This adjustment was never posted: there is nothing to reverse.", code="not_posted")


def check_reversible(kind: str) -> None:
    """Raises `Invalid` for a kind of journal that is never reversed by hand."""
    if kind == REVERSAL:
        raise Invalid("A reversal cannot be reversed: propose a new adjustment.", code="reversal_of_reversal")
    if kind != RULE:
        raise Invalid(
            "Earnings and clawbacks follow the facts and cannot be reversed: correct the event, or adjust.",
            code="follows_facts",
        )


def targets(adjustments: Iterable[Adjustment]) -> dict[Key, int]:
    """What the journals of each key must add up to, minor units: the amount once posted, nothing once reversed.
    A proposal or a refusal has no key in the books."""
    owed: dict[Key, int] = {}
    for each in adjustments:
        if each.journal is not None:
            owed[each.key] = 0 if each.reversal is not None else each.amount
    return owed


# ------------------------------------------------------------------------------------------------------------ journals


def _adjusting(adjustment: Adjustment, act: Act, frozen_through: str | None) -> Journal:
    key, amount = adjustment.key, adjustment.amount
    month = post_month(adjustment.earn_month, frozen_through)
    said = (adjustment.proposed.why, adjustment.proposed.by, act.by)
    line = Line(ADJUSTED, decimal_string(amount, adjustment.currency), said)
    return Journal(
        id=journal_id(key, month, milliseconds(act.at), adjustment.version),
        key=key,
        kind=RULE,
        amount=amount,
        post_month=month,
        posted_at=milliseconds(act.at),
        legs=earning_legs(key, amount),
        receipt=_receipt(line, target=amount, before=0),
    )


def _reversing(adjustment: Adjustment, act: Act, frozen_through: str | None) -> Journal:
    assert adjustment.journal is not None and adjustment.reversal_proposed is not None
    key, amount = adjustment.key, -adjustment.amount
    month = post_month(adjustment.earn_month, frozen_through)
    said = (adjustment.journal, adjustment.reversal_proposed.why)
    line = Line(REVERSED, decimal_string(amount, adjustment.currency), said)
    at_ms = milliseconds(act.at)
    return Journal(
        # From the journal that it reverses alone: one reversal has one id at a moment, whoever approves it.
        id=f"jrn_{month.replace('-', '')}{derived_ulid(at_ms, REVERSAL, adjustment.journal)}",
        key=key,
        kind=REVERSAL,
        amount=amount,
        post_month=month,
        posted_at=at_ms,
        legs=earning_legs(key, amount),
        receipt=_receipt(line, target=0, before=adjustment.amount),
    )


def _receipt(line: Line, *, target: int, before: int) -> Receipt:
    return Receipt(
        rule_kind=RULE, version=0, events=(), more_events=0, lines=(line,), rates=(), target=target, before=before
    )


def _check_waiting(adjustment: Adjustment, act: Act) -> None:
    if adjustment.waiting is None:
        raise Conflict("This was decided already: read it again.", code="decided_already")
    _check_second(adjustment, act.by)


def _next(adjustment: Adjustment) -> Adjustment:
    return replace(adjustment, version=adjustment.version + 1)
