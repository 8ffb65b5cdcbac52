"""The deals of the demo world: flat ones, and all that docs/deals.md knows. Terms as data, in a partner's currency."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from introducer.domain.money import decimal_string, decimals

UNITS: Mapping[str, float] = {"EUR": 1, "USD": 1, "GBP": 1, "PLN": 4, "JPY": 150, "THB": 38, "KWD": 0.3}
"""The currencies, and how much of each one spends where somebody else spends one euro: round amounts, not rates."""

FLAT = ("cpa", "revshare", "lot", "hybrid")
"""Every client for itself, at one price."""
TOGETHER = ("cpa_total", "cpa_step", "cpa_capped", "cpl", "pool_fence", "pool_step", "lot_step", "lot_total", "goals")
"""What is paid depends on all clients together: `total` goes by what the month comes to, `step` pays step by step."""
SPECIAL = ("own", "promotion")
"""A price for one partner, or for some days."""
SHOWCASE = "showcase"
"""The demo partner's own: what is paid per client, a share, lots, two goals."""
DEALS = (*FLAT, *TOGETHER, *SPECIAL, SHOWCASE)


def amount(euros: float, currency: str) -> str:
    """So many euros' worth in round units of another currency, as a decimal string."""
    return decimal_string(round(euros * UNITS[currency] * 10 ** decimals(currency)), currency)


def terms_of(deal: str, currency: str, day: date, chance: random.Random) -> dict[str, Any]:
    """Terms of one of these deals, in a currency. Promotions and goals' windows are set around the trading day."""
    rules = _rules(deal, _Writer(currency, chance), day)
    # What the broker makes of a client: spread and commission, and swap, which is negative for the client.
    net_revenue = {"spread": "1", "commission": "1", "swap": "-1"}
    if deal == "pool_fence" or (deal == "revshare" and chance.random() < 0.3):
        net_revenue["pnl"] = "-0.25"
    return {
        "currency": currency,
        "hold": _hold(rules),
        "ftd_minimum": amount(50, currency),
        "net_revenue": net_revenue,
        "rules": rules,
    }


def with_override(terms: Mapping[str, Any], levels: int) -> dict[str, Any]:
    """The same terms, and a part of what partners below bring, so many levels deep."""
    below = (
        {"level": 1, "percent": "10", "of": ["cpa", "cpl", "revshare", "lot"]},
        {"level": 2, "percent": "3", "of": "net_revenue"},
    )
    rules = [*terms["rules"], {"type": "override", "id": "network", "levels": list(below[:levels])}]
    return {**terms, "hold": _hold(rules), "rules": rules}


