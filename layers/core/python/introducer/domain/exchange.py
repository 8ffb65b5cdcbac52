"""Paying in another currency than the money stands in: the rate, one rounding, and the accounts it goes through.

What is paid is the sum of a payout's parts at their rates, rounded once, half-even. On the house's side the money goes
through a clearing account of each currency, so that every minor unit can be followed: what leaves the one currency's
clearing, times the rate, is what enters the other's, but for the fraction that rounding dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from introducer.domain.ledger import AVAILABLE, HELD, PENDING, Balance
from introducer.domain.money import decimals, round_ratio
from introducer.domain.payment_profile import PAYPAL_WHOLE, RailKind
from introducer.domain.payout import Part, Payout
from introducer.domain.rates import RATE_ONE, Rate

PAYOUTS, CLEARING, RAIL = "house.payouts", "clearing", "rail"
"""Accounts of the house: what partners were owed and got; what is between two currencies; what left by a rail."""


class ExchangeLeg(NamedTuple):
    """One side of a payout's way out of the house: an account, a currency, and a signed amount of minor units. The legs
    of each currency sum to zero."""

    account: str
    currency: str
    amount: int


def smallest(rail: RailKind, currency: str) -> int:
    """The least that a rail pays in a currency, minor units: all that it pays is a multiple of it."""
    whole = rail is RailKind.PAYPAL and currency in PAYPAL_WHOLE
    return int(10 ** decimals(currency)) if whole else 1


def pays(parts: Sequence[Part], held: str, pay: str, unit: int = 1) -> int:
    """What parts of an amount come to in the pay currency, minor units and a multiple of `unit`: exact up to the one
    rounding."""
    shift = decimals(pay) - decimals(held)
    numerator = sum(part.amount * (part.rate.scaled if part.rate is not None else RATE_ONE) for part in parts)
    up, down = 10 ** max(shift, 0), 10 ** max(-shift, 0)
    return unit * round_ratio(numerator * up, RATE_ONE * down * unit)


def parts_of(
    balance: Balance, currency: str, amount: int, rate_of: Callable[[str], Rate | None], by_month: bool
) -> tuple[Part, ...]:
    """An amount of a balance in parts of one rate each: one part, or one for each month that it was earned in.

    Months go oldest first. What was earned and does not stand in the balance any more was paid, and of the oldest; so
    does what a month took back in all. `rate_of` is asked with a month, or with nothing for the pay day; it answers
    None where nothing is converted.
    """
    if not by_month:
        return (Part(amount, "", rate_of("")),)
    earned = sorted((month, value) for (each, month), value in balance.earned.items() if each == currency)
    stands = sum(
        value
        for (each, bucket, _), value in balance.amounts.items()
        if each == currency and bucket in (PENDING, AVAILABLE, HELD)
    )
    # Never below zero: money that no month explains makes no month larger than it was.
    gone = max(0, sum(value for _, value in earned if value > 0) - stands)
    parts, left = [], amount
    for month, value in earned:
        if value <= 0:
            continue
        skipped = min(gone, value)
        gone -= skipped
        taken = min(left, value - skipped)
        if taken > 0:
            parts.append(Part(taken, month, rate_of(month)))
            left -= taken
    if left:
        # Money that no month explains goes by the pay day.
        parts.append(Part(left, "", rate_of("")))
    return tuple(parts)


def way_out(payout: Payout) -> tuple[ExchangeLeg, ...]:
    """The legs of a payout that was paid: from what partners are owed to the rail, through clearing where it is paid in
    another currency."""
    rail = f"{RAIL}.{RailKind(payout.rail).value}"
    if payout.currency == payout.pay_currency:
        return (
            ExchangeLeg(PAYOUTS, payout.currency, -payout.amount),
            ExchangeLeg(rail, payout.currency, payout.amount),
        )
    return (
        ExchangeLeg(PAYOUTS, payout.currency, -payout.amount),
        ExchangeLeg(CLEARING, payout.currency, payout.amount),
        ExchangeLeg(CLEARING, payout.pay_currency, -payout.pays),
        ExchangeLeg(rail, payout.pay_currency, payout.pays),
    )


def way_back(payout: Payout) -> tuple[ExchangeLeg, ...]:
    """The legs of a payout that came back: the same way, at the same rates."""
    return tuple(ExchangeLeg(leg.account, leg.currency, -leg.amount) for leg in way_out(payout))


def unbalanced(legs: Sequence[ExchangeLeg]) -> Mapping[str, int]:
    """The currencies whose legs do not sum to zero; empty when all is well."""
    sums: dict[str, int] = {}
    for leg in legs:
        sums[leg.currency] = sums.get(leg.currency, 0) + leg.amount
    return {currency: total for currency, total in sums.items() if total}
