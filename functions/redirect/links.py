"""Where a code leads: the link item of BOOKS, kept for `FRESH` seconds in the container.

An unknown code is kept as well. When BOOKS does not answer, what was last read goes on serving: a link that changed
seconds ago matters less than a visitor who arrives nowhere.
"""

from __future__ import annotations

import re
import time
from typing import Any, TypeVar

import target
from clock import Deadline
from container import TABLE_CALL, Container, dynamodb_key

from introducer.store import keys

FRESH = 30.0
"""Seconds that an entry is believed."""
STALE = 5.0
"""Seconds that an old entry serves on after BOOKS did not answer, so that not every click waits for it in vain."""
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
        "partner",
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
        hosts = [host["S"] for host in item.get("hosts", {}).get("L", ())]
        self.landing = target.Landing(item["landing_url"]["S"], item["click_parameter"]["S"], hosts)


class Unread(Exception):
    """BOOKS did not answer, and nothing was known before."""


class Links:
    """The cache of one container."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._links: dict[str, tuple[float, Link | None]] = {}
        self._hosts: dict[str, tuple[float, str]] = {}

    def by_code(self, code: str, deadline: Deadline) -> Link | None:
        """The link; None when there is none. Raises `Unread`."""
        if not _CODE.fullmatch(code):
            return None
        kept = self._links.get(code)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        try:
            # Without its link a visitor arrives nowhere: one that is not known here yet is asked for twice.
            item = self._read(keys.key("link", code=code), deadline, 1 if kept else 2)
            link = Link(item) if item else None
        except Unread:
            if kept is None:
                raise
            self._links[code] = (time.monotonic() + STALE, kept[1])
            return kept[1]
        return _keep(self._links, code, link)

    def fallback(self, host: str, deadline: Deadline) -> str:
        """The page for a code that names nothing: that of the brand which owns the host, else the installation's."""
        host = host.partition(":")[0].lower().rstrip(".")
        if not _HOST.fullmatch(host):
            return self._container.fallback_url
        kept = self._hosts.get(host)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        try:
            item = self._read(keys.key("brand_host", host=host), deadline, 1)
        except Unread:
            return kept[1] if kept else self._container.fallback_url
        return _keep(self._hosts, host, (item or {}).get("fallback_url", {}).get("S") or self._container.fallback_url)

    def _read(self, key: keys.Key, deadline: Deadline, tries: int) -> dict[str, Any] | None:
        reason: Exception | None = None
        for _ in range(tries):
            if not deadline.allows(TABLE_CALL):
                break
            try:
                found = self._container.tables.get_item(TableName=self._container.books, Key=dynamodb_key(key))
            except Exception as error:
                reason = error
            else:
                item: dict[str, Any] | None = found.get("Item")
                return item
        raise Unread(type(reason).__name__) from reason


def _keep(cache: dict[str, tuple[float, V]], name: str, value: V) -> V:
    if len(cache) >= MOST:
        cache.clear()
    cache[name] = (time.monotonic() + FRESH, value)
    return value
