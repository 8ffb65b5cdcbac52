"""`/desk/partners`: the brand's partners, found by name, number or e-mail, filtered, in the order that is asked for,
each with what it brought in the last 30 days; and the way to change several at once.
"""

from __future__ import annotations

from typing import Annotated, Any

from partners_asked import FILTERS, order_in, wanted_in
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import STAFF_HOME, Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.broadcast import WRITERS
from introducer.domain.configuration import PartnerKind, Status
from introducer.domain.errors import Invalid, NotFound
from introducer.services.read_partners import partner_of_email, read_partners
from introducer.services.read_segments import read_segments
from pages.desk_partners_bulk import actions_for, managers_of


class Sought(BaseModel):
    """The e-mail of a login. It is sent and not asked for in an address, where it would be remembered."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254)]


@page(
    STAFF_HOME,
    "desk_partners.html",
    who=Who.STAFF,
    columns=(
        ("partner", lambda row: row.partner),
        ("name", lambda row: row.name),
        ("kind", lambda row: row.kind),
        ("status", lambda row: row.status),
        ("status_since", lambda row: row.status_since),
        ("country", lambda row: row.country),
        ("currency", lambda row: row.currency),
        ("manager", lambda row: row.manager),
        ("manager_name", lambda row: row.manager_name),
        ("clicks_30", lambda row: row.clicks_30),
        ("ftd_30", lambda row: row.ftd_30),
        ("qftd_30", lambda row: row.qftd_30),
        ("net_revenue_30", lambda row: ", ".join(map(str, row.net_revenue_30))),
        ("trend", lambda row: row.trend),
        ("last_active_day", lambda row: row.last_active_day),
        ("results_of", lambda row: row.day),
    ),
)
def partners(visit: Visit) -> dict[str, Any]:
    """The brand's partners, filtered and in the order asked for, with their last 30 days. `q` is a part of a name or
    the beginning of a number, `manager` a member of staff or `nobody`, `segment` one that is saved; `status`, `kind`,
    `country` and `sort` are as the form has them."""
    assert visit.member is not None
    portal, brand = visit.portal, visit.brand
    books = portal.broadcast_books
    subject = f"partners of {brand.brand} {' '.join(f'{name}={visit.query(name)}' for name in FILTERS)}"
    found = read_partners(
        portal.configuration,
        books.results,
        brand=brand,
        wanted=wanted_in(visit),
        order=order_in(visit),
        cursor=visit.position(subject),
        limit=visit.limit(),
        now=visit.now,
    )
    return {
        "items": found.page.items,
        "next": visit.next(subject, found.page.cursor),
        "total": found.total,
        "of": found.of,
        "oldest": found.oldest,
        "managers": managers_of(visit),
        "segments": [
            {"segment": each.segment, "name": each.name} for each in read_segments(books.segments, member=visit.member)
        ],
        "choices": {"status": list(Status), "kind": list(PartnerKind), "country": found.countries},
        "actions": actions_for(visit.member.role),
        "writes": visit.member.role in WRITERS,
    }


@page(STAFF_HOME + "/find", "desk_partners.html", method="POST", who=Who.STAFF, again=partners, body=Sought)
def find(visit: Visit) -> Done:
    """Finds the partner by the exact e-mail of one of its logins."""
    assert visit.member is not None
    wish, brand = visit.read(Sought), visit.member.brand
    try:
        partner = partner_of_email(
            visit.portal.persons, brand=brand, brand_key=visit.portal.brand_key(brand), email=wish.email, now=visit.now
        )
        if partner is None:
            raise NotFound("No partner's login has this e-mail.", code="no_such_email")
    except (Invalid, NotFound) as error:
        message = N_("No login of a partner has this e-mail. Only the exact address finds one.")
        raise FormRefused({"email": message}, {"email": wish.email}, error) from error
    return Done({"partner": partner}, f"{STAFF_HOME}/{partner}")
