"""Overrides: a part of what the partners below bring in a month, by how far below they stand."""

from __future__ import annotations

from introducer.domain.deal import NET_REVENUE, PERCENT_ONE, QUALIFIED, DealVersion, Level, show_percent
from introducer.domain.errors import RateMissing
from introducer.domain.ledger import Key, Line
from introducer.domain.money import FINE, decimal_string, round_ratio, show_ratio
from introducer.domain.partner_month import Below, Month
from introducer.domain.rates import Rate
from introducer.domain.rules.target import Target, Targets

_UNIT = FINE * PERCENT_ONE


def targets(seen: Month) -> tuple[Targets, dict[Key, RateMissing]]:
    """What overrides owe for the month, per descendant; and those that wait for a rate of the month's first day."""
    owed: Targets = {}
    opening = seen.opening
    waiting: dict[Key, RateMissing] = {}
    for rule in opening.deal.overrides if opening else ():
        for descendant, below in seen.below.items():
            entry = rule.at(below.level)
            if entry is not None and opening is not None:
                key = seen.key(rule.id, opening.version, descendant)
                try:
                    owed[key] = _target(seen, opening, entry, descendant, below)
                except RateMissing as error:
                    waiting[key] = error
    return owed, waiting


def _target(seen: Month, opening: DealVersion, entry: Level, descendant: str, below: Below) -> Target:
    currency = opening.deal.currency
    lines = [Line("descendant", str(below.level), (descendant,))]
    used: set[Rate] = set()
    if entry.of == (QUALIFIED,):
        minor = entry.amount * below.clients
        lines.append(Line("descendant_clients", str(below.clients)))
        values = (decimal_string(entry.amount, currency), str(below.clients))
        lines.append(Line("override_cash", decimal_string(minor, currency), values))
        return Target(minor, "override", opening.version, tuple(lines))
    total = 0
    if entry.of == (NET_REVENUE,):
        for source, fine in below.revenue:
            shown = show_ratio(fine, FINE, source)
            lines.append(Line("descendant_net_revenue", shown, (source,)))
            total += _converted(seen, fine, 1, source, currency, shown, lines, used)
        total = max(0, total)
    else:
        for kind, source, minor in below.earned:
            if kind in entry.of:
                shown = decimal_string(minor, source)
                lines.append(Line("descendant_earned", shown, (kind, source)))
                total += _converted(seen, minor, FINE, source, currency, shown, lines, used)
    share = total * entry.percent
    lines.append(Line("override_share", show_ratio(share, _UNIT, currency), (show_percent(entry.percent),)))
    minor = round_ratio(share, _UNIT)
    lines.append(Line("rounded", decimal_string(minor, currency)))
    return Target(minor, "override", opening.version, tuple(lines), used=frozenset(used))


def _converted(
    seen: Month, amount: int, one: int, source: str, currency: str, shown: str, lines: list[Line], used: set[Rate]
) -> int:
    """An amount (`one` fine unit to each of it) in fine units of the deal's currency, at the rate of the month's first
    day."""
    if source == currency:
        return amount * one
    day = f"{seen.month}-01"
    rates = seen.contracts.rates
    rate = rates.rate(source, currency, day)
    fine = rates.fine(amount, source, currency, day) * one // FINE
    lines.append(Line("converted", show_ratio(fine, FINE, currency), (shown, source, str(rate), rate.day)))
    used.add(rate)
    return fine
