"""A partner pauses its link, or takes it up again."""

from __future__ import annotations

from introducer.domain.configuration import Availability, Change, Link
from introducer.domain.errors import Conflict
from introducer.services.choose_slug import link_of_partner
from introducer.services.creation import Author, Clock, now
from introducer.store.configuration import Configuration


def pause_link(
    configuration: Configuration, *, partner: str, code: str, status: Availability, author: Author, clock: Clock
) -> Link:
    """The link with all its names, paused or active from now on. Again changes nothing.

    Raises `NotFound` for another's link, `Conflict` when it is changed by somebody else at once.
    """
    if link_of_partner(configuration, partner, code).status is not status:
        change = Change(by=author.by, at=now(clock), why=author.why, origin=author.origin)
        try:
            configuration.set_link_status(code, status, change)
        except Conflict:
            # Of two presses at once the slower one finds it so.
            if link_of_partner(configuration, partner, code).status is not status:
                raise
    return link_of_partner(configuration, partner, code)
