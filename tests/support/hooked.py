"""The portal in front of a brand's targets, and what sends to them: the product's own client, to this machine."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.events import milliseconds
from introducer.domain.identity import brand_key
from introducer.domain.postback_out import News, Told, secrets_now
from introducer.gateways.outside_http import Bounds, Outside
from introducer.services.edit_targets import TargetBooks
from introducer.services.send_postback import Outcome, Sender
from introducer.services.tell_targets import Teller
from introducer.store.clicks import Clicks
from introducer.store.clients import Clients
from introducer.store.deliveries import Deliveries
from introducer.store.targets import Targets
from tests.browser.world import Answer
from tests.support.casework import Casework, a_casework
from tests.support.payday import HARBOUR

SECRET = b"what people are hashed under"
URL = "https://track.example.com/postback?cid={click_id}&e={event}&sum={payout}&token=abc"
WISH = {"name": "Voluum", "url": URL, "method": "GET", "events": ["registration", "ftd"]}


@dataclass
class Hooked:
    """Within `a_hooked_portal`."""

    portal: Casework
    queue: list[tuple[int, str]] = field(default_factory=list)
    names: dict[str, Sequence[str]] = field(default_factory=dict)
    """Where names of hosts lead; 127.0.0.1 leads to itself."""
    elapsed: float = 0.0
    bounds: Bounds = field(default_factory=Bounds)
    happened: int = 0

    def send(self, body: str, delay: int = 0) -> None:
        """The queue."""
        self.queue.append((milliseconds(self.portal.now) + min(delay, 900) * 1000, body))

    def adds(self, who: str = HARBOUR, base: str = "/postbacks", **other: Any) -> dict[str, Any]:
        """A new target, by the API."""
        answer = self.posts(base, WISH | other, who)
        assert answer.status == 201, answer.body
        return dict(answer.json)

    def posts(self, path: str, fields: dict[str, Any], who: str = HARBOUR, **headers: str) -> Answer:
        return self.portal.machine(who).post(path, fields, as_json=True, **headers)

    def gets(self, path: str, who: str = HARBOUR) -> Answer:
        return self.portal.machine(who).get(path)

    def tells(self, number: int = 1, event: Told = Told.FTD, name: str = HARBOUR) -> int:
        """So many things happen to clients of a partner."""
        portal = self.portal
        teller = Teller(
            configuration=portal.configuration, targets=Targets("books"), deliveries=Deliveries("books"),
            clients=Clients("books"), clicks=Clicks("facts"), send=self.send,
            now_ms=lambda: milliseconds(portal.now), elapsed=lambda: 0.0,
        )  # fmt: skip
        told = 0
        for _ in range(number):
            self.happened += 1
            news = News(
                event=event, event_id=f"evt_{self.happened}", brand=portal.brand, partner=portal.partners[name],
                client=f"client-{self.happened}", at=milliseconds(portal.now), country="DE", payout=25_000,
                currency="EUR", deposit=50_000, deposit_currency="EUR",
            )  # fmt: skip
            told += teller.tell(news)
        return told

    def sends(self) -> list[Outcome]:
        """All that is to be sent now."""
        outside = Outside(
            lambda: self.elapsed, bounds=self.bounds, loopback=True,
            resolve=lambda host, port: self.names.get(host, [host]),
        )  # fmt: skip
        sender = Sender(
            targets=Targets("books"), deliveries=Deliveries("books"),
            exchange=lambda request: outside.exchange(request.method, request.url, request.headers, request.body),
            secrets=lambda target, now: secrets_now(brand_key(SECRET, target.brand), target, now), send=self.send,
            now=lambda: self.portal.now, true_now=lambda: self.portal.now, elapsed=lambda: self.elapsed,
            chance=lambda: 0.5,
        )  # fmt: skip
        outcomes = []
        while seen := sorted(each for each in self.queue if each[0] <= milliseconds(self.portal.now)):
            self.queue.remove(seen[0])
            outcomes.append(sender.take(json.loads(seen[0][1])))
        return outcomes

    def passes(self, **time: float) -> list[Outcome]:
        """The clock goes on, and stops wherever a message is to be seen."""
        end, outcomes = self.portal.now + timedelta(**time), self.sends()
        while self.queue and (due := min(self.queue)[0]) <= milliseconds(end):
            self.portal.now += timedelta(milliseconds=max(0, due - milliseconds(self.portal.now)))
            outcomes += self.sends()
        self.portal.now = end
        return outcomes


@contextmanager
def a_hooked_portal(patch: pytest.MonkeyPatch) -> Iterator[Hooked]:
    """A brand with partners; nobody has a target yet."""
    with a_casework(patch) as portal:
        world = Hooked(portal)
        numbers = itertools.count(1)
        books = TargetBooks(
            configuration=portal.configuration, targets=Targets("books"), clock=lambda: portal.now, loopback=True,
            random=lambda size: next(numbers).to_bytes(size, "big"),
        )  # fmt: skip
        for name, stand_in in (
            ("postback_queue", world), ("brand_key", lambda brand: brand_key(SECRET, brand)), ("target_books", books),
        ):  # fmt: skip
            setattr(portal.wiring, name, stand_in)
        yield world


@contextmanager
def as_it_was(world: Hooked) -> Iterator[Hooked]:
    """The same portal for one test more: whatever it does is undone, which costs less than another portal."""
    memory, now = world.portal.dynamodb._memory, world.portal.now
    tables = {name: table.copy() for name, table in memory.tables.items()}
    try:
        yield world
    finally:
        memory.tables, world.portal.now = tables, now
        world.queue.clear()
        world.names.clear()
        world.elapsed, world.bounds, world.happened = 0.0, Bounds(), 0
