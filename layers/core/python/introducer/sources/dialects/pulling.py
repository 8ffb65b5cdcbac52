"""Fetching a platform's rows: windows of time, one after the other, each page by page and account by account.

Every platform is asked in the same way; a dialect only says the address of a page, with places to fill. A window ends
at the present or `window_minutes` after its begin; what it asks for begins `overlap_minutes` earlier, because platforms
write rows late. What is read twice is one event.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import quote, urlsplit

from pydantic import Field, field_validator, model_validator

from introducer.domain.errors import Invalid
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.sources.dialects.model import Parameters, PullRequest, SourceSettings, Step
from introducer.sources.dialects.refusals import N_, Wrong, a_zone, code, codes
from introducer.sources.dialects.zones import UTC_ALONE, on_the_clock, zone

if TYPE_CHECKING:
    from introducer.sources.dialects.model import Dialect

PLACES = frozenset({"from", "to", "from_unix", "to_unix", "from_ms", "to_ms", "page", "offset", "limit", "account"})
"""What may stand in braces in an address. `from` and `to` are `2026-03-02 11:59:00`, and the `_unix` and `_ms` ones
count from 1970, all by the platform's clock; `page` counts from 1, `offset` from 0."""
_PLACE = re.compile(r"\{([^{}]*)\}")
_PAGED = frozenset({"page", "offset"})


