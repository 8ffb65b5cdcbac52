"""Where a visitor is sent: the campaign's page with the click id, or a path that the partner asked for under its hosts.

A tracking link is a redirect that a stranger may write, so `to` is read narrowly. Allowed is a path (`/en/start?x=1`),
taken under the landing page's own host, or an `https` address whose host the campaign names. What is anything else,
or only looks odd, leads to the campaign's page.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_plus, urlsplit

LONGEST = 1024
"""Characters of `to` at most."""

# Letters that a path and a query are made of (RFC 3986): no control character, space, backslash or quote among them.
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*", re.ASCII)
_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*", re.ASCII)
_ADDRESS = re.compile(r"https://([A-Za-z0-9.-]{1,253})(/.*)?", re.ASCII)
# Written in percent: a slash, a backslash, a dot, a control character, a percent sign, or no two hex digits at all.
_ODD_ESCAPE = re.compile(r"%(?:2f|5c|2e|25|7f|[01][0-9a-f]|(?![0-9a-f]{2}))", re.IGNORECASE)
_ODD_IN_QUERY = re.compile(r"%(?:7f|[01][0-9a-f]|(?![0-9a-f]{2}))", re.IGNORECASE)
_ODD_PATH = re.compile(r"//|/\.{1,2}(?:/|$)")


class Landing:
    """A campaign's page and what may be put into its address."""

    __slots__ = ("_base", "_head", "_hosts", "_page", "_parameter", "_tail")

    def __init__(self, url: str, parameter: str, hosts: list[str]) -> None:
        """Raises `ValueError` when the page is no web address: nothing may ever be sent there."""
        # Browsers want an address in ASCII; an existing escape stays as it is.
        url = quote(url, safe="%/:=&?~#+!$,;'@()*[]-._")
        split = urlsplit(url)
        if split.scheme not in ("http", "https") or not split.hostname or split.username is not None:
            raise ValueError(f"{url!r} is not the address of a landing page.")
        self._base = f"{split.scheme}://{split.netloc}"
        self._hosts = {host.lower() for host in hosts}
        self._parameter = quote(parameter, safe="")
        self._page = url
        self._head, self._tail = self._open(url)

    def with_click(self, click: str, to: str = "") -> str:
        """The address to send a visitor to; `click` has only url-safe characters."""
        if to and (address := self._own(to)) is not None:
            head, tail = self._open(address)
            return head + click + tail
        return self._head + click + self._tail

    def without_click(self) -> str:
        """The page alone, for a visit that could not be signed."""
        return self._page

    def _own(self, to: str) -> str | None:
        """The full address when `to` lies under the campaign's hosts."""
        base = self._base
        if len(to) > LONGEST:
            return None
        if not to.startswith("/"):
            matched = _ADDRESS.fullmatch(to)
            if matched is None or matched[1].lower() not in self._hosts:
                return None
            base, to = f"https://{matched[1].lower()}", matched[2] or "/"
        path, _, query = to.partition("?")
        if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
            return None
        if _ODD_PATH.search(path) or _ODD_ESCAPE.search(path) or _ODD_IN_QUERY.search(query):
            return None
        return base + to

    def _open(self, url: str) -> tuple[str, str]:
        """The address cut open where the click id goes. A parameter of that name already there is taken out: else the
        page might read an id that somebody wrote into `to`."""
        url, mark, fragment = url.partition("#")
        path, _, query = url.partition("?")
        others = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) != self._name]
        return f"{path}?{''.join(part + '&' for part in others)}{self._parameter}=", mark + fragment

    @property
    def _name(self) -> str:
        return unquote_plus(self._parameter)
