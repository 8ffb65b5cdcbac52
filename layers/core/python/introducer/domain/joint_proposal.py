"""Joint proposals: the same terms for several partners, written by one person and let out by another.

Each partner still accepts or leaves them; the second person is there because one slip would be offered to all at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Conflict, Forbidden

PREFIX = "jpr"
MOST_PARTNERS = 50
"""Of one: approving proposes to all of them in one request, each by a handful of reads and a transaction."""
WRITERS = frozenset({Role.MANAGER, Role.ADMIN})
"""Who proposes deals, and approves what a colleague proposes to several."""


class JointStatus(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class JointProposal:
    """Terms, for whom, who wrote them and who decided."""

    proposal: str
    brand: str
    partners: tuple[str, ...]
    terms: str
    """The deal as JSON text, with sorted keys."""
    terms_hash: str
    begins: datetime | None
    """A UTC midnight; None for the soonest one of each partner."""
    reason: str
    proposed_by: str
    proposed_at: datetime
    status: JointStatus = JointStatus.WAITING
    decided_by: str = ""
    decided_at: datetime | None = None
    word: str = ""
    """Of whoever decided."""


def decided(found: JointProposal, member: Member, at: datetime, word: str, *, approve: bool) -> JointProposal:
    """The proposal after a second person's decision; the same one again where it was decided so already.

    Raises `Forbidden` (`not_your_role`, `same_person`), `Conflict` (`decided_already`) when it was decided the other
    way.
    """
    if member.role not in WRITERS:
        raise Forbidden("Managers and admins propose deals.", code="not_your_role")
    status = JointStatus.APPROVED if approve else JointStatus.REFUSED
    if found.status is status:
        return found
    if found.status is not JointStatus.WAITING:
        raise Conflict("It was decided already: look at it again.", code="decided_already")
    if approve and member.member == found.proposed_by:
        raise Forbidden("You wrote these terms: another person approves them.", code="same_person")
    return replace(found, status=status, decided_by=member.member, decided_at=at, word=word)
