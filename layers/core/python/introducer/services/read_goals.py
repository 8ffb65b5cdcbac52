"""A partner's personal goals: what is offered, how far those are that run, and what became of the others.

How many clients count is what the engine counts, by the same function over the same rows; what was paid is read from
the journals. So a goal may be reached here a moment before its amount stands in the books.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from introducer.domain.calendar import day_start, plus_months
from introducer.domain.configuration import DealRecord
from introducer.domain.contracts import Contracts
from introducer.domain.deal import Basis, Bonus, Deal, Formula, Hold, HoldFrom, Window
from introducer.domain.describe import Sentence, describe
from introducer.domain.errors import Conflict, Invalid
from introducer.domain.events import day_of, from_milliseconds, milliseconds, month_of
from introducer.domain.goal import Goal, GoalStatus
from introducer.domain.goals_kept import Promised, promised
from introducer.domain.ledger import Journal
from introducer.domain.money import Money
from introducer.domain.partner_month import moments_of
from introducer.domain.rates import Rates
from introducer.domain.rows import Row
from introducer.domain.rules.bonus import counted
from introducer.services.goal_version import deal_with_goal
from introducer.services.read_contracts import deal_versions, standings
from introducer.store.configuration import Configuration
from introducer.store.goals import Goals
from introducer.store.ledger import Ledger
from introducer.store.settlements import Settlements

SHOWN_MONTHS = 12
"""How long a goal is shown after its last day."""


class Phase(StrEnum):
    """Where a goal stands."""

    OFFERED = "offered"
    TO_COME = "to_come"
    """Accepted; its days begin later."""
    RUNNING = "running"
    REACHED = "reached"
    """It counts enough clients, and its amount is being settled."""
    PAID = "paid"
    MISSED = "missed"
    """Its days are over. A late event of these days still counts."""
    EXPIRED = "expired"
    """Nobody answered in time."""
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryOfGoal:
    """An entry of the books that a goal made: its amount, or that it was taken back."""

    id: str
    kind: str
    amount: Money
    posted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What accepting an offer now would mean; `refused` is the code of why it cannot be accepted as things are."""

    version: int | None
    begins: datetime | None
    terms_hash: str
    refused: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalOfPartner:
    """One goal. `goal` is None for one that stands in a deal without ever having been offered by itself."""

    goal: str | None
    rule: str
    phase: Phase
    by: Basis
    clients: int
    first: str
    last: str
    amount: Money
    sentences: tuple[Sentence, ...]
    """In the words of the deal."""
    note: str = ""
    offered_at: datetime | None = None
    offered_by: str = ""
    answer_by: datetime | None = None
    answered_at: datetime | None = None
    said: str = ""
    """What the partner said when it declined, or staff when they withdrew."""
    acceptance: Acceptance | None = None
    """Of an offer that waits."""
    version: int | None = None
    """The deal version that decides about it."""
    counted: int = 0
    missing: int = 0
    days_left: int = 0
    """UTC days from today to the last one, today included; 0 when they are over, or not begun."""
    over: bool = False
    """Nothing is to be done for it any more: its days are over, or it was never accepted."""
    blocked: bool = False
    """The partner was blocked when its days began: it counts nothing."""
    paid: Money
    entries: tuple[EntryOfGoal, ...] = ()
    """Oldest first."""


def read_goals_of_partner(
    configuration: Configuration, goals: Goals, settlements: Settlements, ledger: Ledger, *, partner: str, at: datetime
) -> tuple[GoalOfPartner, ...]:
    """What waits first, then what runs, what is to come and what is over, newest first. Read anew each time: one query
    for each month of a goal that runs, and one for each month of entries."""
    records = configuration.deals(partner)
    offers = goals.of_partner(partner)
    since = plus_months(month_of(at), -SHOWN_MONTHS)
    of_rule = {offer.rule: offer for offer in offers if offer.status is GoalStatus.ACCEPTED}
    live = [each for each in promised(deal_versions(records)) if each.window.last[:7] >= since]
    opened = [each for each in live if each.opens <= milliseconds(at)]
    rows = _Rows(settlements, partner)
    entries = _entries(ledger, partner, opened, month_of(at))
    contracts = _standings(configuration, partner) if opened else None
    found = [
        *(_unanswered(offer, records, at) for offer in offers if _is_shown(offer, since)),
        *(_accepted(each, of_rule.get(each.rule.id), rows, entries, contracts, at) for each in live),
    ]
    return tuple(sorted(found, key=_order))


class _Rows:
    """The rows of a partner's months, each read once."""

    def __init__(self, settlements: Settlements, partner: str) -> None:
        self._settlements, self._partner = settlements, partner
        self._found: dict[str, list[Row]] = {}

    def counted(self, rule: Bonus, window: Window, until: str) -> int:
        """How many clients count for a goal; `until` is the last month to look at."""
        month, total = window.first[:7], 0
        while month <= min(window.last[:7], until):
            if month not in self._found:
                self._found[month] = list(self._settlements.rows(self._partner, month).clients.values())
            total += counted(moments_of(self._found[month], rule.by), window)
            month = plus_months(month, 1)
        return total


