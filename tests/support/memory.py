"""DynamoDB in this process: the data plane our stores use, with its conditions, transactions, limits and streams.

It stands in below pynamodb, at the call that botocore would send, so all of the store's code, expressions included,
runs unchanged. The access-pattern suite runs on it and on the local cloud alike; the fault tests run on it because ten
thousand schedules on a cloud would take hours. Requests and answers have the shapes and the error codes of AWS.

Not here: reserved words, capacity, TTL, `ReturnConsumedCapacity`, PartiQL, legacy (non-expression) parameters.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import insort
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from threading import Lock
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from pynamodb.connection.base import Connection

Value = Mapping[str, Any]
"""An attribute's value in DynamoDB's form: `{"S": "…"}`."""
Item = Mapping[str, Value]
Place = tuple[str, str]
"""An item's partition and sort key."""

ITEM_BYTES, PAGE_BYTES, TRANSACTION_BYTES, BATCH_BYTES = 400 * 1024, 1 << 20, 4 << 20, 16 << 20
TOKEN_SECONDS = 600
"""How long a ClientRequestToken is remembered."""


class Record(NamedTuple):
    """One committed change of one item: what a stream with new and old images shows."""

    number: int
    place: Place
    old: Item | None
    new: Item | None

    def to_stream(self) -> dict[str, Any]:
        """As a Lambda function gets it."""
        change: dict[str, Any] = {
            "Keys": {"pk": {"S": self.place[0]}, "sk": {"S": self.place[1]}},
            "SequenceNumber": str(10**20 + self.number),
        }
        if self.new is not None:
            change["NewImage"] = self.new
        if self.old is not None:
            change["OldImage"] = self.old
        name = "INSERT" if self.old is None else "REMOVE" if self.new is None else "MODIFY"
        return {"eventID": f"{self.number:032x}", "eventName": name, "dynamodb": change}


@dataclass
class Index:
    """A global secondary index. Always up to date here; on AWS it lags by moments."""

    hash: str
    range: str
    projection: str
    included: tuple[str, ...]
    entries: dict[str, list[tuple[str, Place]]] = field(default_factory=dict)


@dataclass
class Table:
    """Items by their keys; stored items are never changed in place."""

    hash: str
    range: str
    indexes: dict[str, Index]
    items: dict[Place, Item] = field(default_factory=dict)
    partitions: dict[str, list[str]] = field(default_factory=dict)
    stream: list[Record] = field(default_factory=list)

    def put(self, place: Place, item: Item | None) -> None:
        """Commit an item, or its absence."""
        old = self.items.get(place)
        if old == item:
            # DynamoDB writes no stream record for a write that changes nothing.
            return
        if old is None:
            insort(self.partitions.setdefault(place[0], []), place[1])
        if item is None:
            del self.items[place]
            self.partitions[place[0]].remove(place[1])
        else:
            self.items[place] = item
        for index in self.indexes.values():
            _reindex(index, place, old, item)
        self.stream.append(Record(len(self.stream) + 1, place, old, item))

    def copy(self) -> Table:
        """The same items in a table of its own, with an empty stream."""
        indexes = {
            name: replace(index, entries={owner: list(each) for owner, each in index.entries.items()})
            for name, index in self.indexes.items()
        }
        partitions = {partition: list(each) for partition, each in self.partitions.items()}
        return Table(self.hash, self.range, indexes, dict(self.items), partitions)


