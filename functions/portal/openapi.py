"""The API's description (OpenAPI 3.1), made from what is registered: paths, the models of what is sent, who may ask.

What routes answer is known from having been looked at: see `shapes`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any

import registry
import scopes
import server
import shapes
from adapter import UNKNOWN_METHOD, UNKNOWN_PATH
from server import PDF, Page, Who
from visit import CSRF_FIELD, CSRF_HEADER, CSV, FILE_FORM, FORM, HTML, JSON, KEY_FIELD, MOST_BYTES

PROBLEM = "application/problem+json"
BINARY = "application/octet-stream"
VERSION = "1"
METHODS = {"GET": "get", "POST": "post"}

Schema = dict[str, Any]

TITLES = {
    "": "Overview",
    "apply": "Applying",
    "api": "The description",
    "openapi.json": "The description",
    "m": "Pictures",
    "public": "Public pages",
    "sign-in": "Signing in",
    "sign-out": "Signing in",
    "preferences": "Settings",
    "static": "Pictures",
    "unsubscribe": "Mail",
}
"""What areas are called, where their path is not their name."""
OF_STAFF = "Staff: "

PARAMETERS: Mapping[str, tuple[str, Schema]] = {
    "cursor": ("Where the page begins: `next` of the page before. Sealed: it fits its own list alone.", {}),
    "limit": ("How many items a page holds at most.", {"type": "integer", "minimum": 1, "maximum": 200}),
    "month": ("A month, such as `2026-04`.", {"pattern": r"^20\d\d-(0[1-9]|1[0-2])$"}),
    "day": ("A UTC day, such as `2026-04-02`.", {"format": "date"}),
    "language": ("Two letters: `en ru ar pl es th`.", {}),
    "as": ("`csv`: the whole list as a file to keep.", {}),
}
"""What is said of parameters by their names. Others are texts."""

STATUSES: Mapping[str, str] = {
    "400": "It cannot be read.",
    "401": "Sign in first, or send a key that is good.",
    "403": "Known, but not allowed to.",
    "404": "There is no such thing, or it is another's.",
    "405": "This page does not take this method.",
    "406": "The page cannot answer in what `Accept` asks for.",
    "409": "It contradicts what is recorded.",
    "413": "It is longer than what is taken here.",
    "422": "It can be read, but says something that cannot be: `errors` has what to do, by field.",
    "429": "Too many requests: wait as long as `Retry-After` says.",
    "503": "Something behind us does not answer: try again as `Retry-After` says.",
}
RATE_HEADERS = {
    "RateLimit-Limit": "How many requests may come at once.",
    "RateLimit-Remaining": "How many may come now.",
    "RateLimit-Reset": "In how many seconds all may come again.",
}
_PARAMETER = re.compile(r"\{(\w+)\}")


@cache
def text() -> tuple[str, str]:
    """The document as it is served, and its name for caches."""
    written = json.dumps(document(), ensure_ascii=False, separators=(",", ":"))
    return written, f'"{sha256(written.encode()).hexdigest()[:32]}"'


@cache
def document() -> dict[str, Any]:
    """The description of everything that is registered."""
    known = shapes.answers()
    paths: dict[str, dict[str, Any]] = {}
    for page in described():
        of_page = known.get(f"{page.method} {page.path}", {})
        paths.setdefault(page.path, {})[METHODS[page.method]] = _operation(page, of_page)
    tags = dict.fromkeys(area(path) for path in paths)
    shared = _Shared(paths)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Introducer",
            "version": VERSION,
            "summary": "Every page of the portal is also the API: the same address answers a browser and a program.",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in tags],
        "paths": shared.paths,
        "components": {
            "schemas": _SCHEMAS | shared.schemas,
            "responses": {status: _refusal(status) for status in STATUSES},
            "securitySchemes": _SECURITY,
            "headers": {
                name: {"description": said, "schema": {"type": "integer"}} for name, said in RATE_HEADERS.items()
            }
            | {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
        },
    }


def described() -> list[Page]:
    """What is described: all that can be asked for, partners' pages first, by path."""
    registry.load_all()
    pages = [page for page in server.registered if page.path not in (UNKNOWN_PATH, UNKNOWN_METHOD)]
    return sorted(pages, key=lambda page: (page.path.startswith("/desk"), page.path, page.method))


