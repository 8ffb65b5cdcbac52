"""Clicks as the redirect records them, made by its own code, and records of the FACTS stream."""

from __future__ import annotations

import hashlib
import itertools
from types import SimpleNamespace
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from introducer.domain.events import Event
from introducer.store import keys
from introducer.store.facts import event_to_item
from introducer_ops.browsers import DESKTOP
from tests.support.functions import load

KEY = b"k" * 64
_AT_MS = 1_772_452_800_000  # 2026-03-02 12:00 UTC
_numbers = itertools.count(1)

_record = load("redirect").record
_parts: dict[str, Any] = _record.__globals__


def a_click(
    link: str = "Ab12Cd34",
    partner: str = "par_01",
    at_ms: int = _AT_MS,
    shard_exponent: int = 0,
    agent: str = DESKTOP[0],
    seen_today: bool = False,
    status: str = "active",
    query: str = "",
) -> dict[str, Any]:
    """A click's item in DynamoDB's own form."""
    link_item = {
        "code": link,
        "link_id": link,
        "partner": partner,
        "brand": "brd_01",
        "campaign": "cmp_01",
        "landing_url": "https://go.broker.example/",
        "click_parameter": "cid",
        "status": status,
    }
    wire: dict[str, Any] = {name: {"S": value} for name, value in link_item.items()}
    wire["shard_exponent"] = {"N": str(shard_exponent)}
    event = {
        "rawPath": f"/c/{link}",
        "rawQueryString": query,
        "headers": {"user-agent": agent, "referer": "https://blog.example/post"},
        "requestContext": {"http": {"method": "GET", "sourceIp": "203.0.113.9"}},
        "cookies": [f"iu_{link}=2026-03-02"] if seen_today else [],
    }
    secrets = SimpleNamespace(number=0, signing=KEY, edge="edge", brand_key=lambda _: b"b" * 32)
    made = _record(_parts["Visit"](event), _parts["Link"](wire), secrets, at_ms, 400 * 86_400)
    item: dict[str, Any] = made.item
    return item


def wire(item: dict[str, Any]) -> dict[str, Any]:
    """A plain item as the stream shows it."""
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}


def inserted(item: dict[str, Any]) -> dict[str, Any]:
    """The stream's record of a put."""
    return _change("INSERT", item, None)


def changed(old: Event, new: Event) -> dict[str, Any]:
    """The stream's record of an update of an event."""
    return _change("MODIFY", wire(event_to_item(new)), wire(event_to_item(old)))


def _change(name: str, new: dict[str, Any] | None, old: dict[str, Any] | None) -> dict[str, Any]:
    number = next(_numbers)
    images = {"NewImage": new, "OldImage": old}
    at = new or old or {}
    return {
        "eventID": hashlib.md5(str(number).encode()).hexdigest(),
        "eventName": name,
        "dynamodb": {
            "Keys": {key: at[key] for key in (keys.PK, keys.SK)},
            # Not of one length, as DynamoDB's are not.
            "SequenceNumber": str(10**20 * 9 + number * 10**18),
            **{image: item for image, item in images.items() if item is not None},
        },
    }


def touched(item: dict[str, Any]) -> dict[str, Any]:
    """The stream's record of a click that somebody edited by hand."""
    return _change("MODIFY", {**item, "sub1": {"S": "edited"}}, item)


def expired(item: dict[str, Any]) -> dict[str, Any]:
    """The stream's record of a click that reached its age."""
    return _change("REMOVE", None, item)
