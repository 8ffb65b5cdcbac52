"""What did a partner bring in a week or a month, against the one before? Out of counters and balances alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from introducer.domain.calendar import plus_months
from introducer.domain.money import Money
from introducer.domain.report import SHOWN, Cadence, DayCount, Period, Report, figures, periods_until, report
from introducer.store.click_counts import ClickCounts
from introducer.store.event_counts import EventCounts
from introducer.store.ledger import Ledger

_COUNTED = ("registrations", "ftd", "qftd")


@dataclass(frozen=True, slots=True)
class FigureBooks:
    """What figures are read from."""

    event_counts: EventCounts
    click_counts: ClickCounts
    ledger: Ledger

    @classmethod
    def of(cls, books: str) -> FigureBooks:
        return cls(EventCounts(books), ClickCounts(books), Ledger(books))


def read_report(books: FigureBooks, *, partner: str, period: Period) -> Report:
    """A partner's report of a period. Earnings of a month are the ledger's; those of a week the counters' shares, since
    the ledger knows months alone. Raises `Unavailable`."""
    first = periods_until(period, SHOWN[period.cadence.value])[0].first
    days = read_days(books, partner=partner, first=first, last=period.last)
    if period.cadence is not Cadence.MONTHLY:
        return report(days, period)
    earned = books.ledger.balance(partner).earned
    currencies = sorted({currency for currency, _ in earned})

    def of(month: str) -> list[Money]:
        return [Money(earned.get((currency, month), 0), currency) for currency in currencies]

    return report(days, period, (of(period.name), of(period.before().name)))


def read_two(books: FigureBooks, *, partner: str, period: Period) -> tuple[dict[str, int], dict[str, int]]:
    """A partner's counts in a period and in the one before. Raises `Unavailable`."""
    before = period.before()
    days = read_days(books, partner=partner, first=before.first, last=period.last)
    return dict(figures(days, period).counts), dict(figures(days, before).counts)


def read_days(books: FigureBooks, *, partner: str, first: date, last: date) -> list[DayCount]:
    """The counters of all months that these days touch. Raises `Unavailable`."""
    found: list[DayCount] = []
    month, through = f"{first:%Y-%m}", f"{last:%Y-%m}"
    while month <= through:
        found += [
            DayCount(day=clicked.day, link=clicked.link, counts={"clicks": clicked.clicks})
            for clicked in books.click_counts.month(partner, month)
        ]
        for event in books.event_counts.month(partner, month):
            earned = {currency: fine for (metric, currency), fine in event.sums.items() if metric == "earnings"}
            counts = {metric: event.counts.get(metric, 0) for metric in _COUNTED}
            found.append(DayCount(day=event.day, link=event.link, counts=counts, earned=earned))
        month = plus_months(month, 1)
    return found
