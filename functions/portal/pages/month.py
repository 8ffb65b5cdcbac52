"""`/`: what you earned this month, and from what."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from server import DESK, PARTNER_HOME, Go, Who, page
from visit import Visit

from introducer.domain.task import READERS
from introducer.services.read_earnings_of_partner import naming_those_below
from introducer.services.read_month_of_partner import read_month_of_partner
from introducer.services.read_settling_of_partner import read_settling_of_partner
from pages.desk_leads import PATH as LEADS
from pages.messages import has_news


@page(PARTNER_HOME, "month.html", who=Who.MEMBER)
def month(visit: Visit) -> Any:
    if visit.partner is None:
        return Go(DESK if visit.member is not None and visit.member.role in READERS else LEADS)
    portal = visit.portal
    found = read_month_of_partner(
        portal.ledger,
        portal.event_counts,
        portal.click_counts,
        partner=visit.partner.partner,
        currency=visit.partner.currency,
        today=visit.today,
    )
    settling = read_settling_of_partner(
        portal.settlements, portal.contracts, partner=visit.partner.partner, month=found.month
    )
    return {field.name: getattr(found, field.name) for field in fields(found)} | {
        "latest": naming_those_below(portal.configuration, found.latest),
        "settling": settling,
        "news": has_news(visit),
    }
