"""What a write costs on DynamoDB, by AWS's published rules. Items are in DynamoDB's own form.

From the Developer Guide, "DynamoDB item sizes and formats" and "Read and write operations": an item's size is that of
its attribute names and values; a write costs one unit per begun kilobyte of the larger of the item before and the item
after; in a transaction it costs double. An index entry is another write, and only when something of the entry changes:
one for a new, changed or vanished entry, two when it moves to another key. Indexes are written after the transaction,
so their part is not doubled. A write whose condition did not hold costs what the item that is there would have cost.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

Item = Mapping[str, Mapping[str, Any]]
"""`{"pk": {"S": "…"}, "amount": {"N": "3720"}}`."""

KILOBYTE = 1024


class Index(NamedTuple):
    """A secondary index that projects keys only. `keys` are its own keys and the table's."""

    name: str
    hash_and_range: tuple[str, ...]
    table_keys: tuple[str, ...]


def item_size(item: Item) -> int:
    """The bytes of an item as DynamoDB bills them (not as JSON)."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Mapping[str, Any]) -> int:
    """The bytes of one value, without its name."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_size(content)
        case "B":
            return len(_raw(content))
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(text.encode()) for text in content)
        case "NS":
            return sum(map(_number_size, content))
        case "BS":
            return sum(len(_raw(each)) for each in content)
        case "L":
            return 3 + sum(1 + value_size(each) for each in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + value_size(each) for name, each in content.items())
    raise ValueError(f"{kind} is no type of DynamoDB")


def table_units(before: Item | None, after: Item | None, *, transaction: bool = False) -> int:
    """Write units of the table for a put, update or delete; pass `after` equal to `before` for a refused one."""
    size = max(item_size(before or {}), item_size(after or {}))
    return _begun(size) * (2 if transaction else 1)


def index_units(before: Item | None, after: Item | None, index: Index) -> int:
    """Write units of one index for the same write."""
    old, new = _entry(before, index), _entry(after, index)
    if old == new:
        return 0
    if old is None or new is None:
        return _begun(item_size(old or new or {}))
    if any(old[key] != new[key] for key in index.hash_and_range):
        return _begun(item_size(old)) + _begun(item_size(new))
    return _begun(max(item_size(old), item_size(new)))


def indexes_of(table: Mapping[str, Any]) -> tuple[Index, ...]:
    """The indexes of a table as DescribeTable shows it. Raises `ValueError` for a projection not counted here."""
    own = _names(table["KeySchema"])
    found = []
    for index in table.get("GlobalSecondaryIndexes", []):
        if index["Projection"]["ProjectionType"] != "KEYS_ONLY":
            raise ValueError(f"{index['IndexName']} projects more than keys: count that too")
        found.append(Index(index["IndexName"], _names(index["KeySchema"]), own))
    return tuple(found)


def _entry(item: Item | None, index: Index) -> Item | None:
    """What an index holds of an item; None when the item is not in it."""
    if item is None or any(key not in item for key in index.hash_and_range):
        return None
    return {key: item[key] for key in (*index.hash_and_range, *index.table_keys)}


def _begun(size: int) -> int:
    return max(1, -(-size // KILOBYTE))


def _number_size(text: str) -> int:
    """A byte, one more per two significant digits (pairs begin at the decimal point), one more for a minus sign."""
    sign, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)
    whole = "".join(map(str, digits)).lstrip("0")
    kept = whole.rstrip("0")
    if not kept:
        return 1
    exponent += len(whole) - len(kept)
    return 1 + (len(kept) + exponent % 2 + 1) // 2 + sign


def _raw(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else b64decode(content)


def _names(schema: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in schema)
