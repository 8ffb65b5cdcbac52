"""The address that a partner hands on: its link at the brand's domain, with what the partner wants to know again; and
whether it takes visitors now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote, urlencode

from introducer.domain.configuration import Availability, Campaign, Link
from introducer.domain.errors import Malformed

SUBS = ("sub1", "sub2", "sub3", "sub4", "sub5")
"""The partner's own values; a click keeps them, and a postback gives them back."""
SUB_LENGTH, SUBS_BYTES = 100, 440
"""Characters of one, and bytes of all together: the redirect cuts off what is longer."""


def subs_of(given: Mapping[str, str]) -> dict[str, str]:
    """The values that are not empty, in their order. Raises `Malformed` (`bad_sub`): what the redirect would not keep
    as it is must not go into an address."""
    found = {name: given[name] for name in SUBS if given.get(name)}
    for name, value in found.items():
        if len(value) > SUB_LENGTH or not value.isprintable():
            raise Malformed(
                f"{name} has at most {SUB_LENGTH} characters that can be printed.", code="bad_sub", sub=name
            )
    if sum(len(value.encode()) for value in found.values()) > SUBS_BYTES:
        raise Malformed(f"All subs together have at most {SUBS_BYTES} bytes: shorten them.", code="bad_sub")
    return found


def tracking_address(origin: str, code: str, subs: Mapping[str, str] | None = None) -> str:
    """`https://go.example.com/c/summer-deal?sub1=newsletter`. `origin` has no slash at its end."""
    query = urlencode(subs or {}, quote_via=quote, safe="")
    return f"{origin}/c/{quote(code, safe='')}" + (f"?{query}" if query else "")


class Taking(StrEnum):
    """Whether a campaign, or a link to it, takes visitors. Those that it does not take are led elsewhere, and their
    clicks do not count."""

    ACTIVE = "active"
    PAUSED = "paused"
    """By whoever has it: the partner its link, staff their campaign."""
    CAMPAIGN_PAUSED = "campaign_paused"
    TO_COME = "to_come"
    FULL = "full"
    OVER = "over"


def campaign_takes(campaign: Campaign, full_until: datetime | None, at: datetime) -> Taking:
    """Whether a campaign takes visitors at a moment. `full_until` is its route's: its caps are reached until then."""
    if campaign.ends_at is not None and at >= campaign.ends_at:
        return Taking.OVER
    if campaign.status is not Availability.ACTIVE:
        return Taking.PAUSED
    if campaign.starts_at is not None and at < campaign.starts_at:
        return Taking.TO_COME
    if full_until is not None and at < full_until:
        return Taking.FULL
    return Taking.ACTIVE


def link_takes(link: Link, campaign: Taking) -> Taking:
    """Whether a link takes visitors, where its campaign does so."""
    if link.status is not Availability.ACTIVE:
        return Taking.PAUSED
    return Taking.CAMPAIGN_PAUSED if campaign is Taking.PAUSED else campaign