class Memory:
    """Tables, and the operations on them. `clock` counts the seconds after which request tokens are forgotten."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.tables: dict[str, Table] = {}
        self._clock = clock
        self._tokens: dict[str, tuple[float, bytes]] = {}
        self._one = Lock()
        self.client = MemoryClient(self)

    def copy(self, clock: Callable[[], float]) -> Memory:
        """The same tables for another run; streams and tokens start anew."""
        memory = Memory(clock)
        memory.tables = {name: table.copy() for name, table in self.tables.items()}
        return memory

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """One request. Raises botocore's `ClientError` with AWS's codes."""
        with self._one:
            answer: dict[str, Any] = _OPERATIONS[operation](self, operation, arguments)
        return answer

    def table(self, name: str, operation: str) -> Table:
        try:
            return self.tables[name]
        except KeyError:
            raise refusal(operation, "ResourceNotFoundException", "Requested resource not found") from None

    # ------------------------------------------------------------------------------------------------------- tables

    def _create_table(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        name = arguments["TableName"]
        if name in self.tables:
            raise refusal(operation, "ResourceInUseException", f"Table already exists: {name}")
        indexes = {}
        for given in arguments.get("GlobalSecondaryIndexes", ()):
            projection = given["Projection"]
            indexes[given["IndexName"]] = Index(
                *_schema(given["KeySchema"]),
                projection["ProjectionType"],
                tuple(projection.get("NonKeyAttributes", ())),
            )
        self.tables[name] = Table(*_schema(arguments["KeySchema"]), indexes)
        return {"TableDescription": {"TableName": name, "TableStatus": "ACTIVE"}}

    def _delete_table(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self.table(arguments["TableName"], operation)
        del self.tables[arguments["TableName"]]
        return {}

    def _describe_table(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        table = self.table(arguments["TableName"], operation)
        return {
            "Table": {
                "TableName": arguments["TableName"],
                "TableStatus": "ACTIVE",
                "ItemCount": len(table.items),
                "KeySchema": [
                    {"AttributeName": table.hash, "KeyType": "HASH"},
                    {"AttributeName": table.range, "KeyType": "RANGE"},
                ],
            }
        }

    # -------------------------------------------------------------------------------------------------------- reads

    def _get_item(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        table, scope = self.table(arguments["TableName"], operation), Scope(operation, arguments)
        item = table.items.get(_key_of(table, arguments["Key"], operation))
        project = scope.projection()
        scope.used_up()
        return {} if item is None else {"Item": project(item)}

    def _batch_get_item(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        wanted = [(name, key) for name, request in arguments["RequestItems"].items() for key in request["Keys"]]
        if not 1 <= len(wanted) <= 100:
            raise invalid(operation, "Too many items requested for the BatchGetItem call")
        responses: dict[str, list[Item]] = {}
        left: dict[str, dict[str, Any]] = {}
        size = 0
        for name, request in arguments["RequestItems"].items():
            table, scope = self.table(name, operation), Scope(operation, request)
            project = scope.projection()
            scope.used_up()
            places = [_key_of(table, key, operation) for key in request["Keys"]]
            if len(set(places)) < len(places):
                raise invalid(operation, "Provided list of item keys contains duplicates")
            found = responses.setdefault(name, [])
            for key, place in zip(request["Keys"], places, strict=True):
                item = table.items.get(place)
                if item is None:
                    continue
                size += size_of(item)
                if size > BATCH_BYTES:
                    left.setdefault(name, {**request, "Keys": []})["Keys"].append(key)
                else:
                    found.append(project(item))
        return {"Responses": responses, "UnprocessedKeys": left}

    def _query(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        table, scope = self.table(arguments["TableName"], operation), Scope(operation, arguments)
        index = self._index(table, arguments, operation)
        hash_name, range_name = (index.hash, index.range) if index else (table.hash, table.range)
        partition, fits = scope.key_condition(hash_name, range_name)
        if index:
            rows = [(owner_sk, place) for owner_sk, place in index.entries.get(partition, ()) if fits({"S": owner_sk})]
        else:
            rows = [(sk, (partition, sk)) for sk in table.partitions.get(partition, ()) if fits({"S": sk})]
        if arguments.get("ScanIndexForward") is False:
            rows.reverse()
        if start := arguments.get("ExclusiveStartKey"):
            place = _key_of(
                table, {name: start[name] for name in (table.hash, table.range) if name in start}, operation
            )
            position = (start[range_name]["S"], place) if range_name in start else None
            if position is None or start.get(hash_name) != {"S": partition}:
                raise invalid(operation, "The provided starting key is outside query boundaries")
            backward = arguments.get("ScanIndexForward") is False
            rows = [row for row in rows if (row < position if backward else row > position)]
        return self._page(table, index, [place for _, place in rows], scope, arguments)

    def _scan(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        table, scope = self.table(arguments["TableName"], operation), Scope(operation, arguments)
        index = self._index(table, arguments, operation)
        segment, segments = arguments.get("Segment", 0), arguments.get("TotalSegments", 1)
        places = [place for place in table.items if _scatter(place[0]) % segments == segment]
        places.sort(key=lambda place: (_scatter(place[0]), place))
        if index:
            places = [
                place for place in places if index.hash in table.items[place] and index.range in table.items[place]
            ]
        if start := arguments.get("ExclusiveStartKey"):
            last = _key_of(table, {name: start[name] for name in (table.hash, table.range) if name in start}, operation)
            places = [place for place in places if (_scatter(place[0]), place) > (_scatter(last[0]), last)]
        return self._page(table, index, places, scope, arguments)

    def _index(self, table: Table, arguments: Mapping[str, Any], operation: str) -> Index | None:
        name = arguments.get("IndexName")
        if name is None:
            return None
        if name not in table.indexes:
            raise invalid(operation, f"The table does not have the specified index: {name}")
        if arguments.get("ConsistentRead"):
            raise invalid(operation, "Consistent reads are not supported on global secondary indexes")
        return table.indexes[name]

    def _page(
        self, table: Table, index: Index | None, places: Sequence[Place], scope: Scope, arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        """As many of these as a page holds, by `Limit` and by a megabyte; the filter comes after both."""
        passes, project = scope.condition("FilterExpression"), scope.projection()
        scope.used_up()
        limit = arguments.get("Limit")
        if limit is not None and limit < 1:
            raise invalid(scope.operation, "Limit must be greater than or equal to 1")
        found: list[Item] = []
        scanned = size = 0
        last: Place | None = None
        for place in places:
            if scanned == limit or size >= PAGE_BYTES:
                break
            item = table.items[place]
            scanned, size, last = scanned + 1, size + size_of(item), place
            if passes is None or passes(item):
                found.append(project(_projected(table, index, item)))
        answer: dict[str, Any] = {"Count": len(found), "ScannedCount": scanned}
        if arguments.get("Select") != "COUNT":
            answer["Items"] = found
        # DynamoDB cannot know that nothing follows when it stops at the limit.
        if last is not None and (scanned < len(places) or scanned == limit):
            names = [table.hash, table.range, *([index.hash, index.range] if index else [])]
            answer["LastEvaluatedKey"] = {name: table.items[last][name] for name in names}
        return answer

    # ------------------------------------------------------------------------------------------------------- writes

    def _put_item(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return self._write_one(operation, "Put", arguments)

    def _update_item(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return self._write_one(operation, "Update", arguments)

    def _delete_item(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return self._write_one(operation, "Delete", arguments)

    def _write_one(self, operation: str, kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        table = self.table(arguments["TableName"], operation)
        place, holds, becomes, changed = self._plan(operation, kind, arguments)
        old = table.items.get(place)
        if not holds(old or {}):
            wanted = arguments.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and old is not None
            raise refusal(
                operation,
                "ConditionalCheckFailedException",
                "The conditional request failed",
                {"Item": dict(old or {})} if wanted else {},
            )
        new = becomes(old)
        table.put(place, new)
        shown: Item | None = None
        match arguments.get("ReturnValues", "NONE"):
            case "ALL_OLD":
                shown = old
            case "ALL_NEW":
                shown = new
            case "UPDATED_NEW":
                shown = {name: (new or {})[name] for name in changed if name in (new or {})}
            case "UPDATED_OLD":
                shown = {name: (old or {})[name] for name in changed if name in (old or {})}
        return {"Attributes": dict(shown)} if shown else {}

    def _plan(
        self, operation: str, kind: str, arguments: Mapping[str, Any]
    ) -> tuple[Place, Callable[[Item], bool], Callable[[Item | None], Item | None], Sequence[str]]:
        """Where a write goes, whether it may, what becomes of the item, and which attributes it names."""
        table, scope = self.table(arguments["TableName"], operation), Scope(operation, arguments)
        condition = scope.condition("ConditionExpression") or (lambda item: True)
        changed: Sequence[str] = ()
        becomes: Callable[[Item | None], Item | None]
        if kind == "Put":
            given = arguments["Item"]
            place = _key_of(table, {n: given[n] for n in (table.hash, table.range) if n in given}, operation)
            item = {name: checked(value, operation) for name, value in given.items()}
            _check_item(table, item, operation)
            becomes = lambda old: item  # noqa: E731
        else:
            place = _key_of(table, arguments["Key"], operation)
            if kind == "Update":
                change, changed = scope.update((table.hash, table.range))
                start: Item = {table.hash: {"S": place[0]}, table.range: {"S": place[1]}}

                def becomes(old: Item | None) -> Item | None:
                    new = change(old or start)
                    _check_item(table, new, operation)
                    return new

            elif kind == "Delete":
                becomes = lambda old: None  # noqa: E731
            else:
                becomes = lambda old: old  # noqa: E731
        scope.used_up()
        return place, condition, becomes, changed

    def _batch_write_item(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        requests = [(name, one) for name, many in arguments["RequestItems"].items() for one in many]
        if not 1 <= len(requests) <= 25:
            raise invalid(operation, "Too many items requested for the BatchWriteItem call")
        planned = {}
        for name, request in requests:
            kind = "Put" if "PutRequest" in request else "Delete"
            place, _, becomes, _ = self._plan(operation, kind, {"TableName": name, **request[f"{kind}Request"]})
            if (name, place) in planned:
                raise invalid(operation, "Provided list of item keys contains duplicates")
            planned[name, place] = becomes
        for (name, place), becomes in planned.items():
            self.tables[name].put(place, becomes(None))
        return {"UnprocessedItems": {}}

    def _transact_write_items(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        actions = [(kind, parts) for each in arguments["TransactItems"] for kind, parts in each.items()]
        if not 1 <= len(actions) <= 100:
            raise invalid(operation, "Member must have length less than or equal to 100")
        token, digest = self._token(operation, arguments)
        if token is not None and token in self._tokens and self._tokens[token][1] == digest:
            return {}
        planned = [(parts["TableName"], *self._plan(operation, kind, parts)) for kind, parts in actions]
        if len({(name, place) for name, place, *_ in planned}) < len(planned):
            raise invalid(operation, "Transaction request cannot include multiple operations on one item")
        reasons, outcome = [], []
        for (name, place, holds, becomes, _), (_, parts) in zip(planned, actions, strict=True):
            reason, item = _tried(self.tables[name].items.get(place), holds, becomes, parts)
            reasons.append(reason)
            outcome.append((name, place, item))
        if any(reason["Code"] != "None" for reason in reasons):
            raise cancelled(operation, reasons)
        if sum(size_of(item or {}) for _, _, item in outcome) > TRANSACTION_BYTES:
            raise invalid(operation, "Transaction payload size exceeds the limit of 4 MB")
        for name, place, item in outcome:
            self.tables[name].put(place, item)
        if token is not None:
            self._tokens[token] = (self._clock(), digest)
        return {}

    def _token(self, operation: str, arguments: Mapping[str, Any]) -> tuple[str | None, bytes]:
        """The token a transaction is resent under, and what it must say again; tokens past their time are forgotten."""
        token: str | None = arguments.get("ClientRequestToken")
        if token is None:
            return None, b""
        if not 1 <= len(token) <= 36:
            raise invalid(operation, "ClientRequestToken must have length between 1 and 36")
        digest = hashlib.sha256(json.dumps(arguments["TransactItems"], sort_keys=True).encode()).digest()
        since, before = self._tokens.get(token, (self._clock(), digest))
        if self._clock() - since >= TOKEN_SECONDS:
            self._tokens.pop(token, None)
        elif before != digest:
            raise refusal(operation, "IdempotentParameterMismatchException", "The token came with other parameters")
        return token, digest

    def _transact_get_items(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if not 1 <= len(arguments["TransactItems"]) <= 100:
            raise invalid(operation, "Member must have length less than or equal to 100")
        return {"Responses": [self._get_item(operation, each["Get"]) for each in arguments["TransactItems"]]}


def _tried(
    old: Item | None,
    holds: Callable[[Item], bool],
    becomes: Callable[[Item | None], Item | None],
    parts: Mapping[str, Any],
) -> tuple[dict[str, Any], Item | None]:
    """The reason why a part of a transaction cannot be (code `None`: it can), and what its item becomes."""
    if not holds(old or {}):
        reason: dict[str, Any] = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
        if parts.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and old is not None:
            reason["Item"] = dict(old)
        return reason, None
    try:
        return {"Code": "None"}, becomes(old)
    except ClientError as error:
        return {"Code": "ValidationError", "Message": error.response["Error"]["Message"]}, None


class MemoryClient:
    """What pynamodb and our own code use of botocore's client."""

    _request_signer = None

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def _make_api_call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return self._memory.call(operation, arguments)

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        operation = "".join(word.title() for word in name.split("_"))
        if operation not in _OPERATIONS:
            raise AttributeError(name)
        return lambda **arguments: self._memory.call(operation, arguments)

    def get_paginator(self, name: str) -> MemoryPaginator:
        return MemoryPaginator(getattr(self, name))


