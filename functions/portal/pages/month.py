"""`/`: what you earned this month, and from what."""

from __future__ import annotations

from typing import Any

from server import PARTNER_HOME, STAFF_HOME, Go, Who, page
from visit import Visit

from introducer.services.read_month_of_partner import read_month_of_partner


@page(PARTNER_HOME, "month.html", who=Who.MEMBER)
def month(visit: Visit) -> Any:
    if visit.partner is None:
        return Go(STAFF_HOME)
    portal = visit.portal
    return read_month_of_partner(
        portal.ledger,
        portal.event_counts,
        portal.click_counts,
        partner=visit.partner.partner,
        currency=visit.partner.currency,
        today=visit.today,
    )
