"""Which links does a partner have, what did each bring, and does it take visitors now?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from introducer.domain.configuration import Availability, Campaign, Link
from introducer.domain.errors import NotFound
from introducer.domain.events import milliseconds
from introducer.domain.leading import Taking, campaign_takes, link_takes
from introducer.services.choose_slug import link_of_partner
from introducer.store import keys
from introducer.store.click_counts import ClickCount, ClickCounts
from introducer.store.configuration import Configuration
from introducer.store.event_counts import EventCount, EventCounts
from introducer.store.paging import Page

MOST_LOOKED_AT = 2_000
"""Links that one search looks at; the next page goes on from there."""
_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a link brought, on a day or in a month."""

    clicks: int = 0
    """Of people: flagged ones are not among them."""
    unique: int = 0
    flagged: int = 0
    """Of robots, previews and the like: they are in neither of the two before."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Of the flagged, how many for which reason (`domain.clicks.REASONS`), the most first. Counters from before
    reasons were counted have none."""
    registrations: int = 0
    ftd: int = 0


_SUMMED = ("clicks", "unique", "flagged", "registrations", "ftd")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkInMonth:
    """A link with its month."""

    code: str
    slugs: tuple[str, ...]
    name: str
    campaign: str
    campaign_name: str
    status: Availability
    """What the partner said of it."""
    takes: Taking
    """What becomes of its visitors, with all that its campaign says."""
    created: datetime
    clicks_today: int
    clicks: int
    unique: int
    flagged: int
    registrations: int
    ftd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkShown:
    """One link, with its campaign and its month."""

    link: Link
    campaign: Campaign
    takes: Taking
    today: Figures
    month: Figures
    days: tuple[tuple[str, Figures], ...]
    """Days of the month on which it brought anything, the newest first."""


def read_links_of_partner(
    configuration: Configuration,
    event_counts: EventCounts,
    click_counts: ClickCounts,
    *,
    brand: str,
    partner: str,
    at: datetime,
    today: str,
    wanted: str = "",
    status: str = "",
    cursor: str | None,
    limit: int,
) -> Page[LinkInMonth]:
    """A page of links, newest first, with their figures of the month of `today` (a UTC day). `wanted` is a part of a
    link's name, code or slug, or of its campaign's name; `status` is `active` or `paused`. A page of a search may have
    fewer than `limit`, and others behind it: so many links are looked at and no more."""
    month = today[:7]
    campaigns = Campaigns(configuration, brand, at)
    page = _found(configuration, campaigns, partner, wanted.casefold(), status, cursor, limit)
    months = _by_link(event_counts.month(partner, month), click_counts.month(partner, month))
    days = {link: found.get(today, Figures()) for link, found in months.items()}
    sums = {link: _sum(list(found.values())) for link, found in months.items()}
    nothing = Figures()
    return Page(
        tuple(
            LinkInMonth(
                code=link.code,
                slugs=link.slugs,
                name=link.name,
                campaign=link.campaign,
                campaign_name=campaigns.name(link.campaign),
                status=link.status,
                takes=link_takes(link, campaigns.takes(link.campaign)),
                created=link.created,
                clicks_today=days.get(link.link_id, nothing).clicks,
                **{name: getattr(sums.get(link.link_id, nothing), name) for name in _SUMMED},
            )
            for link in page.items
        ),
        page.cursor,
    )


def read_link_of_partner(
    configuration: Configuration,
    event_counts: EventCounts,
    click_counts: ClickCounts,
    *,
    partner: str,
    code: str,
    at: datetime,
    today: str,
) -> LinkShown:
    """A partner's link by its code or a slug that it has. Raises `NotFound`, also for another partner's."""
    link = named_link(configuration, partner, code)
    campaign = configuration.campaign(link.brand, link.campaign)
    month = today[:7]
    days = _by_link(event_counts.month(partner, month), click_counts.month(partner, month)).get(link.link_id, {})
    return LinkShown(
        link=link,
        campaign=campaign,
        takes=link_takes(link, campaign_takes(campaign, full_until(configuration, campaign), at)),
        today=days.get(today, Figures()),
        month=_sum(list(days.values())),
        days=tuple(sorted(days.items(), reverse=True)),
    )


