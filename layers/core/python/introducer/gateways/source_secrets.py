"""Making the secrets that sources sign with, in Secrets Manager. Reading them is `gateways.secrets`."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.errors import Conflict, Unavailable


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


def new_client(endpoint_url: str | None = None) -> Any:
    """A client of the region; `endpoint_url` is the local cloud's."""
    import boto3  # costs a quarter of a second: only those who make secrets pay it

    return boto3.client("secretsmanager", endpoint_url=endpoint_url)


def _unavailable() -> Unavailable:
    return Unavailable("The secret could not be kept just now: try again in a minute.")
