"""Staff change a campaign, pause it and take it up again; and routes for campaigns from before there were routes.

Only the campaign and its route are written. Its links stay as they are: the redirect reads the route.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from introducer.domain.campaigns import SETTINGS, checked, with_ids
from introducer.domain.caps import COUNTED_AFTER, NOTHING, full_until
from introducer.domain.configuration import Availability, Campaign, Change, Role
from introducer.domain.errors import Conflict, Forbidden
from introducer.services.creation import Author, Clock, now
from introducer.store.campaign_counts import CampaignCounts
from introducer.store.configuration import Configuration

EDITORS = frozenset({Role.MANAGER, Role.ADMIN})
CHANGEABLE = SETTINGS | {"name", "hosts", "click_parameter", "countries", "status"}
"""What may be said anew, by the names of `Campaign`'s fields. How a campaign attributes has a history of its own."""


def check_editor(role: Role) -> None:
    """Raises `Forbidden` for a role that changes no campaigns."""
    if role not in EDITORS:
        raise Forbidden("Managers and admins change campaigns: ask one of them.", code="campaign_role")


def change_campaign(
    configuration: Configuration,
    counts: CampaignCounts,
    *,
    brand: str,
    campaign: str,
    changes: Mapping[str, Any],
    version: int | None = None,
    author: Author,
    clock: Clock,
) -> Campaign:
    """The campaign as it is from now on; what `changes` leave out stays, and the same again changes nothing.

    `version` is the one that was looked at. Raises `NotFound`; `Invalid` (with the `field`) for what cannot be;
    `Conflict` with the code `campaign_changed` when somebody else changed it since.
    """
    assert changes.keys() <= CHANGEABLE, "only what may be changed"
    before = configuration.campaign(brand, campaign)
    after = replace(before, **changes)
    after = replace(after, pages=with_ids(campaign, after.landing_pages))
    if changes.keys() != {"status"}:
        # What was allowed when the campaign was made is never in the way of pausing it.
        after = checked(after)
    if after == replace(before, pages=before.landing_pages):
        return before
    if version is not None and version != before.version:
        raise Conflict(
            f"The campaign {before.name} was changed since you looked at it: read it again, and compare.",
            code="campaign_changed",
        )
    at = now(clock)
    if after.caps.any and after.caps_since is None:
        after = replace(after, caps_since=at + COUNTED_AFTER)
    after = replace(after, version=before.version + 1)
    used = NOTHING if before.caps_since is None else counts.used(campaign)
    until = full_until(after.caps, used)
    configuration.change_campaign(
        before,
        after,
        Change(by=author.by, at=at, why=author.why, origin=author.origin),
        full_until=until if until is not None and until > at else None,
    )
    return after


def set_campaign_status(
    configuration: Configuration,
    counts: CampaignCounts,
    *,
    brand: str,
    campaign: str,
    status: Availability,
    author: Author,
    clock: Clock,
) -> Campaign:
    """Pauses a campaign or takes it up again; one that has this status stays as it is. Raises `NotFound`."""
    return change_campaign(
        configuration,
        counts,
        brand=brand,
        campaign=campaign,
        changes={"status": status},
        author=author,
        clock=clock,
    )


def add_missing_routes(configuration: Configuration, *, author: Author, clock: Clock) -> list[Campaign]:
    """Gives a route to every campaign that has none; those are returned. It may be repeated."""
    made = []
    for brand in configuration.every_brand():
        for campaign in configuration.campaigns(brand.brand):
            change = Change(by=author.by, at=now(clock), why=author.why, origin=author.origin)
            try:
                configuration.add_route(campaign, change)
            except Conflict:
                continue
            made.append(campaign)
    return made
