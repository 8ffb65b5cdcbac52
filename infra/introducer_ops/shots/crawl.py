"""Which pages there are, for whom: from the first page of each login along its links, as a person goes.

One page, or two, of each shape are kept: a shape is a route and the names of its query parameters. Addresses that look
alike beyond that are only asked whether they are there.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx

from introducer_ops import route_index

STRANGER = "stranger"
"""Who looks without a login."""
_PAGE_OF_A_LIST = "cursor"
_NOT_PAGES = ("/-/", "/static/", "/public-assets/")
_SIGN_IN = "/sign-in"
_ALIKE = 3
"""Further addresses of a shape that are asked whether they are there, as each person."""
_SHAPES = 4
"""Shapes of a route that are followed as each person: reports have one for every choice that one can make."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who looks: a role, and the login that has it (no e-mail for a stranger)."""

    role: str
    email: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A page that is looked at, and by whom."""

    role: str
    path: str
    """With its query."""
    route: str
    """As it is registered: `/links/{code}`."""
    alike: bool = False
    """Whether a page of this shape is kept already."""

    @property
    def name(self) -> str:
        """What its pictures are called."""
        parts = urlsplit(self.path)
        query = "".join(f"-{name}" for name, _ in parse_qsl(parts.query))
        plain = re.sub(r"\{(\w+)\}", r"\1", self.route).strip("/").replace("/", "-") or "home"
        return f"{self.role}-{plain}{query}"


@dataclass(slots=True)
class Found:
    """What a crawl came to."""

    places: list[Place] = field(default_factory=list)
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    """The session of each role."""
    broken: list[str] = field(default_factory=list)
    """Links that lead nowhere: where they stand, where they lead, and what was answered."""
    reached: set[str] = field(default_factory=set)
    """Routes that answered somebody, with a page or with a file."""
    unreached: list[str] = field(default_factory=list)
    """Routes that no link leads to."""
    asked: int = 0
    """Addresses that were asked for."""


class _Links(HTMLParser):
    """The addresses that a page leads to: of its links, and of buttons that take what is ticked somewhere else."""

    _TICKS = 2
    """So many boxes of a form are ticked, the first ones."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._ticked: list[tuple[str, str]] | None = None
        """Of the form that is being read; None outside of forms that ask."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.found.append(str(given["href"]))
        elif tag == "form":
            self._ticked = [] if given.get("method", "get") == "get" else None
        elif self._ticked is not None and tag == "input" and given.get("type") == "checkbox":
            self._ticked += [(str(given["name"]), str(given["value"]))] if len(self._ticked) < self._TICKS else []
        elif self._ticked is not None and tag == "button" and given.get("formaction"):
            chosen = [(str(given["name"]), str(given["value"]))] if given.get("name") else []
            self.found.append(f"{given['formaction']}?{urlencode(self._ticked + chosen)}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._ticked = None


def links_of(html: str) -> list[str]:
    """The addresses that a page leads to, in order, each once."""
    reader = _Links()
    reader.feed(html)
    return list(dict.fromkeys(reader.found))


def registered_routes() -> tuple[str, ...]:
    """Every route of the portal that answers GET, as it is registered."""
    return tuple(sorted(path for path, methods in route_index.routes().items() if "GET" in methods))


def route_of(path: str, routes: Iterable[str]) -> str | None:
    """The route that answers this path: one without parameters before one with them."""
    given = path.split("/")
    fitting = [route for route in routes if _fits(route.split("/"), given)]
    return min(fitting, key=lambda route: route.count("{"), default=None)


def _fits(route: Sequence[str], given: Sequence[str]) -> bool:
    return len(route) == len(given) and all(
        wanted == is_ or (wanted.startswith("{") and is_) for wanted, is_ in zip(route, given, strict=True)
    )


def shape_of(path: str, route: str) -> tuple[str, frozenset[str]]:
    """What pages look alike by: the route, and the names in the query."""
    return route, frozenset(name for name, _ in parse_qsl(urlsplit(path).query, keep_blank_values=True))


def sign_in(client: httpx.Client, person: Person) -> str:
    """Signs in through the form; where that leads. RuntimeError when it is refused."""
    form = client.get(_SIGN_IN, headers={"accept": "text/html"}).text
    csrf = re.search(r'name="csrf" value="([^"]*)"', form)
    if csrf is None:
        raise RuntimeError(f"{client.base_url}{_SIGN_IN} has no form: is it the portal?")
    fields = {"email": person.email, "password": person.password, "csrf": csrf[1], "next": "/"}
    answer = client.post(_SIGN_IN, data=fields, headers={"accept": "text/html", "cookie": _jar(client)})
    if answer.status_code != 303:
        raise RuntimeError(f"{person.email} cannot sign in: {answer.status_code}")
    return str(answer.headers["location"])


def _jar(client: httpx.Client) -> str:
    """The cookies by hand: a jar keeps `Secure` ones to itself on plain HTTP, which browsers do not on this machine."""
    return "; ".join(f"{each.name}={each.value}" for each in client.cookies.jar)


def crawl(
    url: str,
    people: Sequence[Person],
    *,
    starts: Mapping[str, Sequence[str]],
    routes: Collection[str] = (),
    per_shape: int = 2,
    most: int = 900,
    say: Callable[[str], None] = lambda line: None,
) -> Found:
    """Walks through the portal as each person. `starts` are further first pages by role; `most` bounds what is asked
    for as each."""
    routes = routes or registered_routes()
    found, kept = Found(), dict[tuple[str, frozenset[str]], int]()
    for person in people:
        say(f"walking as {person.role}")
        with httpx.Client(base_url=url, timeout=60, trust_env=False, follow_redirects=False) as client:
            first = [sign_in(client, person) if person.email else _SIGN_IN]
            found.cookies[person.role] = {each.name: each.value or "" for each in client.cookies.jar}
            _walk(client, person, [*first, *starts.get(person.role, ())], routes, kept, found, per_shape, most)
    found.unreached = [route for route in routes if route not in found.reached and not route.startswith(_NOT_PAGES)]
    return found


def _walk(
    client: httpx.Client,
    person: Person,
    first: Sequence[str],
    routes: Collection[str],
    kept: dict[tuple[str, frozenset[str]], int],
    found: Found,
    per_shape: int,
    most: int,
) -> None:
    waiting: deque[tuple[str, str]] = deque((path, "") for path in first)
    known = {path for path, _ in waiting}
    read: dict[tuple[str, frozenset[str]], int] = {}
    shapes: dict[str, int] = {}
    asked = 0
    while waiting and asked < most:
        path, before = waiting.popleft()
        route = route_of(urlsplit(path).path, routes)
        shape = shape_of(path, route or path)
        if shape not in read:
            shapes[shape[0]] = shapes.get(shape[0], 0) + 1
        if shapes[shape[0]] > _SHAPES and shape not in read:
            continue
        seen = read[shape] = read.get(shape, 0) + 1
        # What somebody before has kept is read once, for where it leads this one.
        wanted = per_shape if kept.get(shape, 0) < per_shape else 1
        if seen > wanted + _ALIKE:
            continue
        enough = seen > wanted
        headers = {"accept": "text/html", "cookie": _jar(client)}
        answer = client.head(path, headers=headers) if enough else client.get(path, headers=headers)
        asked, found.asked = asked + 1, found.asked + 1
        if answer.status_code in (301, 302, 303):
            found.reached |= {route} if route else set()
            waiting.extend(_further(path, [answer.headers["location"]], str(client.base_url), known))
            continue
        if answer.status_code != 200:
            found.broken.append(f"{answer.status_code} {path}, from {before or 'the start'} as {person.role}")
            continue
        if enough:
            continue
        found.reached |= {route} if route else set()
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        if route and (kept.get(shape, 0) < per_shape or _is_first(path)):
            kept[shape] = kept.get(shape, 0) + 1
            found.places.append(Place(person.role, path, route, alike=kept[shape] > 1 and not _is_first(path)))
        waiting.extend(_further(path, links_of(answer.text), str(client.base_url), known))


def _is_first(path: str) -> bool:
    """Whether this is where a day begins, which looks different to each."""
    return path in ("/", "/desk")


def _further(page: str, links: Iterable[str], base: str, known: set[str]) -> Iterator[tuple[str, str]]:
    """What of these links leads on, and was not seen yet."""
    for link in links:
        parts = urlsplit(urljoin(urljoin(base, page), link))
        if parts.netloc != urlsplit(base).netloc or parts.scheme not in ("http", "https"):
            continue
        if any(name == _PAGE_OF_A_LIST for name, _ in parse_qsl(parts.query)):
            continue
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if path not in known:
            known.add(path)
            yield path, page


def links_in_mails(folder: Path, routes: Collection[str], most: int = 4_000) -> list[str]:
    """One path of each route of the portal that mails lead to: unsubscribing, confirming an address."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.eml"))[:most]:
        mail = message_from_bytes(path.read_bytes(), policy=default)
        body = mail.get_body(("plain",)) if isinstance(mail, EmailMessage) else None
        for url in re.findall(r"https?://[^\s<>\"]+", body.get_content() if body else ""):
            parts = urlsplit(url.rstrip(".,)"))
            route = route_of(parts.path, routes)
            if route:
                found.setdefault(route, parts.path + (f"?{parts.query}" if parts.query else ""))
    return list(found.values())