class MemoryPaginator(NamedTuple):
    """boto3's way to read page after page."""

    call: Callable[..., dict[str, Any]]

    def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        while True:
            page = self.call(**arguments)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


@contextmanager
def served_by(client: Any) -> Iterator[None]:
    """Every pynamodb connection of this process speaks to this client meanwhile, whatever was opened before."""
    before = Connection.client
    Connection.client = property(lambda connection: client)  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Connection.client = before  # type: ignore[method-assign]


# ------------------------------------------------------------------------------------------------------------- errors


def refusal(operation: str, code: str, message: str, more: Mapping[str, Any] | None = None) -> ClientError:
    """DynamoDB's error answer."""
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPHeaders": {}}, **(more or {})}
    return ClientError(answer, operation)


def invalid(operation: str, message: str) -> ClientError:
    return refusal(operation, "ValidationException", message)


def cancelled(operation: str, reasons: Sequence[Mapping[str, Any]]) -> ClientError:
    """A transaction that did not happen, with the reason of each of its items in their order."""
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    more = {"Message": message, "CancellationReasons": list(reasons)}
    return refusal(operation, "TransactionCanceledException", message, more)


# ------------------------------------------------------------------------------------------------------ items, values

_WHOLE = re.compile(r"-?(0|[1-9]\d{0,37})")


