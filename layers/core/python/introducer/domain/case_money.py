"""The money in question: how much of it is there to be held, and the journals that hold it and free it.

A case moves money between the partner's own buckets, from `pending.<day>` to `held` and back. Nothing is earned by
that: the journals' amount is zero, and their legs leave the house alone. A day that has come counts as available on
reading, so it does not matter whether that day was folded meanwhile: its attribute may stand below zero.

What is paid goes as everywhere (`domain.exchange.parts_of`): the oldest months first. What is paid or reserved is not
there; nor is more than stands, day by day while it is pending, and in all once it is available.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from introducer.domain.calendar import day_at
from introducer.domain.ledger import AVAILABLE, HELD, PENDING, Balance, Journal, Key, Leg, Receipt, post_month

RULE = "case"
"""The rule of these journals' keys; their scope is the case."""

DAYS_AT_ONCE = 80
"""So many days one step moves: an expression of DynamoDB holds no more than 4 KB. The next step takes the rest."""

Day = tuple[str, str]
"""A currency and the UTC day on which money becomes available; of what stands in `available` itself, no day."""


class Move(StrEnum):
    """The kinds of these journals."""

    HOLD = "hold"
    FREE = "free"


class Lane(NamedTuple):
    """Where money in question came into the books."""

    currency: str
    month: str
    day: str


@dataclass(frozen=True, slots=True)
class Holding:
    """What is to be moved so that a case holds what it should."""

    moves: Mapping[Day, int] = field(default_factory=dict)
    """Into `held`, minor units; out of it where it is below zero. No more than `DAYS_AT_ONCE`."""
    more: bool = False
    """Whether there is more to move than one step takes."""
    reserved: bool = False
    """Whether money in question stands reserved in a payout that has not left."""


# --------------------------------------------------------------------------------------------------------- in question


def in_question(sources: Iterable[Mapping[Key, int]]) -> dict[Lane, int]:
    """What is in question: of each source (a client; what rules earn by looking at all of them) what it comes to in
    each currency, above zero. What a source lost is set off against what it earned first."""
    question: dict[Lane, int] = defaultdict(int)
    for source in sources:
        lanes: dict[Lane, int] = defaultdict(int)
        for key, minor in source.items():
            lanes[Lane(key.currency, key.earn_month, key.available_day)] += minor
        lost: dict[str, int] = defaultdict(int)
        for lane, minor in lanes.items():
            lost[lane.currency] += max(0, -minor)
        for lane, minor in sorted(lanes.items(), key=lambda each: (each[0].day, each[0])):
            if minor > 0:
                set_off = min(minor, lost[lane.currency])
                lost[lane.currency] -= set_off
                if minor > set_off:
                    question[lane] += minor - set_off
    return dict(question)


def months_unpaid(balance: Balance, currency: str, stands: int, held: Mapping[str, int]) -> dict[str, int]:
    """What of each earn month is not paid, when so much stands (minor units) besides what is held, by month."""
    earned = [
        (month, value - held.get(month, 0))
        for (each, month), value in sorted(balance.earned.items())
        if each == currency and value - held.get(month, 0) > 0
    ]
    gone = max(0, sum(value for _, value in earned) - stands)
    unpaid = {}
    for month, value in earned:
        paid = min(gone, value)
        gone -= paid
        unpaid[month] = value - paid
    return unpaid


def to_hold(
    balance: Balance,
    held: Mapping[Day, int],
    question: Mapping[Lane, int] | None,
    today: str,
    reserved: Mapping[str, int],
) -> Holding:
    """What is to be moved. `held` is what the case holds, `question` what it is about (None: all that is not paid out),
    `reserved` what stands reserved in payouts that have not left, by currency."""
    moves: dict[Day, int] = {}
    waits = False
    for currency in sorted({*balance.currencies(), *(currency for currency, _ in held)}):
        mine = {day: minor for (each, day), minor in held.items() if each == currency and minor}
        if question is None:
            changes = _everything(balance, currency, mine, today)
            waits |= reserved.get(currency, 0) > 0
        else:
            lanes = {lane: minor for lane, minor in question.items() if lane.currency == currency}
            changes, waits_here = _of_lanes(balance, currency, mine, lanes, today, reserved.get(currency, 0))
            waits |= waits_here
        moves |= {(currency, day): minor for day, minor in changes.items() if minor}
    # What could leave today comes first.
    ordered = sorted(moves.items(), key=lambda each: (each[0][1] > today, each[0]))
    return Holding(dict(ordered[:DAYS_AT_ONCE]), len(ordered) > DAYS_AT_ONCE, waits)


def to_free(held: Mapping[Day, int]) -> Holding:
    """What is to be moved so that the case holds nothing."""
    ordered = sorted((day, -minor) for day, minor in held.items() if minor)
    return Holding(dict(ordered[:DAYS_AT_ONCE]), len(ordered) > DAYS_AT_ONCE)


def after_moves(held: Mapping[Day, int], moves: Mapping[Day, int]) -> dict[Day, int]:
    """What the case holds then."""
    after = dict(held)
    for day, minor in moves.items():
        after[day] = after.get(day, 0) + minor
    return {day: minor for day, minor in sorted(after.items()) if minor}


