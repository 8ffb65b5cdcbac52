"""Earnings: from a client's events to what is owed, as a difference to what was posted.

`accrue` takes the state, new events and the contracts, and says the next state, what to post and what to count. It is a
pure function; delivering events in any order, split in any way, gives the same state and the same sums
(engine.md, claims A and B). The targets of each rule are exact until one rounding per key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from introducer.domain.client import (
    Activity,
    Cell,
    Chargeback,
    ClientState,
    Deposit,
    EventKey,
    Segment,
    Turnover,
    attribute,
    merge,
)
from introducer.domain.contracts import DAY_MS, Contracts
from introducer.domain.deal import (
    COEFFICIENT_ONE,
    PERCENT_ONE,
    Cpa,
    Deal,
    DealVersion,
    Formula,
    HoldFrom,
    Lot,
    NegativeMonths,
    Qualification,
    Revshare,
)
from introducer.domain.events import LOT, Event, EventType, from_milliseconds, milliseconds
from introducer.domain.ledger import Key, Line
from introducer.domain.money import FINE, decimal_string, decimals
from introducer.domain.rates import Rates

HOUR_MS = 3_600_000


class CountKey(NamedTuple):
    """Which counter: a partner's UTC day and link."""

    partner: str
    day: str
    link: str


Counts = dict[CountKey, dict[str, int]]


class Working(NamedTuple):
    """The lines of one target's arithmetic, made from the very values that were computed."""

    lines: tuple[Line, ...]
    evidence: tuple[EventKey, ...] = ()
    """Events that met the conditions (cpa); a monthly rule's events are those that moved it."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a rule says in all for a key: minor units, with how it was computed."""

    minor: int
    rule_kind: str
    version: int
    working: Working


@dataclass(frozen=True, slots=True)
class Posting:
    """The difference to post for a key. `before` plus `amount` is the target."""

    key: Key
    amount: int
    before: int
    target: Target


@dataclass(frozen=True, slots=True)
class Transition:
    """The outcome of `accrue`: the next state, what to post, what to count, which events are now applied."""

    state: ClientState
    postings: tuple[Posting, ...]
    counts: Counts
    applied: tuple[Event, ...]
    refolded: bool


class HistoryNeeded(Exception):
    """The structure changed: `accrue` must be called again with the client's applied events."""


