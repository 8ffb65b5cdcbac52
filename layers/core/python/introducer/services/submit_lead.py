"""Somebody sends a partner's form: they become a lead of that partner, once.

The form answers everybody alike, whether they were known before or not: what is known of an address is nobody's to find
out by trying. Who they are is sealed before anything is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import Availability, Brand, Link, Partner, Role, Status
from introducer.domain.errors import Conflict, Invalid, NotFound, Unavailable
from introducer.domain.events import day_of
from introducer.domain.fraud.person import Person as Known
from introducer.domain.identity import ADDRESS, EMAIL, PHONE, keyed_hash, normal_address, normal_email
from introducer.domain.ids import derived_id
from introducer.domain.lead import (
    PREFIX,
    Consent,
    Lead,
    Person,
    consent_of,
    name_of,
    salesperson_for,
    sender_of,
    to_json,
)
from introducer.domain.lead_mail import came_mail
from introducer.services.creation import Clock, now
from introducer.services.lead_books import LeadBooks
from introducer.sources.phones import international
from introducer.store.leads import Sealed

TRIES = 3
_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What somebody typed, and the words that they agreed to."""

    name: str
    email: str
    phone: str
    consent: bool
    consent_text: str
    language: str
    country: str = ""
    """In which a number without its country's code is dialled; empty: the partner's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenForm:
    """A form that may be sent."""

    link: Link
    partner: Partner
    brand: Brand


def open_form(books: LeadBooks, code: str) -> OpenForm:
    """The form of a link's code. Raises `NotFound` for one that there is not, or that takes nobody now."""
    closed = NotFound("There is no form here: ask whoever sent you for another link.", code="no_such_form")
    if not _CODE.fullmatch(code):
        # What is longer than a key can be would be no answer at all.
        raise closed
    try:
        link = books.configuration.link(code)
        partner = books.configuration.partner(link.partner)
        brand = books.configuration.brand(link.brand)
    except NotFound:
        raise closed from None
    if link.status is not Availability.ACTIVE or partner.status is not Status.ACTIVE:
        raise closed
    return OpenForm(link=link, partner=partner, brand=brand)


def submit_lead(
    books: LeadBooks, *, code: str, form: Form, address: str, clock: Clock, request: str | None = None
) -> Lead:
    """The lead. `address` is the visitor's, empty where it is not known; a repeated `request` meets the first one's
    lead, and so does the same person on the same day without one.

    Raises `NotFound` for a form that there is not; `Invalid` for what cannot be; `TooMany`; `Conflict` when the same
    `request` said something else before.
    """
    found, at = open_form(books, code), now(clock)
    person, words = _person(form, found.partner), consent_of(form.consent_text)
    key = books.brand_key(found.brand.brand)
    hashes = {"email": keyed_hash(key, EMAIL, person.email), "phone": keyed_hash(key, PHONE, person.phone)}
    named = ["key", request] if request else ["day", day_of(at), hashes["email"], hashes["phone"]]
    lead_id = derived_id(PREFIX, found.brand.brand, found.link.link_id, *named)
    before = _before(books, found.partner.partner, lead_id)
    if before is not None:
        return _same(before, hashes)
    if address:
        hour = at.strftime("%Y%m%d%H")
        books.leads.count(found.brand.brand, keyed_hash(key, ADDRESS, sender_of(normal_address(address))), hour, at)
    sealed = Sealed(**dict(zip(("text", "data_key"), books.vault().seal(lead_id, to_json(person)), strict=True)))
    consent = Consent(text=words, language=form.language, at=at)
    for _ in range(TRIES):
        first = _first(books, found.brand.brand, hashes, at)
        lead = Lead(
            lead=lead_id,
            brand=found.brand.brand,
            partner=found.partner.partner,
            link=found.link.link_id,
            campaign=found.link.campaign,
            at=at,
            consent=consent,
            email_hash=hashes["email"],
            phone_hash=hashes["phone"],
            since=at,
            salesperson=_salesperson(books, found.brand.brand, lead_id, first),
            first="" if first is None else first.lead,
            known=_is_client(books, found.brand.brand, hashes, at),
        )
        try:
            books.leads.submit(lead, sealed, came_mail(lead, found.partner.name), first)
            return lead
        except Conflict:
            # The same request at once, or somebody with the same e-mail or phone.
            before = _before(books, found.partner.partner, lead_id)
            if before is not None:
                return _same(before, hashes)
    raise Unavailable("Somebody else sends the same details at this moment: try again.", code="lead_busy")


def _person(form: Form, partner: Partner) -> Person:
    """Who somebody says that they are. Raises `Invalid`."""
    if not form.consent:
        raise Invalid("Agree that we may contact you: without it we may not.", code="consent_needed")
    phone = international(form.phone, form.country or partner.country)
    return Person(name=name_of(form.name), email=normal_email(form.email), phone=phone)


def _before(books: LeadBooks, partner: str, lead: str) -> Lead | None:
    try:
        return books.leads.of_its_partner(partner, lead)
    except NotFound:
        return None


def _same(before: Lead, hashes: dict[str, str]) -> Lead:
    said = {"email": before.email_hash, "phone": before.phone_hash}
    if before.erased_at is None and said != hashes:
        raise Conflict("This request sent somebody else before: use a new key.", code="idempotency_key_reused")
    return before


def _first(books: LeadBooks, brand: str, hashes: dict[str, str], at: datetime) -> Lead | None:
    """Whom this one is a duplicate of."""
    name = books.leads.first_with(brand, hashes, at)
    return books.leads.lead(name) if name else None


def _is_client(books: LeadBooks, brand: str, hashes: dict[str, str], at: datetime) -> bool:
    known = books.persons.known(brand, [Known(EMAIL, hashes["email"]), Known(PHONE, hashes["phone"])], at)
    return any(each.clients > 0 for each in known.values())


def _salesperson(books: LeadBooks, brand: str, lead: str, first: Lead | None) -> str:
    """Who works a new lead: of a duplicate whoever works the first, else one of sales."""
    if first is not None and first.stage.is_open:
        return first.salesperson
    sales = [each.member for each in books.configuration.every_colleague(brand) if each.role is Role.SALES]
    return salesperson_for(lead, sales)
