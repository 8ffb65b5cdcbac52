"""A partner's month, as the rules see it that look at its clients together, or at the partners below."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from introducer.domain.calendar import DAY_MS, day_start, month_end, plus_days
from introducer.domain.client import ALL_LOTS, ALL_REVENUE
from introducer.domain.contracts import Contracts
from introducer.domain.deal import Basis, DealVersion
from introducer.domain.ledger import Key
from introducer.domain.rows import Row


@dataclass(frozen=True, slots=True)
class Below:
    """What a partner's month is to those above it."""

    level: int
    """How many levels below."""
    earned: tuple[tuple[str, str, int], ...] = ()
    """By kind and currency: minor units of rounded targets."""
    revenue: tuple[tuple[str, int], ...] = ()
    """Net revenue by currency, in fine units."""
    clients: int = 0
    """Who first qualified in the month."""


class Month:
    """A partner's month as its rules see it: rows of clients, months of descendants, and the activity in them."""

    def __init__(
        self, partner: str, month: str, rows: Mapping[str, Row], below: Mapping[str, Below], contracts: Contracts
    ) -> None:
        self.partner, self.month, self.contracts = partner, month, contracts
        first = contracts.first_with_terms(partner)
        self.rows = {client: _by_terms(row, first) for client, row in sorted(rows.items())}
        self.below = dict(sorted(below.items()))
        self.starts = day_start(f"{month}-01")

    @property
    def opening(self) -> DealVersion | None:
        """The version in force at the month's first instant."""
        return self.contracts.version_at(self.partner, self.starts)

    def version(self, number: int) -> DealVersion:
        return self.contracts.version(self.partner, number)

    def order(self, number: int) -> tuple[int, int]:
        """Where a version stands in the order in which versions are in force."""
        return (self.version(number).valid_from, number)

    def key(self, rule: str, number: int, scope: str = "") -> Key:
        """The key of an amount that is known at the month's end, held as a version says."""
        deal = self.version(number).deal
        available = plus_days(month_end(self.month), deal.hold.days)
        return Key(self.partner, rule, scope, self.month, deal.currency, available)

    def sums(self, cell: str) -> dict[int, int]:
        """Per version: the sum of a cell over all clients and parts."""
        found: dict[int, int] = defaultdict(int)
        for row in self.rows.values():
            for rule, version, _, value in row.cells:
                if rule == cell:
                    found[version] += value
        return found

    def activity(self, by: Basis, version: DealVersion, *, whole: bool = False) -> int:
        """What the month had reached when a version ended (or in the whole month): clients, lots (`LOT` to one) or net
        revenue in fine units of the version's currency."""
        if by in (Basis.FTD, Basis.QFTD):
            end = None if whole else self.contracts.ends_at(version)
            return sum(at < end if end is not None else True for at in self.moments(by))
        until = (version.valid_from, version.version)
        total = 0
        for number, value in self.sums(ALL_LOTS if by is Basis.LOTS else ALL_REVENUE).items():
            same = by is Basis.LOTS or self.version(number).deal.currency == version.deal.currency
            if same and (whole or self.order(number) <= until):
                total += value
        return total

    def moments(self, by: Basis) -> list[int]:
        """When the month's clients made their first deposit, or first qualified (ms), in order."""
        return moments_of(self.rows.values(), by)


def moments_of(rows: Iterable[Row], by: Basis) -> list[int]:
    """When the clients of these rows made their first deposit, or first qualified (ms), in order."""
    found = [row.ftd if by is Basis.FTD else row.qftd for row in rows]
    return sorted(at for at in found if at is not None)


def _by_terms(row: Row, first: Mapping[int, int]) -> Row:
    """The row with its cells under the first version that had their terms: so tiers see one version, and a goal that
    was accepted in the middle of a month splits nothing."""
    if all(version not in first for _, version, _, _ in row.cells):
        return row
    sums: dict[tuple[str, int, str], int] = defaultdict(int)
    for rule, version, part, value in row.cells:
        sums[rule, first.get(version, version), part] += value
    return replace(row, cells=tuple((*cell, value) for cell, value in sorted(sums.items())))


def day_range(first: str, last: str) -> tuple[int, int]:
    """The first and the last millisecond of UTC days, both included."""
    return day_start(first), day_start(last) + DAY_MS - 1


def largest(contributions: Iterable[tuple[str, int]], number: int = 5) -> list[tuple[str, int]]:
    """The largest contributions, by size and then by name; nothing that is nothing."""
    return sorted(((name, value) for name, value in contributions if value), key=lambda each: (-abs(each[1]), each[0]))[
        :number
    ]
