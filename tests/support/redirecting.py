"""The redirect's function on an AWS in this process: its tables and its queue are dictionaries and lists.

It stands in the place of `functions/redirect/aws.py`, whose own tests are elsewhere, and may be told to fail in each of
the ways in which that fails, taking as long for it on a clock that the test plays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from introducer.store import keys
from tests.support.functions import load

Item = dict[str, Any]

BRAND, PARTNER, CAMPAIGN = "brd_01", "par_01", "cmp_01"
LANDING = "https://go.broker.example/start"
FALLBACK, BRANDS_PAGE, PAUSED_PAGE = (
    "https://fallback.example/",
    "https://brand.example/home",
    "https://broker.example/ended",
)
EDGE, IDENTITY, CLICK_KEY = "edge-secret", "identity-secret", "k" * 64

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
    "STAGE": "test",
    "FACTS_TABLE": "facts",
    "BOOKS_TABLE": "books",
    "CLICK_QUEUE_URL": "https://queue.example/clicks",
    "CLICK_KEY_SECRET": "click-key",
    "IDENTITY_KEY_SECRET": "identity-key",
    "EDGE_SECRET": "edge",
    "FALLBACK_URL": FALLBACK,
    # Nothing here waits; a busy machine must not make a test fail.
    "CLICK_DEADLINE_MS": "20000",
    "CLICK_TTL_DAYS": "400",
}
SECRETS = {
    "click-key": json.dumps({"current": "3", "0": "old", "3": CLICK_KEY}),
    "identity-key": IDENTITY,
    "edge": EDGE,
}

FAILURES = ("refused", "timeout", "throttled", "failed", "closed")
"""How a call fails: nobody listens, no answer in time, too much is asked, AWS itself is broken, the connection ends."""


class Amazon:
    """What the function asks, answered from this process. `fails` says how the calls of a name fail, while it does."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[tuple[str, str], Item]] = {"facts": {}, "books": {}}
        self.messages: list[str] = []
        self.secrets = dict(SECRETS)
        self.calls: list[str] = []
        self.fails: dict[str, str] = {}
        self.waits: Callable[[float], None] = lambda seconds: None
        """Lets time pass on the clock of the test."""
        self.asked: list[tuple[str, float]] = []
        """How many seconds each call was given."""
        self.errors: Any
        """Where the errors of the function's own client are."""

    def open(self, *, seconds: float) -> None:
        self.calls.append("open")

    def get_item(self, table: str, key: Item, *, seconds: float) -> Item | None:
        self._call("get_item", seconds)
        return self.tables[table].get(_place(key))

    def put_item(self, table: str, item: Item, *, seconds: float) -> None:
        # An answer that was lost says nothing of the put: it is done.
        lost = self.fails.get("put_item") in ("timeout", "closed")
        if lost:
            self.tables[table][_place(item)] = item
        self._call("put_item", seconds)
        self.tables[table][_place(item)] = item

    def send_message(self, url: str, body: str, *, seconds: float) -> None:
        assert url == ENVIRONMENT["CLICK_QUEUE_URL"]
        self._call("send_message", seconds)
        self.messages.append(body)

    def get_secret(self, name: str, *, seconds: float) -> str:
        self._call("get_secret", seconds)
        if name not in self.secrets:
            raise self.errors.Refused("ResourceNotFoundException")
        return self.secrets[name]

    def put(self, item: Item, table: str = "books") -> None:
        self.tables[table][_place(item)] = item

    def _call(self, name: str, seconds: float) -> None:
        self.calls.append(name)
        self.asked.append((name, seconds))
        how = self.fails.get(name)
        if how is None:
            return
        errors = self.errors
        self.waits(seconds if how == "timeout" else min(seconds, 0.003))
        raise {
            "refused": errors.Unreachable("Connection refused"),
            "timeout": errors.TimedOut("the answer took too long"),
            "throttled": errors.Throttled("ProvisionedThroughputExceededException"),
            "failed": errors.Failed("status 503"),
            "closed": errors.Broken("closed within the answer"),
        }[how]


