"""API Gateway: the HTTP API under a plain address of its own, and AWS's answer when a function fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ministack import app as ministack
from ministack.core.sigv4 import decode_header_value
from ministack.services import apigateway, lambda_svc

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_LARGEST_REQUEST = 10 * 1024 * 1024


def apply() -> None:
    """AWS answers 500 with one sentence when a function fails; ministack sends its stack trace with 502."""
    shaped = lambda_svc.lambda_execute_result_to_api_proxy_response

    def response(result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        if result.get("error"):
            answer = {"statusCode": 500, "headers": {"Content-Type": "application/json"}}
            return {**answer, "body": '{"message":"Internal Server Error"}'}, None
        answered: tuple[dict[str, Any] | None, str | None] = shaped(result)
        return answered

    lambda_svc.lambda_execute_result_to_api_proxy_response = response


def application(portal_port: int, state_dir: Path, started: asyncio.Event) -> Callable[..., Awaitable[None]]:
    """Ministack on its port; on the portal's port, the stack's HTTP API alone.

    A browser, a proxy and most clients can then use `http://127.0.0.1:<port>/`: the API's own host name
    (`<id>.execute-api.localhost`) resolves on few machines, and its cookies would belong to a name of its
    own.
    """
    api = _StackApi(state_dir)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await ministack.app(scope, receive, _telling(send, started))
        elif scope["type"] == "http" and (scope.get("server") or ("", 0))[1] == portal_port:
            await _portal(api.id(), scope, receive, send)
        else:
            await ministack.app(scope, receive, send)

    return serve


def _telling(send: Send, started: asyncio.Event) -> Send:
    async def told(message: dict[str, Any]) -> None:
        await send(message)
        if message["type"] == "lifespan.startup.complete":
            started.set()

    return told


class _StackApi:
    """The id of the deployed stack's API, read again when a deploy has written it."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "stack.json"
        self._seen = 0.0
        self._id = ""

    def id(self) -> str:
        try:
            changed = self._path.stat().st_mtime
        except FileNotFoundError:
            return ""
        if changed != self._seen:
            self._id = json.loads(self._path.read_text())["outputs"]["ApiId"]
            self._seen = changed
        return self._id


async def _portal(api: str, scope: Scope, receive: Receive, send: Send) -> None:
    if not api:
        await _answer(send, 503, b'{"message":"No stack is deployed yet"}')
        return
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        if len(body) > _LARGEST_REQUEST:  # AWS's limit of an HTTP API
            await _answer(send, 413, b'{"message":"Request Entity Too Large"}')
            return
        if not message.get("more_body"):
            break
    headers: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), decode_header_value(value)
        # AWS joins a header that comes twice, cookies in their own way (RFC 9110, RFC 9113).
        headers[name] = f"{headers[name]}{'; ' if name == 'cookie' else ', '}{text}" if name in headers else text
    query = scope.get("query_string", b"").decode("latin-1")
    path = apigateway.decode_http_api_path((scope.get("raw_path") or scope["path"].encode()).decode("latin-1"))
    status, answered, content = await apigateway.handle_execute(
        api,
        "$default",
        path,
        scope["method"],
        headers,
        body,
        parse_qs(query, keep_blank_values=True),
        raw_query_string=query,
    )
    await ministack._send_response(send, status, answered, content, head=scope["method"] == "HEAD")


async def _answer(send: Send, status: int, body: bytes) -> None:
    await ministack._send_response(send, status, {"Content-Type": "application/json"}, body)
