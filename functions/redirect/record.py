"""A click as it is written: one FACTS item under a kilobyte, one put.

Its shape is read by `introducer.store.clicks`; personal values stand in it as keyed hashes only.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256
from time import gmtime, strftime
from typing import Any, NamedTuple

import networks
from container import Keys
from links import Link
from route import PAUSED, Route
from target import Landing
from visit import Visit

from introducer.domain import click_id
from introducer.store import keys

VISITOR_DAYS = 400
"""How long a browser remembers its visitor: browsers keep no cookie longer."""


class Record(NamedTuple):
    click: str
    item: dict[str, Any]
    """In DynamoDB's own notation."""
    flags: list[str]
    cookies: list[str]
    landing: Landing | None
    """The visitor's page; None when the link or its campaign does not take the visitor."""
    code: str

    def value(self, macro: str) -> str:
        """What a macro of a page's address stands for; empty when the visit said nothing of it."""
        if macro == "code":
            return self.code
        value: str = self.item.get("click" if macro == "click_id" else macro, {}).get("S", "")
        return value


def record(
    visit: Visit, link: Link, secrets: Keys, at_ms: int, keep_seconds: int, route: Route | None = None
) -> Record:
    """The click of this visit: its id, its page, and the cookies that go back with the answer."""
    random = os.urandom(19)
    flags = visit.flags()
    address, network, country = visit.place(secrets.edge)
    flags += networks.flags(address, visit.system(secrets.edge))
    visitor = visit.visitor()
    # What the browser will be called from now on, so that it meets the same page again.
    named = visitor or urlsafe_b64encode(random[3:]).decode()[:22]
    refused, landing = _page(visit, link, route, at_ms, country, named)
    if refused:
        flags.append(refused)
    click = click_id.mint(
        key_number=secrets.number,
        key=secrets.signing,
        link_id=link.link_id,
        at_ms=at_ms,
        random=random[:3],
        flagged=bool(flags),
        shard_exponent=link.shard_exponent,
    )
    day = _day(at_ms // 86_400_000)
    shard = random[0] % 4**link.shard_exponent
    cookies = []
    unique = False
    if not flags:
        # A cookie with the link's id, not its path, says that it was opened today, by whichever of its names: telling
        # repeats apart needs no read. A flagged visit leaves no mark: the person behind a prefetch is still to come.
        opened = f"iu_{link.link_id}"
        unique = visit.cookies.get(opened) != day
        visitor = named
        cookies.append(_cookie("iv", visitor, "/c", VISITOR_DAYS * 86_400))
        if unique:
            cookies.append(_cookie(opened, day, "/c", 86_400))
    item: dict[str, Any] = {
        # The key, as `keys.key` makes it: in an id nothing is to be escaped.
        "pk": {"S": _partition(link.link_id, day, shard)},
        "sk": {"S": click},
        "click": {"S": click},
        "link": {"S": link.link_id},
        "partner": {"S": link.partner},
        "brand": {"S": link.brand},
        "campaign": {"S": link.campaign},
        "at": {"N": str(at_ms)},
        "agent": {"S": visit.agent.kind},
        "device": {"S": visit.agent.device},
        "country": {"S": country},
        "unique": {"BOOL": unique},
        "expires_at": {"N": str(at_ms // 1000 + keep_seconds)},
    }
    if address:
        brand_key = secrets.brand_key(link.brand)
        item["address"] = {"S": hashed(brand_key, "address", address)}
        item["prefix"] = {"S": hashed(brand_key, "prefix", network)}
    if visitor:
        item["visitor"] = {"S": visitor}
    if referer := visit.referer():
        item["referer"] = {"S": referer}
    for name, value in visit.subs().items():
        item[name] = {"S": value}
    if flags:
        item["flags"] = {"L": [{"S": flag} for flag in flags]}
    return Record(click, item, flags, cookies, landing, link.code)


def _page(
    visit: Visit, link: Link, route: Route | None, at_ms: int, country: str, visitor: str
) -> tuple[str, Landing | None]:
    """The visitor's page, or why there is none, as a flag."""
    if not link.active:
        return PAUSED, None
    if route is None:
        return "", link.landing
    if refused := route.refusal(at_ms, country):
        return refused, None
    page = route.page(country, visit.agent.device, link.page, visitor)
    return ("", page.landing) if page is not None else (route.misfit(country), None)


def hashed(brand_key: bytes, kind: str, value: str) -> str:
    """The keyed hash of `introducer.domain.identity`, which the redirect may not import."""
    inner, outer = _keyed(brand_key)
    inner, outer = inner.copy(), outer.copy()
    inner.update(f"{kind}:{value}".encode())
    outer.update(inner.digest())
    return urlsafe_b64encode(outer.digest()).decode()[:22]


@lru_cache(maxsize=256)
def _keyed(key: bytes) -> tuple[Any, Any]:
    """HMAC with SHA-256 (RFC 2104) up to where the text comes, for a key of a block at most: what a click needs of it
    twice is then half of the work."""
    block = key.ljust(64, b"\0")
    return sha256(bytes(each ^ 0x36 for each in block)), sha256(bytes(each ^ 0x5C for each in block))


def _cookie(name: str, value: str, path: str, seconds: int) -> str:
    return f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; Secure; SameSite=Lax"


@lru_cache(maxsize=4)
def _day(number: int) -> str:
    return strftime("%Y-%m-%d", gmtime(number * 86_400))


@lru_cache(maxsize=4096)
def _partition(link: str, day: str, shard: int) -> str:
    """The partition of a link's clicks of a day."""
    return keys.partition("click", link=link, day=day, shard=shard)
