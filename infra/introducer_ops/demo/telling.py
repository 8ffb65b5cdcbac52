"""What a script is made of: clicks, events as the platform writes them, and when each is told."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from introducer.domain.money import decimal_string, decimals
from introducer_ops.demo.deals import UNITS

_SYMBOLS = ("EURUSD", "GBPUSD", "USDJPY", "XAUUSD", "EURGBP", "USDPLN", "GER40")
_SYMBOL_WEIGHTS = (30, 16, 14, 18, 8, 4, 10)


@dataclass(frozen=True, slots=True)
class Click:
    """One visit through a partner's link. `number` is how later events name it; a `visitor` may come again."""

    number: int
    visitor: int
    partner: int
    campaign: int
    address: str
    country: str
    agent: str
    referer: str | None
    subs: Mapping[str, str]
    crawler: bool = False
    method: str = "GET"
    prefetch: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One event as the platform writes it; `click` is the number of the click whose id it carries."""

    fields: Mapping[str, Any]
    click: int | None = None


@dataclass(slots=True)
class Told:
    """An event on its way: when it is delivered, and how."""

    deliver: datetime
    message: Message
    alone: bool


@dataclass(slots=True)
class Writer:
    """Writes events down, each with an id of its own."""

    chance: random.Random
    day: date
    slots: list[datetime]
    told: list[Told] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def event_id(self, kind: str) -> str:
        self.numbers[kind] += 1
        return f"{kind[:3]}-{self.numbers[kind]:05d}"

    def tell(
        self,
        kind: str,
        client: str,
        at: datetime,
        *,
        click: int | None = None,
        delay: timedelta = timedelta(),
        alone: bool | None = None,
        **said: Any,
    ) -> str | None:
        """Write an event down; None when it would only be delivered after the last slot."""
        deliver = at + delay
        if deliver > self.slots[-1]:
            return None
        event_id = self.event_id(kind)
        fields = {"event_id": event_id, "type": kind, "client_id": client, "occurred_at": rfc3339(at), **said}
        if alone is None:
            # Platforms send what a person waits for at once, and trades when the batch is full.
            alone = kind != "trade" and deliver.date() == self.day and self.chance.random() < 0.8
        self.told.append(Told(deliver, Message(fields, click), alone))
        return event_id


def trade(closed: datetime, currency: str, chance: random.Random) -> dict[str, Any]:
    """A trade of somebody who means it."""
    lots = chance.choice((0.1, 0.2, 0.3, 0.5, 0.5, 1, 1, 1.5, 2, 3))
    held = timedelta(seconds=chance.choice((45, 400, 1_800, 5_400, 14_400, 40_000)))
    swap = -lots * chance.uniform(0.5, 4) if held > timedelta(hours=8) else 0.0
    return {
        "currency": currency,
        "lots": f"{lots:.2f}",
        "symbol": chance.choices(_SYMBOLS, _SYMBOL_WEIGHTS)[0],
        "opened_at": rfc3339(closed - held),
        "closed_at": rfc3339(closed),
        "spread": money(lots * chance.uniform(6, 14), currency),
        "commission": money(lots * chance.choice((0, 3, 5)), currency),
        "swap": money(swap, currency),
        "pnl": money(chance.gauss(-4, 60) * lots, currency),
    }


def money(euros: float, currency: str) -> str:
    """So many euros' worth in another currency, as a decimal string."""
    return decimal_string(round(euros * UNITS[currency] * 10 ** decimals(currency)), currency)


def rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