def _place(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def wire(value: Any) -> dict[str, Any]:
    """A value in DynamoDB's own form."""
    if isinstance(value, list):
        return {"L": [wire(one) for one in value]}
    if isinstance(value, dict):
        return {"M": {name: wire(one) for name, one in value.items() if one is not None}}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def plain(value: dict[str, Any]) -> Any:
    """The value of DynamoDB's own form."""
    ((kind, inner),) = value.items()
    if kind == "L":
        return [plain(one) for one in inner]
    return int(inner) if kind == "N" else inner


def a_link(code: str, **changes: Any) -> Item:
    """A link's item; what is changed to None is not there."""
    item = {
        **keys.key("link", code=code).item(),
        "code": code,
        "link_id": "Ab12Cd34",
        "partner": PARTNER,
        "brand": BRAND,
        "campaign": CAMPAIGN,
        "landing_url": LANDING,
        "hosts": ["go.broker.example", "shop.broker.example"],
        "click_parameter": "click_id",
        "fallback_url": PAUSED_PAGE,
        "status": "active",
        "shard_exponent": 0,
        **changes,
    }
    return {name: wire(value) for name, value in item.items() if value is not None}


def a_page(name: str, url: str = "", weight: int = 1, **rules: Any) -> dict[str, Any]:
    return {"page": name, "url": url or f"https://go.broker.example/{name}", "weight": weight, **rules}


def a_route(*pages: dict[str, Any], campaign: str = CAMPAIGN, **changes: Any) -> Item:
    """A campaign's route item; without pages it has one, for everybody."""
    item = {
        **keys.key("route", campaign=campaign).item(),
        "campaign": campaign,
        "brand": BRAND,
        "status": "active",
        "hosts": ["go.broker.example", "shop.broker.example"],
        "click_parameter": "click_id",
        "countries": [],
        "pages": list(pages) or [a_page("main")],
        "utm": [],
        **changes,
    }
    return {name: wire(value) for name, value in item.items() if value is not None}


def a_visit(
    code: str = "Ab12Cd34",
    query: str = "",
    method: str = "GET",
    cookies: list[str] | None = None,
    agent: str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    **headers: str | None,
) -> dict[str, Any]:
    """An HTTP API event, payload 2.0; a header given as None is not sent."""
    sent = {"host": "api.example", "user_agent": agent, **headers}
    event: dict[str, Any] = {
        "version": "2.0",
        "rawPath": f"/c/{code}",
        "rawQueryString": query,
        "headers": {name.replace("_", "-"): value for name, value in sent.items() if value is not None},
        "requestContext": {"http": {"method": method, "path": f"/c/{code}", "sourceIp": "198.51.100.7"}},
        "pathParameters": {"code": code},
    }
    if cookies:
        event["cookies"] = cookies
    return event


class World:
    """The function, and the AWS that it works on."""

    def __init__(self) -> None:
        self.amazon = Amazon()
        self.put(a_link("Ab12Cd34"))
        self.put(a_link("paused", status="paused"))
        self.put(a_link("paused-2", status="paused", fallback_url=None))
        host = {**keys.key("brand_host", host="link.brand.example").item(), "brand": BRAND, "fallback_url": BRANDS_PAGE}
        self.put({name: wire(value) for name, value in host.items()})
        self.redirect: ModuleType

    def start(self) -> None:
        """The function in a new container, before its first click."""
        self.redirect = load("redirect")
        container = self.redirect.Container.__init__.__globals__
        # Its errors are fresh with each copy of the function, as all its modules are.
        self.amazon.errors = SimpleNamespace(**container["Aws"].__init__.__globals__)
        container["Aws"] = lambda environ, elapsed: self.amazon

    def put(self, item: Item) -> None:
        self.amazon.put(item)

    def take(self) -> list[dict[str, Any]]:
        """The clicks recorded since the last time, as plain values."""
        items = list(self.amazon.tables["facts"].values())
        self.amazon.tables["facts"].clear()
        return [{name: plain(value) for name, value in item.items()} for item in items]

    def visit(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.redirect.handler(a_visit(*args, **kwargs), None)
        return answer

    def click(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The one click that this visit records."""
        self.take()
        self.visit(*args, **kwargs)
        (click,) = self.take()
        return click

    def container(self) -> Any:
        return self.redirect._prepared()[0]

    def links(self) -> Any:
        return self.redirect._prepared()[1]


@contextmanager
def a_redirect(patch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world with the function's settings. `start` gives it a container."""
    patch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in ENVIRONMENT.items():
        patch.setenv(name, value)
    yield World()
