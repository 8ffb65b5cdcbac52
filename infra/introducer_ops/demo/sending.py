"""The script goes out over HTTP: clicks as browsers send them, events as a platform posts them, signed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from http.cookies import SimpleCookie
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from introducer.domain import signatures
from introducer_ops.demo.building import World
from introducer_ops.demo.script import Post, Slot
from introducer_ops.demo.telling import Click
from introducer_ops.localcloud import Stack

AT_ONCE = 6
"""Requests under way at the same time. More only wait for the two cores."""
_TRIES = 3


@dataclass(slots=True)
class Sent:
    """What was sent, and what was answered."""

    clicks: int = 0
    crawlers: int = 0
    events: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    """Receipts by their status."""
    click_ids: dict[int, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    """Answers that should not have come, in words."""

    @property
    def accepted(self) -> int:
        return self.statuses["accepted"]


class Sender:
    """Sends slots, one after the other, and remembers the click ids that came back."""

    def __init__(self, stack: Stack, world: World, edge_secret: str) -> None:
        self._stack = stack
        self.world = world
        self._edge_secret = edge_secret
        self._parameters = {number: campaign.click_parameter for number, campaign in enumerate(world.plan.campaigns)}
        self._lock = Lock()
        self.sent = Sent()
        self._jars: dict[int, dict[tuple[str, str], str]] = {}
        self._http = stack.http(
            cookies=_no_jar(), limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        )
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sender")

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._http.close()

    def send(self, slot: Slot, done: Callable[[int, int], None]) -> None:
        """Move the clock to the slot and send all of it. `done(clicks, events)` is called as answers come in."""
        self._stack.clock.set_to(slot.at)
        work: list[Future[None]] = [self._pool.submit(self._click, click, done) for click in slot.clicks]
        work += [self._pool.submit(self._post, post, done) for post in slot.posts]
        for future in work:
            future.result()

    def _click(self, click: Click, done: Callable[[int, int], None]) -> None:
        link = self.world.links[click.partner, click.campaign]
        headers = {
            "User-Agent": click.agent,
            "Accept": "text/html,application/xhtml+xml",
            "Introducer-Edge": self._edge_secret,
            "X-Forwarded-For": click.address,
            "CloudFront-Viewer-Country": click.country,
        }
        if click.referer:
            headers["Referer"] = click.referer
        if click.prefetch:
            headers["Sec-Purpose"] = "prefetch"
        path = f"/c/{link.code}"
        kept = self._jars.get(click.visitor, {})
        if cookies := [f"{name}={value}" for (under, name), value in kept.items() if path.startswith(under)]:
            headers["Cookie"] = "; ".join(cookies)
        answer = self._request(click.method, path, params=dict(click.subs), headers=headers)
        location = answer.headers.get("Location", "")
        ids = parse_qs(urlsplit(location).query).get(self._parameters[click.campaign], [""])
        with self._lock:
            self.sent.clicks += 1
            self.sent.crawlers += click.crawler
            self._jars.setdefault(click.visitor, {}).update(_cookies(answer))
            if answer.status_code != 302 or not ids[0]:
                self.sent.troubles.append(f"click {link.code}: {answer.status_code} {location[:120]}")
            else:
                self.sent.click_ids[click.number] = ids[0]
        done(1, 0)

    def _post(self, post: Post, done: Callable[[int, int], None]) -> None:
        events = []
        for message in post.messages:
            fields = dict(message.fields)
            if message.click is not None:
                fields["click_id"] = self.sent.click_ids[message.click]
            events.append(fields)
        body = json.dumps(events[0] if post.single else {"events": events}, separators=(",", ":")).encode()
        signature = signatures.sign(body, [self.world.source_secret.encode()], self._stack.clock.now())
        answer = self._request(
            "POST",
            f"/postback/{self.world.plan.source}",
            content=body,
            headers={"Content-Type": "application/json", signatures.HEADER: signature},
        )
        receipts = _receipts(answer)
        with self._lock:
            self.sent.events += len(events)
            self.sent.statuses.update(receipt.get("status", "?") for receipt in receipts)
            if answer.status_code != 202 or len(receipts) != len(events):
                self.sent.troubles.append(f"postback: {answer.status_code} {answer.text[:300]}")
            for receipt in receipts:
                if receipt.get("status") not in ("accepted", "duplicate", "quarantined"):
                    self.sent.troubles.append(f"event {receipt.get('event_id')}: {receipt.get('detail', receipt)}")
        done(0, len(events))

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request; a busy gateway (502 to 504, a broken connection) is asked again, as platforms do."""
        for attempt in range(_TRIES):
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError:
                if attempt == _TRIES - 1:
                    raise
                continue
            if answer.status_code not in (502, 503, 504):
                break
        return answer


def _no_jar() -> CookieJar:
    """A jar that keeps nothing: the visitors share a connection, and each has its own cookies."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def _cookies(answer: httpx.Response) -> dict[tuple[str, str], str]:
    """What a browser would keep, by path and name."""
    kept = {}
    for line in answer.headers.get_list("Set-Cookie"):
        for name, morsel in SimpleCookie(line).items():
            kept[morsel["path"] or "/", name] = morsel.value
    return kept


def _receipts(answer: httpx.Response) -> list[dict[str, Any]]:
    try:
        document = answer.json()
    except ValueError:
        return []
    return document.get("receipts", [document] if "status" in document else []) if isinstance(document, dict) else []
