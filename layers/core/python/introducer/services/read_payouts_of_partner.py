"""What was a partner paid, when and where to, what stands to be paid, and why nothing came: and the story of one
payout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time

from introducer.domain.configuration import Partner
from introducer.domain.errors import NotFound
from introducer.domain.events import day_of, from_milliseconds
from introducer.domain.exchange import ExchangeLeg, way_back, way_out
from introducer.domain.ledger import AVAILABLE, HELD, PAID, PENDING, RESERVED, Balance
from introducer.domain.money import Money, decimals, show_ratio
from introducer.domain.payable import NOTHING_AVAILABLE
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import Payout, PayoutStatus, Run, RunStatus
from introducer.domain.payout_schedule import PayoutSchedule, next_due, plus
from introducer.domain.rates import RATE_ONE
from introducer.gateways.schedules import HOUR
from introducer.services.set_payout_schedule import zone
from introducer.store.ledger import Ledger
from introducer.store.paging import Page
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts
from introducer.store.reservations import Reservations

RUNS_LOOKED_AT = 10
"""So many of the brand's newest runs are asked why they left a partner out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutInList:
    payout: str
    run: str
    created_at: datetime
    status: PayoutStatus
    status_since: datetime
    amount: Money
    """Out of what it was paid."""
    pays: Money
    """What the partner gets."""
    rail: RailKind
    masked: str
    reason: str
    """A stable word for why it was not paid, or came back; empty for one that went well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """A partner's money in one currency, by where it stands."""

    available: Money
    pending: Money
    held: Money
    reserved: Money
    """In payouts that are not paid yet."""
    paid: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRun:
    """When a schedule pays next."""

    schedule: str
    currency: str
    """Only what stands in this currency; empty for all."""
    at: datetime
    first: str
    through: str
    minimums: tuple[Money, ...]
    """The least that is paid out, for the currencies that have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPaid:
    """Why the last run of a schedule has no payout for the partner."""

    run: str
    first: str
    through: str
    amount: Money | None
    """What was available; None where the reason is the partner's and not one currency's."""
    reason: str
    """A stable word: see `domain/payable.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutsOfPartner:
    balances: tuple[Buckets, ...]
    """The partner's own currency first; there is always at least that one."""
    next_runs: tuple[NextRun, ...]
    not_paid: tuple[NotPaid, ...]
    items: tuple[PayoutInList, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a payout, and when it was taken; None where that is not known."""

    status: PayoutStatus
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartShown:
    """A part of a payout that is converted at one rate."""

    amount: Money
    month: str
    """What it was earned in; empty where the rate is the pay day's."""
    rate: str
    """Units of the pay currency for one of the held currency; empty where nothing is converted."""
    rate_day: str
    rate_feed: str
    comes_to: str
    """What it comes to in the pay currency before the one rounding of the whole, as a decimal string."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegShown:
    account: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutStory:
    """One payout with all that happened to it."""

    payout: PayoutInList
    steps: tuple[Step, ...]
    to_come: tuple[PayoutStatus, ...]
    """The steps that follow when all goes well."""
    parts: tuple[PartShown, ...]
    legs: tuple[LegShown, ...]
    """How it went through the house's accounts; what came back is in it too."""
    reference: str
    """The bank's or the provider's own number of it."""


def read_payouts_of_partner(
    ledger: Ledger,
    payouts: Payouts,
    schedules: PayoutSchedules,
    *,
    partner: Partner,
    now: datetime,
    cursor: str | None,
    limit: int,
) -> PayoutsOfPartner:
    """A page of a partner's payouts, the newest first, with what stands to be paid."""
    balance, today = ledger.balance(partner.partner), day_of(now)
    currencies = [partner.currency, *(each for each in balance.currencies() if each != partner.currency)]
    page = payouts.of_partner(partner.partner, cursor, limit)
    return PayoutsOfPartner(
        balances=tuple(buckets_of(balance, currency, today) for currency in currencies),
        next_runs=tuple(
            next_run(each, now)
            for each in schedules.of_brand(partner.brand)
            if not each.paused and each.currency in ("", *currencies)
        ),
        not_paid=tuple(_not_paid(payouts, partner)),
        items=tuple(map(listed, page.items)),
        cursor=page.cursor,
    )


def read_payout_of_partner(
    payouts: Payouts, reservations: Reservations, *, partner: Partner, payout: str
) -> PayoutStory:
    """One payout of this partner. Raises `NotFound`: another's is none."""
    found = payouts.by_id(payout)
    if found.partner != partner.partner:
        raise NotFound("There is no such payout.")
    return story(payouts, reservations, payouts.run(found.brand, found.run), found)


def story(payouts: Payouts, reservations: Reservations, run: Run, payout: Payout) -> PayoutStory:
    """What happened to a payout of a run, step by step."""
    sent_at = payouts.batch(payout.brand, payout.run, payout.batch).first_tried_at if payout.batch else None
    moved = [from_milliseconds(each.posted_at) for each in reservations.journals(payout.partner, payout.payout)]
    steps = [Step(status=PayoutStatus.CREATED, at=payout.created_at)]
    if _was_approved(run, payout):
        steps.append(Step(status=PayoutStatus.APPROVED, at=run.decided_at))
    if payout.batch:
        steps.append(Step(status=PayoutStatus.SENT, at=sent_at))
    if payout.status is PayoutStatus.RETURNED:
        steps.append(Step(status=PayoutStatus.PAID, at=moved[1] if len(moved) > 1 else None))
    if payout.status not in (PayoutStatus.CREATED, PayoutStatus.APPROVED, PayoutStatus.SENDING, PayoutStatus.SENT):
        steps.append(Step(status=payout.status, at=payout.status_since))
    return PayoutStory(
        payout=listed(payout),
        steps=tuple(steps),
        to_come=_to_come(payout.status, [each.status for each in steps]),
        parts=tuple(_parts(payout)),
        legs=tuple(_legs(payout)),
        reference=payout.reference,
    )


def listed(payout: Payout) -> PayoutInList:
    """A payout as its partner may see it."""
    return PayoutInList(
        payout=payout.payout,
        run=payout.run,
        created_at=payout.created_at,
        status=payout.status,
        status_since=payout.status_since,
        amount=Money(payout.amount, payout.currency),
        pays=Money(payout.pays, payout.pay_currency),
        rail=payout.rail,
        masked=payout.masked,
        reason=payout.reason,
    )


def next_run(schedule: PayoutSchedule, now: datetime) -> NextRun:
    """When a schedule pays next, and for which days."""
    there = now.astimezone(zone(schedule.time_zone))
    # The run of today has started once its hour has come.
    period, day = next_due(schedule, there.date() if there.hour < HOUR else plus(there.date(), 1))
    return NextRun(
        schedule=schedule.schedule,
        currency=schedule.currency,
        at=datetime.combine(day, time(HOUR), there.tzinfo),
        first=period.first.isoformat(),
        through=period.through.isoformat(),
        minimums=tuple(each for each in schedule.least() if schedule.currency in ("", each.currency)),
    )


def newest_of_each_schedule(runs: Page[Run]) -> list[Run]:
    """The newest run of each schedule that is past reserving; `runs` are newest first."""
    newest: dict[str, Run] = {}
    for run in runs.items:
        if run.status is not RunStatus.OPEN:
            newest.setdefault(run.schedule, run)
    return list(newest.values())


def buckets_of(balance: Balance, currency: str, today: str) -> Buckets:
    """A balance in one currency on a UTC day."""

    def stands(bucket: str) -> Money:
        return Money(balance.bucket(currency, bucket, today), currency)

    return Buckets(
        available=stands(AVAILABLE),
        pending=stands(PENDING),
        held=stands(HELD),
        reserved=stands(RESERVED),
        paid=stands(PAID),
    )


def _not_paid(payouts: Payouts, partner: Partner) -> Iterator[NotPaid]:
    """Why the last runs left the partner out. That nothing was there to be paid is no news."""
    for run in newest_of_each_schedule(payouts.runs(partner.brand, limit=RUNS_LOOKED_AT)):
        for each in payouts.left_out_of(run.brand, run.run, partner.partner):
            if each.reason != NOTHING_AVAILABLE:
                yield NotPaid(
                    run=run.run,
                    first=run.first,
                    through=run.through,
                    amount=Money(each.amount, each.currency) if each.currency else None,
                    reason=each.reason,
                )


def _was_approved(run: Run, payout: Payout) -> bool:
    """Whether the payout was still in the run when that was approved."""
    if run.decided_at is None or run.status in (RunStatus.REJECTED, RunStatus.LAPSED):
        return False
    if payout.status in (PayoutStatus.CREATED, PayoutStatus.REJECTED):
        return False
    return payout.status is not PayoutStatus.SET_ASIDE or payout.status_since > run.decided_at


def _to_come(status: PayoutStatus, taken: Sequence[PayoutStatus]) -> tuple[PayoutStatus, ...]:
    going = (PayoutStatus.CREATED, PayoutStatus.APPROVED, PayoutStatus.SENDING, PayoutStatus.SENT)
    if status not in going:
        return ()
    way = (PayoutStatus.APPROVED, PayoutStatus.SENT, PayoutStatus.PAID)
    return tuple(each for each in way if each not in taken)


def _parts(payout: Payout) -> Iterator[PartShown]:
    shift = decimals(payout.pay_currency) - decimals(payout.currency)
    for part in payout.parts:
        scaled = RATE_ONE if part.rate is None else part.rate.scaled
        comes_to = show_ratio(
            part.amount * scaled * 10 ** max(shift, 0), RATE_ONE * 10 ** max(-shift, 0), payout.pay_currency
        )
        yield PartShown(
            amount=Money(part.amount, payout.currency),
            month=part.month,
            rate="" if part.rate is None else str(part.rate),
            rate_day="" if part.rate is None else part.rate.day,
            rate_feed="" if part.rate is None else part.rate.feed,
            comes_to=comes_to,
        )


def _legs(payout: Payout) -> Iterator[LegShown]:
    legs: tuple[ExchangeLeg, ...] = ()
    if payout.status in (PayoutStatus.PAID, PayoutStatus.RETURNED):
        legs = way_out(payout)
    if payout.status is PayoutStatus.RETURNED:
        legs += way_back(payout)
    for leg in legs:
        yield LegShown(account=leg.account, amount=Money(leg.amount, leg.currency))
