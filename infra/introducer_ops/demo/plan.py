"""Who there is in the demo world: brand, campaigns, partners in three levels, deals, logins. Pure data from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from introducer.domain.money import decimal_string, decimals
from introducer_ops.demo.names import company_names

PARTNERS = 40
LEVELS = (8, 16, 16)
"""Partners at the top, below them, and below those."""

UNITS = {"EUR": 1, "USD": 1, "GBP": 1, "PLN": 4, "JPY": 150, "THB": 38}
"""The six currencies, and how much of each one spends where somebody else spends one euro: round amounts, not rates."""

CURRENCY_OF = {"DE": "EUR", "AT": "EUR", "ES": "EUR", "GB": "GBP", "PL": "PLN", "JP": "JPY", "TH": "THB", "AE": "USD"}
LANGUAGE_OF = {"DE": "en", "AT": "en", "ES": "es", "GB": "en", "PL": "pl", "JP": "en", "TH": "th", "AE": "ar"}

STAR = 0
"""The partner that the generated login belongs to: every kind of earning, and a clawback."""


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    name: str
    path: str
    click_parameter: str
    window_days: int
    first_click: bool
    countries: tuple[str, ...]


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


def make_plan(seed: int) -> Plan:
    """The world of this seed: always the same one."""
    chance = random.Random(f"{seed}/plan")
    domain = "quillmark.example"
    campaigns = (
        CampaignPlan("Live account", "live", "click_id", 30, False, ()),
        CampaignPlan("Demo contest", "contest", "cid", 60, False, ("DE", "AT", "PL", "ES")),
        CampaignPlan("Copy trading", "copy", "subid", 30, True, ()),
    )
    kinds = ["ib" if number == STAR or chance.random() < 0.45 else "affiliate" for number in range(PARTNERS)]
    names = company_names(kinds, chance)
    partners = []
    for number, (kind, name) in enumerate(zip(kinds, names, strict=True)):
        country = "DE" if number == STAR else chance.choice(list(CURRENCY_OF))
        currency = CURRENCY_OF[country]
        # The first eight show each currency and each kind of deal at least once; the others are drawn.
        if number == STAR:
            deal = "hybrid"
        elif number < len(UNITS) + 1:
            currency, deal = list(UNITS)[number - 1], ("cpa", "revshare", "lot", "hybrid")[number % 4]
            country = next(code for code, spends in CURRENCY_OF.items() if spends == currency)
        else:
            deal = chance.choices(("cpa", "revshare", "lot", "hybrid"), (30, 30, 25, 15))[0]
        partners.append(
            PartnerPlan(
                name=name,
                kind=kind,
                country=country,
                language=LANGUAGE_OF[country],
                currency=currency,
                parent=_parent(number, chance),
                deal=deal,
                terms=terms_of(deal, currency, chance),
                campaigns=(0, 1, 2)
                if number == STAR
                else tuple(sorted(chance.sample(range(3), chance.choice((1, 2, 2))))),
                # A few bring most: the share falls with the rank, as traffic does.
                weight=1.0 if number == STAR else 0.9 / (1 + number) ** 0.5 * chance.uniform(0.7, 1.3) + 0.05,
            )
        )
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
    )


def _parent(number: int, chance: random.Random) -> int | None:
    top, middle, _ = LEVELS
    if number < top:
        return None
    if number < top + middle:
        return chance.randrange(top)
    return top + chance.randrange(middle)


def amount(euros: float, currency: str) -> str:
    """So many euros' worth in round units of another currency, as a decimal string."""
    return decimal_string(round(euros * UNITS[currency] * 10 ** decimals(currency)), currency)


def terms_of(deal: str, currency: str, chance: random.Random) -> dict[str, Any]:
    """Terms of one of four kinds, in a currency."""
    cpa = {
        "type": "cpa",
        "id": "cpa",
        "amounts": [
            {"countries": ["AT", "DE", "GB"], "amount": amount(chance.choice((180, 200, 250)), currency)},
            {"countries": [], "amount": amount(chance.choice((60, 80, 100)), currency)},
        ],
        "qualification": {
            "kyc": True,
            "min_deposit": amount(100, currency),
            "within_hours": 168,
            "min_trades": 3,
            "within_days": 45,
        },
    }
    revshare = {
        "type": "revshare",
        "id": "revshare",
        "percent": chance.choice(("20", "25", "30", "35")),
        "negative": chance.choice(("reset", "carry")),
    }
    lot = {
        "type": "lot",
        "id": "lot",
        "groups": [
            {"symbols": ["EURUSD", "GBPUSD", "USDJPY"], "amount": amount(chance.choice((4, 5, 6)), currency)},
            {"symbols": ["XAUUSD"], "amount": amount(8, currency)},
            {"symbols": [], "amount": amount(2, currency)},
        ],
        "min_holding_seconds": 180,
        "account_types": [],
    }
    rules, hold = {
        "cpa": ([cpa], {"days": 14, "from": "qualification"}),
        "revshare": ([revshare], {"days": 10, "from": "month_end"}),
        "lot": ([lot], {"days": 3, "from": "event_day"}),
        "hybrid": ([cpa, revshare, lot], {"days": 15, "from": "month_end"}),
    }[deal]
    # What the broker makes of a client: spread and commission, and swap, which is negative for the client.
    net_revenue = {"spread": "1", "commission": "1", "swap": "-1"}
    if deal == "revshare" and chance.random() < 0.3:
        net_revenue["pnl"] = "-0.25"
    return {
        "currency": currency,
        "hold": hold,
        "ftd_minimum": amount(50, currency),
        "net_revenue": net_revenue,
        "rules": rules,
    }