def quick_terms(deal: str, currency: str) -> dict[str, Any]:
    """Terms that pay soon and ask for little, as whoever cheats likes them: a `cpa` for a deposit without any trade, a
    rebate (`lot`) on trades however short."""
    match deal:
        case "cpa":
            rule: dict[str, Any] = {
                "type": "cpa",
                "id": "cpa",
                "amounts": [{"countries": [], "amount": amount(150, currency)}],
                "qualification": {"kyc": True, "min_deposit": amount(100, currency), "within_hours": 168},
            }
        case _:
            groups = [{"symbols": ["EURUSD"], "amount": amount(5, currency)}]
            groups += [{"symbols": [], "amount": amount(2, currency)}]
            rule = {"type": "lot", "id": "lot", "groups": groups, "min_holding_seconds": 0, "account_types": []}
    return {
        "currency": currency,
        "hold": {"days": 3, "from": "qualification" if deal == "cpa" else "event_day"},
        "ftd_minimum": amount(50, currency),
        "net_revenue": {"spread": "1", "commission": "1", "swap": "-1"},
        "rules": [rule],
    }


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes rules with prices that differ a little from partner to partner."""

    currency: str
    chance: random.Random

    def cpa(self, **more: Any) -> dict[str, Any]:
        return {
            "type": "cpa",
            "id": "cpa",
            "amounts": [
                {"countries": ["AT", "DE", "GB"], "amount": self.amount(self.chance.choice((180, 200, 250)))},
                {"countries": [], "amount": self.amount(self.chance.choice((60, 80, 100)))},
            ],
            "qualification": {
                "kyc": True,
                "min_deposit": self.amount(100),
                "within_hours": 168,
                "min_trades": 3,
                "within_days": 45,
            },
            **more,
        }

    def cpl(self) -> dict[str, Any]:
        return {
            "type": "cpl",
            "id": "lead",
            "amounts": [{"countries": [], "amount": self.amount(self.chance.choice((8, 10, 12)))}],
            "qualification": {"kyc": True, "within_days": 14},
            "caps": [{"per": "day", "clients": 5}],
        }

    def share(self, **more: Any) -> dict[str, Any]:
        return {
            "type": "revshare",
            "id": "revshare",
            "percent": self.chance.choice(("20", "25", "30", "35")),
            "negative": self.chance.choice(("reset", "carry")),
            **more,
        }

    def lot(self, **more: Any) -> dict[str, Any]:
        return {
            "type": "lot",
            "id": "lot",
            "groups": [
                {"symbols": ["EURUSD", "GBPUSD", "USDJPY"], "amount": self.amount(self.chance.choice((4, 5, 6)))},
                {"symbols": ["XAUUSD"], "amount": self.amount(8)},
                {"symbols": [], "amount": self.amount(2)},
            ],
            "min_holding_seconds": 180,
            "account_types": [],
            **more,
        }

    def goal(self, rule: str, by: str, goal: str, euros: float, **more: Any) -> dict[str, Any]:
        return {"type": "bonus", "id": rule, "by": by, "goal": goal, "amount": self.amount(euros), **more}

    def amount(self, euros: float) -> str:
        return amount(euros, self.currency)


def _rules(deal: str, write: _Writer, day: date) -> list[dict[str, Any]]:
    month = {"from": day.replace(day=1).isoformat(), "until": day.isoformat()}
    match deal:
        case "cpa":
            return [write.cpa()]
        case "revshare":
            return [write.share()]
        case "lot":
            return [write.lot()]
        case "hybrid":
            return [write.cpa(), write.share(), write.lot()]
        case "own":
            return [write.cpa(), write.share(own={"percent": "38"})]
        case "promotion":
            return [write.share(promotion={**month, "percent": "50"})]
        case "showcase":
            tiers = {"by": "qftd", "mode": "retroactive", "bands": [{"from": "4", "add_percent": "10"}]}
            return [
                write.cpa(tiers=tiers),
                write.share(),
                write.lot(),
                write.goal("clients", "qftd", "5", 150),
                write.goal("personal", "ftd", "10", 250, window=month),
            ]
        case _:
            return _together(deal, write)


def _together(deal: str, write: _Writer) -> list[dict[str, Any]]:
    match deal:
        case "cpa_total":
            bands = [{"from": "3", "add_percent": "10"}, {"from": "6", "add_percent": "20"}]
            return [write.cpa(tiers={"by": "qftd", "mode": "retroactive", "bands": bands})]
        case "cpa_step":
            bands = [{"from": "2", "add": write.amount(15)}, {"from": "4", "add": write.amount(30)}]
            return [write.cpa(tiers={"by": "qftd", "mode": "marginal", "bands": bands})]
        case "cpa_capped":
            return [write.cpa(caps=[{"per": "day", "clients": 2}, {"per": "month", "amount": write.amount(400)}])]
        case "cpl":
            return [write.cpl(), write.lot()]
        case "pool_fence":
            bands = [{"from": write.amount(150), "percent": "40"}]
            tiers = {"by": "net_revenue", "mode": "retroactive", "bands": bands}
            return [write.share(negative="carry", pooled=True, fence=write.amount(20), tiers=tiers)]
        case "pool_step":
            bands = [{"from": write.amount(60), "percent": "40"}, {"from": write.amount(200), "percent": "45"}]
            tiers = {"by": "net_revenue", "mode": "marginal", "bands": bands}
            return [write.share(negative="capped", cap="2", pooled=True, tiers=tiers)]
        case "lot_step":
            bands = [{"from": "10", "add": write.amount(1)}, {"from": "30", "add": write.amount(2)}]
            return [write.lot(tiers={"by": "lots", "mode": "marginal", "bands": bands})]
        case "lot_total":
            bands = [{"from": write.amount(50), "add_percent": "20"}]
            return [write.lot(tiers={"by": "net_revenue", "mode": "retroactive", "bands": bands})]
        case _:
            goals = [write.goal("clients", "ftd", "3", 75), write.goal("volume", "lots", "20", 50)]
            return [write.cpa(), write.share(), *goals]


def _hold(rules: list[dict[str, Any]]) -> dict[str, Any]:
    """The shortest one that these rules can have: months over all clients are known at their end."""
    kinds = {rule["type"] for rule in rules}
    whole_months = any("tiers" in rule for rule in rules if rule["type"] != "cpa")
    if kinds <= {"cpa", "cpl"}:
        return {"days": 14, "from": "qualification"}
    if kinds <= {"cpa", "cpl", "lot"} and not whole_months:
        return {"days": 3, "from": "event_day"}
    return {"days": 10 if kinds == {"revshare"} else 15, "from": "month_end"}
