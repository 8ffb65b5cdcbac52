"""Staff register a partner, below the partner who introduced it if there is one. With it begins what the brand writes
to new partners, where that is switched on.
"""

from __future__ import annotations

from dataclasses import replace

from introducer.domain import forms
from introducer.domain.configuration import Change, Partner, PartnerKind, Status
from introducer.domain.errors import Invalid, NotFound
from introducer.domain.identity import EMAIL, keyed_hash, normal_email
from introducer.domain.money import decimals
from introducer.services.creation import Author, Clock, Randomness, create_once, make_id, now
from introducer.services.start_onboarding import first_state
from introducer.store.configuration import Configuration


def register_partner(
    configuration: Configuration,
    *,
    brand: str,
    name: str,
    kind: PartnerKind,
    country: str,
    language: str,
    currency: str,
    parent: str | None = None,
    manager: str | None = None,
    email: str | None = None,
    brand_key: bytes | None = None,
    author: Author,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> Partner:
    """The new partner. `brand_key` is the brand's identity key, needed with `email`, which is kept as a hash only.

    Raises `Invalid` for what cannot be; `NotFound` for an unknown brand, parent or manager, or one of another brand.
    """
    configuration.brand(brand)
    decimals(currency)
    if parent is not None and configuration.partner(parent).brand != brand:
        raise NotFound("There is no such partner.")
    if manager is not None:
        member = configuration.member(manager)
        if member.brand != brand or not member.role.is_staff:
            raise NotFound("There is no such manager.")
    if email is not None and brand_key is None:
        raise Invalid("An e-mail address is kept as a hash: the brand's identity key is needed.", code="key_needed")
    at = now(clock)
    partner = Partner(
        partner=make_id("par", request, at, random, brand),
        brand=brand,
        name=forms.name(name, "partner"),
        kind=kind,
        status=Status.ACTIVE,
        parent=parent,
        manager=manager,
        country=forms.country(country),
        language=forms.language(language),
        currency=currency,
        email_hash=None if email is None or brand_key is None else keyed_hash(brand_key, EMAIL, normal_email(email)),
        created=at,
    )
    change = Change(by=author.by, at=at, why=author.why, origin=author.origin)
    walk = first_state(configuration, brand, partner.partner, at)
    return create_once(
        lambda: configuration.register_partner(partner, change, walk),
        lambda: configuration.partner(partner.partner),
        lambda existing: replace(existing, created=at, status=partner.status, status_since=None) == partner,
        partner,
    )
