"""Source files: what is put into the bucket below `sources/<source>/` is read, told of by S3 through a queue.

A file that takes longer than a run goes back into the queue and is read on from where it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

import boto3

from introducer.domain.errors import IntroducerError, Unavailable
from introducer.domain.source_file import SourceFile
from introducer.gateways.queue import Queue
from introducer.gateways.secrets import CONFIG, Secrets
from introducer.gateways.source_files import SourceBucket, new_client
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.accept_events import Intake, Status
from introducer.services.take_file import FileReader, Outcome, take_file
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.source_files import SourceFiles


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Messages of the queue → which of them must come again."""
    failed = []
    for record in event["Records"]:
        try:
            for key, version in _objects(record["body"]):
                _one(key, version)
        except (IntroducerError, ValueError, KeyError, TypeError) as error:
            # Broken or early, the queue brings it back; after its last time the dead-letter queue keeps it.
            log = logger().warning if isinstance(error, Unavailable) else logger().error
            log("a source's file could not be read", exc_info=error, extra={"event": record["messageId"]})
            failed.append({"itemIdentifier": record["messageId"]})
    publish()
    return {"batchItemFailures": failed}


def _objects(body: str) -> Iterator[tuple[str, str]]:
    """The objects that a message tells of, and their versions: S3's own words, or ours."""
    said = json.loads(body)
    if not isinstance(said, dict):
        raise ValueError("a message is an object")
    if said.get("Event") == "s3:TestEvent":
        return
    if "key" in said:
        yield str(said["key"]), str(said["version"])
        return
    for record in said["Records"]:
        found = record["s3"]["object"]
        # S3 writes names as forms do.
        yield unquote_plus(found["key"]), str(found["versionId"])


def _one(key: str, version: str) -> None:
    outcome, file = take_file(reader(), key=key, version=version)
    if outcome is Outcome.MORE:
        queue().send(json.dumps({"key": key, "version": version}))
    if outcome in (Outcome.DONE, Outcome.FAILED):
        count(f"SourceFiles{outcome.capitalize()}")
        for status in Status:
            count(f"Events{status.capitalize()}", file.counts.get(str(status), 0))
    _log(outcome, file)


def _log(outcome: Outcome, file: SourceFile) -> None:
    # Not by its name: whoever named it may have named somebody in it.
    told = {"source": file.source, "brand": file.brand, "file": file.file, "lines": file.lines, **file.counts}
    log = logger().error if outcome is Outcome.FAILED else logger().info
    log("a source's file", extra=told | {"outcome": str(outcome), "reason": file.error})


@cache
def queue() -> Queue:
    return Queue(boto3.client("sqs", config=CONFIG), settings.source_files_queue_url)


@cache
def reader() -> FileReader:
    """What reads, in this container."""
    intake = Intake(
        facts=Facts(settings.facts_table),
        sources=Configuration(settings.books_table),
        secrets=Secrets(boto3.client("secretsmanager", config=CONFIG), elapsed=clock.elapsed),
        identity_secret=settings.identity_key_secret,
        source_secret_prefix="",  # a file is signed by whoever may put it there
    )
    return FileReader(
        intake=intake,
        files=SourceFiles(settings.books_table),
        bucket=SourceBucket(new_client(), settings.source_files_bucket),
        now=clock.now,
        elapsed=clock.elapsed,
    )
