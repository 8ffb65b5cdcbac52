"""What the redirect asks of AWS, asked by boto3: the baseline of the redirect's own client."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
from botocore.config import Config

READINGS = 400


class Boto3:
    """The calls of the redirect's `aws.Aws`, by boto3 as it comes; one try and short timeouts, as a redirect needs.

    The redirect writes a click as JSON, which boto3 does not take. A redirect on boto3 would not do so: what reading it
    costs can be told apart, so that the baseline need not pay for it.
    """

    def __init__(self) -> None:
        self._put = "{}"
        once = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1, "mode": "standard"})
        self._tables, self._queues, self._secrets = (
            boto3.client(service, config=once) for service in ("dynamodb", "sqs", "secretsmanager")
        )

    def open(self, *, seconds: float) -> None:
        """boto3 connects with its first call."""

    def get_item(self, table: str, key: dict[str, Any], *, seconds: float) -> dict[str, Any] | None:
        item: dict[str, Any] | None = self._tables.get_item(TableName=table, Key=key).get("Item")
        return item

    def put_item(self, table: str, item: Any, *, seconds: float) -> None:
        self._put = item.text
        self._tables.put_item(TableName=table, Item=item.fields())

    def reading_us(self) -> float:
        """CPU microseconds in which the last item is read from JSON."""
        began = time.process_time_ns()
        for _ in range(READINGS):
            json.loads(self._put)
        return (time.process_time_ns() - began) / READINGS / 1000

    def send_message(self, url: str, body: str, *, seconds: float) -> None:
        self._queues.send_message(QueueUrl=url, MessageBody=body)

    def get_secret(self, name: str, *, seconds: float) -> str:
        return str(self._secrets.get_secret_value(SecretId=name)["SecretString"])
