"""`/apply`: anybody may ask to become a partner. `/apply/confirm/{token}`: whoever has the mail shows that the address
is theirs. Looking at that changes nothing, for mail scanners follow links; its button does.

It works without scripts, asks no other host for anything, and answers everybody alike: whether an address is known is
not for anybody to find out. Whose partner somebody wants to be follows from a partner's recruiting link (`?with=…`),
else from the host, else from `?brand=…`.
"""

from __future__ import annotations

from typing import Annotated, Any

import words
from advice import Advice, advised
from origin import address_of
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, Who, page
from visit import KEY_FIELD, KEY_HEADER, N_, Visit

from introducer.domain.application import LONGEST_PLAN, LONGEST_SITE, PREFIX, Channel
from introducer.domain.applying import read_code
from introducer.domain.configuration import Brand, PartnerKind
from introducer.domain.errors import Malformed, NotFound
from introducer.domain.ids import derived_id
from introducer.domain.lead import LONGEST_NAME
from introducer.domain.money import DECIMALS
from introducer.locale import Language, best, wishes
from introducer.services.application_books import recruiter_of
from introducer.services.confirm_application import application_of_link, confirm_application
from introducer.services.submit_application import Form, brand_for, submit_application

PATH = "/apply"
CONFIRM = PATH + "/confirm/{token}"
_LONGEST_KEY, _LONGEST_BRAND = 200, 60
CONSENT = N_(
    "I agree that %(brand)s keeps these details to decide about my application, and writes to me about it. "
    "I can take this back at any time."
)

words.WORDS["channel"] = {
    "website": N_("My own website or blog"),
    "search": N_("Search engines"),
    "social": N_("Social networks"),
    "video": N_("Videos and streams"),
    "messenger": N_("Groups and channels in messengers"),
    "email": N_("Newsletters"),
    "advertising": N_("Paid advertising"),
    "in_person": N_("In person: courses, events, clients of mine"),
}
words.WORDS["problem"] |= {
    "no_such_form": N_("There is no form here, or it is closed: ask whoever sent you for another link."),
    "too_many_applications": N_("Enough applications came from here today: try again tomorrow."),
    "application_link_over": N_("This link leads nowhere any more: apply again, and use the new one within two days."),
}
_ADVICE: Advice = {
    "invalid_name": ("name", N_("Write your name.")),
    "invalid_company": ("company", N_("Write a name of at most 120 characters.")),
    "invalid_email": ("email", N_("Write an e-mail address, such as name@example.com.")),
    "disposable_email": ("email", N_("This is an address to throw away: write one that you will read.")),
    "invalid_country": ("country", N_("Choose a country.")),
    "invalid_website": ("website", N_("Write an address such as https://www.example.com, or nothing.")),
    "invalid_plan": ("plan", N_("Write a sentence or two, in at most 1,000 characters.")),
    "consent_needed": ("consent", N_("Tick this box: without it we may not keep what you wrote.")),
    "unknown_currency": ("currency", N_("Choose a currency.")),
}


