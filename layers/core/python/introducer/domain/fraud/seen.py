"""What the detectors look at: one partner's days, the traces of its clients, and the brand's other partners beside it.

All of it was counted with the events and clicks. Nothing here is read from a clock or a table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from introducer.domain.calendar import day_at
from introducer.domain.fraud.trace import Trace

BUCKETS = 16
"""Networks that clicks come from are counted in so many buckets, by their keyed hash."""

WINDOW = 60
"""UTC days that detectors look back, today included."""


def bucket_of(network: str) -> int:
    """The bucket of a network's keyed hash: any hash of it is evenly spread, and so is its last character's code."""
    return sum(network.encode()[-2:]) % BUCKETS


class Day(NamedTuple):
    """What a partner's links brought on one UTC day, all links together."""

    day: str
    clicks: int = 0
    """Of people: not flagged."""
    unique: int = 0
    flagged: int = 0
    stuffed: int = 0
    """Of the flagged, those that a page loaded as an image or a frame: nobody clicked."""
    buckets: tuple[int, ...] = (0,) * BUCKETS
    """Clicks that are not flagged, by the network they come from."""
    registrations: int = 0
    ftd: int = 0
    qftd: int = 0


class Traffic(NamedTuple):
    """One partner of the brand in a line: the thirty days up to its last scoring. What "its peers" means."""

    partner: str
    day: str
    """The UTC day it was written: older than two days says nothing about now."""
    clicks: int
    registrations: int
    ftd: int
    qftd: int
    chargebacks: int
    """Clients with a chargeback, of those who made a first deposit in the time."""
    drawn: int
    """Clients who drew most of what they paid in within the first three days, of the same."""
    smallest: int
    """Clients whose first deposit was no larger than their deal's minimum for a cpa and a tenth, of the same."""


class Match(NamedTuple):
    """A client's e-mail, phone, device or address is also somebody else's."""

    kind: str
    """`email`, `phone`, `device` or `address`."""
    client: str
    """The other client of the brand who was known first; empty where it is only a member."""
    member: str
    """A partner whose member it is: signs in from this address, or has this e-mail. Else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the partner's deal pays for, as far as it matters here."""

    currency: str = ""
    cpa: bool = False
    cpl: bool = False
    lot: bool = False
    least: int | None = None
    """What a client must pay in for a cpa, in minor units of `currency`; None without a cpa."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that is looked at when a partner is scored. `days` has every day of the window, the oldest first;
    `traces` those of clients who registered in the window, the oldest first."""

    partner: str
    today: str
    at: int
    """The moment of scoring (ms)."""
    days: tuple[Day, ...]
    traces: tuple[Trace, ...]
    peers: tuple[Traffic, ...] = ()
    """The brand's other partners."""
    terms: Terms = field(default_factory=Terms)
    matches: Mapping[str, tuple[Match, ...]] = field(default_factory=dict)
    """By client."""
    account_partners: tuple[str, ...] = ()
    """Other partners of the brand that are paid, or were, to the same account as this one."""
    cleared: Mapping[str, str] = field(default_factory=dict)
    """By detector: the UTC day through which a person has looked and said that all is well. A detector looks at what
    came after, and compares with what came before."""

    judged: Mapping[str, str] = field(default_factory=dict)
    """By detector: the UTC day through which a case about it ended in a verdict. What was judged is not found again,
    and is no measure of what is usual."""

    def without_judged(self, detector: str, inputs: Collection[str]) -> Seen:
        """What is left to look at for a detector with these inputs: disallowed clients are passed over by their traces,
        whoever looks at whole days has this."""
        through = self.judged.get(detector)
        if not through:
            return self
        if "days" not in inputs:
            return self
        return replace(
            self,
            days=tuple(day if day.day > through else Day(day.day) for day in self.days),
            traces=tuple(trace for trace in self.traces if day_at(trace.registered) > through),
        )

    def since(self, detector: str) -> str:
        """The first UTC day that a detector holds against the partner; the empty text when nothing was cleared."""
        return self.cleared.get(detector, "")
