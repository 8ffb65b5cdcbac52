"""`/desk/partners/{partner}/codes`: the promo codes of a partner; managers and admins give them and end them.
`/desk/codes`: who has a code, and who had it when.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from moments import moment_of_field
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import STAFF_HOME, Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import Member
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.domain.promo_code import PromoCode, normalised
from introducer.services.creation import Author
from introducer.services.give_code import MAY_GIVE, end_code, give_code
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.read_client_of_brand import partners_named
from introducer.services.set_standing import earliest
from pages.codes import COLUMNS, codes_shown

PATH = STAFF_HOME + "/{partner}/codes"

Moment = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class NewCode(BaseModel):
    """The code, from when on (UTC; empty: as soon as possible), until when (empty: until it is ended), and why."""

    model_config = ConfigDict(extra="forbid")

    code: Code
    campaign: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)] = ""
    starts_at: Moment = ""
    ends_at: Moment = ""
    reason: Reason


class End(BaseModel):
    """Which code ends, when (UTC; empty: as soon as possible), and why."""

    model_config = ConfigDict(extra="forbid")

    end_code: Code
    end_at: Moment = ""
    end_reason: Reason


@page(PATH, "desk_codes.html", who=Who.STAFF, columns=COLUMNS)
def codes_of_partner(visit: Visit, partner: str) -> dict[str, Any]:
    """One partner's promo codes, those given last first, with what came by each this month."""
    assert visit.member is not None
    configuration = visit.portal.configuration
    found = partner_of_brand(configuration, visit.member, partner)
    shown = codes_shown(visit, found.brand, found.partner)
    return {
        "partner": found.partner,
        "name": found.name,
        "may_change": visit.member.role in MAY_GIVE,
        "earliest": earliest(visit.now),
        "campaigns": [
            {"campaign": each.campaign, "name": each.name} for each in configuration.campaigns(visit.member.brand)
        ],
        **shown,
    }


@page(PATH, "desk_codes.html", method="POST", who=Who.STAFF, again=codes_of_partner, body=NewCode)
def give(visit: Visit, partner: str) -> Done:
    """Managers and admins give a partner a promo code; one that another has then is refused."""
    member = _admitted(visit, partner)
    wish = visit.read(NewCode)
    typed = wish.model_dump()
    try:
        given = give_code(
            visit.portal.configuration,
            brand=member.brand,
            partner=partner,
            code=wish.code,
            campaign=wish.campaign,
            starts_at=moment_of_field("starts_at", wish.starts_at, typed, "invalid_moment"),
            ends_at=moment_of_field("ends_at", wish.ends_at, typed, "invalid_moment"),
            author=Author(by=member.member, why=wish.reason, origin="portal"),
            clock=visit.portal.now,
            random=secrets.token_bytes,
            # Two members may name their requests alike.
            request=f"{member.member} {visit.idempotency_key}" if visit.idempotency_key else None,
        )
    except (NotFound, Invalid, Conflict) as error:
        refused = _refused(error)
        if refused is None:
            raise
        raise FormRefused(refused, typed, error) from error
    return Done(_row(given), f"{STAFF_HOME}/{partner}/codes?given={given.code}", created=True)


@page(PATH + "/end", "desk_codes.html", method="POST", who=Who.STAFF, again=codes_of_partner, body=End)
def end(visit: Visit, partner: str) -> Done:
    """Managers and admins end a partner's promo code at a moment to come."""
    member = _admitted(visit, partner)
    wish = visit.read(End)
    typed = wish.model_dump()
    try:
        ended = end_code(
            visit.portal.configuration,
            brand=member.brand,
            partner=partner,
            code=wish.end_code,
            ends_at=moment_of_field("end_at", wish.end_at, typed, "invalid_moment"),
            author=Author(by=member.member, why=wish.end_reason, origin="portal"),
            clock=visit.portal.now,
        )
    except (NotFound, Invalid, Conflict) as error:
        refused = _refused_end(error)
        if refused is None:
            raise
        raise FormRefused(refused, typed, error) from error
    return Done(_row(ended), f"{STAFF_HOME}/{partner}/codes?ended={ended.code}")


@page(
    "/desk/codes",
    "desk_code.html",
    who=Who.STAFF,
    columns=(
        ("code", lambda row: row["code"]),
        ("partner", lambda row: row["partner"]),
        ("status", lambda row: row["status"]),
        ("campaign", lambda row: row["campaign"]),
        ("starts_at", lambda row: row["starts_at"]),
        ("ends_at", lambda row: row["ends_at"]),
        ("given_at", lambda row: row["given_at"]),
    ),
)
def who_has(visit: Visit) -> dict[str, Any]:
    """Who has a promo code and who had it when, the last one first. `code` in the address asks for one, however it is
    written."""
    assert visit.member is not None
    configuration, brand = visit.portal.configuration, visit.member.brand
    code = normalised(visit.query("code"))
    history = configuration.promo_code(brand, code)[::-1] if code else []
    subject = f"givings of {code} of {brand}"
    first, limit = int(visit.position(subject) or 0), visit.limit()
    name = partners_named(configuration)
    return {
        "asked": visit.query("code"),
        "code": code,
        "items": [
            _row(each) | {"name": name(each.partner), "status": each.status_at(visit.now)}
            for each in history[first : first + limit]
        ],
        "next": visit.next(subject, str(first + limit) if first + limit < len(history) else None),
    }


def _admitted(visit: Visit, partner: str) -> Member:
    """Raises `NotFound` for a partner of another brand, and `Forbidden` for a role that gives no codes."""
    assert visit.member is not None
    partner_of_brand(visit.portal.configuration, visit.member, partner)
    if visit.member.role not in MAY_GIVE:
        raise Forbidden("Managers and admins give promo codes and end them.", code="not_your_role")
    return visit.member


def _row(code: PromoCode) -> dict[str, Any]:
    names = ("code", "number", "partner", "campaign", "starts_at", "ends_at", "given_at")
    return {name: getattr(code, name) for name in names}


def _refused(error: NotFound | Invalid | Conflict) -> dict[str, str] | None:
    """What to say at which field; None when the form is not at fault."""
    match error.code:
        case "invalid_promo_code":
            return {"code": N_("3 to 32 letters A to Z, digits, points, hyphens or underscores.")}
        case "code_taken":
            return {"code": N_("Somebody has this code then: choose another, or end it there first.")}
        case "invalid_starts_at":
            return {
                "starts_at": N_("Choose a moment at least twelve minutes from now, within a year, or leave it empty.")
            }
        case "invalid_ends_at":
            return {"ends_at": N_("Choose a moment after the code begins, within ten years.")}
        case "not_found":
            return {"campaign": N_("There is no such campaign.")}
        case _:
            return _refused_whole(error)


def _refused_end(error: NotFound | Invalid | Conflict) -> dict[str, str] | None:
    match error.code:
        case "no_such_promo_code":
            return {"end_code": N_("This partner has no such code now.")}
        case "code_ended":
            return {"end_code": N_("This code has ended, or ends within minutes.")}
        case "invalid_ends_at":
            return {"end_at": N_("Choose a moment at least twelve minutes from now, and after the code begins.")}
        case _:
            return _refused_whole(error)


def _refused_whole(error: NotFound | Invalid | Conflict) -> dict[str, str] | None:
    match error.code:
        case "target_blocked":
            return {"": N_("This partner is blocked and earns nothing: lift the block first.")}
        case "conflict":
            return {"": N_("Somebody else decided meanwhile: read it again below.")}
        case _:
            return None
