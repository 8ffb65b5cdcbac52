"""What did a partner earn this month, and from what? The figures of the partner's first page.

What is earned by month and what matures when are in the balance, which is one item. Days are added up from the month's
counters, and those of the month before up to the same day of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from introducer.domain.calendar import month_end, plus_days, plus_months
from introducer.domain.ledger import AVAILABLE, HELD, PAID, PENDING, RESERVED
from introducer.domain.money import Money, round_fine
from introducer.services.read_earnings_of_partner import Entry, entry_of
from introducer.store.click_counts import ClickCounts
from introducer.store.clients import Clients
from introducer.store.event_counts import EventCount, EventCounts
from introducer.store.ledger import Ledger

LATEST = 5
"""How many of the newest entries the page shows."""
MONTHS = 12
"""How many months, this one among them, are set side by side."""
WEEKS = 8
"""By so many weeks what is pending is shown; what comes later is one sum."""
MOST_REGISTRATIONS = 200
"""Of so many of the month's newest registrations it is looked at whether they traded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maturing:
    """What becomes available on a day."""

    day: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class MaturingWeek:
    """What becomes available in seven days, both included; the last of them may be all that comes later, without an
    end."""

    first: str
    last: str | None
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthEarned:
    """What the books hold for a month."""

    month: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class SoFar:
    """The month up to today beside the one before up to its same day, both as their days add up."""

    amount: Money
    before: Money
    until: str
    """The last day of the month before that is counted: where it is shorter, its last one."""
    percent: int | None
    """By how much it is more (below zero: less), rounded towards zero; None where there is nothing to compare with."""


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
    weeks: tuple[MaturingWeek, ...]
    """The same by week, from the week that begins tomorrow to the last one in which something comes."""
    so_far: SoFar
    months: tuple[MonthEarned, ...]
    """The last twelve months, the oldest first."""
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
class Traded:
    """Of the clients who were registered this month, how many have traded."""

    clients: int
    registered: int
    """How many clients were looked at."""
    more: bool
    """Whether there are more than those, which are the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfPartner:
    month: str
    currencies: tuple[CurrencyMonth, ...]
    """The partner's own currency first; there is always at least that one."""
    funnel: Funnel
    latest: tuple[Entry, ...]
    """The newest entries posted this month."""
    has_earned: bool
    """Whether anything was ever posted."""


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
    counted: dict[str, int] = defaultdict(int)
    for event_count in (events := event_counts.month(partner, month)):
        for metric, number in event_count.counts.items():
            counted[metric] += number
    daily = _earned_by_day(events)
    until = _same_day(today)
    before = _earned_by_day(each for each in event_counts.month(partner, until[:7]) if each.day <= until)
    clicks = click_counts.month(partner, month)
    known = {*balance.currencies(), *(ccy for ccy, _ in (*daily, *before))}
    currencies = [currency, *sorted(known - {currency})]
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
                weeks=tuple(weeks_of(balance.maturing(ccy, today), ccy, today)),
                so_far=_so_far(ccy, daily, before, until),
                months=tuple(
                    MonthEarned(month=each, amount=Money(balance.earned.get((ccy, each), 0), ccy))
                    for each in (plus_months(month, n - MONTHS + 1) for n in range(MONTHS))
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
        has_earned=any(balance.earned.values()),
    )


def read_traded_of_month(clients: Clients, *, partner: str, today: str) -> Traded:
    """Counters do not say who trades: the clients do. One query and a batch per hundred of them, of at most two hundred
    registrations, the newest."""
    month = today[:7]
    page = clients.of_partner(partner, limit=MOST_REGISTRATIONS, first=f"{month}-01", last=today)
    states = [state for state in page.items if state.registered is not None]
    return Traded(
        clients=sum(1 for state in states if state.trades > 0),
        registered=len(states),
        more=page.cursor is not None,
    )


def weeks_of(maturing: Sequence[tuple[str, int]], currency: str, today: str) -> Iterator[MaturingWeek]:
    """What becomes available, by day and soonest first, as sums of seven days from tomorrow on."""
    sums: dict[int, int] = defaultdict(int)
    for day, amount in maturing:
        sums[min((date.fromisoformat(day) - date.fromisoformat(today)).days - 1, 7 * WEEKS) // 7] += amount
    for week in range(max(sums, default=-1) + 1):
        yield MaturingWeek(
            first=plus_days(today, 7 * week + 1),
            last=plus_days(today, 7 * week + 7) if week < WEEKS else None,
            amount=Money(sums.get(week, 0), currency),
        )


def _earned_by_day(counts: Iterable[EventCount]) -> dict[tuple[str, str], int]:
    """Fine units by currency and day."""
    daily: dict[tuple[str, str], int] = defaultdict(int)
    for each in counts:
        for (metric, currency), fine in each.sums.items():
            if metric == "earnings":
                daily[currency, each.day] += fine
    return daily


def _so_far(
    currency: str, daily: Mapping[tuple[str, str], int], before: Mapping[tuple[str, str], int], until: str
) -> SoFar:
    now, then = (
        round_fine(sum(fine for (ccy, _), fine in sums.items() if ccy == currency)) for sums in (daily, before)
    )
    percent = None
    if then > 0:
        percent = abs(now - then) * 100 // then * (-1 if now < then else 1)
    return SoFar(amount=Money(now, currency), before=Money(then, currency), until=until, percent=percent)


def _same_day(today: str) -> str:
    """The day of the month before that has today's number; its last one, where it has none such."""
    month = plus_months(today[:7], -1)
    return min(f"{month}-{today[8:]}", month_end(month))


def _days_of_month(today: str) -> list[str]:
    last = date.fromisoformat(today)
    first = last.replace(day=1)
    return [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
