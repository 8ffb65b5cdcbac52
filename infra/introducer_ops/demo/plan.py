"""Who there is in the demo world: brand, campaigns, partners in three levels, deals, logins. Pure data from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from introducer.domain.campaigns import LandingPage, Utm
from introducer_ops.demo.deals import FLAT, SHOWCASE, SPECIAL, TOGETHER, UNITS, quick_terms, terms_of, with_override
from introducer_ops.demo.names import company_names

PARTNERS = 40
"""Honest ones. Whoever cheats comes after them."""
LEVELS = (8, 16, 16)
"""Partners at the top, below them, and below those."""

CURRENCY_OF = {
    "DE": "EUR",
    "AT": "EUR",
    "ES": "EUR",
    "GB": "GBP",
    "PL": "PLN",
    "JP": "JPY",
    "TH": "THB",
    "AE": "USD",
    "KW": "KWD",
}
LANGUAGE_OF = {
    "DE": "en",
    "AT": "en",
    "ES": "es",
    "GB": "en",
    "PL": "pl",
    "JP": "en",
    "TH": "th",
    "AE": "ar",
    "KW": "ar",
}

UNQUOTED = "KWD"
"""The bank has no rate of it: whoever is paid in it brings clients who trade in it, and nobody else does."""
QUOTED_COUNTRIES = tuple(country for country, currency in CURRENCY_OF.items() if currency != UNQUOTED)
"""Whose money can be converted: from these the clients of all others come."""

STAR = 0
"""The partner that the generated login belongs to: nearly every kind of earning, and a clawback."""

MADE_UP, WASHED = "made_up", "washed"
"""How partners of the demo world cheat: with clients that are nobody, and with trades for the rebate on their lots."""


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    name: str
    path: str
    click_parameter: str
    window_days: int
    first_click: bool
    countries: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What else is said of it, by the names of `Campaign`'s fields."""


@dataclass(frozen=True, slots=True)
class PartnerPlan:
    """`parent` is the number of another partner, `campaigns` are numbers of campaigns: one link each."""

    name: str
    kind: str
    country: str
    language: str
    currency: str
    parent: int | None
    deal: str
    terms: Mapping[str, Any]
    campaigns: tuple[int, ...]
    weight: float
    """The share of the world's traffic this partner brings, relative to the others'."""
    attack: str = ""
    """How it cheats; empty for an honest one."""


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    brand: str
    domain: str
    source: str
    campaigns: tuple[CampaignPlan, ...]
    partners: tuple[PartnerPlan, ...]
    owner_email: str
    manager_email: str
    finance_email: str
    compliance_email: str
    admin_email: str
    sales_email: str


def _settings(domain: str) -> dict[str, Any]:
    """A campaign with pages for phones and for others, a cap that no day reaches, and words for partners."""
    site = f"https://www.{domain}"
    return {
        "pages": (
            LandingPage(
                page="", url=f"{site}/live", weight=3, devices=("desktop", "other"), language="en", name="Live"
            ),
            LandingPage(page="", url=f"{site}/live/app", weight=3, devices=("mobile", "tablet"), name="Live, by app"),
            LandingPage(page="", url=f"{site}/live/compare?from={{partner}}", weight=1, name="Comparison"),
        ),
        "clicks_per_day": 50_000,
        "overflow_url": f"{site}/later",
        "utm": (Utm(name="utm_source", value="{partner}"), Utm(name="utm_campaign", value="live")),
        "description": "A trading account with real money, opened in ten minutes.",
        "terms": "No bidding on the brand's name. No promise of profit.",
    }


