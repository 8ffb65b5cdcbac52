"""Process CPU time of our own code, in an interpreter of its own: `python -m benchmarks.cpu` prints JSON.

The network is left out: botocore's HTTP layer is answered on the spot, below everything that a client does to build,
sign and parse. Wall time says little on a busy machine; CPU time and a baseline in the same run say more. Rounds of
ours and of the baseline take turns, and medians are given.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 15
CALLS = 200
"""Calls in a round."""
MONTHS = 6
"""Of trading in the life of the client whose next trade is folded."""
TRADES_OF_MONTH = 60
SHORT_HISTORY, LONG_HISTORY = 10, 10_000
"""Trades behind a client, over the same months: a fold must not cost more for them."""

EDGE = "the-edge-secret"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "example",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_RETRY_MODE": "standard",
    "STAGE": "bench",
    "FACTS_TABLE": "facts",
    "BOOKS_TABLE": "books",
    "CLICK_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/1/clicks",
    "CLICK_KEY_SECRET": "click-key",
    "IDENTITY_KEY_SECRET": "identity-key",
    "EDGE_SECRET": "edge",
    "FALLBACK_URL": "https://example.com/",
    "CLICK_DEADLINE_MS": "5000",
    "CLICK_TTL_DAYS": "400",
}
SECRETS = {
    "click-key": json.dumps({"current": "0", "0": "k" * 64}),
    "identity-key": "i" * 64,
    "edge": EDGE,
}


class Amazon:
    """What answers in AWS's place, and the last request to put something."""

    def __init__(self) -> None:
        self.put = b""
        self.puts = 0

    def send(self, request: Any) -> Any:
        """In the place of botocore's `URLLib3Session.send`."""
        from botocore.awsrequest import AWSResponse

        operation = request.headers["X-Amz-Target"]
        operation = (operation.decode() if isinstance(operation, bytes) else operation).rpartition(".")[2]
        if operation == "PutItem":
            self.puts += 1
            self.put = request.body
        answer = AWSResponse(request.url, 200, {"content-type": "application/x-amz-json-1.0"}, None)
        answer._content = self._content(operation, request.body)
        return answer

    def _content(self, operation: str, body: bytes) -> bytes:
        if operation == "GetSecretValue":
            return json.dumps({"SecretString": SECRETS[json.loads(body)["SecretId"]]}).encode()
        if operation == "GetItem":
            key = json.loads(body)["Key"]
            return json.dumps({"Item": {**key, **link(key["pk"]["S"].rpartition("#")[2])}}).encode()
        return b"{}"


def link(code: str) -> dict[str, Any]:
    """A link's item."""
    texts = {
        "code": code,
        "link_id": code,
        "partner": "par_01K0X3V6Q2M8T4S9C7B5N1H3FD",
        "brand": "brd_01K0X3V6Q2M8T4S9C7B5",
        "campaign": "cmp_01K0X3V6Q2M8T4S9C7B5N1H3FE",
        "landing_url": "https://www.broker.example/live?lang=en",
        "click_parameter": "click_id",
        "fallback_url": "https://www.broker.example/",
        "status": "active",
    }
    return {name: {"S": text} for name, text in texts.items()} | {"shard_exponent": {"N": "0"}}


def visits(chance: random.Random) -> Iterator[dict[str, Any]]:
    """HTTP API events of people who open links, without end."""
    from benchmarks.visitors import subs, visitor_headers

    codes = ["".join(chance.choices("ABCDEFGHabcdefgh01234567", k=8)) for _ in range(50)]
    made = []
    for code in codes * 10:
        headers = {name.lower(): value for name, value in visitor_headers(chance, EDGE).items()}
        event = {
            "version": "2.0",
            "routeKey": "GET /c/{code}",
            "rawPath": f"/c/{code}",
            "rawQueryString": urlencode(subs(chance)),
            "headers": headers | {"host": "go.broker.example"},
            "pathParameters": {"code": code},
            "requestContext": {"http": {"method": "GET", "sourceIp": "192.0.2.1"}},
        }
        if cookie := headers.pop("cookie", ""):
            event["cookies"] = [cookie]
        made.append(event)
    return itertools.cycle(made)


def micros(call: Callable[[], object]) -> float:
    """CPU microseconds of one call, over a round of them."""
    began = time.process_time_ns()
    for _ in range(CALLS):
        call()
    return (time.process_time_ns() - began) / CALLS / 1000


def measure() -> dict[str, float]:
    """The figures of this process."""
    from botocore.httpsession import URLLib3Session

    amazon = Amazon()
    URLLib3Session.send = lambda self, request: amazon.send(request)
    click = _click(amazon)
    for _ in range(CALLS):
        click()
    # The baseline writes the same record, by the client that everybody uses.
    put = _put(json.loads(amazon.put)["Item"])
    trade, state_bytes = _trade(MONTHS * TRADES_OF_MONTH)
    short, long = _trade(SHORT_HISTORY)[0], _trade(LONG_HISTORY)[0]
    for call in (put, trade, short, long):
        micros(call)
    rounds = [tuple(map(micros, (click, put, trade, short, long))) for _ in range(ROUNDS)]
    if amazon.puts < 2 * CALLS * ROUNDS:
        raise RuntimeError(f"only {amazon.puts} clicks and puts reached DynamoDB")
    return {
        "click": median(each[0] for each in rounds),
        "put": median(each[1] for each in rounds),
        "trade": median(each[2] for each in rounds),
        "click_ratio": median(each[0] / each[1] for each in rounds),
        "trade_ratio": median(each[2] / each[1] for each in rounds),
        "history_ratio": median(each[4] / each[3] for each in rounds),
        "state_bytes": state_bytes,
    }


def _click(amazon: Amazon) -> Callable[[], object]:
    sys.path.insert(0, str(ROOT / "functions" / "redirect"))
    import app

    events = visits(random.Random(1))

    def click() -> None:
        before = amazon.puts
        answer = app.handler(next(events), None)
        if amazon.puts != before + 1 or "click_id=" not in answer["headers"]["Location"]:
            raise RuntimeError(f"a click was not recorded: {answer}")

    return click


def _put(item: dict[str, Any]) -> Callable[[], object]:
    import boto3

    client = boto3.client("dynamodb")
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
    os.environ.update(ENVIRONMENT)
    print(json.dumps(measure()))