class PullParameters(Parameters):
    """What fetching needs, whatever the platform. A source without `url` is not fetched: it posts, or sends files."""

    url: str = Field("", max_length=1000, description=N_("Where the platform answers: `https://…`"))
    auth: Literal["none", "bearer", "header", "query"] = Field(
        "none",
        description=N_(
            "How the secret goes along: not at all (`none`), as a bearer token (`bearer`), in a header (`header`), or "
            "in a parameter of the address (`query`)"
        ),
    )
    auth_name: str = Field(
        "", max_length=64, pattern=r"^[A-Za-z0-9_-]*$", description=N_("The header's or parameter's name")
    )
    accounts: tuple[str, ...] = Field(
        (),
        max_length=1000,
        description=N_("Accounts to ask for one after the other, where `{account}` stands in the address"),
    )
    since: date | None = Field(None, description=N_("The first day to ask for; needed where there is a `url`"))
    page_size: int = Field(100, ge=1, le=5000, description=N_("Rows asked for at once"))
    window_minutes: int = Field(
        1440, ge=1, le=44_640, description=N_("How long a stretch of time is asked for at once, in minutes")
    )
    overlap_minutes: int = Field(
        60, ge=0, le=44_640, description=N_("How late the platform may write a row, in minutes")
    )
    time_zone: str = Field(UTC_ALONE, description=N_("The platform's clock: `Europe/Nicosia`, or `America/New_York+7`"))

    @field_validator("url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        if not url:
            return url
        parts = urlsplit(_PLACE.sub("0", url))
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")):
            raise Wrong(N_("An address begins with `https://`."))
        if not parts.hostname or parts.username is not None or not url.isascii() or any(c.isspace() for c in url):
            raise Wrong(N_("Write an address in plain letters, without spaces and without a name or password in it."))
        unknown = set(_PLACE.findall(url)) - PLACES
        if unknown:
            raise Wrong(
                N_("`{place}` is no place: there are {places}."),
                place=code(f"{{{min(unknown)}}}"),
                places=codes(sorted(PLACES)),
            )
        return url

    @field_validator("time_zone")
    @classmethod
    def _a_zone(cls, name: str) -> str:
        return a_zone(name)

    @model_validator(mode="after")
    def _whole(self) -> PullParameters:
        if self.url and self.since is None:
            raise Wrong(N_("Say which day to begin with, such as `2026-03-01`."), field="since")
        if self.auth == "header" and not self.auth_name:
            raise Wrong(N_("Say what the header is called."), field="auth_name")
        if self.auth == "query" and not self.auth_name:
            raise Wrong(N_("Say what the parameter is called."), field="auth_name")
        return self


class _Cursor(NamedTuple):
    """The window that is being read, in milliseconds, and where in it. `end` is None before its first page."""

    begin: int
    end: int | None = None
    account: int = 0
    page: int = 0


def request(dialect: Dialect, source: SourceSettings, cursor: str | None, secret: str, now: datetime) -> PullRequest:
    """See `Dialect.request`."""
    parameters, address = _pulled(dialect, source)
    at = _at(parameters, cursor, now)
    begin = from_milliseconds(at.begin) - timedelta(minutes=parameters.overlap_minutes)
    end = from_milliseconds(at.end or 0)
    named = zone(parameters.time_zone)
    places: dict[str, Any] = {
        "page": at.page + 1,
        "offset": at.page * parameters.page_size,
        "limit": parameters.page_size,
        "account": parameters.accounts[at.account] if parameters.accounts else "",
    }
    for name, moment in (("from", begin), ("to", end)):
        shown = on_the_clock(moment, named)
        places |= {
            name: shown.strftime("%Y-%m-%d %H:%M:%S"),
            f"{name}_unix": milliseconds(shown) // 1000,
            f"{name}_ms": milliseconds(shown),
        }
    url = _PLACE.sub(lambda found: quote(str(places[found[1]]), safe=""), address)
    headers = {"Accept": "application/json, text/csv"}
    if parameters.auth == "bearer":
        headers["Authorization"] = f"Bearer {secret}"
    elif parameters.auth == "header":
        headers[parameters.auth_name] = secret
    elif parameters.auth == "query":
        url += f"{'&' if '?' in url else '?'}{parameters.auth_name}={quote(secret, safe='')}"
    return PullRequest(url=url, headers=headers)


def step(dialect: Dialect, source: SourceSettings, cursor: str | None, lines: int, now: datetime) -> Step:
    """See `Dialect.next_cursor`."""
    parameters, address = _pulled(dialect, source)
    at = _at(parameters, cursor, now)
    places = set(_PLACE.findall(address))
    if places & _PAGED and lines >= parameters.page_size:
        return Step(cursor=_text(at._replace(page=at.page + 1)), more=True)
    if "account" in places and at.account + 1 < len(parameters.accounts):
        return Step(cursor=_text(at._replace(account=at.account + 1, page=0)), more=True)
    end = at.end or 0
    return Step(cursor=_text(_Cursor(end)), more=end < milliseconds(now))


def reached(cursor: str | None) -> datetime | None:
    """Up to when all pages are read, by a cursor; None at the beginning."""
    return None if cursor is None else from_milliseconds(_Cursor(**json.loads(cursor)).begin)


def page_of(cursor: str | None) -> int:
    """Which page of its stretch of time a cursor is at, from 0."""
    return 0 if cursor is None else _Cursor(**json.loads(cursor)).page


def beginning(day: date) -> str:
    """The cursor at the beginning of a UTC day."""
    return _text(_Cursor(milliseconds(datetime.combine(day, datetime.min.time(), UTC))))


def _pulled(dialect: Dialect, source: SourceSettings) -> tuple[PullParameters, str]:
    parameters = source.parameters
    if dialect.address is None or not isinstance(parameters, PullParameters) or not parameters.url:
        raise Invalid(f"The source {source.source} is not fetched: it has no url in its settings.", code="not_pulled")
    address = dialect.address(parameters)
    if "account" in _PLACE.findall(address) and not parameters.accounts:
        raise Invalid("The address asks for accounts, and the settings name none.", code="invalid_settings")
    return parameters, address


def _at(parameters: PullParameters, cursor: str | None, now: datetime) -> _Cursor:
    """Where the cursor points. A window that has not begun ends as `now` lets it."""
    if cursor is None:
        first = datetime.combine(parameters.since or now.date(), datetime.min.time(), UTC)
        at = _Cursor(min(milliseconds(first), milliseconds(now)))
    else:
        at = _Cursor(**json.loads(cursor))
    if at.end is None:
        at = at._replace(end=min(milliseconds(now), at.begin + parameters.window_minutes * 60_000))
    return at


def _text(cursor: _Cursor) -> str:
    said = {name: value for name, value in cursor._asdict().items() if value}
    return json.dumps({"begin": cursor.begin} | said, separators=(",", ":"), sort_keys=True)
