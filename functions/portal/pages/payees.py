"""`/desk/payees`: whose documents wait for compliance. `…/{partner}`: where it is paid, who it is, what holds it."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

import words
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, Go, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound
from introducer.domain.verification import check_decider
from introducer.services.decide_verification import decide_verification
from introducer.services.place_hold import place_hold
from introducer.services.read_payees import HoldShown, Waiting, read_payee, read_verifications_waiting
from introducer.services.release_hold import release_hold
from pages.payment import shown as shown_profile
from pages.verification import shown as shown_verification

PATH = "/desk/payees"
ONE = PATH + "/{partner}"

Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]

words.WORDS["problem"] |= {
    "compliance_only": N_("Compliance and admins look at documents: ask one of them."),
}


class Decision(BaseModel):
    """What compliance says about the documents of the version it read. Without `expires_on` an approval has no end."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1, le=999_999)]
    verdict: Literal["approve", "reject"]
    why: Why
    expires_on: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""


class NewHold(BaseModel):
    """Why a partner's payouts are held."""

    model_config = ConfigDict(extra="forbid")

    reason: Why


class Release(BaseModel):
    """Why a hold is released."""

    model_config = ConfigDict(extra="forbid")

    why: Why


_SAY_WHY = N_("Say why, in 3 to 500 characters: it stays on record.")
_ADVICE = {
    "reason_needed": ("why", _SAY_WHY),
    "invalid_day": ("expires_on", N_("Choose a day after today, within ten years, or none.")),
    "decided_already": ("", N_("This was decided or handed in anew meanwhile: look at it again below.")),
    "released_already": ("", N_("This hold was released already.")),
    "hold_role": ("", N_("Compliance, finance and admins place and release holds: ask one of them.")),
    "same_person": (
        "",
        N_("You placed this hold: another person of compliance or finance, or an admin, releases it."),
    ),
    "compliance_only": ("", N_("Compliance and admins look at documents: ask one of them.")),
}


@page(
    PATH,
    "payees.html",
    who=Who.STAFF,
    columns=(
        ("partner", lambda row: row["partner"]),
        ("name", lambda row: row["name"]),
        ("since", lambda row: row["since"]),
        ("documents", lambda row: row["documents"]),
    ),
)
def payees(visit: Visit) -> dict[str, Any]:
    """Partners whose documents wait for compliance, the longest wait first."""
    assert visit.member is not None
    subject = f"verifications waiting in {visit.member.brand}"
    found = read_verifications_waiting(
        visit.portal.configuration,
        visit.portal.verifications,
        brand=visit.member.brand,
        cursor=visit.position(subject),
        limit=visit.limit(),
    )
    return {"items": [_row(each) for each in found.items], "next": visit.next(subject, found.cursor)}


@page(ONE, "payee.html", who=Who.STAFF)
def payee(visit: Visit, partner: str, hold: str = "") -> dict[str, Any]:
    """Where a partner is paid, masked, what shows who it is, and what holds its payouts. `hold` is the one whose
    refused release shows the page again; it changes nothing."""
    assert visit.member is not None
    portal = visit.portal
    found = read_payee(
        portal.configuration,
        portal.payment_profiles,
        portal.verifications,
        portal.holds,
        member=visit.member,
        partner=partner,
    )
    verification = shown_verification(found.verification, visit) | {"decided_by": found.decided_by}
    if not found.may_see_documents:
        verification["documents"] = []
    return {
        "partner": found.partner.partner,
        "name": found.partner.name,
        "profile": None if found.profile is None else shown_profile(found.profile, visit),
        "profiles": [shown_profile(each, visit) for each in found.profiles],
        "verification": verification,
        "holds": [_hold(each) for each in found.holds],
        "may_see_documents": found.may_see_documents,
        "may_decide": found.may_decide,
        "may_hold": found.may_hold,
    }


