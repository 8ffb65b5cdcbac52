"""Every page is also the API. A route returns its data once; by `Accept` it becomes HTML for a browser, JSON for a
program, and CSV where it is a list. An error becomes a page or `application/problem+json`, of the same status and code.

A page is registered with `page`. Who may see it, the CSRF token of a write and its `Idempotency-Key` are checked here,
so that no page can forget them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Any
from urllib.parse import quote

import limits
import rendering
import session
import wiring
from adapter import UNKNOWN_METHOD, UNKNOWN_PATH
from assets import asset
from chalice import Chalice
from chalice.app import Response
from pydantic import BaseModel
from route_index import ROUTES
from visit import CSRF_FIELD, CSV, HTML, JSON, KEY_FIELD, KEY_HEADER, MOST_BYTES, FormRefused, Visit

from introducer.domain.errors import Forbidden, IntroducerError, Malformed, NotFound, Unauthenticated
from introducer.domain.identity import keyed_hash
from introducer.domain.money import Money, decimal_string
from introducer.runtime import problems
from introducer.store.idempotency import Answer

app = Chalice("portal", configure_logs=False)
# Which answers are bytes, the adapter sees. Chalice refuses pictures to browsers that ask for `image/*`.
app.api.binary_types = []

PDF = "application/pdf"
CHALLENGE = 'Bearer realm="introducer"'
SIGN_IN = "/sign-in"
DESK, STAFF_HOME, PARTNER_HOME = "/desk", "/desk/partners", "/"
_LONGEST_KEY = 200
MOST_ROWS = 5_000
"""How long a list is that a link saves as a file; its `Link` header says where it would go on."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_BEGINS_FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""What spreadsheets take for a formula, or strip before they look for one; the last four are the wide forms of the
first four, which some read alike."""
_PLAIN_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Cache-Control": "private, no-store",
    "Vary": "Accept, Accept-Language, Authorization, Cookie",
}
_PAGE_HEADERS = _PLAIN_HEADERS | {
    # No inline script and no inline style: what a partner's name or a platform's message may contain stays text.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


class Who(StrEnum):
    """Who may see a page."""

    ANYONE = "anyone"
    MEMBER = "member"
    PARTNER = "partner"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Go:
    """Not here: there."""

    location: str


@dataclass(frozen=True, slots=True)
class Done:
    """A write is done. A browser is sent on to `location`, a program gets the data (and 201 when something is new)."""

    data: Any
    location: str
    created: bool = False


Column = tuple[str, Callable[[Any], Any]]
Columns = Sequence[Column] | Callable[[Any], Sequence[Column]]
"""A list's columns; for a page with more than one list, a function of the page's data."""


@dataclass(frozen=True, slots=True)
class Spec:
    """How a page is answered."""

    template: str
    who: Who
    method: str
    columns: Columns
    again: Callable[..., Any] | None
    """The page that shows a refused form again."""
    private: bool
    """Whether what is sent here could be found by trying from a plain hash of it."""
    most_bytes: int
    """How long a body may be: longer than usual where a file is taken."""
    kept_seconds: int
    """How long a cache on the way may keep the answer; 0 for never."""
    by_link: bool = False
    """Whether the address itself is the proof: a write needs no session, no CSRF token, and its body is not read."""
    unkept: bool = False
    """Whether the answer to a write shows a secret, and is kept for no repeat."""
    body: tuple[type[BaseModel], ...] = ()
    """What a write reads; settings that lie beside it in the same object are a model of their own."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is registered: the API's description and the tests over all routes read it."""

    path: str
    method: str
    spec: Spec
    view: Callable[..., Any]


registered: list[Page] = []
"""All that are registered, in the order in which they are."""


