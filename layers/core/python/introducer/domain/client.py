"""A client's state: what the engine folded from the client's events.

A *structure* (registration, KYC, click evidence, deposits, chargebacks, cancelled ids; combined by min, union and keyed
put) decides which *cell* an event falls in; cells are integer sums. Both are independent of the order of events by
construction. Nothing in it depends on when an event arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from introducer.domain import click_id
from introducer.domain.calendar import DAY_MS
from introducer.domain.contest_score import Seen
from introducer.domain.contracts import Contracts, Known, LinkTerms
from introducer.domain.counts import Counts
from introducer.domain.events import DISALLOWED, Event, EventType, milliseconds
from introducer.domain.ledger import Key

EventKey = tuple[str, str]


class Mark(NamedTuple):
    """When something happened first, and by which event."""

    at: int
    source: str
    event_id: str


LEAD_WINDOW_DAYS = 90
"""How long before the anchor a lead may have come. Longer than a click's: a person works on it meanwhile."""


class Visit(NamedTuple):
    """A genuine, unflagged click that an event of the client named; or a lead, which came by a link too."""

    at: int
    link: str


class Deposit(NamedTuple):
    at: int
    minor: int
    currency: str


class Chargeback(NamedTuple):
    at: int
    minor: int
    currency: str
    ref: str | None


class Move(NamedTuple):
    """Staff decided that the client is this partner's from `start` on (ms; 0: from the beginning)."""

    decided_at: int
    start: int
    partner: str


class Ruling(NamedTuple):
    """A case was decided: from `start` on (ms; 0: from the beginning) the client earns nothing, or earns again."""

    decided_at: int
    start: int
    disallowed: bool
    case: str
    reason: str


class Segment(NamedTuple):
    """From a moment on (ms), the client belongs to this partner by this evidence: a click of a link, a lead that came
    by one (a link without a click), or a decision (no link)."""

    start: int
    partner: str
    link: str
    campaign: str
    click: str


QUICK_MS = 3 * 60_000
"""A trade that was open for less than this is a quick one."""

EARLY_MS = 7 * DAY_MS
"""How long after the first deposit withdrawals are remembered."""

ALL_REVENUE, ALL_LOTS = "~net", "~lots"
"""Cells that no rule has: the partner's net revenue (fine units) and lots (`LOT` to one), for tiers and goals."""


class Cell(NamedTuple):
    """Where an event's value is summed. `part` tells apart what one rule prices or holds differently: the event's day,
    when the hold counts from it; a promotion; whose price it was."""

    partner: str
    rule: str
    month: str
    version: int
    part: str


class Activity(NamedTuple):
    """A day of trading that a cpa counts: lots (`LOT` to one), trades, net revenue (fine units)."""

    lots: int
    trades: int
    net_revenue: int


class Turnover(NamedTuple):
    """Minor units paid in and out, in one currency."""

    deposits: int
    withdrawals: int


