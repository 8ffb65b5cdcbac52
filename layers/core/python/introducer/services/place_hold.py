"""Staff stops a partner's payouts, with a reason."""

from __future__ import annotations

from collections.abc import Callable

from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict, NotFound, Unavailable
from introducer.domain.events import milliseconds
from introducer.domain.hold import Hold, check_placer
from introducer.domain.ids import derived_id, new_id
from introducer.services.creation import Clock, Randomness, now
from introducer.services.decisions import reason
from introducer.services.partner_of_brand import partner_of_brand
from introducer.store.configuration import Configuration
from introducer.store.holds import Holds

TRIES = 5
"""How often a balance that is being written is tried again: the engine posts to it too."""


def place_hold(
    configuration: Configuration,
    holds: Holds,
    *,
    member: Member,
    partner: str,
    why: str,
    clock: Clock,
    random: Randomness,
    pause: Callable[[int], None],
    request: str | None = None,
) -> Hold:
    """The hold: from now on nothing of the partner's is reserved, and nothing that is reserved is sent.

    A repeated `request` of the same member meets the first one's hold. `pause` waits before the n-th new try. Raises
    `Forbidden` for a role that places none, `NotFound`, `Invalid` for a reason that cannot be kept, `Conflict` when the
    request had another reason before, and `Unavailable`.
    """
    check_placer(member.role)
    owner = partner_of_brand(configuration, member, partner)
    at = now(clock)
    if request is None:
        name = new_id("hld", milliseconds(at), random(10))
    else:
        name = derived_id("hld", owner.partner, member.member, request)
    new = Hold(
        hold=name,
        brand=owner.brand,
        partner=owner.partner,
        reason=reason(why),
        placed_by=member.member,
        placed_at=at,
    )
    for attempt in range(TRIES):
        if attempt:
            pause(attempt)
        try:
            holds.place(new, Change(by=member.member, at=at, why=new.reason))
        except Conflict:
            try:
                found = holds.hold(new.partner, new.hold)
            except NotFound:
                continue
            if found.reason != new.reason:
                raise
            return found
        return new
    raise Unavailable("The books are busy with this partner: try again.", code="store_busy")
