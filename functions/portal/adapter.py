"""Chalice speaks REST API; we stand behind an HTTP API. This is the difference between the two, and nothing else.

Chalice routes by `requestContext.resourcePath`, which the HTTP API's `$default` route does not give: the path is
matched here. HEAD runs as GET and loses its body; cookies move between their own lists and the headers. Longer texts
are compressed for whoever says that they can read that: nothing on the way does it for us.
"""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, unquote

from chalice import Chalice

UNKNOWN_PATH, UNKNOWN_METHOD = "/-/unknown-path", "/-/unknown-method"
"""Internal routes, for what matches none; they answer every method."""

LEAST_BYTES = 1_024
"""Shorter answers are sent as they are: packing them saves nothing that a network would notice."""
TEXTS = ("text/", "application/json", "application/problem+json", "image/svg+xml")

Event = Mapping[str, Any]


def adapted(
    app: Chalice,
    routes_to_come: Mapping[str, Collection[str]] = MappingProxyType({}),
    ready: Callable[[str, str], None] = lambda path, method: None,
) -> Callable[[Event, Any], dict[str, Any]]:
    """The app as a handler of HTTP API events, payload 2.0. Routes must be registered before the first call; those of
    `routes_to_come` (methods by path) may be registered by `ready`, which is called before each call of a route."""
    # A route that names a path stands before one that has a place for it.
    known = {path: set(methods) for path, methods in [*app.routes.items(), *routes_to_come.items()]}
    in_order = sorted(known.items(), key=lambda route: route[0].count("{"))
    routes = [(_pattern(path), path, methods) for path, methods in in_order]

    def handler(event: Event, context: Any) -> dict[str, Any]:
        method = event["requestContext"]["http"]["method"]
        resource, parameters = _match(routes, event["rawPath"], "GET" if method == "HEAD" else method)
        ready(resource, "GET" if method == "HEAD" else method)
        headers = {"accept": "*/*"} | dict(event.get("headers") or {})
        if event.get("cookies"):
            headers["cookie"] = "; ".join(event["cookies"])
        verb = "GET" if method == "HEAD" or resource in (UNKNOWN_PATH, UNKNOWN_METHOD) else method
        answer = app(
            {
                **event,
                "headers": headers,
                "body": event.get("body"),
                "pathParameters": parameters,
                "stageVariables": event.get("stageVariables"),
                "multiValueQueryStringParameters": parse_qs(event.get("rawQueryString", ""), keep_blank_values=True),
                "requestContext": {**event["requestContext"], "resourcePath": resource, "httpMethod": verb},
            },
            context,
        )
        if isinstance(answer["body"], bytes):
            # A file, such as a PDF. Chalice does this for types that it is told of, and refuses them to whoever does
            # not name one of those in Accept, as a link in a browser cannot.
            answer |= {"body": b64encode(answer["body"]).decode(), "isBase64Encoded": True}
        answer["cookies"] = (answer.pop("multiValueHeaders", None) or {}).get("Set-Cookie", [])
        if method == "HEAD" or answer["statusCode"] in (204, 304):
            answer["body"] = ""
        elif not answer.get("isBase64Encoded"):
            answer |= _smaller(answer, headers.get("accept-encoding", ""))
        return answer

    return handler


def _smaller(answer: Mapping[str, Any], encodings: str) -> dict[str, Any]:
    """The answer's text compressed, where that is worth it and whoever asks can read it.

    What is secret in a page must then be masked: see `Visit.csrf`.
    """
    names = {name.lower(): name for name in answer["headers"]}
    kind = str(answer["headers"].get(names.get("content-type", ""), ""))
    # Half a letter, which JSON can say, is none that a page could show.
    text = answer["body"].encode("utf-8", "replace")
    if len(text) <= LEAST_BYTES or not kind.startswith(TEXTS):
        return {}
    varies = str(answer["headers"].get(names.get("vary", ""), ""))
    headers = answer["headers"] | {names.get("vary", "Vary"): f"{varies}, Accept-Encoding".removeprefix(", ")}
    if not _reads_gzip(encodings):
        return {"headers": headers}
    packed = b64encode(gzip.compress(text, compresslevel=6, mtime=0)).decode()
    return {"headers": headers | {"Content-Encoding": "gzip"}, "body": packed, "isBase64Encoded": True}


def _reads_gzip(encodings: str) -> bool:
    for each in encodings[:500].lower().split(","):
        name, *parameters = (part.strip().replace(" ", "") for part in each.split(";"))
        if name in ("gzip", "*"):
            return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
    return False


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))


def _match(routes: list[tuple[re.Pattern[str], str, set[str]]], path: str, method: str) -> tuple[str, dict[str, str]]:
    found = UNKNOWN_PATH
    for pattern, resource, methods in routes:
        match = pattern.fullmatch(path)
        if match is None or resource in (UNKNOWN_PATH, UNKNOWN_METHOD):
            continue
        if method in methods:
            return resource, {name: unquote(value) for name, value in match.groupdict().items()}
        found = UNKNOWN_METHOD
    return found, {}
