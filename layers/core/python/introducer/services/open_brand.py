"""A broker opens a brand: the entity that partners, campaigns and clients belong to."""

from __future__ import annotations

from dataclasses import replace

from introducer.domain import forms
from introducer.domain.configuration import Brand, Change
from introducer.domain.money import decimals
from introducer.services.creation import Author, Clock, Randomness, create_once, make_id, now
from introducer.services.set_payout_schedule import zone
from introducer.store.configuration import Configuration


def open_brand(
    configuration: Configuration,
    *,
    name: str,
    domain: str,
    base_currency: str,
    fallback_url: str,
    time_zone: str = "UTC",
    author: Author,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> Brand:
    """The new brand. Raises `Invalid` for what cannot be, `Conflict` when another brand answers under the host."""
    decimals(base_currency)
    at = now(clock)
    brand = Brand(
        brand=make_id("brd", request, at, random),
        name=forms.name(name, "brand"),
        domain=forms.host(domain, "brand"),
        base_currency=base_currency,
        fallback_url=forms.https_url(fallback_url, "fallback page"),
        created=at,
        time_zone=zone(time_zone).key,
    )
    change = Change(by=author.by, at=at, why=author.why, origin=author.origin)
    return create_once(
        lambda: configuration.open_brand(brand, change),
        lambda: configuration.brand(brand.brand),
        lambda existing: replace(existing, created=at) == brand,
        brand,
    )