def _is_shown(offer: Goal, since: str) -> bool:
    return offer.status is not GoalStatus.ACCEPTED and offer.last[:7] >= since


def _standings(configuration: Configuration, partner: str) -> Contracts:
    """Just enough to tell when the partner was blocked."""
    return Contracts({}, {}, Rates({}), {}, {partner: standings(configuration.standings(partner))})


def _entries(ledger: Ledger, partner: str, opened: Sequence[Promised], this_month: str) -> Mapping[str, list[Journal]]:
    """The journals of goals by their rules, oldest first. One may be posted in a later month than it is for."""
    found: dict[str, list[Journal]] = defaultdict(list)
    rules = sorted({each.rule.id for each in opened})
    month = min((each.window.first[:7] for each in opened), default=plus_months(this_month, 1))
    while month <= this_month:
        for journal in ledger.journals_of_rules(partner, month, rules):
            found[journal.key.rule].append(journal)
        month = plus_months(month, 1)
    return {rule: sorted(journals, key=lambda each: (each.posted_at, each.id)) for rule, journals in found.items()}


def _unanswered(offer: Goal, records: Sequence[DealRecord], at: datetime) -> GoalOfPartner:
    waits = offer.waits_at(at)
    phase = Phase(offer.status.value) if waits or offer.status is not GoalStatus.OFFERED else Phase.EXPIRED
    rule = Bonus(offer.rule, offer.by, offer.clients, offer.amount, Window(offer.first, offer.last))
    act = offer.answered
    return GoalOfPartner(
        goal=offer.goal,
        rule=offer.rule,
        phase=phase,
        by=offer.by,
        clients=offer.clients,
        first=offer.first,
        last=offer.last,
        amount=Money(offer.amount, offer.currency),
        sentences=_said(rule, offer.currency),
        note=offer.note,
        offered_at=offer.offered_at,
        offered_by=offer.offered_by,
        answer_by=offer.answer_by,
        answered_at=act.at if act else None,
        said=act.why if act else "",
        acceptance=_acceptance(records, offer, at) if waits else None,
        missing=offer.clients,
        over=not waits,
        paid=Money(0, offer.currency),
    )


def _acceptance(records: Sequence[DealRecord], offer: Goal, at: datetime) -> Acceptance:
    try:
        deal = deal_with_goal(records, offer, at)
    except (Conflict, Invalid) as error:
        return Acceptance(version=None, begins=None, terms_hash="", refused=error.code, detail=error.detail)
    return Acceptance(version=deal.version, begins=deal.valid_from, terms_hash=deal.terms_hash, refused="", detail="")


def _accepted(
    each: Promised,
    offer: Goal | None,
    rows: _Rows,
    entries: Mapping[str, list[Journal]],
    contracts: Contracts | None,
    at: datetime,
) -> GoalOfPartner:
    rule, window, currency = each.rule, each.window, each.version.deal.currency
    opened, today = each.opens <= milliseconds(at), day_of(at)
    blocked = opened and contracts is not None and contracts.blocked_at(each.version.partner, each.opens)
    count = rows.counted(rule, window, today[:7]) if opened and not blocked else 0
    journals = entries.get(rule.id, [])
    paid = sum(journal.amount for journal in journals)
    over = today > window.last
    if not opened:
        phase = Phase.TO_COME
    elif paid:
        phase = Phase.PAID
    elif count >= rule.goal:
        phase = Phase.REACHED
    else:
        phase = Phase.MISSED if over else Phase.RUNNING
    act = offer.answered if offer else None
    return GoalOfPartner(
        goal=offer.goal if offer else None,
        rule=rule.id,
        phase=phase,
        by=rule.by,
        clients=rule.goal,
        first=window.first,
        last=window.last,
        amount=Money(rule.amount, currency),
        sentences=_said(rule, currency),
        note=offer.note if offer else "",
        offered_at=offer.offered_at if offer else None,
        offered_by=offer.offered_by if offer else "",
        answered_at=act.at if act else None,
        version=each.version.version,
        counted=count,
        missing=max(0, rule.goal - count),
        days_left=_days(today, window.last) if opened and not over else 0,
        over=over,
        blocked=blocked,
        paid=Money(paid, currency),
        entries=tuple(map(_entry, journals)),
    )


def _entry(journal: Journal) -> EntryOfGoal:
    return EntryOfGoal(
        id=journal.id,
        kind=journal.kind,
        amount=Money(journal.amount, journal.key.currency),
        posted_at=from_milliseconds(journal.posted_at),
    )


def _said(rule: Bonus, currency: str) -> tuple[Sentence, ...]:
    """The goal's own clause; the rest of a deal has no say in it."""
    deal = Deal(currency, Hold(0, HoldFrom.MONTH_END), 0, Formula(()), (rule,))
    return describe(deal)[0].sentences


def _days(first: str, last: str) -> int:
    return (day_start(last) - day_start(first)) // 86_400_000 + 1


def _order(goal: GoalOfPartner) -> tuple[int, int]:
    """What waits, what runs, what is to come, what is over; those of one kind by their last day, the latest first."""
    rank = 3 if goal.over else {Phase.OFFERED: 0, Phase.TO_COME: 2}.get(goal.phase, 1)
    return (rank, -day_start(goal.last))
