"""POST /postback/{source}: a trading platform's events in."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3

from introducer.domain.signatures import HEADER
from introducer.gateways import secrets
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger
from introducer.runtime.problems import answer, answering, body_of, header
from introducer.runtime.settings import settings
from introducer.services.accept_events import Intake, Status, accept_events
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts


@cache
def intake() -> Intake:
    return Intake(
        facts=Facts(settings.facts_table),
        sources=Configuration(settings.books_table),
        secrets=secrets.Secrets(boto3.client("secretsmanager", config=secrets.CONFIG), elapsed=clock.elapsed),
        identity_secret=settings.identity_key_secret,
        source_secret_prefix=settings.source_secret_prefix,
    )


@answering(challenge=HEADER)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    taken = accept_events(
        intake(),
        source=str((event.get("pathParameters") or {}).get("source", "")),
        body=body_of(event),
        signature=header(event, HEADER),
        now=clock.now(),
    )
    counts = {str(status): taken.count(status) for status in Status}
    for status, number in counts.items():
        count(f"Events{status.capitalize()}", number)
    logger().info("events taken", extra={"brand": taken.brand, "source": taken.source, **counts})
    return answer(202, {"receipts": [receipt.document() for receipt in taken.receipts]})
