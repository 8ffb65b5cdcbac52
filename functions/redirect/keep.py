"""Keeps a click: in FACTS, else in the click queue, else in the log. It never raises."""

from __future__ import annotations

import json
import sys
from contextlib import suppress

from aws import Item, text_of
from clock import Deadline
from container import Container

QUEUE = 0.4
"""The share of a click's time that is kept for the queue while FACTS is asked."""
FACTS = 0.2
"""The share that is kept for FACTS, besides the queue's, while what a container knows of a link is read again."""
LEAST = 0.1
"""A call for which less than this share is left is not begun: it would seldom end in time."""


def keep(item: Item, container: Container, deadline: Deadline) -> str:
    """Where the click was kept: `facts`, `queue` or `log`.

    A put whose answer came too late, or was lost, may have been done all the same: what drains the queue puts under
    the same key, so it still counts once.
    """
    reasons = []
    for name, write, after in (("facts", _put, QUEUE), ("queue", _send, 0.0)):
        seconds = deadline.left(keep=after)
        if seconds < LEAST * deadline.seconds:
            reasons.append(f"{name}: no time left")
            continue
        try:
            write(item, container, seconds)
        except Exception as error:
            reasons.append(f"{name}: {type(error).__name__}: {getattr(error, 'reason', error)}"[:200])
        else:
            if reasons:
                log("WARNING", "click_queued", click=item["click"]["S"], reasons=reasons)
            return name
    # The whole item: `introducer recover-clicks` puts it from here.
    log("ERROR", "click_unwritten", reasons=reasons, item=dict(item))
    return "log"


def _put(item: Item, container: Container, seconds: float) -> None:
    container.aws.put_item(container.facts, item, seconds=seconds)


def _send(item: Item, container: Container, seconds: float) -> None:
    container.aws.send_message(container.queue, text_of(item), seconds=seconds)


def log(level: str, message: str, **facts: object) -> None:
    """One structured line. Where even the log takes nothing, nothing is left to be done, and the visitor goes on."""
    line = json.dumps({"level": level, "message": message, "service": "redirect", **facts}, default=str)
    with suppress(OSError, ValueError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
