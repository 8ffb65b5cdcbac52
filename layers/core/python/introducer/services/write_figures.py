"""Writes a partner's months in lines, once a day, from its counters."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from introducer.domain.calendar import plus_months
from introducer.domain.events import day_of
from introducer.domain.report_query import MOST_MONTHS
from introducer.store.figure_lines import FigureLine, FigureLines
from introducer.store.figures import Figures, MonthOfFigures


def write_figures(lines: FigureLines, figures: Figures, *, brand: str, partner: str, now: datetime) -> int:
    """The partner's lines as of now; how many were written. Nothing on a day on which they were: it is the first call
    of a day that counts. The first of a month writes all months that a report may ask for, so that whatever was
    corrected long after, and whoever had no lines yet, is right from then on; other days this month and the last.

    May be repeated safely. Raises `Unavailable`.
    """
    month = day_of(now)[:7]
    before = lines.get(brand, partner, month)
    if before is not None and day_of(before.counted_at) == day_of(now):
        return 0
    written = 0
    for back in reversed(range(2 if before is not None else MOST_MONTHS)):
        name = plus_months(month, -back)
        days = _days(figures.read(partner, name))
        # This month has a line even with nothing in it: it says that the months before are written.
        if days or name == month or lines.get(brand, partner, name) is not None:
            lines.put(brand, FigureLine(partner=partner, month=name, counted_at=now, days=days))
            written += 1
    return written


def _days(month: MonthOfFigures) -> dict[str, dict[str, int]]:
    days: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for clicked in month.clicked:
        for name in ("clicks", "unique", "flagged"):
            days[clicked.day][name] += getattr(clicked, name)
    for cell in month.cells:
        for name, number in cell.counts.items():
            days[cell.day][name] += number
        for (name, currency), fine in cell.sums.items():
            days[cell.day][f"{name}.{currency}"] += fine
    kept = {day: {name: value for name, value in found.items() if value} for day, found in sorted(days.items())}
    return {day: found for day, found in kept.items() if found}
