"""Two partners of the demo world who cheat, each beside honest clients of its own, in the last week that is paid: what
they are after would leave with the next payout run.

made_up  a dozen clients registered within an hour, from one network and three devices, with throw-away addresses: each
         pays in just what the cpa asks for, and draws it within hours
washed   clients who open positions and close them within a minute, where the price has not moved, for the rebate on
         their lots

Pure data from the plan, the trading day and the seed, like all of the script, and labelled: who attacks is known, so a
run can be asked who was found, and who was not to be.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from introducer_ops.demo.people import device, person
from introducer_ops.demo.plan import MADE_UP, WASHED, PartnerPlan, Plan
from introducer_ops.demo.telling import Click, Writer, money, rfc3339, trade

DETECTORS: Mapping[str, frozenset[str]] = {
    MADE_UP: frozenset({"registration_cluster", "deposit_and_withdraw", "duplicate_person", "minimal_deposit"}),
    WASHED: frozenset({"wash_trades"}),
}
"""By kind of attack, the detectors that it is for; one of them must find it."""

MADE_UP_CLIENTS, WASHING_CLIENTS, HONEST_CLIENTS = 12, 5, 3
_WASHES = 6
"""Trades of each client who washes."""
_THROWN_AWAY = ("mailinator.com", "yopmail.com", "guerrillamail.com")
_FARM = "192.0.2."
"""One network, of those that are set aside for documentation (RFC 5737)."""
_HOMES = "203.0.113."


@dataclass(frozen=True, slots=True)
class Attack:
    """Who attacks, how, and with which clients."""

    partner: int
    """By its number in the plan."""
    kind: str
    clients: tuple[str, ...]
    """As the platform calls them."""


def attack(
    plan: Plan, day: date, clicks: dict[datetime, list[Click]], people: Sequence[str], writer: Writer
) -> tuple[Attack, ...]:
    """Adds what attackers do, and their honest clients, to clicks and events."""
    chance = random.Random(f"{plan.seed}/attacks")
    paid_through = day - timedelta(days=day.weekday() + 1)
    number = 1 + max(click.number for some in clicks.values() for click in some)
    attacks = []
    for at, partner in enumerate(plan.partners):
        if not partner.attack:
            continue
        scene = _Scene(chance, at, partner, people, clicks, writer, number, 730_000 + 1_000 * len(attacks))
        for nth in range(HONEST_CLIENTS):
            scene.honest(_weekday(paid_through - timedelta(days=19 - 3 * nth)))
        begun = paid_through - timedelta(days=5)
        named = scene.made_up(begun) if partner.attack == MADE_UP else scene.washed(begun)
        attacks.append(Attack(at, partner.attack, named))
        number = scene.number
    return tuple(attacks)


@dataclass(slots=True)
class _Scene:
    """One attacker's part of the script."""

    chance: random.Random
    at: int
    partner: PartnerPlan
    people: Sequence[str]
    clicks: dict[datetime, list[Click]]
    writer: Writer
    number: int
    """Of the next click."""
    client: int
    """Of the last client."""

    def honest(self, day: date) -> None:
        """A client as others have them: the partner is paid for it, whatever becomes of the rest."""
        clicked, click, client = self._clicked(day, 8, f"198.18.{self.chance.randrange(256)}.{self.client % 250 + 1}")
        registered = clicked + timedelta(minutes=self.chance.randint(16, 45), seconds=self.chance.randrange(60))
        self._registered(client, registered, click, person(client, click.country, click.visitor))
        self.writer.tell("kyc", client, registered + timedelta(hours=1), status="approved")
        paid = registered + timedelta(hours=2, minutes=self.chance.randrange(60))
        self._paid(client, paid, self.chance.choice((300, 400, 500, 800)))
        for nth in range(self.chance.randint(5, 8)):
            closed = paid + timedelta(hours=9 * (nth + 1), minutes=self.chance.randrange(300))
            closed += timedelta(days=7 - closed.weekday() if closed.weekday() >= 5 else 0)
            self.writer.tell(
                "trade", client, closed, **trade(closed, self.partner.currency, self.chance), **_of(client)
            )

    def made_up(self, day: date) -> tuple[str, ...]:
        """Clients that are nobody: registered in a burst, paid in, qualified, drawn."""
        devices = [device(f"farm/{self.at}/{nth}") for nth in range(3)]
        named = []
        for nth in range(MADE_UP_CLIENTS):
            clicked, click, client = self._clicked(day, 13, f"{_FARM}{20 + nth}")
            registered = clicked + timedelta(minutes=self.chance.randint(4, 55), seconds=self.chance.randrange(60))
            who = {
                "email": f"{self._letters()}{self.chance.randrange(100)}@{self.chance.choice(_THROWN_AWAY)}",
                "phone": f"+49555{client[-6:]}",
                "device": devices[nth % 3],
            }
            self._registered(client, registered, click, who)
            checked = registered + timedelta(minutes=self.chance.randint(20, 50))
            self.writer.tell("kyc", client, checked, status="approved")
            paid = checked + timedelta(minutes=self.chance.randint(10, 40))
            self._paid(client, paid, 100)
            drawn = paid + timedelta(hours=self.chance.randint(2, 5), minutes=self.chance.randrange(60))
            amount = money(self.chance.choice((95, 98, 100)), self.partner.currency)
            self.writer.tell("withdrawal", client, drawn, currency=self.partner.currency, amount=amount, **_of(client))
            named.append(client)
        return tuple(named)

    def washed(self, day: date) -> tuple[str, ...]:
        """Clients who trade large lots for moments, and neither win nor lose more than the trade costs."""
        named = []
        for nth in range(WASHING_CLIENTS):
            clicked, click, client = self._clicked(day, 8, f"{_HOMES}{40 + 37 * nth}")
            registered = clicked + timedelta(minutes=self.chance.randint(16, 60), seconds=self.chance.randrange(60))
            self._registered(client, registered, click, person(client, click.country, click.visitor))
            self.writer.tell("kyc", client, registered + timedelta(minutes=40), status="approved")
            paid = registered + timedelta(hours=2, minutes=self.chance.randrange(60))
            self._paid(client, paid, 1_000)
            for _ in range(_WASHES):
                closed = paid + timedelta(minutes=self.chance.randint(20, 1_200), seconds=self.chance.randrange(60))
                self.writer.tell("trade", client, closed, **self._wash(closed), **_of(client))
            named.append(client)
        return tuple(named)

    def _clicked(self, day: date, hour: int, address: str) -> tuple[datetime, Click, str]:
        """A visitor's click in the slot of this hour, and what the platform calls the client that comes of it."""
        at = datetime.combine(day, time(hour), UTC)
        click = Click(
            number=self.number,
            visitor=self.number,
            partner=self.at,
            campaign=self.chance.choice(self.partner.campaigns),
            address=address,
            country=self.partner.country,
            agent=self.chance.choice(self.people),
            referer=None,
            subs={},
        )
        self.clicks.setdefault(at, []).append(click)
        self.number += 1
        self.client += 7
        return at, click, str(self.client)

    def _registered(self, client: str, at: datetime, click: Click, who: Mapping[str, str]) -> None:
        self.writer.tell("registration", client, at, click=click.number, country=click.country, ip=click.address, **who)

    def _paid(self, client: str, at: datetime, euros: int) -> None:
        amount = money(euros, self.partner.currency)
        self.writer.tell("deposit", client, at, currency=self.partner.currency, amount=amount, **_of(client))

    def _wash(self, closed: datetime) -> dict[str, Any]:
        lots, currency = self.chance.choice((4, 5, 6)), self.partner.currency
        return {
            "currency": currency,
            "lots": f"{lots:.2f}",
            "symbol": "EURUSD",
            "opened_at": rfc3339(closed - timedelta(seconds=self.chance.randint(8, 50))),
            "closed_at": rfc3339(closed),
            "spread": money(lots * 7, currency),
            "commission": money(lots * 3, currency),
            "swap": money(0, currency),
            "pnl": money(lots * self.chance.uniform(-8, 4), currency),
        }

    def _letters(self) -> str:
        return "".join(self.chance.choices("bcdfghjklmnprstvwz", k=self.chance.randint(7, 11)))


def _of(client: str) -> dict[str, str]:
    return {"account": f"{client}1", "account_type": "standard"}


def _weekday(day: date) -> date:
    """The day, or the Friday before: so that trading follows soon."""
    return day - timedelta(days=max(0, day.weekday() - 4))
