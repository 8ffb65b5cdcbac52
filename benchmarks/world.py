"""What the measurements happen in: a brand, ten partners with five links each, visitors, a trading platform."""

from __future__ import annotations

import json
import random
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from benchmarks import gateway
from benchmarks.gateway import Request
from benchmarks.visitors import subs, visitor_headers
from introducer.domain.contest import WEIGHT_ONE, Contest, ContestStatus, Metric
from introducer.domain.events import milliseconds
from introducer.domain.ids import new_id
from introducer.domain.signatures import HEADER, sign
from introducer.gateways.source_secrets import SourceSecrets
from introducer.services.create_link import create_link
from introducer.services.register_source import register_source
from introducer.store.contest_windows import window_to_item
from introducer.store.intake_days import IntakeDays
from introducer.store.wire import to_wire
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, lot, revshare, terms
from tests.support.scenario import AUTHOR, Scenario, rfc3339

PARTNERS, LINKS_OF_PARTNER = 10, 5
SEED = 20260302
DAYS = 184
"""How long ago it all begins."""
SOON = timedelta(seconds=10)
PATIENCE = 120.0
"""Seconds until the stream is given up on."""

SOURCE = "quillmark-platform"
"""As long as such names are: it stands in every client's state several times."""

_NET_REVENUE = {"spread": "1", "commission": "1"}
_CPA = cpa("600.00", kyc=True, min_deposit="100.00", within_hours=168, min_lots="0.1", within_days=45)
TWO_RULES = terms(_CPA, revshare("30"), days=15, net_revenue=_NET_REVENUE)
THREE_RULES = terms(_CPA, revshare("30"), lot("4.00"), days=15, net_revenue=_NET_REVENUE)
"""Deals in EUR; the clients trade in USD, so that receipts name a rate."""


class World(Scenario):
    """A brand whose partners' deals are in force."""

    def __init__(self, stack: Stack) -> None:
        # It begins half a year ago, so that clients can grow old; deals are in force since the midnight after.
        stack.clock.advance(-timedelta(days=DAYS).total_seconds())
        super().__init__(stack, stack.clock.now() - timedelta(days=2))
        self.chance = random.Random(SEED)
        self.edge_secret = self._secret("EdgeSecretName")
        source, secret = register_source(
            self.configuration,
            SourceSecrets(stack.client("secretsmanager"), stack.outputs["SourceSecretPrefix"]),
            brand=self.brand,
            source=SOURCE,
            author=AUTHOR,
            clock=self.clock,
            random=secrets.token_bytes,
        )
        self.source, self.secret = source.source, secret.encode()
        self.links = [code for _ in range(PARTNERS) for code in self._links_of_a_partner()]
        day = self.today.date()
        published = {(day + timedelta(days=n)).isoformat(): {"USD": "1.1805"} for n in range(-3, DAYS + 4)}
        self.rates(published, min(published), max(published))
        self.sent = 0
        """Events posted to the source; all of them are good, and each is posted once."""
        self._intake = IntakeDays(stack.outputs["BooksTableName"])

    def _secret(self, output: str) -> str:
        found = self.stack.client("secretsmanager").get_secret_value(SecretId=self.stack.outputs[output])
        text: str = found["SecretString"]
        return text

    def _links_of_a_partner(self) -> list[str]:
        partner, code = self.a_partner(TWO_RULES)
        more = (
            create_link(
                self.configuration,
                partner=partner,
                campaign=self.campaign,
                author=AUTHOR,
                clock=self.clock,
                random=self.chance.randbytes,
            )
            for _ in range(LINKS_OF_PARTNER - 1)
        )
        return [code, *(link.code for link in more)]

    def visits(self, count: int) -> list[Request]:
        """Requests of people to the links in turn, each with five subs."""

        def headers() -> dict[str, str]:
            return visitor_headers(self.chance, self.edge_secret)

        return [
            Request("GET", f"/c/{self.links[n % len(self.links)]}?{urlencode(subs(self.chance))}", headers(), b"", 302)
            for n in range(count)
        ]

    def post(self, *events: Mapping[str, Any]) -> Request:
        """A signed request with one event or a batch."""
        body = json.dumps(events[0] if len(events) == 1 else {"events": list(events)}, separators=(",", ":")).encode()
        signature = sign(body, [self.secret], self.stack.clock.now())
        headers = {"Content-Type": "application/json", HEADER: signature}
        return Request("POST", f"/postback/{self.source}", headers, body, 202)

    def send(self, *events: Mapping[str, Any]) -> None:
        """Post one event or a batch, and remember how many there were."""
        gateway.send(self.stack.portal_url, [self.post(*events)], gateway.Sample())
        self.sent += len(events)

    def deliver(self, *events: Mapping[str, Any]) -> None:
        """Post, and wait until it is in the books and counted."""
        self.send(*events)
        self.settled()

    def settled(self) -> None:
        """Wait until every event sent is accepted and applied, and rollup has counted it as both."""
        until(f"count of {self.sent} events", self.all_applied)

    def all_applied(self) -> bool:
        """Whether every event sent is accepted and applied, by rollup's counts."""
        return self._counted() == (self.sent, self.sent)

    def _counted(self) -> tuple[int, int]:
        days = self._intake.of_source(self.source)
        return sum(day.accepted for day in days), sum(day.applied for day in days)

    def a_deposit(self, client: str) -> dict[str, Any]:
        """A deposit of a client whom nobody introduced."""
        return Client(client, "", self.stack.clock.now(), self.chance).deposit()

    def a_client(self, name: str, code: str, long_ids: bool = False) -> Client:
        """Somebody who comes through the link now. What the platform reports lies an hour later: move the clock."""
        click = self.click_id_of(self.clicks(code))
        return Client(name, click, self.stack.clock.now() + timedelta(hours=1), self.chance, long_ids)

    def plan_contest(self, metrics: frozenset[Metric]) -> None:
        """What the engine sees of a contest that runs from yesterday on: all that decides what an event costs."""
        now = self.stack.clock.now()
        contest = Contest(
            contest=new_id("ctt", milliseconds(now), secrets.token_bytes(10)),
            brand=self.brand,
            name="Measured",
            weights=tuple((metric, WEIGHT_ONE) for metric in sorted(metrics)),
            currency="EUR",
            time_zone="UTC",
            starts_at=now - timedelta(days=1),
            ends_at=now + timedelta(days=30),
            status=ContestStatus.RUNNING,
            drafted_by=AUTHOR.by,
            drafted_at=now,
        )
        item = to_wire(window_to_item(contest))
        self.stack.client("dynamodb").put_item(TableName=self.stack.outputs["BooksTableName"], Item=item)


