"""The partner that a member asks about: one of the member's own brand, or none at all."""

from __future__ import annotations

from introducer.domain.configuration import Member, Partner
from introducer.domain.errors import NotFound
from introducer.store.configuration import Configuration


def partner_of_brand(configuration: Configuration, member: Member, partner: str) -> Partner:
    """The partner, if it is one of the member's own brand. Raises `NotFound`: another brand's is none."""
    found = configuration.partner(partner)
    if found.brand != member.brand:
        raise NotFound("There is no such partner.")
    return found
