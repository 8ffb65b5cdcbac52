"""Earnings: from a client's events to what is owed, as a difference to what was posted.

`accrue` takes the state, new events and the contracts, and says the next state, what to post and what to count. It is a
pure function; delivering events in any order, split in any way, gives the same state and the same sums
(engine.md, claims A and B). The rules (`domain/rules`) are exact until one rounding per key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from introducer.domain.attribution import attribute
from introducer.domain.calendar import DAY_MS, day_at, day_start
from introducer.domain.client import Cell, ClientState, EventKey, Ruling, Segment, merge
from introducer.domain.contest_score import Seen, seen
from introducer.domain.contracts import Contracts, Known
from introducer.domain.counts import CountKey, Counts, ScoreKey, add_counts, without_zeros
from introducer.domain.deal import PerClient
from introducer.domain.events import Event, EventType, milliseconds
from introducer.domain.fraud.tracing import NOTHING, Traced, traced
from introducer.domain.ledger import Key, Line
from introducer.domain.money import FINE, decimal_string
from introducer.domain.rows import MonthOf, Row, months_of, rows_of
from introducer.domain.rules import cpa, cpl, lot, qualification, revshare
from introducer.domain.rules.target import Target, Targets
from introducer.domain.tally import Tally


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
    weighed: tuple[Event, ...]
    """The events that were added up: the new ones, or all of the client's when the structure changed."""
    rows: Mapping[MonthOf, Row] = field(default_factory=dict)
    """What the client is now in partners' months, where rules look at clients together."""
    traced: Traced = NOTHING
    """What detectors see of it that they did not see before."""


class HistoryNeeded(Exception):
    """The structure changed: `accrue` must be called again with the client's applied events."""


def accrue(
    state: ClientState, events: Iterable[Event], contracts: Contracts, history: Sequence[Event] | None = None
) -> Transition:
    """Fold new events into a client's state.

    `events` may repeat; what is already applied must be left out. Raises `HistoryNeeded` when a change of structure
    (anchor, attribution, source, cancelled ids, deal versions, standings) asks for the applied events, and
    `RateMissing`.
    """
    new = {event.key: event for event in events}
    cancelled = state.cancelled | {
        (event.source, event.ref) for event in new.values() if event.type is EventType.CANCEL and event.ref
    }
    facts = [event for event in new.values() if happened(event, cancelled)]
    merged = _with_clicks(merge(state, facts, contracts), state, contracts)
    timeline = attribute(merged, contracts)
    counts: Counts = {}
    add_counts(counts, state.uncounted)
    refold = state.events > 0 and (
        cancelled != state.cancelled
        or merged.anchor != state.anchor
        or timeline != state.timeline
        or _came_otherwise(state, merged)
        or merged.rulings != state.rulings
        or known_contracts(state.timeline, contracts, state.last_at) != state.known
        or _contests_moved(state, contracts)
    )
    if refold:
        if history is None:
            raise HistoryNeeded
        add_counts(counts, _counted(state, history, contracts), -1)
        everything = {event.key: event for event in history} | new
        facts = [event for event in everything.values() if happened(event, cancelled)]
        merged = merge(ClientState(state.brand, state.client), facts, contracts, believed=state.visits)
        merged = _with_clicks(merged, state, contracts)
        timeline = attribute(merged, contracts)
    structure = merged if timeline == merged.timeline else replace(merged, timeline=timeline)
    tally = Tally(structure, contracts, None if refold else state)
    tally.add(facts)
    add_counts(counts, tally.counts)
    last_at = max([state.last_at, *(milliseconds(event.occurred_at) for event in new.values())])
    after = replace(
        structure,
        deposits=qualification.deciding_deposits(structure, contracts),
        cancelled=cancelled,
        cells=tally.cells,
        activity=tally.activity,
        turnover=tally.turnover,
        lots=tally.lots,
        trades=tally.trades,
        quick_lots=tally.quick_lots,
        flat_lots=tally.flat_lots,
        posted=state.posted,
        known=known_contracts(timeline, contracts, last_at),
        contests=seen_contests(state, contracts, last_at),
        first_holder=_first_holder(state, structure),
        last_at=last_at,
        events=state.events + len(new),
        version=state.version,
        uncounted={},
        due=frozenset(),
        unfinished=False,
    )
    if not refold and _paid_once_stands(state, after):
        # What is paid once per client stands as it is posted, and so do the counts made once, and the months before the
        # first of these events: nine events of ten are trades, and change none of them.
        since = min((day_at(milliseconds(event.occurred_at))[:7] for event in facts), default="9999-12")
        standing = _paid_once(after, contracts)
        standing |= {key: minor for key, minor in state.posted.items() if key.earn_month < since}
        owed = monthly_targets(after, contracts, since)
    else:
        add_counts(counts, mark_counts(state, contracts.as_known(state.known, state.contests)), -1)
        add_counts(counts, mark_counts(after, contracts))
        standing = {}
        owed = targets(after, contracts)
    posted = standing | {key: target.minor for key, target in owed.items() if target.minor}
    after = replace(after, posted=posted)
    before = {key: minor for key, minor in state.posted.items() if key not in standing}
    postings = difference(owed, before, contracts, after.ruling_at(last_at))
    return Transition(
        after,
        postings,
        without_zeros(counts),
        tuple(sorted(new.values(), key=lambda event: event.order)),
        tuple(sorted(facts, key=lambda event: event.order)),
        _rows(state, after, facts, postings, contracts, refold=refold),
        traced(state, after, [*(history or ()), *new.values()] if refold else facts, contracts, refold=refold),
    )


