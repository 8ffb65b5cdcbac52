"""A request to a tracking link, read: who came, from where, with what. Every value is bounded here.

Headers may be written by anybody. The visitor's address and country are believed only when CloudFront has added its
secret; without it the address is the caller's own and the country is unknown. `CloudFront-Viewer-Address` comes first:
an edge that does not forward it leaves `X-Forwarded-For`, which begins with what the visitor sent.
"""

from __future__ import annotations

import re
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import parse_qsl

import agents

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
_EMBEDDED = frozenset(
    {"audio", "embed", "font", "frame", "iframe", "image", "object", "script", "style", "track", "video"}
)
"""What `Sec-Fetch-Dest` says when a page loads an address for itself: nobody clicked, and nobody sees it."""
_PREFETCH_HEADERS = ("sec-purpose", "purpose", "x-moz", "x-purpose")


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
            for name, value in parse_qsl(raw[:QUERY_LENGTH], errors="replace"):
                self.query.setdefault(name, value)
        # The gateway lists cookies; an emulator leaves them in the header.
        lines = event.get("cookies") or self.headers.get("cookie", "").split(";")
        pairs = (line.strip().partition("=") for line in lines)
        self.cookies = {name: value for name, _, value in pairs if name}

    def flags(self) -> list[str]:
        """Why this visit is not a person's click, if it is not."""
        found = []
        if self.agent.kind != agents.BROWSER:
            found.append("no_agent" if self.agent.kind == agents.NONE else self.agent.kind)
        if self.head:
            found.append("head")
        if any(_PREFETCH.search(self.headers.get(name, "")) for name in _PREFETCH_HEADERS):
            found.append("prefetch")
        if self.headers.get("sec-fetch-dest") in _EMBEDDED:
            found.append("embedded")
        return found

    def subs(self) -> dict[str, str]:
        """The partner's own values, without what cannot be printed; cut when they are too long together."""
        room, found = SUBS_BYTES, {}
        for name in SUBS:
            text = self.query.get(name, "")
            if not text:
                continue
            text = text[:SUB_LENGTH] if text.isprintable() else "".join(filter(str.isprintable, text))[:SUB_LENGTH]
            text = text.encode()[:room].decode(errors="ignore")
            if text:
                found[name] = text
                room -= len(text.encode())
        return found

    def referer(self) -> str:
        """The host of the page that held the link; empty when there is none to name."""
        matched = _REFERER.match(self.headers.get("referer", ""))
        return matched[1].lower()[:REFERER_LENGTH] if matched else ""

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
        if edge_secret and compare_digest(headers.get("introducer-edge", "").encode(), edge_secret.encode()):
            # The edge's own word for who is there; in a forwarded list the first entries are the visitor's to invent.
            viewer = headers.get("cloudfront-viewer-address", "").rpartition(":")[0].strip("[]")
            text = viewer or headers.get("x-forwarded-for", "").partition(",")[0].strip() or text
            country = headers.get("cloudfront-viewer-country", "")
            country = country if _COUNTRY.fullmatch(country) else NOWHERE
        return *_address(text), country


def _address(text: str) -> tuple[str, str]:
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
