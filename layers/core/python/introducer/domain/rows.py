"""Rows: what one client is in one month of a partner, for the rules that look at all of the partner's clients.

A row is a projection of the client's state. The engine writes it in the transaction that changes the state; it is what
marks the partner's month as to be settled (`domain.settlement`). A month has rows once a rule of the partner, or an
override above it, looks at it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from introducer.domain.calendar import day_at
from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts
from introducer.domain.rules import cpa, cpl, qualification
from introducer.domain.rules.qualification import Qualifying

MonthOf = tuple[str, str]
"""A partner and a month (`2026-03`)."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a client is in a partner's month."""

    ftd: int | None = None
    """When it made its first deposit (ms), if in this month."""
    qftd: int | None = None
    """When it first qualified for a cpa (ms), if in this month."""
    qualified: tuple[Qualifying, ...] = ()
    """The rules paid once per client that it qualified for in this month."""
    cells: tuple[tuple[str, int, str, int], ...] = ()
    """Rule, version, part and sum: shared revenue, commission and lots, and what tiers and goals look at."""
    earned: tuple[tuple[str, str, int], ...] = ()
    """What the client's own rules have earned for the month, by kind and currency: minor units."""


@dataclass(slots=True)
class _Parts:
    ftd: int | None = None
    qftd: int | None = None
    qualified: list[Qualifying] = field(default_factory=list)
    cells: list[tuple[str, int, str, int]] = field(default_factory=list)
    earned: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def row(self) -> Row:
        earned = tuple((*each, minor) for each, minor in sorted(self.earned.items()) if minor)
        return Row(self.ftd, self.qftd, tuple(sorted(self.qualified)), tuple(sorted(self.cells)), earned)


def rows_of(state: ClientState, contracts: Contracts, months: Iterable[MonthOf]) -> dict[MonthOf, Row]:
    """The client's rows in those of these months that need any; an empty row where there is nothing in it."""
    wanted = {month for month in months if contracts.bases(*month) is not None}
    parts = _parts(state, contracts) if wanted else {}
    return {month: parts[month].row() if month in parts else Row() for month in wanted}


def months_of(state: ClientState, contracts: Contracts) -> set[MonthOf]:
    """The partners and months that the client is anything in."""
    return set(_parts(state, contracts))


def _parts(state: ClientState, contracts: Contracts) -> Mapping[MonthOf, _Parts]:
    parts: dict[MonthOf, _Parts] = defaultdict(_Parts)
    for cell, value in state.cells.items():
        if "~" in cell.rule or contracts.rule(cell.partner, cell.version, cell.rule).shared:
            parts[cell.partner, cell.month].cells.append((cell.rule, cell.version, cell.part, value))
    for key, minor in state.posted.items():
        parts[key.partner, key.earn_month].earned[contracts.kind(key.partner, key.rule), key.currency] += minor
    owner, version = state.owner, qualification.base_version(state, contracts)
    if owner is None or version is None:
        return parts
    first = qualification.first_deposit(state, version.deal, contracts.rates)
    if first is not None:
        at = state.deposits[first].at
        if not contracts.blocked_at(owner.partner, at) and not state.disallowed_at(at):
            parts[owner.partner, day_at(at)[:7]].ftd = at
    paying = cpa.targets(state, contracts)
    for qualifying in (*paying.qualified.values(), *cpl.targets(state, contracts).qualified.values()):
        parts[owner.partner, day_at(qualifying.at)[:7]].qualified.append(qualifying)
    if paying.qualified:
        at = min(qualifying.at for qualifying in paying.qualified.values())
        parts[owner.partner, day_at(at)[:7]].qftd = at
    return parts
