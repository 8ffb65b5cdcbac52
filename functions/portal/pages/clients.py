"""`/clients`: the clients a partner brought, under pseudonyms."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from server import page
from visit import Visit

from introducer.domain.calendar import month_end
from introducer.domain.errors import Malformed
from introducer.services.read_clients_of_partner import read_clients_of_partner

_WHEN = re.compile(r"20\d\d-\d\d(-\d\d)?", re.ASCII)


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
    """The clients that the partner brought, under pseudonyms, the newest registration first. With `registered`, those
    of one UTC day or month alone."""
    assert visit.partner is not None
    when = visit.query("registered")
    first, last = _days(when) if when else ("", "")
    subject = f"clients of {visit.partner.partner} {when}".rstrip()
    found = read_clients_of_partner(
        visit.portal.clients,
        visit.portal.settlements,
        partner=visit.partner.partner,
        cursor=visit.position(subject),
        limit=visit.limit(),
        first=first,
        last=last,
    )
    return {"registered": when, "items": found.items, "next": visit.next(subject, found.cursor)}


def _days(when: str) -> tuple[str, str]:
    """The first and the last UTC day of a day or a month. Raises `Malformed`."""
    try:
        if not _WHEN.fullmatch(when):
            raise ValueError
        first = date.fromisoformat(when if len(when) > 7 else f"{when}-01").isoformat()
    except ValueError:
        raise Malformed("registered is a day or a month, such as 2026-04-02 or 2026-04.", code="bad_day") from None
    return first, first if len(when) > 7 else month_end(when)
