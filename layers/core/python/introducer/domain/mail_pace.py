"""How many mails may go now: the account's rate, less what is kept free for what cannot wait. Pure.

A pace is a store of permits that fills by the clock, a thousandth of one at a time, up to a quarter of a second's
worth. Whoever sends takes permits first; whoever gets none learns how long to wait. All who send share one pace.

The store is as small as that so that no second has more permits than the account's whole rate, be it the first one
after a long night: the slow rate is four parts of five, and a quarter of it is the fifth.
"""

from __future__ import annotations

from typing import NamedTuple

ONE = 1_000
"""Thousandths of a permit to one."""
FREE_SHARE = 5
"""One part of so many is kept for mails that cannot wait: of the account's rate, and of its mails of 24 hours."""
FAR_AHEAD = 60_000
"""Milliseconds: no clock of those who share a pace is so much before another's, unless it is wrong."""
HELD = 4
"""One part of so many of a second's permits is held at most; one permit at least."""


class Pace(NamedTuple):
    """Permits as they were at a moment (ms)."""

    permits: int = 0
    """In thousandths."""
    at: int = 0


class Taken(NamedTuple):
    """What somebody got who asked for permits."""

    pace: Pace
    granted: int
    wait: int
    """Milliseconds until there is another one; 0 where all that was asked for was granted."""


def slow_rate(per_second: int) -> int:
    """Of an account's mails per second, what those may take that can wait; at least one."""
    return max(1, per_second - -(-per_second // FREE_SHARE))


def take(pace: Pace, wanted: int, rate: int, now: int) -> Taken:
    """As many of the wanted permits as there are at a rate per second, at this moment (ms).

    A clock that goes back fills nothing; but what is far ahead was left by one that was wrong, and counts as left now:
    else nobody had a permit until then. From an empty store on never more than `rate` in any second, and never more
    than a quarter above that (or one permit) in any second at all.
    """
    if pace.at - now > FAR_AHEAD:
        pace = Pace(pace.permits, now)
    passed = max(0, now - pace.at)
    held = min(pace.permits + passed * rate, max(ONE, rate * ONE // HELD))
    granted = min(wanted, held // ONE)
    left = held - granted * ONE
    missing = 0 if granted == wanted else ONE - left
    return Taken(Pace(left, max(now, pace.at)), granted, -(-missing // rate) if missing > 0 else 0)
