"""A brand with as many partners as wanted, in this process: what the engine's handler applies, and contests count.

Partners, their deals and links are put as items; events are put as the door puts them, and the handler of the engine
gets them as the stream shows them, a client's events side by side and in batches of the size that the template says.
"""

from __future__ import annotations

import io
import json
import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

from introducer.domain.configuration import Change
from introducer.domain.events import Event, milliseconds
from introducer.services.load_rates import load_rates
from introducer.services.propose_deal import hash_of, text_of
from introducer.services.read_contracts import ECB
from introducer.store import keys
from introducer.store.facts import event_to_item
from introducer.store.rates import RateStore
from introducer.store.wire import to_wire
from tests.conftest import create_table
from tests.support.builders import CLICK_KEY, a_click, an_event, at, cpa, revshare, terms
from tests.support.functions import load
from tests.support.memory import Item, Memory, served_by

BRAND, FACTS, BOOKS = "brd_1", "facts", "books"
BATCH = 100
"""Records that the engine gets at a time, as the template says."""
BEGINS = at("2026-03-02")
ENDS = BEGINS + timedelta(days=14)
"""Of what the crowd's clients do; contests are for these days."""
SET_UP = Change(by="system:bench", at=BEGINS - timedelta(days=30), why="set up")
DEAL = terms(
    cpa("200.00", min_deposit="100.00", within_hours=168, min_trades=2, within_days=45),
    revshare("30"),
    days=15,
    net_revenue={"spread": "1", "commission": "1"},
)