class Sent(BaseModel):
    """What somebody typed. `recruit` is the code of the partner's link that they came by; `fax` is for whoever fills in
    what nobody can see."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(max_length=LONGEST_NAME * 2)]
    company: Annotated[str, StringConstraints(max_length=LONGEST_NAME * 2)] = ""
    email: Annotated[str, StringConstraints(max_length=254)]
    country: Annotated[str, StringConstraints(to_upper=True, pattern="^[A-Za-z]{2}$")]
    kind: PartnerKind
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
    website: Annotated[str, StringConstraints(max_length=LONGEST_SITE)] = ""
    channels: list[Channel] = []
    plan: Annotated[str, StringConstraints(max_length=LONGEST_PLAN * 2)]
    consent: bool = False
    language: Annotated[str, StringConstraints(max_length=10)] = ""
    recruit: Annotated[str, StringConstraints(max_length=40)] = ""
    brand: Annotated[str, StringConstraints(max_length=_LONGEST_BRAND)] = ""
    fax: Annotated[str, StringConstraints(max_length=500)] = ""


@page(PATH, "apply.html", who=Who.ANYONE)
def apply(visit: Visit) -> dict[str, Any]:
    """The form by which anybody asks to become a partner of the brand that answers here. Raises `NotFound` where no
    brand does."""
    visit.language = _language(visit, visit.query("language"))
    code, named = visit.query("with"), visit.query("brand")
    brand = _brand(visit, code, named)
    return {
        "brand": brand.name,
        "named": named[:_LONGEST_BRAND],
        "recruit": read_code(code),
        "invited": bool(recruiter_of(visit.portal.application_books, brand.brand, read_code(code), visit.now)),
        "consent_text": _consent(visit.language, brand.name),
        "kinds": list(PartnerKind),
        "channels": list(Channel),
        "countries": list(visit.language.countries),
        "currencies": sorted(DECIMALS),
        "currency": brand.base_currency,
        "sent": visit.query("sent") == "1",
    }


@page(PATH, "apply.html", method="POST", who=Who.ANYONE, again=apply, private=True, body=Sent)
def send_application(visit: Visit) -> Done:
    """Sends an application to become a partner; what follows goes to its e-mail address."""
    sent = visit.read(Sent)
    visit.language = _language(visit, sent.language or visit.query("language"))
    brand = _brand(visit, sent.recruit, sent.brand)
    there = f"{PATH}?sent=1&language={visit.language.code}" + (f"&brand={brand.brand}" if sent.brand else "")
    if sent.fax:
        # Only a script fills it in. It is told what everybody is told, and nothing is kept.
        return Done({"application": derived_id(PREFIX, brand.brand, sent.email)}, there, created=True)
    form = Form(
        name=sent.name,
        company=sent.company,
        email=sent.email,
        country=sent.country,
        kind=sent.kind,
        currency=sent.currency,
        website=sent.website,
        channels=sent.channels,
        plan=sent.plan,
        consent=sent.consent,
        consent_text=_consent(visit.language, brand.name),
        language=visit.language.code,
    )
    with advised(sent, _ADVICE):
        application = submit_application(
            visit.portal.application_books,
            brand=brand,
            form=form,
            code=sent.recruit,
            address=address_of(visit),
            clock=visit.portal.now,
            request=_key(visit),
        )
    return Done({"application": application}, there, created=True)


@page(CONFIRM, "apply_confirm.html", who=Who.ANYONE)
def confirming(visit: Visit, token: str) -> dict[str, Any]:
    """What a confirmation link is about, and whether it was used. Changes nothing. Raises `NotFound`."""
    linked = application_of_link(visit.portal.application_books, token, visit.now)
    application = linked.application
    return _shown(visit, token, application.brand, application.language, application.state, linked.over)


@page(CONFIRM, "apply_confirm.html", method="POST", who=Who.ANYONE, by_link=True)
def confirm(visit: Visit, token: str) -> dict[str, Any]:
    """Confirms an applicant's e-mail address; from then on somebody reads the application."""
    found = confirm_application(visit.portal.application_books, token=token, clock=visit.portal.now)
    return _shown(visit, token, found.brand, found.language, found.state, False)


def _shown(visit: Visit, token: str, brand: str, language: str, state: str, over: bool) -> dict[str, Any]:
    visit.language = _language(visit, visit.query("language") or language)
    return {
        "brand": visit.portal.configuration.brand(brand).name,
        "confirmed": state != "unconfirmed",
        "waits": state == "waiting",
        "over": over and state == "unconfirmed",
        "path": CONFIRM.format(token=token),
    }


def _brand(visit: Visit, code: str, named: str) -> Brand:
    """Whose partner somebody wants to be. Raises `NotFound`."""
    closed = NotFound("There is no form here: ask whoever sent you for another link.", code="no_such_form")
    configuration, code = visit.portal.configuration, read_code(code)
    try:
        recruiter = visit.portal.application_books.applications.recruiter(code) if code else ""
    except NotFound:
        recruiter = ""
    host = visit.header("host").partition(":")[0].strip().lower()[:253]
    try:
        return brand_for(configuration, host=host, named=named[:_LONGEST_BRAND], recruiter=recruiter)
    except NotFound:
        raise closed from None


def _language(visit: Visit, wish: str) -> Language:
    return best([wish, *wishes(visit.header("accept-language"))])


def _consent(language: Language, brand: str) -> str:
    return language.text(CONSENT) % {"brand": brand}


def _key(visit: Visit) -> str | None:
    """What the sender named this request. Nobody is signed in: the application's own id holds it."""
    key = visit.header(KEY_HEADER) or str(visit.fields.get(KEY_FIELD, ""))
    if len(key) > _LONGEST_KEY or not key.isprintable():
        raise Malformed(f"An Idempotency-Key has 1 to {_LONGEST_KEY} printable characters.", code="bad_key")
    return key or None
