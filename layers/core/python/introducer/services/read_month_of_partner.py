"""What did a partner earn this month, and from what? The figures of the partner's first page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from introducer.domain.ledger import AVAILABLE, HELD, PAID, PENDING, RESERVED
from introducer.domain.money import Money, round_fine
from introducer.services.read_earnings_of_partner import Entry, entry_of
from introducer.store.click_counts import ClickCounts
from introducer.store.event_counts import EventCounts
from introducer.store.ledger import Ledger

LATEST = 5
"""How many of the newest entries the page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maturing:
    """What becomes available on a day."""

    day: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEarned:
    """Each event's own share on its UTC day, before the month's rounding and its treatment of losses."""

    day: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyMonth:
    """A partner's money in one currency: what the month brought, and where it stands today."""

    earned: Money
    available: Money
    pending: Money
    held: Money
    reserved: Money
    paid: Money
    maturing: tuple[Maturing, ...]
    """What is pending, by the day it becomes available, soonest first."""
    days: tuple[DayEarned, ...]
    """Every day of the month up to today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """How many came how far, this month. Flagged clicks are not counted."""

    clicks: int
    unique: int
    registrations: int
    kyc: int
    ftd: int
    qftd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfPartner:
    month: str
    currencies: tuple[CurrencyMonth, ...]
    """The partner's own currency first; there is always at least that one."""
    funnel: Funnel
    latest: tuple[Entry, ...]
    """The newest entries posted this month."""


def read_month_of_partner(
    ledger: Ledger,
    event_counts: EventCounts,
    click_counts: ClickCounts,
    *,
    partner: str,
    currency: str,
    today: str,
) -> MonthOfPartner:
    """The month of UTC day `today`. `currency` is what the partner is paid in."""
    month = today[:7]
    balance = ledger.balance(partner)
    events = event_counts.month(partner, month)
    clicks = click_counts.month(partner, month)
    counted: dict[str, int] = defaultdict(int)
    daily: dict[tuple[str, str], int] = defaultdict(int)
    for event_count in events:
        for metric, number in event_count.counts.items():
            counted[metric] += number
        for (metric, ccy), fine in event_count.sums.items():
            if metric == "earnings":
                daily[ccy, event_count.day] += fine
    currencies = [currency, *sorted({*balance.currencies(), *(ccy for ccy, _ in daily)} - {currency})]
    return MonthOfPartner(
        month=month,
        currencies=tuple(
            CurrencyMonth(
                earned=Money(balance.earned.get((ccy, month), 0), ccy),
                available=Money(balance.bucket(ccy, AVAILABLE, today), ccy),
                pending=Money(balance.bucket(ccy, PENDING, today), ccy),
                held=Money(balance.bucket(ccy, HELD, today), ccy),
                reserved=Money(balance.bucket(ccy, RESERVED, today), ccy),
                paid=Money(balance.bucket(ccy, PAID, today), ccy),
                maturing=tuple(
                    Maturing(day=day, amount=Money(amount, ccy)) for day, amount in balance.maturing(ccy, today)
                ),
                days=tuple(
                    DayEarned(day=day, amount=Money(round_fine(daily.get((ccy, day), 0)), ccy))
                    for day in _days_of_month(today)
                ),
            )
            for ccy in currencies
        ),
        funnel=Funnel(
            clicks=sum(count.clicks for count in clicks),
            unique=sum(count.unique for count in clicks),
            registrations=counted["registrations"],
            kyc=counted["kyc"],
            ftd=counted["ftd"],
            qftd=counted["qftd"],
        ),
        latest=tuple(map(entry_of, ledger.journals(partner, month, limit=LATEST).items)),
    )


def _days_of_month(today: str) -> list[str]:
    last = date.fromisoformat(today)
    first = last.replace(day=1)
    return [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
