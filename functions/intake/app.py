"""Intake: the click queue becomes clicks in FACTS. A message that stays broken ends in the dead-letter queue.

So does a click when FACTS fails for long. Every quarter of an hour the clicks there are tried again.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3

from introducer.domain.errors import IntroducerError, Unavailable
from introducer.gateways.queue import LettersLeft
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.restore_clicks import drain_left_clicks, restore_click
from introducer.store.clicks import Clicks

HIDDEN_SECONDS = 300
"""More than a run takes: it sees no letter twice."""
SPARE_MS = 3000
"""Time for the letter that was begun, and the wait for more."""


@cache
def clicks() -> Clicks:
    """The clicks of this container."""
    return Clicks(settings.facts_table)


@cache
def left() -> LettersLeft:
    """What the click queue gave up on."""
    return LettersLeft(boto3.client("sqs"), settings.click_failures_url, HIDDEN_SECONDS)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of the click queue, or a run of the schedule."""
    answer = _batch(event["Records"]) if "Records" in event else _drain(context)
    publish()
    return answer


def _batch(records: list[dict[str, Any]]) -> dict[str, Any]:
    """A batch of messages → which of them must come again. They do not depend on each other, so each is tried."""
    failed = []
    for record in records:
        try:
            count("ClicksRestored", int(restore_click(record["body"], clicks())))
        except IntroducerError as error:
            # Broken or early, the queue brings it back; after its last time the dead-letter queue keeps it.
            log = logger().warning if isinstance(error, Unavailable) else logger().error
            log("click not restored", extra={"reason": error.code, "detail": error.detail})
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _drain(context: Any) -> dict[str, Any]:
    """What became of the clicks that were given up on. Raises when FACTS or the queue fails: so the run shows."""
    drained = drain_left_clicks(left(), clicks(), lambda: context.get_remaining_time_in_millis() > SPARE_MS)
    count("ClicksRestored", drained.restored)
    count("ClicksBroken", drained.broken)
    if drained.broken:
        logger().error("letters that are no clicks wait for a person", extra={"records": drained.broken})
    return {"restored": drained.restored, "known": drained.known, "broken": drained.broken}
