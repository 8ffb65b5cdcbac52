"""Another person than the one who placed it releases a hold."""

from __future__ import annotations

from collections.abc import Callable

from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict, Unavailable
from introducer.domain.hold import Hold, check_releaser, released
from introducer.services.creation import Clock, now
from introducer.services.decisions import reason
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.place_hold import TRIES
from introducer.store.configuration import Configuration
from introducer.store.holds import Holds


def release_hold(
    configuration: Configuration,
    holds: Holds,
    *,
    member: Member,
    partner: str,
    hold: str,
    why: str,
    clock: Clock,
    pause: Callable[[int], None],
) -> Hold:
    """The hold as it was released. The same member's release again changes nothing. `pause` waits before the n-th new
    try.

    Raises `Forbidden` for a role that releases none and for the person who placed it, `NotFound`, `Invalid`,
    `Conflict` (code `released_already`) when another person released it before, and `Unavailable`.
    """
    owner = partner_of_brand(configuration, member, partner)
    at = now(clock)
    for attempt in range(TRIES):
        if attempt:
            pause(attempt)
        found = holds.hold(owner.partner, hold)
        check_releaser(found, member.member, member.role)
        word = reason(why)
        if found.released_by == member.member:
            return found
        after = released(found, member.member, at, word)
        try:
            holds.release(found, after, Change(by=member.member, at=at, why=word))
        except Conflict:
            continue
        return after
    raise Unavailable("The books are busy with this partner: try again.", code="store_busy")
