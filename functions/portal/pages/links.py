"""`/links`: where clicks come from, and a new tracking link."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import Link
from introducer.domain.errors import Conflict, NotFound
from introducer.services.create_link import create_link
from introducer.services.creation import Author
from introducer.services.read_links_of_partner import (
    LinkInMonth,
    read_campaigns_to_promote,
    read_links_of_partner,
)

PATH = "/links"


class NewLink(BaseModel):
    """What a partner says of a new link."""

    model_config = ConfigDict(extra="forbid")

    campaign: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


@page(
    PATH,
    "links.html",
    columns=(
        ("code", lambda row: row["code"]),
        ("url", lambda row: row["url"]),
        ("campaign", lambda row: row["campaign_name"]),
        ("status", lambda row: row["status"]),
        ("created", lambda row: row["created"]),
        ("clicks", lambda row: row["clicks"]),
        ("unique", lambda row: row["unique"]),
        ("flagged", lambda row: row["flagged"]),
        ("registrations", lambda row: row["registrations"]),
        ("ftd", lambda row: row["ftd"]),
    ),
)
def links(visit: Visit) -> dict[str, Any]:
    assert visit.partner is not None
    portal, partner = visit.portal, visit.partner
    subject = f"links of {partner.partner}"
    month = visit.today[:7]
    found = read_links_of_partner(
        portal.configuration,
        portal.event_counts,
        portal.click_counts,
        brand=partner.brand,
        partner=partner.partner,
        month=month,
        cursor=visit.position(subject),
        limit=visit.limit(),
    )
    return {
        "month": month,
        "items": [_row(visit, link) for link in found.items],
        "next": visit.next(subject, found.cursor),
        "campaigns": [
            {"campaign": each.campaign, "name": each.name, "countries": sorted(each.countries)}
            for each in read_campaigns_to_promote(portal.configuration, partner.brand)
        ],
    }


@page(PATH, "links.html", method="POST", again=links)
def new_link(visit: Visit) -> Done:
    assert visit.partner is not None and visit.member is not None
    wish = visit.read(NewLink)
    try:
        link = create_link(
            visit.portal.configuration,
            partner=visit.partner.partner,
            campaign=wish.campaign,
            author=Author(by=visit.member.member, why="created in the portal"),
            clock=visit.portal.now,
            random=secrets.token_bytes,
            request=visit.idempotency_key,
        )
    except NotFound as error:
        raise FormRefused({"campaign": N_("Choose one of these campaigns.")}, wish.model_dump(), error) from error
    except Conflict as error:
        if error.code != "campaign_paused":
            raise
        message = N_("This campaign is paused: choose another.")
        raise FormRefused({"campaign": message}, wish.model_dump(), error) from error
    return Done(_made(visit, link), f"{PATH}?made={link.code}", created=True)


def _row(visit: Visit, link: LinkInMonth) -> dict[str, Any]:
    names = LinkInMonth.__dataclass_fields__
    return {name: getattr(link, name) for name in names} | {"url": _url(visit, link.code)}


def _made(visit: Visit, link: Link) -> dict[str, Any]:
    return {"code": link.code, "campaign": link.campaign, "url": _url(visit, link.code), "created": link.created}


def _url(visit: Visit, code: str) -> str:
    """The public address. The brand's own domain, whatever host the portal is reached by; locally, where no such
    domain leads here, the address the portal itself was asked by."""
    if visit.portal.settings.is_local:
        return f"http://{visit.header('host')}/c/{code}"
    return f"https://{visit.brand.domain}/c/{code}"
