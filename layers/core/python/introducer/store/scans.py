"""Every item of both tables, for operator commands. Nothing that serves a request may scan.

Low-level on purpose: a command that reads everything must also be able to read what should not be there.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.errors import Unavailable
from introducer.store import keys


class Stored(NamedTuple):
    """An item as it stands in a table."""

    kind: str
    """Its name in `keys.ITEMS`; empty when no kind has such a key."""
    item: Mapping[str, Any]
    """Texts, whole numbers, truth values and lists of them."""

    @property
    def key(self) -> keys.Key:
        return keys.Key(self.item[keys.PK], self.item[keys.SK])

    def __str__(self) -> str:
        """Where it stands, for a person who looks for it."""
        return place(keys.ITEMS[self.kind].table, self.key) if self.kind else f"{self.key.pk} {self.key.sk}"


class Scans:
    """Reads whole tables, page by page, in the tables' own order: the items of one partition key come together.

    `client` is a low-level DynamoDB client of the account and region that the tables are in.
    """

    def __init__(self, client: Any, *, facts: str, books: str) -> None:
        self._client = client
        self._tables = {keys.FACTS: facts, keys.BOOKS: books}

    def facts(self) -> Iterator[Stored]:
        """Every click, event and quarantined message. Raises `Unavailable`."""
        return self._scan(keys.FACTS)

    def books(self) -> Iterator[Stored]:
        """Everything else. Raises `Unavailable`."""
        return self._scan(keys.BOOKS)

    def sizes(self) -> Mapping[str, int]:
        """About how many items each table has, by `keys.FACTS` and `keys.BOOKS`. AWS counts every six hours."""
        with_counts = {}
        for name, table in self._tables.items():
            try:
                with_counts[name] = int(self._client.describe_table(TableName=table)["Table"].get("ItemCount", 0))
            except (ClientError, BotoCoreError) as error:
                raise _unavailable(table) from error
        return with_counts

    def _scan(self, name: str) -> Iterator[Stored]:
        table = self._tables[name]
        position: dict[str, Any] = {}
        while True:
            try:
                answer = self._client.scan(TableName=table, ConsistentRead=True, **position)
            except (ClientError, BotoCoreError) as error:
                raise _unavailable(table) from error
            for wire in answer["Items"]:
                item = {attribute: plain(value) for attribute, value in wire.items()}
                yield Stored(kind_of(name, item[keys.PK], item[keys.SK]), item)
            if "LastEvaluatedKey" not in answer:
                return
            position = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def kind_of(table: str, pk: str, sk: str) -> str:
    """Which kind of item has such a key: a name in `keys.ITEMS`, or nothing."""
    for name, pk_shape, sk_shape in _SHAPES[table]:
        if _fits(pk_shape, keys.parts(pk)) and _fits(sk_shape, keys.parts(sk)):
            return name
    return ""


def place(table: str, key: keys.Key) -> str:
    """Where an item stands: `BOOKS P#par_1 / balance`."""
    return f"{table} {key.pk} / {key.sk}"


Shape = tuple[str | None, ...]
"""The parts of a key: constant words, and None where a value stands."""


def _shape(template: str) -> Shape:
    return tuple(None if part.startswith("{") else part for part in keys.parts(template))


def _fits(shape: Shape, parts: list[str]) -> bool:
    return len(shape) == len(parts) and all(
        word is None or word == part for word, part in zip(shape, parts, strict=True)
    )


_SHAPES: dict[str, list[tuple[str, Shape, Shape]]] = {
    table: [(each.name, _shape(each.pk), _shape(each.sk)) for each in keys.ITEMS.values() if each.table == table]
    for table in (keys.FACTS, keys.BOOKS)
}


def plain(value: Mapping[str, Any]) -> Any:
    """A value in DynamoDB's own form as a text, a whole number, a truth value or a list of them. Packed bytes are the
    text that is in them: who looks for a name must find it there too."""
    ((kind, content),) = value.items()
    if kind == "B":
        return zlib.decompress(content).decode()
    if kind == "N":
        return int(content)
    if kind == "L":
        return [plain(each) for each in content]
    return content


def _unavailable(table: str) -> Unavailable:
    return Unavailable(f"The table {table} could not be read: see that it exists and may be scanned.", code="no_scan")
