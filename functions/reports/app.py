"""Reports: every hour, whose letter or digest is due; and, from a queue, a page of them at a time, each once."""

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
from introducer.services.write_report import ReportBooks, follow, messages


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Messages of the queue → which of them must come again; or the hourly call → how many messages it made."""
    if "Records" not in event:
        made = 0
        for message in messages(books(), clock.now()):
            queue().send(message)
            made += 1
        logger().info("reports are looked at", extra={"messages": made})
        return {"messages": made}
    failed = [record["messageId"] for record in event["Records"] if not _follow(record)]
    publish()
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def _follow(record: dict[str, Any]) -> bool:
    """Does what a message says; whether that was done. The next page is named last: what is repeated is found done."""
    try:
        written = follow(books(), json.loads(record["body"]))
        for message, failure in written.failed.items():
            logger().error("a letter could not be written", exc_info=failure, extra=_names(message))
            queue().send(message)
        if written.following:
            queue().send(written.following)
    except IntroducerError as error:
        logger().warning("reports are to be written again", extra={"code": error.code, "event": record["messageId"]})
        return False
    except Exception as error:
        logger().error("reports could not be written", exc_info=error, extra={"event": record["messageId"]})
        return False
    count("ReportsWritten", written.letters)
    return True


def _names(message: str) -> dict[str, str]:
    """What a message is about, for the log."""
    said = json.loads(message)
    return {"brand": said["brand"], "partner": said["partner"]}


@cache
def queue() -> Queue:
    """Where pages of partners wait to be written to."""
    return Queue(boto3.client("sqs", config=CONFIG), settings.report_queue_url)


@cache
def books() -> ReportBooks:
    return ReportBooks.of(settings.books_table)
