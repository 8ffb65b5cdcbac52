"""Addresses that get no mail: they came back for good, or their reader called a mail spam.

An address is known by its keyed hash under the brand's key alone. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from introducer.domain import identity
from introducer.domain.errors import Conflict, Invalid
from introducer.domain.mail import COMPLAINED

KIND = "mail"
"""What a hash is of: the same address has another one in the index of persons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """An address that gets no mail of a brand, or got none until `lifted_at`."""

    brand: str
    hash: str
    reason: str
    """`bounced` or `complained`."""
    since: datetime
    member: str
    """Whose address it was."""
    partner: str
    """Whose member that is; empty for the brand's staff."""
    mail: str
    """The mail that came back, or was complained of."""
    lifted_at: datetime | None = None
    lifted_by: str = ""

    @property
    def stands(self) -> bool:
        """Whether it gets nothing now."""
        return self.lifted_at is None


def address_hash(brand_key: bytes, address: str) -> str:
    """The keyed hash of an address; of one that Cognito took and we would not, as it stands."""
    try:
        normal = identity.normal_email(address)
    except Invalid:
        normal = address.strip().casefold()
    return identity.keyed_hash(brand_key, KIND, normal)


def lifted(suppressed: Suppressed, by: str, at: datetime) -> Suppressed:
    """It may get mail again. Raises `Conflict`: (`not_suppressed`) it may already, (`complained`) its reader wants
    none, and nobody else may decide that; they themselves may."""
    if not suppressed.stands:
        raise Conflict("This address gets mail already.", code="not_suppressed")
    if suppressed.reason == COMPLAINED and by != suppressed.member:
        raise Conflict("The reader called a mail spam: only they can ask for mail again.", code="complained")
    return replace(suppressed, lifted_at=at, lifted_by=by)
