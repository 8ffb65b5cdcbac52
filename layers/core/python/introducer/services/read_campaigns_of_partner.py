"""What may a partner promote, to whom, until when, and how much of it is left?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from introducer.domain.campaigns import DEVICES, LandingPage
from introducer.domain.configuration import Campaign
from introducer.domain.leading import Taking, campaign_takes
from introducer.services.read_links_of_partner import Campaigns, full_until
from introducer.store.campaign_counts import CampaignCounts
from introducer.store.configuration import Configuration
from introducer.store.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """A campaign, as a partner sees it."""

    campaign: str
    name: str
    description: str
    terms: str
    takes: Taking
    countries: tuple[str, ...]
    """ISO 3166 alpha-2; empty: everywhere. Visitors from elsewhere do not count."""
    devices: tuple[str, ...]
    """For which it has a page; empty: all."""
    languages: tuple[str, ...]
    """Of its pages, as far as staff said them."""
    hosts: tuple[str, ...]
    """Where a link's own deep link may lead."""
    pages: tuple[LandingPage, ...]
    starts_at: datetime | None
    ends_at: datetime | None
    clicks_per_day: int | None
    clicks_in_all: int | None
    used_today: int | None
    used_in_all: int | None
    """Of its caps; None where it has none."""


_ORDER = list(Taking)


def read_campaigns_of_partner(
    configuration: Configuration,
    counts: CampaignCounts,
    *,
    brand: str,
    at: datetime,
    today: str,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Promoted]:
    """A page of a brand's campaigns: those that take visitors first, then by name."""
    campaigns = Campaigns(configuration, brand, at)

    def place(each: Campaign) -> str:
        return f"{_ORDER.index(campaigns.takes(each.campaign))} {each.name.casefold()} {each.campaign}"

    found = sorted(campaigns.all, key=place)
    if cursor is not None:
        found = [each for each in found if place(each) > cursor]
    shown = tuple(
        promoted(counts, each, campaigns.takes(each.campaign), today) for each in found[:limit]
    )  # fmt: skip
    return Page(shown, place(found[limit - 1]) if len(found) > limit else None)


def read_campaign_of_partner(
    configuration: Configuration, counts: CampaignCounts, *, brand: str, campaign: str, at: datetime, today: str
) -> Promoted:
    """One of them. Raises `NotFound`, also for another brand's."""
    found = configuration.campaign(brand, campaign)
    return promoted(counts, found, campaign_takes(found, full_until(configuration, found), at), today)


def promoted(counts: CampaignCounts, campaign: Campaign, takes: Taking, today: str) -> Promoted:
    """The campaign, with what its caps took so far."""
    pages = campaign.landing_pages
    devices = {device for each in pages for device in each.devices} if all(each.devices for each in pages) else set()
    used = None
    if campaign.clicks_per_day is not None or campaign.clicks_in_all is not None:
        used = counts.used(campaign.campaign)
    return Promoted(
        campaign=campaign.campaign,
        name=campaign.name,
        description=campaign.description,
        terms=campaign.terms,
        takes=takes,
        countries=tuple(sorted(campaign.countries)),
        devices=tuple(each for each in DEVICES if each in devices),
        languages=tuple(sorted({each.language for each in pages} - {""})),
        hosts=campaign.hosts,
        pages=pages,
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        clicks_per_day=campaign.clicks_per_day,
        clicks_in_all=campaign.clicks_in_all,
        used_today=None if used is None or campaign.clicks_per_day is None else used.on(today),
        used_in_all=None if used is None or campaign.clicks_in_all is None else used.in_all,
    )
