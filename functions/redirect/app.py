"""GET and HEAD /c/{code}: sends a visitor on and records the click. Whatever happens, the answer is a redirect."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import clock
from container import Container
from keep import keep, log
from links import Links, Unread
from record import PAUSED, record
from visit import Visit


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
    """The landing page with a new click id; the brand's fallback page when the link is unknown (nothing is recorded)
    or paused (recorded, and flagged so)."""
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
    if secrets is None:
        log("ERROR", "click_unsigned", link=link.link_id, reason=container.keys_error)
        return _to(link.landing.without_click() if link.active else links.fallback(visit.host, deadline), [])
    made = record(visit, link, secrets, clock.now_ms(), container.keep_seconds)
    keep(made.item, container, deadline)
    if PAUSED in made.flags:
        return _to(link.fallback_url or links.fallback(visit.host, deadline), [])
    return _to(link.landing.with_click(made.click, visit.query.get("to", "")), made.cookies)


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
