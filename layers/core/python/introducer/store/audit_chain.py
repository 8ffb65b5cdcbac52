"""The chains of the audit trail in BOOKS: a link and a place for each record, and a head for each brand.

A batch of links is one transaction under the head's number: of two sequencers at once one is refused, and reads again.
A place says that a record has a link, so that a record that is delivered again meets its own and is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pynamodb.expressions.operand import Path

from introducer.domain.audit_chain import ChainHead, Link, Recorded, RecordKey, beginning, digest_of, head_at
from introducer.domain.configuration import DEPLOYMENT, AuditRecord, Change
from introducer.domain.events import from_milliseconds
from introducer.domain.ids import derived_id
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.reservations import write_all
from introducer.store.wire import batch_get, connect, from_wire, put_operation, reading

MOST_AT_ONCE = 49
"""Records of one transaction: a link and a place for each, and the head, among at most a hundred items."""
_THOUSAND = 1000
_DIGITS = 12

_KEY = frozenset({keys.PK, keys.SK})
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "audit_link": _KEY
    | {"brand", "number", "subject", "at", "audit", "record", "via", "linked_at", "previous", "digest"},
    "audit_place": _KEY | {"number"},
    "audit_head": _KEY | {"brand", "number", "digest"},
}
"""All that the items of a chain have, no more and no less."""


def recorded_of_image(image: Mapping[str, Mapping[str, Any]]) -> Recorded | None:
    """The audit record of an item of the stream; None when it is none."""
    return recorded_of_item(from_wire(image))


def recorded_of_item(item: Mapping[str, Any]) -> Recorded | None:
    """What an item is to the chain; None when its key is not that of an audit record."""
    key = record_key_of(item)
    if key is None:
        return None
    # Records of the first version do not say whose they are.
    return Recorded(str(item.get("brand") or DEPLOYMENT), key, digest_of(item))


def record_key_of(item: Mapping[str, Any]) -> RecordKey | None:
    """Which audit record an item is, by its key; None when it is none."""
    pk, sk = keys.parts(str(item.get(keys.PK, ""))), keys.parts(str(item.get(keys.SK, "")))
    if len(pk) != 2 or len(sk) != 2 or not sk[0].isdecimal():
        return None
    key = RecordKey(pk[1], int(sk[0]), sk[1])
    # Written in the one way in which keys are written: no two items may pass for one record.
    return key if _is_at(item, _record_key(key)) else None


def audit_from_item(item: Mapping[str, Any]) -> AuditRecord:
    """The audit record of an item."""
    return AuditRecord(
        brand=item.get("brand") or DEPLOYMENT,
        subject=item["subject"],
        audit=item["audit"],
        at=from_milliseconds(item["at"]),
        by=item["by"],
        action=item["action"],
        why=item["why"],
        origin=item["origin"],
        before=item.get("before"),
        after=item.get("after"),
    )


def link_to_item(link: Link) -> dict[str, Any]:
    """The item of a link."""
    return {
        **_link_key(link.brand, link.number).item(),
        "brand": link.brand,
        "number": link.number,
        "subject": link.key.subject,
        "at": link.key.at,
        "audit": link.key.audit,
        "record": link.record,
        "via": link.via,
        "linked_at": link.linked_at,
        "previous": link.previous,
        "digest": link.digest,
    }


def link_from_item(item: Mapping[str, Any]) -> Link:
    """The link of an item. What somebody took out of it is empty: its digest tells."""
    return Link(
        brand=item.get("brand", ""),
        number=item.get("number", 0),
        key=RecordKey(item.get("subject", ""), item.get("at", 0), item.get("audit", "")),
        record=item.get("record", ""),
        via=item.get("via", ""),
        linked_at=item.get("linked_at", 0),
        previous=item.get("previous", ""),
        digest=item.get("digest", ""),
    )


class Placed(NamedTuple):
    """Where an item of a chain stands, by its key."""

    brand: str
    number: int
    """Of a link; of a place, the number that it holds."""
    key: RecordKey | None = None
    """Of a place."""


def link_place(item: Mapping[str, Any]) -> Placed | None:
    """Which link of which chain an item is, by its key; None when it is none."""
    pk, sk = keys.parts(item[keys.PK]), str(item[keys.SK])
    if len(pk) != 3 or not sk.isdecimal():
        return None
    placed = Placed(pk[1], int(sk))
    return placed if _is_at(item, _link_key(placed.brand, placed.number)) else None


def place_of_item(item: Mapping[str, Any]) -> Placed | None:
    """Which record of which chain a place is of, by its key; None when it is no place."""
    pk, sk = keys.parts(item[keys.PK]), keys.parts(item[keys.SK])
    if len(pk) != 4 or len(sk) != 2 or not sk[0].isdecimal():
        return None
    key = RecordKey(pk[3], int(sk[0]), sk[1])
    return Placed(pk[1], item.get("number", 0), key) if _is_at(item, _place_key(pk[1], key)) else None


class AuditChain:
    """Reads of chains, and their growth."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def head(self, brand: str) -> ChainHead | None:
        """How far a brand's chain is, read consistently; None before its first link."""
        key = keys.key("audit_head", brand=brand)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        if "Item" not in answer:
            return None
        item = from_wire(answer["Item"])
        return ChainHead(brand=item.get("brand", ""), number=item.get("number", 0), digest=item.get("digest", ""))

    def links(self, brand: str, through: int) -> Iterator[tuple[int, Link]]:
        """The links of a chain in order, each with the number that its place says, read consistently: of every
        partition up to that of the number `through`, and of those behind it until one is empty."""
        thousand = 0
        while True:
            found = 0
            for each in self._links_of(brand, thousand):
                found += 1
                yield each
            thousand += 1
            if not found and thousand * _THOUSAND > through:
                return

    def links_before(self, brand: str, before: int, limit: int) -> list[Link]:
        """The links that come before a number, the newest first; those that are not there are left out."""
        first = max(1, before - limit)
        wanted = [_link_key(brand, number) for number in range(first, before)]
        items = batch_get(self._connection, self._table, wanted) if wanted else []
        return sorted((link_from_item(from_plain) for from_plain in items), key=lambda link: -link.number)

    def places(self, brand: str, records: Iterable[RecordKey]) -> dict[RecordKey, int]:
        """Which of these records have a link, and its number; read consistently."""
        wanted = [_place_key(brand, each) for each in dict.fromkeys(records)]
        items = batch_get(self._connection, self._table, wanted) if wanted else []
        placed = map(place_of_item, items)
        return {each.key: each.number for each in placed if each is not None and each.key is not None}

    def items(self, records: Iterable[RecordKey]) -> dict[RecordKey, dict[str, Any]]:
        """The items of these records that are there, read consistently."""
        wanted = [_record_key(each) for each in dict.fromkeys(records)]
        items = batch_get(self._connection, self._table, wanted) if wanted else []
        found: dict[RecordKey, dict[str, Any]] = {}
        for item in items:
            recorded = recorded_of_item(item)
            assert recorded is not None
            found[recorded.key] = item
        return found

    # ----------------------------------------------------------------------------------------------------- writes

    def append(self, head: ChainHead, links: Sequence[Link]) -> bool:
        """Puts links behind a head, all or none; whether it did. False when the chain has gone on since the head was
        read, or one of the records has a link: read again. Raises `Unavailable`."""
        assert 0 < len(links) <= MOST_AT_ONCE
        absent = Path(keys.PK).does_not_exist()
        after = head_at(links[-1])
        as_read = (Path("number") == head.number) & (Path("digest") == head.digest) if head.number else absent
        puts = [put_operation(self._connection, self._table, _head_to_item(after), as_read)]
        for link in links:
            place = {**_place_key(link.brand, link.key).item(), "number": link.number}
            puts.append(put_operation(self._connection, self._table, link_to_item(link), absent))
            puts.append(put_operation(self._connection, self._table, place, absent))
        return write_all(self._connection, puts, (), (), token=derived_id("t", head.digest, after.digest))

    def record(self, brand: str, subject: str, action: str, change: Change, told: Mapping[str, Any]) -> None:
        """Writes down what changes nothing here by itself. Again at the same moment is the same record."""
        item = audit_to_item(audit_record(subject, action, change, None, told, brand=brand))
        put = put_operation(self._connection, self._table, item, Path(keys.PK).does_not_exist())
        write_all(self._connection, [put], (), (), token=derived_id("t", put))

    # ------------------------------------------------------------------------------------------------------ parts

    def _links_of(self, brand: str, thousand: int) -> Iterator[tuple[int, Link]]:
        start: Any = None
        while True:
            with reading():
                answer = self._connection.query(
                    self._table,
                    keys.partition("audit_link", brand=brand, thousand=thousand),
                    exclusive_start_key=start,
                    consistent_read=True,
                )
            for item in map(from_wire, answer["Items"]):
                placed = link_place(item)
                if placed is not None:
                    yield placed.number, link_from_item(item)
            start = answer.get("LastEvaluatedKey")
            if not start:
                return


def chain_head(chain: AuditChain, brand: str) -> ChainHead:
    """The head of a brand's chain, also of one that has no link yet."""
    return chain.head(brand) or beginning(brand)


def _head_to_item(head: ChainHead) -> dict[str, Any]:
    key = keys.key("audit_head", brand=head.brand)
    return {**key.item(), "brand": head.brand, "number": head.number, "digest": head.digest}


def _link_key(brand: str, number: int) -> keys.Key:
    # Padded, so that link 10 sorts after link 9.
    return keys.key("audit_link", brand=brand, thousand=number // _THOUSAND, number=f"{number:0{_DIGITS}d}")


def _place_key(brand: str, record: RecordKey) -> keys.Key:
    return keys.key("audit_place", brand=brand, subject=record.subject, at=record.at, audit=record.audit)


def _record_key(record: RecordKey) -> keys.Key:
    return keys.key("audit", subject=record.subject, at=record.at, audit=record.audit)


def _is_at(item: Mapping[str, Any], key: keys.Key) -> bool:
    return (item[keys.PK], item[keys.SK]) == key
