"""Where a schedule's tables are: in memory, or on the local cloud. Both begin with the configuration of all worlds."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import Credentials

from introducer.store import keys
from tests.conftest import create_table
from tests.faults import worlds
from tests.faults.wire import WRITES
from tests.support.memory import Memory, Place, Record, served_by

FACTS, BOOKS = "facts", "books"


@cache
def configured() -> Memory:
    """Tables with the configuration of all worlds; made once, copied for each schedule."""
    memory = Memory()
    for table, index in ((FACTS, False), (BOOKS, True)):
        create_table(memory.client, table, index)
    with served_by(memory.client):
        worlds.configure(memory.client, BOOKS)
    return memory


class InMemory:
    """The tables of one schedule, in this process. `begin` is what stands in them before it."""

    def __init__(
        self,
        clock: Callable[[], float],
        without: Iterable[keys.Key] = (),
        begin: Callable[[], Memory] = configured,
    ) -> None:
        self._memory = begin().copy(clock)
        for key in without:
            self._memory.tables[BOOKS].put((key.pk, key.sk), None)
        self._begins = len(self._memory.tables[BOOKS].stream)

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return self._memory.call(operation, arguments)

    def stream(self, table: str) -> list[Record]:
        stream = self._memory.tables[table].stream
        return stream[self._begins :] if table == BOOKS else stream

    def items(self, table: str) -> dict[Place, Mapping[str, Any]]:
        items = self._memory.tables[table].items
        return {place: items[place] for place in {record.place for record in self.stream(table)} if place in items}

    def close(self) -> None:
        """Nothing is left to do."""


@dataclass
class OnTheCloud:
    """The tables of one schedule, in an account of their own on the local cloud.

    Its tables have no stream here: what each write changed is read back, since one worker runs at a time.
    """

    client: Any
    without: Iterable[keys.Key] = ()
    begin: Callable[[], Memory] = configured
    _streams: dict[str, list[Record]] = field(default_factory=lambda: {FACTS: [], BOOKS: []})
    _images: dict[tuple[str, Place], Any] = field(default_factory=dict)
    """Each item as it was last: nobody else writes in this account."""

    def __post_init__(self) -> None:
        # Another account is another cloud: one client for all is quicker than a client for each.
        account = str(secrets.randbelow(9 * 10**11) + 10**11)
        self.client._request_signer._credentials = Credentials(account, "local")
        for table, index in ((FACTS, False), (BOOKS, True)):
            create_table(self.client, table, index)
        left_out = {(key.pk, key.sk) for key in self.without}
        begins = {place: item for place, item in self.begin().tables[BOOKS].items.items() if place not in left_out}
        self._images |= {(BOOKS, place): item for place, item in begins.items()}
        items = list(begins.values())
        for start in range(0, len(items), 25):
            puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
            self.client.batch_write_item(RequestItems={BOOKS: puts})

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.client._make_api_call(operation, dict(arguments))
        written = self._written(operation, arguments)
        after = self._read(written)
        for at in written:
            old, new = self._images.get(at), after.get(at)
            if old != new:
                table, place = at
                self._streams[table].append(Record(len(self._streams[table]) + 1, place, old, new))
                self._images[at] = new
        return answer

    def stream(self, table: str) -> list[Record]:
        return self._streams[table]

    def items(self, table: str) -> dict[Place, Mapping[str, Any]]:
        pages = self.client.get_paginator("scan").paginate(TableName=table)
        return {_place(item): item for page in pages for item in page["Items"]}

    def close(self) -> None:
        """The tables go; the account is never used again."""
        for table in (FACTS, BOOKS):
            self.client.delete_table(TableName=table)

    def _read(self, places: Iterable[tuple[str, Place]]) -> dict[tuple[str, Place], Any]:
        wanted: dict[str, Any] = {}
        for table, (pk, sk) in places:
            request = wanted.setdefault(table, {"Keys": [], "ConsistentRead": True})
            request["Keys"].append({keys.PK: {"S": pk}, keys.SK: {"S": sk}})
        if not wanted:
            return {}
        found = self.client.batch_get_item(RequestItems=wanted)["Responses"]
        return {(table, _place(item)): item for table, items in found.items() for item in items}

    def _written(self, operation: str, arguments: Mapping[str, Any]) -> list[tuple[str, Place]]:
        parts: list[Mapping[str, Any]] = []
        if operation in WRITES:
            parts = [arguments]
        elif operation == "TransactWriteItems":
            parts = [part for action in arguments["TransactItems"] for part in action.values()]
        return [(part["TableName"], _place(part.get("Key") or part["Item"])) for part in parts]


def cloud_client(endpoint: str) -> Any:
    """A client that sends each request once: trying again is the wire's part."""
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    return boto3.Session("000000000000", "local", region_name="us-east-1").client(
        "dynamodb", endpoint_url=endpoint, config=config
    )


def _place(item: Mapping[str, Any]) -> Place:
    return item[keys.PK]["S"], item[keys.SK]["S"]
