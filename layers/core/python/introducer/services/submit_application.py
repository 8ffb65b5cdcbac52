"""Somebody applies to be a partner: the application is kept, and a link goes to the address that they gave.

Everybody is answered alike, whether the address is known or not, and whether a mail was sent or not: what is known of
an address is nobody's to find out by trying. Who it is, is sealed before anything is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from introducer.domain import forms
from introducer.domain.application import (
    LINK_GOOD_FOR,
    MOST_MAILS,
    MOST_OF_ADDRESS,
    MOST_OF_NETWORK,
    PREFIX,
    Applicant,
    Application,
    Channel,
    mailbox_of,
    partner_of,
    person_of,
    plan_of,
    site_of,
    to_json,
)
from introducer.domain.applying import read_code
from introducer.domain.configuration import Brand, Change, PartnerKind
from introducer.domain.errors import Conflict, Invalid, NotFound, TooMany
from introducer.domain.events import day_of, milliseconds
from introducer.domain.identity import (
    ADDRESS,
    EMAIL,
    keyed_hash,
    network,
    normal_address,
    normal_email,
)
from introducer.domain.identity import (
    PREFIX as NETWORK,
)
from introducer.domain.ids import derived_id
from introducer.domain.lead import Consent, consent_of, sender_of
from introducer.domain.mail import MailTemplate, applicant_mail
from introducer.domain.money import decimals
from introducer.services.application_books import ApplicationBooks, recruiter_of
from introducer.services.creation import Clock, now
from introducer.sources.disposable import is_disposable
from introducer.store.configuration import Configuration

BY = "system:application_form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What somebody typed, and the words that they agreed to."""

    name: str
    company: str
    email: str
    country: str
    kind: PartnerKind
    currency: str
    website: str
    channels: Sequence[Channel]
    plan: str
    consent: bool
    consent_text: str
    language: str


def brand_for(configuration: Configuration, *, host: str, named: str = "", recruiter: str = "") -> Brand:
    """Whose partner somebody wants to be: the recruiting partner's brand, else the one that answers under the host,
    else the one that is named, else the only one there is. Raises `NotFound`."""
    if recruiter:
        return configuration.brand(configuration.partner(recruiter).brand)
    try:
        return configuration.brand(configuration.brand_host(host).brand)
    except NotFound:
        pass
    if named:
        return configuration.brand(named)
    brands = configuration.brands(limit=2).items
    if len(brands) != 1:
        raise NotFound("There is no form here: ask whoever sent you for another link.", code="no_such_form")
    return brands[0]


def submit_application(
    books: ApplicationBooks,
    *,
    brand: Brand,
    form: Form,
    code: str,
    address: str,
    clock: Clock,
    request: str | None = None,
) -> str:
    """The application's id, also where this address has had its mails for today and nothing was kept. `code` is the
    recruiting link's, and `address` the visitor's; either may be empty. The same e-mail with the same
    `request` meets the first one's application, and so does the same e-mail on the same day without one.

    Raises `Invalid` for what cannot be; `TooMany` when enough came from this address or its network today.
    """
    at = now(clock)
    applicant, words = _applicant(form), consent_of(form.consent_text)
    key, day = books.brand_key(brand.brand), day_of(at)
    hashed = keyed_hash(key, EMAIL, applicant.email)
    # What a request is called is its sender's own: two who call theirs the same are two.
    named = ["key", request] if request else ["day", day]
    name = derived_id(PREFIX, brand.brand, *named, hashed)
    if _is_there(books, brand.brand, name):
        return name
    count = books.applications.count
    if address:
        sender = normal_address(address)
        # In this order: whoever is refused for itself uses up nothing of its neighbours'.
        count(brand.brand, ADDRESS, keyed_hash(key, ADDRESS, sender_of(sender)), day, MOST_OF_ADDRESS, at)
        count(brand.brand, NETWORK, keyed_hash(key, NETWORK, network(sender)), day, MOST_OF_NETWORK, at)
    try:
        count(brand.brand, EMAIL, keyed_hash(key, EMAIL, mailbox_of(applicant.email)), day, MOST_MAILS, at)
    except TooMany:
        return name
    sealed, data_key = books.vault().seal(name, to_json(applicant))
    application = Application(
        application=name,
        brand=brand.brand,
        at=at,
        country=form.country,
        kind=form.kind,
        language=form.language,
        currency=form.currency,
        consent=Consent(text=words, language=form.language, at=at),
        via=recruiter_of(books, brand.brand, read_code(code), at),
        email_hash=hashed,
        sealed=sealed,
        data_key=data_key,
        since=at,
    )
    mail = applicant_mail(
        f"{name} check",
        MailTemplate.APPLICATION_CHECK,
        # What only whoever sends it knows is filled in then.
        {"application": name, "until": milliseconds(at + LINK_GOOD_FOR), "known": "", "link": "/apply"},
        brand=brand.brand,
        partner=partner_of(brand.brand, name),
        at=at,
    )
    try:
        change = Change(by=BY, at=at, why="somebody sent the form", origin="portal")
        books.applications.submit(application, mail, change)
    except Conflict:
        # The same request at once: it is there now.
        if not _is_there(books, brand.brand, name):
            raise
    return name


def _applicant(form: Form) -> Applicant:
    """Who somebody says that they are. Raises `Invalid`."""
    if not form.consent:
        raise Invalid("Agree that we keep these details: without it we may not.", code="consent_needed")
    name = person_of(form.name)
    # Once more: compatibility characters become what no address may have.
    email = forms.email(normal_email(forms.email(form.email)))
    if is_disposable(email):
        raise Invalid("This is an address to throw away: use one that you will read.", code="disposable_email")
    forms.country(form.country)
    forms.language(form.language)
    decimals(form.currency)
    return Applicant(
        name=name,
        company=_company(form.company) if form.company.strip() else name,
        email=email,
        website=site_of(form.website),
        channels=tuple(dict.fromkeys(form.channels)),
        plan=plan_of(form.plan),
    )


def _company(text: str) -> str:
    try:
        company = forms.name(text, "company")
    except Invalid as error:
        raise Invalid(error.detail, code="invalid_company") from None
    if not company.isprintable():
        raise Invalid("The company needs a name that can be read.", code="invalid_company")
    return company


def _is_there(books: ApplicationBooks, brand: str, name: str) -> bool:
    try:
        books.applications.application(brand, name)
    except NotFound:
        return False
    return True
