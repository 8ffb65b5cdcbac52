"""One request as a page sees it: who asks, in which language, what was sent, and what goes back beside the page."""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlencode

import cookies
import multipart
from chalice.app import Request
from pydantic import BaseModel, ValidationError

from introducer.domain.api_key import ApiKey
from introducer.domain.configuration import Brand, Member, Partner
from introducer.domain.errors import Forbidden, IntroducerError, Invalid, Malformed, TooLarge
from introducer.domain.events import day_of
from introducer.domain.rate_limit import Allowance
from introducer.locale import Language, best, wishes

if TYPE_CHECKING:
    from wiring import Portal

MOST_BYTES = 64 * 1024
"""A form or a JSON body of the portal is never longer."""
MOST_FIELDS, LIST = 1_000, "[]"
_TOKEN_BYTES = 24
CSRF_FIELD, CSRF_HEADER = "csrf", "introducer-csrf"
KEY_FIELD, KEY_HEADER = "idempotency_key", "idempotency-key"
THEMES = ("auto", "light", "dark")
HTML, JSON, CSV = "text/html", "application/json", "text/csv"
FORM, FILE_FORM = "application/x-www-form-urlencoded", "multipart/form-data"
FILES = ("application/xml", "text/xml", "application/octet-stream")
"""What a program may send a file as, by itself."""

M = TypeVar("M", bound=BaseModel)


class FormRefused(Exception):
    """What was sent cannot be taken; a browser gets its form back, with what was typed. `errors` says by field what to
    do, as message ids; the empty name is for the form as a whole. `cause` is the error that a machine is told."""

    def __init__(
        self, errors: Mapping[str, str], values: Mapping[str, str], cause: IntroducerError | None = None
    ) -> None:
        super().__init__()
        self.errors = dict(errors)
        self.values = dict(values)
        self.cause = cause or Invalid("Some fields cannot be taken: see errors.", code="invalid", errors=self.errors)


