"""`/desk/leads`: whom to call, by stage and salesperson. `…/{lead}`: who that is, what was noted, and the next step.

Sales, managers and admins alone: sales see their own leads and those that nobody works, managers and admins all of the
brand's. What a page shows as JSON is also what is told to a person who asks what is held of them.
"""

from __future__ import annotations

import secrets
from dataclasses import fields
from typing import Annotated, Any, Literal

import words
from advice import Advice, advised
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, Who, page
from visit import N_, Visit

from introducer.domain.errors import Malformed
from introducer.domain.lead import GIVERS, NEXT, NOBODY, Lead, LostReason, Stage, check_worker
from introducer.services.read_leads import find_lead, leads_of_desk, read_lead, workers_of
from introducer.services.work_lead import erase_lead, give_lead, move_lead, note_lead
from pages.leads import PATH as PARTNERS_PATH

PATH = f"/desk{PARTNERS_PATH}"
ONE = PATH + "/{lead}"

_LONGEST_LOGIN = 100
Version = Annotated[int, Field(ge=1, le=9_999_999)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]

words.WORDS["problem"] |= {
    "not_your_lead": N_("Somebody else works this lead: ask them, or a manager."),
}
_ADVICE: Advice = {
    "lead_changed": ("", N_("The lead changed since you looked at it: look at it again below.")),
    "stage_refused": ("", N_("The lead was moved meanwhile: look at it again below.")),
    "lead_closed": ("", N_("This lead is closed: take it up again first.")),
    "lead_erased": ("", N_("This person was erased: there is nobody to work with any more.")),
    "lost_reason_needed": ("lost", N_("Choose why it is lost.")),
    "no_such_client": (
        "client_id",
        N_("The books know no client that the platform calls so: look for slips, or wait for its registration."),
    ),
    "invalid_client_id": ("client_id", N_("Write the platform's name for the client, at most 100 characters.")),
    "no_such_salesperson": ("salesperson", N_("Choose somebody of sales, a manager or an admin.")),
    "not_yours_to_give": ("salesperson", N_("A manager or an admin gives leads to others: ask one of them.")),
    "invalid_note": ("text", N_("Write a note of at most 1,000 characters.")),
    "reason_needed": ("why", N_("Say why, in 3 to 500 characters: it stays on record.")),
    "nobody_known": ("who", N_("Nobody with this e-mail or phone sent a form in the last ninety days.")),
    "invalid_email": ("who", N_("Write an e-mail address, or a phone number with its country.")),
    "invalid_phone": ("who", N_("Write an e-mail address, or a phone number with its country.")),
    "not_your_lead": ("who", N_("Somebody else works this lead: ask them, or a manager.")),
    "not_your_role": ("", N_("Managers and admins erase people: ask one of them.")),
}


class Search(BaseModel):
    """An e-mail address, or a phone number with its country."""

    model_config = ConfigDict(extra="forbid")

    who: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254)]


class Step(BaseModel):
    """The stage that follows. A lost lead has a reason; a won one may say which client it became."""

    model_config = ConfigDict(extra="forbid")

    version: Version
    stage: Stage
    lost: LostReason | Literal[""] | None = None
    client_id: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class Hands(BaseModel):
    """Who works it now: a member, or `nobody`."""

    model_config = ConfigDict(extra="forbid")

    version: Version
    salesperson: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class Noted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Text


class Erasure(BaseModel):
    """Why somebody is erased: that they asked, in the words of the ticket."""

    model_config = ConfigDict(extra="forbid")

    version: Version
    why: Text = ""


@page(
    PATH,
    "desk_leads.html",
    who=Who.STAFF,
    columns=(
        ("lead", lambda row: row.lead),
        # No name: who somebody is would outlive their erasing in a file.
        ("partner", lambda row: row.partner_name),
        ("came_at", lambda row: row.came_at),
        ("stage", lambda row: row.stage),
        ("since", lambda row: row.since),
        ("salesperson", lambda row: row.salesperson_name),
        ("first", lambda row: row.first),
        ("known", lambda row: str(row.known).lower()),
        ("lost", lambda row: row.lost),
    ),
)
def desk_leads(visit: Visit) -> dict[str, Any]:
    """Leads in one stage of one salesperson, the longest waiting first while they are open."""
    assert visit.member is not None
    member = visit.member
    check_worker(member)
    gives = member.role in GIVERS
    salesperson = _salesperson(visit.query("salesperson")) or (NOBODY if gives else member.member)
    stage = _stage(visit.query("stage"))
    subject = f"leads {member.brand} {salesperson} {stage}"
    found = leads_of_desk(
        visit.portal.lead_books,
        member=member,
        salesperson=salesperson,
        stage=stage,
        cursor=visit.position(subject),
        limit=visit.limit(25, 100),
    )
    return {
        "stage": stage,
        "stages": list(Stage),
        "salesperson": salesperson,
        "workers": [each for each in workers_of(visit.portal.lead_books, member.brand) if gives or _is(each, member)],
        "items": found.items,
        "next": visit.next(subject, found.cursor),
    }


