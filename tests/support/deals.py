"""Two deals that between them have every part of the deal language."""

from __future__ import annotations

from typing import Any

from tests.support.builders import revshare, terms

FULL: dict[str, Any] = terms(
    {
        "type": "cpa",
        "id": "cpa",
        "amounts": [{"countries": ["DE", "AT"], "amount": "600.00"}, {"countries": [], "amount": "200.00"}],
        "qualification": {
            "kyc": True,
            "min_deposit": "250.00",
            "within_hours": 48,
            "min_lots": "1.5",
            "min_trades": 3,
            "min_net_revenue": "20.00",
            "countries": ["DE", "AT", "TH"],
            "within_days": 60,
        },
    },
    {
        "type": "cpl",
        "id": "cpl",
        "amounts": [{"countries": ["DE"], "amount": "12.00"}, {"countries": [], "amount": "5.00"}],
        "qualification": {"kyc": True},
    },
    revshare("30", "capped") | {"cap": "1.5"},
    {
        "type": "lot",
        "id": "lot",
        "groups": [{"symbols": ["EURUSD"], "amount": "5.00"}, {"symbols": [], "amount": "2.00"}],
        "min_holding_seconds": 180,
        "account_types": ["standard"],
    },
    days=30,
    ftd_minimum="10.00",
    net_revenue={"spread": "1", "pnl": "-0.5"},
)


COUNTRIES = [{"countries": ["DE"], "amount": "300.00"}, {"countries": [], "amount": "100.00"}]
SYMBOLS = [
    {"group": "metals", "amount": "9.00"},
    {"symbols": ["EURUSD"], "amount": "8.00"},
    {"symbols": [], "amount": "7.00"},
]
DAYS = {"from": "2026-11-01", "until": "2026-11-30"}
PARTNER: dict[str, Any] = terms(
    {
        "type": "cpa",
        "id": "tiered",
        "amounts": COUNTRIES,
        "qualification": {"kyc": True},
        "caps": [
            {"per": "day", "clients": 10},
            {"per": "month", "clients": 100},
            {"per": "total", "clients": 1000},
            {"per": "month", "amount": "5000.00"},
        ],
        "tiers": {
            "by": "qftd",
            "mode": "marginal",
            "bands": [{"from": "11", "add_percent": "10"}, {"from": "31", "add": "25.00"}],
        },
        "promotion": DAYS | {"amounts": COUNTRIES},
    },
    {
        "type": "cpa",
        "id": "agreed",
        "amounts": COUNTRIES,
        "tiers": {
            "by": "lots",
            "mode": "retroactive",
            "bands": [{"from": "11", "add_percent": "10"}, {"from": "31", "add": "25.00"}],
        },
        "own": {"amounts": COUNTRIES},
        "promotion": DAYS | {"amounts": COUNTRIES},
    },
    {
        "type": "cpl",
        "id": "leads",
        "amounts": COUNTRIES,
        "caps": [{"per": "month", "clients": 50}],
        "own": {"amounts": [{"countries": [], "amount": "4.00"}]},
        "promotion": DAYS | {"amounts": COUNTRIES},
    },
    {
        "type": "revshare",
        "id": "pool",
        "percent": "25",
        "negative": "capped",
        "cap": "1.5",
        "pooled": True,
        "fence": "1000.00",
        "tiers": {
            "by": "net_revenue",
            "mode": "retroactive",
            "bands": [{"from": "10000.00", "percent": "30"}, {"from": "50000.00", "percent": "35"}],
        },
        "promotion": DAYS | {"percent": "40"},
    },
    {
        "type": "revshare",
        "id": "steps",
        "percent": "20",
        "negative": "carry",
        "pooled": True,
        "tiers": {"by": "net_revenue", "mode": "marginal", "bands": [{"from": "10000.00", "percent": "22"}]},
    },
    {
        "type": "revshare",
        "id": "ours",
        "percent": "20",
        "pooled": True,
        "tiers": {"by": "qftd", "mode": "retroactive", "bands": [{"from": "10", "percent": "22"}]},
        "own": {"percent": "35"},
    },
    {
        "type": "lot",
        "id": "steplot",
        "groups": SYMBOLS,
        "min_holding_seconds": 120,
        "tiers": {"by": "lots", "mode": "marginal", "bands": [{"from": "100", "add": "1.00"}]},
        "promotion": DAYS | {"groups": SYMBOLS},
    },
    {
        "type": "lot",
        "id": "ownlot",
        "groups": SYMBOLS,
        "tiers": {
            "by": "net_revenue",
            "mode": "retroactive",
            "bands": [{"from": "100.00", "add": "1.00"}, {"from": "200.00", "add_percent": "15"}],
        },
        "own": {"groups": SYMBOLS},
    },
    {
        "type": "lot",
        "id": "morelot",
        "groups": [{"symbols": [], "amount": "1.00"}],
        "tiers": {"by": "qftd", "mode": "retroactive", "bands": [{"from": "5", "add_percent": "15"}]},
    },
    {"type": "bonus", "id": "ten", "by": "qftd", "goal": "10", "amount": "500.00"},
    {"type": "bonus", "id": "vol", "by": "lots", "goal": "250.5", "amount": "300.00"},
    {"type": "bonus", "id": "rich", "by": "net_revenue", "goal": "9000.00", "amount": "400.00"},
    {"type": "bonus", "id": "nov", "by": "ftd", "goal": "5", "amount": "250.00", "window": DAYS},
    {
        "type": "override",
        "id": "net",
        "levels": [
            {"level": 1, "percent": "10", "of": ["cpa", "revshare", "lot"]},
            {"level": 3, "percent": "5", "of": "net_revenue"},
        ],
    },
    {"type": "override", "id": "heads", "levels": [{"level": 4, "amount": "20.00", "of": "qftd"}]},
    days=20,
    symbol_groups={"metals": ["XAUUSD", "XAGUSD"]},
)
"""What looks at a partner's clients together, and whose price holds."""
