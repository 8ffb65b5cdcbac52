"""Sums of events under one structure: cells, days of activity, turnover and counters. All of them only add up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import ParamSpec

from introducer.domain.calendar import day_at
from introducer.domain.client import ALL_LOTS, ALL_REVENUE, QUICK_MS, Activity, Cell, ClientState, Segment, Turnover
from introducer.domain.contest import Metric
from introducer.domain.contracts import Contracts
from introducer.domain.counts import CountKey, Counts, ScoreKey, Source, add_counts
from introducer.domain.deal import PERCENT_ONE, Basis, DealVersion, Lot, Revshare
from introducer.domain.errors import Poison, RateMissing
from introducer.domain.events import Event, EventType, milliseconds
from introducer.domain.money import LARGEST_FINE
from introducer.domain.rules import lot, qualification, revshare

Args = ParamSpec("Args")

_FLOWS = {EventType.DEPOSIT: "deposits", EventType.WITHDRAWAL: "withdrawals"}


class Tally:
    """Adds events up under a client's structure and the contracts; `state` gives the sums to start from."""

    def __init__(self, structure: ClientState, contracts: Contracts, start: ClientState | None = None) -> None:
        self._structure = structure
        self._contracts = contracts
        version = qualification.base_version(structure, contracts)
        self._base = version.deal if version else None
        self._window = qualification.activity_window(structure, self._base)
        self._contests = contracts.scoring(structure.brand)
        self._cells: dict[Cell, int] = defaultdict(int, start.cells if start else {})
        self.activity: dict[str, Activity] = dict(start.activity) if start else {}
        self.turnover: dict[str, Turnover] = dict(start.turnover) if start else {}
        self.lots = start.lots if start else 0
        self.trades = start.trades if start else 0
        self.quick_lots = start.quick_lots if start else 0
        self.flat_lots = start.flat_lots if start else 0
        self.counts: Counts = {}
        self._sources: dict[Segment, Source] = {}
        self.scored_at: dict[ScoreKey, int] = {}
        """When a partner scored last in a contest, of the events added here (ms)."""

    @property
    def cells(self) -> dict[Cell, int]:
        """The cells with anything in them."""
        return {cell: value for cell, value in self._cells.items() if value}

    def add(self, events: Iterable[Event]) -> None:
        """Add events. Cancelled events and cancels must be left out by the caller. Raises `RateMissing`."""
        for event in events:
            at = milliseconds(event.occurred_at)
            day = day_at(at)
            if event.type is EventType.TRADE:
                self._trade(event, at, day)
            elif event.type in _FLOWS and event.currency is not None:
                held = self.turnover.get(event.currency, Turnover(0, 0))
                name = _FLOWS[event.type]
                self.turnover[event.currency] = held._replace(**{name: getattr(held, name) + (event.amount or 0)})
            segment = self._structure.segment_at(at)
            version = self._contracts.version_at(segment.partner, at) if segment else None
            if segment is not None and version is not None and not self._structure.disallowed_at(at):
                self._accrue(event, day, segment, version)
                if self._contests:
                    self._score(event, at, day, segment.partner, version)

    def _trade(self, event: Event, at: int, day: str) -> None:
        self.trades += 1
        self.lots += event.lots or 0
        if (
            event.opened_at
            and event.closed_at
            and milliseconds(event.closed_at) - milliseconds(event.opened_at) < QUICK_MS
        ):
            self.quick_lots += event.lots or 0
        # Without the client's result nothing is known of it: many platforms report costs alone.
        if event.pnl is not None and abs(event.pnl) <= abs(event.spread or 0) + abs(event.commission or 0):
            self.flat_lots += event.lots or 0
        if self._window and self._base and self._window[0] <= at <= self._window[1] and not self._blocked(at):
            held = self.activity.get(day, Activity(0, 0, 0))
            net = revshare.net_revenue(event, self._base.net_revenue, self._base.currency, self._contracts.rates)
            self.activity[day] = Activity(held.lots + (event.lots or 0), held.trades + 1, held.net_revenue + net)

    def _blocked(self, at: int) -> bool:
        """Whether the partner that the client registered with was blocked: trades meanwhile qualify for nothing."""
        owner = self._structure.owner
        return owner is not None and self._contracts.blocked_at(owner.partner, at)

    def _look(
        self, event: Event, day: str, segment: Segment, version: DealVersion, net: int, bases: frozenset[Basis]
    ) -> None:
        """Count what the partner's tiers and goals look at, whatever the rules pay for it."""
        if net and Basis.NET_REVENUE in bases:
            self._cells[Cell(segment.partner, ALL_REVENUE, day[:7], version.version, "")] += net
        if event.lots and Basis.LOTS in bases and event.type is EventType.TRADE:
            self._cells[Cell(segment.partner, ALL_LOTS, day[:7], version.version, "")] += event.lots

    def _accrue(self, event: Event, day: str, segment: Segment, version: DealVersion) -> None:
        deal, rates = version.deal, self._contracts.rates
        counted: dict[str, int] = {}
        if event.type in _FLOWS and event.currency is not None:
            name = f"{_FLOWS[event.type]}.{deal.currency}"
            counted[name] = rates.fine(event.amount or 0, event.currency, deal.currency, day)
        net = revshare.net_revenue(event, deal.net_revenue, deal.currency, rates)
        if net:
            counted[f"net_revenue.{deal.currency}"] = net
        bases = self._contracts.bases(segment.partner, day[:7])
        if bases is not None:
            self._look(event, day, segment, version, net, bases)
        earned = 0
        for rule in deal.rules:
            if isinstance(rule, Revshare) and net:
                part = revshare.part(rule, day)
                self._cells[Cell(segment.partner, rule.id, day[:7], version.version, part)] += net
                earned += net * revshare.percent_of(rule, part) // PERCENT_ONE
            elif isinstance(rule, Lot):
                commission = lot.commission(event, rule)
                if commission:
                    part = lot.part(rule, day, deal.hold.counts_from)
                    self._cells[Cell(segment.partner, rule.id, day[:7], version.version, part)] += commission
                    if bases is not None:
                        paid = Cell(segment.partner, lot.paid_lots(rule.id), day[:7], version.version, part)
                        self._cells[paid] += event.lots or 0
                    earned += commission
        if earned:
            counted[f"earnings.{deal.currency}"] = earned
        # A client that was counted before sources were is counted as it was then, until all of it is counted anew.
        if event.lots and event.type is EventType.TRADE and self._structure.came is not None:
            counted["lots"] = event.lots
        self._count(CountKey(segment.partner, day, segment.link, *self._source(segment)), counted)

    def _source(self, segment: Segment) -> Source:
        if segment not in self._sources:
            self._sources[segment] = self._structure.source_of(segment)
        return self._sources[segment]

    def _score(self, event: Event, at: int, day: str, partner: str, version: DealVersion) -> None:
        """Count what the event scores in the brand's contests."""
        rates = self._contracts.rates
        for window in self._contests:
            scored: dict[str, int] = {}
            if window.holds(at):
                if Metric.DEPOSITS in window.metrics and event.type is EventType.DEPOSIT and event.currency is not None:
                    scored[Metric.DEPOSITS] = _priced(
                        rates.fine, event.amount or 0, event.currency, window.currency, day
                    )
                if Metric.NET_REVENUE in window.metrics:
                    formula = version.deal.net_revenue
                    scored[Metric.NET_REVENUE] = _priced(revshare.net_revenue, event, formula, window.currency, rates)
                if Metric.LOTS in window.metrics and event.type is EventType.TRADE:
                    scored[Metric.LOTS] = event.lots or 0
            if (
                Metric.DEPOSITS in window.metrics
                and event.type is EventType.CHARGEBACK
                and event.currency is not None
                and window.takes_back(at)
            ):
                scored[Metric.DEPOSITS] = -_priced(rates.fine, event.amount or 0, event.currency, window.currency, day)
            scored = {str(metric): value for metric, value in scored.items() if value}
            if scored:
                key = ScoreKey(partner, window.contest)
                self._count(key, scored)
                self.scored_at[key] = max(at, self.scored_at.get(key, at))

    def _count(self, key: CountKey | ScoreKey, counted: dict[str, int]) -> None:
        if any(abs(value) > LARGEST_FINE for value in counted.values()):
            raise Poison("This event is worth more than can be counted: see that its amounts and lots are right.")
        if counted:
            add_counts(self.counts, {key: counted})


def _priced(worth: Callable[Args, int], *args: Args.args, **named: Args.kwargs) -> int:
    """What money is worth in a contest: nothing where that day's publication does not have one of the two currencies.

    What was published never changes, so it is nothing whenever it is counted; and what a client earns does not wait for
    a contest. Raises `RateMissing` as long as the day's rates are not there.
    """
    try:
        return worth(*args, **named)
    except RateMissing as error:
        if "currency" not in error.facts:
            raise
        return 0