def _everything(balance: Balance, currency: str, mine: Mapping[str, int], today: str) -> dict[str, int]:
    """All that is pending, and all that is available."""
    changes: dict[str, int] = {}
    pending = dict(balance.maturing(currency, today))
    for day in pending.keys() | {day for day in mine if day > today}:
        changes[day] = max(pending.get(day, 0), -mine.get(day, 0))
    available = balance.bucket(currency, AVAILABLE, today)
    come = {day: minor for day, minor in mine.items() if day <= today}
    if available < 0:
        for day, minor in sorted(come.items()):
            back = min(minor, -available)
            changes[day] = -back
            available += back
        return changes
    for day, minor in balance.matured(currency, today):
        taken = max(0, min(minor, available))
        changes[day] = taken
        available -= taken
    changes[""] = available
    return changes


def _of_lanes(
    balance: Balance, currency: str, mine: Mapping[str, int], lanes: Mapping[Lane, int], today: str, reserved: int
) -> tuple[dict[str, int], bool]:
    """What some clients earned, as far as it is there; and whether some of it stands reserved."""
    changes: dict[str, int] = defaultdict(int)
    lacking: dict[Lane, int] = {}
    in_months: dict[str, int] = defaultdict(int)
    left = dict(mine)
    # What is held of a day is of its newest months: the oldest are those that may be paid.
    for lane, minor in sorted(lanes.items(), reverse=True):
        has = min(minor, left.get(lane.day, 0))
        left[lane.day] = left.get(lane.day, 0) - has
        in_months[lane.month] += has
        if minor > has:
            lacking[lane] = minor - has
    for day, minor in left.items():
        # The clients were taken back what is held of them.
        changes[day] -= max(0, minor)
    pending = dict(balance.maturing(currency, today))
    come: dict[Lane, int] = {}
    for lane, minor in sorted(lacking.items()):
        if lane.day > today:
            taken = max(0, min(minor, pending.get(lane.day, 0)))
            pending[lane.day] = pending.get(lane.day, 0) - taken
            changes[lane.day] += taken
        else:
            come[lane] = minor
    stands = sum(
        minor
        for (each, bucket, _), minor in balance.amounts.items()
        if each == currency and bucket in (PENDING, AVAILABLE)
    )
    available = balance.bucket(currency, AVAILABLE, today)
    now = _taken(come, months_unpaid(balance, currency, stands, in_months), available)
    full = _taken(come, months_unpaid(balance, currency, stands + reserved, in_months), available + reserved)
    for lane, minor in now.items():
        changes[lane.day] += minor
    return dict(changes), sum(full.values()) > sum(now.values())


def _taken(lacking: Mapping[Lane, int], unpaid: Mapping[str, int], available: int) -> dict[Lane, int]:
    """What of these can be taken out of what is available, each from what its month has left; the newest first."""
    left, taken = dict(unpaid), dict[Lane, int]()
    for lane, minor in sorted(lacking.items(), reverse=True):
        part = max(0, min(minor, left.get(lane.month, 0), available))
        if part:
            taken[lane] = part
            left[lane.month] -= part
            available -= part
    return taken


# ------------------------------------------------------------------------------------------------------------ journals


def journals_of(
    balance: Balance, moves: Mapping[Day, int], *, case: str, number: int, at_ms: int
) -> tuple[Journal, ...]:
    """The journals of a step, the first with this number: one for each currency and direction."""
    found: list[Journal] = []
    for currency in sorted({currency for currency, _ in moves}):
        for move in (Move.FREE, Move.HOLD):
            sign = 1 if move is Move.HOLD else -1
            days = [
                (day, minor) for (each, day), minor in sorted(moves.items()) if each == currency and sign * minor > 0
            ]
            if days:
                legs = [
                    *(Leg(f"{PENDING}.{day}" if day else AVAILABLE, -minor) for day, minor in days),
                    Leg(HELD, sum(minor for _, minor in days)),
                ]
                found.append(_journal(move, balance, case, number + len(found), currency, legs, at_ms))
    return tuple(found)


def moved(journals: Iterable[Journal]) -> dict[Day, int]:
    """What a case holds by its journals."""
    held: dict[Day, int] = defaultdict(int)
    for journal in journals:
        for leg in journal.legs:
            bucket, _, day = leg.account.partition(".")
            if bucket != HELD:
                held[journal.key.currency, day] -= leg.amount
    return {day: minor for day, minor in sorted(held.items()) if minor}


def case_journal_id(case: str, number: int) -> str:
    """The id of a case's journal: `cas_….3`."""
    return f"{case}.{number}"


def _journal(
    move: Move, balance: Balance, case: str, number: int, currency: str, legs: Sequence[Leg], at_ms: int
) -> Journal:
    day = day_at(at_ms)
    return Journal(
        id=case_journal_id(case, number),
        key=Key(balance.partner, RULE, case, day[:7], currency, day),
        kind=move.value,
        amount=0,
        post_month=post_month(day[:7], balance.frozen_through),
        posted_at=at_ms,
        legs=tuple(legs),
        receipt=NO_RECEIPT,
    )


NO_RECEIPT = Receipt(rule_kind=RULE, version=0, events=(), more_events=0, lines=(), rates=(), target=0, before=0)
"""Nothing came about by these journals: what is behind them is the case."""