@dataclass(frozen=True, slots=True)
class ClientState:
    """The fold of one client's events. Mappings are never changed in place."""

    brand: str
    client: str
    first: Mark | None = None
    """The earliest event save cancels, chargebacks and moves; stands for the registration until that arrives."""
    registered: Mark | None = None
    country: str | None = None
    kyc: Mark | None = None
    visits: Mapping[str, Visit] = field(default_factory=dict)
    leads: Mapping[str, Visit] = field(default_factory=dict)
    """The brand's leads that events of the client named, each with when it came; a duplicate twice."""
    deposits: Mapping[EventKey, Deposit] = field(default_factory=dict)
    """The deposits that decide FTD and qualification; later ones are only in the sums."""
    chargebacks: Mapping[EventKey, Chargeback] = field(default_factory=dict)
    moves: Mapping[EventKey, Move] = field(default_factory=dict)
    rulings: Mapping[EventKey, Ruling] = field(default_factory=dict)
    withdrawals: Mapping[EventKey, Deposit] = field(default_factory=dict)
    """Those of the week from the first deposit on: for detectors alone."""
    cancelled: frozenset[EventKey] = frozenset()
    timeline: tuple[Segment, ...] = ()
    cells: Mapping[Cell, int] = field(default_factory=dict)
    """Fine units: net revenue for a revenue share, commission for lots; and what tiers and goals look at."""
    activity: Mapping[str, Activity] = field(default_factory=dict)
    turnover: Mapping[str, Turnover] = field(default_factory=dict)
    lots: int = 0
    trades: int = 0
    quick_lots: int = 0
    """Of the lots, those of trades that were open for less than `QUICK_MS`."""
    flat_lots: int = 0
    """Of the lots, those of trades whose result was not larger than their costs."""
    posted: Mapping[Key, int] = field(default_factory=dict)
    """What the books hold for each key, minor units; keys with nothing posted are absent."""
    known: Mapping[str, Known] = field(default_factory=dict)
    """What this fold saw of each partner's contracts; more of them refolds the client."""
    contests: Mapping[str, Seen] = field(default_factory=dict)
    """What it saw of each contest's window; one that was moved since refolds the client."""
    last_at: int = 0
    events: int = 0
    uncounted: Counts = field(default_factory=dict)
    """Counts that did not fit into the transaction that made them; the next one takes them. Almost always empty."""
    due: frozenset[tuple[str, str]] = frozenset()
    """Partners and months whose rows did not fit either. Almost always empty."""
    unfinished: bool = False
    """Whether postings, counts or rows of the last fold still wait for a transaction of their own."""
    first_holder: str = field(default="", compare=False)
    """Under which partner the client was listed first, once it is or was listed under another: in whose batch a contest
    counts it. Which one that is depends on the order of delivery: not part of what the state says."""
    version: int = 0
    """How often the item was written; the condition of the next write. Not part of what the state says."""

    @property
    def anchor(self) -> int | None:
        """The moment attribution and cpa count from: the registration, else the first event (ms)."""
        mark = self.registered or self.first
        return mark.at if mark else None

    @property
    def owner(self) -> Segment | None:
        """The partner's segment at the anchor: whose registration it is."""
        anchor = self.anchor
        return None if anchor is None else self.segment_at(anchor)

    @property
    def holder(self) -> Segment | None:
        """The last segment: who has the client now, and lists it."""
        return self.timeline[-1] if self.timeline else None

    def ruling_at(self, at_ms: int) -> Ruling | None:
        """The decision in force about a moment: of each case the last one made that reaches it, and of those the last
        that is against the client, if one is. An appeal that was right undoes its own case, and no other. None where
        nobody decided."""
        last: dict[str, tuple[int, EventKey, Ruling]] = {}
        for key, each in self.rulings.items():
            made = (each.decided_at, key, each)
            if each.start <= at_ms and (each.case not in last or made > last[each.case]):
                last[each.case] = made
        against = [made for made in last.values() if made[2].disallowed]
        found = against or last.values()
        return max(found)[2] if found else None

    def disallowed_at(self, at_ms: int) -> bool:
        """Whether what happens at a moment earns nothing, by the verdict of a case."""
        ruling = self.ruling_at(at_ms) if self.rulings else None
        return ruling is not None and ruling.disallowed

    def segment_at(self, at_ms: int) -> Segment | None:
        """Who the client belonged to at a moment."""
        found = None
        for segment in self.timeline:
            if segment.start <= at_ms:
                found = segment
        return found


def merge(
    state: ClientState, events: Iterable[Event], contracts: Contracts, believed: Mapping[str, Visit] | None = None
) -> ClientState:
    """The structure with more events in it. Cancelled events and cancels themselves must be left out by the caller.

    `believed` are visits that were verified before: a key that is no longer held does not undo them.
    """
    first, registered, country, kyc = state.first, state.registered, state.country, state.kyc
    visits, deposits, chargebacks = dict(state.visits), dict(state.deposits), dict(state.chargebacks)
    leads = dict(state.leads)
    moves, rulings, withdrawals = dict(state.moves), dict(state.rulings), dict(state.withdrawals)
    for event in events:
        mark = Mark(milliseconds(event.occurred_at), event.source, event.event_id)
        if event.click_id is not None and event.click_id not in visits:
            click = click_id.verify(event.click_id, contracts.click_keys)
            if believed and event.click_id in believed:
                visits[event.click_id] = believed[event.click_id]
            elif click is not None and not click.flagged:
                visits[click.text] = Visit(click.at_ms, click.link_id)
        leads |= _led(event, contracts)
        if event.type in _NO_ANCHOR:
            _add_beside(event, mark.at, chargebacks, moves, rulings)
            continue
        first = mark if first is None else min(first, mark)
        if event.type is EventType.REGISTRATION:
            if registered is None or mark < registered:
                registered, country = mark, event.country
        elif event.type is EventType.KYC:
            if event.status == "approved":
                kyc = mark if kyc is None else min(kyc, mark)
        elif event.type in (EventType.DEPOSIT, EventType.WITHDRAWAL):
            assert event.amount is not None and event.currency is not None
            flows = deposits if event.type is EventType.DEPOSIT else withdrawals
            flows[event.key] = Deposit(mark.at, event.amount, event.currency)
    withdrawals = early(withdrawals, deposits)
    if (first, registered, kyc) == (state.first, state.registered, state.kyc) and (
        (country, visits, leads, deposits, chargebacks, moves, rulings, withdrawals)
        == (
            state.country,
            state.visits,
            state.leads,
            state.deposits,
            state.chargebacks,
            state.moves,
            state.rulings,
            state.withdrawals,
        )
    ):
        return state
    return replace(
        state,
        first=first,
        registered=registered,
        country=country,
        kyc=kyc,
        visits=visits,
        leads=leads,
        deposits=deposits,
        chargebacks=chargebacks,
        moves=moves,
        rulings=rulings,
        withdrawals=withdrawals,
    )


