"""How pynamodb meets BOOKS: the base of its items, typed attributes, one connection per table, errors translated.

Models carry no table name: `bind` gives them one, so that a test or a second brand's stack can use its own table.
pynamodb's `NumberAttribute` reads floats; nothing here does: numbers are integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from pynamodb.attributes import Attribute, ListAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.constants import NUMBER
from pynamodb.exceptions import PynamoDBConnectionError, PynamoDBException, TransactWriteError
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from introducer.domain.errors import Conflict, Unavailable
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.store import keys
from introducer.store.wire import CONNECTIONS, response_code

CONDITION = "ConditionalCheckFailed"
"""DynamoDB's word, among the reasons of a refused transaction, for a condition that did not hold."""


class IntegerAttribute(Attribute[int]):
    """A number without a fraction."""

    attr_type = NUMBER

    def serialize(self, value: Any) -> Any:
        return str(int(value))

    def deserialize(self, value: Any) -> int:
        return int(value)


class MomentAttribute(Attribute[datetime]):
    """An aware UTC moment, stored as milliseconds since 1970."""

    attr_type = NUMBER

    def serialize(self, value: Any) -> Any:
        return str(milliseconds(value))

    def deserialize(self, value: Any) -> datetime:
        return from_milliseconds(int(value))


class TextsAttribute(ListAttribute[Any]):
    """A list of texts."""

    def __init__(self, null: bool | None = None) -> None:
        super().__init__(of=UnicodeAttribute, null=null)


class ByOwner(GlobalSecondaryIndex["BooksItem"]):  # type: ignore[no-untyped-call]
    """The index that lists things under whom they belong to. It holds keys only: read the items by them."""

    class Meta:
        index_name = keys.BY_OWNER
        projection = KeysOnlyProjection()

    owner_pk = UnicodeAttribute(hash_key=True)
    owner_sk = UnicodeAttribute(range_key=True)


class BooksItem(Model):
    """What every item of BOOKS has."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    owner_pk = UnicodeAttribute(null=True)
    owner_sk = UnicodeAttribute(null=True)
    by_owner = ByOwner()


_M = TypeVar("_M", bound=BooksItem)


@cache
def _root(table: str, region: str | None, host: str | None) -> type[BooksItem]:
    meta = type(
        "Meta",
        (),
        {
            "table_name": table,
            "region": region,
            "host": host,
            # As in `wire.connect`: a function must be able to answer before its gateway gives up.
            "connect_timeout_seconds": 1,
            "read_timeout_seconds": 2,
            "max_retry_attempts": 2,
            "max_pool_connections": CONNECTIONS,
        },
    )
    root: type[BooksItem] = type("BoundItem", (BooksItem,), {"Meta": meta})
    # Made here, on the base: classes below find it and share one client, where each would otherwise open its own.
    root._get_connection()
    return root


def bind(model: type[_M], table: str, region: str | None = None, host: str | None = None) -> type[_M]:
    """The model, speaking to this table. Models of one table share a connection."""
    root = _root(table, region, host)
    return type(model.__name__, (model, root), {"Meta": root.Meta})


def forget_connections() -> None:
    """Open connections anew: for a process that moves to another account, as tests do."""
    _root.cache_clear()


def connection(table: str, region: str | None = None, host: str | None = None) -> Connection:
    """The connection that models of this table share, for transactions."""
    return _root(table, region, host)._get_connection().connection


@contextmanager
def translated(refusal: str, code: str = "conflict") -> Iterator[None]:
    """What pynamodb raises, as our own errors: a condition that did not hold is a `Conflict` with this refusal,
    anything else that DynamoDB did not do is `Unavailable`."""
    try:
        yield
    except TransactWriteError as error:
        # By item, not by position: pynamodb sends the parts of a transaction in an order of its own (its issue 1284).
        if any(reason is not None and reason.code == CONDITION for reason in error.cancellation_reasons):
            raise Conflict(refusal, code=code) from error
        raise Unavailable("The books could not be written now: try again.") from error
    except PynamoDBConnectionError as error:
        if response_code(error) == "ConditionalCheckFailedException":
            raise Conflict(refusal, code=code) from error
        raise Unavailable("The books did not answer: try again.") from error
    except PynamoDBException as error:
        raise Unavailable("The books did not answer: try again.") from error
