"""`/openapi.json`: the API's description. `/api`: the same to read, by area, without a script.

The document is kept by caches, and knows nobody. Its pages do: whoever is signed in finds the way back.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import openapi
import session
import words
from chalice.app import Response
from server import Who, page
from visit import JSON, N_, Visit

from introducer.domain.errors import IntroducerError, NotFound

DOCUMENT, PATH = "/openapi.json", "/api"
ONE = PATH + "/{area}"
KEPT_SECONDS = 300
HOST = "$PORTAL"

words.WORDS["problem"] |= {
    "no_such_area": N_("The API has no such part: choose one of the list."),
}

Schema = Mapping[str, Any]


@page(DOCUMENT, who=Who.ANYONE, kept_seconds=KEPT_SECONDS)
def openapi_document(visit: Visit) -> Response:
    """The OpenAPI 3.1 document of everything that can be asked for."""
    text, tag = openapi.text()
    headers = {"Content-Type": JSON, "ETag": tag, "X-Content-Type-Options": "nosniff", "Vary": "Accept"}
    known = {each.strip().removeprefix("W/") for each in visit.header("if-none-match").split(",")}
    if tag in known or "*" in known:
        return Response("", headers, 304)
    return Response(text, headers, 200)


@page(PATH, "api.html", who=Who.ANYONE)
def api(visit: Visit) -> dict[str, Any]:
    """What can be asked for, by area."""
    _framed(visit)
    rows = [
        {"area": _slug(name), "name": name, "staff": name.startswith(openapi.OF_STAFF), "routes": routes}
        for name, routes in _by_area().items()
    ]
    about = openapi.document()["info"]["description"]
    return {"about": about.strip().split("\n\n"), "items": rows, "next": None, "document": DOCUMENT}


@page(ONE, "api_area.html", who=Who.ANYONE)
def api_of_area(visit: Visit, area: str) -> dict[str, Any]:
    """What can be asked for in one area: what is sent, what is answered, and how it is called."""
    _framed(visit)
    name = next((each for each in _by_area() if _slug(each) == area), None)
    if name is None:
        raise NotFound("The API has no such part.", code="no_such_area")
    document = openapi.document()
    items = [
        _shown(document, path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if name in operation["tags"]
    ]
    return {"area": area, "name": name, "items": items, "next": None}


def _framed(visit: Visit) -> None:
    """Only for the page's frame: who is signed in keeps the way back."""
    with suppress(IntroducerError):
        session.authenticate(visit)


def _by_area() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for path, methods in openapi.document()["paths"].items():
        for method, operation in methods.items():
            name, summary = operation["operationId"], operation["summary"]
            row = {"method": method.upper(), "path": path, "summary": summary, "id": name}
            found.setdefault(operation["tags"][0], []).append(row)
    return dict(sorted(found.items(), key=lambda each: (each[0].startswith(openapi.OF_STAFF), each[0])))


def _slug(area: str) -> str:
    return area.lower().replace(":", "").replace(" ", "-")


def _shown(document: Schema, path: str, method: str, operation: Schema) -> dict[str, Any]:
    answers = {status: each for status, each in operation["responses"].items() if "content" in each}
    answer = next((each["content"][JSON] for each in answers.values() if JSON in each["content"]), None)
    body = operation.get("requestBody", {}).get("content", {})
    sent = body.get(JSON) or next(iter(body.values()), None)
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": _beyond(operation["summary"], operation["description"]),
        "parameters": [
            {
                "name": each["name"],
                "required": each.get("required", False),
                "says": " ".join([f"In the {each['in']}.", each.get("description", "")]).strip(),
                "kind": _kind(each["schema"]),
            }
            for each in operation.get("parameters", ())
        ],
        "sent_as": list(body),
        "fields": _fields(document, sent["schema"]) if sent else [],
        "statuses": list(operation["responses"]),
        "answers_as": sorted({kind for each in answers.values() for kind in each["content"]}),
        "answer": _fields(document, answer["schema"]) if answer else [],
        "codes": [{"status": status, "codes": codes} for status, codes in sorted(operation.get("x-codes", {}).items())],
        "call": _call(path, method, operation, sent),
    }


def _beyond(summary: str, description: str) -> list[str]:
    """What a description says beyond its summary, by paragraph."""
    first, *others = description.split("\n\n")
    return [each for each in (first.removeprefix(summary).lstrip(".: "), *others) if each]


def _fields(document: Schema, schema: Schema) -> list[dict[str, Any]]:
    """The fields of an object; below a list or an object those of one of it, with a dot."""
    found: list[dict[str, Any]] = []
    schema = _resolved(document, schema)
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        found.append({
            "name": name, "kind": _kind(each, document), "required": name in required,
            "says": " ".join(each.get("description", "").split()),
        })  # fmt: skip
        inner = _resolved(document, each)
        inner = _resolved(document, inner["items"]) if "items" in inner else inner
        if "properties" in inner and not _is_money(each):
            always = inner.get("required", ())
            found += [
                {"name": f"{name}.{below}", "kind": _kind(one, document), "required": below in always, "says": ""}
                for below, one in inner["properties"].items()
            ]
    return found


def _resolved(document: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _is_money(schema: Schema) -> bool:
    return str(schema.get("$ref", "")).endswith("/Money")


def _kind(schema: Schema, document: Schema | None = None) -> str:
    """What a value is, in a word or two."""
    if _is_money(schema):
        return "money"
    if "$ref" in schema and document is not None:
        schema = _resolved(document, schema)
    if "anyOf" in schema or "oneOf" in schema:
        kinds = [_kind(each, document) for each in schema.get("anyOf", schema.get("oneOf", ()))]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    kind: str | Sequence[str] = schema.get("type", "anything")
    said = kind if isinstance(kind, str) else " or ".join(kind)
    if "items" in schema:
        return f"list of {_kind(schema['items'], document)}"
    return {"date-time": "moment", "date": "day"}.get(schema.get("format", ""), said) if said == "string" else said


def _call(path: str, method: str, operation: Schema, sent: Schema | None) -> str:
    """How it is called from a shell, with an example of what is sent."""
    lines = [f'curl "{HOST}{path}"', f'-H "Authorization: Bearer $KEY" -H "Accept: {JSON}"']
    if not operation["security"]:
        lines[1] = f'-H "Accept: {JSON}"'
    if method == "post":
        lines.append(f'-H "Content-Type: {JSON}" -d {shlex.quote(json.dumps((sent or {}).get("example", {})))}')
    return " \\\n  ".join(lines)
