"""What a container prepares once and keeps: settings, the way to AWS, the keys.

Preparing is done while the function starts, and whatever fails then is tried again with the first click: nothing that
goes wrong here may keep a visitor from an answer. It lies outside the click's deadline, because it happens once, and no
click can be signed without the keys.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import lru_cache
from hmac import digest
from threading import Thread
from typing import Any

import clock
from aws import Aws

from introducer.store import keys

PREPARE_SECONDS = 2.0
"""What reading the keys, or opening the connections, may take in all."""
_TRY_AGAIN_SECONDS = 5.0


def dynamodb_key(key: keys.Key) -> dict[str, dict[str, Any]]:
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
    """One per container. Raises `KeyError` or `ValueError` for a setting that is missing or no number."""

    def __init__(self) -> None:
        environ = os.environ
        self.facts = environ["FACTS_TABLE"]
        self.books = environ["BOOKS_TABLE"]
        self.queue = environ["CLICK_QUEUE_URL"]
        self.fallback_url = environ["FALLBACK_URL"]
        self.deadline = float(environ["CLICK_DEADLINE_MS"]) / 1000
        self.keep_seconds = int(environ["CLICK_TTL_DAYS"]) * 86_400
        self.aws = Aws(environ, elapsed=clock.monotonic)
        self._keys: Keys | None = None
        self._prepared = False
        self._try_keys_at = 0.0
        self.keys_error = ""

    def prepare(self) -> None:
        """Open the connections and read the keys, at one time. It never raises, and waits for no longer than both may
        take: Lambda freezes a container between two visits, and with it whatever would still be under way."""
        self._prepared = True
        threads = [Thread(target=each, daemon=True) for each in (self._open, self._read_keys)]
        for thread in threads:
            thread.start()
        deadline = clock.Deadline(PREPARE_SECONDS)
        for thread in threads:
            thread.join(max(0.0, deadline.left()))

    def keys(self) -> Keys | None:
        """The keys; None while Secrets Manager does not give them. It is then asked again every few seconds only."""
        if self._keys is None:
            if not self._prepared:
                self.prepare()
            elif clock.monotonic() >= self._try_keys_at:
                self._try_keys_at = clock.monotonic() + _TRY_AGAIN_SECONDS
                self._read_keys()
        return self._keys

    def _open(self) -> None:
        self.aws.open(seconds=PREPARE_SECONDS)

    def _read_keys(self) -> None:
        """Never raises: why there are no keys stands in `keys_error`."""
        deadline = clock.Deadline(PREPARE_SECONDS)
        try:
            self._keys = Keys(lambda name: self.aws.get_secret(name, seconds=deadline.left()))
        except Exception as error:
            self.keys_error = f"{type(error).__name__}: {getattr(error, 'reason', error)}"[:200]
