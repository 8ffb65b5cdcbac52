"""A queue of SQS that our own functions read again."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.errors import Unavailable

LONGEST_DELAY = 900
"""Seconds that SQS keeps a message back at most."""


class Queue:
    """Sends messages. `client` is boto3's SQS client."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, body: str, delay: int = 0) -> None:
        """Send a message that is seen after `delay` seconds (900 at most). Raises `Unavailable`."""
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=min(delay, LONGEST_DELAY))
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("The queue did not take the message: try again.", code="queue_unavailable") from error