def number(text: str, operation: str) -> str:
    """A number as DynamoDB keeps it: 38 significant digits, no leading or trailing zeros."""
    if _WHOLE.fullmatch(text) and text != "-0":
        return text
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise invalid(operation, f"The parameter cannot be converted to a numeric value: {text}") from None
    if not value.is_finite():
        raise invalid(operation, f"The parameter cannot be converted to a numeric value: {text}")
    if value == 0:
        return "0"
    digits = "".join(map(str, value.as_tuple().digits)).strip("0")
    if len(digits) > 38:
        raise invalid(operation, "Attempting to store more than 38 significant digits in a Number")
    if not -130 <= value.adjusted() <= 125:
        raise invalid(operation, "Number overflow. Attempting to store a number with magnitude larger than supported")
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def checked(value: Any, operation: str) -> Value:
    """A value as it is stored. Refuses what DynamoDB refuses; what botocore could not even send is a TypeError."""
    if not isinstance(value, Mapping) or len(value) != 1:
        raise invalid(operation, "Supplied AttributeValue must contain exactly one of the supported datatypes")
    ((kind, content),) = value.items()
    match kind:
        case "S":
            if type(content) is not str:
                raise TypeError(f"a text is a str, not {content!r}")
            return value
        case "N":
            if type(content) is not str:
                raise TypeError(f"a number is sent as a str, not {content!r}")
            plain = number(content, operation)
            return value if plain == content else {"N": plain}
        case "B" | "BOOL" | "NULL":
            return value
        case "M":
            return {"M": {name: checked(each, operation) for name, each in content.items()}}
        case "L":
            return {"L": [checked(each, operation) for each in content]}
        case "SS" | "NS" | "BS":
            plain_set = [number(each, operation) for each in content] if kind == "NS" else list(content)
            if not plain_set:
                raise invalid(operation, "An string set may not be empty")
            if len(set(plain_set)) < len(plain_set):
                raise invalid(operation, "Input collection contains duplicates")
            return {kind: sorted(plain_set)}
    raise invalid(operation, f"Supplied AttributeValue has an unknown datatype: {kind}")


