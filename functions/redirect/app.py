"""GET and HEAD /c/{code}: sends a visitor on and records the click. Whatever happens, the answer is a redirect."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from typing import Any

import clock
from container import Container
from keep import keep, log
from links import Link, Links, Unread
from record import record
from route import Route
from visit import NOWHERE, Visit


@cache
def _prepared() -> tuple[Container, Links]:
    container = Container()
    return container, Links(container)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers 302; see `answer`. An error of our own leads to the installation's fallback page."""
    try:
        return answer(event)
    except Exception as error:
        log("ERROR", "redirect_failed", error=type(error).__name__, detail=str(error)[:200])
        return _to(os.environ.get("FALLBACK_URL", "/"), [])


def answer(event: dict[str, Any]) -> dict[str, Any]:
    """The campaign's page for this visitor, with a new click id.

    The brand's fallback page when the link is unknown: nothing is recorded. The campaign's overflow page, else that
    fallback page, when the link or its campaign does not take the visitor: recorded, and flagged with the reason.
    """
    container, links = _prepared()
    secrets = container.keys()
    deadline = clock.Deadline(container.deadline)
    visit = Visit(event)
    try:
        link = links.by_code(visit.code, deadline)
    except Unread as error:
        log("ERROR", "link_unread", code=visit.code, reason=str(error))
        link = None
    if link is None:
        return _to(links.fallback(visit.host, deadline), [])
    route = links.route(link, deadline)
    if secrets is None:
        log("ERROR", "click_unsigned", link=link.link_id, reason=container.keys_error)
        if link.active and not (route is not None and route.refusal(clock.now_ms(), NOWHERE)):
            return _to((route.first if route is not None else link.landing).without_click(), [])
        return _to(_elsewhere(link, route) or links.fallback(visit.host, deadline), [])
    made = record(visit, link, secrets, clock.now_ms(), container.keep_seconds, route)
    keep(made.written, container, deadline)
    if made.landing is None:
        return _to(_elsewhere(link, route) or links.fallback(visit.host, deadline), [])
    to = visit.query.get("to", "")
    return _to(made.landing.with_click(made.click, to, link.path, made.value), made.cookies)


def _elsewhere(link: Link, route: Route | None) -> str:
    """Where whom the link or its campaign does not take is sent; empty when neither says it."""
    return (route.overflow_url if route is not None else "") or link.fallback_url


def _to(location: str, cookies: list[str]) -> dict[str, Any]:
    return {
        "statusCode": 302,
        "headers": {
            "Location": location,
            # Each visit is a click of its own.
            "Cache-Control": "no-store",
            # The landing page may know the partner's site, not the page or its parameters.
            "Referrer-Policy": "strict-origin-when-cross-origin",
            "X-Robots-Tag": "noindex, nofollow",
        },
        "cookies": cookies,
        "body": "",
    }


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    # Lambda is starting this function: what the first visitor would wait for is done now. A setting that is missing is
    # answered for, and told, when somebody comes.
    with suppress(Exception):
        _prepared()[0].prepare()
