"""`/leads`: how a partner's leads go on. Who they are is between them and the broker: no name, no address."""

from __future__ import annotations

from typing import Any

import words
from server import page
from visit import N_, Visit

from introducer.services.read_leads import leads_of_partner

PATH = "/leads"

words.WORDS |= {
    "lead_stage": {
        "new": N_("New"),
        "contacted": N_("Contacted"),
        "opportunity": N_("Interested"),
        "won": N_("Became a client"),
        "lost": N_("Does not go on"),
    },
    "lead_lost": {
        "not_reached": N_("Could not be reached"),
        "not_interested": N_("Not interested now"),
        "not_eligible": N_("We may not have them"),
        "duplicate": N_("Was known before"),
        "wrong_details": N_("The details are not theirs"),
        "other": N_("Another reason"),
    },
}


@page(
    PATH,
    "leads.html",
    columns=(
        ("lead", lambda row: row.lead),
        ("came_at", lambda row: row.came_at),
        ("link", lambda row: row.link),
        ("campaign", lambda row: row.campaign),
        ("stage", lambda row: row.stage),
        ("since", lambda row: row.since),
        ("lost", lambda row: row.lost),
    ),
)
def leads(visit: Visit) -> dict[str, Any]:
    """How the partner's leads go on, the newest first, and the forms that they come by."""
    assert visit.partner is not None
    subject = f"leads of {visit.partner.partner}"
    found = leads_of_partner(visit.portal.lead_books, visit.partner, visit.position(subject), visit.limit())
    links = visit.portal.configuration.links_of_partner(visit.partner.partner, limit=20)
    return {
        "items": found.items,
        "next": visit.next(subject, found.cursor),
        "forms": [
            {"link": link.code, "address": _address(visit, link.code)}
            for link in links.items
            if link.status.value == "active"
        ],
        "more_forms": links.cursor is not None,
    }


def _address(visit: Visit, code: str) -> str:
    """The form's public address, as a link's own: the brand's domain; locally, where none leads here, the portal's."""
    if visit.portal.settings.is_local:
        return f"http://{visit.header('host')}{PATH}/{code}"
    return f"https://{visit.brand.domain}{PATH}/{code}"
