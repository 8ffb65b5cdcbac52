"""`/desk/partners/{id}/adjustments`: a partner's money adjusted by hand. `…/{id}`: one of them, decided or reversed.
`/desk/adjustments`: what waits for a second person.

Whoever may propose, decide or reverse is settled in `domain.adjustment`; a page shows the button to them alone, and the
reason why not to the others.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import STAFF_HOME, Column, Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.adjustment import PROPOSERS
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid
from introducer.services.decide_adjustment import decide_adjustment
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.propose_adjustment import propose_adjustment
from introducer.services.read_adjustments import (
    AdjustmentToDecide,
    read_adjustment,
    read_adjustments_of_partner,
    read_adjustments_waiting,
)
from introducer.services.reverse_adjustment import reverse_adjustment

WAITING = "/desk/adjustments"
LIST = STAFF_HOME + "/{partner}/adjustments"
ONE = LIST + "/{adjustment}"

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]


class Proposal(BaseModel):
    """What staff proposes. `amount` is a signed decimal string."""

    model_config = ConfigDict(extra="forbid")

    amount: Short
    currency: Short
    earn_month: Short
    available_day: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""
    """Today, when it is empty."""
    why: Line


class Decision(BaseModel):
    """What a second person says, about the version they read."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1, le=999_999)]
    verdict: Literal["approve", "refuse"]
    why: Line


class Reversal(BaseModel):
    """Why an adjustment is to be reversed."""

    model_config = ConfigDict(extra="forbid")

    why: Line


_WHY_NOT = {
    "proposer_role": N_("Managers, finance and admins propose adjustments: ask one of them."),
    "decider_role": N_("Finance or an admin decides this: ask one of them."),
    "same_person": N_("You proposed this: another person of finance, or an admin, decides it."),
}

_ADVICE = {
    "invalid_amount": ("amount", N_("Write an amount other than zero, such as 50.00 or -12.50.")),
    "too_many_decimals": ("amount", N_("This currency has fewer decimals.")),
    "unknown_currency": ("currency", N_("Write the three capital letters of a currency, such as EUR.")),
    "invalid_month": ("earn_month", N_("Choose a month that has begun.")),
    "invalid_day": ("available_day", N_("Choose a day from today on, within a year.")),
    "decided_already": ("", N_("This was decided meanwhile: look at it again below.")),
    "reversed_already": ("", N_("This adjustment is reversed already.")),
    "reversal_waits": ("", N_("A reversal of this adjustment waits already: decide that one.")),
    "not_posted": ("", N_("This adjustment was never posted: there is nothing to reverse.")),
}
_REASON = N_("Write a reason of 10 to 500 characters on one line.")
_WORD = N_("Say why, in 2 to 500 characters on one line.")

_COLUMNS: tuple[Column, ...] = (
    ("adjustment", lambda row: row.adjustment),
    ("partner", lambda row: row.partner),
    ("status", lambda row: row.status),
    ("amount", lambda row: row.amount),
    ("currency", lambda row: row.amount.currency),
    ("for_month", lambda row: row.earn_month),
    ("available", lambda row: row.available_day),
    ("reason", lambda row: row.proposed.why),
    ("proposed_by", lambda row: row.proposed.name or row.proposed.by),
    ("proposed_at", lambda row: row.proposed.at),
    ("decided_by", lambda row: row.decided and (row.decided.name or row.decided.by)),
    ("decided_at", lambda row: row.decided and row.decided.at),
    ("entry", lambda row: row.journal),
    ("reversal", lambda row: row.reversal),
)


@page(WAITING, "adjustments_waiting.html", who=Who.STAFF, columns=_COLUMNS)
def adjustments_waiting(visit: Visit) -> dict[str, Any]:
    """Adjustments and reversals that wait for a second person, the longest wait first."""
    assert visit.member is not None
    subject = f"adjustments waiting in {visit.member.brand}"
    found = read_adjustments_waiting(
        visit.portal.configuration,
        visit.portal.adjustments,
        brand=visit.member.brand,
        cursor=visit.position(subject),
        limit=visit.limit(),
    )
    return {"items": found.items, "next": visit.next(subject, found.cursor)}


@page(LIST, "adjustments.html", who=Who.STAFF, columns=_COLUMNS)
def adjustments(visit: Visit, partner: str) -> dict[str, Any]:
    """A partner's adjustments by hand, the newest first. `may_propose` says whether the reader may propose another."""
    assert visit.member is not None
    owner = partner_of_brand(visit.portal.configuration, visit.member, partner)
    subject = f"adjustments of {owner.partner}"
    found = read_adjustments_of_partner(
        visit.portal.configuration,
        visit.portal.adjustments,
        partner=owner.partner,
        cursor=visit.position(subject),
        limit=visit.limit(),
    )
    may_propose = visit.member.role in PROPOSERS
    return {
        "partner": owner.partner,
        "name": owner.name,
        "currency": owner.currency,
        "today": visit.today,
        "may_propose": may_propose,
        "why_not": "" if may_propose else "proposer_role",
        "items": found.items,
        "next": visit.next(subject, found.cursor),
    }


