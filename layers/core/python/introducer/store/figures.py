"""What reports are made of: the counters of a partner's months, by day, link and where clients and clicks came from.

One month is one query, for clicks and events together. Clicks are counted by link, and by each of country, device and
sub1 by itself: they cannot be crossed with one another. Events can: each cell knows them all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from introducer.domain.counts import OTHER_SUB
from introducer.store import keys
from introducer.store.click_counts import ClickCount, click_counts
from introducer.store.event_counts import SourceCount, source_counts
from introducer.store.partitions import whole
from introducer.store.wire import connect

NOWHERE = "ZZ"
"""The country of which nobody knows which one it is."""

UNKNOWN = "unknown"
"""The device where none is known: the client came by no click, or its click was not recorded."""

NO_SUB = ""
"""Without a sub1: the click had none, or there was no click."""


class Dimension(StrEnum):
    """By what clicks can be told apart besides by day and link."""

    COUNTRY = "country"
    DEVICE = "device"
    SUB1 = "sub1"


UNSAID: Mapping[Dimension, str] = {
    Dimension.COUNTRY: NOWHERE,
    Dimension.DEVICE: UNKNOWN,
    Dimension.SUB1: NO_SUB,
}
"""What stands where nothing is known. Of sub1 there is `OTHER_SUB` besides: values without figures of their own."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What the clients of one source did on one UTC day."""

    day: str
    link: str
    """A link's id; a promo code in its place (`domain.client.code_of`); empty for clients that came by neither."""
    country: str
    device: str
    sub1: str
    cohort: str
    """The month in which these clients registered; empty where it is not known."""
    counts: Mapping[str, int]
    """`registrations`, `kyc`, `ftd`, `qftd`; and `lots` (`LOT` to one)."""
    sums: Mapping[tuple[str, str], int]
    """Fine units per (`deposits` | `withdrawals` | `net_revenue` | `earnings`, currency), as in
    `store.event_counts.EventCount`."""


@dataclass(frozen=True, slots=True)
class ClickCell:
    """The clicks of one UTC day and link that have one value."""

    day: str
    link: str
    value: str
    clicks: int
    """Of people; flagged ones are not among them."""
    unique: int
    flagged: int


@dataclass(frozen=True, slots=True)
class CohortCell:
    """What the clients who registered in one month did in one month, by where they came from."""

    cohort: str
    month: str
    link: str
    country: str
    device: str
    sub1: str
    counts: Mapping[str, int] = field(default_factory=dict)
    sums: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MonthOfFigures:
    """Everything that was counted in a partner's month."""

    partner: str
    month: str
    cells: tuple[Cell, ...]
    clicked: tuple[ClickCount, ...]
    """By day and link; `clicks_by` tells them apart further."""

    def clicks_by(self, dimension: Dimension) -> list[ClickCell]:
        """The clicks by one dimension: for each day and link the values add up to its figures."""
        return [cell for each in self.clicked for cell in _told_apart(each, Dimension(dimension))]


class Figures:
    """Reads of a BOOKS table's counters. All of them raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def read(self, partner: str, month: str) -> MonthOfFigures:
        """A partner's month (`2026-03`): one query, eventually consistent."""
        pk = keys.partition("event_count", partner=partner, month=month)
        items = list(whole(self._connection, self._table, pk, consistent=False))
        cells = tuple(_cell(each) for each in source_counts(items))
        return MonthOfFigures(partner, month, cells, tuple(click_counts(items)))

    def month(self, partner: str, month: str) -> list[Cell]:
        """What clients did in a partner's month. Who wants the clicks too asks once: `read`."""
        return list(self.read(partner, month).cells)

    def clicks_by(self, partner: str, month: str, dimension: Dimension) -> list[ClickCell]:
        """The clicks of a partner's month by one dimension."""
        return self.read(partner, month).clicks_by(dimension)

    def cohorts(self, partner: str, months: Iterable[str]) -> list[CohortCell]:
        """What happened in these months, by the month of registration and by source; a query for each month."""
        return [cell for month in months for cell in cohorts_of(self.read(partner, month))]


def cohorts_of(month: MonthOfFigures) -> list[CohortCell]:
    """A month's cells, all days of it together."""
    found: dict[tuple[str, str, str, str, str], tuple[dict[str, int], dict[tuple[str, str], int]]] = {}
    for cell in month.cells:
        key = (cell.cohort, cell.link, cell.country, cell.device, cell.sub1)
        counts, sums = found.setdefault(key, (defaultdict(int), defaultdict(int)))
        for name, value in cell.counts.items():
            counts[name] += value
        for named, fine in cell.sums.items():
            sums[named] += fine
    return [
        CohortCell(cohort, month.month, link, country, device, sub1, dict(counts), dict(sums))
        for (cohort, link, country, device, sub1), (counts, sums) in sorted(found.items())
    ]


def _cell(count: SourceCount) -> Cell:
    _, day, link, country, device, sub1, cohort = count.key
    return Cell(day, link, country or NOWHERE, device or UNKNOWN, sub1, cohort, count.counts, count.sums)


def _told_apart(count: ClickCount, dimension: Dimension) -> list[ClickCell]:
    """One counter's clicks by one dimension; what is counted under no value stands under the one for nothing."""
    found = {value: (clicks, unique, flagged) for value, clicks, unique, flagged in count.by.get(dimension.value, ())}
    said = [sum(numbers) for numbers in zip(*found.values(), strict=True)] or [0, 0, 0]
    nothing = UNSAID[dimension]
    total = (count.clicks, count.unique, count.flagged)
    rest = tuple(
        whole_number - part + own
        for whole_number, part, own in zip(total, said, found.get(nothing, (0, 0, 0)), strict=True)
    )
    found.pop(nothing, None)
    cells = [ClickCell(count.day, count.link, value, *numbers) for value, numbers in sorted(found.items())]
    return [*cells, ClickCell(count.day, count.link, nothing, *rest)] if any(rest) else cells


__all__ = [
    "NOWHERE", "NO_SUB", "OTHER_SUB", "UNKNOWN", "UNSAID", "Cell", "ClickCell", "CohortCell", "Dimension", "Figures",
    "MonthOfFigures", "cohorts_of",
]  # fmt: skip