def size_of(item: Item) -> int:
    """Bytes as DynamoDB reckons them."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Value) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content) if content.isascii() else len(content.encode())
    if kind == "N":
        return (len(content.strip("-0.")) + 1) // 2 + 1
    if kind == "B":
        return len(content)
    if kind == "M":
        return 3 + sum(len(name.encode()) + 1 + _size(each) for name, each in content.items())
    if kind == "L":
        return 3 + sum(1 + _size(each) for each in content)
    if kind in ("SS", "BS", "NS"):
        return sum(len(each) for each in content)
    return 1


def _schema(key_schema: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    names = {each["KeyType"]: each["AttributeName"] for each in key_schema}
    return names["HASH"], names["RANGE"]


def _key_of(table: Table, key: Item, operation: str) -> Place:
    """The place that a key names. Both of our tables have a text and a text."""
    if key.keys() != {table.hash, table.range}:
        raise invalid(operation, "The provided key element does not match the schema")
    texts = []
    for name, most in ((table.hash, 2048), (table.range, 1024)):
        text = key[name].get("S")
        if type(text) is not str:
            raise invalid(operation, "The provided key element does not match the schema")
        if not text:
            raise invalid(operation, f"The AttributeValue for a key attribute cannot contain an empty string: {name}")
        if len(text.encode()) > most:
            raise invalid(operation, f"Size of the key attribute {name} has exceeded the maximum of {most} bytes")
        texts.append(text)
    return texts[0], texts[1]


def _check_item(table: Table, item: Item, operation: str) -> None:
    if size_of(item) > ITEM_BYTES:
        raise invalid(operation, "Item size has exceeded the maximum allowed size")
    for index in table.indexes.values():
        for name in (index.hash, index.range):
            if name in item and not item[name].get("S"):
                raise invalid(operation, f"A key of an index is not a text, or is empty: {name}")


def _reindex(index: Index, place: Place, old: Item | None, new: Item | None) -> None:
    before, after = _entry(index, place, old), _entry(index, place, new)
    if before == after:
        return
    if before:
        index.entries[before[0]].remove(before[1])
    if after:
        insort(index.entries.setdefault(after[0], []), after[1])


def _entry(index: Index, place: Place, item: Item | None) -> tuple[str, tuple[str, Place]] | None:
    if item is None or index.hash not in item or index.range not in item:
        return None
    return item[index.hash]["S"], (item[index.range]["S"], place)


def _projected(table: Table, index: Index | None, item: Item) -> Item:
    if index is None or index.projection == "ALL":
        return item
    names = {table.hash, table.range, index.hash, index.range, *index.included}
    return {name: value for name, value in item.items() if name in names}


@lru_cache(maxsize=100_000)
def _scatter(partition: str) -> int:
    """A partition's place in the order of a scan, which is not that of its keys."""
    return int.from_bytes(hashlib.md5(partition.encode()).digest()[:8], "big")


def _rank(value: Value) -> tuple[str, Any]:
    """The type, and what to compare within it. Sets and documents compare as equal or not."""
    ((kind, content),) = value.items()
    if kind == "N":
        return kind, Decimal(content)
    if kind == "S":
        # By UTF-8 bytes, as DynamoDB sorts; code points sort alike.
        return kind, content
    if kind in ("SS", "NS", "BS"):
        return kind, frozenset(map(Decimal, content) if kind == "NS" else content)
    if kind == "M":
        return kind, {name: _rank(each) for name, each in content.items()}
    if kind == "L":
        return kind, [_rank(each) for each in content]
    return kind, content


# -------------------------------------------------------------------------------------------------------- expressions