def area(path: str) -> str:
    """What a page belongs to: the first word of its path, for staff the one behind `/desk`."""
    words = path.strip("/").split("/")
    staff = words[0] == "desk"
    word = (words[1] if len(words) > 1 else "work") if staff else words[0]
    name = TITLES.get(word, word.replace("-", " ").capitalize())
    return OF_STAFF + name[0].lower() + name[1:] if staff else name


def summary(page: Page) -> str:
    """What it is for, in a line: the first sentence of the view."""
    said = " ".join((page.view.__doc__ or "").split())
    return re.split(r"(?<=[.:]) ", said, maxsplit=1)[0].rstrip(".:")


def operation_id(page: Page) -> str:
    """A name that stays: the method and the words of the path."""
    words = re.findall(r"\w+", page.path.replace("-", "_")) or ["overview"]
    return "_".join([METHODS[page.method], *words])


# ----------------------------------------------------------------------------------------------------------- the parts


def _operation(page: Page, known: Mapping[str, Any]) -> dict[str, Any]:
    said = " ".join((page.view.__doc__ or "").split())
    found: dict[str, Any] = {
        "operationId": operation_id(page),
        "tags": [area(page.path)],
        "summary": summary(page),
        "description": f"{said}\n\n{_who(page)}".strip(),
        "security": _security(page),
        "responses": _responses(page, known),
    }
    codes = {status: found for status, found in known.get("codes", {}).items() if found}
    if codes:
        found["x-codes"] = codes
    parameters = [*_path_parameters(page), *_query_parameters(known)]
    if page.method == "POST" and not page.spec.by_link and page.spec.who is not Who.ANYONE and not page.spec.unkept:
        parameters.append(_IDEMPOTENCY)
    if parameters:
        found["parameters"] = parameters
    if page.method == "POST" and not page.spec.by_link:
        found["requestBody"] = _request_body(page, known)
    return found


def _who(page: Page) -> str:
    said = {
        Who.ANYONE: "Anybody may ask.",
        Who.MEMBER: "Whoever signed in may ask.",
        Who.PARTNER: "Logins of a partner may ask.",
        Who.STAFF: "The brand's staff may ask, as far as their role goes.",
    }[page.spec.who]
    if page.spec.who is Who.ANYONE:
        return said
    scope = scopes.needed(page.method, _PARAMETER.sub("x", page.path))
    return f"{said} {f'An API key needs the scope `{scope}`.' if scope else 'No API key reaches it.'}"


def _security(page: Page) -> list[dict[str, list[str]]]:
    if page.spec.who is Who.ANYONE:
        return []
    scope = scopes.needed(page.method, _PARAMETER.sub("x", page.path))
    return [{"token": []}, *([{"key": [scope]}] if scope else []), {"session": []}]


def _path_parameters(page: Page) -> list[dict[str, Any]]:
    return [_parameter(name, "path") for name in _PARAMETER.findall(page.path)]


def _query_parameters(known: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_parameter(name, "query") for name in known.get("query", ())]


def _parameter(name: str, place: str) -> dict[str, Any]:
    said, schema = PARAMETERS.get(name, ("", {}))
    found: dict[str, Any] = {"name": name, "in": place, "schema": {"type": "string"} | schema}
    if said:
        found["description"] = said
    if place == "path":
        found["required"] = True
        found["schema"] |= {"minLength": 1}
    return found


def _request_body(page: Page, known: Mapping[str, Any]) -> dict[str, Any]:
    schema = body_schema(page)
    example = {"example": known["example"]} if known.get("example") else {}
    if page.spec.most_bytes > MOST_BYTES:
        form = {**schema, "properties": {"file": {"type": "string", "format": "binary"}} | schema["properties"]}
        content: dict[str, Any] = {
            FILE_FORM: {"schema": form},
            BINARY: {"schema": {"type": "string", "format": "binary"}},
        }
        return {"required": True, "content": content}
    content = {JSON: {"schema": schema} | example}
    if page.spec.who is not Who.ANYONE or page.spec.body:
        content[FORM] = {"schema": schema}
    return {"required": bool(schema.get("required")), "content": content}