_NO_ANCHOR = frozenset({EventType.CHARGEBACK, EventType.MOVE, EventType.VERDICT, EventType.LEAD})
"""Events that say nothing of when the client was first heard of."""


def _led(event: Event, contracts: Contracts) -> dict[str, Visit]:
    """The lead that an event names; of a duplicate, the one that came first, and that it came again. What another
    brand's form brought says nothing here."""
    lead = None if event.lead_id is None else contracts.leads.get(event.lead_id)
    if event.lead_id is None or lead is None or lead.brand != event.brand:
        return {}
    came = {event.lead_id: Visit(lead.at, lead.link)}
    return came | {f"{event.lead_id} again": Visit(lead.again, lead.link)} if lead.again else came


def _add_beside(
    event: Event,
    at: int,
    chargebacks: dict[EventKey, Chargeback],
    moves: dict[EventKey, Move],
    rulings: dict[EventKey, Ruling],
) -> None:
    """Add a chargeback, or what people decided."""
    if event.type is EventType.CHARGEBACK:
        assert event.amount is not None and event.currency is not None
        chargebacks[event.key] = Chargeback(at, event.amount, event.currency, event.ref)
        return
    start = milliseconds(event.starts_at) if event.starts_at else 0
    if event.type is EventType.MOVE:
        assert event.partner is not None
        moves[event.key] = Move(at, start, event.partner)
    elif event.type is EventType.VERDICT:
        disallowed = event.status == DISALLOWED
        rulings[event.key] = Ruling(at, start, disallowed, event.case or "", event.reason or "")


def early(withdrawals: Mapping[EventKey, Deposit], deposits: Mapping[EventKey, Deposit]) -> dict[EventKey, Deposit]:
    """The withdrawals of the week from the first deposit on; all, while there is none. The first deposit only moves
    earlier (what undoes it refolds the client), so what is passed over never matters again."""
    if not withdrawals or not deposits:
        return dict(withdrawals)
    end = min(deposit.at for deposit in deposits.values()) + EARLY_MS
    return {key: each for key, each in withdrawals.items() if each.at <= end}


def attribute(state: ClientState, contracts: Contracts) -> tuple[Segment, ...]:
    """Whose client it is, when: by the clicks, without one by the leads, and then by what staff decided.

    Decisions paint [start, ∞) in the order in which they were made, ties by id: a later one covers an earlier one.
    """
    segments = list(_by_clicks(state, contracts) or _by_leads(state, contracts))
    for _, move in sorted(state.moves.items(), key=lambda each: (each[1].decided_at, each[0])):
        segments = [segment for segment in segments if segment.start < move.start]
        segments.append(Segment(move.start, move.partner, "", "", ""))
    return tuple(segments)


def _by_clicks(state: ClientState, contracts: Contracts) -> tuple[Segment, ...]:
    """The last click in [anchor − window, anchor], or the first one of that campaign where the campaign says so.

    Ties go by click id, so that the order of arrival decides nothing.

    Only the brand's own links count: click ids of all brands are signed alike, and anybody can copy one.
    The anchor's whole second counts: platforms report seconds, and a click of the same second came before.
    """
    anchor = state.anchor
    if anchor is None:
        return ()
    until = anchor - anchor % 1000 + 999
    eligible: list[tuple[int, str, LinkTerms]] = []
    for text, visit in state.visits.items():
        terms = contracts.links.get(visit.link)
        if (
            terms is not None
            and terms.brand == state.brand
            and anchor - terms.window_days * DAY_MS <= visit.at <= until
        ):
            eligible.append((visit.at, text, terms))
    if not eligible:
        return ()
    _, click, terms = max(eligible, key=lambda each: each[:2])
    if terms.first_click:
        _, click, terms = min(
            (each for each in eligible if each[2].campaign == terms.campaign), key=lambda each: each[:2]
        )
    return (Segment(0, terms.partner, terms.link, terms.campaign, click),)


def _by_leads(state: ClientState, contracts: Contracts) -> tuple[Segment, ...]:
    """The last lead in [anchor − `LEAD_WINDOW_DAYS`, anchor]; ties go by its id. One that came after the client did
    brought nobody."""
    anchor = state.anchor
    if anchor is None:
        return ()
    until = anchor - anchor % 1000 + 999
    eligible = [
        (visit.at, lead, terms)
        for lead, visit in state.leads.items()
        if (terms := contracts.links.get(visit.link)) is not None
        and terms.brand == state.brand
        and anchor - LEAD_WINDOW_DAYS * DAY_MS <= visit.at <= until
    ]
    if not eligible:
        return ()
    terms = max(eligible, key=lambda each: each[:2])[2]
    return (Segment(0, terms.partner, terms.link, terms.campaign, ""),)
