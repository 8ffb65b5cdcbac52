"""What a detector finds: which rule, about whom, measured against what, and the evidence as data.

Evidence is drawn by the portal and stored with the case; it has no hashes and no names of people: clusters are
numbered, clients stand by the pseudonym that the books use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from introducer.domain.fraud.seen import Seen

Number = int | float


def N_(message: str) -> str:
    """Marks a message for the catalogues; it is translated where it is shown."""
    return message


class Cluster(NamedTuple):
    """Clients that have something in common."""

    kind: str
    """`prefix`, `device`, `pattern`, `disposable`, `person`, `interval` …"""
    label: str
    """A number within its kind ("network 1"): never a hash."""
    clients: tuple[str, ...]
    of: int
    """How many clients there were in all."""


class Point(NamedTuple):
    """One day of a rate: what was seen of how many, and the band in which it was expected. In ten-thousandths."""

    day: str
    seen: int
    of: int
    rate: int
    low: int
    high: int


class Moment(NamedTuple):
    """One thing that happened, for a timeline."""

    at: int
    """ms."""
    client: str
    what: str
    """`click`, `registration`, `deposit`, `withdrawal`, `chargeback`, `trades`, `profile`."""
    amount: int = 0
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a person looks at to decide."""

    clusters: tuple[Cluster, ...] = ()
    series: tuple[Point, ...] = ()
    timeline: tuple[Moment, ...] = ()
    """At most fifty, the oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One suspicion. `values` fill the sentences of the detector (`words`), as texts."""

    detector: str
    clients: tuple[str, ...]
    """The clients whose earnings are in question, sorted; empty when the suspicion is about the partner's traffic or
    account: then all that is not paid out is."""
    first: str
    """From this UTC day on …"""
    through: str
    """… to this one."""
    measured: Number
    threshold: Number
    """Both in the detector's own unit; the finding is there because the one passed the other."""
    values: Mapping[str, str] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A registered rule. `parameters` are its thresholds by name, with what each means beside them in `meaning`."""

    name: str
    inputs: tuple[str, ...]
    """What of `Seen` it looks at: the names of fields."""
    parameters: Mapping[str, Number]
    meaning: Mapping[str, str]
    staff: str
    """A sentence for staff, marked by `N_`, with places for a finding's `values`: "{seen} of {of} clients …". Whoever
    shows it translates it and fills it in with `str.format`."""
    partner: str
    """A sentence for the partner: what is looked at, never the threshold or how to stay below it."""
    find: Callable[[Seen, Mapping[str, Number]], tuple[Finding, ...]]

    def look(self, seen: Seen) -> tuple[Finding, ...]:
        """What this detector finds. Pure; the same for the same."""
        return self.find(seen.without_judged(self.name, self.inputs), self.parameters)
