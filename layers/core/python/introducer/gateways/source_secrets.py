"""Secrets of sources in Secrets Manager: making and rotating what they sign with, keeping what platforms know us by.

    {"v1": ["<current>", "<previous>"], "pull": "<the platform's token>"}

Whoever verifies or asks reads them by `gateways.secrets`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.errors import Conflict, NotFound, Unavailable


class SourceSecrets:
    """Secrets of the sources of one stage. `prefix` is what their names begin with: `introducer/<stage>/source/`."""

    def __init__(self, client: Any, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def create(self, source: str, text: str) -> None:
        """Keeps the source's first secret. Raises `Conflict` when it has one: a secret is never overwritten here."""
        try:
            self._client.create_secret(
                Name=self._prefix + source,
                Description=f"What the source {source} signs its events with. Several are good at once, to rotate.",
                SecretString=json.dumps({"v1": [text]}),
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ResourceExistsException":
                raise Conflict(
                    f"The source {source} has a secret already: rotate it instead.", code="secret_exists"
                ) from error
            raise _unavailable() from error
        except BotoCoreError as error:
            raise _unavailable() from error

    def known(self, source: str) -> Known:
        """What may be said of a source's secrets. Raises `NotFound` and `Unavailable`."""
        return _known(self._read(source))

    def rotate(self, source: str, text: str, replaces: str) -> None:
        """`text` is the current one from now on, and the one before stays good beside it. `replaces` is the
        fingerprint of the one that was current. Raises `Conflict` (`secret_changed`), `NotFound` and `Unavailable`."""

        def rotated(before: Mapping[str, Any]) -> dict[str, Any]:
            if _known(before).fingerprint != replaces:
                raise Conflict("This secret was replaced meanwhile: look again.", code="secret_changed")
            return {**before, "v1": [text, *before.get("v1", [])[:1]]}

        self._write(source, rotated)

    def end_previous(self, source: str) -> None:
        """The current secret alone is good from now on. Raises `NotFound` and `Unavailable`."""
        self._write(source, lambda before: {**before, "v1": before.get("v1", [])[:1]})

    def keep_token(self, source: str, token: str) -> None:
        """What the platform knows us by, from now on. Raises `NotFound` and `Unavailable`."""
        self._write(source, lambda before: {**before, "pull": token})

    def _read(self, source: str) -> dict[str, Any]:
        try:
            found = json.loads(self._client.get_secret_value(SecretId=self._prefix + source)["SecretString"])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                raise NotFound(f"The source {source} has no secret: register it again.", code="no_secret") from error
            raise _unavailable() from error
        except BotoCoreError as error:
            raise _unavailable() from error
        except (KeyError, json.JSONDecodeError) as error:
            raise NotFound(f"The secret of {source} is not readable.", code="no_secret") from error
        return found if isinstance(found, dict) else {}

    def _write(self, source: str, change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        after = change(self._read(source))
        try:
            self._client.put_secret_value(SecretId=self._prefix + source, SecretString=json.dumps(after))
        except (BotoCoreError, ClientError) as error:
            raise _unavailable() from error


class Known(NamedTuple):
    """What may be said of a source's secrets without telling them."""

    fingerprint: str
    """Of the current one: so that whoever replaces it names which."""
    previous: bool
    """Whether the one before is good too."""
    token: bool
    """Whether there is a token for the platform."""


def _known(document: Mapping[str, Any]) -> Known:
    texts = document.get("v1") or [""]
    return Known(
        sha256(b"source secret " + texts[0].encode()).hexdigest()[:12], len(texts) > 1, bool(document.get("pull"))
    )


def new_client(endpoint_url: str | None = None) -> Any:
    """A client of the region; `endpoint_url` is the local cloud's."""
    import boto3  # costs a quarter of a second: only those who make secrets pay it

    return boto3.client("secretsmanager", endpoint_url=endpoint_url)


def _unavailable() -> Unavailable:
    return Unavailable("The secret could not be kept just now: try again in a minute.")
