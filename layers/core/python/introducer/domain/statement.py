"""Closing a month: what a partner's statement says, and when a month may be closed.

A close computes no earnings. It adds up what was posted in a month into which nothing can be posted any more, once; the
statement never changes after that (engine.md, "Definitions", Close). Amounts are signed minor units.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from introducer.domain.calendar import month_end, plus_days
from introducer.domain.errors import Invalid
from introducer.domain.ledger import Journal

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A sum of journals. `of` is a kind of rule, or the month that was earned in (`2026-01`)."""

    of: str
    amount: int
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyTotals:
    """A month's postings in one currency: `opening`, plus all of `rules` and `earlier`, is `closing`."""

    currency: str
    opening: int
    """All that was posted in the months before."""
    rules: tuple[Total, ...]
    """Earned in this month, by kind of rule."""
    earlier: tuple[Total, ...]
    """Earned in earlier months and posted in this one, because those were closed; by the month it is for."""

    @property
    def earned(self) -> int:
        return sum(total.amount for total in self.rules)

    @property
    def for_earlier(self) -> int:
        return sum(total.amount for total in self.earlier)

    @property
    def closing(self) -> int:
        """All that was posted up to the end of this month."""
        return self.opening + self.earned + self.for_earlier


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a closed month came to for a partner."""

    partner: str
    month: str
    totals: tuple[CurrencyTotals, ...]
    """By currency, every one that anything was ever posted in."""
    entries: int
    """How many journals the month has."""
    digest: str
    """Names these journals and amounts: SHA-256, hex."""
    closed_at: datetime

    def says_the_same(self, other: Statement) -> bool:
        """Whether both say the same of the month; when that was written down does not matter."""
        return replace(self, closed_at=other.closed_at) == other


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthClose:
    """A brand's month that somebody began to close; it is closed once it has `closed_at`."""

    brand: str
    month: str
    began_at: datetime
    began_by: str
    """A member's id, or `system:` and the name of what acted on its own."""
    closed_at: datetime | None = None
    closed_by: str | None = None
    partners: int = 0
    entries: int = 0
    sums: Mapping[str, int] | None = None
    """What was posted in the month, per currency, of all partners."""


def make_statement(
    partner: str, month: str, opening: Mapping[str, int], journals: Iterable[Journal], closed_at: datetime
) -> Statement:
    """Adds up a month's journals, which come in one fixed order; only sums are kept of them."""
    digest = hashlib.sha256()
    rules: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    earlier: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    entries = 0
    for journal in journals:
        entries += 1
        digest.update(f"{journal.id} {journal.amount} {journal.key.currency}\n".encode())
        currency, earned = journal.key.currency, journal.key.earn_month
        sums = rules[currency, journal.receipt.rule_kind] if earned == month else earlier[currency, earned]
        sums[0] += journal.amount
        sums[1] += 1
    return Statement(
        partner=partner,
        month=month,
        totals=tuple(
            CurrencyTotals(
                currency=currency,
                opening=opening.get(currency, 0),
                rules=_totals(currency, rules),
                earlier=_totals(currency, earlier),
            )
            for currency in sorted({*opening, *(ccy for ccy, _ in rules), *(ccy for ccy, _ in earlier)})
        ),
        entries=entries,
        digest=digest.hexdigest(),
        closed_at=closed_at,
    )


def _totals(currency: str, sums: Mapping[tuple[str, str], list[int]]) -> tuple[Total, ...]:
    return tuple(
        Total(of=of, amount=amount, entries=entries)
        for (ccy, of), (amount, entries) in sorted(sums.items())
        if ccy == currency
    )


def check_month(month: str) -> str:
    """The month, if it is one. Raises `Invalid`."""
    if not _MONTH.fullmatch(month):
        raise Invalid(f"{month[:20]!r} is no month: send a year and a month, such as 2026-10.", code="bad_month")
    return month


def is_over(month: str, now: datetime) -> bool:
    """Whether a month has ended in UTC."""
    return month < now.astimezone(UTC).strftime("%Y-%m")


def check_over(month: str, now: datetime) -> None:
    """Raises `Invalid` (code `month_not_over`) for a month that has not ended in UTC, or is none."""
    if not is_over(check_month(month), now):
        last = month_end(month)
        raise Invalid(
            f"{month} has not ended: its last day (UTC) is {last}. Close it on {plus_days(last, 1)} or later.",
            code="month_not_over",
        )
