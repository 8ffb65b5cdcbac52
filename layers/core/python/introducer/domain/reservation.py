"""What a payout moves: money from what is available into `reserved`, from there to `paid`, and back.

A payout has at most three journals, each made once: its money is reserved; then released, or paid; and what was paid
may be given back, when the transfer returns. They move money between the partner's own buckets. Nothing is earned by
that: their amount is zero, their legs carry the money and leave the house alone, so what was earned for a month, its
statement and the list of earnings know nothing of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from introducer.domain.calendar import day_at
from introducer.domain.errors import Conflict, Invalid
from introducer.domain.ledger import (
    AVAILABLE,
    PAID,
    PENDING,
    RESERVED,
    Balance,
    Journal,
    Key,
    Leg,
    Receipt,
    post_month,
)
from introducer.domain.money import decimal_string

RULE = "payout"
"""The rule of these journals' keys; their scope is the payout."""

DAYS_FOLDED = 100
"""So many matured days one reservation folds into `available`, oldest first: an expression of DynamoDB holds no more
than 4 KB. A day that is left over counts as available all the same, and is folded by a later one."""


class Move(StrEnum):
    """The kinds of these journals."""

    RESERVE = "reserve"
    RELEASE = "release"
    """Nothing was sent: the money is available again."""
    PAY = "pay"
    RETURN = "return"
    """What was sent came back: the money is available again."""


STEP = {Move.RESERVE: 1, Move.RELEASE: 2, Move.PAY: 2, Move.RETURN: 3}
"""Which step of its payout a move is. A payout takes each step once, so what was released is never paid."""


# --------------------------------------------------------------------------------------------------- what can be done


def made(move: Move, journals: Sequence[Journal]) -> Journal | None:
    """The journal of this move, if the payout has made it; None when it is the next one to make. `journals` are those
    of the payout, in order. Raises `Conflict` when it can never be made, or not yet."""
    kinds = [journal.kind for journal in journals]
    if Move.RELEASE in kinds and move is not Move.RELEASE:
        # A repeated reservation too: whoever asks for it would send what is not reserved any more.
        raise Conflict("This payout was released: make a new one.", code="released_already")
    if move in kinds:
        return journals[kinds.index(move)]
    if move is Move.RETURN and Move.PAY not in kinds:
        raise Conflict("This payout was not paid: there is nothing to give back.", code="not_paid")
    if move is Move.RELEASE and Move.PAY in kinds:
        raise Conflict("This payout was paid: its money can only be given back.", code="paid_already")
    if move is not Move.RESERVE and Move.RESERVE not in kinds:
        raise Conflict("Nothing is reserved for this payout: reserve its amount first.", code="not_reserved")
    return None


def moved(journal: Journal) -> int:
    """The amount that one of these journals moves, minor units: all of the payout's, always above zero."""
    target = {Move.RESERVE: RESERVED, Move.PAY: PAID}.get(Move(journal.kind), AVAILABLE)
    return next(leg.amount for leg in journal.legs if leg.account == target)


# ------------------------------------------------------------------------------------------------------------ journals


def reserved(
    balance: Balance, *, payout: str, currency: str, amount: int, at_ms: int, through: str | None = None
) -> Journal:
    """An amount (minor units) is reserved for a payout, out of what is available on the UTC day of `at_ms`.

    Money whose day has come stands as pending until then; it is folded into `available` here: that of the days up to
    `through` alone, where the payout is of a period that ended before. Raises `Conflict` (code
    `not_available` for more than what is available, `on_hold` while a hold stands), `Invalid` for nothing.
    """
    today = day_at(at_ms)
    if amount <= 0:
        raise Invalid("A payout moves an amount above zero: send one.", code="invalid_amount")
    if balance.holds:
        raise Conflict("Payouts of this partner are on hold: release the hold first.", code="on_hold")
    available = balance.bucket(currency, AVAILABLE, today)
    if amount > available:
        raise Conflict(
            f"{_shown(amount, currency)} cannot be reserved: available is {_shown(available, currency)}.",
            code="not_available",
            available=available,
        )
    folded = balance.matured(currency, today if through is None else min(through, today))[:DAYS_FOLDED]
    legs = [
        *(Leg(f"{PENDING}.{day}", -matured) for day, matured in folded),
        Leg(AVAILABLE, sum(matured for _, matured in folded) - amount),
        Leg(RESERVED, amount),
    ]
    return _journal(Move.RESERVE, balance, payout, currency, legs, at_ms)


def released(balance: Balance, reservation: Journal, at_ms: int) -> Journal:
    """What was reserved is available again: the payout will not be sent."""
    return _onward(Move.RELEASE, balance, reservation, RESERVED, AVAILABLE, at_ms)


def paid(balance: Balance, reservation: Journal, at_ms: int) -> Journal:
    """What was reserved was sent."""
    return _onward(Move.PAY, balance, reservation, RESERVED, PAID, at_ms)


def returned(balance: Balance, payment: Journal, at_ms: int) -> Journal:
    """What was sent came back, and is available again."""
    return _onward(Move.RETURN, balance, payment, PAID, AVAILABLE, at_ms)


def move_id(payout: str, move: Move) -> str:
    """The id of a payout's journal, `<payout>.pay`: from payout and move alone, so that there is one, whenever it is
    made."""
    return f"{payout}.{move}"


def _onward(move: Move, balance: Balance, before: Journal, source: str, target: str, at_ms: int) -> Journal:
    """All that the journal before moved, from one bucket into another. Raises `Conflict` when it is not there, which
    must never happen."""
    currency, amount = before.key.currency, moved(before)
    stands = balance.amounts.get((currency, source, ""), 0)
    if amount > stands:
        raise Conflict(
            f"{_shown(amount, currency)} of this payout should be {source}, and all that is {source} is "
            f"{_shown(stands, currency)}: have the books verified.",
            code="balance_differs",
        )
    legs = [Leg(source, -amount), Leg(target, amount)]
    return _journal(move, balance, before.key.scope, currency, legs, at_ms)


def _journal(move: Move, balance: Balance, payout: str, currency: str, legs: Sequence[Leg], at_ms: int) -> Journal:
    day = day_at(at_ms)
    return Journal(
        id=move_id(payout, move),
        key=Key(balance.partner, RULE, payout, day[:7], currency, day),
        kind=move,
        amount=0,
        post_month=post_month(day[:7], balance.frozen_through),
        posted_at=at_ms,
        legs=tuple(legs),
        receipt=NO_RECEIPT,
    )


NO_RECEIPT = Receipt(rule_kind=RULE, version=0, events=(), more_events=0, lines=(), rates=(), target=0, before=0)
"""Nothing came about by these journals: what is behind them is the payout."""


def _shown(amount: int, currency: str) -> str:
    return f"{decimal_string(amount, currency)} {currency}"
