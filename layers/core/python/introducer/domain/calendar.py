"""UTC days and months, from milliseconds. Earnings, rates and counters know no other calendar."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

DAY_MS = 86_400_000
HOUR_MS = 3_600_000

_EPOCH = date(1970, 1, 1).toordinal()


def day_at(at_ms: int) -> str:
    """The UTC day of a moment, `2026-03-01`."""
    return _day(at_ms // DAY_MS)


def day_start(day: str) -> int:
    """The first millisecond of a UTC day."""
    return (date.fromisoformat(day).toordinal() - _EPOCH) * DAY_MS


def plus_days(day: str, days: int) -> str:
    """The UTC day so many days later."""
    return _day(day_start(day) // DAY_MS + days)


def month_end(month: str) -> str:
    """The last day of a month (`2026-02` → `2026-02-28`)."""
    year, number = map(int, month.split("-"))
    following = date(year + number // 12, number % 12 + 1, 1)
    return _day(following.toordinal() - 1 - _EPOCH)


def plus_months(month: str, months: int) -> str:
    """The month so many months later."""
    number = _month_number(month) + months
    return f"{number // 12}-{number % 12 + 1:02d}"


def months_between(first: str, last: str) -> int:
    """How many months the second is after the first."""
    return _month_number(last) - _month_number(first)


def _month_number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


@lru_cache(maxsize=4096)
def _day(number: int) -> str:
    return date.fromordinal(_EPOCH + number).isoformat()
