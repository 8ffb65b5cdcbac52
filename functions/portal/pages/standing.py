"""`/desk/partners/{partner}/standing`: whether a partner signs in and earns, since when and why."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Any

from moments import moment_of_field
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import STAFF_HOME, Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import Standing, Status, status_at
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.set_standing import MAY_SUSPEND, earliest, set_standing, statuses_for

PATH = STAFF_HOME + "/{partner}/standing"


class NewStanding(BaseModel):
    """What the partner becomes, from when on (a moment in UTC; empty: as soon as possible), and why."""

    model_config = ConfigDict(extra="forbid")

    status: Status
    since: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


@page(
    PATH,
    "standing.html",
    who=Who.STAFF,
    columns=(
        ("status", lambda row: row["status"]),
        ("since", lambda row: row["since"]),
        ("reason", lambda row: row["reason"]),
        ("decided_at", lambda row: row["decided_at"]),
        ("decided_by", lambda row: row["decided_by"]),
    ),
)
def standing(visit: Visit, partner: str) -> dict[str, Any]:
    """Whether a partner signs in and earns, what is to come, and the decisions, the newest first."""
    assert visit.member is not None
    configuration = visit.portal.configuration
    found = partner_of_brand(configuration, visit.member, partner)
    history = configuration.standings(found.partner)
    # A decision that covers others has further entries, for their moments: its own beginning is the first.
    decisions: dict[str, Standing] = {}
    for each in history:
        decisions.setdefault(each.standing, each)
    decided = sorted(decisions.values(), key=lambda each: each.decided_at, reverse=True)
    names = {by: _name(visit, by) for by in {each.decided_by for each in decided} if by is not None}
    return {
        "partner": found.partner,
        "name": found.name,
        "status": status_at(visit.now, history),
        "to_come": _to_come(visit.now, history),
        "may_change": visit.member.role in MAY_SUSPEND,
        "statuses": statuses_for(visit.member.role, visit.now, history),
        "earliest": earliest(visit.now),
        "items": [_row(each, names) for each in decided],
    }


@page(PATH, "standing.html", method="POST", who=Who.STAFF, again=standing, body=NewStanding)
def decide_standing(visit: Visit, partner: str) -> Done:
    """Suspends or blocks a partner, or lifts that, from a moment to come on. Managers, compliance and admins decide;
    compliance and admins alone block and lift a block."""
    assert visit.member is not None
    wish = visit.read(NewStanding)
    typed = {name: str(value) for name, value in wish.model_dump().items()}
    try:
        decided = set_standing(
            visit.portal.configuration,
            member=visit.member,
            partner=partner,
            status=wish.status,
            since=moment_of_field("since", wish.since, typed, "invalid_since"),
            why=wish.reason,
            clock=visit.portal.now,
            random=secrets.token_bytes,
            # Two members may name their requests alike.
            request=f"{visit.member.member} {visit.idempotency_key}" if visit.idempotency_key else None,
        )
    except (Forbidden, Invalid, Conflict) as error:
        refused = _refused(error)
        if refused is None:
            raise
        raise FormRefused(refused, typed, error) from error
    row = _row(decided, {visit.member.member: visit.member.name})
    return Done(row, f"{STAFF_HOME}/{partner}/standing?decided={decided.standing}", created=True)


def _to_come(at: datetime, history: list[Standing]) -> list[dict[str, Any]]:
    """What begins when, of all that is decided for later; what changes nothing then is left out."""
    found, status = [], status_at(at, history)
    for moment in sorted({each.since for each in history if each.since > at}):
        if status_at(moment, history) is not status:
            status = status_at(moment, history)
            found.append({"status": status, "since": moment})
    return found


def _name(visit: Visit, member: str) -> str:
    try:
        return visit.portal.configuration.member(member).name
    except NotFound:
        return member


def _row(each: Standing, names: dict[str, str]) -> dict[str, Any]:
    return {
        "standing": each.standing,
        "status": each.status,
        "since": each.since,
        "reason": each.reason,
        "decided_at": each.decided_at,
        "decided_by": None if each.decided_by is None else names.get(each.decided_by, each.decided_by),
    }


def _refused(error: Forbidden | Invalid | Conflict) -> dict[str, str] | None:
    """What to say at which field; None when the form is not at fault."""
    match error.code:
        case "block_role":
            return {"": N_("Compliance and admins block a partner and lift a block: ask one of them.")}
        case "same_standing":
            return {"status": N_("So it is from that moment on already.")}
        case "invalid_since":
            return {"since": N_("Choose a moment at least twelve minutes from now, within a year, or leave it empty.")}
        case "too_many_ahead":
            return {"since": N_("So much is decided for later already: choose the first of those moments.")}
        case "reason_needed":
            return {"reason": N_("Fill this in.")}
        case "conflict":
            return {"": N_("Somebody else decided meanwhile: read it again below.")}
        case _:
            return None
