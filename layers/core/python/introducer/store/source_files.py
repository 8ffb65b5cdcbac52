"""BOOKS: platforms' files and how far each is read; one item for each version of a file, moved under its version."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.errors import NotFound
from introducer.domain.source_file import KEPT, FileStatus, SourceFile
from introducer.store import keys
from introducer.store.paging import Page
from introducer.store.partitions import one
from introducer.store.wire import Refused, connect, from_wire, reading, to_wire, writing

_ID = re.compile(r"fil_[0-9A-Z]{26}", re.ASCII)
_PLAIN = (
    "brand", "key", "object_version", "size", "at", "lines", "error", "detail", "busy_until", "finished", "version",
)  # fmt: skip


def source_file_to_item(file: SourceFile) -> dict[str, Any]:
    """The item of a file."""
    return {
        **_key(file.source, file.at, file.file).item(),
        **{name: getattr(file, name) for name in _PLAIN},
        "status": file.status.value,
        "counts": json.dumps(dict(file.counts), sort_keys=True),
        keys.TTL: file.at // 1000 + int(KEPT.total_seconds()),
    }


def source_file_from_item(item: Mapping[str, Any]) -> SourceFile:
    """The file of an item."""
    return SourceFile(
        source=keys.parts(item[keys.PK])[1],
        file=keys.parts(item[keys.SK])[1],
        status=FileStatus(item["status"]),
        counts=json.loads(item["counts"]),
        **{name: item[name] for name in _PLAIN},
    )


class SourceFiles:
    """Reads and conditional writes. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def file(self, source: str, at: int, file: str) -> SourceFile:
        """One file, by when it came (in ms) and its id. Raises `NotFound`."""
        item = None
        if _ID.fullmatch(file) and 0 <= at < 10**13:
            item = one(self._connection, self._table, _key(source, at, file))
        if item is None:
            raise NotFound("There is no such file.", code="no_such_file")
        return source_file_from_item(item)

    def files(self, source: str, cursor: str | None = None, limit: int = 50) -> Page[SourceFile]:
        """A page of a source's files, newest first."""
        with reading():
            answer = self._connection.query(
                self._table,
                keys.partition("source_file", source=source),
                range_key_condition=None if cursor is None else Path(keys.SK) < cursor,
                scan_index_forward=False,
                limit=limit + 1,
            )
        items = [from_wire(item) for item in answer["Items"]]
        return Page(
            tuple(source_file_from_item(item) for item in items[:limit]),
            items[limit - 1][keys.SK] if len(items) > limit else None,
        )

    def create(self, file: SourceFile) -> bool:
        """Whether it is new; one that is there is left as it is."""
        return self._put(file, Path(keys.PK).does_not_exist())

    def move(self, before: SourceFile, after: SourceFile) -> bool:
        """Whether it went from one state to the next: not, when somebody else moved it since it was read."""
        return self._put(after, Path("version") == before.version)

    def _put(self, file: SourceFile, condition: Any) -> bool:
        values = to_wire(source_file_to_item(file))
        pk, sk = values.pop(keys.PK)["S"], values.pop(keys.SK)["S"]
        try:
            with writing():
                self._connection.put_item(self._table, pk, sk, attributes=values, condition=condition)
        except Refused:
            return False
        return True


def _key(source: str, at: int, file: str) -> keys.Key:
    return keys.key("source_file", source=source, at=f"{at:013}", file=file)