def until(what: str, found: Callable[[], object]) -> None:
    """Ask again until the answer is true. Raises `TimeoutError`."""
    deadline = time.monotonic() + PATIENCE
    while not found():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {PATIENCE:.0f} s there is still no {what}")
        time.sleep(0.02)


@dataclass
class Client:
    """A trader as the platform reports it."""

    name: str
    click: str
    now: datetime
    """When the last event was."""
    chance: random.Random
    long_ids: bool = False
    """Whether the platform names events by UUIDs, or by ten digits as trading servers number deals and orders."""

    def _event(self, kind: str, apart: timedelta = SOON, **fields: Any) -> dict[str, Any]:
        self.now += apart
        number = self.chance.getrandbits(128)
        event_id = str(uuid.UUID(int=number, version=4)) if self.long_ids else f"{number % 10**10:010}"
        return {"event_id": event_id, "type": kind, "client_id": self.name, "occurred_at": rfc3339(self.now), **fields}

    def beginning(self) -> list[dict[str, Any]]:
        """Registration, approval, first deposit."""
        return [
            self._event("registration", click_id=self.click, country="DE", **self.person()),
            self._event("kyc", status="approved"),
            self.deposit(),
        ]

    def person(self) -> dict[str, str]:
        """What a platform says of somebody who registers, for the detectors."""
        number = self.chance.randrange(10**9)
        network = f"203.0.{number % 256}.{number // 256 % 256}"
        return {
            "email": f"client{number}@example.org",
            "phone": f"+4930{number:09d}",
            "ip": network,
            "device": f"device-{number}",
        }

    def deposit(self) -> dict[str, Any]:
        return self._event("deposit", amount="250.00", currency="USD")

    def chargeback(self, deposit: Mapping[str, Any]) -> dict[str, Any]:
        return self._event("chargeback", amount="20.00", currency=deposit["currency"], ref=deposit["event_id"])

    def trades(self, count: int, apart: timedelta = SOON) -> list[dict[str, Any]]:
        """Closed trades, each so long after the one before."""
        return [self._trade(apart) for _ in range(count)]

    def withdrawal(self) -> dict[str, Any]:
        return self._event("withdrawal", amount="40.00", currency="USD")

    def _trade(self, apart: timedelta) -> dict[str, Any]:
        chance = self.chance
        trade = self._event(
            "trade",
            apart,
            account="8812034",
            currency="USD",
            symbol=chance.choice(("EURUSD", "XAUUSD", "GBPUSD")),
            lots=f"{chance.randrange(10, 200) / 100:.2f}",
            spread=f"{chance.randrange(100, 2000) / 100:.2f}",
            commission=f"{chance.randrange(100, 700) / 100:.2f}",
            swap=f"{-chance.randrange(0, 90) / 100:.2f}",
            pnl=f"{chance.randrange(-20000, 20000) / 100:.2f}",
        )
        opened = datetime.fromisoformat(trade["occurred_at"]) - timedelta(minutes=7)
        return trade | {"opened_at": rfc3339(opened), "closed_at": trade["occurred_at"]}