@page(PATH + "/find", "desk_leads.html", method="POST", who=Who.STAFF, again=desk_leads, private=True, body=Search)
def find(visit: Visit) -> Done:
    """Finds the lead of somebody who calls, by e-mail address or phone number. It is posted: an address has no place in
    a list of requests."""
    assert visit.member is not None
    wish = visit.read(Search)
    with advised(wish, _ADVICE):
        found = find_lead(visit.portal.lead_books, member=visit.member, who=wish.who, clock=visit.portal.now)
    return Done(_stands(found), f"{PATH}/{found.lead}")


@page(ONE, "desk_lead.html", who=Who.STAFF)
def desk_lead(visit: Visit, lead: str) -> dict[str, Any]:
    """One lead, who that is, what was noted, and which stages may follow."""
    assert visit.member is not None
    member = visit.member
    found = read_lead(visit.portal.lead_books, member=member, lead=lead)
    data = {field.name: getattr(found.row, field.name) for field in fields(found.row)}
    gives = member.role in GIVERS
    workers = workers_of(visit.portal.lead_books, member.brand)
    return data | {
        "consent": found.consent,
        "notes": found.notes,
        "following": [each for each in Stage if each in NEXT[found.row.stage] and not found.row.erased_at],
        "may_name_client": found.row.stage is Stage.WON and not found.row.client and not found.row.erased_at,
        "reasons": list(LostReason),
        "is_open": found.row.stage.is_open,
        "gives": gives,
        "workers": [each for each in workers if gives or (_is(each, member) and found.row.salesperson == NOBODY)],
        "may_free": found.row.salesperson != NOBODY,
    }


@page(ONE + "/stage", "desk_lead.html", method="POST", who=Who.STAFF, again=desk_lead, body=Step)
def move(visit: Visit, lead: str) -> Done:
    """Moves a lead to a stage that follows; one that is won may say which client it became."""
    assert visit.member is not None
    wish = visit.read(Step)
    with advised(wish, _ADVICE):
        after = move_lead(
            visit.portal.lead_books,
            member=visit.member,
            lead=lead,
            version=wish.version,
            stage=wish.stage,
            lost=wish.lost or None,
            client_id=wish.client_id,
            clock=visit.portal.now,
        )
    return Done(_stands(after), f"{PATH}/{lead}?done=stage")


@page(ONE + "/salesperson", "desk_lead.html", method="POST", who=Who.STAFF, again=desk_lead, body=Hands)
def give(visit: Visit, lead: str) -> Done:
    """Gives a lead to a salesperson, or sets it free to be taken."""
    assert visit.member is not None
    wish = visit.read(Hands)
    with advised(wish, _ADVICE):
        after = give_lead(
            visit.portal.lead_books,
            member=visit.member,
            lead=lead,
            version=wish.version,
            salesperson=wish.salesperson,
            clock=visit.portal.now,
        )
    sees = visit.member.role in GIVERS or after.salesperson in (NOBODY, visit.member.member)
    return Done(_stands(after), f"{PATH}/{lead}?done=salesperson" if sees else PATH)


@page(ONE + "/notes", "desk_lead.html", method="POST", who=Who.STAFF, again=desk_lead, private=True, body=Noted)
def note(visit: Visit, lead: str) -> Done:
    """Adds a note to a lead, for those who work it."""
    assert visit.member is not None
    wish = visit.read(Noted)
    with advised(wish, _ADVICE):
        found = note_lead(
            visit.portal.lead_books,
            member=visit.member,
            lead=lead,
            text=wish.text,
            clock=visit.portal.now,
            random=secrets.token_bytes,
            request=visit.idempotency_key,
        )
    return Done(_stands(found), f"{PATH}/{lead}?done=note#notes", created=True)


@page(ONE + "/erasure", "desk_lead.html", method="POST", who=Who.STAFF, again=desk_lead, body=Erasure)
def erase(visit: Visit, lead: str) -> Done:
    """Managers and admins erase who a lead is, with the notes about it, for good."""
    assert visit.member is not None
    wish = visit.read(Erasure)
    with advised(wish, _ADVICE):
        after = erase_lead(
            visit.portal.lead_books,
            member=visit.member,
            lead=lead,
            version=wish.version,
            why=wish.why,
            clock=visit.portal.now,
        )
    return Done(_stands(after), f"{PATH}/{lead}?done=erased")


def _stage(text: str) -> Stage:
    try:
        return Stage(text or Stage.NEW.value)
    except ValueError:
        raise Malformed("stage is new, contacted, opportunity, won or lost.", code="bad_stage") from None


def _salesperson(text: str) -> str:
    if len(text) > _LONGEST_LOGIN:
        # What is longer than a key can be would be no answer at all.
        raise Malformed("salesperson is a login, or nobody.", code="bad_salesperson")
    return text


def _is(worker: Any, member: Any) -> bool:
    return bool(worker.member == member.member)


def _stands(lead: Lead) -> dict[str, Any]:
    """What a program is told of a step."""
    return {
        "lead": lead.lead,
        "stage": lead.stage,
        "lost": lead.lost,
        "salesperson": lead.salesperson,
        "client": lead.client or None,
        "version": lead.version,
    }
