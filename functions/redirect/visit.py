"""A request to a tracking link, read: who came, from where, with what. Every value is bounded here.

Headers may be written by anybody. The visitor's address and country are believed only when CloudFront has added its
secret; without it the address is the caller's own and the country is what a file says, if one is given.
`CloudFront-Viewer-Address` comes first: an edge that does not forward it leaves `X-Forwarded-For`, which begins with
what the visitor sent.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address, ip_network
from socket import AF_INET, inet_pton
from typing import Any
from urllib.parse import unquote_plus

import agents
import networks

SUBS = ("sub1", "sub2", "sub3", "sub4", "sub5")
SUB_LENGTH = 100
"""Characters of one sub."""
SUBS_BYTES = 440
"""Bytes of all subs together: with everything else at its longest, a click stays under one write unit."""
REFERER_LENGTH = 120
QUERY_LENGTH = 8192
"""Characters of the query that are read."""
NOWHERE = "ZZ"
"""The country of a visitor whose country nobody knows."""

_REFERER = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[^/?#@\s]*@)?([a-z0-9._-]+)(?::\d+)?(?:[/?#]|$)", re.ASCII | re.IGNORECASE
)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_VISITOR = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_PREFETCH = re.compile(r"prefetch|prerender|preview", re.IGNORECASE)
_PREFETCH_HEADERS = frozenset(("sec-purpose", "purpose", "x-moz", "x-purpose"))
_LOADS = ("image/", "text/css")
"""What a browser that says nothing of a load's purpose accepts first for a picture or a style. No visit of a page
begins so: it accepts `text/html` first."""


class Visit:
    """The parts of an HTTP API event (payload 2.0) that a click is made of."""

    __slots__ = ("agent", "code", "cookies", "head", "headers", "host", "query", "source_ip")

    def __init__(self, event: dict[str, Any]) -> None:
        http = event["requestContext"]["http"]
        self.headers: dict[str, str] = event.get("headers") or {}
        self.code: str = (event.get("pathParameters") or {}).get("code") or event["rawPath"].rpartition("/")[2]
        self.head: bool = http["method"] == "HEAD"
        self.host = self.headers.get("host", "")
        self.agent = agents.describe(self.headers.get("user-agent", ""))
        self.source_ip: str = http.get("sourceIp", "")
        self.query: dict[str, str] = {}
        if raw := event.get("rawQueryString"):
            for part in raw[:QUERY_LENGTH].split("&"):
                name, _, value = part.partition("=")
                if not value:
                    continue
                if "%" in part or "+" in part:
                    name, value = unquote_plus(name, errors="replace"), unquote_plus(value, errors="replace")
                self.query.setdefault(name, value)
        # The gateway lists cookies; an emulator leaves them in the header.
        self.cookies: dict[str, str] = {}
        for line in event.get("cookies") or self.headers.get("cookie", "").split(";"):
            name, _, value = line.strip().partition("=")
            if name:
                self.cookies[name] = value

    def flags(self) -> list[str]:
        """Why this visit is not a person's click, if it is not."""
        found = []
        if self.agent.kind != agents.BROWSER:
            found.append("no_agent" if self.agent.kind == agents.NONE else self.agent.kind)
        if self.head:
            found.append("head")
        headers = self.headers
        if not _PREFETCH_HEADERS.isdisjoint(headers) and self._prefetched():
            found.append("prefetch")
        elif self._loaded():
            found.append("embedded")
        return found

    def _prefetched(self) -> bool:
        headers = self.headers
        return any(name in headers and _PREFETCH.search(headers[name]) for name in _PREFETCH_HEADERS)

    def _loaded(self) -> bool:
        """Whether a page or a script loaded the address for itself: nobody clicked, and nobody sees it.

        A browser that names a load's purpose says `document` and `navigate` when a person is sent somewhere, and
        something else for a picture, a frame, a script, a fetch. That no `Sec-Fetch-User` came says nothing: it is
        missing after any redirect that a script began.
        """
        headers = self.headers
        to, mode = headers.get("sec-fetch-dest", ""), headers.get("sec-fetch-mode", "")
        if to or mode:
            return to not in ("", "document") or mode not in ("", "navigate")
        if headers.get("x-requested-with", "") == "XMLHttpRequest" or "service-worker" in headers:
            return True
        accepts = headers.get("accept", "")
        return accepts.startswith(_LOADS) and "html" not in accepts and "application/" not in accepts

    def subs(self) -> dict[str, str]:
        """The partner's own values, without what cannot be printed; cut when they are too long together."""
        room, found = SUBS_BYTES, {}
        for name in SUBS:
            text = self.query.get(name, "")
            if not text:
                continue
            text = text[:SUB_LENGTH] if text.isprintable() else "".join(filter(str.isprintable, text))[:SUB_LENGTH]
            # Nearly all are ASCII: as many bytes as characters.
            text = text[:room] if text.isascii() else text.encode()[:room].decode(errors="ignore")
            if text:
                found[name] = text
                room -= len(text) if text.isascii() else len(text.encode())
        return found

    def referer(self) -> str:
        """The host of the page that held the link; empty when there is none to name."""
        return _host(self.headers.get("referer", ""))

    def visitor(self) -> str:
        """The visitor that our cookie names, if it is one of ours by its form."""
        visitor = self.cookies.get("iv", "")
        return visitor if _VISITOR.fullmatch(visitor) else ""

    def place(self, edge_secret: str) -> tuple[str, str, str]:
        """The visitor's address in its shortest form, the network it lies in (/24 or /48), and the country.

        Address and network are empty when the address cannot be read.
        """
        headers = self.headers
        text, country = self.source_ip, NOWHERE
        if self._from_edge(edge_secret):
            # The edge's own word for who is there; in a forwarded list the first entries are the visitor's to invent.
            viewer = headers.get("cloudfront-viewer-address", "").rpartition(":")[0].strip("[]")
            text = viewer or headers.get("x-forwarded-for", "").partition(",")[0].strip() or text
            country = headers.get("cloudfront-viewer-country", "")
            country = country if _COUNTRY.fullmatch(country) else NOWHERE
        address, network = _address(text)
        if country == NOWHERE:
            country = networks.country(address) or NOWHERE
        return address, network, country

    def system(self, edge_secret: str) -> str:
        """The number of the autonomous system that the visitor's address is of; empty unless the edge told it."""
        number = self.headers.get("cloudfront-viewer-asn", "")
        return number if number and self._from_edge(edge_secret) else ""

    def _from_edge(self, edge_secret: str) -> bool:
        sent = self.headers.get("introducer-edge", "")
        return bool(edge_secret) and compare_digest(sent.encode(errors="replace"), edge_secret.encode())


@lru_cache(maxsize=256)
def _host(referer: str) -> str:
    """Browsers say no more than the host of another site, so few are met again and again."""
    matched = _REFERER.match(referer)
    return matched[1].lower()[:REFERER_LENGTH] if matched else ""


def _address(text: str) -> tuple[str, str]:
    try:
        # Nearly all are of this form, which is its own shortest one; reading it otherwise takes ten times as long.
        inet_pton(AF_INET, text)
    except (OSError, ValueError):
        pass
    else:
        return text, text.rpartition(".")[0] + ".0/24"
    try:
        address = ip_address(text)
    except ValueError:
        return "", ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            # A zone names an interface of the sender's own machine, not the visitor.
            number = int(address)
            return IPv6Address(number).compressed, str(ip_network((number >> 80 << 80, 48)))
        address = address.ipv4_mapped
    short = str(address)
    return short, short.rpartition(".")[0] + ".0/24"
