"""`/clients`: the clients a partner brought, under pseudonyms."""

from __future__ import annotations

from typing import Any

from server import page
from visit import Visit

from introducer.services.read_clients_of_partner import read_clients_of_partner


def _amounts(amounts: Any) -> str:
    return ", ".join(str(amount) for amount in amounts)


@page(
    "/clients",
    "clients.html",
    columns=(
        ("client", lambda row: row.pseudonym),
        ("registered", lambda row: row.registered),
        ("country", lambda row: row.country),
        ("stage", lambda row: row.stage),
        ("evidence", lambda row: row.evidence),
        ("link", lambda row: row.link),
        ("promo_code", lambda row: row.promo_code),
        ("trades", lambda row: row.trades),
        ("deposits", lambda row: _amounts(row.deposits)),
        ("earned", lambda row: _amounts(row.earned)),
    ),
)
def clients(visit: Visit) -> dict[str, Any]:
    assert visit.partner is not None
    subject = f"clients of {visit.partner.partner}"
    found = read_clients_of_partner(
        visit.portal.clients,
        visit.portal.settlements,
        partner=visit.partner.partner,
        cursor=visit.position(subject),
        limit=visit.limit(),
    )
    return {"items": found.items, "next": visit.next(subject, found.cursor)}