def body_schema(page: Page) -> Schema:
    """What a write reads, as one object."""
    properties: Schema = {}
    required: list[str] = []
    definitions: Schema = {}
    closed = bool(page.spec.body)
    said = ""
    for model in page.spec.body:
        found = model.model_json_schema()
        definitions |= found.get("$defs", {})
        properties |= found.get("properties", {})
        required += found.get("required", [])
        closed = closed and (model.model_config.get("extra") == "forbid" or len(page.spec.body) > 1)
        said = said or found.get("description", "")
    schema: Schema = {"type": "object", "properties": properties}
    if said:
        schema["description"] = " ".join(said.split())
    if required:
        schema["required"] = required
    if closed:
        schema["additionalProperties"] = False
    inlined: Schema = _inlined(schema, definitions)
    if closed:
        # What guards a browser's form comes beside it.
        inlined["properties"] |= {CSRF_FIELD: {"type": "string"}, KEY_FIELD: {"type": "string"}}
    return inlined


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Without references into the model: models of different pages have the same names. And without titles, which say
    the name of a field once more."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            others = {key: value for key, value in schema.items() if key != "$ref"}
            return _inlined(definitions[name] | others, definitions)
        named = isinstance(schema.get("properties"), dict)
        return {
            key: {name: _inlined(each, definitions) for name, each in value.items()}
            if key == "properties" and named
            else _inlined(value, definitions)
            for key, value in schema.items()
            if key != "title" or not isinstance(value, str)
        }
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    return schema


def _responses(page: Page, known: Mapping[str, Any]) -> dict[str, Any]:
    kinds: Mapping[str, Sequence[str]] = known.get("kinds", {})
    found: dict[str, Any] = {}
    for status in sorted({*kinds, *_usual(page, known)}):
        if status >= "400":
            found[status] = {"$ref": f"#/components/responses/{status}"}
        elif status == "303":
            found[status] = {
                "description": "Led on; a browser after every write.",
                "headers": {"Location": {"schema": {"type": "string"}}},
            }
        elif status == "304":
            found[status] = {"description": "It is as it was: `If-None-Match` named it."}
        else:
            found[status] = _answer(page, known, status, kinds.get(status, ()))
    return found


def _usual(page: Page, known: Mapping[str, Any]) -> Iterable[str]:
    """What every page of its kind may answer, also where no test has seen it."""
    yield "303"
    yield "503"
    if page.spec.who is not Who.ANYONE:
        yield from ("401", "403", "429")
    if page.method == "POST" or _PARAMETER.search(page.path) or known.get("query"):
        # What is named there may be nobody's, or another's.
        yield "404"
    if page.method == "GET":
        yield from ("200", "304", "400", "406")
        return
    if page.spec.unkept or not {"200", "201"} & set(known.get("kinds", ())):
        # What shows a secret is a page, also where it made something.
        yield "200"
    yield "406"
    if not page.spec.by_link:
        yield from ("400", "401", "403", "409", "413", "422", "429")


def _answer(page: Page, known: Mapping[str, Any], status: str, kinds: Sequence[str]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if page.spec.template or JSON in kinds:
        answer = known.get("answer")
        content[JSON] = {"schema": shapes.shown(answer) if answer else {}}
    if page.spec.template:
        content[HTML] = {"schema": {"type": "string"}}
    if page.spec.columns:
        content[CSV] = {"schema": {"type": "string"}}
    for kind in (*kinds, *((PDF,) if PDF in kinds else ())):
        content.setdefault(kind, {"schema": {"type": "string"}})
    headers: dict[str, Any] = {}
    if page.spec.columns or "cursor" in known.get("query", ()):
        headers["Link"] = {"description": 'The next page, `rel="next"`.', "schema": {"type": "string"}}
    if page.method == "GET":
        headers["ETag"] = {"description": "What this answer is called.", "schema": {"type": "string"}}
    if status == "201":
        headers["Location"] = {"description": "Where the new thing is.", "schema": {"type": "string"}}
    if page.spec.who is not Who.ANYONE:
        headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in RATE_HEADERS}
    said = "Made." if status == "201" else "Done." if page.method == "POST" else "As it is now."
    found: dict[str, Any] = {"description": said}
    if content:
        found["content"] = content
    if headers:
        found["headers"] = headers
    return found


