"""Leads as each side sees them: the partner how they go on, sales who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import Member, Partner
from introducer.domain.errors import Forbidden, Invalid
from introducer.domain.identity import EMAIL, PHONE, keyed_hash, normal_email
from introducer.domain.lead import (
    GIVERS,
    NOBODY,
    WORKERS,
    Consent,
    Lead,
    LostReason,
    Person,
    Stage,
    check_worker,
    from_json,
)
from introducer.gateways.lead_vault import PERSON
from introducer.services.creation import Clock, now
from introducer.services.lead_books import LeadBooks, lead_for
from introducer.services.people import Names
from introducer.sources.phones import international
from introducer.store.leads import Sealed
from introducer.store.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLead:
    """A lead as its partner sees it: nothing of who it is, nor whether they were known to the broker before."""

    lead: str
    came_at: datetime
    link: str
    campaign: str
    stage: Stage
    since: datetime
    lost: LostReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskLead:
    """A lead as sales see it."""

    lead: str
    person: Person | None
    """None: erased."""
    partner: str
    partner_name: str
    link: str
    campaign: str
    came_at: datetime
    stage: Stage
    since: datetime
    lost: LostReason | None
    salesperson: str
    salesperson_name: str
    first: str
    """The lead that this one is a duplicate of, or empty."""
    known: bool
    client: str
    erased_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteShown:
    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeLead:
    """All that is held of a lead: what is told to the person who asks, too."""

    row: DeskLead
    consent: Consent
    notes: tuple[NoteShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Somebody who works leads."""

    member: str
    name: str


def leads_of_partner(books: LeadBooks, partner: Partner, cursor: str | None = None, limit: int = 50) -> Page[OwnLead]:
    """A page of a partner's own leads, the newest first."""
    page = books.leads.of_partner(partner.partner, cursor, limit)
    return Page(tuple(_own(each) for each in page.items), page.cursor)


def leads_of_desk(
    books: LeadBooks,
    *,
    member: Member,
    salesperson: str,
    stage: Stage,
    cursor: str | None = None,
    limit: int = 25,
) -> Page[DeskLead]:
    """A page of the leads of a stage that somebody works, or nobody does. Sales look at their own and at those.
    Raises `Forbidden`."""
    check_worker(member)
    if member.role not in GIVERS and salesperson not in (member.member, NOBODY):
        raise Forbidden("Managers and admins see everybody's leads: ask one of them.", code="not_your_lead")
    page = books.leads.of_salesperson(member.brand, salesperson, stage, cursor, limit)
    persons = books.leads.persons([each.lead for each in page.items])
    shown = _Shown(books)
    return Page(tuple(shown.row(each, persons) for each in page.items), page.cursor)


def find_lead(books: LeadBooks, *, member: Member, who: str, clock: Clock) -> Lead:
    """The first lead of whoever has this e-mail, or this phone number with its country, in the last ninety days. What a
    duplicate alone says is not looked for. Raises `Invalid` for what is neither, and where there is none; `Forbidden`
    where somebody else works it."""
    check_worker(member)
    kind, value = (EMAIL, normal_email(who)) if "@" in who else (PHONE, international(who, ""))
    name = {EMAIL: "email", PHONE: "phone"}[kind]
    hashed = keyed_hash(books.brand_key(member.brand), kind, value)
    found = books.leads.first_with(member.brand, {name: hashed}, now(clock))
    if not found:
        raise Invalid("Nobody with this e-mail or phone sent a form in the last ninety days.", code="nobody_known")
    return lead_for(books, member, found)


def read_lead(books: LeadBooks, *, member: Member, lead: str) -> WholeLead:
    """All of a lead. Raises `NotFound`, `Forbidden`."""
    found = lead_for(books, member, lead)
    sealed, shown = books.leads.person(found.lead), _Shown(books)
    notes: tuple[NoteShown, ...] = ()
    if sealed is not None:
        opener = books.vault().opener(found.lead, sealed.data_key)
        notes = tuple(
            NoteShown(at=each.at, by=shown.names.of(each.by), text=opener.open(each.note, each.sealed))
            for each in books.leads.notes(found.lead)
        )
    persons = {} if sealed is None else {found.lead: sealed}
    return WholeLead(row=shown.row(found, persons), consent=found.consent, notes=notes)


def workers_of(books: LeadBooks, brand: str) -> tuple[Worker, ...]:
    """Who works a brand's leads, by name."""
    colleagues = books.configuration.every_colleague(brand)
    found = [Worker(member=each.member, name=each.name) for each in colleagues if each.role in WORKERS]
    return tuple(sorted(found, key=lambda each: (each.name, each.member)))


class _Shown:
    """Leads for sales, with names that are read once."""

    def __init__(self, books: LeadBooks) -> None:
        self._books = books
        self.names = Names(books.configuration)
        self._partners: dict[str, str] = {}

    def row(self, lead: Lead, persons: Mapping[str, Sealed]) -> DeskLead:
        sealed = persons.get(lead.lead)
        person = None
        if sealed is not None:
            person = from_json(self._books.vault().opener(lead.lead, sealed.data_key).open(PERSON, sealed.text))
        return DeskLead(
            lead=lead.lead,
            person=person,
            partner=lead.partner,
            partner_name=self._partner(lead.partner),
            link=lead.link,
            campaign=lead.campaign,
            came_at=lead.at,
            stage=lead.stage,
            since=lead.since,
            lost=lead.lost,
            salesperson=lead.salesperson,
            salesperson_name="" if lead.salesperson == NOBODY else self.names.of(lead.salesperson),
            first=lead.first,
            known=lead.known,
            client=lead.client,
            erased_at=lead.erased_at,
            version=lead.version,
        )

    def _partner(self, partner: str) -> str:
        if partner not in self._partners:
            self._partners[partner] = self._books.configuration.partner(partner).name
        return self._partners[partner]


def _own(lead: Lead) -> OwnLead:
    return OwnLead(
        lead=lead.lead,
        came_at=lead.at,
        link=lead.link,
        campaign=lead.campaign,
        stage=lead.stage,
        since=lead.since,
        lost=lead.lost,
    )
