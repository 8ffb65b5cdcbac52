"""Writes a partner's results in a line, from the counters, the deal in force and the rows of the month."""

from __future__ import annotations

from datetime import datetime

from introducer.domain.calendar import plus_days, plus_months
from introducer.domain.configuration import Partner
from introducer.domain.contracts import Contracts
from introducer.domain.deal import DealVersion
from introducer.domain.events import day_of, milliseconds
from introducer.domain.partner_month import Month
from introducer.domain.results import DAYS_SEEN, ResultDay, ResultLine, TierPlace, line_of, place_in, tiers_of
from introducer.services.case_books import CaseBooks
from introducer.services.write_figures import write_figures
from introducer.store.results import Results

MONTHS_BACK = 12
"""How far it is looked for a day with activity when a line is written for the first time."""


def write_results(results: Results, books: CaseBooks, *, partner: str, now: datetime) -> ResultLine:
    """The partner's line as of now, written; and its months in lines, once a day. May be repeated safely: it follows
    from what is counted.

    Raises `NotFound`, and `Unavailable`: come again.
    """
    who = books.configuration.partner(partner)
    today = day_of(now)
    first = plus_days(today, 1 - DAYS_SEEN)
    days = results.days(partner, first, today)
    before = results.line(who.brand, partner)
    contracts = books.contracts.contracts_of_month(partner, today[:7])
    version = contracts.version_at(partner, milliseconds(now))
    line = line_of(
        partner,
        today,
        days,
        last_active_day=before.last_active_day if before else _last_active(results, who, first, days),
        joined=day_of(who.created),
        language=who.language,
        deal=version.deal if version else None,
        tier=_tier(books, contracts, version, partner, today[:7]),
    )
    results.put(who.brand, line)
    write_figures(results.figure_lines, results.figures, brand=who.brand, partner=partner, now=now)
    return line


def _last_active(results: Results, partner: Partner, first: str, seen: list[ResultDay]) -> str:
    """The last day with activity before what a line is made from, where that says nothing: of a partner that had no
    line, and brings nothing now. Its first days are not looked for beyond a year."""
    if any(day.active for day in seen):
        return ""
    month, oldest = plus_months(first[:7], -1), day_of(partner.created)[:7]
    for _ in range(MONTHS_BACK):
        if month < oldest:
            return ""
        days = [day.day for day in results.month(partner.partner, month) if day.active]
        if days:
            return max(days)
        month = plus_months(month, -1)
    return ""


def _tier(
    books: CaseBooks, contracts: Contracts, version: DealVersion | None, partner: str, month: str
) -> TierPlace | None:
    """How far the month has come along the tiers of the deal in force."""
    tiers = tiers_of(version.deal if version else None)
    if tiers is None or version is None:
        return None
    rows = books.settlements.rows(partner, month)
    counted = Month(partner, month, rows.clients, rows.below, contracts)
    return place_in(tiers, counted.activity(tiers.by, version, whole=True), version.deal.currency)