_TOKEN = re.compile(r"\s*(?:([#:]?\w[\w-]*)|(<>|<=|>=|[=<>(),.\[\]+-]))")
_FUNCTIONS = {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"}

Node = tuple[Any, ...]
"""A part of a parsed expression: what it is, then its parts."""


class Syntax(Exception):
    """The expression is not one."""


class Parser:
    """DynamoDB's grammar of conditions, key conditions, updates and projections."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        position = 0
        stripped = text.rstrip()
        while position < len(stripped):
            found = _TOKEN.match(stripped, position)
            if found is None:
                raise Syntax(f"Syntax error; token: {stripped[position : position + 10]!r}")
            self._tokens.append(found[1] or found[2])
            position = found.end()
        self._at = 0

    def condition(self) -> Node:
        node = self._or()
        self._end()
        return node

    def update(self) -> list[Node]:
        """(`SET`, path, value), (`REMOVE`, path), (`ADD`, path, value), (`DELETE`, path, value)."""
        actions: list[Node] = []
        seen: set[str] = set()
        while self._at < len(self._tokens):
            clause = self._next().upper()
            if clause not in ("SET", "REMOVE", "ADD", "DELETE") or clause in seen:
                raise Syntax(f"Syntax error; token: {clause!r}")
            seen.add(clause)
            while True:
                path = self._path()
                if clause == "SET":
                    self._expect("=")
                    actions.append((clause, path, self._sum()))
                elif clause == "REMOVE":
                    actions.append((clause, path))
                else:
                    actions.append((clause, path, self._operand()))
                if not self._take(","):
                    break
        if not actions:
            raise Syntax("The expression can not be empty;")
        return actions

    def projection(self) -> list[Node]:
        paths = [self._path()]
        while self._take(","):
            paths.append(self._path())
        self._end()
        return paths

    def _or(self) -> Node:
        node = self._and()
        while self._take("OR"):
            node = ("or", node, self._and())
        return node

    def _and(self) -> Node:
        node = self._not()
        while self._take("AND"):
            node = ("and", node, self._not())
        return node

    def _not(self) -> Node:
        return ("not", self._not()) if self._take("NOT") else self._primary()

    def _primary(self) -> Node:
        if self._take("("):
            node = self._or()
            self._expect(")")
            return node
        if self._peek() in _FUNCTIONS and self._peek(1) == "(":
            name = self._next()
            self._expect("(")
            given = [self._operand()]
            while self._take(","):
                given.append(self._operand())
            self._expect(")")
            if len(given) != (1 if name.endswith("exists") else 2):
                raise Syntax(f"Incorrect number of operands for operator or function: {name}")
            if name not in {"contains", "begins_with"} and given[0][0] != "path":
                raise Syntax(f"Operator or function requires a document path; operator or function: {name}")
            return (name, *given)
        left = self._operand()
        if self._take("BETWEEN"):
            low = self._operand()
            self._expect("AND")
            return ("between", left, low, self._operand())
        if self._take("IN"):
            self._expect("(")
            among = [self._operand()]
            while self._take(","):
                among.append(self._operand())
            self._expect(")")
            return ("in", left, among)
        operator = self._next()
        if operator not in ("=", "<>", "<", "<=", ">", ">="):
            raise Syntax(f"Syntax error; token: {operator!r}")
        return (operator, left, self._operand())

    def _sum(self) -> Node:
        node = self._operand()
        if self._peek() in ("+", "-"):
            node = (self._next(), node, self._operand())
        return node

    def _operand(self) -> Node:
        token = self._peek()
        if token.startswith(":"):
            return ("value", self._next())
        if token in ("size", "if_not_exists", "list_append") and self._peek(1) == "(":
            name = self._next()
            self._expect("(")
            given: list[Node] = [self._path() if name != "list_append" else self._operand()]
            if name != "size":
                self._expect(",")
                given.append(self._operand())
            self._expect(")")
            return (name, *given)
        return self._path()

    def _path(self) -> Node:
        steps: list[str | int] = [self._name()]
        while True:
            if self._take("."):
                steps.append(self._name())
            elif self._take("["):
                steps.append(int(self._next()))
                self._expect("]")
            else:
                return ("path", *steps)

    def _name(self) -> str:
        token = self._next()
        if token[0] == ":" or not (token[0] == "#" or token[0].isalpha() or token[0] == "_"):
            raise Syntax(f"Syntax error; token: {token!r}")
        return token

    def _peek(self, ahead: int = 0) -> str:
        return self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else ""

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise Syntax("Syntax error; token: <EOF>")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, wanted: str) -> bool:
        if self._peek().upper() == wanted:
            self._at += 1
            return True
        return False

    def _expect(self, wanted: str) -> None:
        if not self._take(wanted):
            raise Syntax(f"Syntax error; token: {self._peek() or '<EOF>'!r}")

    def _end(self) -> None:
        if self._at < len(self._tokens):
            raise Syntax(f"Syntax error; token: {self._peek()!r}")


@lru_cache(maxsize=10_000)
def _parsed(kind: str, text: str) -> Any:
    parser = Parser(text)
    return {"condition": parser.condition, "update": parser.update, "projection": parser.projection}[kind]()


class Scope:
    """One request's expressions with their placeholders; each placeholder must be there, and be used."""

    def __init__(self, operation: str, arguments: Mapping[str, Any]) -> None:
        self.operation = operation
        self._arguments = arguments
        self._names: Mapping[str, str] = arguments.get("ExpressionAttributeNames") or {}
        self._given: Mapping[str, Value] = arguments.get("ExpressionAttributeValues") or {}
        self._values = {name: checked(value, operation) for name, value in self._given.items()}
        self._used: set[str] = set()

    def condition(self, parameter: str) -> Callable[[Item], bool] | None:
        """The condition as a function of an item; None when there is none."""
        if parameter not in self._arguments:
            return None
        node = self._resolved(self._parse("condition", parameter))
        return lambda item: self._holds(node, item)

    def projection(self) -> Callable[[Item], Item]:
        """What of an item is asked for: all of it, or the named attributes."""
        if "ProjectionExpression" not in self._arguments:
            return dict
        paths = [self._resolved(path)[1:] for path in self._parse("projection", "ProjectionExpression")]

        def project(item: Item) -> Item:
            shown: dict[str, Any] = {}
            for path in paths:
                if len(path) > 1:
                    raise NotImplementedError("nested attributes in a projection")
                if path[0] in item:
                    shown[path[0]] = item[path[0]]
            return shown

        return project

    def key_condition(self, hash_name: str, range_name: str) -> tuple[str, Callable[[Value], bool]]:
        """The partition that a query names, and its condition on the sort key."""
        node = self._resolved(self._parse("condition", "KeyConditionExpression"))
        parts = [node[1], node[2]] if node[0] == "and" else [node]
        partition: str | None = None
        rest: Node | None = None
        for part in parts:
            if part[0] == "=" and part[1] == ("path", hash_name) and part[2][0] == "value":
                partition = part[2][1].get("S")
            elif part[0] in ("=", "<", "<=", ">", ">=", "between", "begins_with") and part[1] == ("path", range_name):
                rest = part
            else:
                raise invalid(self.operation, "Query key condition not supported")
        if partition is None or (len(parts) == 2 and rest is None):
            raise invalid(self.operation, "Query condition missed key schema element")
        if not partition:
            raise invalid(self.operation, "A key value cannot be an empty string")
        return partition, self._range(rest, range_name)

    def _range(self, node: Node | None, name: str) -> Callable[[Value], bool]:
        """The condition on a sort key. The plain comparisons are made directly: a query asks for each row."""
        if node is None:
            return lambda sk: True
        compare = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}.get(node[0])
        if compare and node[2][0] == "value" and "S" in node[2][1]:
            limit = node[2][1]["S"]
            return lambda sk: bool(compare(sk["S"], limit))
        return lambda sk: self._holds(node, {name: sk})

    def update(self, key_names: Sequence[str]) -> tuple[Callable[[Item], Item], Sequence[str]]:
        """The update as a function of the item, and the attributes it names."""
        if "UpdateExpression" not in self._arguments:
            return dict, ()
        actions: list[Node] = [
            (clause, *(self._resolved(part) for part in parts))
            for clause, *parts in self._parse("update", "UpdateExpression")
        ]
        paths = [action[1][1:] for action in actions]
        for number_, path in enumerate(paths):
            if path[0] in key_names:
                raise invalid(self.operation, f"Cannot update attribute {path[0]}. This attribute is part of the key")
            for other in paths[:number_]:
                short = min(len(path), len(other))
                if path[:short] == other[:short]:
                    raise invalid(self.operation, "Two document paths overlap with each other")

        def change(old: Item) -> Item:
            # Every operand is what stood there before the update.
            new: dict[str, Any] = dict(old)
            for action in actions:
                self._act(action, old, new)
            return new

        return change, [str(path[0]) for path in paths]

    def used_up(self) -> None:
        """Refuses placeholders that nothing used, as DynamoDB does. Call when all expressions are read."""
        left = (self._names.keys() | self._values.keys()) - self._used
        if left:
            raise invalid(
                self.operation, f"Value provided in ExpressionAttribute… unused in expressions: {sorted(left)}"
            )

    # ------------------------------------------------------------------------------------------------- placeholders

    def _parse(self, kind: str, parameter: str) -> Any:
        try:
            return _parsed(kind, self._arguments[parameter])
        except (Syntax, ValueError) as error:
            raise invalid(self.operation, f"Invalid {parameter}: {error}") from None

    def _resolved(self, node: Node) -> Node:
        """The node with attribute names and values in the place of placeholders."""
        kind = node[0]
        if kind == "path":
            return ("path", *(self._name(step) if isinstance(step, str) else step for step in node[1:]))
        if kind == "value":
            name = node[1]
            if name not in self._values:
                raise invalid(
                    self.operation, f"An expression attribute value used in expression is not defined: {name}"
                )
            self._used.add(name)
            return ("value", self._values[name])
        if kind == "in":
            return (kind, self._resolved(node[1]), [self._resolved(each) for each in node[2]])
        return (kind, *(self._resolved(part) for part in node[1:]))

    def _name(self, step: str) -> str:
        if not step.startswith("#"):
            return step
        if step not in self._names:
            raise invalid(
                self.operation, f"An expression attribute name used in the document path is not defined: {step}"
            )
        self._used.add(step)
        return self._names[step]

    # --------------------------------------------------------------------------------------------------- evaluating

    def _holds(self, node: Node, item: Item) -> bool:  # noqa: PLR0912 - one branch for each word of the grammar
        kind = node[0]
        match kind:
            case "or":
                return self._holds(node[1], item) or self._holds(node[2], item)
            case "and":
                return self._holds(node[1], item) and self._holds(node[2], item)
            case "not":
                return not self._holds(node[1], item)
            case "attribute_exists":
                return self._value(node[1], item) is not None
            case "attribute_not_exists":
                return self._value(node[1], item) is None
            case "in":
                return any(self._compare("=", node[1], each, item) for each in node[2])
            case "between":
                return self._compare(">=", node[1], node[2], item) and self._compare("<=", node[1], node[3], item)
        if kind in ("=", "<>", "<", "<=", ">", ">="):
            return self._compare(kind, node[1], node[2], item)
        left, right = self._value(node[1], item), self._value(node[2], item)
        if left is None or right is None:
            return False
        (left_kind, content), (right_kind, wanted) = next(iter(left.items())), next(iter(right.items()))
        if kind == "attribute_type":
            return bool(left_kind == wanted)
        if kind == "begins_with":
            return left_kind == right_kind and left_kind in ("S", "B") and content.startswith(wanted)
        if left_kind in ("S", "B"):
            return left_kind == right_kind and wanted in content
        if left_kind in ("SS", "NS", "BS"):
            return left_kind[0] == right_kind and wanted in content
        return left_kind == "L" and any(_rank(each) == _rank(right) for each in content)

    def _compare(self, operator: str, left: Node, right: Node, item: Item) -> bool:
        one, other = self._value(left, item), self._value(right, item)
        if one is None or other is None:
            # An attribute that is not there equals nothing; `<>` holds of it.
            return operator == "<>"
        (kind, first), (other_kind, second) = _rank(one), _rank(other)
        if operator in ("=", "<>"):
            return ((kind, first) == (other_kind, second)) is (operator == "=")
        if kind != other_kind or kind not in ("S", "N", "B"):
            return False
        return bool({"<": first < second, "<=": first <= second, ">": first > second, ">=": first >= second}[operator])

    def _value(self, node: Node, item: Item) -> Value | None:
        kind = node[0]
        if kind == "value":
            value: Value = node[1]
            return value
        if kind == "path":
            return _at(item, node[1:])
        if kind == "size":
            found = _at(item, node[1][1:])
            if found is None:
                return None
            ((inner, content),) = found.items()
            if inner in ("N", "BOOL", "NULL"):
                raise invalid(self.operation, f"Incorrect operand type for operator or function: size, {inner}")
            return {"N": str(len(content.encode()) if inner == "S" else len(content))}
        if kind == "if_not_exists":
            found = _at(item, node[1][1:])
            return found if found is not None else self._value(node[2], item)
        first, second = self._value(node[1], item), self._value(node[2], item)
        if first is None or second is None:
            raise invalid(
                self.operation, "The provided expression refers to an attribute that does not exist in the item"
            )
        if kind == "list_append":
            return {"L": [*first["L"], *second["L"]]}
        if "N" not in first or "N" not in second:
            raise invalid(self.operation, f"An operand in the update expression has an incorrect data type: {kind}")
        return {"N": self._plus(first["N"], second["N"], 1 if kind == "+" else -1)}

    def _plus(self, one: str, other: str, sign: int = 1) -> str:
        if _WHOLE.fullmatch(one) and _WHOLE.fullmatch(other):
            return number(str(int(one) + sign * int(other)), self.operation)
        with_all_digits = Decimal(one).as_tuple(), Decimal(other).as_tuple()
        least = min(int(each.exponent) for each in with_all_digits)
        total = sum(factor * int(Decimal(text).scaleb(-least)) for factor, text in ((1, one), (sign, other)))
        return number(format(Decimal(total).scaleb(least), "f"), self.operation)

    def _act(self, action: Node, old: Item, new: dict[str, Any]) -> None:
        clause, (_, *steps) = action[0], action[1]
        if clause == "SET":
            value = self._value(action[2], old)
            if value is None:
                raise invalid(self.operation, "The provided expression refers to an attribute that does not exist")
            _set(new, steps, checked(value, self.operation), self.operation)
            return
        if clause == "REMOVE":
            _set(new, steps, None, self.operation)
            return
        before = _at(old, steps)
        ((kind, content),) = (self._value(action[2], old) or {}).items()
        if clause == "ADD" and kind == "N":
            if before is not None and "N" not in before:
                raise invalid(self.operation, "An operand in the update expression has an incorrect data type")
            _set(new, steps, {"N": self._plus(before["N"], content) if before else content}, self.operation)
            return
        if kind not in ("SS", "NS", "BS") or (before is not None and kind not in before):
            raise invalid(self.operation, f"Incorrect operand type for operator or function; operator: {clause}")
        kept = set(before[kind]) if before else set()
        kept = kept | set(content) if clause == "ADD" else kept - set(content)
        _set(new, steps, {kind: sorted(kept)} if kept else None, self.operation)


