"""The partner that a member asks about: one of the member's own brand, or none at all."""

from __future__ import annotations

from introducer.domain.configuration import Member, Partner
from introducer.domain.errors import NotFound
from introducer.store.configuration import Configuration

LONGEST_ID = 100
"""What is longer than this is no id; far above it, it is longer than a key of a table may be."""


def partner_of_brand(configuration: Configuration, member: Member, partner: str) -> Partner:
    """The partner, if it is one of the member's own brand. Raises `NotFound`: another brand's is none."""
    missing = NotFound("There is no such partner.")
    if len(partner) > LONGEST_ID:
        raise missing
    found = configuration.partner(partner)
    if found.brand != member.brand:
        raise missing
    return found
