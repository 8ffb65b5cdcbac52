"""A partner gives its link an own name in the address, and gives one up."""

from __future__ import annotations

from introducer.domain import slugs
from introducer.domain.configuration import Change, Link
from introducer.domain.errors import Conflict, NotFound
from introducer.services.creation import Author, Clock, now
from introducer.store.configuration import Configuration

_TRIES = 3
"""How often a link is read again that somebody changes at the same moment."""


def choose_slug(
    configuration: Configuration, *, partner: str, code: str, slug: str, author: Author, clock: Clock
) -> Link:
    """The link, which `slug` leads to as well from now on; choosing what it has already changes nothing.

    Raises `NotFound` for a link that is not the partner's, `Invalid` (field `slug`) for what is no slug or is reserved,
    `Conflict` with the code `slug_taken` for one that somebody has or had, and `too_many_slugs`.
    """
    link = link_of_partner(configuration, partner, code)
    brand = configuration.brand(link.brand)
    wanted = slugs.checked(slug, [brand.name, brand.domain, brand.domain.split(".")[0]])
    for tried in range(_TRIES):
        if wanted in link.slugs:
            break
        if len(link.slugs) >= slugs.MOST_PER_LINK:
            raise Conflict(
                f"A link has {slugs.MOST_PER_LINK} names of its own at most: give one up first.",
                code="too_many_slugs",
                field="slug",
            )
        try:
            configuration.choose_slug(link, wanted, _change(author, clock))
        except Conflict:
            # The name is somebody's; or the link was changed at once, by the same press of a button perhaps.
            seen, link = link, link_of_partner(configuration, partner, code)
            if link == seen or tried == _TRIES - 1:
                raise
        else:
            return configuration.link(code)
    return link


def give_up_slug(
    configuration: Configuration, *, partner: str, code: str, slug: str, author: Author, clock: Clock
) -> Link:
    """The link without this slug, which takes visitors no more, like a paused link. It stays the partner's, who may
    give it to any of its links; one that is given up already changes nothing.

    Raises `NotFound` for a link that is not the partner's or has no such slug.
    """
    link = link_of_partner(configuration, partner, code)
    for tried in range(_TRIES):
        if slug not in link.slugs:
            break
        try:
            configuration.give_up_slug(link, slug, _change(author, clock))
        except Conflict:
            seen, link = link, link_of_partner(configuration, partner, code)
            if link == seen or tried == _TRIES - 1:
                raise
        else:
            return configuration.link(code)
    known = configuration.link(slug)
    if (known.link_id, known.given_up is None) != (link.link_id, False):
        raise NotFound("The link has no such name.")
    return link


def link_of_partner(configuration: Configuration, partner: str, code: str) -> Link:
    """The partner's link of this code, which is no slug. Raises `NotFound`, also for somebody else's."""
    link = configuration.link(code)
    if link.partner != partner or link.code != link.link_id:
        raise NotFound("There is no such link.")
    return link


def _change(author: Author, clock: Clock) -> Change:
    return Change(by=author.by, at=now(clock), why=author.why, origin=author.origin)