def _with_clicks(merged: ClientState, state: ClientState, contracts: Contracts) -> ClientState:
    """The structure with what is known of its clicks: what the state knew, else what was found now. It only grows, so
    that what a fold counted can be counted back."""
    if state.came is None and not state.events:
        # Somebody counts a client again as it was counted then.
        return replace(merged, came=None)
    known = state.came or {}
    came = {
        click: found
        for click in merged.visits
        if (found := known.get(click) or contracts.clicks.get(click)) is not None
    }
    return merged if came == merged.came else replace(merged, came=came)


def _came_otherwise(before: ClientState, merged: ClientState) -> bool:
    """Whether a client, whose timeline is as it was, is counted under another source from now on: its registration,
    which says its country, came after something else of that moment; or its click was recorded late."""
    if before.came is None:
        return merged.came is not None
    return any(before.source_of(segment) != merged.source_of(segment) for segment in before.timeline)


def _first_holder(before: ClientState, after: ClientState) -> str:
    """Under whom the client was listed first, once that is another than who has it."""
    first = before.first_holder or (before.holder.partner if before.holder else "")
    holds = after.holder.partner if after.holder else ""
    return before.first_holder if holds == first else first


def first_part(transition: Transition, items: int) -> Transition:
    """As much of a transition as fits into so many items besides its events and its state, each partner's balance
    counted; the rest follows by folding no events into the state this leaves.

    Postings that do not fit are not in `posted` yet, so the difference names them again; counts and rows that do not
    fit stay in the state. A client of many months that changes hands is the case this is for.
    """
    partners: set[str] = set()
    postings: list[Posting] = []
    for posting in transition.postings:
        if len(postings) + len(partners | {posting.key.partner}) >= items:
            break
        partners.add(posting.key.partner)
        postings.append(posting)
    posted = dict(transition.state.posted)
    for posting in transition.postings[len(postings) :]:
        posted.pop(posting.key, None)
        if posting.before:
            posted[posting.key] = posting.before
    room = items - len(postings) - len(partners)
    ordered = sorted(transition.counts.items())
    rest = dict(ordered[room:])
    # Rows show what is posted in all, so they come last, and together with what they show.
    room = 0 if rest or len(postings) < len(transition.postings) else room - len(ordered)
    rows = sorted(transition.rows.items())
    due = frozenset(month for month, _ in rows[room:])
    unfinished = bool(rest) or len(postings) < len(transition.postings) or bool(due)
    state = replace(transition.state, posted=posted, uncounted=rest, due=due, unfinished=unfinished)
    counts = dict(ordered[: len(ordered) - len(rest)])
    return replace(transition, state=state, postings=tuple(postings), counts=counts, rows=dict(rows[:room]))


def targets(state: ClientState, contracts: Contracts) -> Targets:
    """What the client-scoped rules say in all, per key."""
    once: Targets = {}
    for paid in (cpa.targets(state, contracts), cpl.targets(state, contracts)):
        once |= {key: target for key, target in paid.targets.items() if key not in paid.shared}
    return once | monthly_targets(state, contracts)


