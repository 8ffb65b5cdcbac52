"""`/clicks`: a month's clicks by day, those that count and why the others do not. `/desk/partners/{partner}/clicks`:
the same of a partner, for staff. `?link=` names one link by its code."""

from __future__ import annotations

import re
from typing import Any

from server import STAFF_HOME, Who, page
from visit import Visit

from introducer.domain.clicks import REASONS
from introducer.domain.configuration import Partner
from introducer.domain.errors import Malformed
from introducer.services.partner_of_brand import LONGEST_ID, partner_of_brand
from introducer.services.read_clicks_of_partner import Clicks, read_clicks_of_partner

PATH = "/clicks"
DESK = STAFF_HOME + "/{partner}/clicks"

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)
_COLUMNS = (
    ("day", lambda row: row["day"]),
    ("clicks", lambda row: row["clicks"]),
    ("unique", lambda row: row["unique"]),
    ("flagged", lambda row: row["flagged"]),
    *((reason, lambda row, reason=reason: row["reasons"].get(reason, 0)) for reason in REASONS),
)


@page(PATH, "clicks.html", columns=_COLUMNS)
def clicks(visit: Visit) -> dict[str, Any]:
    """The clicks on the partner's links in a month, by day, and why some do not count. `month` is the current one
    unless said otherwise; `link` names one link by its code."""
    assert visit.partner is not None
    return _month(visit, visit.partner)


@page(DESK, "clicks.html", who=Who.STAFF, columns=_COLUMNS)
def clicks_of_partner(visit: Visit, partner: str) -> dict[str, Any]:
    """The clicks on one partner's links in a month, by day, and why some do not count. `month` is the current one
    unless said otherwise; `link` names one link by its code."""
    assert visit.member is not None
    found = partner_of_brand(visit.portal.configuration, visit.member, partner)
    return _month(visit, found) | {"partner": found.partner, "name": found.name}


def _month(visit: Visit, partner: Partner) -> dict[str, Any]:
    month, code = visit.query("month") or visit.today[:7], visit.query("link")
    if not _MONTH.fullmatch(month):
        raise Malformed("month is a year and a month, such as 2026-04.", code="bad_month")
    if len(code) > LONGEST_ID:
        raise Malformed("link is the code of a link, as it stands in its address.", code="bad_link")
    found = read_clicks_of_partner(
        visit.portal.configuration, visit.portal.click_counts, partner=partner.partner, month=month, code=code
    )
    return {
        "month": month,
        "earlier_month": _shifted(month, -1),
        "later_month": _shifted(month, 1) if month < visit.today[:7] else None,
        "link": code or None,
        "whole": _shown(found.whole),
        # A month has no more days than one page has rows.
        "items": [{"day": each.day} | _shown(each.clicks) for each in found.days],
        "next": None,
    }


def _shown(found: Clicks) -> dict[str, Any]:
    return {
        "came": found.came,
        "clicks": found.clicks,
        "unique": found.unique,
        "flagged": found.flagged,
        "reasons": found.reasons,
    }


def _shifted(month: str, by: int) -> str:
    number = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{number // 12}-{number % 12 + 1:02d}"
