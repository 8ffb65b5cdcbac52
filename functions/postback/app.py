"""POST /postback/{source}: a trading platform's events in. GET /postback/{source}: a network's call.
POST /postback/{source}/check: was somebody here before?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3

from introducer.domain.signatures import HEADER
from introducer.gateways import secrets
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger
from introducer.runtime.problems import answer, answering, body_of, header
from introducer.runtime.settings import settings
from introducer.services.accept_events import Intake, Status
from introducer.services.accept_message import Message, accept_message
from introducer.services.check_registration import check_registration, remembering
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.person_index import PersonIndex


@cache
def intake() -> Intake:
    return Intake(
        facts=Facts(settings.facts_table),
        sources=Configuration(settings.books_table),
        secrets=secrets.Secrets(boto3.client("secretsmanager", config=secrets.CONFIG), elapsed=clock.elapsed),
        identity_secret=settings.identity_key_secret,
        source_secret_prefix=settings.source_secret_prefix,
    )


@cache
def checks() -> tuple[Intake, PersonIndex]:
    """What a check works with."""
    return remembering(intake(), clock.elapsed), PersonIndex(settings.books_table)


@answering(challenge=HEADER)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    source = str((event.get("pathParameters") or {}).get("source", ""))
    # A source's name has no slash: nobody can be called so.
    if str(event.get("rawPath", "")).endswith("/check"):
        signature = header(event, HEADER)
        return check({"source": source, "body": body_of(event), "signature": signature, "now": clock.now()})
    return take(
        Message(
            source=source,
            body=body_of(event),
            query=str(event.get("rawQueryString") or ""),
            signature=header(event, HEADER),
            posted=(event.get("requestContext") or {}).get("http", {}).get("method", "POST") != "GET",
        )
    )


def take(message: Message) -> dict[str, Any]:
    """Events."""
    accepted = accept_message(intake(), message, now=clock.now())
    taken = accepted.taken
    counts = {str(status): taken.count(status) for status in Status}
    for status, number in counts.items():
        count(f"Events{status.capitalize()}", number)
    logger().info("events taken", extra={"brand": taken.brand, "source": taken.source, **counts})
    if accepted.in_a_word:
        return {"statusCode": 200, "headers": {"content-type": "text/plain", "cache-control": "no-store"}, "body": "OK"}
    return answer(202, {"receipts": [receipt.document() for receipt in taken.receipts]})


def check(sent: Mapping[str, Any]) -> dict[str, Any]:
    """A question. Neither what was asked nor the answer is logged or counted."""
    checked = check_registration(*checks(), **sent)
    count("RegistrationsChecked")
    logger().info("registration checked", extra={"brand": checked.brand, "source": checked.source})
    return answer(200, checked.document())