@dataclass
class Crowd:
    """Use within `a_crowd`."""

    memory: Memory
    engine: ModuleType
    partners: list[str] = field(default_factory=list)
    reads: int = 0
    """Requests that read, since it was set to nothing."""
    now: datetime = SET_UP.at
    _clicks: dict[str, str] = field(default_factory=dict)

    def counted(self, operation: str, arguments: Any) -> Any:
        """A request to the tables, counted where it reads."""
        self.reads += operation in ("GetItem", "Query", "BatchGetItem", "Scan", "TransactGetItems")
        return Memory.call(self.memory, operation, arguments)

    def settle_down(self, partners: int) -> None:
        """So many partners, each with a deal in force and a link; and rates for all days."""
        books, facts = self.memory.tables[BOOKS], self.memory.tables[FACTS]
        accepted = milliseconds(SET_UP.at)
        text = text_of(DEAL)
        campaign = {"name": "Open", "window_days": 30, "attribution": "last_click"}
        items: list[dict[str, Any]] = [keys.key("campaign", brand=BRAND, campaign="cmp_1").item() | campaign]
        for number in range(partners):
            partner, code = f"par_{number:05d}", f"L{number:07d}"
            self.partners.append(partner)
            about = {
                "brand": BRAND, "partner": partner, "name": f"Partner {number}", "kind": "affiliate",
                "status": "active", "country": "DE", "language": "en", "currency": "EUR", "created": accepted,
            }  # fmt: skip
            deal = {
                "partner": partner, "version": 1, "valid_from": accepted, "accepted_at": accepted - 1, "terms": text,
                "terms_hash": hash_of(text),
            }  # fmt: skip
            link = {"code": code, "brand": BRAND, "partner": partner, "campaign": "cmp_1"}
            items += [
                keys.key("partner", partner=partner).item() | about,
                keys.key("card", brand=BRAND, partner=partner).item() | about,
                keys.key("deal", partner=partner, version="000001").item() | deal,
                keys.key("link", code=code).item() | link,
            ]
            self._clicks[partner] = a_click(BEGINS - timedelta(hours=1), code)
        for item in items:
            books.put((item[keys.PK], item[keys.SK]), to_wire(item))
        books.stream.clear()
        facts.stream.clear()
        first, through = (
            moment.date().isoformat() for moment in (BEGINS - timedelta(days=7), ENDS + timedelta(days=9))
        )
        load_rates(RateStore(BOOKS), feed=ECB, published={first: {"USD": "1.1805"}}, first=first, through=through)

    def lives(self, clients: int, scoring: int, chance: random.Random) -> Iterator[list[Event]]:
        """What happens to so many clients of each partner: of each its events in the order they happen, so many of them
        scoring."""
        for number, partner in enumerate(self.partners):
            for nth in range(clients):
                yield self._life(partner, f"{number:06d}-{nth}", scoring, chance)

    def _life(self, partner: str, client: str, scoring: int, chance: random.Random) -> list[Event]:
        at = BEGINS + timedelta(seconds=chance.randrange(86_400))
        said: dict[str, Any] = {"client": client, "currency": "USD"}
        events = [
            an_event("registration", at, client=client, click_id=self._clicks[partner], country="DE"),
            an_event("kyc", at + timedelta(minutes=5), client=client),
            an_event("deposit", at + timedelta(minutes=9), amount=f"{chance.randrange(60, 900)}.00", **said),
        ]
        apart = (ENDS - at - timedelta(hours=1)) / scoring
        for nth in range(1, scoring):
            when = at + apart * nth
            if nth == 4 and chance.random() < 0.1:
                about = {"amount": "20.00", "ref": events[2].event_id, **said}
                events.append(an_event("chargeback", when, **about))
                continue
            lots, spread = (f"{chance.randrange(10, 2000) / 100:.2f}" for _ in range(2))
            about = {"lots": lots, "spread": spread, "commission": "1.75", "account": "8812034", "symbol": "EURUSD"}
            events.append(an_event("trade", when, **about, **said))
        return events

    def put(self, events: Sequence[Event]) -> None:
        """The door accepts events now."""
        facts = self.memory.tables[FACTS]
        for event in events:
            item = to_wire(event_to_item(event) | {"accepted_at": milliseconds(self.now)})
            facts.put((item[keys.PK]["S"], item[keys.SK]["S"]), item)

    def put_book(self, item: Item) -> None:
        """Something stands in the books."""
        self.memory.tables[BOOKS].put((item[keys.PK]["S"], item[keys.SK]["S"]), item)

    def book(self, key: keys.Key) -> Item:
        """An item of the books, as DynamoDB has it."""
        return self.memory.tables[BOOKS].items[key.pk, key.sk]

    def work(self, times: int = 1) -> float:
        """The engine's handler gets all that the stream shows, batch by batch, and each of them so many times; the CPU
        seconds that it took."""
        facts, began = self.memory.tables[FACTS], time.process_time()
        waiting, facts.stream = facts.stream, []
        # Its metrics are lines on the screen.
        with redirect_stdout(io.StringIO()):
            for start in range(0, len(waiting), BATCH):
                records = [record.to_stream() for record in waiting[start : start + BATCH]]
                for _ in range(times):
                    answer = self.engine.handler({"Records": records}, None)
                    if answer["batchItemFailures"]:
                        raise RuntimeError(f"the engine wants events again: {answer}")
                # What the engine marks as applied is a change as well, and none that it listens to.
                facts.stream.clear()
                self.memory.tables[BOOKS].stream.clear()
        return time.process_time() - began


@contextmanager
def a_crowd(partners: int) -> Iterator[Crowd]:
    """So many partners on tables in this process, and the engine's handler beside them."""
    memory = Memory()
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        with served_by(memory.client):
            for table, index in ((FACTS, False), (BOOKS, True)):
                create_table(memory.client, table, index)
            engine = load("engine")
            crowd = Crowd(memory, engine)
            memory.call = crowd.counted  # type: ignore[method-assign]
            engine.boto3 = SimpleNamespace(client=lambda *_, **__: _Secret())  # type: ignore[attr-defined]
            engine.clock = SimpleNamespace(now=lambda: crowd.now, elapsed=lambda: 0.0)  # type: ignore[attr-defined]
            crowd.settle_down(partners)
            yield crowd
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_ENVIRONMENT = {
    "STAGE": "bench", "FACTS_TABLE": FACTS, "BOOKS_TABLE": BOOKS, "CLICK_KEY_SECRET": "click-key",
    "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
}  # fmt: skip


class _Secret:
    """The click keys, as Secrets Manager answers."""

    def get_secret_value(self, **_: Any) -> dict[str, str]:
        return {"SecretString": json.dumps({"current": "0", "0": CLICK_KEY.decode()})}
