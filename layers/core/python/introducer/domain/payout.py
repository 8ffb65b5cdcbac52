"""Payouts and their runs: what they are, and which step may follow which.

A run is all payouts of one schedule and period of a brand. A payout is one transfer to one partner out of what stands
in one currency; it may be paid in another. Its id follows from run, partner and currency, so that it is made once, and
names it to the provider for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from introducer.domain.errors import Conflict
from introducer.domain.ids import derived_id
from introducer.domain.payment_profile import RailKind
from introducer.domain.rates import Rate


class PayoutStatus(StrEnum):
    """How far a payout has come. Its money is reserved up to `sent` and `unknown`."""

    CREATED = "created"
    """Reserved; waits for approval."""
    APPROVED = "approved"
    SENDING = "sending"
    """Belongs to a batch that is being handed over; nobody knows yet whether it arrived."""
    SENT = "sent"
    """The provider or the bank has it."""
    PAID = "paid"
    REJECTED = "rejected"
    """A person said no; the money was released."""
    SET_ASIDE = "set_aside"
    """Something came between reserving and sending (a hold, changed details); the money was released."""
    FAILED = "failed"
    """The provider or the bank refused it; the money was released."""
    RETURNED = "returned"
    """It was paid and came back; the money was given back."""
    UNKNOWN = "unknown"
    """Nobody knows whether it was paid. It is looked up; when the provider has forgotten its key, a person decides."""


NEW_PAYEE, NEW_DETAILS = "new_payee", "new_details"

NEXT: Mapping[PayoutStatus, frozenset[PayoutStatus]] = {
    PayoutStatus.CREATED: frozenset({PayoutStatus.APPROVED, PayoutStatus.REJECTED, PayoutStatus.SET_ASIDE}),
    PayoutStatus.APPROVED: frozenset({PayoutStatus.SENDING, PayoutStatus.SET_ASIDE, PayoutStatus.REJECTED}),
    PayoutStatus.SENDING: frozenset({PayoutStatus.SENT, PayoutStatus.PAID, PayoutStatus.FAILED, PayoutStatus.UNKNOWN}),
    PayoutStatus.SENT: frozenset({PayoutStatus.PAID, PayoutStatus.FAILED, PayoutStatus.UNKNOWN}),
    PayoutStatus.UNKNOWN: frozenset({PayoutStatus.SENT, PayoutStatus.PAID, PayoutStatus.FAILED}),
    PayoutStatus.PAID: frozenset({PayoutStatus.RETURNED}),
    PayoutStatus.REJECTED: frozenset(),
    PayoutStatus.SET_ASIDE: frozenset(),
    PayoutStatus.FAILED: frozenset(),
    PayoutStatus.RETURNED: frozenset(),
}
"""Which status may follow which. What is not here must never happen."""

RESERVED_IN = frozenset(
    {PayoutStatus.CREATED, PayoutStatus.APPROVED, PayoutStatus.SENDING, PayoutStatus.SENT, PayoutStatus.UNKNOWN}
)
"""While a payout stands so, its amount is in the bucket `reserved`."""
UNSETTLED = frozenset({PayoutStatus.SENDING, PayoutStatus.SENT, PayoutStatus.UNKNOWN})
"""It has left, or may have, and the outcome is to come."""
RELEASED_IN = frozenset({PayoutStatus.REJECTED, PayoutStatus.SET_ASIDE, PayoutStatus.FAILED})


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a payout that is converted at one rate. `rate` is None where nothing is converted."""

    amount: int
    """Minor units of the held currency."""
    month: str
    """What it was earned in (`2026-10`); empty where the rate is the pay day's."""
    rate: Rate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """One transfer to one partner, out of one currency."""

    payout: str
    brand: str
    run: str
    partner: str
    name: str
    """The partner's, as it was when the run was made."""
    rail: RailKind
    currency: str
    """What the money stands in."""
    amount: int
    """Minor units of it; above zero."""
    pay_currency: str
    pays: int
    """Minor units of the pay currency: what the partner gets."""
    parts: tuple[Part, ...]
    """How `amount` became `pays`: sum of the parts at their rates, rounded once, half-even."""
    masked: str
    """Where it goes, as anybody may see it."""
    profile_version: int
    """The version of the payment profile it was reserved for; it is sent to no other."""
    status: PayoutStatus
    status_since: datetime
    created_at: datetime
    reason: str = ""
    """A stable word for why it was rejected, set aside, failed or returned."""
    note: str = ""
    """What a person, the bank or the provider said about it."""
    batch: str = ""
    reference: str = ""
    """The provider's or the bank's own id of it."""
    notice: str = ""
    """What an approver looks at twice: `new_payee`, who was never paid before; `new_details`, other ones than those
    that the partner was last paid to."""
    version: int = 1
    """How often it was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Why a run has no payout for a partner (in one currency, or at all)."""

    partner: str
    name: str
    currency: str
    """Empty where the reason is the partner's and not one currency's."""
    amount: int
    """What was available in it, minor units."""
    reason: str
    """A stable word: see `domain/payable.py`. Empty where it does not hold any more: it is shown to nobody."""


