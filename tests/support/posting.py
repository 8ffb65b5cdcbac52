"""A trading platform for tests: posts signed events to the postback function, beside tables that moto keeps."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from introducer.domain.configuration import Availability, Change
from introducer.domain.configuration import Source as ConfiguredSource
from introducer.domain.signatures import HEADER, sign
from introducer.gateways.secrets import KEPT_SECONDS
from introducer.runtime.observability import logger, metrics
from introducer.store import keys
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from tests.support import functions

BRAND, SOURCE, SECRET, IDENTITY = "brd_one", "meta", "a-secret-of-the-source", "the-identity-secret"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PREFIX = "introducer/test/source/"


def table(name: str) -> None:
    """A table with the keys both of ours have."""
    boto3.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": keys.PK, "KeyType": "HASH"},
            {"AttributeName": keys.SK, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": keys.PK, "AttributeType": "S"},
            {"AttributeName": keys.SK, "AttributeType": "S"},
        ],
    )


@contextmanager
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Our own empty AWS account, in this process."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_RETRY_MODE": "standard",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield


def a_deposit(**changes: Any) -> dict[str, Any]:
    """A good event; a change to None leaves the field out."""
    event = {
        "event_id": "dep-1",
        "type": "deposit",
        "client_id": "10234",
        "occurred_at": "2026-03-02T11:59:00Z",
        "currency": "EUR",
        "amount": "250.00",
    } | changes
    return {name: value for name, value in event.items() if value is not None}


@dataclass
class Answer:
    """What the function answered."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def receipts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body["receipts"]
        return found

    @property
    def statuses(self) -> list[str]:
        return [receipt["status"] for receipt in self.receipts]


@dataclass
class Platform:
    """One source, and the deployed function it posts to."""

    app: ModuleType
    clock: StandingClock
    facts: Facts
    configuration: Configuration
    dynamodb: Any
    secrets_manager: Any
    source: str = SOURCE
    secrets: list[bytes] = field(default_factory=lambda: [SECRET.encode()])

    def sends(self, *events: dict[str, Any], **how: Any) -> Answer:
        """One event, or a batch."""
        message = events[0] if len(events) == 1 else {"events": list(events)}
        return self.sends_raw(json.dumps(message).encode(), **how)

    def sends_raw(
        self,
        body: bytes,
        *,
        source: str | None = None,
        at: datetime = NOW,
        signature: str | None = None,
        unsigned: bool = False,
        encoded: bool = False,
        header: str = HEADER.lower(),
    ) -> Answer:
        """These bytes, signed as they should be unless told otherwise."""
        headers = {} if unsigned else {header: signature or sign(body, self.secrets, at)}
        name = self.source if source is None else source
        event = {
            "version": "2.0",
            "routeKey": "POST /postback/{source}",
            "rawPath": f"/postback/{name}",
            "headers": headers,
            "pathParameters": {"source": name},
            "requestContext": {"requestId": "req-1", "http": {"method": "POST"}},
            "body": base64.b64encode(body).decode() if encoded else body.decode("utf-8", "surrogatepass"),
            "isBase64Encoded": encoded,
        }
        answer = self.app.handler(event, None)
        return Answer(answer["statusCode"], answer["headers"], json.loads(answer["body"]))

    def stored(self) -> list[dict[str, Any]]:
        """Every item of FACTS."""
        items: list[dict[str, Any]] = self.dynamodb.scan(TableName="facts", ConsistentRead=True)["Items"]
        return items

    def set_secret(self, *texts: str, source: str = SOURCE) -> None:
        """What the platform's secret is from now on; the function has read nothing of it yet."""
        value = json.dumps({"v1": texts})
        try:
            self.secrets_manager.put_secret_value(SecretId=PREFIX + source, SecretString=value)
        except self.secrets_manager.exceptions.ResourceNotFoundException:
            self.secrets_manager.create_secret(Name=PREFIX + source, SecretString=value)
        self.clock.seconds += KEPT_SECONDS

    def start_again(self) -> None:
        """As on the first day: empty FACTS, one good secret."""
        for item in self.stored():
            self.dynamodb.delete_item(TableName="facts", Key={"pk": item["pk"], "sk": item["sk"]})
        self.secrets, self.clock.time = [SECRET.encode()], NOW
        self.set_secret(SECRET)


class StandingClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def elapsed(self) -> float:
        return self.seconds


@contextmanager
def a_platform() -> Iterator[Platform]:
    """A source of one brand, its secrets, both tables, and the function with a clock that stands at NOW.

    Making clients takes most of the time: make one per module, and `start_again` for each test.
    """
    with pytest.MonkeyPatch.context() as patch, cloud(patch):
        for name, value in {
            "STAGE": "test",
            "FACTS_TABLE": "facts",
            "BOOKS_TABLE": "books",
            "IDENTITY_KEY_SECRET": "introducer/test/identity-key",
            "SOURCE_SECRET_PREFIX": PREFIX,
            "POWERTOOLS_SERVICE_NAME": "postback",
            "POWERTOOLS_METRICS_NAMESPACE": "Introducer",
        }.items():
            patch.setenv(name, value)
        # Another function's tests in this process may have made them under their own name.
        logger.cache_clear()
        metrics.cache_clear()
        table("facts")
        table("books")
        secrets = boto3.client("secretsmanager")
        secrets.create_secret(Name="introducer/test/identity-key", SecretString=IDENTITY)
        app, clock = functions.load("postback"), StandingClock()
        patch.setattr(app, "clock", clock)
        platform = Platform(app, clock, Facts("facts"), Configuration("books"), boto3.client("dynamodb"), secrets)
        add_source(platform.configuration, SOURCE)
        yield platform


@contextmanager
def log_of(service: str) -> Iterator[io.StringIO]:
    """What the function's logger writes meanwhile."""
    written = io.StringIO()
    logger()  # the handler exists once the logger does
    handlers = [h for h in logging.getLogger(service).handlers if isinstance(h, logging.StreamHandler)]
    before = [handler.setStream(written) for handler in handlers]
    try:
        yield written
    finally:
        for handler, stream in zip(handlers, before, strict=True):
            handler.setStream(stream)


def add_source(
    configuration: Configuration,
    name: str,
    status: Availability = Availability.ACTIVE,
    dialect: str = "introducer",
    settings: str = "{}",
) -> None:
    """Configure a source of the brand."""
    configuration.register_source(
        ConfiguredSource(source=name, brand=BRAND, dialect=dialect, status=status, settings=settings),
        Change(by="system:test", at=NOW, why="set up"),
    )
