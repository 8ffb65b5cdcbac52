"""DynamoDB's own form of items, for the paths where pynamodb's models would cost more than they give.

Attributes are texts and whole numbers. A float or a truth value is a programmer's mistake, and refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

from pynamodb.connection.base import Connection, MetaTable
from pynamodb.constants import ITEM
from pynamodb.exceptions import PynamoDBConnectionError

from introducer.domain.errors import Unavailable
from introducer.store import keys

Wire = Mapping[str, Mapping[str, Any]]
"""An item as DynamoDB sends it: `{"sk": {"S": "…"}, "amount": {"N": "3720"}}`."""

CONDITION_FAILED = "ConditionalCheckFailedException"

REFUSED = {"ConditionalCheckFailed", "TransactionConflict"}
"""Codes of a transaction that met another one: read again."""

IMPOSSIBLE = {"ValidationException", "ValidationError", "ItemCollectionSizeLimitExceeded"}
"""Codes of what stays wrong however often it is tried."""

BATCH = 100
"""The most items one BatchGetItem or TransactWriteItems takes."""

CONNECTIONS = 32
"""So many requests of a process are on their way at once, at most: more than any function has threads."""


def to_wire(item: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Plain values as DynamoDB takes them; None is left out."""
    wire = {}
    for name, value in item.items():
        if type(value) is int:
            wire[name] = {"N": str(value)}
        elif isinstance(value, str):
            wire[name] = {"S": value}
        elif value is not None:
            raise TypeError(f"{name} is a {type(value).__name__}: this item holds texts and whole numbers")
    return wire


def from_wire(item: Wire) -> dict[str, Any]:
    """DynamoDB's values as texts and integers; other kinds are passed over."""
    plain: dict[str, Any] = {}
    for name, value in item.items():
        if "S" in value:
            plain[name] = value["S"]
        elif "N" in value:
            plain[name] = int(value["N"])
    return plain


_ACCOUNT = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_DEFAULT_REGION")
"""What botocore reads from the environment about where it speaks to, and as whom."""
_clients: dict[tuple[str | None, ...], Any] = {}
_making = Lock()


class _OneClient(Connection):
    """All connections of a process share one client: a client takes some 10 MB, some 50 ms and sockets of its own, and
    a function has dozens of stores. Clients can be shared by threads, but not made by several at once."""

    @property
    def client(self) -> Any:
        # A process that is told of another account speaks to that one from then on.
        of = (self.region, self.host, *map(os.environ.get, _ACCOUNT))
        with _making:
            self._client = _clients.get(of, self._client)
            made = super().client
            if self._client is not None:
                _clients[of] = self._client
            return made


def connect(*tables: str, region: str | None = None, host: str | None = None) -> Connection:
    """One connection that knows the key schema of these tables, so that pynamodb need not ask for it."""
    # A gateway gives up after 30 seconds; three tries of at most three seconds each stay well within.
    connection = _OneClient(
        region=region,
        host=host,
        connect_timeout_seconds=1,
        read_timeout_seconds=2,
        max_retry_attempts=2,
        max_pool_connections=CONNECTIONS,
    )
    for table in tables:
        connection.add_meta_table(
            MetaTable(
                {
                    "TableName": table,
                    "KeySchema": [
                        {"AttributeName": keys.PK, "KeyType": "HASH"},
                        {"AttributeName": keys.SK, "KeyType": "RANGE"},
                    ],
                    "AttributeDefinitions": [
                        {"AttributeName": keys.PK, "AttributeType": "S"},
                        {"AttributeName": keys.SK, "AttributeType": "S"},
                        {"AttributeName": keys.OWNER_PK, "AttributeType": "S"},
                        {"AttributeName": keys.OWNER_SK, "AttributeType": "S"},
                    ],
                    "GlobalSecondaryIndexes": [
                        {
                            "IndexName": keys.BY_OWNER,
                            "KeySchema": [
                                {"AttributeName": keys.OWNER_PK, "KeyType": "HASH"},
                                {"AttributeName": keys.OWNER_SK, "KeyType": "RANGE"},
                            ],
                        }
                    ],
                }
            )
        )
    return connection


def put_operation(connection: Connection, table: str, item: Mapping[str, Any], condition: Any = None) -> dict[str, Any]:
    """The put of an item, under a condition where there is one, as a part of a transaction."""
    attributes = to_wire(item)
    pk, sk = attributes.pop(keys.PK)["S"], attributes.pop(keys.SK)["S"]
    return connection.get_operation_kwargs(table, pk, sk, key=ITEM, attributes=attributes, condition=condition)


def batch_get(
    connection: Connection, table: str, wanted: Sequence[keys.Key], attributes: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """The items of these keys that exist, in no order, read consistently. Raises `Unavailable`."""
    return [from_wire(item) for item in batch_get_wire(connection, table, wanted, attributes)]


def batch_get_wire(
    connection: Connection, table: str, wanted: Sequence[keys.Key], attributes: Sequence[str] | None = None
) -> list[Wire]:
    """The same, as DynamoDB sends them."""
    found: list[Wire] = []
    for start in range(0, len(wanted), BATCH):
        pending: list[Any] = [key.item() for key in wanted[start : start + BATCH]]
        for _ in range(10):
            with reading():
                answer = connection.batch_get_item(table, pending, consistent_read=True, attributes_to_get=attributes)
            found += answer["Responses"].get(table, [])
            # A throttled table answers with what it did not read.
            left = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            if not left:
                break
            pending = [from_wire(key) for key in left]
        else:
            raise Unavailable("The table answers only in part: try again.", code="store_unavailable")
    return found


class Refused(Exception):
    """The condition of a write did not hold; nothing was written."""


@contextmanager
def reading() -> Iterator[None]:
    """pynamodb's errors while reading, as ours."""
    try:
        yield
    except PynamoDBConnectionError as error:
        raise unavailable() from error


@contextmanager
def writing() -> Iterator[None]:
    """pynamodb's errors while writing: `Refused`, or `Unavailable`."""
    try:
        yield
    except PynamoDBConnectionError as error:
        if response_code(error) == CONDITION_FAILED:
            raise Refused from error
        raise unavailable() from error


def response_code(error: BaseException) -> str | None:
    """DynamoDB's code for what went wrong; None when no answer came. (pynamodb's own reading of it fails on a request
    that got lost midway: botocore's error then has a response that is None.)"""
    cause = getattr(error, "cause", None) or error.__cause__
    response = getattr(cause, "response", None) or {}
    code = response.get("Error", {}).get("Code")
    return None if code is None else str(code)


def unavailable() -> Unavailable:
    """What to raise when DynamoDB did not do it: nothing was promised, trying again is right."""
    return Unavailable("The table did not answer: try again.", code="store_unavailable")
