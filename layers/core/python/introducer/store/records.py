"""How records of configuration become items and come back, and what its parts share: reads in pages, writes that say
their condition and have their audit record in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any, TypeVar

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from introducer.domain.campaigns import LandingPage, Utm
from introducer.domain.configuration import DEPLOYMENT, Attribution, Availability, Change, PartnerKind, Role, Status
from introducer.domain.errors import NotFound
from introducer.store import keys
from introducer.store.audit import AuditItem, audit_key, audit_record
from introducer.store.items import BooksItem, ByOwner, bind, connection, translated
from introducer.store.paging import Page

_T = TypeVar("_T")
_I = TypeVar("_I", bound=BooksItem)

_BATCH = 100
"""The most keys that one BatchGetItem takes."""

# What a field of a record is made of, where the item holds it as plain text or list.
_READERS: Mapping[str, Any] = {
    "Attribution": Attribution,
    "Availability": Availability,
    "PartnerKind": PartnerKind,
    "Role": Role,
    "Status": Status,
    "tuple[str, ...]": tuple,
    "Mapping[str, int] | None": json.loads,
    "tuple[LandingPage, ...]": lambda pages: tuple(
        LandingPage(**page | {name: tuple(page[name]) for name in ("countries", "devices")}) for page in pages
    ),
    "tuple[Utm, ...]": lambda parameters: tuple(Utm(**each) for each in parameters),
}


class Part:
    """What all parts of the configuration do alike."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table, self._region, self._host = table, region, host
        self._connection = connection(table, region, host)
        self._audits = self._bound(AuditItem)

    def _bound(self, model: type[_I]) -> type[_I]:
        return bind(model, self._table, self._region, self._host)

    def _owned(
        self,
        model: type[_I],
        record: type[_T],
        owner: str,
        cursor: str | None,
        limit: int,
    ) -> Page[_T]:
        """A page of what belongs to `owner`, newest first: keys by the index, then the items by their keys."""
        condition = None if cursor is None else ByOwner.owner_sk < cursor
        with translated("not a write"):
            found = list(
                model.by_owner.query(owner, condition, scan_index_forward=False, limit=limit + 1, page_size=limit + 1)
            )
            order = [(entry.pk, entry.sk) for entry in found[:limit]]
            items: dict[tuple[str, str], _I] = {}
            for start in range(0, len(order), _BATCH):
                for item in model.batch_get(order[start : start + _BATCH]):
                    items[(item.pk, item.sk)] = item
        return Page(
            # The index lags by moments behind the items: what is gone meanwhile is left out.
            items=tuple(as_record(record, items[key]) for key in order if key in items),
            cursor=found[limit - 1].owner_sk if len(found) > limit else None,
        )

    def _brand_of(self, model: type[_I], key: keys.Key) -> str:
        """Whose a thing is that is about to change. One that is not there is nobody's, and its change is refused."""
        with translated("not a write"):
            try:
                return str(model.get(*key, attributes_to_get=["brand"]).brand)  # type: ignore[attr-defined]
            except model.DoesNotExist:
                return DEPLOYMENT

    def _create(
        self,
        brand: str,
        subject: str,
        action: str,
        change: Change,
        after: object,
        *items: BooksItem,
        refusal: str,
        code: str = "conflict",
    ) -> None:
        with translated(refusal, code), TransactWrite(connection=self._connection) as transaction:
            for item in items:
                transaction.save(item, condition=type(item).pk.does_not_exist())
            self._audit(transaction, brand, subject, action, change, None, values_of(after))

    def _change(
        self,
        brand: str,
        subject: str,
        action: str,
        change: Change,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any],
        item: BooksItem,
        actions: list[Action],
        condition: Condition,
        *,
        refusal: str,
    ) -> None:
        with translated(refusal), TransactWrite(connection=self._connection) as transaction:
            transaction.update(item, actions, condition=condition)
            self._audit(transaction, brand, subject, action, change, before, after)

    def _audit(
        self,
        transaction: TransactWrite,
        brand: str,
        subject: str,
        action: str,
        change: Change,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any],
    ) -> None:
        record = audit_record(subject, action, change, before, after, brand=brand)
        transaction.save(as_item(self._audits, audit_key(record), record), condition=self._audits.pk.does_not_exist())


def as_item(model: type[_I], key: keys.Key, record: object, owner: Mapping[str, str] | None = None) -> _I:
    """The item of a record; `owner` is under whom it is listed."""
    values: dict[str, Any] = {**values_of(record), **(owner or {})}
    return model(*key, True, **values)


def got(model: type[_I], key: keys.Key, what: str, *, consistent: bool = False) -> _I:
    """The item with this key. Raises `NotFound`, in words of `what` it is."""
    with translated("not a write"):
        try:
            return model.get(*key, consistent_read=consistent)
        except model.DoesNotExist:
            raise NotFound(f"There is no such {what}.") from None


def every_item(model: type[_I], partition: str, condition: Condition | None = None) -> list[_I]:
    """All items of a partition that meet the condition."""
    with translated("not a write"):
        return list(model.query(partition, condition))


def page_of(
    model: type[_I],
    record: type[_T],
    partition: str,
    cursor: str | None,
    limit: int,
    newest_first: bool = False,
) -> Page[_T]:
    """A page of the records of a partition, in the order of the sort key."""
    condition = None if cursor is None else model.sk < cursor if newest_first else model.sk > cursor
    with translated("not a write"):
        # One more than asked for tells whether there is a next page.
        found = list(
            model.query(
                partition,
                condition,
                scan_index_forward=not newest_first,
                limit=limit + 1,
                page_size=limit + 1,
            )
        )
    return Page(
        items=tuple(as_record(record, item) for item in found[:limit]),
        cursor=found[limit - 1].sk if len(found) > limit else None,
    )


def as_record(record: type[_T], item: BooksItem) -> _T:
    """The record of an item."""
    values: dict[str, Any] = {}
    for field in fields(record):  # type: ignore[arg-type]
        value = getattr(item, field.name)
        reader = _READERS.get(str(field.type))
        if value is None and field.default is not MISSING:
            continue  # written before there was such a field
        values[field.name] = reader(value) if reader is not None and value is not None else value
    return record(**values)


def values_of(record: object) -> dict[str, Any]:
    """The fields as an item takes them: enumerations as their words, tuples as lists."""
    return {
        name: list(value) if isinstance(value, tuple) else getattr(value, "value", value)
        for name, value in asdict(record).items()  # type: ignore[call-overload]
    }
