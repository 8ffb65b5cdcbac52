"""What reports are made of: the counters of a partner's months, by day, link and where clients and clicks came from.

One month is one query, for clicks and events together; one more says what values of sub1 are called. Clicks are counted
by link, and by each of country, device and sub1 by itself: they cannot be crossed with one another. Events can: each
cell knows them all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from introducer.domain.clicks import NOWHERE
from introducer.domain.counts import OTHER_SUB
from introducer.store import keys
from introducer.store.click_counts import ClickCount, click_counts
from introducer.store.event_counts import SourceCount, source_counts
from introducer.store.partitions import whole
from introducer.store.sub_names import SubNames
from introducer.store.wire import connect

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
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the numbers of sub1 stand for, by link."""

    def clicks_by(self, dimension: Dimension) -> list[ClickCell]:
        """The clicks by one dimension: for each day and link the values add up to its figures."""
        cells = [cell for each in self.clicked for cell in _told_apart(each, Dimension(dimension))]
        if dimension != Dimension.SUB1:
            return cells
        return [replace(cell, value=_named(self.names, cell.link, cell.value)) for cell in cells]


class Figures:
    """Reads of a BOOKS table's counters. All of them raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)
        self._names = SubNames(table, region, host)

    def read(self, partner: str, month: str, *, named: bool = True) -> MonthOfFigures:
        """A partner's month (`2026-03`): a query, and one for what values of sub1 are called where there are any. Not
        `named`, none is asked for, and all values are `OTHER_SUB`."""
        (found,) = self.months(partner, [month], named=named)
        return found

    def months(self, partner: str, months: Iterable[str], *, named: bool = True) -> list[MonthOfFigures]:
        """Several of them; what values of sub1 are called is asked once."""
        found = [self._counted(partner, month) for month in months]
        named = named and any(_has_numbers(events, clicked) for _, events, clicked in found)
        names = self._names.names(partner) if named else {}
        return [
            MonthOfFigures(partner, month, tuple(_cell(each, names) for each in events), tuple(clicked), names)
            for month, events, clicked in found
        ]

    def _counted(self, partner: str, month: str) -> tuple[str, list[SourceCount], list[ClickCount]]:
        pk = keys.partition("event_count", partner=partner, month=month)
        items = list(whole(self._connection, self._table, pk, consistent=False))
        return month, source_counts(items), click_counts(items)

    def month(self, partner: str, month: str) -> list[Cell]:
        """What clients did in a partner's month. Who wants the clicks too asks once: `read`."""
        return list(self.read(partner, month).cells)

    def clicks_by(self, partner: str, month: str, dimension: Dimension) -> list[ClickCell]:
        """The clicks of a partner's month by one dimension."""
        return self.read(partner, month).clicks_by(dimension)

    def cohorts(self, partner: str, months: Iterable[str]) -> list[CohortCell]:
        """What happened in these months, by the month of registration and by source; a query for each month."""
        return [cell for month in self.months(partner, months) for cell in cohorts_of(month)]


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


def _has_numbers(events: Iterable[SourceCount], clicked: Iterable[ClickCount]) -> bool:
    return any(each.key.sub1 for each in events) or any(Dimension.SUB1 in each.by for each in clicked)


def _named(names: Mapping[str, Mapping[str, str]], link: str, number: str) -> str:
    """What a number of sub1 stands for; one whose value was taken away is among the others."""
    return names.get(link, {}).get(number, OTHER_SUB) if number else NO_SUB


def _cell(count: SourceCount, names: Mapping[str, Mapping[str, str]]) -> Cell:
    _, day, link, country, device, number, cohort = count.key
    sub1 = _named(names, link, number)
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
