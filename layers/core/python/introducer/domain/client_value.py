"""What clients are worth over time: those who registered in some months, by the month of registration or by where they
came from, and what came of them until now.

A client's value is what was counted of it since, divided by how many registered: of those as well who never paid in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from introducer.domain.calendar import months_between, plus_months
from introducer.domain.errors import Malformed
from introducer.domain.money import DECIMALS, FINE, Money, round_ratio
from introducer.domain.report_query import MOST_MONTHS, Dimension, Fact, Sums

COHORT = "cohort"
"""Rows by the month of registration; else they are one of `SOURCES`, or a partner or manager."""
VALUES = ("net_revenue", "deposits", "earnings")
"""What can be shown month by month."""
TINTS = 5
"""Into how many steps the cells of a table are told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueQuery:
    """What is asked: the clients of which months, in which rows, and which value month by month."""

    by: str
    first: str
    last: str
    """Months of registration, both included."""
    through: str
    """The month in which it is asked: until then it is counted."""
    value: str = VALUES[0]
    grows: bool = True
    """Whether a month's cell has all months before it too."""
    currency: str = ""

    @property
    def months(self) -> list[str]:
        """All months that are read."""
        return [plus_months(self.first, number) for number in range(months_between(self.first, self.through) + 1)]

    def to_params(self) -> dict[str, str]:
        """The query as an address has it."""
        said = {"by": self.by, "first": self.first, "last": self.last, "value": self.value}
        if not self.grows:
            said["each"] = "month"
        return said | ({"currency": self.currency} if self.currency else {})


def value_query_of(
    asked: Mapping[str, str], *, today: str, allowed: Sequence[str], usual_months: int = 12
) -> ValueQuery:
    """The query of an address's parameters: the clients of the last twelve months, where nothing else is asked; of
    fewer, where so many partners' months are too much to read.

    Raises `Malformed`: `bad_rows`, `bad_months`, `bad_value` or `bad_currency`.
    """
    month = today[:7]
    by, value = asked.get("by") or COHORT, asked.get("value") or VALUES[0]
    if by not in (COHORT, *allowed):
        raise Malformed(f"by is one of: {', '.join((COHORT, *allowed))}.", code="bad_rows", value=by[:40])
    if value not in VALUES:
        raise Malformed(f"value is one of: {', '.join(VALUES)}.", code="bad_value", value=value[:40])
    last = asked.get("last") or month
    first = asked.get("first") or plus_months(month, 1 - usual_months)
    for text in (first, last):
        if not (len(text) == 7 and text.isascii() and text[:4].isdigit() and text[4:] in _MONTHS):
            raise Malformed("first and last are months such as 2026-04.", code="bad_months", value=text[:40])
    if not first <= last <= month or months_between(first, month) >= MOST_MONTHS:
        raise Malformed(
            f"first is a month of the last {MOST_MONTHS}, and last is not before it and not to come.",
            code="bad_months",
            value=f"{first} to {last}",
        )
    currency = asked.get("currency", "")
    if currency and currency not in DECIMALS:
        raise Malformed("currency has three capital letters, such as EUR.", code="bad_currency", value=currency[:40])
    return ValueQuery(
        by=by,
        first=first,
        last=last,
        through=month,
        value=value,
        grows=asked.get("each") != "month",
        currency=currency,
    )


_MONTHS = frozenset(f"-{number:02d}" for number in range(1, 13))


class ValueRow(NamedTuple):
    """The clients of one row."""

    key: str
    sums: Sums
    """All that was counted of them until now; `registrations` are how many they are."""
    ages: tuple[Sums | None, ...]
    """The same of each month since the registration, the month itself first; None for months that none of them has
    reached. Of rows that are no cohorts there are none: their clients are of different ages."""


class Valued(NamedTuple):
    rows: tuple[ValueRow, ...]
    total: ValueRow


def tabulate_value(query: ValueQuery, facts: Iterable[Fact]) -> Valued:
    """Sums by row and, for cohorts, by how many months after the registration it happened. Facts of one month stand
    for all of its days."""
    ages: dict[str, dict[int, Sums]] = {}
    rows: dict[str, Sums] = {}
    total = Sums()
    if query.by == COHORT:
        rows = {month: Sums() for month in query.months if month <= query.last}
    for fact in facts:
        if not query.first <= fact.cohort <= query.last:
            continue
        key = fact.cohort if query.by == COHORT else str(getattr(fact, Dimension(query.by).value))
        rows.setdefault(key, Sums()).add(fact.counts, fact.sums)
        total.add(fact.counts, fact.sums)
        # What was heard of somebody before the registration belongs to its month.
        age = max(0, months_between(fact.cohort, fact.day[:7]))
        ages.setdefault(key, {}).setdefault(age, Sums()).add(fact.counts, fact.sums)
    made = []
    for key in sorted(rows):
        reached = months_between(key, query.through) + 1 if query.by == COHORT else 0
        whole = len(query.months) if query.by == COHORT else 0
        by_age = ages.get(key, {})
        made.append(
            ValueRow(
                key,
                rows[key],
                tuple(by_age.get(age) or Sums() if age < reached else None for age in range(whole)),
            )
        )
    return Valued(tuple(made), ValueRow("", total, ()))


def per_client(sums: Sums, value: str, currency: str) -> Money | None:
    """A value divided by the registered clients, rounded to minor units; None without any."""
    clients = sums.counts.get("registrations", 0)
    return Money(round_ratio(sums.of(value, currency), FINE * clients), currency) if clients > 0 else None


def by_age(row: ValueRow, query: ValueQuery, currency: str) -> list[Money | None]:
    """A cohort's value by registered client, month by month, alone or with all months before; None for what has not
    come yet, and without clients. Divided and rounded once, on what is shown."""
    clients = row.sums.counts.get("registrations", 0)
    shown: list[Money | None] = []
    fine = 0
    for sums in row.ages:
        if sums is None or clients <= 0:
            shown.append(None)
            continue
        own = sums.of(query.value, currency)
        fine = fine + own if query.grows else own
        shown.append(Money(round_ratio(fine, FINE * clients), currency))
    return shown


def tint(amount: Money | None, most: int) -> int:
    """In which of the steps up to the largest amount of a table one stands: 0 for nothing and for what is below."""
    if amount is None or amount.minor <= 0 or most <= 0:
        return 0
    return min(TINTS, -(-amount.minor * TINTS // most))
