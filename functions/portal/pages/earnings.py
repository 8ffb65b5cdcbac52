"""`/earnings`: what was posted, month by month, and `/earnings/{id}`: how one entry came about."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from server import page
from visit import Visit

from introducer.domain.errors import Malformed
from introducer.services.read_adjustments import with_names
from introducer.services.read_earnings_of_partner import (
    clause_of,
    entry_with_receipt,
    naming_below,
    naming_those_below,
    posted_instead,
    read_earnings_of_month,
    read_journal,
    subject_of,
)
from introducer.services.read_settling_of_partner import read_settling_of_partner
from introducer.wording.receipts import tell

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)


@page(
    "/earnings",
    "earnings.html",
    columns=(
        ("id", lambda row: row.id),
        ("posted_at", lambda row: row.posted_at),
        ("kind", lambda row: row.kind),
        ("rule", lambda row: row.rule_kind),
        ("client", lambda row: row.client),
        ("below", lambda row: row.below_name or row.below),
        ("for_month", lambda row: row.earn_month),
        ("available", lambda row: row.available_day),
        ("amount", lambda row: row.amount),
        ("currency", lambda row: row.amount.currency),
    ),
)
def earnings(visit: Visit) -> dict[str, Any]:
    """What was posted for the partner in a month, the newest first, and what it earned."""
    assert visit.partner is not None
    month = visit.query("month") or visit.today[:7]
    if not _MONTH.fullmatch(month):
        raise Malformed("month is a year and a month, such as 2026-04.", code="bad_month")
    subject = f"earnings of {visit.partner.partner} in {month}"
    found = read_earnings_of_month(
        visit.portal.ledger,
        partner=visit.partner.partner,
        month=month,
        cursor=visit.position(subject),
        limit=visit.limit(),
    )
    return {
        "month": month,
        "earlier_month": _shifted(month, -1),
        "later_month": _shifted(month, 1) if month < visit.today[:7] else None,
        "earned": found.earned,
        "settling": read_settling_of_partner(
            visit.portal.settlements, visit.portal.contracts, partner=visit.partner.partner, month=month
        ),
        "items": naming_those_below(visit.portal.configuration, found.entries.items),
        "next": visit.next(subject, found.entries.cursor),
    }


@page("/earnings/{journal}", "receipt.html")
def earning(visit: Visit, journal: str) -> dict[str, Any]:
    """An entry with its receipt, as data and in the reader's words. The words are `told`, as `introducer explain` has
    them."""
    assert visit.partner is not None
    posted = read_journal(visit.portal.ledger, partner=visit.partner.partner, journal=journal)
    found = with_names(visit.portal.configuration, posted)
    data = entry_with_receipt(found)
    [entry] = naming_those_below(visit.portal.configuration, [data.entry])
    subject = subject_of(found)
    told = tell(
        visit.language,
        naming_below(found, entry.below_name),
        client=subject.client,
        below=entry.below_name or subject.below,
        clause=clause_of(visit.portal.configuration, found),
        instead=posted_instead(visit.portal.ledger, found),
    )
    return {field.name: getattr(data, field.name) for field in fields(data)} | {"entry": entry, "told": told}


def _shifted(month: str, by: int) -> str:
    number = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{number // 12}-{number % 12 + 1:02d}"
