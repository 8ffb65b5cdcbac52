"""Which links does a partner have, and what did each bring this month?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import Availability, Campaign
from introducer.store.click_counts import ClickCounts
from introducer.store.configuration import Configuration
from introducer.store.event_counts import EventCounts
from introducer.store.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkInMonth:
    """A link with its month."""

    code: str
    campaign: str
    campaign_name: str
    status: Availability
    created: datetime
    clicks: int
    unique: int
    flagged: int
    """Of robots, previews and the like: they are in neither of the two before."""
    registrations: int
    ftd: int


def read_links_of_partner(
    configuration: Configuration,
    event_counts: EventCounts,
    click_counts: ClickCounts,
    *,
    brand: str,
    partner: str,
    month: str,
    cursor: str | None,
    limit: int,
) -> Page[LinkInMonth]:
    """A page of links, newest first, with their figures of `month` (`2026-03`)."""
    page = configuration.links_of_partner(partner, cursor, limit)
    names = {campaign.campaign: campaign.name for campaign in configuration.campaigns(brand)}
    events: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for event_count in event_counts.month(partner, month):
        for metric, number in event_count.counts.items():
            events[event_count.link][metric] += number
    clicks: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for click_count in click_counts.month(partner, month):
        clicks[click_count.link][0] += click_count.clicks
        clicks[click_count.link][1] += click_count.unique
        clicks[click_count.link][2] += click_count.flagged
    return Page(
        tuple(
            LinkInMonth(
                code=link.code,
                campaign=link.campaign,
                campaign_name=names.get(link.campaign, link.campaign),
                status=link.status,
                created=link.created,
                clicks=clicks[link.link_id][0],
                unique=clicks[link.link_id][1],
                flagged=clicks[link.link_id][2],
                registrations=events[link.link_id]["registrations"],
                ftd=events[link.link_id]["ftd"],
            )
            for link in page.items
        ),
        page.cursor,
    )


def read_campaigns_to_promote(configuration: Configuration, brand: str) -> list[Campaign]:
    """The campaigns of a brand that take traffic, by name."""
    active = (each for each in configuration.campaigns(brand) if each.status is Availability.ACTIVE)
    return sorted(active, key=lambda campaign: campaign.name.casefold())
