"""`/leads/{code}`: the short form of a partner's link, for anybody. Who sends it becomes a lead of that partner.

It works without scripts, asks no other host for anything, and answers everybody alike: whether somebody was known
before is not for them to find out. A form and JSON meet the same model, so that a partner's own page may send it too.
"""

from __future__ import annotations

from typing import Annotated, Any

import words
from advice import Advice, advised
from origin import address_of
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, Who, page
from visit import KEY_FIELD, KEY_HEADER, N_, Visit

from introducer.domain.errors import Malformed
from introducer.domain.ids import derived_id
from introducer.domain.lead import LONGEST_NAME, PREFIX
from introducer.locale import best, wishes
from introducer.services.submit_lead import Form, open_form, submit_lead

PATH = "/leads/{code}"
_LONGEST_KEY = 200
CONSENT = N_(
    "I agree that %(brand)s keeps these details and contacts me by e-mail and phone about opening an account. "
    "I can take this back at any time."
)

words.WORDS["problem"] |= {
    "no_such_form": N_("There is no form here, or it is closed: ask whoever sent you for another link."),
    "too_many_leads": N_("Enough was sent from here for now: try again in an hour."),
}
_ADVICE: Advice = {
    "invalid_name": ("name", N_("Write your name.")),
    "invalid_email": ("email", N_("Write an e-mail address, such as name@example.com.")),
    "invalid_phone": (
        "phone",
        N_("There is no such number: look for slips, and begin with the country, such as +49 30 123456."),
    ),
    "consent_needed": ("consent", N_("Tick this box: without it we may not contact you.")),
}


class Sent(BaseModel):
    """What somebody typed. `consent_text` are the words that stood beside the box, where a page of the partner's own
    showed others. `country` is where a number without its country's code is dialled, else the partner's; `website`
    is for whoever fills in what nobody can see."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(max_length=LONGEST_NAME * 2)]
    email: Annotated[str, StringConstraints(max_length=254)]
    phone: Annotated[str, StringConstraints(max_length=40)]
    consent: bool = False
    consent_text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = ""
    language: Annotated[str, StringConstraints(max_length=10)] = ""
    country: Annotated[str, StringConstraints(pattern="^([A-Za-z]{2})?$")] = ""
    website: Annotated[str, StringConstraints(max_length=500)] = ""


@page(PATH, "lead_form.html", who=Who.ANYONE)
def lead_form(visit: Visit, code: str) -> dict[str, Any]:
    """The form of a partner's link, by which anybody becomes its lead. Raises `NotFound` for a link that there is not,
    or that takes nobody now."""
    visit.language = best([visit.query("language"), *wishes(visit.header("accept-language"))])
    found = open_form(visit.portal.lead_books, code)
    return {"code": code, "brand": found.brand.name, "consent_text": _consent(visit, found.brand.name)}


@page(PATH, "lead_form.html", method="POST", who=Who.ANYONE, again=lead_form, body=Sent)
def send_lead(visit: Visit, code: str) -> Done:
    """Sends the form of a partner's link; whoever does becomes a lead of that partner. Everybody is answered alike,
    known before or not."""
    sent = visit.read(Sent)
    visit.language = best([sent.language or visit.query("language"), *wishes(visit.header("accept-language"))])
    brand = open_form(visit.portal.lead_books, code).brand
    there = f"/leads/{code}?sent=1&language={visit.language.code}"
    if sent.website:
        # Only a script fills it in. It is told what everybody is told, and nothing is kept.
        return Done({"lead": derived_id(PREFIX, code, sent.email, sent.phone)}, there, created=True)
    form = Form(
        name=sent.name,
        email=sent.email,
        phone=sent.phone,
        consent=sent.consent,
        consent_text=sent.consent_text or _consent(visit, brand.name),
        language=visit.language.code,
        country=sent.country,
    )
    with advised(sent, _ADVICE):
        lead = submit_lead(
            visit.portal.lead_books,
            code=code,
            form=form,
            address=address_of(visit),
            clock=visit.portal.now,
            request=_key(visit),
        )
    return Done({"lead": lead.lead}, there, created=True)


def _consent(visit: Visit, brand: str) -> str:
    return visit.language.text(CONSENT) % {"brand": brand}


def _key(visit: Visit) -> str | None:
    """What the sender named this request. Nobody is signed in: the lead's own id holds it."""
    key = visit.header(KEY_HEADER) or str(visit.fields.get(KEY_FIELD, ""))
    if len(key) > _LONGEST_KEY or not key.isprintable():
        raise Malformed(f"An Idempotency-Key has 1 to {_LONGEST_KEY} printable characters.", code="bad_key")
    return key or None
