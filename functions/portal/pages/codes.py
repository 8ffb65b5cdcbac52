"""`/codes`: the promo codes of a partner, with what came by them."""

from __future__ import annotations

from typing import Any

from server import page
from visit import Visit

from introducer.domain.events import month_of
from introducer.services.read_codes import read_codes_of_partner

COLUMNS = (
    ("code", lambda row: row.code),
    ("status", lambda row: row.status),
    ("campaign", lambda row: row.campaign),
    ("starts_at", lambda row: row.starts_at),
    ("ends_at", lambda row: row.ends_at),
    ("registrations", lambda row: row.registrations),
    ("ftd", lambda row: row.ftd),
)


@page("/codes", "codes.html", columns=COLUMNS)
def codes(visit: Visit) -> dict[str, Any]:
    """The partner's promo codes, those given last first, with what came by each this month."""
    assert visit.partner is not None
    return codes_shown(visit, visit.partner.brand, visit.partner.partner)


def codes_shown(visit: Visit, brand: str, partner: str) -> dict[str, Any]:
    """A page of a partner's codes."""
    subject = f"codes of {partner}"
    found = read_codes_of_partner(
        visit.portal.configuration,
        visit.portal.event_counts,
        brand=brand,
        partner=partner,
        now=visit.now,
        cursor=visit.position(subject),
        limit=visit.limit(),
    )
    return {"month": month_of(visit.now), "items": found.items, "next": visit.next(subject, found.cursor)}
