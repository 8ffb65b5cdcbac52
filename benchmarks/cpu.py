"""Process CPU time of our own code, in an interpreter of its own: `python -m benchmarks.cpu` prints JSON.

The baseline is boto3's `put_item` of a click without the network: its HTTP layer is answered on the spot, below all
that a client does to build, sign and parse. Wall time says little on a busy machine; CPU time and a baseline in the
same run say more. Rounds of ours and of the baseline take turns, and medians are given.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 15
CALLS = 200
"""Calls in a round."""
MONTHS = 6
"""Of trading in the life of the client whose next trade is folded."""
TRADES_OF_MONTH = 60
SHORT_HISTORY, LONG_HISTORY = 10, 10_000
"""Trades behind a client, over the same months: a fold must not cost more for them."""

CLICK = {
    "pk": "C#Ab12Cd34#2026-03-12#0",
    "sk": "QAGc4mH0_AG9dnHd-JqWKVW7ybZ0P5eT",
    "click": "QAGc4mH0_AG9dnHd-JqWKVW7ybZ0P5eT",
    "link": "Ab12Cd34",
    "partner": "par_01K0X3V6Q2M8T4S9C7B5N1H3FD",
    "brand": "brd_01K0X3V6Q2M8T4S9C7B5",
    "campaign": "cmp_01K0X3V6Q2M8T4S9C7B5N1H3FE",
    "agent": "browser",
    "device": "mobile",
    "country": "DE",
    "address": "s2Wm0yFkJm4Qq1cC0hT9aA",
    "prefix": "Qq1cC0hT9aAs2Wm0yFkJm4",
    "visitor": "1cC0hT9aAs2Wm0yFkJm4Qq",
    "referer": "www.google.com",
    "sub1": "google",
    "sub2": "spring-search-de-2026",
    "sub3": "adgroup-48210477315",
    "sub4": "Cj0KCQjw8pfABhDAARIsABNa5fKq3x0o9a7d1m2n4b5v6c8x9z0l1k2j3h4g5f",
    "sub5": "placement_482104",
}
"""A click as the redirect writes it: what the baseline puts."""


def micros(call: Callable[[], object]) -> float:
    """CPU microseconds of one call, over a round of them."""
    began = time.process_time_ns()
    for _ in range(CALLS):
        call()
    return (time.process_time_ns() - began) / CALLS / 1000


def measure() -> dict[str, float]:
    """The figures of this process."""
    put = _put()
    trade, state_bytes = _trade(MONTHS * TRADES_OF_MONTH)
    short, long = _trade(SHORT_HISTORY)[0], _trade(LONG_HISTORY)[0]
    for call in (put, trade, short, long):
        micros(call)
    rounds = [tuple(map(micros, (put, trade, short, long))) for _ in range(ROUNDS)]
    return {
        "put": median(each[0] for each in rounds),
        "trade": median(each[1] for each in rounds),
        "trade_ratio": median(each[1] / each[0] for each in rounds),
        "history_ratio": median(each[3] / each[2] for each in rounds),
        "state_bytes": state_bytes,
    }


def _put() -> Callable[[], object]:
    """Writing a click by the client that everybody uses, up to where it would reach the network."""
    import boto3
    from botocore.awsrequest import AWSResponse
    from botocore.httpsession import URLLib3Session

    def send(self: object, request: Any) -> Any:
        answer = AWSResponse(request.url, 200, {"content-type": "application/x-amz-json-1.0"}, None)
        answer._content = b"{}"
        return answer

    URLLib3Session.send = send
    keys = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "example"}
    client = boto3.client("dynamodb", region_name="us-east-1", **keys)
    item: dict[str, Any] = {name: {"S": text} for name, text in CLICK.items()}
    item |= {"at": {"N": "1773342238000"}, "unique": {"BOOL": True}, "expires_at": {"N": "1807902238"}}
    return lambda: client.put_item(TableName="facts", Item=item)


def _trade(past: int) -> tuple[Callable[[], object], int]:
    """Folding the next trade into the state of a client with so many trades in some months; that state's size as an
    item."""
    from benchmarks.units import item_size
    from introducer.domain.earnings import accrue
    from introducer.store.clients import state_to_item
    from introducer.store.wire import to_wire
    from tests.support.builders import LINK, World, a_client, an_event, at, cpa, revshare, terms

    deal = terms(
        cpa("600.00", kyc=True, min_deposit="100.00", within_hours=168, min_lots="0.1", within_days=45),
        revshare("30"),
        days=15,
        net_revenue={"spread": "1", "commission": "1"},
    )
    rates = {"2025-08-29": {"USD": "1.1658"}}
    world = World(rates=rates).partner("par_01K0X3V6Q2M8T4S9C7B5N1H3FD", deal, LINK, since="2025-01-01")
    begins = at("2025-09-01 09:00")
    books, registration = a_client(world, begins, client="s2Wm0yFkJm4Qq1cC0hT9aA", country="DE")

    def a_trade(when: datetime) -> Any:
        return an_event(
            "trade",
            when,
            client="s2Wm0yFkJm4Qq1cC0hT9aA",
            currency="USD",
            lots="0.25",
            spread="3.20",
            commission="1.75",
            account="8812034",
            symbol="EURUSD",
        )

    books.deliver(
        registration,
        an_event("kyc", begins, client="s2Wm0yFkJm4Qq1cC0hT9aA"),
        an_event("deposit", begins, client="s2Wm0yFkJm4Qq1cC0hT9aA", currency="USD", amount="250.00"),
    )
    apart = timedelta(days=30 * MONTHS) / past
    trades = [a_trade(begins + apart * number) for number in range(1, past)]
    books.deliver(*trades)
    new = [a_trade(begins + timedelta(days=30 * MONTHS, minutes=number)) for number in range(CALLS)]
    contracts = world.contracts([*trades, *new, registration])
    following = itertools.cycle(new)
    size = item_size(to_wire(state_to_item(books.state)))
    return lambda: accrue(books.state, [next(following)], contracts), size


if __name__ == "__main__":
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    print(json.dumps(measure()))
