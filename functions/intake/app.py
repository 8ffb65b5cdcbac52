"""Intake: the click queue becomes clicks in FACTS. A message that stays broken ends in the dead-letter queue."""

from __future__ import annotations

from functools import cache
from typing import Any

from introducer.domain.errors import IntroducerError, Unavailable
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.restore_clicks import restore_click
from introducer.store.clicks import Clicks


@cache
def clicks() -> Clicks:
    """The clicks of this container."""
    return Clicks(settings.facts_table)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of messages → which of them must come again. They do not depend on each other, so each is tried."""
    failed = []
    for record in event["Records"]:
        try:
            count("ClicksRestored", int(restore_click(record["body"], clicks())))
        except IntroducerError as error:
            # Broken or early, the queue brings it back; after its last time the dead-letter queue keeps it.
            log = logger().warning if isinstance(error, Unavailable) else logger().error
            log("click not restored", extra={"reason": error.code, "detail": error.detail})
            failed.append({"itemIdentifier": record["messageId"]})
    publish()
    return {"batchItemFailures": failed}
