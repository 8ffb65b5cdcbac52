"""`/desk/clients/{client}/evidence`: by what evidence a client is a partner's, and why every other piece does not
count. As a page it prints; as JSON and CSV it is for the file.
"""

from __future__ import annotations

from typing import Any

from server import Who, page
from visit import Visit

from introducer.services.read_evidence import PieceOfEvidence, read_evidence
from pages.desk_clients import PATH, admit, check


def _of_click(row: PieceOfEvidence, name: str) -> Any:
    return None if row.click is None else getattr(row.click, name)


@page(
    PATH + "/{client}/evidence",
    "desk_evidence.html",
    who=Who.STAFF,
    columns=(
        ("evidence", lambda row: row.evidence),
        ("verdict", lambda row: row.verdict),
        ("id", lambda row: row.id),
        ("at", lambda row: row.at),
        ("partner", lambda row: row.partner),
        ("link", lambda row: row.link),
        ("campaign", lambda row: row.campaign),
        ("window_days", lambda row: row.window_days),
        ("window_from", lambda row: row.window_from),
        ("genuine", lambda row: None if row.genuine is None else str(row.genuine).lower()),
        ("country", lambda row: _of_click(row, "country")),
        ("device", lambda row: _of_click(row, "device")),
        ("agent", lambda row: _of_click(row, "agent")),
        ("flags", lambda row: " ".join(_of_click(row, "flags") or ())),
        ("visitor", lambda row: _of_click(row, "visitor")),
        ("address", lambda row: _of_click(row, "address")),
        ("network", lambda row: _of_click(row, "network")),
        ("events", lambda row: "; ".join(row.events)),
        ("since", lambda row: row.since),
        ("decided_by", lambda row: row.decided_by),
        ("why", lambda row: row.why),
    ),
)
def evidence_of_client(visit: Visit, client: str) -> dict[str, Any]:
    """By what evidence a client is a partner's, and why every other piece does not count."""
    admit(visit)
    assert visit.member is not None
    check(client)
    portal, brand = visit.portal, visit.member.brand
    subject = f"evidence about {client} of {brand}"
    found = read_evidence(
        portal.configuration,
        portal.clients,
        portal.facts,
        portal.shelves.clicks,
        portal.contracts,
        brand=brand,
        client=client,
        cursor=visit.position(subject),
        limit=visit.limit(),
    )
    return {
        "client": found.client,
        "pseudonym": found.pseudonym,
        "anchor": found.anchor,
        "registered": found.registered,
        "pieces": found.pieces,
        "recomputed_equal": found.recomputed_equal,
        "waiting": found.waiting,
        "read_at": visit.now,
        "items": found.items,
        "next": visit.next(subject, found.following),
    }
