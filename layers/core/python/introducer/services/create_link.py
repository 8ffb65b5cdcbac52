"""A partner gets a tracking link for a campaign."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import Any

from introducer.domain import targets
from introducer.domain.configuration import Availability, Change, Link, Status
from introducer.domain.errors import Conflict, Forbidden, Invalid
from introducer.domain.ids import derived_id
from introducer.services.creation import Author, Clock, Randomness, now
from introducer.store.configuration import Configuration

LONGEST_NAME, LONGEST_NOTE = 80, 500
_ASKED = ("partner", "campaign", "page", "path", "name", "note")
_TRIES = 4
_LINK_BYTES = 6


def create_link(
    configuration: Configuration,
    *,
    partner: str,
    campaign: str,
    author: Author,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
    page: str | None = None,
    path: str | None = None,
    name: str = "",
    note: str = "",
) -> Link:
    """The new link, ready to be clicked. `page` is the campaign's page that it is pinned to, `path` its own deep link,
    `name` and `note` are the partner's words.

    Raises `NotFound` for an unknown partner or campaign, `Forbidden` for a blocked partner, `Conflict` for a campaign
    that is paused (`campaign_paused`) or over (`campaign_over`), `Invalid` (with the `field`) for a page that there is
    not, a deep link that leads elsewhere, and texts that are too long.
    """
    owner = configuration.partner(partner)
    if owner.status is Status.BLOCKED:
        raise Forbidden("This partner is blocked: new links are not possible.", code="partner_blocked")
    promoted = configuration.campaign(owner.brand, campaign)
    if promoted.status is not Availability.ACTIVE:
        raise Conflict(f"The campaign {promoted.name} is paused: choose another.", code="campaign_paused")
    at = now(clock)
    if promoted.ends_at is not None and at >= promoted.ends_at:
        raise Conflict(f"The campaign {promoted.name} is over: choose another.", code="campaign_over")
    if page and page not in [each.page for each in promoted.landing_pages]:
        raise Invalid("The campaign has no such page: choose one of its pages.", code="unknown_page", field="page")
    own: dict[str, Any] = {
        "page": page or None,
        "path": targets.deep_link(path, promoted.hosts) if path else None,
        "name": _words(name, "name", LONGEST_NAME),
        "note": _words(note, "note", LONGEST_NOTE),
    }
    brand = configuration.brand(owner.brand)
    change = Change(by=author.by, at=at, why=author.why, origin=author.origin)
    for _ in range(_TRIES):
        code = _code(request, partner, campaign, random)
        link = Link(
            code=code,
            link_id=code,
            partner=partner,
            brand=owner.brand,
            campaign=campaign,
            landing_url=promoted.landing_url,
            hosts=promoted.hosts,
            click_parameter=promoted.click_parameter,
            fallback_url=brand.fallback_url,
            status=Availability.ACTIVE,
            shard_exponent=0,
            created=at,
            **own,
        )
        try:
            configuration.create_link(link, change)
        except Conflict:
            if request is None:
                continue
            existing = configuration.link(code)
            # Not what it has of its campaign and brand: they may be changed since, and it stays the same link.
            if [getattr(existing, each) for each in _ASKED] != [getattr(link, each) for each in _ASKED]:
                raise
            return existing
        return link
    raise Conflict("No free code was found: try again.", code="code_taken")


def _words(text: str, field: str, longest: int) -> str:
    text = text.strip()
    if len(text) > longest or not text.isprintable():
        raise Invalid(f"Write at most {longest} characters on one line.", code="text_too_long", field=field)
    return text


def _code(request: str | None, partner: str, campaign: str, random: Randomness) -> str:
    if request is None:
        raw = random(_LINK_BYTES)
    else:
        raw = blake2b(derived_id("lnk", partner, campaign, request).encode(), digest_size=_LINK_BYTES).digest()
    return urlsafe_b64encode(raw).decode()