@dataclass(kw_only=True)
class Visit:
    request: Request
    portal: Portal
    now: datetime
    """The house's clock."""
    true_now: datetime
    """The system's own: for what outsiders stamp, such as tokens."""
    member: Member | None = None
    partner: Partner | None = None
    signed_in_by: str = ""
    """`cookie` or `bearer`; empty for strangers."""
    api_key: ApiKey | None = None
    """The key that a program came in with; its `member` is then nobody's login."""
    allowance: Allowance | None = None
    """How many more requests whoever asks may send; None where nobody counts."""
    set_cookies: list[str] = field(default_factory=list)
    refused: FormRefused | None = None
    """Why a form is shown again."""
    posts_to: str = ""
    """An origin other than our own that a form of this page may be sent to."""
    idempotency_key: str | None = None
    """What the writer named this write; a repeat of it makes nothing twice."""
    most_bytes: int = MOST_BYTES
    """How long a body may be; longer than usual where a file is taken."""
    onward: str = ""
    """The cursor at which a list goes on that is read to its end in one request."""
    body: tuple[type[BaseModel], ...] = ()
    """The models that this page says it reads."""
    form_page: str = ""
    """Where the form stands that was sent here; empty for a page that is asked for."""

    # ------------------------------------------------------------------------------------------------- what was sent

    @cached_property
    def cookies(self) -> dict[str, str]:
        return cookies.read(self.header("cookie"))

    def header(self, name: str) -> str:
        return str(self.request.headers.get(name, ""))

    def query(self, name: str, otherwise: str = "") -> str:
        """A query parameter, stripped; the last one when it is repeated."""
        parameters = self.request.query_params
        return str(parameters.get(name, otherwise)).strip() if parameters else otherwise

    def queries(self, name: str) -> list[str]:
        """Every value of a query parameter, as a form sends what was ticked."""
        return [value.strip() for value in self._query_lists().get(name, [])]

    @property
    def path(self) -> str:
        return str(self.request.to_original_event()["rawPath"])

    @property
    def content_type(self) -> str:
        return self.header("content-type").partition(";")[0].strip().lower()

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The body as fields, from a form or from JSON. Raises `Malformed` and `TooLarge`."""
        kind = self.content_type
        try:
            raw = self._raw
            if self.takes_files and kind == FILE_FORM:
                fields = {part.name: part.content.decode() for part in self._parts if part.filename is None}
            elif self.takes_files and kind in FILES:
                fields = {}
            elif kind == JSON:
                fields = json.loads(raw or b"{}")
            elif kind == FORM or not raw:
                sent = parse_qs(raw.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS) if raw else {}
                # A form has no lists: a name that ends so is one, of what was ticked.
                fields = {
                    name.removesuffix(LIST): values if name.endswith(LIST) else values[-1]
                    for name, values in sent.items()
                }
            else:
                raise Malformed(
                    "Send a form or JSON: application/x-www-form-urlencoded or application/json.",
                    code="unsupported_media_type",
                )
        except (ValueError, RecursionError) as error:
            raise Malformed("The body cannot be read.", code="unreadable_body") from error
        if not isinstance(fields, dict):
            raise Malformed("Send an object.", code="unreadable_body")
        return fields

    @property
    def takes_files(self) -> bool:
        return self.most_bytes > MOST_BYTES

    @cached_property
    def file(self) -> tuple[str, bytes]:
        """The file that was sent, and what its sender calls it; empty where there is none. It comes in a form's field
        `file`, or is the body itself. Raises `Malformed` and `TooLarge`."""
        if self.content_type == FILE_FORM:
            found = next((part for part in self._parts if part.name == "file"), None)
            return ("", b"") if found is None else (found.filename or "", found.content)
        return ("", self._raw) if self.content_type in FILES else ("", b"")

    @cached_property
    def _raw(self) -> bytes:
        raw = self.request.raw_body
        if len(raw) > self.most_bytes:
            raise TooLarge(f"At most {self.most_bytes} bytes can be sent here.")
        return bytes(raw)

    @cached_property
    def _parts(self) -> list[multipart.Part]:
        return multipart.parts(self._raw, self.header("content-type"))

    def read(self, model: type[M]) -> M:
        """The body as this model; a form and JSON meet the same one. Raises `FormRefused`."""
        if self.body and model not in self.body:
            raise TypeError(f"{self.path} reads {model.__name__}, and says that it reads something else.")
        sent = {name: value for name, value in self.fields.items() if name not in (CSRF_FIELD, KEY_FIELD)}
        try:
            return model.model_validate(sent)
        except ValidationError as error:
            errors = {str((each["loc"] or ("",))[0]): _advice(each["type"]) for each in error.errors()}
            raise FormRefused(errors, {name: str(value) for name, value in sent.items()}) from None

    # ------------------------------------------------------------------------------------------- what is wanted back

    def wants(self, offered: tuple[str, ...]) -> str | None:
        """The best of what is offered, after `Accept`; None when nothing fits. A link can ask for the spreadsheet of a
        list by `as=csv`, for it cannot say what it accepts."""
        if CSV in offered and self.as_file:
            return CSV
        if self.signed_in_by == "bearer" or self.header("authorization"):
            offered = tuple(sorted(offered, key=lambda each: each == HTML))
        weights = [(_weight(self.header("accept"), kind), -position) for position, kind in enumerate(offered)]
        weight, position = max(weights)
        return offered[-position] if weight > 0 else None

    @cached_property
    def language(self) -> Language:
        chosen = self.cookies.get(cookies.LANGUAGE)
        own = self.member.language if self.member else None
        return best([chosen, own, *wishes(self.header("accept-language"))])

    @property
    def theme(self) -> str:
        theme = self.cookies.get(cookies.THEME, "auto")
        return theme if theme in THEMES else "auto"

    @property
    def today(self) -> str:
        """The UTC day: the house counts days, months and rates in UTC."""
        return day_of(self.now)

    @property
    def is_staff(self) -> bool:
        return self.member is not None and self.member.role.is_staff

    @cached_property
    def brand(self) -> Brand:
        assert self.member is not None
        return self.portal.configuration.brand(self.member.brand)

    def url(self, **changes: str | None) -> str:
        """This page with other query parameters; None removes one."""
        kept = {name: values[-1] for name, values in self._query_lists().items()}
        for name, value in changes.items():
            if value is None:
                kept.pop(name, None)
            else:
                kept[name] = value
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    def here(self) -> str:
        """Where somebody goes who wants to see this again: what a form was sent to may be no page of its own."""
        return self.form_page or (self.url() if self.request.method in ("GET", "HEAD") else "/")

    def _query_lists(self) -> dict[str, list[str]]:
        return dict(self.request.to_original_event().get("multiValueQueryStringParameters") or {})

    # --------------------------------------------------------------------------------------------------------- pages

    @property
    def as_file(self) -> bool:
        """Whether a list is asked for as a file, by a link: browsers cannot say so in `Accept`."""
        return self.query("as") == "csv"

    def position(self, subject: str) -> str | None:
        """Where this page of a list begins: the opened `cursor`. `subject` names whose list it is and which."""
        cursor = self.onward or self.query("cursor")
        return self.portal.cursors.open(subject, cursor) if cursor else None

    def next(self, subject: str, position: str | None) -> str | None:
        """The sealed cursor of the next page."""
        return None if position is None else self.portal.cursors.seal(subject, position)

    def limit(self, otherwise: int = 50, most: int = 200) -> int:
        """How many items a page holds: `limit`, within reason."""
        text = self.query("limit")
        if not text:
            return most if self.as_file else otherwise
        if not (text.isascii() and text.isdigit() and len(text) < 10) or not 1 <= int(text) <= most:
            raise Malformed(f"limit is a number from 1 to {most}.", code="bad_limit")
        return int(text)

    # ---------------------------------------------------------------------------------------------------------- CSRF

    @cached_property
    def csrf(self) -> str:
        """The token a write must carry, as this page has it: masked anew for each page, so that a page's compressed
        length says nothing of it to whoever can make a browser ask for pages with texts of theirs (BREACH)."""
        secret = self.secret
        if not secret:
            secret = secrets.token_urlsafe(24)
            self.set_cookies.append(cookies.put(cookies.VISIT, secret, cookies.YEAR))
        mask = secrets.token_bytes(_TOKEN_BYTES)
        return urlsafe_b64encode(mask + _mixed(mask, _token(secret))).decode()

    @property
    def secret(self) -> str:
        """What only this browser and we hold, and its CSRF token is made from: the refresh token of the session, or a
        random cookie before sign-in. A token of another session therefore never fits."""
        return self.cookies.get(cookies.REFRESH) or self.cookies.get(cookies.VISIT) or ""

    def check_csrf(self) -> None:
        """Raises `Forbidden` when a browser's write lacks the token of its own session.

        Machines hold no cookies and need none: no page of another site can send JSON without asking us first (CORS).
        A session whose refresh cookie ran out before the other one is a browser's all the same.
        """
        holds = self.secret or self.cookies.get(cookies.ACCESS)
        if self.signed_in_by == "bearer" or (not holds and self.content_type == JSON):
            return
        sent = _unmasked(self.header(CSRF_HEADER) or str(self.fields.get(CSRF_FIELD, "")))
        if not self.secret or not hmac.compare_digest(sent, _token(self.secret)):
            raise Forbidden("This form is of another session: load the page again and repeat.", code="csrf")


def _token(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"introducer portal csrf", sha256)[:_TOKEN_BYTES]


def _mixed(mask: bytes, token: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(mask, token, strict=True))


def _unmasked(sent: str) -> bytes:
    """The token that was sent; nothing for what cannot be one."""
    try:
        both = urlsafe_b64decode(sent.encode("ascii"))
    except ValueError:
        return b""
    half = len(both) // 2
    return _mixed(both[:half], both[half:]) if len(both) == 2 * _TOKEN_BYTES else b""


def _weight(accept: str, kind: str) -> float:
    """How much an `Accept` header wants a media type: the most specific range decides."""
    best_match = (-1, 0.0)
    for part in accept[:1000].split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        ranges = ("*/*", f"{kind.partition('/')[0]}/*", kind)
        specific = ranges.index(media) if media in ranges else -1
        best_match = max(best_match, (specific, quality))
    return best_match[1] if best_match[0] >= 0 else 0.0


def _advice(kind: str) -> str:
    match kind:
        case "missing" | "string_too_short":
            return N_("Fill this in.")
        case "string_too_long":
            return N_("This is too long.")
        case _:
            return N_("This does not fit here.")


def N_(message: str) -> str:
    """Marks a message for the catalogues; it is translated where it is shown."""
    return message
