"""The ledger: journals with balanced legs, receipts, and the balance they add up to.

An amount owed has a *key*; the books store for each key what was posted, and post `target − posted` (engine.md, "The
model in four sentences"). Journals are append-only. Amounts are signed minor units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from introducer.domain.calendar import plus_months
from introducer.domain.ids import derived_ulid

HOUSE = "house.commissions"
"""The contra account: what the broker owes for introductions. It lives only in the legs, never as an item."""

PENDING, AVAILABLE, HELD, RESERVED, PAID = "pending", "available", "held", "reserved", "paid"


class Key(NamedTuple):
    """What an amount is owed for. Two amounts with the same key are one amount."""

    partner: str
    rule: str
    scope: str
    """The client for client-scoped rules."""
    earn_month: str
    currency: str
    available_day: str
    """The first UTC day on which it is no longer pending."""


@dataclass(frozen=True, slots=True)
class Line:
    """One step of the arithmetic as it was executed: what was done, with which values, and what came out."""

    step: str
    result: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiptEvent:
    """An event that moved this earning. `value` is what it contributed, in the deal's currency, where it has one."""

    source: str
    event_id: str
    type: str
    occurred_at: int
    value: str | None = None


@dataclass(frozen=True, slots=True)
class ReceiptRate:
    """A rate that was used, with the day it was published and by whom."""

    source: str
    target: str
    rate: str
    day: str
    feed: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """How an earning came about: events → rule and version → arithmetic → rate."""

    rule_kind: str
    version: int
    events: tuple[ReceiptEvent, ...]
    more_events: int
    """Events beyond those listed (the newest are listed)."""
    lines: tuple[Line, ...]
    rates: tuple[ReceiptRate, ...]
    target: int
    """What the rule says in all for this key, minor units."""
    before: int
    """What had been posted for this key before; the journal is the difference."""


class Leg(NamedTuple):
    """One side of a journal: an account and a signed amount. The partner's accounts are `bucket` or `pending.day`."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Journal:
    """One entry of the books. Its legs sum to zero; `amount` is what it earns the partner."""

    id: str
    key: Key
    kind: str
    """`earning`, or `clawback` when it takes back; `adjustment` and `reversal` are people's; those of payouts (`pay`)
    earn nothing."""
    amount: int
    post_month: str
    """The month of the books it stands in: the earn month, or the first open month after it was closed."""
    posted_at: int
    legs: tuple[Leg, ...]
    receipt: Receipt

    @property
    def month(self) -> str:
        """The month as it stands in the id: 202603."""
        return self.post_month.replace("-", "")


def post_month(earn_month: str, frozen_through: str | None) -> str:
    """The month of the books in which something earned in `earn_month` is posted: that month, or the first open one
    when it is closed. A closed month is never touched."""
    if frozen_through is not None and earn_month <= frozen_through:
        return plus_months(frozen_through, 1)
    return earn_month


def journal_id(key: Key, post_month: str, at_ms: int, sequence: int) -> str:
    """`jrn_<month><ulid>`: gives the journal's key in BOOKS by itself, sorts by time, and a retry makes the same one.

    `sequence` is the version of the client state (or partner month) that posts it: each key is posted at most once
    per version.
    """
    return f"jrn_{post_month.replace('-', '')}{derived_ulid(at_ms, *key, sequence)}"


def journal_month(journal: str) -> str | None:
    """The post month (202603) that a journal id names; None when it has not the form of one."""
    body = journal.removeprefix("jrn_")
    month = body[:6]
    if body == journal or len(body) != 32 or not (month.isascii() and month.isdigit()):
        return None
    return month


def earning_legs(key: Key, amount: int) -> tuple[Leg, ...]:
    """The legs of an earning: always into `pending` of its day. A day that has come counts as available on reading,
    so a clawback lowers what is pending, or makes what is available negative, by the same rule."""
    return (Leg(f"{PENDING}.{key.available_day}", amount), Leg(HOUSE, -amount))


@dataclass(frozen=True, slots=True)
class Balance:
    """A partner's money. `amounts` is per (currency, bucket, day); the day is only there for pending."""

    partner: str
    amounts: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    earned: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Signed total of all journals per (currency, earn month)."""
    frozen_through: str | None = None
    """The last closed month; nothing posts into it any more."""
    version: int = 0
    """How often its amounts or its holds were written: the condition of a reservation."""
    holds: int = 0
    """How many holds stand. Above zero nothing is reserved, and nothing that is reserved is sent."""

    def currencies(self) -> list[str]:
        """The currencies with any amount, in order."""
        return sorted({currency for currency, _, _ in self.amounts} | {currency for currency, _ in self.earned})

    def bucket(self, currency: str, bucket: str, today: str) -> int:
        """What stands in a bucket on UTC day `today`: matured pending counts as available."""
        if bucket == PENDING:
            return sum(amount for _, amount in self.maturing(currency, today))
        total = self.amounts.get((currency, bucket, ""), 0)
        if bucket == AVAILABLE:
            total += sum(amount for day, amount in self._pending(currency) if day <= today)
        return total

    def maturing(self, currency: str, today: str) -> list[tuple[str, int]]:
        """What is still pending, by the day it becomes available, soonest first."""
        return sorted((day, amount) for day, amount in self._pending(currency) if day > today and amount)

    def matured(self, currency: str, today: str) -> list[tuple[str, int]]:
        """What still stands as pending of days that have come, oldest first; days that came to nothing too."""
        return sorted((day, amount) for day, amount in self._pending(currency) if day <= today)

    def _pending(self, currency: str) -> Iterator[tuple[str, int]]:
        return (
            (day, amount)
            for (held, bucket, day), amount in self.amounts.items()
            if held == currency and bucket == PENDING
        )
