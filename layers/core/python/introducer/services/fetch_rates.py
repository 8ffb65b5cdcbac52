"""Asks the European Central Bank for new reference rates and puts them into the books, day by day and without a gap.

A day without a publication is written down as such only when it can have none any more (docs/decisions/0008): because
the bank published a later day and left it out, or because it is over (UTC) and the bank is closed on it by the TARGET
calendar. A working day without its publication stays open, and with it every later day: what is stored then never
depends on when we looked, and what waits for it settles when the publication comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from introducer.domain.calendar import DAY_MS, day_start, plus_days
from introducer.domain.errors import Conflict, Invalid
from introducer.domain.events import day_of
from introducer.domain.money import DECIMALS
from introducer.gateways.ecb import Published, publishes_on
from introducer.services.load_rates import load_rates
from introducer.services.read_contracts import ECB
from introducer.store.rates import RateStore

FIRST_HOUR = 14
"""UTC. 16:00 in Frankfurt is 14:00 UTC in summer and 15:00 in winter; before, today's rates are not out."""

_LOOKED_BACK = 90


class Bank(Protocol):
    """Who publishes (`gateways.ecb.Ecb`)."""

    def daily(self) -> Published: ...

    def last_90_days(self) -> Published: ...

    def history(self) -> Published: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of asking."""

    complete: str | None
    """The last day of which is known what was published; None when nothing is stored."""
    new_days: int = 0
    changed: tuple[str, ...] = ()
    """Stored days of which the bank now says something else. They stay as they were stored."""


def fetch_rates(rates: RateStore, bank: Bank, *, now: datetime, feed: str = ECB) -> Fetched:
    """Asks for what can be new, stores it, and compares what is stored already with what came. `now` is aware.

    The first time it begins with the first of January of last year. Doing it twice, late, or at once in two places is
    harmless. Raises `Unavailable` and `Invalid` when the bank's file could not be had or read; nothing is stored then.
    """
    complete = rates.completed_through(feed)
    if not is_due(complete, now):
        return Fetched(complete)
    today = day_of(now)
    published = _enough(bank, complete)
    newest = max(published)
    if newest > today:
        raise Invalid(f"{feed} has rates of {newest}, which has not begun.", code="invalid_rates_file")
    first = max(f"{int(today[:4]) - 1}-01-01", min(published)) if complete is None else plus_days(complete, 1)
    last = _known_through(max(newest, complete or ""), today)
    try:
        new = load_rates(rates, feed=feed, published=published, first=first, through=last)
    except Conflict as error:
        if error.code != "rates_differ":
            raise
        # Another run stored this day meanwhile, and was told other figures: that is found below.
        new = 0
    complete = rates.completed_through(feed)
    return Fetched(complete, new, _changed(rates, feed, published, complete))


def is_due(complete: str | None, now: datetime) -> bool:
    """Whether asking the bank now can bring anything: it is not asked in vain."""
    today = day_of(now)
    if complete is None or complete < plus_days(today, -1):
        return True
    return complete < today and publishes_on(today) and now.astimezone(UTC).hour >= FIRST_HOUR


def days_behind(complete: str | None, now: datetime) -> int:
    """How many days are missing before events of today have rates; 1 when nothing is stored at all."""
    yesterday = plus_days(day_of(now), -1)
    if complete is None:
        return 1
    return max(0, (day_start(yesterday) - day_start(complete)) // DAY_MS)


def _enough(bank: Bank, complete: str | None) -> Published:
    """The smallest of the bank's files that leaves no gap after what is stored."""
    if complete is None:
        return bank.history()
    for read in (bank.daily, bank.last_90_days):
        published = read()
        missing, oldest = plus_days(complete, 1), min(published)
        while missing < oldest and not publishes_on(missing):
            missing = plus_days(missing, 1)
        if missing >= oldest:
            return published
    return bank.history()


def _known_through(newest: str, today: str) -> str:
    """The newest publication, and the days after it that are over and on which the bank is closed."""
    following = plus_days(newest, 1)
    while following < today and not publishes_on(following):
        newest, following = following, plus_days(following, 1)
    return newest


def _changed(rates: RateStore, feed: str, published: Published, complete: str | None) -> tuple[str, ...]:
    """The stored days of the last 90 of which the bank now says something else."""
    if complete is None:
        return ()
    looked_at = [day for day in published if plus_days(complete, -_LOOKED_BACK) < day <= complete]
    stored = ((day, rates.day(feed, day)) for day in sorted(looked_at))
    return tuple(day for day, before in stored if before is not None and _values(before) != _values(published[day]))


def _values(per_euro: Mapping[str, str]) -> dict[str, Decimal]:
    """As numbers: one file of the bank writes 0.84770, another 0.8477."""
    return {currency: Decimal(units) for currency, units in per_euro.items() if currency in DECIMALS}
