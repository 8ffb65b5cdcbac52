"""What payouts move, in BOOKS. Each step is one transaction: its journal, which must not be there, and the balance.

What is available is a sum over attributes of the balance: `available`, and pending of every day that has come. A
condition cannot add them up, and a clawback may make an attribute that nobody read. So a reservation is written under
the balance's version: whatever was posted since it was read, it reads again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pynamodb.connection.base import Connection
from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from introducer.domain.calendar import day_at
from introducer.domain.errors import Conflict
from introducer.domain.exchange import ExchangeLeg
from introducer.domain.ids import derived_id
from introducer.domain.ledger import PENDING, Balance, Journal, Key, Leg
from introducer.domain.reservation import (
    NO_RECEIPT,
    RULE,
    STEP,
    Move,
    made,
    move_id,
    moved,
    paid,
    released,
    reserved,
    returned,
)
from introducer.store import keys
from introducer.store.ledger import VERSION, balance_attribute, balance_from_item, month_is_open
from introducer.store.wire import REFUSED, connect, from_wire, put_operation, reading, unavailable

TRIES = 5
"""So often a step reads and writes before it gives up. Between the two lie some milliseconds."""


class Beside(NamedTuple):
    """What else a step writes in its transaction: parts of it as pynamodb takes them."""

    puts: Sequence[dict[str, Any]] = ()
    updates: Sequence[dict[str, Any]] = ()
    checks: Sequence[dict[str, Any]] = ()
    way: Sequence[ExchangeLeg] = ()
    """The house's side of a payment, kept with its journal."""


NOTHING = Beside()


class Taken(NamedTuple):
    """A step that a payout has taken: now, with all that was to be written beside it, or before."""

    journal: Journal
    now: bool


def payout_journal_to_item(journal: Journal, way: Sequence[ExchangeLeg] = ()) -> dict[str, Any]:
    """The item of a payout's journal. Its place says whose it is, of which payout and which step."""
    key, move = journal.key, Move(journal.kind)
    item = {
        **keys.key("payout_journal", partner=key.partner, payout=key.scope, step=STEP[move]).item(),
        "kind": move.value,
        "currency": key.currency,
        "posted_at": journal.posted_at,
        "post_month": journal.post_month,
        "legs": json.dumps(journal.legs, separators=(",", ":")),
    }
    return item | ({"way": json.dumps(way, separators=(",", ":"))} if way else {})


def way_from_item(item: Mapping[str, Any]) -> tuple[ExchangeLeg, ...]:
    """The house's side of a payment, of its journal's item; empty for a step that sends or brings back nothing."""
    return tuple(ExchangeLeg(*leg) for leg in json.loads(item.get("way", "[]")))


def payout_journal_from_item(item: Mapping[str, Any]) -> Journal:
    """The journal of an item."""
    partner, (payout, _) = keys.parts(item[keys.PK])[1], keys.parts(item[keys.SK])
    move, day = Move(item["kind"]), day_at(item["posted_at"])
    return Journal(
        id=move_id(payout, move),
        key=Key(partner, RULE, payout, day[:7], item["currency"], day),
        kind=move,
        amount=0,
        post_month=item["post_month"],
        posted_at=item["posted_at"],
        legs=tuple(Leg(account, amount) for account, amount in json.loads(item["legs"])),
        receipt=NO_RECEIPT,
    )


def payout_journal_put(
    connection: Connection, table: str, journal: Journal, way: Sequence[ExchangeLeg] = ()
) -> dict[str, Any]:
    """The part of a transaction that writes a payout's journal: once, and never over the other of its step."""
    return put_operation(connection, table, payout_journal_to_item(journal, way), Path(keys.PK).does_not_exist())


def balance_moved(connection: Connection, table: str, journal: Journal, balance: Balance) -> dict[str, Any]:
    """The part of a transaction that moves a balance by a payout's journal, made from this balance. A reservation says
    that it is as it was read, every other move that what it takes is there; all, that the month is not closed."""
    key, currency = keys.key("balance", partner=journal.key.partner), journal.key.currency
    condition = month_is_open(journal.post_month)
    actions: list[Any] = [Path(VERSION).add(1)]
    for leg in journal.legs:
        bucket, _, day = leg.account.partition(".")
        amount = Path([balance_attribute(currency, bucket, day)])
        if bucket == PENDING:
            # All of that day is taken. A clawback may add to it later, and begins at nothing.
            actions.append(amount.remove())
        else:
            actions.append(amount.add(leg.amount))
            if leg.amount < 0 and journal.kind != Move.RESERVE:
                condition &= amount >= -leg.amount
    if journal.kind == Move.RESERVE:
        condition &= _as_read(balance)
    return connection.get_operation_kwargs(table, key.pk, key.sk, actions=actions, condition=condition)


