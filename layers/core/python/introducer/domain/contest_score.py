"""What scores in contests, as the fold sees it, and what a partner's counts come to.

A window is configuration like a deal version: the fold notes which ones it saw, so that one that is moved afterwards
makes it count again, and the order of events decides nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from introducer.domain.contest import SCORE_ONE, WEIGHT_ONE, Metric
from introducer.domain.events import LOT
from introducer.domain.money import FINE, decimals

SHARDS = 8
"""Over so many partitions the entries of a contest are spread: one alone takes a thousand writes a second, and the
engine's transactions must not wait for a contest."""


def shard(partner: str) -> int:
    """In which of a contest's partitions a partner's entry stands; the same for ever."""
    return zlib.crc32(partner.encode()) % SHARDS


class Window(NamedTuple):
    """When something scores in a contest: [start, end), and chargebacks until it is counted. Milliseconds."""

    contest: str
    start: int
    end: int
    until: int
    metrics: frozenset[Metric]
    currency: str
    frozen: bool = False
    """Whether it was counted for good, or cancelled: nothing is written of it any more."""

    def holds(self, at_ms: int) -> bool:
        return self.start <= at_ms < self.end

    def takes_back(self, at_ms: int) -> bool:
        """Whether a chargeback at this moment lowers what was paid in."""
        return self.start <= at_ms < self.until


class Counted(NamedTuple):
    """What a partner scored, counted from the facts."""

    counted: Mapping[Metric, int]
    """Clients, lots (`LOT` to one) and fine units of the contest's currency; nothing is rounded yet."""
    last_at: int
    """When it last scored (ms, the events' own time): where scores are equal, whoever was there first has the lower."""


class Seen(NamedTuple):
    """What a fold saw of a window: its limits as far as events have come; 0 for what lies ahead of them."""

    contest: str
    start: int
    end: int
    until: int


def seen(windows: Iterable[Window], at_ms: int) -> dict[str, Seen]:
    """What a fold up to a moment sees of these windows, by contest."""
    return {
        each.contest: Seen(
            each.contest,
            each.start,
            each.end if each.end <= at_ms else 0,
            each.until if each.until <= at_ms else 0,
        )
        for each in windows
        if each.start <= at_ms
    }


def as_seen(window: Window, was: Seen | None) -> Window:
    """The window as a fold saw it: what lay ahead of all events then is without an end. One that it never saw stays as
    it is."""
    if was is None:
        return window
    far = 1 << 62
    return window._replace(start=was.start, end=was.end or far, until=was.until or far)


def score(weights: Iterable[tuple[Metric, int]], currency: str, counted: Mapping[Metric, int]) -> int:
    """The score in hundredths, rounded down once: the sum of counts times weights.

    `counted` has clients, lots (`LOT` to one) and fine units of the contest's currency (`FINE` to a minor unit).
    """
    money = FINE * int(10 ** decimals(currency))
    total = 0
    for metric, weight in weights:
        count = counted.get(metric, 0)
        unit = money if metric.is_money else LOT if metric is Metric.LOTS else 1
        # A unit divides a money unit: all terms are of one size, and nothing is rounded on the way.
        total += count * weight * (money // unit)
    return total * SCORE_ONE // (WEIGHT_ONE * money)
