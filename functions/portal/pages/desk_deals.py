"""`/desk/deals`: which of the brand's deals wait for a partner's answer, are in force, begin later, or are over."""

from __future__ import annotations

from typing import Any

from partners_asked import manager_in
from server import Who, page
from visit import Visit

from introducer.domain.deal import KINDS
from introducer.domain.errors import Malformed
from introducer.services.read_deal_of_partner import Phase
from introducer.services.read_deals_of_brand import read_deals_of_brand
from pages.deal import MAY_PROPOSE
from pages.desk_partners_bulk import managers_of

PATH = "/desk/deals"
PHASES = (Phase.PROPOSED, Phase.TO_COME, Phase.IN_FORCE, Phase.EARLIER)


@page(
    PATH,
    "desk_deals.html",
    who=Who.STAFF,
    columns=(
        ("partner", lambda row: row.partner),
        ("name", lambda row: row.name),
        ("manager", lambda row: row.manager_name),
        ("version", lambda row: row.version),
        ("phase", lambda row: row.phase),
        ("begins", lambda row: row.begins),
        ("ends", lambda row: row.ends),
        ("accepted_at", lambda row: row.accepted_at),
        ("rules", lambda row: " ".join(row.kinds)),
    ),
)
def deals(visit: Visit) -> dict[str, Any]:
    """The brand's deals that wait for an answer, are in force, begin later, or are over. `phase` is `proposed` (by
    default), `to_come`, `in_force` or `earlier`; `manager` a member of staff or `nobody`; `kind` a kind of rule."""
    assert visit.member is not None
    brand, kind = visit.member.brand, visit.query("kind")
    try:
        phase = Phase(visit.query("phase") or Phase.PROPOSED)
    except ValueError:
        phase = Phase.OVERTAKEN
    if phase not in PHASES or kind not in ("", *KINDS):
        raise Malformed(f"phase is one of {', '.join(PHASES)}; kind is one of {', '.join(KINDS)}.", code="bad_query")
    manager = manager_in(visit)
    subject = f"deals of {brand} {phase} {kind} {manager}"
    found = read_deals_of_brand(
        visit.portal.configuration, brand=brand, phase=phase, manager=manager, kind=kind,
        cursor=visit.position(subject), limit=visit.limit(25, 100), at=visit.now,
    )  # fmt: skip
    return {
        "phase": phase,
        "phases": PHASES,
        "kinds": KINDS,
        "managers": managers_of(visit),
        "items": found.items,
        "next": visit.next(subject, found.cursor),
        "may_propose": visit.member.role in MAY_PROPOSE,
    }
