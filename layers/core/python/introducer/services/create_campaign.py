"""Staff create a campaign: what partners promote, and how long a click may wait for its registration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from introducer.domain import forms
from introducer.domain.configuration import Attribution, Availability, Campaign, Change
from introducer.domain.errors import Invalid
from introducer.services.creation import Author, Clock, Randomness, create_once, make_id, now
from introducer.store.configuration import Configuration

LONGEST_WINDOW_DAYS = 365


def create_campaign(
    configuration: Configuration,
    *,
    brand: str,
    name: str,
    landing_url: str,
    hosts: Iterable[str] = (),
    click_parameter: str = "click_id",
    window_days: int = 30,
    attribution: Attribution = Attribution.LAST_CLICK,
    countries: Iterable[str] = (),
    author: Author,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> Campaign:
    """The new campaign. `hosts` are further hosts that deep links may lead to, besides the landing page's own.

    Raises `Invalid` for what cannot be, `NotFound` for an unknown brand.
    """
    configuration.brand(brand)
    if not 1 <= window_days <= LONGEST_WINDOW_DAYS:
        raise Invalid(
            f"A click cannot wait {window_days} days for its registration: say 1 to {LONGEST_WINDOW_DAYS}.",
            code="invalid_window",
        )
    at = now(clock)
    landing = forms.https_url(landing_url, "landing page")
    allowed = dict.fromkeys([forms.host_of(landing), *(forms.host(host, "campaign") for host in hosts)])
    campaign = Campaign(
        campaign=make_id("cmp", request, at, random, brand),
        brand=brand,
        name=forms.name(name, "campaign"),
        landing_url=landing,
        hosts=tuple(allowed),
        click_parameter=forms.parameter(click_parameter),
        window_days=window_days,
        attribution=attribution,
        countries=tuple(sorted({forms.country(country) for country in countries})),
        status=Availability.ACTIVE,
        created=at,
    )
    change = Change(by=author.by, at=at, why=author.why, origin=author.origin)
    return create_once(
        lambda: configuration.create_campaign(campaign, change),
        lambda: configuration.campaign(brand, campaign.campaign),
        lambda existing: replace(existing, created=at, status=campaign.status) == campaign,
        campaign,
    )