class RunStatus(StrEnum):
    """How far a run has come."""

    OPEN = "open"
    """Payouts are being made."""
    WAITING = "waiting"
    """Waits for approval."""
    APPROVED = "approved"
    """Approved; is being sent."""
    CONFIRMING = "confirming"
    """All is sent; waits to hear what was paid."""
    REJECTED = "rejected"
    LAPSED = "lapsed"
    """Nobody decided in time; everything was released."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Payouts of one status, rail and pair of currencies."""

    status: PayoutStatus
    rail: RailKind
    currency: str
    pay_currency: str
    count: int
    amount: int
    pays: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All payouts of one schedule and period."""

    brand: str
    run: str
    """`2026-11-monthly-EUR`: period and schedule. One brand has it once."""
    schedule: str
    first: str
    """The period's first and last day, in the schedule's time zone."""
    through: str
    pay_day: str
    """The UTC day whose rates it uses: the last publication strictly before it."""
    status: RunStatus
    started_at: datetime
    started_by: str
    """The maker: a member's id, or `system:` and what started it on schedule."""
    why: str = ""
    rates_day: str = ""
    """The publication that was locked."""
    rates_feed: str = ""
    per_euro: Mapping[str, str] = field(default_factory=dict)
    """The locked rates: units per euro."""
    sums: tuple[Sum, ...] = ()
    """As last added up."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """How many were left out, by reason."""
    token: str = ""
    """What the waiting execution is woken by; empty when none waits."""
    asked_at: datetime | None = None
    deadline: datetime | None = None
    """Until when it must be decided."""
    reminders: int = 0
    decided_at: datetime | None = None
    decided_by: str = ""
    decision: str = ""
    """The reason given with the decision."""
    confirm_by: datetime | None = None
    """Until when the run waits to hear what was paid."""
    closed_at: datetime | None = None
    version: int = 1

    @property
    def payouts(self) -> int:
        return sum(each.count for each in self.sums)


class BatchStatus(StrEnum):
    """How far a batch has come."""

    OPEN = "open"
    """Payouts join it."""
    SEALED = "sealed"
    """What is in it is fixed; it may be on its way."""
    SENT = "sent"
    """The provider or the bank has it."""
    DONE = "done"
    """And what became of each payout in it is known; or there was none."""
    FAILED = "failed"
    """It was refused whole: nothing in it was sent."""
    UNKNOWN = "unknown"
    """Nobody knows whether it arrived, and its key is too old to try again: a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is handed to a rail in one go: payouts of one run, rail and pay currency."""

    batch: str
    """`bat_` and a ULID: the provider's idempotency key, for ever."""
    brand: str
    run: str
    rail: RailKind
    currency: str
    """The pay currency."""
    after: str
    """It takes the payouts with ids above this, up to `through`."""
    through: str
    status: BatchStatus
    count: int = 0
    pays: int = 0
    """Minor units of the pay currency, all payouts together."""
    first_tried_at: datetime | None = None
    """When it was first handed over: a provider remembers a key for so long from then on."""
    trying_since: datetime | None = None
    """Somebody began to hand it over, and has not said yet what came of it."""
    provider_id: str = ""
    file: str = ""
    """The key of its file in the bucket of sent files; empty where there is none."""
    note: str = ""
    version: int = 1


# ------------------------------------------------------------------------------------------------------------------ ids


def payout_id(brand: str, run: str, partner: str, currency: str) -> str:
    """The same whenever it is asked: 30 characters, so that it fits SEPA's EndToEndId."""
    return derived_id("pay", brand, run, partner, currency)


def batch_id(brand: str, run: str, rail: RailKind, currency: str, number: int) -> str:
    """The same whenever it is asked."""
    return derived_id("bat", brand, run, rail.value, currency, number)


def execution_name(brand: str, run: str) -> str:
    """What the execution of a run is called: the same for whoever starts it."""
    return f"{run}-{brand}"


# ------------------------------------------------------------------------------------------------------------ the steps


def check_step(payout: Payout, to: PayoutStatus) -> bool:
    """Whether this step is to be taken; False when the payout stands there already. Raises `Conflict` (code
    `wrong_status`) when it can never follow."""
    if payout.status is to:
        return False
    if to not in NEXT[payout.status]:
        raise Conflict(
            f"This payout is {payout.status.value.replace('_', ' ')}: it cannot become {to.value.replace('_', ' ')}.",
            code="wrong_status",
            status=payout.status.value,
        )
    return True


def added_up(payouts: Sequence[Payout]) -> tuple[Sum, ...]:
    """Counts and sums by status, rail and currencies, in one fixed order."""
    sums: dict[tuple[PayoutStatus, RailKind, str, str], list[int]] = {}
    for payout in payouts:
        of = sums.setdefault((payout.status, payout.rail, payout.currency, payout.pay_currency), [0, 0, 0])
        of[0] += 1
        of[1] += payout.amount
        of[2] += payout.pays
    return tuple(
        Sum(status=status, rail=rail, currency=currency, pay_currency=pay, count=count, amount=amount, pays=pays)
        for (status, rail, currency, pay), (count, amount, pays) in sorted(sums.items())
    )


def moved_between(sums: Sequence[Sum], before: Payout, after: Payout) -> tuple[Sum, ...]:
    """The sums after one payout's step: one less where it was, one more where it is."""
    kept = {(each.status, each.rail, each.currency, each.pay_currency): each for each in sums}
    for payout, by in ((before, -1), (after, 1)):
        key = (payout.status, payout.rail, payout.currency, payout.pay_currency)
        each = kept.get(key) or Sum(
            status=payout.status, rail=payout.rail, currency=payout.currency, pay_currency=payout.pay_currency,
            count=0, amount=0, pays=0,
        )  # fmt: skip
        kept[key] = replace(
            each, count=each.count + by, amount=each.amount + by * payout.amount, pays=each.pays + by * payout.pays
        )
    return tuple(each for _, each in sorted(kept.items()) if each.count)