def _at(item: Item, steps: Sequence[str | int]) -> Value | None:
    """The value under a path; None when there is none."""
    value: Any = item.get(str(steps[0]))
    for step in steps[1:]:
        if value is None:
            return None
        if isinstance(step, int):
            content = value.get("L", ())
            value = content[step] if step < len(content) else None
        else:
            value = value.get("M", {}).get(step)
    found: Value | None = value
    return found


def _set(new: dict[str, Any], steps: Sequence[Any], value: Value | None, operation: str) -> None:
    """Put a value under a path, or take away what is there; what stood there is not changed in place."""
    name, *rest = steps
    if not rest:
        if value is None:
            new.pop(name, None)
        else:
            new[name] = value
        return
    inner = new.get(name)
    if inner is None or "M" not in inner or isinstance(rest[0], int):
        raise invalid(operation, "The document path provided in the update expression is invalid for update")
    content = dict(inner["M"])
    _set(content, rest, value, operation)
    new[name] = {"M": content}


_OPERATIONS: dict[str, Callable[[Memory, str, Mapping[str, Any]], dict[str, Any]]] = {
    "CreateTable": Memory._create_table,
    "DeleteTable": Memory._delete_table,
    "DescribeTable": Memory._describe_table,
    "GetItem": Memory._get_item,
    "BatchGetItem": Memory._batch_get_item,
    "Query": Memory._query,
    "Scan": Memory._scan,
    "PutItem": Memory._put_item,
    "UpdateItem": Memory._update_item,
    "DeleteItem": Memory._delete_item,
    "BatchWriteItem": Memory._batch_write_item,
    "TransactWriteItems": Memory._transact_write_items,
    "TransactGetItems": Memory._transact_get_items,
}
