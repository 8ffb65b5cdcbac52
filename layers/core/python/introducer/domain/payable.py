"""Who is paid in a run, and why somebody is not: one reason for each partner and currency that is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import Status
from introducer.domain.deal import RateOf
from introducer.domain.errors import RateMissing
from introducer.domain.exchange import parts_of, pays, smallest
from introducer.domain.ledger import AVAILABLE, Balance
from introducer.domain.payment_profile import PaymentProfile
from introducer.domain.payout import LeftOut, Part
from introducer.domain.payout_schedule import PayoutSchedule
from introducer.domain.rates import Rate

BLOCKED = "blocked"
SUSPENDED = "suspended"
ON_HOLD = "on_hold"
NEGATIVE_BALANCE = "negative_balance"
NOTHING_AVAILABLE = "nothing_available"
BELOW_MINIMUM = "below_minimum"
TERMS_NOT_ACCEPTED = "terms_not_accepted"
NOT_VERIFIED = "not_verified"
NO_PAYMENT_PROFILE = "no_payment_profile"
PROFILE_CHANGED_LATELY = "profile_changed_lately"
CURRENCY_NOT_PAYABLE = "currency_not_payable"

REASONS = (
    BLOCKED,
    SUSPENDED,
    ON_HOLD,
    NOTHING_AVAILABLE,
    NEGATIVE_BALANCE,
    BELOW_MINIMUM,
    TERMS_NOT_ACCEPTED,
    NOT_VERIFIED,
    NO_PAYMENT_PROFILE,
    PROFILE_CHANGED_LATELY,
    CURRENCY_NOT_PAYABLE,
)
"""Why somebody is left out, in the order in which it is looked at: the first that holds is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payee:
    """What decides whether a partner is paid, read at one moment."""

    partner: str
    name: str
    status: Status
    balance: Balance
    accepted: bool
    """Whether a version of its deal is accepted."""
    verified: bool
    """Whether compliance has approved its documents."""
    profile: PaymentProfile | None
    rate_of: RateOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """A payout that can be made."""

    currency: str
    amount: int
    pay_currency: str
    pays: int
    parts: tuple[Part, ...]
    profile: PaymentProfile


def decide(
    payee: Payee,
    schedule: PayoutSchedule,
    *,
    through: str,
    now: datetime,
    today: str,
    rate: Callable[[str, str, str], Rate],
) -> tuple[list[Payable], list[LeftOut]]:
    """What a run pays a partner, and what it leaves out and why: one or the other for each currency that has money.

    Paid is what had matured by the period's last day and is still available. `rate(held, pay, month)` is the locked
    rate, of a month or (empty) of the pay day; it raises `RateMissing`.
    """
    payables: list[Payable] = []
    left: list[LeftOut] = []

    def leave(currency: str, amount: int, reason: str) -> None:
        left.append(LeftOut(partner=payee.partner, name=payee.name, currency=currency, amount=amount, reason=reason))

    currencies = [each for each in payee.balance.currencies() if schedule.currency in ("", each)]
    amounts = {
        currency: min(
            payee.balance.bucket(currency, AVAILABLE, through), payee.balance.bucket(currency, AVAILABLE, today)
        )
        for currency in currencies
    }
    amounts = {currency: amount for currency, amount in amounts.items() if amount}
    of_partner = _reason_of_partner(payee, now)
    if not amounts:
        # Said of every partner: who asks why nothing came finds an answer.
        leave("", 0, of_partner if of_partner in (BLOCKED, SUSPENDED, ON_HOLD) else NOTHING_AVAILABLE)
    for currency, amount in amounts.items():
        if of_partner in (BLOCKED, SUSPENDED, ON_HOLD):
            leave(currency, amount, of_partner)
        elif amount < 0:
            leave(currency, amount, NEGATIVE_BALANCE)
        elif amount < schedule.minimum(currency):
            leave(currency, amount, BELOW_MINIMUM)
        elif of_partner or payee.profile is None:
            leave(currency, amount, of_partner or NO_PAYMENT_PROFILE)
        else:
            made = _converted(payee, payee.profile, currency, amount, rate)
            if made is None:
                leave(currency, amount, CURRENCY_NOT_PAYABLE)
            elif made.pays <= 0:
                leave(currency, amount, BELOW_MINIMUM)
            else:
                payables.append(made)
    return payables, left


def _reason_of_partner(payee: Payee, now: datetime) -> str:
    """Why a partner is paid in no currency; empty when nothing is in the way."""
    if payee.status is Status.BLOCKED:
        return BLOCKED
    if payee.status is Status.SUSPENDED:
        return SUSPENDED
    if payee.balance.holds:
        return ON_HOLD
    if not payee.accepted:
        return TERMS_NOT_ACCEPTED
    if not payee.verified:
        return NOT_VERIFIED
    if payee.profile is None:
        return NO_PAYMENT_PROFILE
    if now < payee.profile.usable_from:
        return PROFILE_CHANGED_LATELY
    return ""


def _converted(
    payee: Payee, profile: PaymentProfile, currency: str, amount: int, rate: Callable[[str, str, str], Rate]
) -> Payable | None:
    """The payout in the profile's currency; None where no rate is published for it."""
    pay = profile.currency
    unit = smallest(profile.rail, pay)
    if currency == pay:
        # What the rail cannot pay stays available.
        amount -= amount % unit
    by_month = payee.rate_of is RateOf.EARN_DATE and currency != pay
    try:
        parts = parts_of(
            payee.balance,
            currency,
            amount,
            lambda month: None if currency == pay else rate(currency, pay, month),
            by_month,
        )
    except RateMissing:
        return None
    return Payable(
        currency=currency,
        amount=amount,
        pay_currency=pay,
        pays=pays(parts, currency, pay, unit),
        parts=parts,
        profile=profile,
    )
