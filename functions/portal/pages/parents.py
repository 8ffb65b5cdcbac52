"""`/desk/partners/{partner}/parent`: below whom a partner stands, from which month on, and deciding it anew."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints
from server import STAFF_HOME, Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import BEGINNING, Parenting, Role, parent_in
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.services.change_parent import change_parent, months_to_come
from introducer.services.creation import Author
from introducer.services.partner_of_brand import partner_of_brand
from pages.desk_clients import choices

PATH = STAFF_HOME + "/{partner}/parent"
NOBODY = "nobody"
MAY = frozenset({Role.MANAGER, Role.ADMIN})
"""Who decides it; all staff may look."""


class NewParent(BaseModel):
    """Below whom (a partner's number, or `nobody`), from which month on, and why."""

    model_config = ConfigDict(extra="forbid")

    parent: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    month: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^20\d\d-\d\d$")]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


@page(
    PATH,
    "parent.html",
    who=Who.STAFF,
    columns=(
        ("month", lambda row: row["month"]),
        ("parent", lambda row: row["parent"]),
        ("name", lambda row: row["name"]),
        ("reason", lambda row: row["reason"]),
        ("decided_at", lambda row: row["decided_at"]),
    ),
)
def parent(visit: Visit, partner: str) -> dict[str, Any]:
    """Below whom a partner stands this month, and the decisions about that, the newest first."""
    assert visit.member is not None
    configuration = visit.portal.configuration
    found = partner_of_brand(configuration, visit.member, partner)
    history = configuration.parentings(found.partner)
    above = parent_in(visit.today[:7], history)
    parents = {each.parent for each in history if each.parent is not None}
    names = {each: configuration.partner(each).name for each in sorted(parents)}
    options = [option for option in choices(visit, found.brand) if option["value"] != found.partner]
    return {
        "partner": found.partner,
        "name": found.name,
        "parent": above,
        "parent_name": names.get(above) if above else None,
        "may_change": visit.member.role in MAY,
        "months": months_to_come(visit.now),
        "partners": options,
        "items": [_row(each, names) for each in reversed(history)],
    }


@page(PATH, "parent.html", method="POST", who=Who.STAFF, again=parent, body=NewParent)
def decide_parent(visit: Visit, partner: str) -> Done:
    """Managers and admins decide below whom a partner stands from a month to come on."""
    assert visit.member is not None
    if visit.member.role not in MAY:
        raise Forbidden("Managers and admins decide below whom a partner stands.", code="not_your_role")
    found = partner_of_brand(visit.portal.configuration, visit.member, partner)
    wish = visit.read(NewParent)
    try:
        decided = change_parent(
            visit.portal.configuration,
            partner=found.partner,
            parent=None if wish.parent == NOBODY else wish.parent,
            month=wish.month,
            author=Author(by=visit.member.member, why=wish.reason),
            clock=visit.portal.now,
            random=secrets.token_bytes,
            # Two members may name their requests alike.
            request=f"{visit.member.member} {visit.idempotency_key}" if visit.idempotency_key else None,
        )
    except (NotFound, Invalid, Conflict) as error:
        refused = _refused(error)
        if refused is None:
            raise
        raise FormRefused(refused, wish.model_dump(), error) from error
    location = f"{STAFF_HOME}/{found.partner}/parent?decided={decided.parenting}"
    return Done(_row(decided, {}), location, created=True)


def _row(each: Parenting, names: dict[str, str]) -> dict[str, Any]:
    return {
        "parenting": each.parenting,
        "month": None if each.month == BEGINNING else each.month,
        "parent": each.parent,
        "name": names.get(each.parent) if each.parent else None,
        "reason": each.reason,
        "decided_at": each.decided_at,
    }


def _refused(error: NotFound | Invalid | Conflict) -> dict[str, str] | None:
    """What to say at which field; None when the form is not at fault."""
    match error.code:
        case "circle":
            return {"parent": N_("That partner stands below this one: choose another.")}
        case "too_deep":
            return {"parent": N_("Too many partners stand above that one: choose one higher up.")}
        case "same_parent":
            return {"parent": N_("So it is in that month already.")}
        case "not_found":
            return {"parent": N_("There is no such partner.")}
        case "invalid_month" | "later_month_decided":
            return {"month": N_("Choose a later month: this one has begun, or a later one is decided already.")}
        case "reason_needed":
            return {"reason": N_("Fill this in.")}
        case _:
            return None
