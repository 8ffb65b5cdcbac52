"""One item, and all items of one partition, in as many requests as it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pynamodb.connection.base import Connection
from pynamodb.expressions.condition import Condition

from introducer.store import keys
from introducer.store.wire import from_wire, reading


def one(connection: Connection, table: str, key: keys.Key) -> dict[str, Any] | None:
    """The item of this key, read consistently; None where there is none. Raises `Unavailable`."""
    with reading():
        answer = connection.get_item(table, key.pk, key.sk, consistent_read=True)
    return from_wire(answer["Item"]) if "Item" in answer else None


def whole(
    connection: Connection,
    table: str,
    pk: str,
    condition: Condition | None = None,
    *,
    consistent: bool = True,
    index: str | None = None,
) -> Iterator[dict[str, Any]]:
    """The items under this key, in their order; those alone whose sort key meets the condition. An index is not read
    consistently. Raises `Unavailable`."""
    start: Any = None
    while True:
        with reading():
            answer = connection.query(
                table,
                pk,
                range_key_condition=condition,
                exclusive_start_key=start,
                consistent_read=consistent and index is None,
                index_name=index,
            )
        yield from map(from_wire, answer["Items"])
        start = answer.get("LastEvaluatedKey")
        if not start:
            return
