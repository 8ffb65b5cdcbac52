"""Revenue share: a percentage of a client's net revenue of a month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from introducer.domain.calendar import day_at, month_end, months_between, plus_days, plus_months
from introducer.domain.client import Cell
from introducer.domain.contracts import Contracts
from introducer.domain.deal import (
    COEFFICIENT_ONE,
    PERCENT_ONE,
    TRADE_FIELDS,
    Formula,
    NegativeMonths,
    Revshare,
    show_coefficient,
    show_percent,
)
from introducer.domain.events import Event, EventType, milliseconds
from introducer.domain.ledger import Key, Line
from introducer.domain.money import FINE, decimal_string, round_ratio, show_ratio
from introducer.domain.rates import Rates
from introducer.domain.rules.target import Target, Targets

_CASH = {
    EventType.DEPOSIT: "deposits",
    EventType.WITHDRAWAL: "withdrawals",
    EventType.CREDIT: "credits",
    EventType.CHARGEBACK: "chargebacks",
}
UNIT = FINE * PERCENT_ONE
"""Shares are exact in millionths of a fine unit until the one rounding of the month."""


def net_revenue(event: Event, formula: Formula, currency: str, rates: Rates) -> int:
    """The event's net revenue by a formula, in fine units of `currency`. Raises `RateMissing`."""
    weighted = sum(coefficient * _component(event, field) for field, coefficient in formula.coefficients)
    if not weighted or event.currency is None:
        return 0
    return rates.fine(weighted, event.currency, currency, day_at(milliseconds(event.occurred_at))) // COEFFICIENT_ONE


def part(rule: Revshare, day: str) -> str:
    """What a day's net revenue is summed with: a promotion's, by its first day, stands apart."""
    return rule.promotion.first if rule.promotion is not None and rule.promotion.holds_on(day) else ""


def percent_of(rule: Revshare, part: str) -> int:
    """The percentage of a part, outside of tiers."""
    return rule.promotion.price if part and rule.promotion is not None else rule.base


def targets(
    client: str,
    partner: str,
    rule_id: str,
    currency: str,
    months: Mapping[str, Sequence[tuple[Cell, int]]],
    contracts: Contracts,
    since: str = "",
) -> Targets:
    """A client's share month by month, from `since` on; a negative month is forgotten, or carried (up to a cap), as its
    newest version says.

    `months` has the net revenue cells (fine units) of one client, partner and rule: all of them, because of what the
    months before `since` carry into it.
    """
    owed: Targets = {}
    carry = 0
    earned: dict[str, int] = {}
    rules = {cell.version: rule_of(contracts, cell) for cells in months.values() for cell, _ in cells}
    carries = any(rule.negative is not NegativeMonths.RESET for rule in rules.values())
    for month in sorted(months):
        if month < since and not carries:
            continue
        cells = sorted(months[month])
        lines: list[Line] = []
        total = 0
        for cell, net in cells:
            rule = rules[cell.version]
            share = net * percent_of(rule, cell.part)
            total += share
            if month >= since:
                lines.append(Line("net_revenue", show_ratio(net, FINE, currency), (str(cell.version),)))
                lines.append(share_line(rule, cell.part, share, currency))
        newest = cells[-1][0]
        rule = rules[newest.version]
        most = most_carried(rule.cap, earned, month) if rule.negative is NegativeMonths.CAPPED else 0
        earned[month] = max(0, total)
        total, carry = carried(rule, total, carry, most, currency, lines)
        if month < since:
            continue
        minor = round_ratio(max(0, total), UNIT)
        lines.append(Line("rounded", decimal_string(minor, currency)))
        hold = contracts.version(partner, newest.version).deal.hold
        key = Key(partner, rule_id, client, month, currency, plus_days(month_end(month), hold.days))
        owed[key] = Target(minor, "revshare", newest.version, tuple(lines))
    return owed


def carried(rule: Revshare, raw: int, carry: int, most: int, currency: str, lines: list[Line]) -> tuple[int, int]:
    """A month's raw share with what was carried into it, and what it carries out; each step becomes a line. `most` is
    what a capped loss is cut at."""
    total = raw
    if rule.negative is not NegativeMonths.RESET and carry:
        total += carry
        lines.append(Line("carried_in", show_ratio(carry, UNIT, currency)))
    if total >= 0:
        return total, 0
    if rule.negative is NegativeMonths.RESET:
        lines.append(Line("loss_forgotten", show_ratio(total, UNIT, currency)))
        return total, 0
    if rule.negative is NegativeMonths.CAPPED and total < -most:
        capped = (show_coefficient(rule.cap), show_ratio(total, UNIT, currency))
        lines.append(Line("carry_capped", show_ratio(-most, UNIT, currency), capped))
        return total, -most
    lines.append(Line("carried_out", show_ratio(total, UNIT, currency)))
    return total, total


def most_carried(cap: int, earned: Mapping[str, int], month: str) -> int:
    """The most that may be carried out of a month: `cap` times the average of the up to twelve months before it, since
    the client's first. A month without anything counts as nothing; without a month before, nothing is carried."""
    since = max(min(earned, default=month), plus_months(month, -12))
    number = months_between(since, month)
    total = sum(value for each, value in earned.items() if each >= since)
    return cap * total // (number * COEFFICIENT_ONE) if number else 0


def share_line(rule: Revshare, part: str, share: int, currency: str) -> Line:
    """A share outside of tiers, and whose percentage it is."""
    result = show_ratio(share, UNIT, currency)
    if part and rule.promotion is not None:
        values = (show_percent(rule.promotion.price), rule.promotion.first, rule.promotion.last)
        return Line("promotion_share", result, values)
    return Line("share" if rule.own is None else "own_share", result, (show_percent(rule.base),))


def rule_of(contracts: Contracts, cell: Cell) -> Revshare:
    """The revenue share that a cell is of."""
    rule = contracts.rule(cell.partner, cell.version, cell.rule)
    assert isinstance(rule, Revshare)
    return rule


def _component(event: Event, field: str) -> int:
    if event.type is EventType.TRADE:
        return int(getattr(event, field) or 0) if field in TRADE_FIELDS else 0
    return (event.amount or 0) if _CASH.get(event.type) == field else 0
