"""Caps: how many clicks a campaign takes, per UTC day and in all.

What counts is a click of a person (an unflagged one) from `caps_since` on: that is when the campaign had its first cap,
and a minute for whoever counts to hear of it. So the count is exact, and can be counted again from the facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

COUNTED_AFTER = timedelta(minutes=1)
"""A first cap begins to count so long after it is set: by then every counter has read it."""
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Until when a campaign is full whose cap in all is reached: until somebody raises it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """None is no cap."""

    clicks_per_day: int | None
    clicks_in_all: int | None

    @property
    def any(self) -> bool:
        return self.clicks_per_day is not None or self.clicks_in_all is not None


@dataclass(frozen=True, slots=True)
class Used:
    """How many clicks a campaign took: in all, and by UTC day for the last days (`2026-03-02`)."""

    in_all: int
    by_day: dict[str, int]

    def on(self, day: str) -> int:
        return self.by_day.get(day, 0)


NOTHING = Used(0, {})


def full_until(caps: Caps, used: Used) -> datetime | None:
    """Until when the campaign takes no more clicks; None when it does. It may be past already: a day that was full."""
    if caps.clicks_in_all is not None and used.in_all >= caps.clicks_in_all:
        return FOREVER
    if caps.clicks_per_day is None:
        return None
    full = [day for day, clicks in used.by_day.items() if clicks >= caps.clicks_per_day]
    return midnight_after(max(full)) if full else None


def midnight_after(day: str) -> datetime:
    """The end of a UTC day."""
    after = date.fromisoformat(day) + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=UTC)
