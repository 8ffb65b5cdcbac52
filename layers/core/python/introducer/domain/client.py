"""A client's state: what the engine folded from the client's events.

A *structure* (registration, KYC, evidence of who brought it, deposits, chargebacks, cancelled ids; combined by min,
union and keyed put) decides which *cell* an event falls in; cells are integer sums. Both are independent of the order
of events by construction. Nothing in it depends on when an event arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from introducer.domain import click_id
from introducer.domain.calendar import DAY_MS, day_at
from introducer.domain.contest_score import Seen
from introducer.domain.contracts import Contracts, Known
from introducer.domain.counts import UNSAID, Came, Counts, Source
from introducer.domain.events import DISALLOWED, Event, EventType, milliseconds
from introducer.domain.ledger import Key
from introducer.domain.promo_code import normalised

EventKey = tuple[str, str]


class Mark(NamedTuple):
    """When something happened first, and by which event."""

    at: int
    source: str
    event_id: str


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


class Evidence(StrEnum):
    """Why a client is a partner's."""

    CLICK = "click"
    PROMO_CODE = "promo_code"
    LEAD = "lead"
    DECISION = "decision"


_CODE = "~"
"""Begins what stands for a promo code in the place of a link; no link's id has it."""


def by_code(code: str) -> str:
    """What stands in the place of a link for a promo code: so what came by it is counted by itself."""
    return _CODE + code


def code_of(link: str) -> str:
    """The promo code that stands in the place of a link; empty for a link, and for nothing."""
    return link[len(_CODE) :] if link.startswith(_CODE) else ""


class Segment(NamedTuple):
    """From a moment on (ms), the client belongs to this partner by this evidence: a click of a link, a promo code (in
    the place of a link), a lead that came by a link (without a click), or a decision (no link)."""

    start: int
    partner: str
    link: str
    campaign: str
    click: str

    @property
    def code(self) -> str:
        """The promo code by which the client came; empty where it came otherwise."""
        return code_of(self.link)

    @property
    def evidence(self) -> Evidence:
        if self.click:
            return Evidence.CLICK
        if self.code:
            return Evidence.PROMO_CODE
        return Evidence.LEAD if self.link else Evidence.DECISION


QUICK_MS = 3 * 60_000
"""A trade that was open for less than this is a quick one."""

EARLY_MS = 7 * DAY_MS
"""How long after the first deposit withdrawals are remembered."""

NOTHING_KNOWN = Came()

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
    codes: Mapping[str, int] = field(default_factory=dict)
    """The promo codes that events of the client named, each with when it was named first (ms); once the client is
    registered, those alone that were named by then."""
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
    came: Mapping[str, Came] | None = field(default_factory=dict)
    """What was recorded of its clicks, of those that were found: not part of what the state says, but counters follow
    it. None: it was counted before sources were, and its counters say nothing of them."""
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

    def source_of(self, segment: Segment) -> Source:
        """Where the client came from, as what it does under this segment is counted."""
        if self.came is None:
            return UNSAID
        came, anchor = self.came.get(segment.click, NOTHING_KNOWN), self.anchor
        cohort = "" if anchor is None else day_at(anchor)[:7]
        return Source(self.country or came.country, came.device, came.sub1, cohort)

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
    leads, codes = dict(state.leads), dict(state.codes)
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
        codes |= _named(event, mark.at, codes)
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
    codes = _in_time(codes, registered)
    if (first, registered, kyc) == (state.first, state.registered, state.kyc) and (
        (country, visits, leads, codes, deposits, chargebacks, moves, rulings, withdrawals)
        == (
            state.country,
            state.visits,
            state.leads,
            state.codes,
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
        codes=codes,
        deposits=deposits,
        chargebacks=chargebacks,
        moves=moves,
        rulings=rulings,
        withdrawals=withdrawals,
    )


def last_ms(at_ms: int) -> int:
    """The last millisecond of a moment's second: platforms report seconds, cut off."""
    return at_ms - at_ms % 1000 + 999


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


def _named(event: Event, at: int, codes: Mapping[str, int]) -> dict[str, int]:
    """The promo code that an event names, with when it was named first."""
    code = normalised(event.promo_code)
    return {code: min(at, codes.get(code, at))} if code else {}


def _in_time(codes: dict[str, int], registered: Mark | None) -> dict[str, int]:
    """The codes that were named by the registration's second; all, while there is none. It only moves earlier (what
    undoes it refolds the client), so a code that was named after it never matters again."""
    if registered is None or not codes:
        return codes
    return {code: at for code, at in codes.items() if at <= last_ms(registered.at)}


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
