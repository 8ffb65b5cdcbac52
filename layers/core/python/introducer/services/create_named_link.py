"""A partner gets a tracking link that has a name of its own in the address from the first."""

from __future__ import annotations

from introducer.domain import slugs
from introducer.domain.configuration import Link
from introducer.domain.errors import Conflict, NotFound
from introducer.services.choose_slug import choose_slug
from introducer.services.create_link import create_link
from introducer.services.creation import Author, Clock, Randomness
from introducer.store.configuration import Configuration


def create_named_link(
    configuration: Configuration,
    *,
    partner: str,
    campaign: str,
    slug: str = "",
    author: Author,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
    page: str | None = None,
    path: str | None = None,
    name: str = "",
    note: str = "",
) -> Link:
    """The new link. Without a `slug` as `create_link`; with one, nothing is made where the slug cannot be had.

    Raises what `create_link` and `choose_slug` raise.
    """
    if slug:
        named = _named(configuration, partner, slug)
        if named is not None and request is not None and _asked_for(named, campaign, page, path, name, note):
            # A repeated request whose first try was cut off behind the last write.
            return named
        if named is not None:
            raise _taken(slug)
    link = create_link(
        configuration,
        partner=partner,
        campaign=campaign,
        author=author,
        clock=clock,
        random=random,
        request=request,
        page=page,
        path=path,
        name=name,
        note=note,
    )
    if not slug:
        return link
    return choose_slug(configuration, partner=partner, code=link.code, slug=slug, author=author, clock=clock)


def _named(configuration: Configuration, partner: str, slug: str) -> Link | None:
    """The partner's link that has this slug; None where the slug is free for the partner. Raises `Conflict`
    (`slug_taken`) where somebody else has or had it, `Invalid` for what is none."""
    brand = configuration.brand(configuration.partner(partner).brand)
    wanted = slugs.checked(slug, [brand.name, brand.domain, brand.domain.split(".")[0]])
    try:
        found = configuration.link(wanted)
    except NotFound:
        return None
    if found.partner != partner:
        raise _taken(wanted)
    return None if found.given_up is not None else configuration.link(found.link_id)


def _asked_for(link: Link, campaign: str, page: str | None, path: str | None, name: str, note: str) -> bool:
    asked = (campaign, page or None, path or None, name.strip(), note.strip())
    return (link.campaign, link.page, link.path, link.name, link.note) == asked


def _taken(slug: str) -> Conflict:
    return Conflict(f"{slug} is taken: choose another.", code="slug_taken", field="slug")