@page(ONE + "/documents/{document}", who=Who.STAFF)
def open_document(visit: Visit, partner: str, document: str) -> Go:
    """Leads compliance or an admin to a document that was handed in, for a minute."""
    assert visit.member is not None
    check_decider(visit.member.role)
    portal = visit.portal
    found = read_payee(
        portal.configuration,
        portal.payment_profiles,
        portal.verifications,
        portal.holds,
        member=visit.member,
        partner=partner,
    )
    wanted = found.verification.document(document)
    if wanted is None:
        raise NotFound("There is no such document.")
    return Go(portal.documents.link(found.partner.partner, wanted))


@page(ONE + "/verification", "payee.html", method="POST", who=Who.STAFF, again=payee, body=Decision)
def decide_documents(visit: Visit, partner: str) -> Done:
    """Compliance or an admin approves a partner's documents, or rejects them and says why."""
    assert visit.member is not None
    check_decider(visit.member.role)
    wish = visit.read(Decision)
    try:
        decide_verification(
            visit.portal.configuration,
            visit.portal.verifications,
            member=visit.member,
            partner=partner,
            version=wish.version,
            approve=wish.verdict == "approve",
            why=wish.why,
            expires_on=wish.expires_on,
            clock=visit.portal.now,
        )
    except (Invalid, Forbidden, Conflict) as error:
        raise _refusal(error, {"why": wish.why, "expires_on": wish.expires_on}) from error
    return Done(payee(visit, partner), f"{PATH}/{partner}?decided={wish.version}")


@page(ONE + "/holds", "payee.html", method="POST", who=Who.STAFF, again=payee, body=NewHold)
def hold_payouts(visit: Visit, partner: str) -> Done:
    """Stops a partner's payouts, for a reason. Compliance, finance and admins do; nothing is reserved or sent before it
    is released."""
    assert visit.member is not None
    wish = visit.read(NewHold)
    try:
        made = place_hold(
            visit.portal.configuration,
            visit.portal.holds,
            member=visit.member,
            partner=partner,
            why=wish.reason,
            clock=visit.portal.now,
            random=secrets.token_bytes,
            pause=visit.portal.pause,
            request=visit.idempotency_key,
        )
    except (Invalid, Forbidden, Conflict) as error:
        raise _refusal(error, {"reason": wish.reason}, why="reason") from error
    return Done(payee(visit, partner), f"{PATH}/{partner}?held={made.hold}", created=True)


@page(ONE + "/holds/{hold}/release", "payee.html", method="POST", who=Who.STAFF, again=payee, body=Release)
def release_payouts(visit: Visit, partner: str, hold: str) -> Done:
    """Releases a hold of a partner's payouts; whoever placed it may not."""
    assert visit.member is not None
    try:
        wish = visit.read(Release)
    except FormRefused as refused:
        # A page may have several of these forms: what concerns one is said on top.
        raise FormRefused({"": _SAY_WHY}, {}, refused.cause) from None
    try:
        release_hold(
            visit.portal.configuration,
            visit.portal.holds,
            member=visit.member,
            partner=partner,
            hold=hold,
            why=wish.why,
            clock=visit.portal.now,
            pause=visit.portal.pause,
        )
    except (Invalid, Forbidden, Conflict) as error:
        raise _refusal(error, {}, why="") from error
    return Done(payee(visit, partner), f"{PATH}/{partner}?released={hold}")


def _row(each: Waiting) -> dict[str, Any]:
    return {
        "partner": each.partner,
        "name": each.name,
        "since": each.verification.submitted_at,
        "documents": len(each.verification.documents),
    }


def _hold(each: HoldShown) -> dict[str, Any]:
    hold = each.hold
    return {
        "hold": hold.hold,
        "stands": hold.stands,
        "reason": hold.reason,
        "placed_by": each.placed_by,
        "placed_at": hold.placed_at,
        "released_by": each.released_by or None,
        "released_at": hold.released_at,
        "released_why": hold.released_why or None,
        "may_release": each.may_release,
    }


def _refusal(error: IntroducerError, typed: dict[str, str], why: str = "why") -> IntroducerError | FormRefused:
    """The form again; `why` is the field that asks for the reason."""
    if error.code not in _ADVICE:
        return error
    field, message = _ADVICE[error.code]
    return FormRefused({why if field == "why" else field: message}, typed, error)
