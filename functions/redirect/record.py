"""A click as it is written: one FACTS item under a kilobyte, one put.

Its shape is read by `introducer.store.clicks`; personal values stand in it as keyed hashes only. It is written as JSON
at once, for that is how it is sent: what a table of ours, a file or a visitor wrote is quoted, and the rest are
numbers and url-safe letters that this code makes, or words that stand in it.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring_ascii as quoted
from time import gmtime, strftime
from typing import Any, NamedTuple

import networks
from aws import Written
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
    written: Written
    subs: dict[str, str]
    link: Link
    flags: list[str]
    cookies: list[str]
    landing: Landing | None
    """The visitor's page; None when the link or its campaign does not take the visitor."""

    @property
    def item(self) -> dict[str, dict[str, Any]]:
        """What is written, in DynamoDB's own notation."""
        return self.written.fields()

    def value(self, macro: str) -> str:
        """What a macro of a page's address stands for; empty when the visit said nothing of it."""
        if macro == "click_id":
            return self.click
        if macro in self.subs:
            return self.subs[macro]
        link = self.link
        if macro == "campaign":
            return link.campaign
        return {"code": link.code, "link": link.link_id, "partner": link.partner}.get(macro, "")


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
    # The key is as `keys.key` makes it: in an id nothing is to be escaped.
    text = (
        f'{{"pk":{{"S":{_partition(link.link_id, day, shard)}}},"sk":{{"S":"{click}"}},"click":{{"S":"{click}"}},'
        f'{link.said},"at":{{"N":"{at_ms}"}},"expires_at":{{"N":"{at_ms // 1000 + keep_seconds}"}},'
        f'"agent":{{"S":"{visit.agent.kind}"}},"device":{{"S":"{visit.agent.device}"}},'
        f'"country":{{"S":{quoted(country)}}},"unique":{{"BOOL":{"true" if unique else "false"}}}'
    )
    if address:
        brand_key = secrets.brand_key(link.brand)
        text += f',"address":{{"S":"{hashed(brand_key, "address", address)}"}}'
        text += f',"prefix":{{"S":"{hashed(brand_key, "prefix", network)}"}}'
    if visitor:
        text += f',"visitor":{{"S":"{visitor}"}}'
    if referer := visit.referer():
        text += f',"referer":{{"S":{quoted(referer)}}}'
    subs = visit.subs()
    for name, value in subs.items():
        text += f',"{name}":{{"S":{quoted(value)}}}'
    if flags:
        text += f',"flags":{{"L":[{",".join([f"""{{"S":"{flag}"}}""" for flag in flags])}]}}'
    return Record(click, Written(text + "}"), subs, link, flags, cookies, landing)


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
    """The partition of a link's clicks of a day, as JSON."""
    return quoted(keys.partition("click", link=link, day=day, shard=shard))
