"""All items of one partition, in as many requests as it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pynamodb.connection.base import Connection
from pynamodb.expressions.condition import Condition

from introducer.store.wire import from_wire, reading


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
