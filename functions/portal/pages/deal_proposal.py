"""`/desk/partners/{partner}/deal/new`: staff write the terms of a new version, read them in words, and propose them.

Checking (`…/new/check`) keeps nothing: it answers the words that the partner would read, or says what is wrong where.
People fill in a form without scripts, whose other buttons ask `…/check` for a row more or less; a program, and whoever
likes it better, sends the terms as JSON.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import sentences
import terms_form as forms
from names_typed import take_countries
from pydantic import StringConstraints
from server import STAFF_HOME, Done, Who, page
from terms_editor import (
    Draft,
    another_form,
    as_form,
    begins_of,
    editor,
    examples,
    first_terms,
    refused_terms,
    sent_version,
    terms_of,
    typed_of,
    written,
)
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import Partner
from introducer.domain.errors import Conflict, Forbidden, Invalid
from introducer.services.creation import Author
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.propose_deal import next_version, propose_deal
from introducer.services.read_deal_of_partner import read_proposal
from pages.deal import MAY_PROPOSE

PATH = STAFF_HOME + "/{partner}/deal/new"


class Proposal(Draft):
    """A draft, and why."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


@page(PATH, "deal_proposal.html", who=Who.STAFF)
def proposal(visit: Visit, partner: str) -> dict[str, Any]:
    """The form for a new version of a partner's deal, beginning with the newest terms."""
    return _form(visit, _partner(visit, partner))


@page(PATH + "/check", "deal_proposal.html", method="POST", who=Who.STAFF, again=proposal, body=Draft)
def check_proposed(visit: Visit, partner: str) -> dict[str, Any]:
    """What proposed terms would say to the partner, in words, or what is wrong; nothing is kept."""
    found = _partner(visit, partner)
    take_countries(visit)
    if another := another_form(visit):
        return _form(visit, found) | another
    draft = visit.read(Draft)
    terms = terms_of(visit, draft)
    if draft.do == forms.AS_FORM:
        return _form(visit, found) | as_form(visit, draft, terms)
    try:
        version = read_proposal(
            visit.portal.configuration, partner=found.partner, terms=terms, valid_from=begins_of(draft), at=visit.now
        )
    except Invalid as error:
        raise refused_terms(visit, error, draft) from error
    return (
        _form(visit, found)
        | {
            "typed": typed_of(draft),
            "checked": sentences.told(visit.language, version) | {"terms": terms},
        }
        | editor(visit, terms)
    )


@page(PATH, "deal_proposal.html", method="POST", who=Who.STAFF, again=proposal, body=Proposal)
def propose(visit: Visit, partner: str) -> Done:
    """Proposes a new version of a partner's deal; it prices nothing before it is accepted. Managers and admins
    propose."""
    assert visit.member is not None
    found = _partner(visit, partner)
    take_countries(visit)
    wish = visit.read(Proposal)
    terms = terms_of(visit, wish)
    try:
        if wish.version is not None and wish.version > next_version(visit.portal.configuration.deals(found.partner)):
            raise Conflict("There are fewer versions than that: leave the number out.", code="no_such_version")
        made = propose_deal(
            visit.portal.configuration,
            partner=found.partner,
            terms=terms,
            version=wish.version,
            valid_from=begins_of(wish),
            author=Author(by=visit.member.member, why=wish.reason),
            clock=visit.portal.now,
        )
    except Invalid as error:
        raise refused_terms(visit, error, wish) from error
    except Conflict as error:
        message = N_("Other terms were proposed meanwhile: read them first, then load this page again.")
        raise FormRefused({"": message}, typed_of(wish), error) from error
    return Done(
        {"version": made.version, "begins": made.valid_from, "terms_hash": made.terms_hash},
        f"{STAFF_HOME}/{found.partner}/deal?proposed={made.version}",
        created=True,
    )


def _partner(visit: Visit, partner: str) -> Partner:
    """The partner, if it is one of the member's own brand and the member may propose."""
    assert visit.member is not None
    if visit.member.role not in MAY_PROPOSE:
        raise Forbidden("Managers and admins propose deals.", code="not_your_role")
    return partner_of_brand(visit.portal.configuration, visit.member, partner)


def _form(visit: Visit, partner: Partner) -> dict[str, Any]:
    deals = visit.portal.configuration.deals(partner.partner)
    terms = json.loads(deals[-1].terms) if deals else first_terms(partner.currency)
    return {
        "partner": partner.partner,
        "name": partner.name,
        "version": sent_version(visit, next_version(deals)),
        "terms": terms,
        "typed": {"terms": written(terms), "begins": "", "reason": ""},
        "checked": None,
        "examples": examples(visit),
    } | editor(visit, terms)
