"""When partners are paid: a brand's payout schedules, and the periods that they pay for.

A period is a range of days in the schedule's time zone: ISO weeks, halves of a month (to the 15th, and from the 16th),
months, quarters. A run is for a period that has ended; a range of its own choice may be run by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from introducer.domain.errors import Invalid
from introducer.domain.money import Money, decimals

_SLUG = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,22}", re.ASCII)
"""With a range of two days and a brand's id it is an execution's name, which has room for 76 characters."""
_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAY = timedelta(days=1)

LONGEST_RANGE = 366
"""The most days that a range run by hand may have."""


class Cadence(StrEnum):
    """How often partners are paid."""

    WEEKLY = "weekly"
    TWICE_MONTHLY = "twice_monthly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutSchedule:
    """When a brand's partners are paid, and under which conditions."""

    brand: str
    schedule: str
    """Its name, a part of each run's: `monthly`, `monthly-EUR`."""
    cadence: Cadence
    time_zone: str
    """IANA, such as `Europe/Berlin`: where days begin, and when runs start."""
    days_after: int = 2
    """A run starts so many days after its period's last one: late events are mostly in by then."""
    currency: str = ""
    """Only what stands in this currency; empty for all."""
    minimums: Mapping[str, int] = field(default_factory=dict)
    """The least that is paid out, minor units by held currency; 1 where there is none."""
    cool_off_days: int = 3
    """Money goes to a new payment profile only after so many days."""
    deadline_hours: int = 72
    """An approval is waited for so long."""
    remind_hours: int = 24
    confirm_days: int = 10
    """A run waits so long to hear what was paid; what is open then stays open and is told."""
    paused: bool = False

    def minimum(self, currency: str) -> int:
        """The least that is paid out of a currency, minor units; never below 1."""
        return max(1, self.minimums.get(currency, 1))

    def least(self) -> tuple[Money, ...]:
        """The minimums as amounts, by currency."""
        return tuple(Money(minor, currency) for currency, minor in sorted(self.minimums.items()))


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both included, and what they are called: `2026-11`, `2026-11a`, `2026-w48`, `2026-q4`."""

    name: str
    first: date
    through: date


def checked(schedule: PayoutSchedule) -> PayoutSchedule:
    """The schedule, if it can be one. Raises `Invalid` with what is wrong; the caller looks up the time zone."""
    if not _SLUG.fullmatch(schedule.schedule):
        raise Invalid(
            "Name the schedule with a letter and up to 22 more letters, digits or dashes: monthly-EUR.", code="bad_name"
        )
    for name, value, least, most in (
        ("days_after", schedule.days_after, 1, 60),
        ("cool_off_days", schedule.cool_off_days, 0, 30),
        ("deadline_hours", schedule.deadline_hours, 1, 24 * 30),
        ("remind_hours", schedule.remind_hours, 1, 24 * 30),
        ("confirm_days", schedule.confirm_days, 1, 60),
    ):
        if not least <= value <= most:
            raise Invalid(f"{name} is {value}: send {least} to {most}.", code="out_of_range", field=name)
    for currency, minimum in schedule.minimums.items():
        decimals(currency)
        if minimum < 1:
            raise Invalid(f"The minimum in {currency} must be above zero: leave it out for none.", code="bad_minimum")
    if schedule.currency:
        decimals(schedule.currency)
    return schedule


def last_ended(cadence: Cadence, today: date) -> Period:
    """The last period that has ended before a day."""
    return period_of(cadence, period_of(cadence, today).first - _DAY)


def period_of(cadence: Cadence, day: date) -> Period:
    """The period that a day lies in."""
    match cadence:
        case Cadence.WEEKLY:
            year, week, weekday = day.isocalendar()
            first = day - (weekday - 1) * _DAY
            return Period(f"{year}-w{week:02}", first, first + 6 * _DAY)
        case Cadence.TWICE_MONTHLY:
            if day.day <= 15:
                return Period(f"{day:%Y-%m}a", day.replace(day=1), day.replace(day=15))
            return Period(f"{day:%Y-%m}b", day.replace(day=16), _month_end(day))
        case Cadence.MONTHLY:
            return Period(f"{day:%Y-%m}", day.replace(day=1), _month_end(day))
        case Cadence.QUARTERLY:
            quarter = (day.month - 1) // 3 + 1
            first = date(day.year, 3 * quarter - 2, 1)
            return Period(f"{day.year}-q{quarter}", first, _month_end(date(day.year, 3 * quarter, 1)))


def next_due(schedule: PayoutSchedule, today: date) -> tuple[Period, date]:
    """The period that is paid next, and the day on which its run starts: today or later, a day of the schedule's time
    zone."""
    period = period_of(schedule.cadence, plus(today, -schedule.days_after))
    return period, plus(period.through, schedule.days_after)


def chosen(first: str, through: str) -> Period:
    """A range that a person chose. Raises `Invalid` for one that is none, or too long."""
    try:
        if not (_WRITTEN.fullmatch(first) and _WRITTEN.fullmatch(through)):
            # Python reads other forms too, and days are compared as texts.
            raise ValueError
        begins, ends = date.fromisoformat(first), date.fromisoformat(through)
        ends + _DAY
    except (ValueError, OverflowError):
        raise Invalid("Send the range's days as 2026-11-01 and 2026-11-30.", code="bad_range") from None
    if not 0 <= (ends - begins).days < LONGEST_RANGE:
        raise Invalid(
            f"The range must end on or after its first day, and have at most {LONGEST_RANGE} days.", code="bad_range"
        )
    return Period(f"{begins.isoformat()}-{ends.isoformat()}", begins, ends)


def check_ended(period: Period, today: date) -> None:
    """Raises `Invalid` (code `range_not_ended`) for a period that has not ended before `today`, a day of the schedule's
    time zone."""
    if period.through >= today:
        raise Invalid(
            f"This range ends on {period.through}: it can be paid from {period.through + _DAY} on.",
            code="range_not_ended",
        )


def run_name(period: Period, schedule: str) -> str:
    """What a run is called: `2026-11-monthly-EUR`. The same period and schedule are the same run."""
    return f"{period.name}-{schedule}"


def plus(day: date, days: int) -> date:
    """The day so many days later."""
    return day + days * _DAY


def _month_end(day: date) -> date:
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return following - _DAY
