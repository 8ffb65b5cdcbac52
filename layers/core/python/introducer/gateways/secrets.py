"""Secrets Manager: the keys a function needs, read once per container and kept for a while.

Plain boto3 and not Powertools' parameters: that imports another 30 ms and hides the time behind its own clock, and all
it would do here is this small cache.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.errors import Unavailable

CONFIG = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
KEPT_SECONDS = 300
"""A rotated secret is in use everywhere after this time: both the old and the new one must be good meanwhile."""
OLDEST_SECONDS = 3600
"""While Secrets Manager does not answer, a value we hold serves up to this age."""


class SecretMissing(Unavailable):
    """The secret does not exist or does not have the form it should: an operator must put it right."""

    code = "secret_missing"


class SecretsUnavailable(Unavailable):
    """Secrets Manager did not answer."""

    code = "secrets_unavailable"


class Secrets:
    """Reads secrets by their id. `elapsed` counts seconds from any beginning and never goes back.

    Errors name the secret's id, never anything of its value.
    """

    def __init__(self, client: Any, *, elapsed: Callable[[], float]) -> None:
        self._client = client
        self._elapsed = elapsed
        self._kept: dict[str, tuple[float, str]] = {}

    def text(self, secret_id: str) -> str:
        """The secret as text. Raises `SecretMissing` or `SecretsUnavailable`."""
        now = self._elapsed()
        read_at, value = self._kept.get(secret_id, (0.0, ""))
        age = now - read_at if value else float("inf")
        if age < KEPT_SECONDS:
            return value
        try:
            value = self._read(secret_id)
        except SecretsUnavailable:
            if age < OLDEST_SECONDS:
                return value
            raise
        except SecretMissing:
            # It was taken away: what we held is no longer good.
            self._kept.pop(secret_id, None)
            raise
        self._kept[secret_id] = (now, value)
        return value

    def document(self, secret_id: str) -> dict[str, Any]:
        """The secret as a JSON object. Raises `SecretMissing` or `SecretsUnavailable`."""
        try:
            value = json.loads(self.text(secret_id))
        except json.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            raise SecretMissing(f"The secret {secret_id} is not a JSON object.")
        return value

    def signing_keys(self, secret_id: str) -> list[bytes]:
        """The keys of `{"v1": ["<current>", "<previous>"]}`. Raises `SecretMissing` or `SecretsUnavailable`."""
        texts = self.document(secret_id).get("v1")
        if not isinstance(texts, list) or not texts or not all(isinstance(t, str) and t for t in texts):
            raise SecretMissing(f'The secret {secret_id} does not read {{"v1": ["<text>", …]}}.')
        return [text.encode() for text in texts]

    def pull_token(self, secret_id: str) -> str:
        """What a platform knows us by, by a source's secret; empty where there is nothing. Raises as `document`."""
        token = self.document(secret_id).get("pull", "")
        if not token:
            # It may have been kept a moment ago, and whoever did is waiting.
            self._kept.pop(secret_id, None)
            token = self.document(secret_id).get("pull", "")
        return token if isinstance(token, str) else ""

    def _read(self, secret_id: str) -> str:
        try:
            value = self._client.get_secret_value(SecretId=secret_id).get("SecretString")
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                raise SecretMissing(f"There is no secret {secret_id}.") from None
            raise SecretsUnavailable(f"The secret {secret_id} could not be read.") from error
        except BotoCoreError as error:
            raise SecretsUnavailable(f"The secret {secret_id} could not be read.") from error
        if not value:
            raise SecretMissing(f"The secret {secret_id} holds no text.")
        return str(value)