@page(LIST, "adjustments.html", method="POST", who=Who.STAFF, again=adjustments, body=Proposal)
def propose(visit: Visit, partner: str) -> Done:
    """Proposes to adjust a partner's money; nothing moves before a second person approves. Managers, finance and admins
    propose."""
    assert visit.member is not None
    wish = visit.read(Proposal)
    try:
        made = propose_adjustment(
            visit.portal.configuration,
            visit.portal.adjustments,
            member=visit.member,
            partner=partner,
            amount=wish.amount,
            currency=wish.currency,
            earn_month=wish.earn_month,
            available_day=wish.available_day or None,
            why=wish.why,
            clock=visit.portal.now,
            random=secrets.token_bytes,
            request=visit.idempotency_key,
        )
    except (Invalid, Forbidden) as error:
        raise _refusal(error, wish, _REASON) from error
    where = f"{STAFF_HOME}/{partner}/adjustments"
    return Done(_read(visit, partner, made.adjustment), f"{where}?made={made.adjustment}", created=True)


@page(ONE, "adjustment.html", who=Who.STAFF)
def adjustment(visit: Visit, partner: str, adjustment: str) -> AdjustmentToDecide:
    """One adjustment, who proposed it and why, and what the reader may do about it."""
    return _read(visit, partner, adjustment)


@page(ONE + "/decision", "adjustment.html", method="POST", who=Who.STAFF, again=adjustment, body=Decision)
def decide(visit: Visit, partner: str, adjustment: str) -> Done:
    """A second person of finance, or an admin, decides an adjustment or its reversal. Whoever proposed it may not;
    approving posts one entry."""
    assert visit.member is not None
    wish = visit.read(Decision)
    try:
        decide_adjustment(
            visit.portal.configuration,
            visit.portal.adjustments,
            visit.portal.ledger,
            member=visit.member,
            partner=partner,
            adjustment=adjustment,
            version=wish.version,
            approve=wish.verdict == "approve",
            why=wish.why,
            clock=visit.portal.now,
            pause=visit.portal.pause,
        )
    except (Invalid, Forbidden, Conflict) as error:
        raise _refusal(error, wish, _WORD) from error
    return Done(_read(visit, partner, adjustment), _where(partner, adjustment))


@page(ONE + "/reversal", "adjustment.html", method="POST", who=Who.STAFF, again=adjustment, body=Reversal)
def reverse(visit: Visit, partner: str, adjustment: str) -> Done:
    """Proposes to reverse an adjustment that was posted; another person decides. `adjustment` may be the number of its
    entry as well; that of an earning, a clawback or a reversal is refused."""
    assert visit.member is not None
    wish = visit.read(Reversal)
    try:
        made = reverse_adjustment(
            visit.portal.configuration,
            visit.portal.adjustments,
            visit.portal.ledger,
            member=visit.member,
            partner=partner,
            entry=adjustment,
            why=wish.why,
            clock=visit.portal.now,
        )
    except (Invalid, Forbidden, Conflict) as error:
        raise _refusal(error, wish, _REASON) from error
    return Done(_read(visit, partner, made.adjustment), _where(partner, made.adjustment))


def _read(visit: Visit, partner: str, adjustment: str) -> AdjustmentToDecide:
    assert visit.member is not None
    portal = visit.portal
    owner = partner_of_brand(portal.configuration, visit.member, partner)
    return read_adjustment(
        portal.configuration,
        portal.adjustments,
        portal.ledger,
        partner=owner.partner,
        adjustment=adjustment,
        member=visit.member,
        today=visit.today,
    )


def _where(partner: str, adjustment: str) -> str:
    return f"{STAFF_HOME}/{partner}/adjustments/{adjustment}"


def _refusal(error: IntroducerError, wish: BaseModel, reason: str) -> IntroducerError | FormRefused:
    """The form again, with what to do beside the field it is about; the error itself where no page says more."""
    typed = {name: str(value) for name, value in wish.model_dump().items()}
    if error.code == "invalid_reason":
        return FormRefused({"why": reason}, typed, error)
    if error.code in _WHY_NOT:
        return FormRefused({"": _WHY_NOT[error.code]}, typed, error)
    if error.code in _ADVICE:
        field, message = _ADVICE[error.code]
        return FormRefused({field: message}, typed, error)
    return error
