"""BOOKS: how fetching a source goes, one item for each, moved under its version."""

from __future__ import annotations

import json
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.pulling import Pull
from introducer.store import keys
from introducer.store.partitions import one
from introducer.store.wire import Refused, connect, to_wire, writing

_TEXTS, _NUMBERS = ("error", "detail"), ("busy_until", "due", "failures", "tried", "succeeded", "caught_up", "version")


class Pulls:
    """Reads and conditional writes. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def pull(self, source: str) -> Pull:
        """How it goes now; a source that was never asked is at the beginning. Read consistently."""
        item = one(self._connection, self._table, keys.key("pull", source=source)) or {}
        values: dict[str, Any] = {name: item.get(name, "") for name in _TEXTS}
        values |= {name: item.get(name, 0) for name in _NUMBERS}
        return Pull(
            source=source,
            cursor=item.get("cursor"),
            lasting=bool(item.get("lasting")),
            counts=json.loads(item.get("counts", "{}")),
            **values,
        )

    def move(self, before: Pull, after: Pull) -> bool:
        """Whether it went from one state to the next: not, when somebody else moved it since it was read."""
        place, version = keys.key("pull", source=after.source), Path("version")
        values: dict[str, Any] = {name: getattr(after, name) for name in (*_TEXTS, *_NUMBERS)}
        values |= {
            "cursor": after.cursor,
            "lasting": int(after.lasting),
            "counts": json.dumps(dict(after.counts), sort_keys=True),
        }
        try:
            with writing():
                self._connection.put_item(
                    self._table,
                    place.pk,
                    place.sk,
                    attributes=to_wire(values),
                    condition=version == before.version if before.version else version.does_not_exist(),
                )
        except Refused:
            return False
        return True
