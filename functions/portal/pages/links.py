"""`/links`: where clicks come from, and a new tracking link."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

import words
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import Availability, Link
from introducer.domain.errors import Conflict, Invalid, Malformed, NotFound
from introducer.domain.leading import tracking_address
from introducer.services.create_named_link import create_named_link
from introducer.services.creation import Author
from introducer.services.read_links_of_partner import (
    LinkInMonth,
    read_campaigns_to_promote,
    read_links_of_partner,
)

PATH = "/links"
LONGEST_SEARCH = 120
AUTHOR = "created in the portal"

words.WORDS["takes"] = {
    "active": N_("Takes visitors"),
    "paused": N_("Paused"),
    "campaign_paused": N_("Campaign paused"),
    "to_come": N_("Not begun yet"),
    "full": N_("Full for now"),
    "over": N_("Over"),
}
words.WORDS["problem"]["bad_sub"] = N_(
    "A value of your own has at most 100 characters, and all five at most 440 bytes."
)

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class NewLink(BaseModel):
    """What a partner says of a new link."""

    model_config = ConfigDict(extra="forbid")

    campaign: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    name: Short = ""
    """The partner's own word for it."""
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000)] = ""
    page: Short = ""
    """The one of the campaign's pages that it leads to; empty: to all of them, by their weights."""
    path: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)] = ""
    """Its own deep link below one of the campaign's hosts."""
    slug: Short = ""
    """Its own name in the address."""


SLUG_ADVICE = {
    "invalid_slug": ("slug", N_("Use 3 to 40 letters, digits and single hyphens, such as summer-deal.")),
    "slug_reserved": ("slug", N_("This word is reserved: choose another.")),
    "slug_taken": ("slug", N_("This is taken: choose another.")),
    "too_many_slugs": ("slug", N_("A link has three names of its own at most: give one up first.")),
}
_ADVICE = SLUG_ADVICE | {
    "campaign_paused": ("campaign", N_("This campaign is paused: choose another.")),
    "campaign_over": ("campaign", N_("This campaign is over: choose another.")),
    "unknown_page": ("page", N_("Choose one of these pages.")),
    "invalid_path": ("path", N_("Write a path such as /en/start, or an address on one of the campaign's hosts.")),
    "host_not_allowed": ("path", N_("This host is not the campaign's: take a page on one of those that are named.")),
}


@page(
    PATH,
    "links.html",
    columns=(
        ("code", lambda row: row["code"]),
        ("url", lambda row: row["url"]),
        ("name", lambda row: row["name"]),
        ("campaign", lambda row: row["campaign_name"]),
        ("status", lambda row: row["status"]),
        ("takes", lambda row: row["takes"]),
        ("created", lambda row: row["created"]),
        ("clicks_today", lambda row: row["clicks_today"]),
        ("clicks", lambda row: row["clicks"]),
        ("unique", lambda row: row["unique"]),
        ("flagged", lambda row: row["flagged"]),
        ("registrations", lambda row: row["registrations"]),
        ("ftd", lambda row: row["ftd"]),
    ),
)
def links(visit: Visit) -> dict[str, Any]:
    """The partner's links, the newest first, with what each brought this month. `q` is a part of a name, a code or a
    campaign's name; `status` is active or paused."""
    assert visit.partner is not None
    portal, partner = visit.portal, visit.partner
    wanted, status = visit.query("q"), visit.query("status")
    if len(wanted) > LONGEST_SEARCH or status not in ("", *Availability):
        raise Malformed(f"q has at most {LONGEST_SEARCH} characters; status is active or paused.", code="bad_query")
    subject = f"links of {partner.partner} {status} {wanted}"
    found = read_links_of_partner(
        portal.configuration,
        portal.event_counts,
        portal.click_counts,
        brand=partner.brand,
        partner=partner.partner,
        at=visit.now,
        today=visit.today,
        wanted=wanted,
        status=status,
        cursor=visit.position(subject),
        limit=visit.limit(),
    )
    return {
        "month": visit.today[:7],
        "items": [_row(visit, link) for link in found.items],
        "next": visit.next(subject, found.cursor),
        "campaigns": [
            {"campaign": each.campaign, "name": each.name, "countries": sorted(each.countries)}
            for each in read_campaigns_to_promote(portal.configuration, partner.brand, visit.now)
        ],
    }


@page(PATH, "links.html", method="POST", again=links, body=NewLink)
def new_link(visit: Visit) -> Done:
    """Makes a tracking link to a campaign."""
    wish = visit.read(NewLink)
    try:
        link = make_link(visit, wish)
    except NotFound as error:
        raise FormRefused({"campaign": N_("Choose one of these campaigns.")}, wish.model_dump(), error) from error
    return Done(made(visit, link), f"{PATH}/{link.code}?made=1", created=True)


def make_link(visit: Visit, wish: NewLink) -> Link:
    """The link that a partner wishes. Raises `FormRefused`; `NotFound` for a campaign that there is not."""
    assert visit.partner is not None and visit.member is not None
    try:
        return create_named_link(
            visit.portal.configuration,
            partner=visit.partner.partner,
            campaign=wish.campaign,
            slug=wish.slug,
            page=wish.page,
            path=wish.path,
            name=wish.name,
            note=wish.note,
            author=Author(by=visit.member.member, why=AUTHOR),
            clock=visit.portal.now,
            random=secrets.token_bytes,
            request=visit.idempotency_key,
        )
    except (Conflict, Invalid) as error:
        field, message = _ADVICE.get(error.code, (str(error.facts.get("field", "")), N_("This does not fit here.")))
        if error.code not in _ADVICE and not field:
            raise
        raise FormRefused({field: message}, wish.model_dump(), error) from error


def origin(visit: Visit) -> str:
    """Where links are. The brand's own domain, whatever host the portal is reached by; locally, where no such domain
    leads here, the address the portal itself was asked by."""
    if visit.portal.settings.is_local:
        return f"http://{visit.header('host')}"
    return f"https://{visit.brand.domain}"


def made(visit: Visit, link: Link) -> dict[str, Any]:
    """A link as a program gets it that made it."""
    return {
        "code": link.code,
        "campaign": link.campaign,
        "url": tracking_address(origin(visit), _named(link.code, link.slugs)),
        "created": link.created,
        "name": link.name,
        "page": link.page,
        "path": link.path,
        "slugs": link.slugs,
    }


def _row(visit: Visit, link: LinkInMonth) -> dict[str, Any]:
    names = LinkInMonth.__dataclass_fields__
    address = tracking_address(origin(visit), _named(link.code, link.slugs))
    return {name: getattr(link, name) for name in names} | {"url": address}


def _named(code: str, slugs: tuple[str, ...]) -> str:
    """What stands in the address: the newest of a link's own names."""
    return slugs[-1] if slugs else code