def monthly_targets(state: ClientState, contracts: Contracts, since: str = "") -> Targets:
    """What the rules say that are reckoned per month: revenue shares and lots, from a month on."""
    owed: Targets = {}
    lanes: dict[tuple[str, str, str, str], dict[str, list[tuple[Cell, int]]]] = defaultdict(lambda: defaultdict(list))
    for cell, fine in state.cells.items():
        if "~" in cell.rule:
            continue
        rule_of_cell = contracts.rule(cell.partner, cell.version, cell.rule)
        if rule_of_cell.shared:
            continue
        kind = rule_of_cell.kind
        currency = contracts.version(cell.partner, cell.version).deal.currency
        lanes[cell.partner, cell.rule, kind, currency][cell.month].append((cell, fine))
    for (partner, rule, kind, currency), months in lanes.items():
        pricing = revshare.targets if kind == "revshare" else lot.targets
        owed |= pricing(state.client, partner, rule, currency, months, contracts, since)
    return owed


def mark_counts(state: ClientState, contracts: Contracts) -> Counts:
    """The counts a client makes once: registration, KYC, FTD, QFTD, what it earned (cpa, cpl) when it qualified, and
    what of these scores in contests."""
    owner = state.owner
    if owner is None:
        return {}
    marks, source = _marks(state, contracts), state.source_of(owner)
    counts: Counts = {}
    for at, name, value in marks:
        add_counts(counts, {CountKey(owner.partner, day_at(at), owner.link, *source): {name: value}})
    for key, scored in mark_scores(state, contracts, marks).items():
        add_counts(counts, {key: {name: len(moments) for name, moments in scored.items()}})
    return counts


def _marks(state: ClientState, contracts: Contracts) -> list[tuple[int, str, int]]:
    """What happens once to a client: when (ms), what, how much."""
    marks: list[tuple[int, str, int]] = []
    if state.registered:
        marks.append((state.registered.at, "registrations", 1))
    if state.kyc:
        marks.append((state.kyc.at, "kyc", 1))
    version = qualification.base_version(state, contracts)
    ftd = qualification.first_deposit(state, version.deal if version else None, contracts.rates)
    if ftd:
        marks.append((state.deposits[ftd].at, "ftd", 1))
    qualified = cpa.targets(state, contracts)
    if qualified.qualified:
        marks.append((min(each.at for each in qualified.qualified.values()), "qftd", 1))
    for paid in (qualified, cpl.targets(state, contracts)):
        for key, target in paid.targets.items():
            marks.append((paid.qualified[key].at, f"earnings.{key.currency}", target.minor * FINE))
    return marks


def mark_scores(
    state: ClientState, contracts: Contracts, marks: Iterable[tuple[int, str, int]] | None = None
) -> dict[ScoreKey, dict[str, list[int]]]:
    """When those of a client's marks were made that score in contests, by what they are. A client that is disallowed,
    or whose partner was blocked at that moment, scores nothing."""
    owner = state.owner
    if marks is None:
        marks = _marks(state, contracts)
    scored: dict[ScoreKey, dict[str, list[int]]] = {}
    for window in contracts.scoring(state.brand) if owner else ():
        assert owner is not None
        for at, name, _ in marks:
            if (
                name in window.metrics
                and window.holds(at)
                and not state.disallowed_at(at)
                and not contracts.blocked_at(owner.partner, at)
            ):
                scored.setdefault(ScoreKey(owner.partner, window.contest), {}).setdefault(name, []).append(at)
    return scored


def known_contracts(timeline: tuple[Segment, ...], contracts: Contracts, until: int) -> dict[str, Known]:
    """What a fold up to a moment (ms) sees of each partner on the timeline, and of those above it."""
    partners = {segment.partner for segment in timeline}
    if contracts.parents:
        month = day_at(until)[:7]
        partners |= {above for partner in partners for above in contracts.ancestors(partner, month)}
    return {partner: contracts.known_by(partner, until) for partner in partners}


def _contests_moved(state: ClientState, contracts: Contracts) -> bool:
    """Whether a window is another than this state was folded under. One that is listed no more is forgotten."""
    windows = contracts.windows.get(state.brand, ())
    if not windows:
        return False
    found = seen_contests(state, contracts, state.last_at)
    return any(found.get(each.contest) != state.contests.get(each.contest) for each in windows if not each.frozen)


def seen_contests(state: ClientState, contracts: Contracts, until: int) -> Mapping[str, Seen]:
    """What a fold up to a moment (ms) sees of the brand's contests: to the end of that day, because a client that
    trades enough qualifies then. What was counted for good stays as it was seen."""
    windows = contracts.windows.get(state.brand, ())
    if not windows:
        return {}
    found = seen(windows, day_start(day_at(until)) + DAY_MS - 1)
    frozen = {window.contest for window in windows if window.frozen}
    return found | {contest: state.contests[contest] for contest in frozen & state.contests.keys() & found.keys()}


