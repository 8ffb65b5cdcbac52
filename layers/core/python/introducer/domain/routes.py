"""A campaign's route: where its links lead. It is kept as an item of its own, written with the campaign and read by the
redirect, so that changing a campaign never touches its links.

`choose` says where a visitor would go, for staff who ask; the redirect decides by the same rules in
`functions/redirect/route.py`, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.campaigns import LandingPage, Utm
from introducer.domain.caps import Caps
from introducer.domain.clicks import CAPPED, COUNTRY, DEVICE, PAUSED, SCHEDULED
from introducer.domain.configuration import Availability, Campaign

UNKNOWN = ("", "ZZ")
"""In the place of a country that nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What the redirect reads of a campaign."""

    campaign: str
    brand: str
    status: Availability
    starts_at: datetime | None
    ends_at: datetime | None
    hosts: tuple[str, ...]
    click_parameter: str
    countries: tuple[str, ...]
    pages: tuple[LandingPage, ...]
    utm: tuple[Utm, ...]
    overflow_url: str
    clicks_per_day: int | None
    clicks_in_all: int | None
    caps_since: datetime | None
    """From when on clicks are counted for the caps; None for a campaign that never had any."""
    version: int
    """The campaign's, when this was written."""
    full_until: datetime | None = None
    """The caps are reached until then. Not a decision of staff: counting sets it."""

    @property
    def caps(self) -> Caps:
        return Caps(clicks_per_day=self.clicks_per_day, clicks_in_all=self.clicks_in_all)


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a visitor goes: to one of these pages, in proportion to their weights; or to none, and the flag of the
    click says why."""

    pages: tuple[LandingPage, ...]
    flag: str = ""


def route_of(campaign: Campaign, full_until: datetime | None = None) -> Route:
    """The route of a campaign."""
    return Route(
        campaign=campaign.campaign,
        brand=campaign.brand,
        status=campaign.status,
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        hosts=campaign.hosts,
        click_parameter=campaign.click_parameter,
        countries=campaign.countries,
        pages=campaign.landing_pages,
        utm=campaign.utm,
        overflow_url=campaign.overflow_url,
        clicks_per_day=campaign.clicks_per_day,
        clicks_in_all=campaign.clicks_in_all,
        caps_since=campaign.caps_since,
        version=campaign.version,
        full_until=full_until,
    )


def choose(route: Route, *, at: datetime, country: str, device: str, pinned: str = "") -> Choice:
    """Where a visitor of this country on this device goes at this moment. `pinned` is the page of the link, if any."""
    if flag := _refusal(route, at, country):
        return Choice((), flag)
    fitting = [page for page in route.pages if _holds(page.countries, country) and _holds(page.devices, device)]
    if not fitting:
        known = any(_holds(page.countries, country) for page in route.pages)
        return Choice((), DEVICE if known else COUNTRY)
    return Choice(tuple(page for page in fitting if page.page == pinned) or tuple(fitting))


def state_of(route: Route, at: datetime) -> str:
    """What the campaign does at this moment, in a word: `open`, `paused`, `to_come`, `over` or `full`."""
    flag = _refusal(route, at, UNKNOWN[0])
    if flag == SCHEDULED:
        return "over" if route.ends_at is not None and at >= route.ends_at else "to_come"
    return {PAUSED: "paused", CAPPED: "full"}.get(flag, "open")


def _refusal(route: Route, at: datetime, country: str) -> str:
    if route.status is not Availability.ACTIVE:
        return PAUSED
    if (route.starts_at is not None and at < route.starts_at) or (route.ends_at is not None and at >= route.ends_at):
        return SCHEDULED
    # Where nobody's country is known, a campaign for some countries would else take nobody.
    if country not in UNKNOWN and not _holds(route.countries, country):
        return COUNTRY
    if route.full_until is not None and at < route.full_until:
        return CAPPED
    return ""


def _holds(allowed: Sequence[str], value: str) -> bool:
    return not allowed or value in allowed
