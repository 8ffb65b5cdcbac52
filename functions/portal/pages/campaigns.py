"""`/campaigns`: what a partner may promote. `…/{campaign}`: one of them, and a new link to it."""

from __future__ import annotations

from typing import Annotated, Any

import sentences
import words
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, page
from visit import N_, FormRefused, Visit

from introducer.services.read_campaigns_of_partner import Promoted, read_campaign_of_partner, read_campaigns_of_partner
from introducer.services.read_deal_of_partner import Phase, read_deal_of_partner
from introducer.services.read_materials import read_materials
from pages.links import PATH as LINKS
from pages.links import NewLink, Short, made, make_link

PATH = "/campaigns"
ONE = PATH + "/{campaign}"

words.WORDS["device"] = {
    "mobile": N_("Phones"),
    "tablet": N_("Tablets"),
    "desktop": N_("Computers"),
    "other": N_("Other devices"),
}


class LinkHere(BaseModel):
    """What a partner says of a new link to this campaign."""

    model_config = ConfigDict(extra="forbid")

    name: Short = ""
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000)] = ""
    page: Short = ""
    path: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)] = ""
    slug: Short = ""


@page(
    PATH,
    "campaigns.html",
    columns=(
        ("campaign", lambda row: row.campaign),
        ("name", lambda row: row.name),
        ("takes", lambda row: row.takes),
        ("countries", lambda row: " ".join(row.countries)),
        ("devices", lambda row: " ".join(row.devices)),
        ("languages", lambda row: " ".join(row.languages)),
        ("starts_at", lambda row: row.starts_at),
        ("ends_at", lambda row: row.ends_at),
        ("description", lambda row: row.description),
    ),
)
def campaigns(visit: Visit) -> dict[str, Any]:
    """What the partner may promote, those that take visitors first, and what it is paid for."""
    assert visit.partner is not None
    subject = f"campaigns of {visit.partner.brand}"
    found = read_campaigns_of_partner(
        visit.portal.configuration,
        visit.portal.campaign_counts,
        brand=visit.partner.brand,
        at=visit.now,
        today=visit.today,
        cursor=visit.position(subject),
        limit=visit.limit(),
    )
    return {"items": found.items, "next": visit.next(subject, found.cursor), "deal": _deal(visit)}


@page(ONE, "campaign.html")
def campaign(visit: Visit, campaign: str) -> dict[str, Any]:
    """One campaign that the partner may promote, and what it is paid for. It says whether there are banners and texts,
    in which sizes and languages."""
    found = _found(visit, campaign)
    materials = read_materials(visit.portal.materials, campaign, limit=1)
    return {
        "campaign": found,
        "deal": _deal(visit),
        "has_materials": bool(materials.page.items),
        "sizes": materials.sizes,
        "languages": materials.languages,
    }


@page(ONE + "/links", "campaign.html", method="POST", again=campaign, body=LinkHere)
def new_link_here(visit: Visit, campaign: str) -> Done:
    """Makes a tracking link to this campaign. As at `/links`; another brand's campaign is none."""
    _found(visit, campaign)
    wish = visit.read(LinkHere)
    try:
        link = make_link(visit, NewLink(campaign=campaign, **wish.model_dump()))
    except FormRefused as refused:
        # The form here has no field for the campaign.
        said = {"" if name == "campaign" else name: message for name, message in refused.errors.items()}
        raise FormRefused(said, refused.values, refused.cause) from refused.cause
    return Done(made(visit, link), f"{LINKS}/{link.code}?made=1", created=True)


def _found(visit: Visit, campaign: str) -> Promoted:
    assert visit.partner is not None
    return read_campaign_of_partner(
        visit.portal.configuration,
        visit.portal.campaign_counts,
        brand=visit.partner.brand,
        campaign=campaign,
        at=visit.now,
        today=visit.today,
    )


def _deal(visit: Visit) -> dict[str, Any] | None:
    """What the partner is paid for now, whatever it promotes; None for a partner without a deal in force."""
    assert visit.partner is not None
    versions = read_deal_of_partner(visit.portal.configuration, partner=visit.partner.partner, at=visit.now)
    found = next((each for each in versions if each.phase is Phase.IN_FORCE), None)
    if found is None:
        return None
    told = sentences.told(visit.language, found)
    return {"version": found.version, "clauses": told["clauses"]}
