"""Staff note something about a partner, for colleagues: outside of any conversation, and never read by the partner."""

from __future__ import annotations

from introducer.domain.configuration import Member
from introducer.domain.errors import Invalid
from introducer.services.creation import Clock, Randomness, create_once, make_id, now
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.people import by_member
from introducer.store.configuration import Configuration
from introducer.store.partner_notes import PREFIX, PartnerNote, PartnerNotes

SHORTEST, LONGEST = 3, 2_000
"""Characters of a note."""


def note_partner(
    configuration: Configuration,
    notes: PartnerNotes,
    *,
    member: Member,
    partner: str,
    text: str,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> PartnerNote:
    """The note; the same `request` again gives the first one's. Nobody changes it afterwards.

    Raises `NotFound` for another brand's partner, `Invalid` (`invalid_note`), `Conflict` (`note_exists`: the request
    noted something else), `Unavailable`.
    """
    found = partner_of_brand(configuration, member, partner)
    text = text.replace("\r\n", "\n").strip()
    if not SHORTEST <= len(text) <= LONGEST:
        raise Invalid(f"A note has {SHORTEST} to {LONGEST} characters.", code="invalid_note", field="text")
    at = now(clock)
    made = PartnerNote(
        note=make_id(PREFIX, request, at, random, found.partner, member.member),
        brand=found.brand,
        partner=found.partner,
        text=text,
        by=member.member,
        at=at,
    )
    return create_once(
        lambda: notes.write(made, by_member(member, at, "noted")),
        lambda: notes.note(made.partner, made.note),
        lambda there: there.text == made.text,
        made,
    )
