"""Sales work a lead: it is moved, given to somebody, noted about; and erased when the person asks for it."""

from __future__ import annotations

from dataclasses import replace

from introducer.domain.configuration import DESK, Change, Member
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.domain.events import Event, EventType
from introducer.domain.ids import derived_id
from introducer.domain.lead import (
    GIVERS,
    NOBODY,
    WORKERS,
    Lead,
    LostReason,
    Stage,
    check_giver,
    given_to,
    moved,
    note_of,
)
from introducer.domain.lead_mail import given_mail, moved_mail
from introducer.services.creation import Clock, Randomness, make_id, now
from introducer.services.decisions import reason
from introducer.services.lead_books import LeadBooks, lead_for
from introducer.services.read_client_of_brand import find_client
from introducer.store.leads import Note


def move_lead(
    books: LeadBooks,
    *,
    member: Member,
    lead: str,
    version: int,
    stage: Stage,
    clock: Clock,
    lost: LostReason | None = None,
    client_id: str = "",
) -> Lead:
    """The lead in another stage; its partner's owners are told. A lead that is won with `client_id`, the platform's
    name for the client, says whose client that is: as evidence, behind any click. Where nobody knew the client yet, one
    that was won says so later, once. Again changes nothing.

    Raises `NotFound`, `Forbidden`; `Conflict` for a stage that does not follow, or when the lead changed since
    `version`, or its person was erased; `Invalid` without a reason for a lost one, or for a client that nobody heard of
    yet.
    """
    before = lead_for(books, member, lead)
    client = _client(books, before.brand, client_id) if stage is Stage.WON and client_id.strip() else ""
    said = (stage, lost if stage is Stage.LOST else None, client)
    if (before.stage, before.lost, before.client) == said and before.version == version + 1:
        return before
    _check_version(before, version)
    if before.erased_at is not None:
        raise _erased()
    at = now(clock)
    later = bool(client) and before.stage is Stage.WON and not before.client
    after = replace(before, version=before.version + 1) if later else moved(before, stage, lost, at)
    won = None
    if client:
        after = replace(after, client=client)
        won = Event(
            brand=after.brand,
            source=DESK,
            client=after.client,
            event_id=derived_id("led", after.lead),
            type=EventType.LEAD,
            occurred_at=at,
            accepted_at=at,
            lead_id=after.lead,
        )
    # One step back is for sales to know, and the partner was told that it is won.
    tells = not later and not (before.stage is Stage.OPPORTUNITY and stage is Stage.CONTACTED)
    mails = [moved_mail(after)] if tells else []
    change = Change(by=member.member, at=at, why=f"the lead is {stage.value}", origin="portal")
    books.leads.step("move_lead", before, after, change, mails, won)
    return after


def give_lead(books: LeadBooks, *, member: Member, lead: str, version: int, salesperson: str, clock: Clock) -> Lead:
    """The lead in another's hands, who is told; with `NOBODY` it is free to be taken. Again changes nothing.

    Raises `NotFound`, `Forbidden`; `Invalid` for somebody who works no leads of this brand; `Conflict` when it is
    closed, or changed since `version`.
    """
    before = lead_for(books, member, lead)
    if before.salesperson == salesperson:
        return before
    _check_version(before, version)
    check_giver(member, before, salesperson)
    if salesperson != NOBODY:
        _check_worker(books, before.brand, salesperson)
    after = given_to(before, salesperson)
    change = Change(by=member.member, at=now(clock), why="gave the lead to whoever works it now", origin="portal")
    name = books.configuration.partner(before.partner).name
    mail = given_mail(after, name, change)
    books.leads.step("give_lead", before, after, change, [mail] if mail else [])
    return after


def note_lead(
    books: LeadBooks,
    *,
    member: Member,
    lead: str,
    text: str,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> Lead:
    """The lead, with a note more; it is sealed under the person's own data key. Raises `NotFound`, `Forbidden`,
    `Invalid`; `Conflict` for a lead that was erased."""
    found, note = lead_for(books, member, lead), note_of(text)
    sealed = books.leads.person(found.lead)
    if sealed is None:
        raise _erased()
    at = now(clock)
    name = make_id("not", request, at, random, found.lead, member.member)
    if any(each.note == name for each in books.leads.notes(found.lead)):
        return found
    kept = books.vault().opener(found.lead, sealed.data_key).seal(name, note)
    change = Change(by=member.member, at=at, why="noted something about the lead", origin="portal")
    books.leads.note(found, Note(note=name, at=at, by=member.member, sealed=kept), change)
    return found


def erase_lead(books: LeadBooks, *, member: Member, lead: str, version: int, why: str, clock: Clock) -> Lead:
    """The lead without who it is: the data key of its person is destroyed, and with it the notes; an open one is lost.
    What it says of whose client somebody is stays, under its id. Again changes nothing.

    Raises `NotFound`, `Forbidden`; `Invalid` without a reason; `Conflict` when it changed since `version`.
    """
    before = lead_for(books, member, lead)
    if member.role not in GIVERS:
        raise Forbidden("Managers and admins erase people: ask one of them.", code="not_your_role")
    if before.erased_at is not None:
        return before
    _check_version(before, version)
    at = now(clock)
    after = replace(before, email_hash="", phone_hash="", erased_at=at, version=before.version + 1)
    if before.stage.is_open:
        after = replace(after, stage=Stage.LOST, lost=LostReason.OTHER, since=at)
    change = Change(by=member.member, at=at, why=reason(why), origin="portal")
    books.leads.erase(before, after, change)
    return after


def _check_version(lead: Lead, version: int) -> None:
    if lead.version != version:
        raise Conflict("The lead changed since you looked at it: look again.", code="lead_changed")


def _check_worker(books: LeadBooks, brand: str, name: str) -> None:
    refused = Invalid("Choose somebody of this brand's sales, managers or admins.", code="no_such_salesperson")
    try:
        found = books.configuration.member(name)
    except NotFound:
        raise refused from None
    if found.brand != brand or found.role not in WORKERS:
        raise refused


def _client(books: LeadBooks, brand: str, client_id: str) -> str:
    try:
        return find_client(books.clients, brand=brand, brand_key=books.brand_key(brand), client_id=client_id)
    except NotFound:
        raise Invalid(
            "The books know no client that the platform calls so: look for slips, or wait for its registration.",
            code="no_such_client",
        ) from None


def _erased() -> Conflict:
    return Conflict("This person was erased: there is nobody to work with any more.", code="lead_erased")
