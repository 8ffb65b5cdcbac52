"""An address gets mail again: staff say why, of one that a mail came back from; whoever called a mail spam takes that
back themselves.
"""

from __future__ import annotations

from datetime import datetime

from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Forbidden, NotFound
from introducer.domain.mail import COMPLAINED
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


def ask_for_mail(suppressions: Suppressions, member: Member, *, now: datetime) -> int:
    """The member's own complaints are taken back; how many. May be repeated. Raises `Conflict`, `Unavailable`."""
    found = [
        each
        for each in suppressions.of(member.partner or member.brand)
        if each.member == member.member and each.stands and each.reason == COMPLAINED
    ]
    for before in found:
        change = Change(by=member.member, at=now, why="asked for mail again", origin="portal")
        suppressions.lift(before, lifted(before, member.member, now), change)
    return len(found)
