"""What a container prepares once and keeps: settings, clients with short deadlines, the keys.

Built with the first click, not at import, so that a bad setting still meets an answer. Preparing lies outside the
click's deadline: it happens once, and no click can be signed without the keys.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, lru_cache
from hmac import digest
from typing import Any

import botocore.session
from botocore.config import Config

from introducer.store import keys

CONNECT, READ = 0.1, 0.3
"""Shares of the deadline that reaching DynamoDB, and its answer, may take. One client reads BOOKS and writes FACTS: the
connection that the first has opened is warm for the second."""
QUEUE_CONNECT, QUEUE_READ = 0.1, 0.25

TABLE_CALL = CONNECT + READ
QUEUE_CALL = QUEUE_CONNECT + QUEUE_READ
"""The most that one call takes of the deadline. FACTS and then the queue fit, with a quarter to spare for computing; so
does a stalled BOOKS before them, as long as connections open fast."""

_SECRETS_SECONDS = 2.0
_TRY_AGAIN_SECONDS = 5.0


def dynamodb_key(key: keys.Key) -> dict[str, dict[str, str]]:
    """A key in DynamoDB's own notation."""
    return {name: {"S": value} for name, value in key.item().items()}


class Keys:
    """The secrets, read once: who signs click ids, what addresses are hashed under, how the edge is known."""

    def __init__(self, read: Callable[[str], str]) -> None:
        signing = json.loads(read(os.environ["CLICK_KEY_SECRET"]))
        self.number = int(signing["current"])
        self.signing = signing[signing["current"]].encode()[:64]
        self.edge = read(os.environ["EDGE_SECRET"])
        self._identity = read(os.environ["IDENTITY_KEY_SECRET"]).encode()
        self.brand_key = lru_cache(maxsize=256)(self._brand_key)

    def _brand_key(self, brand: str) -> bytes:
        """The key of a brand's hashes, as `introducer.domain.identity` makes it."""
        return digest(self._identity, brand.encode(), "sha256")


class Container:
    """One per container. Every attribute is made at its first use and stays."""

    def __init__(self) -> None:
        environ = os.environ
        self.facts = environ["FACTS_TABLE"]
        self.books = environ["BOOKS_TABLE"]
        self.queue = environ["CLICK_QUEUE_URL"]
        self.fallback_url = environ["FALLBACK_URL"]
        self.deadline = float(environ["CLICK_DEADLINE_MS"]) / 1000
        self.keep_seconds = int(environ["CLICK_TTL_DAYS"]) * 86_400
        self._session = botocore.session.Session()
        self._keys: Keys | None = None
        self._try_keys_at = 0.0
        self.keys_error = ""

    @cached_property
    def tables(self) -> Any:
        return self._client("dynamodb", self.deadline * CONNECT, self.deadline * READ)

    @cached_property
    def queues(self) -> Any:
        return self._client("sqs", self.deadline * QUEUE_CONNECT, self.deadline * QUEUE_READ)

    def keys(self) -> Keys | None:
        """The keys; None while Secrets Manager does not give them. It is then asked again every few seconds only."""
        if self._keys is None and time.monotonic() >= self._try_keys_at:
            self._warm()
            secrets = self._client("secretsmanager", _SECRETS_SECONDS, _SECRETS_SECONDS)
            try:
                self._keys = Keys(lambda name: str(secrets.get_secret_value(SecretId=name)["SecretString"]))
            except Exception as error:
                self.keys_error = type(error).__name__
                self._try_keys_at = time.monotonic() + _TRY_AGAIN_SECONDS
            finally:
                secrets.close()
        return self._keys

    def _warm(self) -> None:
        """Builds the clients and opens the tables' connection: a first call costs more than the deadline allows, and
        when FACTS fails there is no time left to build the client of the queue."""
        _ = self.queues
        with suppress(Exception):
            self.tables.get_item(TableName=self.books, Key=dynamodb_key(keys.key("link", code="-")))

    def _client(self, service: str, connect: float, read: float) -> Any:
        return self._session.create_client(
            service,
            config=Config(
                connect_timeout=connect,
                read_timeout=read,
                # Trying again is ours: FACTS, then the queue, then the log.
                retries={"total_max_attempts": 1, "mode": "standard"},
                # What we send is our own making, and bounded.
                parameter_validation=False,
                tcp_keepalive=True,
                user_agent="introducer-redirect",
            ),
        )
