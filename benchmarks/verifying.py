"""How fast `introducer verify` goes, in an interpreter of its own: `python -m benchmarks.verifying` prints JSON.

Both tables are made by the product's own functions and held as the pages that DynamoDB would answer. So decoding items,
folding, settling and comparing are in it; asking and waiting for DynamoDB are not. Rounds take turns with the fold
alone: the same events by client, in one call each.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from introducer.domain.contracts import Contracts
    from introducer.domain.events import Event
    from tests.support.tables import Tables

ROUNDS = 9
CLIENTS, TRADES = 60, 50
"""Clients of one partner, and the trades of each, over three months."""
PAGE = 400
"""Items that one page of a scan has: about a megabyte of them."""


class Pages:
    """A DynamoDB that has its answers ready."""

    def __init__(self, tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        from tests.support.tables import to_wire

        self._pages: dict[str, list[list[dict[str, Any]]]] = {}
        for name, items in tables.items():
            wire = [{attribute: to_wire(value) for attribute, value in item.items()} for item in items]
            self._pages[name] = [wire[start : start + PAGE] for start in range(0, len(wire), PAGE)]

    def scan(self, *, TableName: str, ConsistentRead: bool, ExclusiveStartKey: int = 0) -> dict[str, Any]:
        pages = self._pages[TableName]
        more = {"LastEvaluatedKey": ExclusiveStartKey + 1} if ExclusiveStartKey + 1 < len(pages) else {}
        return {"Items": pages[ExclusiveStartKey], **more}


def measure() -> dict[str, float]:
    """The figures of this process."""
    from introducer.services.verify_books import verify_books
    from introducer.store.scans import Scans
    from tests.support.builders import CLICK_KEY, at
    from tests.support.tables import BOOKS, FACTS

    tables = _tables()
    scans = Scans(
        Pages(
            {name: [each.item for each in side] for name, side in ((FACTS, tables.facts()), (BOOKS, tables.books()))}
        ),
        facts=FACTS,
        books=BOOKS,
    )

    def verify() -> int:
        report = verify_books(scans, click_keys={0: CLICK_KEY}, now=at("2026-05-01"), elapsed=time.monotonic)
        if not report.good or report.months < 6 or report.applied != len(tables.applied):
            raise RuntimeError(f"the tables are not as they should be: {report.differences[:3]}")
        return report.events

    events, fold = verify(), _fold(tables)
    fold()
    rounds = [(_seconds(verify), _seconds(fold)) for _ in range(ROUNDS)]
    return {
        "events": events,
        "items": len(tables.facts_items) + len(tables.books_items),
        "events_per_s": median(events / verifying for verifying, _ in rounds),
        "ratio": median(verifying / folding for verifying, folding in rounds),
    }


def _seconds(call: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    began = time.process_time_ns()
    call()
    return (time.process_time_ns() - began) / 1e9


def _tables() -> Tables:
    """A partner with a capped cpa and a pooled share, below one with an override; a month of each is closed."""
    from tests.support.builders import an_event, at, cpa, revshare, terms
    from tests.support.tables import Tables

    low, above = "par_01K0X3V6Q2M8T4S9C7B5N1H3FD", "par_01K0X3V6Q2M8T4S9C7B5N1H3FE"
    level = {"level": 1, "percent": "10", "of": ["cpa", "revshare"]}
    deal = terms(
        cpa("600.00", min_deposit="100.00", within_hours=168) | {"caps": [{"per": "month", "clients": 40}]},
        revshare("30", "carry") | {"pooled": True},
        days=15,
        net_revenue={"spread": "1", "commission": "1"},
    )
    since = at("2025-01-01")
    tables = Tables()
    tables.partner(above, "LINKABOV", (since, terms({"type": "override", "id": "net", "levels": [level]}, days=15)))
    tables.partner(low, "LINKLOW0", (since, deal), parent=above)
    tables.rates({"2025-08-29": {"USD": "1.1658"}}, "2026-04-01", first="2025-08-29")
    click = tables.click(low, "LINKLOW0", at("2026-01-02"))
    apart = timedelta(days=85) / TRADES

    def life(client: str) -> Iterator[Event]:
        begins = at("2026-01-03 09:00")
        yield an_event("registration", begins, client=client, click_id=click, country="DE")
        yield an_event("deposit", begins, client=client, currency="USD", amount="250.00")
        for number in range(1, TRADES + 1):
            yield an_event(
                "trade",
                begins + apart * number,
                client=client,
                currency="USD",
                lots="0.25",
                spread="3.20",
                commission="1.75",
                account="8812034",
                symbol="EURUSD",
            )

    tables.apply(*(event for number in range(CLIENTS) for event in life(f"{number:022d}")), at=at("2026-04-02"))
    for partner in (low, above):
        tables.close(partner, "2026-01", at("2026-04-03"))
    return tables


def _fold(tables: Tables) -> Callable[[], None]:
    """Folding the same events alone."""
    from introducer.domain.client import ClientState
    from introducer.domain.earnings import accrue
    from introducer.services.verify.books_side import BooksSide
    from tests.support.builders import CLICK_KEY

    books = BooksSide()
    for stored in tables.books():
        books.take(stored)
    contracts: Contracts = books.contracts({0: CLICK_KEY})
    by_client: dict[tuple[str, str], list[Event]] = {}
    for event in tables.applied:
        by_client.setdefault((event.brand, event.client), []).append(event)

    def fold() -> None:
        for client, events in by_client.items():
            accrue(ClientState(*client), events, contracts)

    return fold


if __name__ == "__main__":
    print(json.dumps(measure()))