def make_plan(seed: int, day: date) -> Plan:
    """The world of this seed and trading day: always the same one."""
    chance = random.Random(f"{seed}/plan")
    domain = "quillmark.example"
    campaigns = (
        CampaignPlan("Live account", "live", "click_id", 30, False, (), _settings(domain)),
        # The redirect takes nobody from elsewhere, so these are all countries that the world's visitors come from.
        CampaignPlan("Demo contest", "contest", "cid", 60, False, tuple(sorted(CURRENCY_OF))),
        CampaignPlan("Copy trading", "copy", "subid", 30, True, ()),
    )
    kinds = ["ib" if number == STAR or chance.random() < 0.45 else "affiliate" for number in range(PARTNERS)]
    names = company_names(kinds, chance)
    parents = [_parent(number, chance) for number in range(PARTNERS)]
    partners = []
    for number, (kind, name) in enumerate(zip(kinds, names, strict=True)):
        country = "DE" if number == STAR else chance.choice(QUOTED_COUNTRIES)
        deal = chance.choices(
            (*FLAT, *TOGETHER, *SPECIAL), (24, 24, 20, 12, *[3] * len(TOGETHER), *[3] * len(SPECIAL))
        )[0]
        # The first ones show each currency and each kind of deal at least once; the others are drawn.
        if number < len(_SHOWN):
            deal = _SHOWN[number]
        if STAR < number <= len(UNITS):
            currency = list(UNITS)[number - 1]
            country = next(code for code, spends in CURRENCY_OF.items() if spends == currency)
        currency = CURRENCY_OF[country]
        terms = terms_of(deal, currency, day, chance)
        # An override of partners who are paid in other money needs a rate.
        levels = 0 if currency == UNQUOTED else _levels_below(number, parents)
        partners.append(
            PartnerPlan(
                name=name,
                kind=kind,
                country=country,
                language=LANGUAGE_OF[country],
                currency=currency,
                parent=parents[number],
                deal=deal,
                terms=with_override(terms, levels) if levels else terms,
                campaigns=(0, 1, 2)
                if number == STAR
                else tuple(sorted(chance.sample(range(3), chance.choice((1, 2, 2))))),
                # A few bring most: the share falls with the rank, as traffic does.
                weight=1.0 if number == STAR else 0.9 / (1 + number) ** 0.5 * chance.uniform(0.7, 1.3) + 0.05,
            )
        )
    partners += _ATTACKERS
    slug = partners[STAR].name.split()[0].lower()
    return Plan(
        seed,
        "Quillmark Markets",
        domain,
        "quillmark-platform",
        campaigns,
        tuple(partners),
        f"owner@{slug}.example",
        f"manager@{domain}",
        f"finance@{domain}",
        f"compliance@{domain}",
        f"admin@{domain}",
        f"sales@{domain}",
    )


_ATTACKERS = tuple(
    PartnerPlan(
        name=name,
        kind=kind,
        country="DE",
        language="en",
        currency="EUR",
        parent=None,
        deal=deal,
        terms=quick_terms(deal, "EUR"),
        campaigns=(0,),
        # What they bring is told by `attacks` alone.
        weight=0.0,
        attack=attack,
    )
    for name, kind, deal, attack in (
        ("Glasswing Deals", "affiliate", "cpa", MADE_UP),
        ("Tidewater Desk", "ib", "lot", WASHED),
    )
)
_SHOWN = (SHOWCASE, "cpl", "lot_step", "goals", "cpa_total", "pool_step", "hybrid", "pool_fence")
_SHOWN += ("cpa_capped", "cpa_step", "own", "promotion", "lot_total", "cpa", "revshare", "lot")
"""The deals of the first partners, who bring most: every kind of deal once."""


def _parent(number: int, chance: random.Random) -> int | None:
    """Who stands above a partner. Some stand below the demo partner, on two levels."""
    top, middle, _ = LEVELS
    if number < top:
        return None
    if number < top + middle:
        return STAR if number < top + 2 else chance.randrange(top)
    return top + (number - top - middle if number < top + middle + 2 else chance.randrange(middle))


def _levels_below(number: int, parents: list[int | None]) -> int:
    below = [child for child, parent in enumerate(parents) if parent == number]
    return 1 + max(_levels_below(child, parents) for child in below) if below else 0