class Reservations:
    """The journals of payouts. Every step may be repeated: what is done stays done, and is answered again."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def journals(self, partner: str, payout: str) -> tuple[Journal, ...]:
        """What a payout of this partner has moved so far, in order: at most three; none where there is no such
        payout."""
        with reading():
            answer = self._connection.query(
                self._table,
                keys.partition("payout_journal", partner=partner),
                range_key_condition=Path(keys.SK).startswith(keys.prefix("payout_journal", payout=payout)),
                consistent_read=True,
            )
        return tuple(payout_journal_from_item(from_wire(item)) for item in answer["Items"])

    # ----------------------------------------------------------------------------------------------------- writes

    def reserve(self, partner: str, payout: str, *, currency: str, amount: int, at_ms: int) -> Journal:
        """Reserves an amount (minor units) of what is available at this moment (ms).

        Raises `Conflict` when less is available (`not_available`), another amount is reserved for this payout already
        (`reserved_otherwise`), it was released, or the books move too fast (`books_changed`: try again); `Invalid` for
        an amount that is not above zero, `Unavailable`.
        """

        def propose(balance: Balance, _: Sequence[Journal]) -> Journal:
            return reserved(balance, payout=payout, currency=currency, amount=amount, at_ms=at_ms)

        journal = self._take(partner, payout, Move.RESERVE, propose)
        if (journal.key.currency, moved(journal)) != (currency, amount):
            raise Conflict(
                "Another amount is reserved for this payout: release it, and make a new one.", code="reserved_otherwise"
            )
        return journal

    def release(self, partner: str, payout: str, at_ms: int) -> Journal:
        """What is reserved for a payout is available again. Raises `Conflict` when nothing is (`not_reserved`), or it
        was paid (`paid_already`); `Unavailable`."""
        return self._take(partner, payout, Move.RELEASE, lambda now, before: released(now, before[0], at_ms))

    def pay(self, partner: str, payout: str, at_ms: int) -> Journal:
        """What is reserved for a payout was sent. Raises `Conflict` when nothing is (`not_reserved`), or it was
        released (`released_already`); `Unavailable`."""
        return self._take(partner, payout, Move.PAY, lambda now, before: paid(now, before[0], at_ms))

    def give_back(self, partner: str, payout: str, at_ms: int) -> Journal:
        """What was sent came back, and is available again. Raises `Conflict` when it was not paid (`not_paid`);
        `Unavailable`."""
        return self._take(partner, payout, Move.RETURN, lambda now, before: returned(now, before[1], at_ms))

    # ------------------------------------------------------------------------------------------------------ parts

    def attempt(
        self,
        partner: str,
        payout: str,
        move: Move,
        propose: Callable[[Balance, Sequence[Journal]], Journal],
        beside: Beside = NOTHING,
    ) -> Taken | None:
        """One try to take a step of a payout, together with what is to be written beside it; None when something
        changed since it was read. What was taken before is answered again, and then nothing is written."""
        before = self.journals(partner, payout)
        if (done := made(move, before)) is not None:
            return Taken(done, now=False)
        balance = self._balance(partner)
        journal = propose(balance, before)
        return Taken(journal, now=True) if self._write(journal, balance, beside) else None

    def _take(
        self, partner: str, payout: str, move: Move, propose: Callable[[Balance, Sequence[Journal]], Journal]
    ) -> Journal:
        """Takes a step of a payout, unless it is taken; reads again when the books changed meanwhile."""
        for _ in range(TRIES):
            if (taken := self.attempt(partner, payout, move, propose)) is not None:
                return taken.journal
        raise Conflict("The partner's books move too fast: try again.", code="books_changed")

    def _balance(self, partner: str) -> Balance:
        key = keys.key("balance", partner=partner)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return balance_from_item(partner, from_wire(answer.get("Item", {})))

    def _write(self, journal: Journal, balance: Balance, beside: Beside) -> bool:
        """Whether it was written; if not, something changed since it was read."""
        put = payout_journal_put(self._connection, self._table, journal, beside.way)
        update = balance_moved(self._connection, self._table, journal, balance)
        # The same for a resent request, so that a lost answer is answered again and not refused.
        token = derived_id("t", journal, balance.version, _plain(beside))
        return write_all(self._connection, [put, *beside.puts], [update, *beside.updates], beside.checks, token=token)


def write_all(
    connection: Connection,
    puts: Sequence[dict[str, Any]],
    updates: Sequence[dict[str, Any]],
    checks: Sequence[dict[str, Any]],
    *,
    token: str,
) -> bool:
    """Writes all parts of a transaction or none; whether it did. False when a condition did not hold or another
    transaction was met. Raises `Unavailable`."""
    try:
        connection.transact_write_items(checks, (), puts, updates, client_request_token=token)
    except TransactWriteError as error:
        if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
            return False
        raise unavailable() from error
    except PynamoDBConnectionError as error:
        raise unavailable() from error
    return True


def _plain(beside: Beside) -> str:
    """All that is written beside a step, as one text: another content must not go under the same token."""
    return json.dumps([beside.puts, beside.updates, beside.checks], sort_keys=True, default=str)


def _as_read(balance: Balance) -> Condition:
    """The condition that nothing moved this balance since it was read."""
    return Path(VERSION) == balance.version if balance.version else Path(VERSION).does_not_exist()
