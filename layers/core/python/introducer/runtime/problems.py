"""Errors as answers: RFC 9457 `application/problem+json`, for API Gateway's HTTP API (payload 2.0).

The error tree decides the status by its classes; `code` is the stable word, `detail` the sentence. Whatever is not of
our tree is logged and answered as a plain 500: no message, no trace of it ever leaves.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from introducer.domain import errors
from introducer.runtime.observability import logger, publish

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER = 5
"""Seconds after which trying again makes sense, unless the error says otherwise (`retry_after`)."""

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

_KINDS: tuple[tuple[type[errors.IntroducerError], int, str], ...] = (
    (errors.Malformed, 400, "The message cannot be read"),
    (errors.Unauthenticated, 401, "The sender is not known"),
    (errors.Forbidden, 403, "This is not allowed"),
    (errors.NotFound, 404, "There is no such thing"),
    (errors.Conflict, 409, "This contradicts what is recorded"),
    (errors.TooLarge, 413, "The message is too large"),
    (errors.Invalid, 422, "The message says something that cannot be"),
    (errors.TooMany, 429, "Too many requests"),
    (errors.Unavailable, 503, "Not available at the moment"),
)
_UNEXPECTED = (500, "Something went wrong on our side")


def status_of(error: BaseException) -> int:
    """The HTTP status of an error."""
    return _kind(error)[0]


def document(error: BaseException, request_id: str, path: str = "") -> dict[str, Any]:
    """The problem document of an error: `type, title, status, detail, code, instance, request_id` and its own facts."""
    status, title = _kind(error)
    if status == 500 or not isinstance(error, errors.IntroducerError):
        code, detail, facts = "unexpected", "We have been told, and look into it.", dict[str, object]()
    else:
        code, detail, facts = error.code, error.detail, dict(error.facts)
        facts.pop("retry_after", None)
    return facts | {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": path,
        "request_id": request_id,
    }


def headers_of(error: BaseException, challenge: str = "") -> dict[str, str]:
    """The headers that go with a problem. `challenge` is how this door wants to be knocked at (RFC 9110, 11.6.1)."""
    headers = {"content-type": CONTENT_TYPE, "cache-control": "no-store"}
    status = status_of(error)
    if status in (429, 503):
        facts = error.facts if isinstance(error, errors.IntroducerError) else {}
        headers["retry-after"] = str(facts.get("retry_after", RETRY_AFTER))
    elif status == 401 and challenge:
        headers["www-authenticate"] = challenge
    return headers


def answer(status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON answer."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
    }


def problem(error: BaseException, event: Mapping[str, Any], challenge: str = "") -> dict[str, Any]:
    """The answer to a request that ended in this error."""
    context = event.get("requestContext") or {}
    body = document(error, str(context.get("requestId", "")), str(event.get("rawPath", "")))
    return {
        "statusCode": body["status"],
        "headers": headers_of(error, challenge),
        "body": json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=str),
    }


def answering(challenge: str = "") -> Callable[[Handler], Handler]:
    """Wraps a handler: every error becomes a problem, ours to fix are logged, and the metrics are published."""

    def wrap(handler: Handler) -> Handler:
        @wraps(handler)
        def safe(event: dict[str, Any], context: Any) -> dict[str, Any]:
            try:
                return handler(event, context)
            except Exception as error:  # the last door: nothing passes it
                report(error, str((event.get("requestContext") or {}).get("requestId", "")))
                return problem(error, event, challenge)
            finally:
                publish()

        return safe

    return wrap


def report(error: BaseException, request_id: str) -> None:
    """Log what an operator should know: errors of ours with their trace, refusals in a line."""
    status = status_of(error)
    code = error.code if isinstance(error, errors.IntroducerError) else "unexpected"
    if status >= 500:
        detail = error.detail if isinstance(error, errors.IntroducerError) else ""
        logger().error(
            "request failed",
            exc_info=(type(error), error, error.__traceback__),
            extra={"status": status, "code": code, "request": request_id, "detail": detail},
        )
    else:
        logger().info("request refused", extra={"status": status, "code": code, "request": request_id})


def header(event: Mapping[str, Any], name: str) -> str | None:
    """A request header, whatever its case."""
    wanted = name.lower()
    for key, value in (event.get("headers") or {}).items():
        if key.lower() == wanted:
            return str(value)
    return None


def body_of(event: Mapping[str, Any]) -> bytes:
    """The request's body as it was sent. Raises `Malformed`."""
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        # What is no UTF-8 comes encoded; half a surrogate pair cannot be what was sent, and fits no signature.
        return str(text).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise errors.Malformed("The body is not base64.", code="not_base64") from None


def _kind(error: BaseException) -> tuple[int, str]:
    for kind, status, title in _KINDS:
        if isinstance(error, kind):
            return status, title
    return _UNEXPECTED
