"""`/desk/partners/{partner}/notes`: what staff noted about a partner, for each other. None is ever changed."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from advice import Advice, advised
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import STAFF_HOME, Done, Who, page
from visit import N_, Visit

from introducer.services.note_partner import LONGEST, note_partner
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.people import Names
from introducer.store.partner_notes import PartnerNote

OF_PARTNER = STAFF_HOME + "/{partner}/notes"


class Note(BaseModel):
    """What is noted: for the brand's staff alone."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2 * LONGEST)]


_ADVICE: Advice = {"invalid_note": ("text", N_("Write 3 to 2,000 characters."))}


@page(
    OF_PARTNER,
    "desk_notes.html",
    who=Who.STAFF,
    columns=(
        ("note", lambda row: row["note"]),
        ("at", lambda row: row["at"]),
        ("by", lambda row: row["by"]),
        ("text", lambda row: row["text"]),
    ),
)
def notes(visit: Visit, partner: str) -> dict[str, Any]:
    """What staff noted about a partner, the newest first."""
    assert visit.member is not None
    owner = partner_of_brand(visit.portal.configuration, visit.member, partner)
    subject = f"notes about {owner.partner}"
    found = visit.portal.partner_notes.of_partner(owner.partner, visit.position(subject), visit.limit(25))
    names = Names(visit.portal.configuration)
    return {
        "partner": owner.partner,
        "name": owner.name,
        "items": [_line(each, names) for each in found.items],
        "next": visit.next(subject, found.cursor),
    }


@page(OF_PARTNER, "desk_notes.html", method="POST", who=Who.STAFF, again=notes, body=Note)
def write_note(visit: Visit, partner: str) -> Done:
    """Notes something about a partner that staff alone read; nobody changes it afterwards."""
    assert visit.member is not None
    wish, portal = visit.read(Note), visit.portal
    with advised(wish, _ADVICE):
        made = note_partner(
            portal.configuration, portal.partner_notes, member=visit.member, partner=partner, text=wish.text,
            clock=portal.now, random=secrets.token_bytes, request=visit.idempotency_key or None,
        )  # fmt: skip
    path = OF_PARTNER.replace("{partner}", made.partner)
    return Done(_line(made, Names(portal.configuration)), f"{path}?done=note", created=True)


def latest_notes(visit: Visit, partner: str, most: int) -> list[dict[str, Any]]:
    """The newest few, for the partner's one page."""
    names = Names(visit.portal.configuration)
    return [_line(each, names) for each in visit.portal.partner_notes.of_partner(partner, limit=most).items]


def _line(each: PartnerNote, names: Names) -> dict[str, Any]:
    return {"note": each.note, "at": each.at, "by": names.of(each.by), "text": each.text}
