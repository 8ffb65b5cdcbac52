"""Postback out: deliveries from the queue → requests to what partners and the brand named.

The messages of a batch are sent side by side by target and one after the other within one: a target that hangs keeps
its own waiting, and nobody else's. What is not begun in time goes back into the queue.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import boto3

from introducer.domain.errors import Unavailable
from introducer.domain.identity import brand_key
from introducer.domain.postback_out import secrets_now
from introducer.gateways.outside_http import Outside
from introducer.gateways.queue import Queue
from introducer.gateways.secrets import CONFIG, Secrets
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.send_postback import Outcome, Sender
from introducer.store.deliveries import Deliveries
from introducer.store.targets import Targets

AT_ONCE = 10
"""Targets of a batch that are sent to side by side."""
BEGIN_WITHIN = 25.0
"""Seconds from the beginning of a batch in which a request may begin; each ends within ten more."""
_METRICS = {
    Outcome.DELIVERED: "PostbacksDelivered",
    Outcome.FAILED: "PostbacksFailed",
    Outcome.GIVEN_UP: "PostbacksGivenUp",
    Outcome.HELD: "PostbacksHeld",
    Outcome.PUT_OFF: "PostbacksPutOff",
}


class Taken(NamedTuple):
    """A message of the queue."""

    name: str
    body: str
    given: Mapping[str, Any]


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Messages of the queue → which of them must come again."""
    failed: list[str] = []
    by_target: dict[str, list[Taken]] = {}
    for record in event["Records"]:
        try:
            given = json.loads(record["body"])
            target = str(given["target"])
            given["brand"], given["about"], given["delivery"], given["try"]  # all are needed
        except (KeyError, TypeError, ValueError) as error:
            # It is not ours to lose: the dead-letter queue keeps it for a person.
            logger().error("what came names no delivery", exc_info=error, extra={"event": record["messageId"]})
            failed.append(record["messageId"])
            continue
        by_target.setdefault(target, []).append(Taken(record["messageId"], record["body"], given))
    outcomes: Counter[Outcome] = Counter()
    until = clock.elapsed() + BEGIN_WITHIN

    def take(messages: Sequence[Taken]) -> None:
        for each in messages:
            outcome = one(each, until)
            if outcome is None:
                failed.append(each.name)
            else:
                outcomes[outcome] += 1

    if len(by_target) == 1:
        take(next(iter(by_target.values())))
    elif by_target:
        with ThreadPoolExecutor(min(AT_ONCE, len(by_target))) as threads:
            for _ in threads.map(take, by_target.values()):
                pass  # what a thread raises is raised here
    for known, name in _METRICS.items():
        count(name, outcomes[known])
    publish()
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def one(message: Taken, until: float) -> Outcome | None:
    """What became of a message; None where it must come again."""
    about = {"event": message.given["delivery"], "brand": message.given["brand"]}
    try:
        if clock.elapsed() >= until:
            queue().send(message.body, 1)
            return Outcome.PUT_OFF
        return sender().take(message.given)
    except Unavailable as error:
        logger().warning("a postback is to be sent again", extra=about | {"code": error.code})
    except Exception as error:
        logger().error("a postback could not be sent", exc_info=error, extra=about)
    return None


@cache
def queue() -> Queue:
    return Queue(boto3.client("sqs", config=CONFIG), settings.postback_queue_url)


@cache
def sender() -> Sender:
    """What sends, in this container."""
    kept = Secrets(boto3.client("secretsmanager", config=CONFIG), elapsed=clock.elapsed)
    outside = Outside(clock.elapsed, loopback=settings.reaches_loopback)
    return Sender(
        targets=Targets(settings.books_table),
        deliveries=Deliveries(settings.books_table),
        exchange=lambda request: outside.exchange(request.method, request.url, request.headers, request.body),
        secrets=lambda target, now: secrets_now(
            brand_key(kept.text(settings.identity_key_secret).encode(), target.brand), target, now
        ),
        send=queue().send,
        now=clock.now,
        true_now=clock.true_now,
        elapsed=clock.elapsed,
        chance=random.random,
    )
