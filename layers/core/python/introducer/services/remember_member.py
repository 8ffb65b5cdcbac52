"""What a partner's people are known by goes into the index of persons: a client who has the same e-mail, or comes from
the same address, may be the partner itself. Keyed hashes alone; never of the broker's staff.
"""

from __future__ import annotations

from datetime import datetime

from introducer.domain import identity
from introducer.domain.configuration import Member
from introducer.domain.errors import Invalid, Unavailable
from introducer.domain.fraud.person import Person
from introducer.store.person_index import PersonIndex


def remember_member(
    index: PersonIndex, member: Member, *, brand_key: bytes, now: datetime, email: str = "", address: str = ""
) -> bool:
    """Whether something was noted, by one write. What is no e-mail or address is passed over, and a store that does
    not answer is no reason to turn anybody away: then nothing is noted, and the next sign-in does it."""
    if member.role.is_staff or member.partner is None:
        return False
    persons = persons_of(brand_key, email=email, address=address)
    if not persons:
        return False
    try:
        index.remember_member(member.brand, member.partner, persons, now)
    except Unavailable:
        return False
    return True


def persons_of(
    brand_key: bytes, *, email: str = "", phone: str = "", device: str = "", address: str = ""
) -> list[Person]:
    """What these are in the index of a brand; what is none of its kind is left out."""
    found = []
    for kind, text, normal in (
        (identity.EMAIL, email, identity.normal_email),
        (identity.PHONE, phone, identity.normal_phone),
        (identity.DEVICE, device, identity.normal_device),
        (identity.ADDRESS, address, identity.normal_address),
    ):
        if text:
            try:
                found.append(Person(kind, identity.keyed_hash(brand_key, kind, normal(text))))
            except Invalid:
                continue
    return found