def accrue(
    state: ClientState, events: Iterable[Event], contracts: Contracts, history: Sequence[Event] | None = None
) -> Transition:
    """Fold new events into a client's state.

    `events` may repeat; what is already applied must be left out. Raises `HistoryNeeded` when a change of structure
    (anchor, attribution, cancelled ids, deal versions) asks for the applied events, and `RateMissing`.
    """
    new = {event.key: event for event in events}
    cancelled = state.cancelled | {
        (event.source, event.ref) for event in new.values() if event.type is EventType.CANCEL and event.ref
    }
    facts = [event for event in new.values() if _counts(event, cancelled)]
    merged = merge(state, facts, contracts)
    timeline = attribute(merged, contracts)
    stale = state.events > 0 and (
        cancelled != state.cancelled
        or merged.anchor != state.anchor
        or timeline != state.timeline
        or known_versions(state.timeline, contracts, state.last_at) != state.known
    )
    if not stale:
        structure = replace(merged, timeline=timeline)
        tally = _Tally(structure, contracts)
        tally.add(facts)
        counts = tally.counts
        base = state
    else:
        if history is None:
            raise HistoryNeeded
        counts = _negated(_event_counts(state, history, contracts))
        everything = [
            event
            for event in {**{event.key: event for event in history}, **new}.values()
            if _counts(event, cancelled)
        ]
        blank = ClientState(state.brand, state.client)
        merged = merge(blank, everything, contracts)
        structure = replace(merged, timeline=attribute(merged, contracts))
        tally = _Tally(structure, contracts)
        tally.add(everything)
        _add_counts(counts, tally.counts)
        base = blank
    last_at = max(state.last_at, *(milliseconds(event.occurred_at) for event in new.values())) if new else state.last_at
    after = replace(
        structure,
        deposits=_deciding_deposits(structure, contracts),
        cancelled=cancelled,
        cells=_summed(base.cells, tally.cells),
        activity=_active(base.activity, tally.activity),
        turnover={
            currency: Turnover(
                *(a + b for a, b in zip(base.turnover.get(currency, (0, 0)), tally.turnover[currency], strict=True))
            )
            if currency in tally.turnover
            else base.turnover[currency]
            for currency in {*base.turnover, *tally.turnover}
        },
        lots=base.lots + tally.lots,
        trades=base.trades + tally.trades,
        posted=state.posted,
        known=known_versions(structure.timeline, contracts, last_at),
        last_at=last_at,
        events=state.events + len(new),
        version=state.version,
    )
    _add_counts(counts, _negated(mark_counts(state, contracts.as_known(state.known))))
    _add_counts(counts, mark_counts(after, contracts))
    owed = targets(after, contracts)
    postings = tuple(
        Posting(key, owed[key].minor - state.posted.get(key, 0), state.posted.get(key, 0), owed[key])
        if key in owed
        else Posting(key, -state.posted[key], state.posted[key], _withdrawn(key, contracts))
        for key in sorted({*owed, *state.posted})
        if (owed[key].minor if key in owed else 0) != state.posted.get(key, 0)
    )
    after = replace(after, posted={key: target.minor for key, target in owed.items() if target.minor})
    nonzero = {key: {name: n for name, n in values.items() if n} for key, values in counts.items()}
    return Transition(
        after,
        postings,
        {key: values for key, values in nonzero.items() if values},
        tuple(sorted(new.values(), key=lambda event: event.order)),
        stale,
    )


def known_versions(timeline: tuple[Segment, ...], contracts: Contracts, until: int) -> dict[str, int]:
    """The newest deal version in force up to a moment, for each partner on the timeline."""
    return {segment.partner: contracts.newest_by(segment.partner, until) for segment in timeline}


def event_value(event: Event, rule_kind: str, rule_id: str, version: DealVersion, rates: Rates) -> int | None:
    """What one event contributes to a monthly rule: fine units of net revenue (revshare) or commission (lot)."""
    if rule_kind == "revshare":
        return net_revenue(event, version.deal.net_revenue, version.deal.currency, rates)
    for rule in version.deal.rules:
        if rule.id == rule_id and isinstance(rule, Lot):
            return lot_commission(event, rule)
    return None


def net_revenue(event: Event, formula: Formula, currency: str, rates: Rates) -> int:
    """The event's net revenue by a formula, in fine units of `currency`. Raises `RateMissing`."""
    weighted = 0
    for field, coefficient in formula.coefficients:
        weighted += coefficient * _component(event, field)
    if not weighted or event.currency is None:
        return 0
    return rates.fine(weighted, event.currency, currency, _day(milliseconds(event.occurred_at))) // COEFFICIENT_ONE