def page(
    path: str,
    template: str = "",
    *,
    method: str = "GET",
    who: Who = Who.PARTNER,
    columns: Columns = (),
    again: Callable[..., Any] | None = None,
    private: bool = False,
    most_bytes: int = MOST_BYTES,
    kept_seconds: int = 0,
    by_link: bool = False,
    unkept: bool = False,
    body: type[BaseModel] | tuple[type[BaseModel], ...] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a view: `view(visit, **path parameters)` returns the page's data, `Go`, `Done` or a whole `Response`.

    `columns` make a list's `items` available as CSV. `again` is the view whose page shows a refused form. `private` is
    for bank details: there are few enough account numbers to try them all. A larger `most_bytes` makes it take a file;
    such a view must be harmless to repeat by itself, since neither its file nor its answer is kept. `kept_seconds` is
    for what anybody may see: such a page knows nothing of who asks, and any cache on the way may keep it. `by_link` is
    for an address that we signed, and a machine posts to: the address is the proof, and repeating it is harmless.
    `unkept` is for what is shown once: such a view must itself refuse to do it twice. `body` is the model of what a
    write is sent, which the API's description is made from; more than one where settings lie beside it in one object.
    """
    models = body if isinstance(body, tuple) else (body,)
    spec = Spec(template, who, method, columns, again, private, most_bytes, kept_seconds, by_link, unkept, models)

    def register(view: Callable[..., Any]) -> Callable[..., Any]:
        def route(**parameters: str) -> Response:
            return respond(spec, view, parameters)

        app.route(path, methods=[method], content_types=[], name=view.__name__)(route)
        registered.append(Page(path, method, spec, view))
        return view

    return register


def respond(spec: Spec, view: Callable[..., Any], parameters: Mapping[str, str]) -> Response:
    """The answer to the current request."""
    assert app.current_request is not None
    portal = wiring.portal
    visit = Visit(
        request=app.current_request,
        portal=portal,
        now=portal.now(),
        true_now=portal.true_now(),
        most_bytes=spec.most_bytes,
        body=spec.body,
        form_page=_form_page(spec, parameters),
    )
    if spec.kept_seconds:
        visit.cookies = {}
    try:
        _admit(spec, visit)
        if spec.method == "GET":
            result = view(visit, **parameters)
            if visit.as_file and spec.columns and isinstance(result, Mapping):
                result = _to_its_end(visit, view, parameters, result)
            response = _answer(spec, visit, result)
        else:
            response = _write(spec, visit, view, parameters)
    except FormRefused as refused:
        response = _refusal(spec, visit, refused, parameters)
    except Exception as error:
        if spec.kept_seconds:
            # The page of an error has forms, and is kept by nobody.
            del visit.cookies
        response = _problem(visit, error)
    if spec.kept_seconds and response.status_code in (200, 304):
        response.headers |= {
            "Cache-Control": f"public, max-age={spec.kept_seconds}",
            "Vary": "Accept, Accept-Language, Authorization",
        }
    response.headers |= limits.headers(visit.allowance)
    if visit.set_cookies:
        response.headers["Set-Cookie"] = visit.set_cookies
    return response


def _form_page(spec: Spec, parameters: Mapping[str, str]) -> str:
    """Where the form stands that is sent to this route; empty for a page, and where there is none."""
    if spec.method == "GET" or spec.again is None:
        return ""
    path = next((each.path for each in registered if each.view is spec.again and each.method == "GET"), "")
    return path.format_map({name: quote(value, safe="") for name, value in parameters.items()})


def file(content: bytes, kind: str, name: str) -> Response:
    """A file to keep, as it is: a page returns it instead of data."""
    headers = {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers | _PLAIN_HEADERS, 200)


def plain(value: Any) -> Any:
    """The value as JSON has it: amounts as decimal strings with their currency, moments in RFC 3339."""
    if isinstance(value, Money):
        return {"amount": decimal_string(value.minor, value.currency), "currency": value.currency}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    return value


def cell(value: Any) -> str:
    """The value as a spreadsheet may read it: a text that would be a formula is kept a text."""
    value = plain(value)
    text = "" if value is None else value["amount"] if isinstance(value, dict) and "amount" in value else str(value)
    if text and text[0] in _BEGINS_FORMULA and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


# ------------------------------------------------------------------------------------------------- who may, and once


def _admit(spec: Spec, visit: Visit) -> None:
    if spec.who is not Who.ANYONE:
        session.authenticate(visit)
    if spec.method != "GET" and not spec.by_link:
        visit.check_csrf()
    if spec.who is Who.STAFF and not visit.is_staff:
        raise Forbidden("This page is for the broker's staff.", code="staff_only")
    if spec.who is Who.PARTNER and visit.partner is None:
        raise Forbidden("This page is for partners.", code="partners_only")


def _write(spec: Spec, visit: Visit, view: Callable[..., Any], parameters: Mapping[str, str]) -> Response:
    """Runs a write once per `Idempotency-Key` of its member: a repeat meets the first one's answer."""
    if spec.by_link:
        return _answer(spec, visit, view(visit, **parameters))
    key = "" if visit.takes_files or spec.unkept else visit.header(KEY_HEADER) or str(visit.fields.get(KEY_FIELD, ""))
    if not key or visit.member is None:
        return _answer(spec, visit, view(visit, **parameters))
    if len(key) > _LONGEST_KEY or not key.isprintable():
        raise Malformed(f"An Idempotency-Key has 1 to {_LONGEST_KEY} printable characters.", code="bad_key")
    visit.idempotency_key = key
    sent = {name: value for name, value in visit.fields.items() if name not in (CSRF_FIELD, KEY_FIELD)}
    request = json.dumps([visit.path, sent], sort_keys=True)
    if spec.private:
        fingerprint = keyed_hash(visit.portal.brand_key(visit.member.brand), "request", request)
    else:
        fingerprint = hashlib.sha256(request.encode()).hexdigest()
    actor, store = visit.member.member, visit.portal.idempotency
    before = store.claim(actor, key, fingerprint, visit.now)
    if before is not None:
        headers = {"Content-Type": before.content_type, "Idempotency-Replayed": "true"} | _PLAIN_HEADERS
        if before.location:
            headers["Location"] = before.location
        return Response(before.body, headers, before.status)
    try:
        response = _answer(spec, visit, view(visit, **parameters))
    except BaseException:
        store.release(actor, key, fingerprint)
        raise
    headers = response.headers
    store.answer(
        actor, key, fingerprint,
        Answer(response.status_code, headers.get("Content-Type", ""), response.body, headers.get("Location", "")),
    )  # fmt: skip
    return response


# ----------------------------------------------------------------------------------------------------------- answers


def _answer(spec: Spec, visit: Visit, result: Any) -> Response:
    match result:
        case Response():
            return result
        case Go(location):
            return _see(location)
        case Done(data, location, created):
            if visit.wants((HTML, JSON)) == HTML:
                return _see(location)
            return _json(data, 201 if created else 200, {"Location": location} if created else {})
    offered = (HTML, JSON, CSV) if spec.columns else (HTML, JSON)
    following = result.get("next") if isinstance(result, Mapping) else None
    link = {"Link": f'<{visit.url(cursor=following)}>; rel="next"'} if following else {}
    match visit.wants(offered):
        case "text/html":
            # Before it is rendered: a page that is asked for again and again is rendered when there is news.
            tag = _tag(_shown(visit, result))
            return _news(visit, tag, lambda: _html(visit, rendering.render(spec.template, visit, result), 200))
        case "application/json":
            answer = _json(result, 200, link)
            return _news(visit, _tag(answer.body), lambda: answer)
        case "text/csv":
            answer = _csv(spec, visit, result, link)
            return _news(visit, _tag(answer.body), lambda: answer)
        case _:
            return _problem(
                visit, Malformed("This page speaks HTML and JSON, lists CSV too.", code="not_acceptable"), 406
            )


def _to_its_end(
    visit: Visit, view: Callable[..., Any], parameters: Mapping[str, str], result: Mapping[str, Any]
) -> Mapping[str, Any]:
    """A list with the items of all its pages, up to `MOST_ROWS` or a few more: somebody saves it as a file."""
    items, following = list(result["items"]), result.get("next")
    while following and len(items) < MOST_ROWS:
        visit.onward = following
        page = view(visit, **parameters)
        items += page["items"]
        following = page.get("next")
    return {**result, "items": items, "next": following}


def _shown(visit: Visit, result: Any) -> str:
    """All that a page is made of, as a text: equal texts are equal pages, but for what is random in them. Spoken times
    ("3 minutes ago") move, so that after five minutes it is another one."""
    frame = [visit.member, visit.partner, visit.brand.name] if visit.member else []
    look = [visit.language.code, visit.theme, asset("portal.css"), asset("portal.js")]
    moment = int(visit.now.timestamp()) // 300
    return json.dumps(plain([result, frame, look, visit.url(), visit.secret, moment]), default=str, sort_keys=True)


def _tag(text: str) -> str:
    """A weak `ETag`: answers that have it in common say the same, though the bytes may differ."""
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _news(visit: Visit, tag: str, answer: Callable[[], Response]) -> Response:
    """The answer, or that whoever asks has it already (`If-None-Match`)."""
    known = {each.strip().removeprefix("W/") for each in visit.header("if-none-match").split(",")}
    if tag.removeprefix("W/") in known or known == {"*"}:
        return Response("", {"Content-Type": "text/plain", "ETag": tag} | _PLAIN_HEADERS, 304)
    response = answer()
    response.headers["ETag"] = tag
    return response


def _html(visit: Visit, text: str, status: int) -> Response:
    headers = {"Content-Type": "text/html; charset=utf-8"} | _PAGE_HEADERS
    if visit.posts_to:
        wider = f"form-action 'self' {visit.posts_to}"
        headers["Content-Security-Policy"] = headers["Content-Security-Policy"].replace("form-action 'self'", wider)
    return Response(text, headers, status)


def _json(data: Any, status: int, headers: Mapping[str, str]) -> Response:
    body = json.dumps(plain(data), ensure_ascii=False, separators=(",", ":"))
    return Response(body, {"Content-Type": "application/json"} | _PLAIN_HEADERS | dict(headers), status)


def _csv(spec: Spec, visit: Visit, result: Mapping[str, Any], link: Mapping[str, str]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    columns = spec.columns(result) if callable(spec.columns) else spec.columns
    writer.writerow(name for name, _ in columns)
    writer.writerows([cell(value(item)) for _, value in columns] for item in result["items"])
    name = visit.path.strip("/").replace("/", "-") or "list"
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}.csv"',
    }
    return Response(text.getvalue(), headers | _PLAIN_HEADERS | dict(link), 200)


