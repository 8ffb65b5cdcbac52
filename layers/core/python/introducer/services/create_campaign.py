"""Staff create a campaign: what partners promote, where it leads, and how long a click may wait for its registration.

What else can be said of it (pages, schedule, caps …) is in `settings`, by the names of `Campaign`'s fields; the same
may be changed later (`services.change_campaign`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from introducer.domain.campaigns import SETTINGS, LandingPage, checked, with_ids
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
    landing_url: str = "",
    hosts: Iterable[str] = (),
    click_parameter: str = "click_id",
    window_days: int = 30,
    attribution: Attribution = Attribution.LAST_CLICK,
    countries: Iterable[str] = (),
    settings: Mapping[str, Any] | None = None,
    author: Author,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> Campaign:
    """The new campaign, with its route. `hosts` are further hosts that pages and deep links may lead to, besides the
    first page's own; `landing_url` is its only page where `settings` name none.

    Raises `Invalid` (with the `field`) for what cannot be, `NotFound` for an unknown brand.
    """
    configuration.brand(brand)
    if not 1 <= window_days <= LONGEST_WINDOW_DAYS:
        raise Invalid(
            f"A click cannot wait {window_days} days for its registration: say 1 to {LONGEST_WINDOW_DAYS}.",
            code="invalid_window",
            field="window_days",
        )
    more = dict(settings or {})
    assert more.keys() <= SETTINGS, "only what a campaign may be told"
    at = now(clock)
    campaign = make_id("cmp", request, at, random, brand)
    pages = more.pop("pages", ()) or (LandingPage(page="", url=landing_url),)
    made = checked(
        Campaign(
            campaign=campaign,
            brand=brand,
            name=name,
            landing_url=pages[0].url,
            pages=with_ids(campaign, pages),
            hosts=tuple(hosts),
            click_parameter=click_parameter,
            window_days=window_days,
            attribution=attribution,
            countries=tuple(countries),
            status=Availability.ACTIVE,
            created=at,
            **more,
        )
    )
    # Nobody counted its clicks before, so its caps count from the beginning.
    made = replace(made, caps_since=at if made.caps.any else None)
    change = Change(by=author.by, at=at, why=author.why, origin=author.origin)
    return create_once(
        lambda: configuration.create_campaign(made, change),
        lambda: configuration.campaign(brand, campaign),
        lambda existing: replace(existing, created=at, caps_since=made.caps_since, status=made.status) == made,
        made,
    )
