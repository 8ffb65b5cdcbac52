"""Holds: what stops a partner's payouts, until a person lifts it.

Placing one takes one person and a reason: it keeps money where it is. Releasing one lets money go, and takes another
person than the one who placed it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, Forbidden

CASES = "system:fraud_case"
"""Who places a hold for a case, and releases it."""

PLACERS = RELEASERS = frozenset({Role.COMPLIANCE, Role.FINANCE, Role.ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One hold with its whole story. While it stands, the partner's balance counts it."""

    hold: str
    brand: str
    partner: str
    reason: str
    placed_by: str
    """A member's id, or `system:` and what placed it."""
    placed_at: datetime
    released_by: str = ""
    released_at: datetime | None = None
    released_why: str = ""

    @property
    def stands(self) -> bool:
        return self.released_at is None


def check_placer(role: Role) -> None:
    """Raises `Forbidden` for a role that places no holds."""
    if role not in PLACERS:
        raise Forbidden("Compliance, finance and admins place holds: ask one of them.", code="hold_role")


def check_releaser(hold: Hold, member: str, role: Role) -> None:
    """Raises `Forbidden` when this member may not release the hold: for the role, as the one who placed it, or because
    a case placed it, which is decided instead."""
    if hold.placed_by == CASES:
        raise Forbidden("A case stops these payouts: decide the case, and they go on.", code="hold_of_a_case")
    if role not in RELEASERS:
        raise Forbidden("Compliance, finance and admins release holds: ask one of them.", code="hold_role")
    if hold.placed_by == member:
        raise Forbidden(
            "You placed this hold: another person of compliance or finance, or an admin, releases it.",
            code="same_person",
        )


def released(hold: Hold, by: str, at: datetime, why: str) -> Hold:
    """The hold as it is released. Raises `Conflict` (code `released_already`)."""
    if not hold.stands:
        raise Conflict("This hold was released already.", code="released_already")
    return replace(hold, released_by=by, released_at=at, released_why=why)
