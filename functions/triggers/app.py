"""Triggers: what needs a person → a task in its queue.

Once a day a schedule names every brand to the queue; each message looks at one page of a brand's partners and names the
next page, so that a sweep of any length goes on where it was cut off. The outbox names what happened: mails that tell a
partner of something its manager should know, and applications that took a step.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import boto3

from introducer.domain.errors import IntroducerError
from introducer.gateways.queue import Queue
from introducer.gateways.secrets import CONFIG
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.application_task import see_to_task
from introducer.services.sweep_triggers import TriggerBooks, happened, sweep_page


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Messages of the queue → which of them must come again; or the daily call → how many brands were named. A call may
    name one `brand`."""
    if "Records" not in event:
        named = (
            [event["brand"]] if event.get("brand") else [brand.brand for brand in books().configuration.every_brand()]
        )
        for brand in named:
            queue().send(json.dumps({"brand": brand, "cursor": None}))
        return {"brands": len(named)}
    failed = []
    for record in event["Records"]:
        try:
            take(json.loads(record["body"]))
        except IntroducerError as error:
            logger().warning("this is to be looked at again", extra={"record": record["messageId"], "code": error.code})
            failed.append(record["messageId"])
        except Exception as error:
            # It is not ours to lose: the dead-letter queue keeps it for a person.
            logger().error("this could not be looked at", exc_info=error, extra={"record": record["messageId"]})
            failed.append(record["messageId"])
    publish()
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def take(message: dict[str, Any]) -> None:
    """One page of the sweep, or one thing that happened."""
    if "mail" in message:
        task = happened(books(), of=str(message["of"]), mail=str(message["mail"]), now=clock.now())
        count("TasksRaised", int(task is not None))
        return
    brand = str(message["brand"])
    if "application" in message:
        found = books()
        see_to_task(
            found.configuration, found.applications, found.tasks,
            brand=brand, application=str(message["application"]), at=clock.now(),
        )  # fmt: skip
        return
    swept = sweep_page(books(), brand=brand, cursor=message["cursor"], now=clock.now())
    if swept.next is not None:
        queue().send(json.dumps({"brand": brand, "cursor": swept.next}))
    count("TasksRaised", swept.raised)
    count("TasksPassed", swept.passed)
    count("PartnersNotLookedAt", len(swept.failed))
    for partner, error in swept.failed.items():
        logger().error("a partner could not be looked at", exc_info=error, extra={"partner": partner})
    logger().info("partners were looked at", extra={"brand": brand, "partners": swept.partners, "stale": swept.stale})


@cache
def queue() -> Queue:
    return Queue(boto3.client("sqs", config=CONFIG), settings.trigger_queue_url)


@cache
def books() -> TriggerBooks:
    """What triggers look at, in this container."""
    return TriggerBooks.of(settings.books_table)