def lot_commission(event: Event, rule: Lot) -> int:
    """The event's commission by a lot rule, in fine units of the deal's currency; 0 when the trade does not count."""
    if event.type is not EventType.TRADE or not event.lots:
        return 0
    if rule.account_types and event.account_type not in rule.account_types:
        return 0
    if rule.min_holding_seconds:
        if event.opened_at is None or event.closed_at is None:
            return 0
        if (event.closed_at - event.opened_at).total_seconds() < rule.min_holding_seconds:
            return 0
    return event.lots * rule.amount_for(event.symbol) * (FINE // LOT)


def targets(state: ClientState, contracts: Contracts) -> dict[Key, Target]:
    """What the client-scoped rules say in all, per key."""
    owed = dict(_cpa_targets(state, contracts))
    lanes: dict[tuple[str, str, str, str], dict[str, list[tuple[Cell, int]]]] = defaultdict(lambda: defaultdict(list))
    for cell, fine in sorted(state.cells.items()):
        version = contracts.version(cell.partner, cell.version)
        rule = next(rule for rule in version.deal.rules if rule.id == cell.rule)
        lanes[cell.partner, cell.rule, rule.kind, version.deal.currency][cell.month].append((cell, fine))
    for (partner, rule_id, kind, currency), months in lanes.items():
        if kind == "revshare":
            owed.update(_revshare_targets(state.client, partner, rule_id, currency, months, contracts))
        else:
            owed.update(_lot_targets(state.client, partner, rule_id, currency, months, contracts))
    return owed


def mark_counts(state: ClientState, contracts: Contracts) -> Counts:
    """The counts a client makes once: registration, KYC, FTD, QFTD, and the cpa it earned on the day it qualified."""
    owner, counts = state.owner, defaultdict(lambda: defaultdict(int))  # type: ignore[var-annotated]
    if owner is None:
        return {}

    def count(at: int, name: str, value: int = 1) -> None:
        counts[CountKey(owner.partner, _day(at), owner.link)][name] += value

    if state.registered:
        count(state.registered.at, "registrations")
    if state.kyc:
        count(state.kyc.at, "kyc")
    version = _base_version(state, contracts)
    ftd = first_deposit(state, version.deal if version else None, contracts.rates)
    if ftd:
        count(state.deposits[ftd].at, "ftd")
    if version is not None:
        qualified_once = False
        for key, target in _cpa_targets(state, contracts):
            at = _qualified_moment(target)
            if not qualified_once:
                count(at, "qftd")
                qualified_once = True
            count(at, f"earnings.{key.currency}", target.minor * FINE)
    return {key: dict(values) for key, values in counts.items()}


def first_deposit(state: ClientState, deal: Deal | None, rates: Rates) -> EventKey | None:
    """The FTD: the first deposit of at least the deal's `ftd_minimum` (any deposit, where there is no deal)."""
    best: tuple[int, EventKey] | None = None
    for key, deposit in state.deposits.items():
        if best is not None and (deposit.at, key) >= best:
            continue
        if deal is None or _in_deal_currency(deposit, deal, rates) >= deal.ftd_minimum * FINE:
            best = (deposit.at, key)
    return best[1] if best else None


class _Qualified(NamedTuple):
    """When a client qualified, with the conditions in words and the events that met them."""

    at: int
    lines: tuple[Line, ...]
    evidence: tuple[EventKey, ...]


def _cpa_targets(state: ClientState, contracts: Contracts) -> Iterator[tuple[Key, Target]]:
    version, owner = _base_version(state, contracts), state.owner
    if version is None or owner is None:
        return
    deal = version.deal
    for rule in deal.rules:
        if not isinstance(rule, Cpa):
            continue
        qualified = _qualified(state, rule.qualification, deal, contracts.rates)
        amount = rule.amount_for(state.country)
        if qualified is None or not amount:
            continue
        day = _day(qualified.at)
        key = Key(owner.partner, rule.id, state.client, day[:7], deal.currency, _plus_days(day, deal.hold.days))
        lines = (
            *qualified.lines,
            Line("qualified", str(qualified.at)),
            Line("amount_for_country", decimal_string(amount, deal.currency), (state.country or "",)),
        )
        yield key, Target(amount, "cpa", version.version, Working(lines, qualified.evidence))


def _qualified(state: ClientState, wanted: Qualification, deal: Deal, rates: Rates) -> _Qualified | None:
    anchor = state.anchor
    assert anchor is not None
    met: list[int] = []
    lines: list[Line] = []
    evidence: list[EventKey] = []
    if state.registered:
        evidence.append(state.registered[1:])
        lines.append(Line("registered", str(state.registered.at)))
    if wanted.countries:
        if state.country not in wanted.countries:
            return None
        lines.append(Line("country", state.country or ""))
    if wanted.kyc:
        if state.kyc is None:
            return None
        met.append(state.kyc.at)
        evidence.append(state.kyc[1:])
        lines.append(Line("kyc", str(state.kyc.at)))
    reached = _deposited(state, wanted, deal, rates)
    if reached is None:
        return None
    at, total, keys = reached
    met.append(at)
    evidence += keys
    minimum = wanted.min_deposit if wanted.min_deposit is not None else deal.ftd_minimum
    lines.append(
        Line(
            "deposited",
            show_fine(total, deal.currency),
            (decimal_string(minimum, deal.currency), str(wanted.within_hours or 0), str(at)),
        )
    )
    for name, minimum_count, index in (
        ("lots", wanted.min_lots, 0),
        ("trades", wanted.min_trades, 1),
        ("net_revenue", None if wanted.min_net_revenue is None else wanted.min_net_revenue * FINE, 2),
    ):
        if minimum_count is None:
            continue
        reached_on = _reached(state.activity, index, minimum_count)
        if reached_on is None:
            return None
        day_end = _day_start(reached_on) + DAY_MS - 1
        met.append(day_end)
        lines.append(Line(f"reached_{name}", reached_on, (_show_count(name, minimum_count, deal.currency),)))
    at = max(anchor, *met)
    if wanted.within_days is not None:
        if at > anchor + wanted.within_days * DAY_MS:
            return None
        lines.append(Line("within_days", str(wanted.within_days)))
    return _Qualified(at, tuple(lines), tuple(evidence))


def _deposited(
    state: ClientState, wanted: Qualification, deal: Deal, rates: Rates
) -> tuple[int, int, list[EventKey]] | None:
    """When the deposit condition was met, with the sum (fine) and the deposits that met it.

    A chargeback lowers the deposit it refers to; one that refers to nothing raises the required minimum.
    """
    first = first_deposit(state, deal, rates)
    if first is None:
        return None
    start = state.deposits[first].at
    required = wanted.min_deposit * FINE if wanted.min_deposit is not None else max(deal.ftd_minimum * FINE, 1)
    taken_back: dict[EventKey, int] = defaultdict(int)
    for (source, _), chargeback in state.chargebacks.items():
        fine = _in_deal_currency(chargeback, deal, rates)
        if chargeback.ref is None:
            required += fine
        else:
            taken_back[source, chargeback.ref] += fine
    end = start + (wanted.within_hours or 0) * HOUR_MS
    total, used = 0, []
    for key, deposit in sorted(state.deposits.items(), key=lambda each: (each[1].at, each[0])):
        if not (start <= deposit.at <= end) or (wanted.within_hours is None and key != first):
            continue
        total += max(0, _in_deal_currency(deposit, deal, rates) - taken_back[key])
        used.append(key)
        if total >= required:
            return deposit.at, total, used
    return None


def _reached(activity: Mapping[str, Activity], index: int, minimum: int) -> str | None:
    """The first day from which on the running sum stays at or above the minimum (net revenue can fall again)."""
    total, since = 0, None
    for day in sorted(activity):
        total += activity[day][index]
        if total < minimum:
            since = None
        elif since is None:
            since = day
    return since


def _revshare_targets(
    client: str,
    partner: str,
    rule_id: str,
    currency: str,
    months: Mapping[str, Sequence[tuple[Cell, int]]],
    contracts: Contracts,
) -> Iterator[tuple[Key, Target]]:
    """A client's share month by month; a negative month is forgotten or carried, as the newest version of it says.

    Shares are exact in millionths of a fine unit until the one rounding of the month.
    """
    unit = FINE * PERCENT_ONE
    carry = 0
    for month in sorted(months):
        raw = 0
        lines: list[Line] = []
        for cell, net in months[month]:
            rule = _rule(contracts, cell)
            assert isinstance(rule, Revshare)
            share = net * rule.percent
            raw += share
            lines.append(Line("net_revenue", show_fine(net, currency), (str(cell.version),)))
            lines.append(Line("share", _show(share, unit, currency), (_percent(rule.percent), str(cell.version))))
        newest = max(cell.version for cell, _ in months[month])
        version = contracts.version(partner, newest)
        rule = _rule(contracts, months[month][-1][0])
        assert isinstance(rule, Revshare)
        total = raw
        if rule.negative is NegativeMonths.CARRY and carry:
            total += carry
            lines.append(Line("carried_in", _show(carry, unit, currency)))
        minor = _round_ratio(max(0, total), unit)
        if total < 0:
            lines.append(Line(f"negative_{rule.negative}", _show(total, unit, currency)))
        carry = min(0, total) if rule.negative is NegativeMonths.CARRY else 0
        lines.append(Line("rounded", decimal_string(minor, currency)))
        key = Key(partner, rule_id, client, month, currency, _plus_days(_month_end(month), version.deal.hold.days))
        if minor:
            yield key, Target(minor, "revshare", newest, Working(tuple(lines)))


def _lot_targets(
    client: str,
    partner: str,
    rule_id: str,
    currency: str,
    months: Mapping[str, Sequence[tuple[Cell, int]]],
    contracts: Contracts,
) -> Iterator[tuple[Key, Target]]:
    """Cash per lot, summed per month and day of availability, rounded once."""
    sums: dict[Key, list[tuple[Cell, int]]] = defaultdict(list)
    for month, cells in months.items():
        for cell, fine in cells:
            hold = contracts.version(partner, cell.version).deal.hold
            matures = _plus_days(cell.day or _month_end(month), hold.days)
            sums[Key(partner, rule_id, client, month, currency, matures)].append((cell, fine))
    for key, parts in sums.items():
        minor = _round_ratio(sum(fine for _, fine in parts), FINE)
        lines = (
            *(Line("lot_commission", show_fine(fine, currency), (str(cell.version),)) for cell, fine in parts),
            Line("rounded", decimal_string(minor, currency)),
        )
        if minor:
            yield key, Target(minor, "lot", max(cell.version for cell, _ in parts), Working(lines))


class _Tally:
    """Sums of events under one structure: cells, days of activity, turnover and counts."""

    def __init__(self, structure: ClientState, contracts: Contracts) -> None:
        self.structure = structure
        self.contracts = contracts
        self.cells: dict[Cell, int] = defaultdict(int)
        self.activity: dict[str, list[int]] = {}
        self.turnover: dict[str, list[int]] = {}
        self.counts: Counts = {}
        self.lots = 0
        self.trades = 0
        version = _base_version(structure, contracts)
        self.base = version.deal if version else None
        days = [
            rule.qualification.within_days or 0
            for rule in (self.base.rules if self.base else ())
            if isinstance(rule, Cpa) and rule.qualification.counts_activity
        ]
        anchor = structure.anchor or 0
        self.window = (anchor, anchor + max(days) * DAY_MS) if days else None

    def add(self, events: Iterable[Event]) -> None:
        """Add events. Cancelled events and cancels must be left out by the caller."""
        for event in events:
            at = milliseconds(event.occurred_at)
            day = _day(at)
            trade = event.type is EventType.TRADE
            if trade:
                self.trades += 1
                self.lots += event.lots or 0
            self._turn_over(event)
            if trade and self.window and self.base and self.window[0] <= at <= self.window[1]:
                sums = self.activity.setdefault(day, [0, 0, 0])
                sums[0] += event.lots or 0
                sums[1] += 1
                sums[2] += net_revenue(event, self.base.net_revenue, self.base.currency, self.contracts.rates)
            segment = self.structure.segment_at(at)
            version = self.contracts.version_at(segment.partner, at) if segment else None
            if segment is None or version is None:
                continue
            self._accrue(event, day, segment, version)

    def _turn_over(self, event: Event) -> None:
        index = {EventType.DEPOSIT: 0, EventType.WITHDRAWAL: 1}.get(event.type)
        if index is not None and event.currency is not None:
            self.turnover.setdefault(event.currency, [0, 0])[index] += event.amount or 0

    def _accrue(self, event: Event, day: str, segment: Segment, version: DealVersion) -> None:
        deal, rates = version.deal, self.contracts.rates
        counts: dict[str, int] = defaultdict(int)
        name = {EventType.DEPOSIT: "deposits", EventType.WITHDRAWAL: "withdrawals"}.get(event.type)
        if name and event.currency is not None:
            counts[f"{name}.{deal.currency}"] += rates.fine(event.amount or 0, event.currency, deal.currency, day)
        net = net_revenue(event, deal.net_revenue, deal.currency, rates)
        if net:
            counts[f"net_revenue.{deal.currency}"] += net
        for rule in deal.rules:
            if isinstance(rule, Revshare):
                if net:
                    self.cells[Cell(segment.partner, rule.id, day[:7], version.version, "")] += net
                    counts[f"earnings.{deal.currency}"] += net * rule.percent // PERCENT_ONE
            elif isinstance(rule, Lot):
                commission = lot_commission(event, rule)
                if commission:
                    held = day if deal.hold.counts_from is HoldFrom.EVENT_DAY else ""
                    self.cells[Cell(segment.partner, rule.id, day[:7], version.version, held)] += commission
                    counts[f"earnings.{deal.currency}"] += commission
        if counts:
            sums = self.counts.setdefault(CountKey(segment.partner, day, segment.link), {})
            for metric, value in counts.items():
                sums[metric] = sums.get(metric, 0) + value


def _event_counts(state: ClientState, history: Sequence[Event], contracts: Contracts) -> Counts:
    """What the state's applied events were counted as, under the contracts it knew."""
    tally = _Tally(state, contracts.as_known(state.known))
    tally.add(event for event in history if _counts(event, state.cancelled))
    return tally.counts


def _deciding_deposits(state: ClientState, contracts: Contracts) -> dict[EventKey, Deposit]:
    """The deposits that FTD and qualification can still depend on: up to the window after the first deposit.

    Later ones can never matter again: the first deposit only moves earlier, and what undoes it (a cancel, another
    deal) refolds the client.
    """
    version = _base_version(state, contracts)
    deal = version.deal if version else None
    first = first_deposit(state, deal, contracts.rates)
    if first is None:
        return dict(state.deposits)
    hours = max(
        (rule.qualification.within_hours or 0 for rule in (deal.rules if deal else ()) if isinstance(rule, Cpa)),
        default=0,
    )
    end = state.deposits[first].at + hours * HOUR_MS
    return {key: deposit for key, deposit in state.deposits.items() if deposit.at <= end}


def _active(base: Mapping[str, Activity], more: Mapping[str, Sequence[int]]) -> dict[str, Activity]:
    days = dict(base)
    for day, sums in more.items():
        held = days.get(day, Activity(0, 0, 0))
        days[day] = Activity(held.lots + sums[0], held.trades + sums[1], held.net_revenue + sums[2])
    return days


def _base_version(state: ClientState, contracts: Contracts) -> DealVersion | None:
    """The deal version at the anchor, of the partner the registration belongs to: a cpa is priced under it."""
    if state.owner is None or state.anchor is None:
        return None
    return contracts.version_at(state.owner.partner, state.anchor)


def _withdrawn(key: Key, contracts: Contracts) -> Target:
    """The target of a key that nothing speaks for any more: zero."""
    versions = contracts.deals.get(key.partner, ())
    newest = max(versions, key=lambda version: version.version, default=None)
    kinds = [rule.kind for rule in newest.deal.rules if rule.id == key.rule] if newest else []
    lines = (Line("no_longer_owed", decimal_string(0, key.currency)),)
    return Target(0, kinds[0] if kinds else key.rule, newest.version if newest else 0, Working(lines))


def _rule(contracts: Contracts, cell: Cell) -> Cpa | Revshare | Lot:
    return next(rule for rule in contracts.version(cell.partner, cell.version).deal.rules if rule.id == cell.rule)


def _qualified_moment(target: Target) -> int:
    return int(next(line.result for line in target.working.lines if line.step == "qualified"))


def _counts(event: Event, cancelled: frozenset[EventKey]) -> bool:
    return event.type is not EventType.CANCEL and event.key not in cancelled


def _component(event: Event, field: str) -> int:
    if event.type is EventType.TRADE:
        return int(getattr(event, field) or 0) if field in ("spread", "commission", "swap", "pnl") else 0
    return event.amount or 0 if _CASH.get(event.type) == field else 0


_CASH = {
    EventType.DEPOSIT: "deposits",
    EventType.WITHDRAWAL: "withdrawals",
    EventType.CREDIT: "credits",
    EventType.CHARGEBACK: "chargebacks",
}


def _in_deal_currency(flow: Deposit | Chargeback, deal: Deal, rates: Rates) -> int:
    return rates.fine(flow.minor, flow.currency, deal.currency, _day(flow.at))


def _summed(base: Mapping[Cell, int], more: Mapping[Cell, int]) -> dict[Cell, int]:
    total = dict(base)
    for cell, value in more.items():
        total[cell] = total.get(cell, 0) + value
    return {cell: value for cell, value in total.items() if value}


def _add_counts(counts: Counts, more: Counts) -> None:
    for key, values in more.items():
        sums = counts.setdefault(key, {})
        for name, value in values.items():
            sums[name] = sums.get(name, 0) + value


def _negated(counts: Counts) -> Counts:
    return {key: {name: -value for name, value in values.items()} for key, values in counts.items()}


def _round_ratio(numerator: int, denominator: int) -> int:
    """The one rounding of a target: half-even."""
    quotient, rest = divmod(numerator, denominator)
    double = rest * 2
    return quotient + (double > denominator or (double == denominator and quotient & 1))


def show_fine(fine: int, currency: str) -> str:
    """Fine units as a decimal string in major units, as short as it is exact (8 decimals at most)."""
    return _show(fine, FINE, currency)


def _show(value: int, unit: int, currency: str) -> str:
    places = decimals(currency)
    scaled = _round_ratio(abs(value) * 10 ** (8 - places), unit)
    text = str(scaled).rjust(9, "0")
    whole, part = text[:-8], text[-8:].rstrip("0").ljust(places, "0")
    sign = "-" if value < 0 and scaled else ""
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def _show_count(name: str, value: int, currency: str) -> str:
    if name == "trades":
        return str(value)
    return show_fine(value, currency) if name == "net_revenue" else show_lots(value)


def show_lots(lots: int) -> str:
    """Lots as a decimal string."""
    whole, part = divmod(lots, LOT)
    return f"{whole}.{part:08d}".rstrip("0").rstrip(".")


def _percent(percent: int) -> str:
    whole, part = divmod(percent, PERCENT_ONE // 100)
    return f"{whole}.{part:04d}".rstrip("0").rstrip(".")


def _day(at_ms: int) -> str:
    found = _DAYS.get(at_ms // DAY_MS)
    if found is None:
        found = _DAYS[at_ms // DAY_MS] = from_milliseconds(at_ms).strftime("%Y-%m-%d")
    return found


_DAYS: dict[int, str] = {}
"""Day numbers already written out: a pure function's results, kept because every event asks."""


def _day_start(day: str) -> int:
    year, month, date = map(int, day.split("-"))
    return (_ordinal(year, month, date) - _ordinal(1970, 1, 1)) * DAY_MS


def _ordinal(year: int, month: int, day: int) -> int:
    from datetime import date

    return date(year, month, day).toordinal()


def _plus_days(day: str, days: int) -> str:
    return _day(_day_start(day) + days * DAY_MS)


def _month_end(month: str) -> str:
    year, number = map(int, month.split("-"))
    following = (year + number // 12, number % 12 + 1)
    return _day(_day_start(f"{following[0]}-{following[1]:02d}-01") - 1)
