"""One payout run as its approver meets it: what it pays against the run before, what in it is out of the ordinary, how
far it is; whom it leaves out; one of its payouts; one of its batches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import Member
from introducer.domain.errors import NotFound
from introducer.domain.events import day_of
from introducer.domain.ledger import AVAILABLE, PAID, RESERVED
from introducer.domain.money import Money
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import (
    NEW_DETAILS,
    NEW_PAYEE,
    NEXT,
    Batch,
    BatchStatus,
    LeftOut,
    Payout,
    PayoutStatus,
    Run,
    RunStatus,
    execution_name,
)
from introducer.domain.run_review import EXCEPTIONS, compared, contradicted, movers, paying, shows, totals
from introducer.gateways.workflows import Workflows
from introducer.services.confirm_run import BY_PEOPLE
from introducer.services.people import SYSTEM, Names
from introducer.services.read_payouts_of_partner import PayoutStory, story
from introducer.services.read_runs_of_brand import STARTING, STOPPED_SHORT, execution_of, state_of
from introducer.services.send_run import TOLD, joined
from introducer.services.set_payout_schedule import DECIDERS
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.paging import Page
from introducer.store.payouts import Payouts
from introducer.store.reservations import Reservations

RUNS_LOOKED_AT = 100
"""Among so many of the brand's runs the one before is looked for."""
_NAME = re.compile(r"[A-Za-z0-9-]{1,60}", re.ASCII)
_PAID_ALREADY = frozenset({RunStatus.APPROVED, RunStatus.CONFIRMING, RunStatus.CLOSED})
_AS_SENT = frozenset({PayoutStatus.SENT, PayoutStatus.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOfRun:
    """A payout in a run's list."""

    payout: str
    partner: str
    name: str
    amount: Money
    pays: Money
    rail: RailKind
    masked: str
    status: PayoutStatus
    status_since: datetime
    reason: str
    note: str
    notice: str
    batch: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineShown:
    """What leaves by one rail in one currency, and what did in the run before."""

    rail: RailKind
    count: int
    pays: Money
    count_before: int
    pays_before: Money
    change: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class MoverShown:
    payout: str
    name: str
    amount: Money
    before: Money
    change: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many payouts stand so, and what they pay."""

    status: PayoutStatus
    count: int
    pays: tuple[Money, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchShown:
    batch: str
    rail: RailKind
    status: BatchStatus
    count: int
    pays: Money
    first_tried_at: datetime | None
    note: str
    has_file: bool
    to_confirm: int
    """Payouts of it of which a person may say that they were paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    run: str
    state: str
    """A `RunStatus`, `starting` or `stopped`."""
    cause: str
    """Why its execution stopped."""
    moves: bool
    """Whether it goes on by itself: the page looks again."""
    version: int
    schedule: str
    first: str
    through: str
    rates_day: str
    rates_feed: str
    started_at: datetime | None
    started_by: str
    by_schedule: bool
    why: str
    deadline: datetime | None
    confirm_by: datetime | None
    decided_at: datetime | None
    decided_by: str
    decision: str
    closed_at: datetime | None
    acts: bool
    """Whether this member decides about payouts."""
    may_decide: bool
    why_not: str
    """The code of why this member does not decide the run; empty where they may, or nothing is to be decided."""
    payouts: int
    """Those that reach a partner, or still may."""
    pays: tuple[Money, ...]
    out_of: tuple[Money, ...]
    """What they take from what partners have, by the currency it stands in."""
    compared_with: str
    """The run before of the same schedule; empty for the first one."""
    lines: tuple[LineShown, ...]
    new_payees: int
    new_details: int
    movers: tuple[MoverShown, ...]
    left_out: Mapping[str, int]
    """How many, by reason."""
    standing: tuple[Standing, ...]
    exceptions: int
    """Payouts and batches that somebody has to look at."""
    contradicted: tuple[str, ...]
    """The batches among them: what the provider says of one of their payouts contradicts the books."""
    batches: tuple[BatchShown, ...]
    items: tuple[PayoutOfRun, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutOfRun:
    partner: str
    name: str
    amount: Money | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a decision does to a partner's money: from where to where, before and after."""

    outcome: PayoutStatus
    taken_from: str
    """A bucket."""
    from_before: Money
    from_after: Money
    put_into: str
    to_before: Money
    to_after: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutToDecide:
    """One payout of a run, with what this member may do about it."""

    run: str
    run_state: RunStatus
    partner: str
    name: str
    notice: str
    note: str
    batch: str
    version: int
    story: PayoutStory
    acts: bool
    may_take_out: bool
    run_pays: Money
    """What the run pays in this pay currency now."""
    run_pays_then: Money
    """And without this payout."""
    effects: tuple[Effect, ...]
    """What each outcome does that may be recorded, or what taking it out does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchToConfirm:
    run: str
    batch: BatchShown
    to_confirm: Money
    acts: bool
    items: tuple[PayoutOfRun, ...]


def read_run(
    configuration: Configuration,
    payouts: Payouts,
    workflows: Callable[[], Workflows],
    *,
    member: Member,
    run: str,
    show: str,
    after: str | None,
    limit: int,
) -> RunView:
    """One run of the member's brand, and a page of its payouts: those that `show` (of `domain.run_review.SHOWN`) has,
    above the id `after`.

    All figures come from the payouts as they stand now. Raises `NotFound`, also for what is no run's name.
    """
    try:
        found = payouts.run(member.brand, run)
    except NotFound:
        return _before_it_is_written(workflows, member, run)
    everything = list(payouts.all_of_run(member.brand, run))
    batches = payouts.batches(member.brand, run)
    odd = contradicted(batches)
    earlier = run_before(payouts, found)
    before = [] if earlier is None else list(payouts.all_of_run(member.brand, earlier.run))
    state, cause = state_of(found, execution_of(workflows, found))
    acts, why_not = member.role in DECIDERS, ""
    if found.status is RunStatus.WAITING:
        why_not = "finance_only" if not acts else "same_person" if found.started_by == member.member else ""
    live, names = paying(everything), Names(configuration)
    listed = [each for each in everything if (after is None or each.payout > after) and shows(each, show)]
    return RunView(
        run=found.run,
        state=state,
        cause=cause,
        moves=state in (RunStatus.OPEN, RunStatus.APPROVED, RunStatus.CONFIRMING),
        version=found.version,
        schedule=found.schedule,
        first=found.first,
        through=found.through,
        rates_day=found.rates_day,
        rates_feed=found.rates_feed,
        started_at=found.started_at,
        started_by=names.of(found.started_by),
        by_schedule=found.started_by.startswith(SYSTEM),
        why=found.why,
        deadline=found.deadline if found.status is RunStatus.WAITING else None,
        confirm_by=found.confirm_by,
        decided_at=found.decided_at,
        decided_by=names.of(found.decided_by),
        decision=found.decision,
        closed_at=found.closed_at,
        acts=acts,
        may_decide=found.status is RunStatus.WAITING and not why_not,
        why_not=why_not,
        payouts=len(live),
        pays=_monies(totals(live)),
        out_of=_monies(totals(live, held=True)),
        compared_with="" if earlier is None else earlier.run,
        lines=tuple(
            LineShown(
                rail=line.rail,
                count=line.count,
                pays=Money(line.pays, line.pay_currency),
                count_before=line.count_before,
                pays_before=Money(line.pays_before, line.pay_currency),
                change=Money(line.pays - line.pays_before, line.pay_currency),
            )
            for line in compared(everything, before)
        ),
        new_payees=sum(each.notice == NEW_PAYEE for each in live),
        new_details=sum(each.notice == NEW_DETAILS for each in live),
        movers=()
        if earlier is None
        else tuple(
            MoverShown(
                payout=each.payout.payout,
                name=each.payout.name,
                amount=Money(each.payout.amount, each.payout.currency),
                before=Money(each.before, each.payout.currency),
                change=Money(each.change, each.payout.currency),
            )
            for each in movers(everything, before, found.per_euro)
        ),
        left_out=dict(sorted(found.left_out.items(), key=lambda each: (-each[1], each[0]))),
        standing=_standing(everything),
        exceptions=sum(each.status in EXCEPTIONS for each in everything) + len(odd),
        contradicted=odd,
        batches=tuple(_batch(each, everything) for each in batches),
        items=tuple(map(_row, listed[:limit])),
        cursor=listed[limit - 1].payout if len(listed) > limit else None,
    )


def run_before(payouts: Payouts, run: Run) -> Run | None:
    """The last run of the same schedule before this one that was approved."""
    cursor: str | None = None
    looked_at = 0
    while looked_at < RUNS_LOOKED_AT:
        page = payouts.runs(run.brand, cursor, limit=25)
        for each in page.items:
            earlier = each.started_at < run.started_at and each.run != run.run
            if earlier and each.schedule == run.schedule and each.status in _PAID_ALREADY:
                return each
        looked_at += len(page.items)
        cursor = page.cursor
        if cursor is None:
            break
    return None


def read_left_out(
    payouts: Payouts, *, brand: str, run: str, reason: str, cursor: str | None, limit: int
) -> Page[LeftOutOfRun]:
    """A page of those whom a run does not pay, by partner; for one reason alone where it is given. Raises
    `NotFound`."""
    payouts.run(brand, run)
    found: list[LeftOut] = []
    while len(found) <= limit:
        # What a filter leaves away is read on from.
        page = payouts.left_out(brand, run, cursor, limit=200)
        found += [each for each in page.items if reason in ("", each.reason)]
        cursor = page.cursor
        if cursor is None:
            break
    more, found = len(found) > limit, found[:limit]
    return Page(
        tuple(
            LeftOutOfRun(
                partner=each.partner,
                name=each.name,
                amount=Money(each.amount, each.currency) if each.currency else None,
                reason=each.reason,
            )
            for each in found
        ),
        payouts.after_left_out(brand, run, found[-1]) if more else None,
    )


def read_payout_of_run(
    payouts: Payouts,
    reservations: Reservations,
    ledger: Ledger,
    *,
    member: Member,
    run: str,
    payout: str,
    now: datetime,
) -> PayoutToDecide:
    """One payout of a run of the member's brand. Raises `NotFound`."""
    found, each = payouts.run(member.brand, run), payouts.payout(member.brand, run, payout)
    acts = member.role in DECIDERS
    may_take_out = acts and found.status is RunStatus.WAITING and each.status is PayoutStatus.CREATED
    outcomes: Iterable[PayoutStatus] = (PayoutStatus.REJECTED,) if may_take_out else ()
    if acts and not may_take_out:
        outcomes = _outcomes(payouts, found, each)
    sums = [at for at in found.sums if at.pay_currency == each.pay_currency and at.status is PayoutStatus.CREATED]
    run_pays = sum(at.pays for at in sums)
    balance, today = ledger.balance(each.partner), day_of(now)

    def effect(outcome: PayoutStatus) -> Effect:
        taken, put = _MOVES[outcome]
        there, here = (balance.bucket(each.currency, bucket, today) for bucket in (taken, put))
        return Effect(
            outcome=outcome,
            taken_from=taken,
            from_before=Money(there, each.currency),
            from_after=Money(there - each.amount, each.currency),
            put_into=put,
            to_before=Money(here, each.currency),
            to_after=Money(here + each.amount, each.currency),
        )

    return PayoutToDecide(
        run=run,
        run_state=found.status,
        partner=each.partner,
        name=each.name,
        notice=each.notice,
        note=each.note,
        batch=each.batch,
        version=each.version,
        story=story(payouts, reservations, found, each),
        acts=acts,
        may_take_out=may_take_out,
        run_pays=Money(run_pays, each.pay_currency),
        run_pays_then=Money(run_pays - each.pays, each.pay_currency),
        effects=tuple(effect(outcome) for outcome in outcomes),
    )


def read_batch(payouts: Payouts, *, member: Member, run: str, batch: str) -> BatchToConfirm:
    """One batch of a run of the member's brand, with its payouts. Raises `NotFound`."""
    found = payouts.batch(member.brand, run, batch)
    members = joined(payouts, found)
    waiting = [each for each in members if each.status in _AS_SENT]
    return BatchToConfirm(
        run=run,
        batch=_batch(found, members),
        to_confirm=Money(sum(each.pays for each in waiting), found.currency),
        acts=member.role in DECIDERS,
        items=tuple(map(_row, members)),
    )


_MOVES: Mapping[PayoutStatus, tuple[str, str]] = {
    PayoutStatus.REJECTED: (RESERVED, AVAILABLE),
    PayoutStatus.FAILED: (RESERVED, AVAILABLE),
    PayoutStatus.PAID: (RESERVED, PAID),
    PayoutStatus.RETURNED: (PAID, AVAILABLE),
}
"""From which bucket into which a step moves a payout's amount."""


def _outcomes(payouts: Payouts, run: Run, payout: Payout) -> tuple[PayoutStatus, ...]:
    """What a person may say became of a payout, as `confirm_run.record_outcome` takes it."""
    if payout.status not in (*_AS_SENT, PayoutStatus.PAID):
        return ()
    batch = payouts.batch(payout.brand, payout.run, payout.batch) if payout.batch else None
    unknown = payout.status is PayoutStatus.UNKNOWN
    asked = run.closed_at is None and (batch is None or batch.status is not BatchStatus.DONE)
    if payout.rail not in BY_PEOPLE and not unknown and asked:
        return ()
    trying = batch is not None and batch.status in (BatchStatus.OPEN, BatchStatus.SEALED)
    if trying and unknown:
        return ()
    return tuple(each for each in TOLD if each in NEXT[payout.status] and not (trying and each is PayoutStatus.FAILED))


def _before_it_is_written(workflows: Callable[[], Workflows], member: Member, run: str) -> RunView:
    """A run whose execution was started a moment ago, or stopped before it wrote anything."""
    execution = workflows().latest(execution_name(member.brand, run)) if _NAME.fullmatch(run) else None
    if execution is None:
        raise NotFound("There is no such run.")
    return RunView(
        run=run, state=STOPPED_SHORT if execution.failed else STARTING, cause=execution.cause,
        moves=not execution.failed, version=0, schedule="", first="", through="", rates_day="", rates_feed="",
        started_at=None, started_by="", by_schedule=False, why="", deadline=None, confirm_by=None, decided_at=None,
        decided_by="", decision="", closed_at=None, acts=member.role in DECIDERS, may_decide=False, why_not="",
        payouts=0, pays=(), out_of=(), compared_with="", lines=(), new_payees=0, new_details=0, movers=(), left_out={},
        standing=(), exceptions=0, contradicted=(), batches=(), items=(), cursor=None,
    )  # fmt: skip


def _standing(everything: list[Payout]) -> tuple[Standing, ...]:
    of: dict[PayoutStatus, list[Payout]] = {}
    for each in everything:
        of.setdefault(each.status, []).append(each)
    return tuple(
        Standing(status=status, count=len(of[status]), pays=_monies(totals(of[status])))
        for status in PayoutStatus
        if status in of
    )


def _batch(batch: Batch, payouts: Iterable[Payout]) -> BatchShown:
    members = [each for each in payouts if each.batch == batch.batch]
    by_people = batch.rail in BY_PEOPLE
    return BatchShown(
        batch=batch.batch,
        rail=batch.rail,
        status=batch.status,
        count=len(members),
        pays=Money(sum(each.pays for each in members), batch.currency),
        first_tried_at=batch.first_tried_at,
        note=batch.note,
        has_file=bool(batch.file),
        to_confirm=sum(each.status in _AS_SENT for each in members) if by_people else 0,
    )


def _row(payout: Payout) -> PayoutOfRun:
    return PayoutOfRun(
        payout=payout.payout,
        partner=payout.partner,
        name=payout.name,
        amount=Money(payout.amount, payout.currency),
        pays=Money(payout.pays, payout.pay_currency),
        rail=payout.rail,
        masked=payout.masked,
        status=payout.status,
        status_since=payout.status_since,
        reason=payout.reason,
        note=payout.note,
        notice=payout.notice,
        batch=payout.batch,
        reference=payout.reference,
    )


def _monies(sums: Mapping[str, int]) -> tuple[Money, ...]:
    return tuple(Money(minor, currency) for currency, minor in sums.items())