def happened(event: Event, cancelled: frozenset[EventKey]) -> bool:
    """Whether an event counts: a cancelled one never happened, and a cancel is only about another."""
    return event.type is not EventType.CANCEL and event.key not in cancelled


def _counted(state: ClientState, history: Sequence[Event], contracts: Contracts) -> Counts:
    """What the applied events were counted as, under the structure and the contracts the state knew."""
    tally = Tally(state, contracts.as_known(state.known, state.contests))
    tally.add(event for event in history if happened(event, state.cancelled))
    return tally.counts


def _rows(
    before: ClientState,
    after: ClientState,
    facts: Sequence[Event],
    postings: Sequence[Posting],
    contracts: Contracts,
    *,
    refold: bool,
) -> dict[MonthOf, Row]:
    """The rows that changed. After a refold, all of them: what was written before may have followed other contracts."""
    partners = {segment.partner for segment in (*before.timeline, *after.timeline)}
    partners |= {partner for partner, _ in before.due}
    if not any(_may_need_rows(partner, contracts) for partner in partners):
        return {}
    if refold:
        return rows_of(after, contracts, months_of(before, contracts) | months_of(after, contracts) | before.due)
    if not _paid_once_stands(before, after):
        months = months_of(before, contracts) | months_of(after, contracts)
        was = rows_of(before, contracts, months)
        now = rows_of(after, contracts, months | before.due)
        return {month: row for month, row in now.items() if month in before.due or row != was[month]}
    moments = [milliseconds(event.occurred_at) for event in facts]
    segments = [(after.segment_at(at), at) for at in moments]
    months = {(segment.partner, day_at(at)[:7]) for segment, at in segments if segment}
    # A late event also changes what is carried into later months.
    return rows_of(after, contracts, months | {(each.key.partner, each.key.earn_month) for each in postings})


def _may_need_rows(partner: str, contracts: Contracts) -> bool:
    """Whether anything might look at the partner's clients together: a rule of its own, or of somebody above."""
    return partner in contracts.parents or any(
        each.deal.looks_at_all_clients for each in contracts.deals.get(partner, ())
    )


def _paid_once_stands(before: ClientState, after: ClientState) -> bool:
    """Whether everything that rules paid once per client look at is as it was, and was posted in full."""
    return (
        not before.unfinished
        and after.registered == before.registered
        and after.kyc == before.kyc
        and after.country == before.country
        and after.deposits == before.deposits
        and after.chargebacks == before.chargebacks
        and after.activity == before.activity
        and after.rulings == before.rulings
    )


def _paid_once(state: ClientState, contracts: Contracts) -> dict[Key, int]:
    """What is posted under rules that pay once per client; their version is the one at the anchor."""
    version = qualification.base_version(state, contracts)
    if version is None:
        return {}
    rules = {rule.id for rule in version.deal.rules if isinstance(rule, PerClient)}
    return {key: minor for key, minor in state.posted.items() if key.rule in rules and key.partner == version.partner}


def difference(
    owed: Targets, posted: Mapping[Key, int], contracts: Contracts, ruling: Ruling | None = None
) -> tuple[Posting, ...]:
    """What to post: for each key what it is owed less what the books hold. `ruling` is the last verdict about the
    client: a receipt names it where nothing is owed any more."""
    postings = []
    for key in sorted(owed.keys() | posted.keys()):
        target = owed.get(key) or _no_longer_owed(key, contracts, ruling)
        before = posted.get(key, 0)
        if target.minor != before:
            postings.append(Posting(key, target.minor - before, before, target))
    return tuple(postings)


def _no_longer_owed(key: Key, contracts: Contracts, ruling: Ruling | None) -> Target:
    """The target of a key that nothing speaks for any more: zero."""
    newest = max(contracts.deals.get(key.partner, ()), key=lambda version: version.version, default=None)
    kind = next((rule.kind for rule in newest.deal.rules if rule.id == key.rule), key.rule) if newest else key.rule
    nothing = decimal_string(0, key.currency)
    if ruling is not None and ruling.disallowed:
        line = Line("disallowed", nothing, (ruling.reason, ruling.case))
    else:
        line = Line("no_longer_owed", nothing)
    return Target(0, kind, newest.version if newest else 0, (line,))
