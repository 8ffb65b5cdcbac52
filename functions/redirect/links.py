"""Where a code leads: the link item of BOOKS, and its campaign's route, each kept for `FRESH` seconds in the container.

An unknown code, and a campaign without a route, are kept as well. When BOOKS does not answer, what was last read goes
on serving: a link that changed seconds ago matters less than a visitor who arrives nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Generic, TypeVar

import target
from clock import Deadline, monotonic
from container import Container, dynamodb_key
from keep import FACTS, LEAST, QUEUE, log
from route import Route

from introducer.store import keys

FRESH = 30.0
"""Seconds that an entry is believed."""
STALE = 5.0
"""Seconds that an old entry serves on after BOOKS did not answer, so that not every click waits for it in vain."""
LOOKUP = 2.0
"""What is not known here yet may take this many times as long to read as keeping a click may take."""
MOST = 10_000
"""Entries at most: codes that somebody tries out must not fill the container."""

_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
_HOST = re.compile(r"[a-z0-9.-]{1,253}", re.ASCII)

V = TypeVar("V")


class Link:
    """A link as the redirect needs it. Raises `KeyError` or `ValueError` for an item that is no link."""

    __slots__ = (
        "active",
        "brand",
        "campaign",
        "code",
        "fallback_url",
        "landing",
        "link_id",
        "page",
        "partner",
        "path",
        "said",
        "shard_exponent",
    )

    def __init__(self, item: dict[str, Any]) -> None:
        self.code: str = item["code"]["S"]
        self.link_id: str = item["link_id"]["S"]
        self.partner: str = item["partner"]["S"]
        self.brand: str = item["brand"]["S"]
        self.campaign: str = item["campaign"]["S"]
        self.active: bool = item["status"]["S"] == "active"
        self.fallback_url: str = item.get("fallback_url", {}).get("S", "")
        self.shard_exponent = int(item.get("shard_exponent", {}).get("N", 0))
        self.page: str = item.get("page", {}).get("S", "")
        """The one page of the campaign that the partner chose; empty when weights decide."""
        self.path: str = item.get("path", {}).get("S", "")
        """Where below the campaign's hosts the link leads by itself."""
        hosts = [host["S"] for host in item.get("hosts", {}).get("L", ())]
        self.landing = target.Landing(item["landing_url"]["S"], item["click_parameter"]["S"], hosts)
        """The page of a campaign that has no route."""
        texts = {"link": self.link_id, "partner": self.partner, "brand": self.brand, "campaign": self.campaign}
        self.said = ",".join(f'"{name}":{{"S":{quoted(text)}}}' for name, text in texts.items())
        """What each of its clicks says of it, as JSON."""


class Unread(Exception):
    """BOOKS did not answer, and nothing was known before."""


class _Cache(Generic[V]):
    """What was read of one kind, by name, each with the moment until which it is believed."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[float, V]] = {}

    def get(self, name: str, read: Callable[[bool], V]) -> V:
        """What is kept, or is read now; `read` is told whether something older could serve. Raises `Unread`."""
        kept = self.entries.get(name)
        if kept is not None and kept[0] > monotonic():
            return kept[1]
        try:
            value = read(kept is not None)
        except Unread:
            if kept is None:
                raise
            self.entries[name] = monotonic() + STALE, kept[1]
            return kept[1]
        if len(self.entries) >= MOST:
            self.entries.clear()
        self.entries[name] = monotonic() + FRESH, value
        return value


class Links:
    """The caches of one container."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self.links: _Cache[Link | None] = _Cache()
        self.routes: _Cache[Route | None] = _Cache()
        self.hosts: _Cache[str] = _Cache()

    def by_code(self, code: str, deadline: Deadline) -> Link | None:
        """The link; None when there is none. Raises `Unread`.

        A code is compared exactly. But a partner's own word for a link is read aloud and typed: it is found in
        capitals, too, and either kind with the dot or slash that ended a sentence or an address.
        """
        # The warm path, before anything is made for another.
        kept = self.links.entries.get(code)
        if kept is not None and kept[0] > monotonic():
            return kept[1]
        code = code.rstrip("./")
        if not _CODE.fullmatch(code):
            return None
        return self.links.get(code, lambda known: self._link(code, known, deadline))

    def route(self, link: Link, deadline: Deadline) -> Route | None:
        """The route of the link's campaign; None when it has none, or none that could be read: the link leads on."""
        kept = self.routes.entries.get(link.campaign)
        if kept is not None and kept[0] > monotonic():
            return kept[1]

        def read(known: bool) -> Route | None:
            item = self._read(keys.key("route", campaign=link.campaign), deadline, known)
            try:
                return Route(item) if item else None
            except (KeyError, ValueError, TypeError) as error:
                log("ERROR", "route_damaged", campaign=link.campaign, reason=f"{type(error).__name__}: {error}"[:200])
                return None

        try:
            return self.routes.get(link.campaign, read)
        except Unread as error:
            log("ERROR", "route_unread", campaign=link.campaign, reason=str(error))
            # Whoever comes next need not wait for it too.
            self.routes.entries[link.campaign] = monotonic() + STALE, None
            return None

    def fallback(self, host: str, deadline: Deadline) -> str:
        """The page for a code that names nothing: that of the brand which owns the host, else the installation's."""
        installations = self._container.fallback_url
        host = host.partition(":")[0].lower().rstrip(".")
        if not _HOST.fullmatch(host):
            return installations

        def read(known: bool) -> str:
            item = self._read(keys.key("brand_host", host=host), deadline, True)
            return str((item or {}).get("fallback_url", {}).get("S") or installations)

        try:
            return self.hosts.get(host, read)
        except Unread:
            return installations

    def _link(self, code: str, known: bool, deadline: Deadline) -> Link | None:
        item = self._read(keys.key("link", code=code), deadline, known)
        if item is None and (lower := code.lower()) != code:
            item = self._read(keys.key("link", code=lower), deadline, known)
            # Codes that we made mean another link in other letters; their links have them as their id.
            item = item if item and item["code"]["S"] != item["link_id"]["S"] else None
        return Link(item) if item else None

    def _read(self, key: keys.Key, deadline: Deadline, known: bool) -> dict[str, Any] | None:
        """An item of BOOKS. Raises `Unread`.

        What is known here is read again within a share of the click's time. But without its link a visitor arrives
        nowhere: what is not known is asked for twice, in time of its own, and the click's begins after it.
        """
        reason = "no time left"
        lookup = deadline if known else Deadline(LOOKUP * deadline.seconds)
        for tries in (1,) if known else (2, 1):
            seconds = lookup.left(keep=FACTS + QUEUE if known else 0.0) / tries
            if seconds < LEAST * deadline.seconds:
                break
            try:
                return self._container.aws.get_item(self._container.books, dynamodb_key(key), seconds=seconds)
            except Exception as error:
                reason = f"{type(error).__name__}: {getattr(error, 'reason', error)}"[:200]
            finally:
                if not known:
                    deadline.restart()
        raise Unread(reason)
