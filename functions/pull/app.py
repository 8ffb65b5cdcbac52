"""Pull: sources that are fetched. The schedule names those that are due to a queue; a message of it fetches one."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import boto3

from introducer.domain.errors import NotFound
from introducer.gateways.outside_http import Outside
from introducer.gateways.platform import BOUNDS, Platform
from introducer.gateways.queue import Queue
from introducer.gateways.secrets import CONFIG, Secrets
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.accept_events import Intake, Status
from introducer.services.pull_source import Outcome, Puller, pull_source, sources_due
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.pulls import Pulls


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A message of the queue, or a run of the schedule. Raises when the tables do not answer: it comes again."""
    answer = _fetch(event["Records"]) if "Records" in event else _name()
    publish()
    return answer


def _name() -> dict[str, Any]:
    """Each due source becomes a message: one that is slow holds up nobody else."""
    named = 0
    for source in sources_due(configuration(), puller().pulls, clock.now()):
        queue().send(json.dumps({"source": source}))
        named += 1
    return {"sources": named}


def _fetch(records: list[dict[str, Any]]) -> dict[str, Any]:
    for record in records:
        given = json.loads(record["body"])
        _one(str(given["source"]), asked=bool(given.get("asked")))
    return {"batchItemFailures": []}


def _one(source: str, *, asked: bool) -> None:
    try:
        run = pull_source(puller(), source, asked=asked)
    except NotFound:
        logger().error("a source is to be fetched that is not there", extra={"source": source})
        return
    for status in Status:
        count(f"Events{status.capitalize()}", run.counts[str(status)])
    count("PagesFetched", run.pages)
    told = {"source": source, "outcome": str(run.outcome), "pages": run.pages, **run.counts}
    if run.outcome is Outcome.FAILED and run.pull is not None:
        count("PullsFailed")
        needs = run.pull.needs_person
        count("PullsNeedPerson", int(needs))
        log = logger().error if needs else logger().warning
        log("a source could not be fetched", extra=told | {"reason": run.pull.error, "failures": run.pull.failures})
        return
    logger().info("source fetched", extra=told)
    if run.outcome is Outcome.MORE:
        queue().send(json.dumps({"source": source}))


@cache
def queue() -> Queue:
    return Queue(boto3.client("sqs", config=CONFIG), settings.pull_queue_url)


@cache
def configuration() -> Configuration:
    return Configuration(settings.books_table)


@cache
def puller() -> Puller:
    """What fetches, in this container."""
    kept = Secrets(boto3.client("secretsmanager", config=CONFIG), elapsed=clock.elapsed)
    platform = Platform(Outside(clock.elapsed, bounds=BOUNDS, loopback=settings.reaches_loopback))
    intake = Intake(
        facts=Facts(settings.facts_table),
        sources=configuration(),
        secrets=kept,
        identity_secret=settings.identity_key_secret,
        source_secret_prefix=settings.source_secret_prefix,
    )
    return Puller(
        intake=intake,
        pulls=Pulls(settings.books_table),
        ask=lambda request: platform.page(request.method, request.url, request.headers),
        token=lambda source: kept.pull_token(settings.source_secret_prefix + source),
        now=clock.now,
        elapsed=clock.elapsed,
    )
