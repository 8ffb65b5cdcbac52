"""What the index `by_owner` lists under somebody, as it stands now."""

from __future__ import annotations

from typing import Any

from pynamodb.connection.base import Connection
from pynamodb.expressions.operand import Path

from introducer.store import keys
from introducer.store.paging import Page
from introducer.store.wire import batch_get, reading


def owned(
    connection: Connection, table: str, owner: str, cursor: str | None, limit: int, *, newest_first: bool
) -> Page[dict[str, Any]]:
    """A page of the items of an owner, in the index's order: keys by the index, then the items by their keys, read
    consistently. The index lags by moments behind the items: what is gone meanwhile is left out, and what changed is
    as it is now. Raises `Unavailable`."""
    page = owned_places(connection, table, owner, cursor, limit, newest_first=newest_first)
    return Page(tuple(item for _, item in page.items), page.cursor)


def owned_places(
    connection: Connection, table: str, owner: str, cursor: str | None, limit: int, *, newest_first: bool
) -> Page[tuple[str, dict[str, Any]]]:
    """The same, each item with the place where the index has it: a cursor behind it. The item itself may say another
    one by now. Raises `Unavailable`."""
    place = Path(keys.OWNER_SK)
    with reading():
        answer = connection.query(
            table,
            owner,
            range_key_condition=None if not cursor else place < cursor if newest_first else place > cursor,
            index_name=keys.BY_OWNER,
            limit=limit,
            scan_index_forward=not newest_first,
        )
    wanted = {keys.Key(item[keys.PK]["S"], item[keys.SK]["S"]): item[keys.OWNER_SK]["S"] for item in answer["Items"]}
    found = {keys.Key(item[keys.PK], item[keys.SK]): item for item in batch_get(connection, table, list(wanted))}
    last = answer.get("LastEvaluatedKey")
    return Page(
        tuple((at, found[key]) for key, at in wanted.items() if key in found),
        last[keys.OWNER_SK]["S"] if last else None,
    )
