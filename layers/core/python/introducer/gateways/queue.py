"""A queue of SQS that our own functions read again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

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


class Letter(NamedTuple):
    """A message that was taken from a queue and is still in it until it is done."""

    receipt: str
    body: str


class LettersLeft:
    """What a queue could not hand over: its dead-letter queue, read by us. `client` is boto3's SQS client."""

    def __init__(self, client: Any, url: str, hidden_seconds: int, wait_seconds: int = 1) -> None:
        """`hidden_seconds` is for how long a letter that was shown and not done is shown to nobody again. A wait asks
        all of the queue's servers; without one only some are asked, and may show nothing where there is something."""
        self._client = client
        self._url = url
        self._hidden_seconds = hidden_seconds
        self._wait_seconds = wait_seconds

    def letters(self) -> Iterator[Letter]:
        """All letters that are not hidden, one by one, until there are no more. Raises `Unavailable`."""
        while True:
            try:
                answer = self._client.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=10,
                    VisibilityTimeout=self._hidden_seconds,
                    WaitTimeSeconds=self._wait_seconds,
                )
            except (BotoCoreError, ClientError) as error:
                raise Unavailable("The queue does not answer: try again.", code="queue_unavailable") from error
            messages = answer.get("Messages", [])
            if not messages:
                return
            for message in messages:
                yield Letter(message["ReceiptHandle"], message["Body"])

    def done(self, letter: Letter) -> None:
        """Take a letter out of the queue. Raises `Unavailable`: it then comes again."""
        try:
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("The queue does not answer: try again.", code="queue_unavailable") from error
