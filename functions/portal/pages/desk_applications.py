"""`/desk/applications`: who wants to be a partner. `…/{application}`: who that is, what is known of them already, and
the decision: a partner with a manager, a parent and terms to accept, or a refusal with its reason.

Managers and admins decide; sales and compliance look. What a page shows as JSON is also what is told to a person who
asks what is held of them.
"""

from __future__ import annotations

import secrets
from dataclasses import fields
from typing import Annotated, Any

import words
from advice import Advice, advised
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.application import DECIDERS, LONGEST_REASON, Application, ApplicationState, check_reader
from introducer.domain.errors import Invalid, Malformed, TooLarge
from introducer.services.decide_application import approve_application, erase_application, refuse_application
from introducer.services.preview_contest import partners_as_named
from introducer.services.read_applications import applications_of_desk, managers_of, read_application
from introducer.sources.deal_terms import shape_errors
from introducer.sources.strict_json import check_nesting, read_object

PATH = "/desk/applications"
ONE = PATH + "/{application}"
_LONGEST_TERMS = 60_000

Version = Annotated[int, Field(ge=1, le=9_999_999)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_REASON * 2)]

words.WORDS |= {
    "application_state": {
        "unconfirmed": N_("Not confirmed"),
        "waiting": N_("Waiting"),
        "approved": N_("Approved"),
        "refused": N_("Refused"),
        "withdrawn": N_("Withdrawn"),
    },
}
_ADVICE: Advice = {
    "application_changed": ("", N_("The application changed since you looked at it: look at it again below.")),
    "application_decided": ("", N_("Somebody has decided it meanwhile: look at it again below.")),
    "application_erased": ("", N_("This person was erased: there is nobody to decide about any more.")),
    "address_has_login": (
        "",
        N_("Somebody signs in with this address already. Refuse it, and invite them where they belong."),
    ),
    "recruiter_not_active": (
        "below",
        N_("The partner that invited it is suspended or blocked: approve it below nobody."),
    ),
    "no_such_manager": ("manager", N_("Choose a manager or an admin of this brand.")),
    "no_such_deal": (
        "like",
        N_("There is no such partner with terms that it accepted, or several have this name: write its number."),
    ),
    "reason_needed": ("why", N_("Say why, in 3 to 500 characters.")),
    "erase_the_partner": ("", N_("It became a partner: erase that, and this goes with it.")),
}


class Approval(BaseModel):
    """Who looks after the partner (whoever decides, where it is left out), whether it stands below the partner by whose
    link it came, and what it is proposed: terms (an object, or its JSON text), or those of another partner."""

    model_config = ConfigDict(extra="forbid")

    version: Version
    manager: Short = ""
    below: bool = False
    like: Short = ""
    terms: Annotated[str, StringConstraints(strip_whitespace=True, max_length=_LONGEST_TERMS)] | dict[str, Any] = ""


class Refusal(BaseModel):
    """Why: it is mailed as it stands."""

    model_config = ConfigDict(extra="forbid")

    version: Version
    why: Reason


class Erasing(BaseModel):
    """Why somebody is erased: that they asked, in the words of the ticket."""

    model_config = ConfigDict(extra="forbid")

    version: Version
    why: Reason = ""


@page(
    PATH,
    "desk_applications.html",
    who=Who.STAFF,
    columns=(
        ("application", lambda row: row.application),
        # No name: who somebody is would outlive their erasing in a file.
        ("kind", lambda row: row.kind),
        ("country", lambda row: row.country),
        ("came_at", lambda row: row.came_at),
        ("state", lambda row: row.state),
        ("since", lambda row: row.since),
        ("via", lambda row: row.via_name),
        ("decided_by", lambda row: row.decided_by),
        ("partner", lambda row: row.partner),
    ),
)
def desk_applications(visit: Visit) -> dict[str, Any]:
    """Applications in one state, the longest waiting first while they wait, else the newest first."""
    assert visit.member is not None
    check_reader(visit.member)
    state = _state(visit.query("state"))
    subject = f"applications {visit.member.brand} {state}"
    found = applications_of_desk(
        visit.portal.application_books,
        member=visit.member,
        state=state,
        at=visit.now,
        cursor=visit.position(subject),
        limit=visit.limit(25, 100),
    )
    return {
        "state": state,
        "states": [each for each in ApplicationState if each is not ApplicationState.UNCONFIRMED or each is state],
        "items": found.items,
        "next": visit.next(subject, found.cursor),
    }


