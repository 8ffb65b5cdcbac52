"""`/desk/campaigns/{campaign}/attribution`: how a campaign attributes, and deciding it anew for who registers later."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from moments import moment_of_field
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.attribution_decision import AttributionDecision, attributes_at
from introducer.domain.configuration import Attribution
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.services.creation import Author
from introducer.services.decide_attribution import MAY_DECIDE, decide_attribution
from introducer.services.set_standing import earliest

PATH = "/desk/campaigns/{campaign}/attribution"


class NewAttribution(BaseModel):
    """How the campaign attributes, from when on (UTC; empty: as soon as possible), and why."""

    model_config = ConfigDict(extra="forbid")

    window_days: Annotated[int, Field(ge=1, le=9999)]
    attribution: Attribution
    promo_first: bool = False
    since: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


@page(
    PATH,
    "desk_attribution.html",
    who=Who.STAFF,
    columns=(
        ("since", lambda row: row["since"]),
        ("window_days", lambda row: row["window_days"]),
        ("attribution", lambda row: row["attribution"]),
        ("promo_first", lambda row: str(row["promo_first"]).lower()),
        ("reason", lambda row: row["reason"]),
        ("decided_at", lambda row: row["decided_at"]),
        ("decided_by", lambda row: row["decided_by"]),
    ),
)
def attribution(visit: Visit, campaign: str) -> dict[str, Any]:
    """How a campaign attributes now, and the decisions about that, the newest first."""
    assert visit.member is not None
    configuration, brand = visit.portal.configuration, visit.member.brand
    found = configuration.campaign(brand, campaign)
    decisions = configuration.attributions(brand, campaign)
    holds = attributes_at(visit.now, found, decisions)
    # A campaign is decided about a few times in years: they are paged all the same.
    subject = f"attribution of {campaign} of {brand}"
    first, limit = int(visit.position(subject) or 0), visit.limit()
    newest_first = decisions[::-1]
    page_of = newest_first[first : first + limit]
    names = {by: _name(visit, by) for by in {each.decided_by for each in page_of}}
    return {
        "campaign": found.campaign,
        "name": found.name,
        "window_days": holds.window_days,
        "attribution": holds.attribution,
        "promo_first": holds.promo_first,
        "may_change": visit.member.role in MAY_DECIDE,
        "earliest": earliest(visit.now),
        "items": [_row(each, names) for each in page_of],
        "next": visit.next(subject, str(first + limit) if first + limit < len(newest_first) else None),
    }


@page(PATH, "desk_attribution.html", method="POST", who=Who.STAFF, again=attribution, body=NewAttribution)
def decide(visit: Visit, campaign: str) -> Done:
    """Managers and admins decide how a campaign attributes whoever registers from a moment on. The moment is one to
    come: nothing that happened changes."""
    assert visit.member is not None
    member = visit.member
    if member.role not in MAY_DECIDE:
        raise Forbidden("Managers and admins decide how campaigns attribute.", code="not_your_role")
    wish = visit.read(NewAttribution)
    typed = {name: str(value) for name, value in wish.model_dump().items()}
    # As the form's options have it: what was chosen is chosen still when the form comes back.
    typed["promo_first"] = str(wish.promo_first).lower()
    try:
        decided = decide_attribution(
            visit.portal.configuration,
            brand=member.brand,
            campaign=campaign,
            window_days=wish.window_days,
            attribution=wish.attribution,
            promo_first=wish.promo_first,
            since=moment_of_field("since", wish.since, typed, "invalid_since"),
            author=Author(by=member.member, why=wish.reason, origin="portal"),
            clock=visit.portal.now,
            random=secrets.token_bytes,
            # Two members may name their requests alike.
            request=f"{member.member} {visit.idempotency_key}" if visit.idempotency_key else None,
        )
    except (Invalid, Conflict) as error:
        refused = _refused(error)
        if refused is None:
            raise
        raise FormRefused(refused, typed, error) from error
    row = _row(decided, {member.member: member.name})
    return Done(row, f"/desk/campaigns/{campaign}/attribution?decided={decided.number}", created=True)


def _name(visit: Visit, member: str) -> str:
    try:
        return visit.portal.configuration.member(member).name
    except NotFound:
        return member


def _row(each: AttributionDecision, names: dict[str, str]) -> dict[str, Any]:
    shown = ("number", "since", "window_days", "attribution", "promo_first", "reason", "decided_at")
    return {name: getattr(each, name) for name in shown} | {"decided_by": names.get(each.decided_by, each.decided_by)}


def _refused(error: Invalid | Conflict) -> dict[str, str] | None:
    """What to say at which field; None when the form is not at fault."""
    match error.code:
        case "invalid_window":
            return {"window_days": N_("A number of days from 1 to 365.")}
        case "invalid_since":
            return {"since": N_("Choose a moment at least twelve minutes from now, within a year, or leave it empty.")}
        case "same_attribution":
            return {"": N_("So the campaign attributes then already.")}
        case "conflict":
            return {"": N_("Somebody else decided meanwhile: read it again below.")}
        case _:
            return None
