"""Where a visitor is sent: the campaign's page with the click id, or a path that the partner asked for under its hosts.

A tracking link is a redirect that a stranger may write, so `to` is read narrowly. Allowed is a path (`/en/start?x=1`),
taken under the landing page's own host, or an `https` address whose host the campaign names. What is anything else,
or only looks odd, leads to the campaign's page. A link's own `path` is read by the same rules.

A page's address and the campaign's UTM parameters may hold macros, as `{partner}` or `{sub1}`: each becomes the value
of this click, encoded so that it cannot end the part of the address that it stands in. In the host there is no macro.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
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

_MACRO = re.compile(r"(\{(?:campaign|partner|link|code|sub[1-5]|click_id)\})", re.ASCII)
_KEPT = "%/:=&?~#+!$,;'@()*[]-._"
"""What has a meaning in an address stays as it is written, an escape too."""


def _no_value(name: str) -> str:
    return ""


def web_address(url: str) -> str:
    """An address in ASCII, as browsers want it; its macros stay. Raises `ValueError` when it is no web address with a
    host of its own: nothing may ever be sent there."""
    quoted = _quoted(url, _KEPT)
    split = urlsplit(quoted)
    if split.scheme not in ("http", "https") or not split.hostname or split.username is not None:
        raise ValueError(f"{url!r} is not the address of a page.")
    if "{" in split.netloc:
        raise ValueError(f"The host of {url!r} would be the visitor's to choose.")
    return quoted


class Landing:
    """A campaign's page and what may be put into its address."""

    __slots__ = ("_base", "_head", "_hosts", "_name", "_page", "_parameter", "_plain", "_tail", "_utm")

    def __init__(self, url: str, parameter: str, hosts: Iterable[str], utm: Iterable[tuple[str, str]] = ()) -> None:
        """`utm` are names and values that the address gets besides the click id; what the page's own address says
        under one of these names stays. Raises `ValueError` when the page is no web address."""
        url = web_address(url)
        split = urlsplit(url)
        self._base = f"{split.scheme}://{split.netloc}"
        self._hosts = {host.lower() for host in hosts}
        self._parameter = quote(parameter, safe="")
        self._name = parameter
        self._utm = {
            name: f"{quote(name, safe='')}={_quoted(value, '')}&" for name, value in utm if name and name != parameter
        }
        self._page = url
        own = {_name(part) for part in url.partition("#")[0].partition("?")[2].split("&")}
        self._head, self._tail = self._open(url, [name for name in self._utm if name not in own])
        self._plain = "{" not in self._head + self._tail

    def with_click(self, click: str, to: str = "", path: str = "", value: Callable[[str], str] = _no_value) -> str:
        """The address to send a visitor to: what `to` asks for, else the link's own `path`, else the page.

        `click` has only url-safe characters; `value` says what a macro stands for, by its name.
        """
        for asked in (to, path):
            if asked and (address := self._own(asked)) is not None:
                head, tail = self._open(address, self._utm)
                return _filled(head, value) + click + tail
        if self._plain:
            return self._head + click + self._tail
        return _filled(self._head, value) + click + _filled(self._tail, value)

    def without_click(self) -> str:
        """The page alone, for a visit that could not be signed."""
        return _filled(self._page, _no_value)

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

    def _open(self, url: str, utm: Iterable[str]) -> tuple[str, str]:
        """The address cut open where the click id goes, with these UTM parameters before it.

        A parameter of the click's name, or of one of these, that is already there is taken out: else the page might
        read an id that somebody wrote into `to`.
        """
        url, mark, fragment = url.partition("#")
        path, _, query = url.partition("?")
        ours = {self._name, *utm}
        others = [part for part in query.split("&") if part and _name(part) not in ours]
        return (
            f"{path}?{''.join(part + '&' for part in others)}{''.join(self._utm[name] for name in utm)}"
            f"{self._parameter}=",
            mark + fragment,
        )


def _name(part: str) -> str:
    """What a server reads as the name of a part of a query."""
    return unquote_plus(part.partition("=")[0])


def _quoted(text: str, kept: str) -> str:
    """The text encoded; after it the only braces left are those of macros."""
    return "".join(part if at % 2 else quote(part, safe=kept) for at, part in enumerate(_MACRO.split(text)))


def _filled(template: str, value: Callable[[str], str]) -> str:
    if "{" not in template:
        return template
    parts = _cut(template)
    return "".join([_encoded(value(part)) if at % 2 else part for at, part in enumerate(parts)])


@lru_cache(maxsize=1024)
def _cut(template: str) -> list[str]:
    """What stands between macros and, in turn, the names of the macros."""
    return [part[1:-1] if at % 2 else part for at, part in enumerate(_MACRO.split(template))]


@lru_cache(maxsize=4096)
def _encoded(value: str) -> str:
    # A part of a path that is only dots would climb out of the folder that it is put into.
    return quote(value, safe="") if value.strip(".") else ""
