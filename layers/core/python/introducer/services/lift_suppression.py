"""Staff let an address have mail again that a mail came back from, and say why."""

from __future__ import annotations

from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Forbidden, NotFound
from introducer.domain.suppressing import Suppressed, lifted
from introducer.store.suppressions import Suppressions


def lift_suppression(suppressions: Suppressions, hashed: str, *, staff: Member, of: str, change: Change) -> Suppressed:
    """The address as it stands then. `of` is whose people it belongs to.

    Raises `Forbidden`, `NotFound`, and `Conflict` (`complained`: only the reader may decide; `not_suppressed`).
    """
    if not staff.role.is_staff:
        raise Forbidden("This is for the broker's staff.", code="staff_only")
    before = suppressions.address(staff.brand, hashed)
    if before is None or (before.partner or before.brand) != of:
        raise NotFound("There is no such address.")
    after = lifted(before, staff.member, change.at)
    suppressions.lift(before, after, change)
    return after