def _refusal(status: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": STATUSES[status],
        "content": {
            PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}},
            HTML: {"schema": {"type": "string"}},
        },
    }
    if status in ("429", "503"):
        found["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return found


class _Shared:
    """The paths, with objects that stand in several places written once, under a name of their place."""

    _SMALL = 160
    """Characters of JSON: what is shorter is no longer where it is written out."""

    def __init__(self, paths: dict[str, Any]) -> None:
        self.schemas: dict[str, Schema] = {}
        self._times: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._count(paths)
        self.paths: dict[str, Any] = self._written(paths, "")

    def _count(self, part: Any) -> None:
        if isinstance(part, dict):
            if _is_object(part):
                key = _text(part)
                self._times[key] = self._times.get(key, 0) + 1
                if self._times[key] > 1:
                    # What is in it is written with it.
                    return
            for each in part.values():
                self._count(each)
        elif isinstance(part, list):
            for each in part:
                self._count(each)

    def _written(self, part: Any, place: str) -> Any:
        if isinstance(part, list):
            return [self._written(each, place) for each in part]
        if not isinstance(part, dict):
            return part
        if _is_object(part):
            key = _text(part)
            if self._times.get(key, 0) > 1 and len(key) > self._SMALL:
                return self._reference(key, part, place)
        return {name: self._written(each, self._place(name, place)) for name, each in part.items()}

    @staticmethod
    def _place(name: str, place: str) -> str:
        if name == "requestBody":
            return f"{place} body"
        return place if name in _PARTS else name

    def _reference(self, key: str, part: Schema, place: str) -> Schema:
        if key not in self._names:
            base = "".join(word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", place)) or "Part"
            name, number = base, 1
            while name in self.schemas or name in _SCHEMAS:
                number += 1
                name = f"{base}{number}"
            self._names[key] = name
            self.schemas[name] = {}
            self.schemas[name] = {each: self._written(value, place) for each, value in part.items()}
        return {"$ref": f"#/components/schemas/{self._names[key]}"}


_PARTS = frozenset(
    {"items", "schema", "additionalProperties", "anyOf", JSON, FORM, FILE_FORM, "get", "post", "200", "201"}
)


def _is_object(part: Mapping[str, Any]) -> bool:
    return part.get("type") == "object" and isinstance(part.get("properties"), dict)


def _text(part: Mapping[str, Any]) -> str:
    return json.dumps(part, sort_keys=True)


# ------------------------------------------------------------------------------------------------ what is always there

_ABOUT = """\
Send `Accept: application/json`. What is written is sent as JSON or as a form, and means the same; a list is answered
as `text/csv` too. Lists come page by page: go on with `?cursor=` and what stands in `next`, until it is null.

Amounts are decimal strings with their ISO 4217 currency, moments RFC 3339 in UTC, days UTC days.

Every write takes an `Idempotency-Key`: sent again with the same key and body, it is done once, and answered as before.
Refusals are `application/problem+json` (RFC 9457); their `code` is stable, and `detail` says what to do.
"""
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Names this write: sent again under the same name, it is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
_SCHEMAS: dict[str, Schema] = {
    "Money": {
        "type": "object",
        "description": "An amount: a decimal string with the decimals of its currency.",
        "properties": {
            "amount": {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["1250.00"]},
            "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["EUR"]},
        },
        "required": ["amount", "currency"],
    },
    "Problem": {
        "type": "object",
        "description": "Why something was refused (RFC 9457).",
        "properties": {
            "type": {"type": "string", "description": "`/problems/` and the code."},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "A sentence that says what to do."},
            "code": {"type": "string", "description": "A stable word for programs."},
            "instance": {"type": "string"},
            "request_id": {"type": "string"},
            "errors": {"description": "What to do, by field, where fields are wrong."},
        },
        "required": ["type", "title", "status", "detail", "code", "instance", "request_id"],
    },
}
_SECURITY = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of a person: `POST /sign-in` as JSON answers it.",
    },
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, `ink_…`, as the bearer. It does what its scopes say.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-access",
        "description": f"A browser's session. Its writes carry the form's token, as `{CSRF_FIELD}` or `{CSRF_HEADER}`.",
    },
}