def named_link(configuration: Configuration, partner: str, code: str) -> Link:
    """The link itself, by its code or by a slug that leads to it. Raises `NotFound`, also for another partner's."""
    found = configuration.link(code)
    if found.partner != partner or found.given_up is not None:
        raise NotFound("There is no such link.")
    return found if found.code == found.link_id else link_of_partner(configuration, partner, found.link_id)


class Campaigns:
    """A brand's campaigns at a moment, read once; the routes of those alone that have caps."""

    def __init__(self, configuration: Configuration, brand: str, at: datetime) -> None:
        self._configuration = configuration
        self._at = at
        self.all = configuration.campaigns(brand)
        self._by_id = {each.campaign: each for each in self.all}
        self._taking: dict[str, Taking] = {}

    def name(self, campaign: str) -> str:
        found = self._by_id.get(campaign)
        return found.name if found else campaign

    def takes(self, campaign: str) -> Taking:
        if campaign not in self._taking:
            found = self._by_id.get(campaign)
            self._taking[campaign] = (
                campaign_takes(found, full_until(self._configuration, found), self._at) if found else Taking.PAUSED
            )
        return self._taking[campaign]


def full_until(configuration: Configuration, campaign: Campaign) -> datetime | None:
    """Until when a campaign's caps are reached; None where they are not, or where it has none."""
    if campaign.clicks_per_day is None and campaign.clicks_in_all is None:
        return None
    try:
        return configuration.route(campaign.campaign).full_until
    except NotFound:
        return None


def read_campaigns_to_promote(configuration: Configuration, brand: str, at: datetime) -> list[Campaign]:
    """The campaigns of a brand to which links can be made at a moment, by name: not those that are paused or over."""
    active = (
        each
        for each in configuration.campaigns(brand)
        if each.status is Availability.ACTIVE and (each.ends_at is None or at < each.ends_at)
    )
    return sorted(active, key=lambda campaign: campaign.name.casefold())


def _found(
    configuration: Configuration,
    campaigns: Campaigns,
    partner: str,
    wanted: str,
    status: str,
    cursor: str | None,
    limit: int,
) -> Page[Link]:
    if not wanted and not status:
        return configuration.links_of_partner(partner, cursor, limit)
    found: list[Link] = []
    for _ in range(MOST_LOOKED_AT // _AT_ONCE):
        page = configuration.links_of_partner(partner, cursor, _AT_ONCE)
        for number, link in enumerate(page.items, 1):
            said = (link.name, link.code, *link.slugs, campaigns.name(link.campaign))
            if (not status or link.status == status) and any(wanted in each.casefold() for each in said):
                found.append(link)
                if len(found) == limit:
                    last = number == len(page.items)
                    return Page(tuple(found), page.cursor if last else _place(link))
        cursor = page.cursor
        if cursor is None:
            break
    return Page(tuple(found), cursor)


def _place(link: Link) -> str:
    """Where the links behind this one begin."""
    place = {"partner": link.partner, "created": milliseconds(link.created), "code": link.code}
    return keys.owner_key("link", **place)[keys.OWNER_SK]


def _by_link(events: Sequence[EventCount], clicks: Sequence[ClickCount]) -> Mapping[str, dict[str, Figures]]:
    """By link, then by day."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    reasons: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for count in clicks:
        of_day = count.link, count.day
        found[of_day].update(clicks=count.clicks, unique=count.unique, flagged=count.flagged)
        reasons[of_day].update(dict(count.reasons))
    for event in events:
        found[event.link, event.day].update({name: event.counts.get(name, 0) for name in ("registrations", "ftd")})
    by_link: dict[str, dict[str, Figures]] = defaultdict(dict)
    for (link, day), figures in found.items():
        by_link[link][day] = Figures(**figures, reasons=dict(reasons[link, day].most_common()))
    return by_link


def _sum(figures: Sequence[Figures]) -> Figures:
    reasons: Counter[str] = Counter()
    for each in figures:
        reasons.update(each.reasons)
    sums = {name: sum(getattr(each, name) for each in figures) for name in _SUMMED}
    return Figures(**sums, reasons=dict(reasons.most_common()))
