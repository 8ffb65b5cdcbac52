"""Counters of events: by partner, UTC day and link; and what partners score in contests."""

from __future__ import annotations

from typing import NamedTuple


class CountKey(NamedTuple):
    """Which counter: a partner's UTC day and link."""

    partner: str
    day: str
    link: str


class ScoreKey(NamedTuple):
    """Which entry: what a partner scores in a contest."""

    partner: str
    contest: str


Counts = dict[CountKey | ScoreKey, dict[str, int]]
"""Metric → number. Sums of money are per currency (`deposits.EUR`), in fine units."""


def add_counts(counts: Counts, more: Counts, factor: int = 1) -> None:
    """Add counts to counts, in place."""
    for key, values in more.items():
        sums = counts.setdefault(key, {})
        for name, value in values.items():
            sums[name] = sums.get(name, 0) + factor * value


def without_zeros(counts: Counts) -> Counts:
    """The counts that change anything."""
    kept = {key: {name: value for name, value in values.items() if value} for key, values in counts.items()}
    return {key: values for key, values in kept.items() if values}
