"""Bonuses: an amount while a month, or a window of its own, has reached a goal; taken back when facts undo it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from introducer.domain.calendar import day_start, month_end
from introducer.domain.deal import Basis, Bonus, DealVersion, Window
from introducer.domain.ledger import Line
from introducer.domain.money import FINE, decimal_string
from introducer.domain.partner_month import Month, day_range
from introducer.domain.rules.target import Target, Targets
from introducer.domain.rules.tier_lines import basis_line, show_start


def targets(seen: Month, before: Mapping[str, int]) -> tuple[Targets, dict[str, int]]:
    """What goals owe for the month, and how far the goals with a window of their own have come.

    `before` is how far those had come (clients, by version and rule).
    """
    owed: Targets = {}
    opening = seen.opening
    for rule in opening.deal.rules if opening else ():
        if isinstance(rule, Bonus) and rule.window is None:
            assert opening is not None
            activity = seen.activity(rule.by, opening, whole=True)
            met = activity >= rule.goal * (FINE if rule.by is Basis.NET_REVENUE else 1)
            days = (f"{seen.month}-01", month_end(seen.month))
            owed[seen.key(rule.id, opening.version)] = _target(rule, opening, activity, days, met=met)
    reached = dict(before)
    for version, rule, window in _windowed(seen):
        name = f"{version.version}.{rule.id}"
        already = before.get(name, 0)
        activity = already + counted(seen.moments(rule.by), window)
        reached[name] = activity
        if already < rule.goal:
            days = (window.first, window.last)
            met = activity >= rule.goal
            owed[seen.key(rule.id, version.version)] = _target(rule, version, activity, days, met=met)
    return owed, {name: count for name, count in reached.items() if count}


def counted(moments: Iterable[int], window: Window) -> int:
    """How many clients of a month count for a goal with a window of its own; `moments` is when each made its first
    deposit, or first qualified (ms)."""
    first, last = day_range(window.first, window.last)
    return sum(first <= at <= last for at in moments)


def _windowed(seen: Month) -> Iterator[tuple[DealVersion, Bonus, Window]]:
    """The goals whose window has days in this month, each of the version in force when the window opened."""
    for version in seen.contracts.deals.get(seen.partner, ()):
        for rule in version.deal.rules:
            window = rule.window if isinstance(rule, Bonus) else None
            if window is None or not window.first[:7] <= seen.month <= window.last[:7]:
                continue
            if seen.contracts.version_at(seen.partner, day_start(window.first)) == version:
                assert isinstance(rule, Bonus)
                yield version, rule, window


def _target(rule: Bonus, version: DealVersion, activity: int, days: tuple[str, str], *, met: bool) -> Target:
    currency = version.deal.currency
    shown = basis_line(rule.by, activity, currency).result
    minor = rule.amount if met else 0
    lines = (
        Line("goal", shown, (rule.by.value, show_start(rule.by, rule.goal, currency), *days)),
        Line("goal_paid" if met else "goal_missed", decimal_string(minor, currency)),
    )
    return Target(minor, "bonus", version.version, lines)
