"""Counters of events: by partner, UTC day, link and where the client came from; and what partners score in contests."""

from __future__ import annotations

import re
from typing import NamedTuple

from introducer.domain.clicks import NOWHERE

OTHER_SUB = "~"
"""Stands for all values of sub1 that have no figures of their own."""

SUB_NAMES = 100
"""How many values of sub1 a link may have figures for: the first ones that came."""

_LONGEST_SUB = 40
_PERSONAL = re.compile(r"@|[0-9]{9}|[^ -~\u00a0-\ufffd]")
"""An address of mail, a number as long as a telephone's or a moment's, what nobody can read."""
_RUN = re.compile(r"[A-Za-z0-9]{12,}")
_TURN = re.compile(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_TURNS = 4
"""So often letters and figures take turns in a long run of them where a machine wrote it, and not in `summer2026`."""
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def names_a_place(sub1: str) -> bool:
    """Whether a value of sub1 may have figures of its own: it looks like the name of a place (`newsletter`, `bio-link`,
    `banner 2026-03`), and not like the number of one visitor that a tracker made up, or like something of a person."""
    if sub1 in ("", OTHER_SUB) or len(sub1) > _LONGEST_SUB or _PERSONAL.search(sub1) or _UUID.search(sub1):
        return False
    return all(len(_TURN.findall(run)) < _TURNS for run in _RUN.findall(sub1))


class Source(NamedTuple):
    """Where a client came from, besides by which link. Empty is not known, or nothing of the kind."""

    country: str = ""
    """ISO 3166 code: what the registration says, else what was seen of the click."""
    device: str = ""
    """Of the click: `mobile`, `tablet`, `desktop` or `other`."""
    sub1: str = ""
    """The partner's own first value of the click, by its number on the link's list; `OTHER_SUB` for one that has no
    figures of its own."""
    cohort: str = ""
    """The month (`2026-03`) in which the client registered, or was first heard of."""


UNSAID = Source()
"""Of clients that were counted before sources were; and of those that nothing is known of."""


class Came(NamedTuple):
    """What was recorded of the click that a client came by; empty is not known."""

    country: str = ""
    device: str = ""
    sub1: str = ""
    """As it is counted: by its number, or `OTHER_SUB` where it has no figures of its own."""


def came(country: str, device: str, sub1: str) -> Came:
    """What a click's record says; `sub1` as it is counted."""
    return Came("" if country == NOWHERE else country, device, sub1)


class CountKey(NamedTuple):
    """Which counter: a partner's UTC day and link, and the source of the client (`Source`)."""

    partner: str
    day: str
    link: str
    country: str = ""
    device: str = ""
    sub1: str = ""
    cohort: str = ""

    @property
    def source(self) -> Source:
        return Source(*self[3:])


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
