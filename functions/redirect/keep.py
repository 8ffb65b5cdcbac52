"""Keeps a click: in FACTS, else in the click queue, else in the log. It never raises."""

from __future__ import annotations

import json
import sys
from typing import Any

from clock import Deadline
from container import QUEUE_CALL, TABLE_CALL, Container


def keep(item: dict[str, Any], container: Container, deadline: Deadline) -> str:
    """Where the click was kept: `facts`, `queue` or `log`.

    A call that could not end within the deadline is not begun. A put that answered too late may have been done all the
    same: what drains the queue puts under the same key, so it still counts once.
    """
    reasons = []
    for name, share, write in (("facts", TABLE_CALL, _put), ("queue", QUEUE_CALL, _send)):
        if not deadline.allows(share):
            reasons.append(f"{name}: no time left")
            continue
        try:
            write(item, container)
        except Exception as error:
            reasons.append(f"{name}: {type(error).__name__}")
        else:
            if reasons:
                log("WARNING", "click_queued", click=item["click"]["S"], reasons=reasons)
            return name
    # The whole item: `introducer replay lost-clicks` puts it from here.
    log("ERROR", "click_unwritten", reasons=reasons, item=item)
    return "log"


def _put(item: dict[str, Any], container: Container) -> None:
    container.tables.put_item(TableName=container.facts, Item=item)


def _send(item: dict[str, Any], container: Container) -> None:
    container.queues.send_message(QueueUrl=container.queue, MessageBody=json.dumps(item))


def log(level: str, message: str, **facts: object) -> None:
    """One structured line."""
    line = json.dumps({"level": level, "message": message, "service": "redirect", **facts}, default=str)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