def _see(location: str) -> Response:
    return Response("", {"Location": location, "Content-Type": "text/plain"} | _PLAIN_HEADERS, 303)


# ------------------------------------------------------------------------------------------------------------ errors


def _refusal(spec: Spec, visit: Visit, refused: FormRefused, parameters: Mapping[str, str]) -> Response:
    if spec.again is None or visit.wants((HTML, JSON)) != HTML:
        return _problem(visit, refused.cause)
    visit.refused = refused
    try:
        shown = spec.again(visit, **parameters)
        if isinstance(shown, (Go, Response)):
            # There is no form to show again: the page itself leads elsewhere.
            return _problem(visit, refused.cause)
        text = rendering.render(spec.template, visit, shown)
    except Exception as error:
        return _problem(visit, error)
    return _html(visit, text, problems.status_of(refused.cause))


def _problem(visit: Visit, error: BaseException, status: int | None = None) -> Response:
    request_id = str(visit.request.context.get("requestId", ""))
    problems.report(error, request_id)
    known = problems.document(error, request_id, visit.path)
    status = known["status"] = status or known["status"]
    headers = problems.headers_of(error, CHALLENGE)
    if visit.wants((HTML, JSON)) != HTML:
        body = json.dumps(known, ensure_ascii=False, separators=(",", ":"), default=str)
        return Response(body, headers | _PLAIN_HEADERS, status)
    if isinstance(error, Unauthenticated):
        return _see(_sign_in(visit))
    kept = {name: value for name, value in headers.items() if name == "retry-after"}
    try:
        text = rendering.render("problem.html", visit, {"problem": known})
    except IntroducerError:
        # The page's frame reads the books too; without a member it needs nothing.
        visit.member = visit.partner = None
        text = rendering.render("problem.html", visit, {"problem": known})
    response = _html(visit, text, status)
    response.headers.update(kept)
    return response


def _sign_in(visit: Visit) -> str:
    """The sign-in page, which leads back here when this was a look and not a write."""
    if visit.request.method != "GET" or visit.path == "/":
        return SIGN_IN
    return f"{SIGN_IN}?next={quote(visit.url(), safe='/')}"


@page(UNKNOWN_PATH, who=Who.ANYONE)
def unknown_path(visit: Visit) -> Any:
    with suppress(IntroducerError):
        # Only for the page's frame: who is signed in keeps the way back.
        session.authenticate(visit)
    raise NotFound("There is no such page.", code="no_such_page")


@page(UNKNOWN_METHOD, who=Who.ANYONE)
def unknown_method(visit: Visit) -> Response:
    allowed = sorted({method for path, methods in ROUTES.items() if _fits(path, visit.path) for method in methods})
    error: IntroducerError = NotFound("This page does not take this method.", code="method_not_allowed")
    response = _problem(visit, error, 405)
    response.headers["Allow"] = ", ".join([*allowed, "HEAD"] if "GET" in allowed else allowed)
    return response


def _fits(route: str, path: str) -> bool:
    parts, given = route.split("/"), path.split("/")
    return len(parts) == len(given) and all(a == b or a.startswith("{") for a, b in zip(parts, given, strict=True))