@page(ONE, "desk_application.html", who=Who.STAFF)
def desk_application(visit: Visit, application: str) -> dict[str, Any]:
    """All that is held of one application, and who may look after the partner."""
    assert visit.member is not None
    books, member = visit.portal.application_books, visit.member
    found = read_application(books, member=member, application=application, at=visit.now)
    data = {field.name: getattr(found.row, field.name) for field in fields(found.row)}
    decides = member.role in DECIDERS
    waits = found.row.state is ApplicationState.WAITING and found.row.applicant is not None
    unfinished = found.row.state is ApplicationState.APPROVED and not found.row.set_up and found.erased_at is None
    return data | {
        "consent": found.consent,
        "known": found.known,
        "reason": found.reason,
        "manager_name": found.manager,
        "below": found.below,
        "below_name": found.below_name,
        "takes": found.takes,
        "erased_at": found.erased_at,
        "may_decide": decides and waits,
        "may_finish": decides and unfinished,
        "may_erase": decides
        and found.erased_at is None
        and (unfinished or found.row.state is not ApplicationState.APPROVED),
        "managers": managers_of(books, member.brand) if decides and waits else (),
        "me": member.member,
    }


@page(ONE + "/approval", "desk_application.html", method="POST", who=Who.STAFF, again=desk_application, body=Approval)
def approve(visit: Visit, application: str) -> Done:
    """Managers and admins approve an application; it becomes a partner whose owner is invited. Saying it again finishes
    what was cut off."""
    assert visit.member is not None
    wish = visit.read(Approval)
    with advised(wish, _ADVICE, terms=wish.terms if isinstance(wish.terms, str) else ""):
        try:
            after = approve_application(
                visit.portal.application_books,
                member=visit.member,
                application=application,
                version=wish.version,
                manager=wish.manager,
                below_recruiter=wish.below,
                terms=_terms(wish),
                like=_like(visit, wish.like),
                clock=visit.portal.now,
                random=secrets.token_bytes,
            )
        except Invalid as error:
            if error.code in _ADVICE:
                raise
            # The sentence of the terms that is wrong.
            raise FormRefused({"terms": error.detail}, _typed(wish), error) from error
    return Done(_stands(after), f"{PATH}/{application}?done=approved", created=True)


def _like(visit: Visit, written: str) -> str:
    """The partner of this name, where one alone has it; else what was written, which may be a number."""
    assert visit.member is not None
    if not written or written.startswith("par_"):
        return written
    return partners_as_named(visit.portal.configuration, visit.member.brand, [written])[0]


@page(ONE + "/refusal", "desk_application.html", method="POST", who=Who.STAFF, again=desk_application, body=Refusal)
def refuse(visit: Visit, application: str) -> Done:
    """Managers and admins refuse an application; the applicant is written why."""
    assert visit.member is not None
    wish = visit.read(Refusal)
    with advised(wish, _ADVICE):
        after = refuse_application(
            visit.portal.application_books,
            member=visit.member,
            application=application,
            version=wish.version,
            why=wish.why,
            clock=visit.portal.now,
        )
    return Done(_stands(after), f"{PATH}/{application}?done=refused")


@page(ONE + "/erasure", "desk_application.html", method="POST", who=Who.STAFF, again=desk_application, body=Erasing)
def erase_applicant(visit: Visit, application: str) -> Done:
    """Erases who an applicant is, for good."""
    assert visit.member is not None
    wish = visit.read(Erasing)
    with advised(wish, _ADVICE):
        after = erase_application(
            visit.portal.application_books,
            member=visit.member,
            application=application,
            version=wish.version,
            why=wish.why,
            clock=visit.portal.now,
        )
    return Done(_stands(after), f"{PATH}/{application}?done=erased")


def _state(text: str) -> ApplicationState:
    try:
        return ApplicationState(text or ApplicationState.WAITING.value)
    except ValueError:
        raise Malformed(f"state is one of {', '.join(ApplicationState)}.", code="bad_state") from None


def _terms(wish: Approval) -> dict[str, Any] | None:
    """The terms as data of the right form; None where none are said. Raises `FormRefused`."""
    if not wish.terms:
        return None
    try:
        if isinstance(wish.terms, str):
            terms: dict[str, Any] = read_object(wish.terms.encode("utf-8", "replace"))
        else:
            terms = wish.terms
            check_nesting(terms)
    except (Malformed, TooLarge) as error:
        cause = Invalid(f"The terms cannot be read. {error.detail}", code=error.code)
        raise FormRefused({"terms": error.detail}, _typed(wish), cause) from error
    wrong = shape_errors(terms)
    if wrong:
        said = {f"terms.{each.field}": each.code for each in wrong}
        cause = Invalid("Some fields of the terms cannot be taken: see errors.", code="invalid_deal", errors=said)
        message = N_("These terms do not have the form of a deal. Check them on a partner's page first.")
        raise FormRefused({"terms": message}, _typed(wish), cause)
    return terms


def _typed(wish: Approval) -> dict[str, str]:
    typed = {name: str(value) for name, value in wish.model_dump(exclude={"terms"}).items()}
    return typed | {"terms": wish.terms if isinstance(wish.terms, str) else ""}


def _stands(application: Application) -> dict[str, Any]:
    """What a program is told of a step."""
    became = application.state is ApplicationState.APPROVED
    return {
        "application": application.application,
        "state": application.state,
        "partner": application.partner if became else None,
        "set_up": application.set_up,
        "version": application.version,
    }
