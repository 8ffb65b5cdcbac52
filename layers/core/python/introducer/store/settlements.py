"""Rows and settled months in BOOKS: what settling reads, and the transaction that posts.

The engine writes a client's row in the transaction that changes the client (`accruals`); settling writes the rows of a
partner in the months of those above it. Sums pass 2 ** 53, so they are texts within the JSON.

A settled month is one item as long as its texts are short. Of a long one the item says how many further items hold
them, packed and in parts; all are written in one transaction, and carry its number. While a month takes more than one
transaction, each only adds what it posted. Nothing is ever deleted: what the item does not count is passed over.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from introducer.domain.errors import Conflict, Poison, Unavailable
from introducer.domain.ids import derived_id
from introducer.domain.ledger import Journal, Key
from introducer.domain.partner_month import Below
from introducer.domain.rates import Rate
from introducer.domain.rows import Row
from introducer.domain.rules.qualification import Proof, Qualifying
from introducer.domain.settlement import Chain
from introducer.store import keys
from introducer.store.ledger import (
    balance_updates,
    events_from_json,
    events_to_json,
    journal_put,
    lines_from_json,
    lines_to_json,
)
from introducer.store.wire import IMPOSSIBLE, REFUSED, Wire, connect, from_wire, put_operation, reading, response_code

T = TypeVar("T")

CLIENT, PARTNER = "client", "partner"

ROOM = 20_000
"""Bytes of text that a settled month holds in its own item: every settling of the partner reads it."""

PART = 300_000
"""Bytes of one part of a longer month; DynamoDB's items end at 400 KB."""

MOST_PARTS = 12
"""Of a month: they are written together, and DynamoDB's transactions end at 4 MB."""

TRIES = 5
"""How often months are read that others write meanwhile."""


@dataclass(frozen=True, slots=True)
class MonthRows:
    """The rows of a partner's month, read consistently."""

    clients: Mapping[str, Row]
    below: Mapping[str, Below]
    digest: str
    """Names what was read; the settled month remembers it."""


@dataclass(frozen=True, slots=True)
class SettledMonth:
    """What the books hold of a settled month."""

    posted: Mapping[Key, int] = field(default_factory=dict)
    chain: Chain = field(default_factory=Chain)
    above: Mapping[str, Below] = field(default_factory=dict)
    """What those above were told, by partner."""
    seen: str = ""
    """The digest of the rows that this follows; empty while it is posted in parts."""
    follows: str = ""
    """The digest of what the month before handed on (`chain_digest`)."""
    written: int = field(default=0, compare=False)
    """How often the partner was settled when this was written; 0 when it never was."""
    added: int = field(default=0, compare=False)
    """How many transactions posted parts of it since (`PostedPart`)."""

    @property
    def hands_on(self) -> str:
        """The digest of what it hands on."""
        return chain_digest(self.chain)


class Head(NamedTuple):
    """What the item of a settled month says of it, without the long texts (`Settlements.whole` has them)."""

    seen: str
    follows: str
    hands_on: str
    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PostedPart:
    """What one transaction posted of a month that takes several; the last writes the month."""

    number: int
    """Counted from 1, since the month was written."""
    written: int
    """Of the month that it comes on top of."""
    posted: Mapping[Key, int]
    """What these keys have now, nothing included."""


@dataclass(frozen=True, slots=True)
class Settling:
    """What one transaction writes: a partner's month at the version that was read, its journals, and rows above."""

    partner: str
    month: str
    version: int
    settled: SettledMonth | PostedPart
    journals: tuple[Journal, ...] = ()
    above: Mapping[str, Below] = field(default_factory=dict)


def row_to_item(partner: str, month: str, client: str, row: Row) -> dict[str, Any]:
    """The item of a client's row."""
    said = {
        "ftd": row.ftd,
        "qftd": row.qftd,
        "qualified": [_qualifying_to_json(each) for each in row.qualified],
        "cells": [(rule, version, part, str(value)) for rule, version, part, value in row.cells],
        "earned": row.earned,
    }
    return _row_item(partner, month, CLIENT, client, {name: value for name, value in said.items() if value})


def below_to_item(partner: str, month: str, descendant: str, below: Below) -> dict[str, Any]:
    """The item of what a partner's month is to one above it."""
    said = {
        "level": below.level,
        "earned": below.earned,
        "revenue": [(currency, str(fine)) for currency, fine in below.revenue],
        "clients": below.clients,
    }
    return _row_item(partner, month, PARTNER, descendant, {name: value for name, value in said.items() if value})


def row_from_item(item: Mapping[str, Any]) -> Row:
    """The row of a client's item."""
    said = json.loads(item["row"])
    return Row(
        ftd=said.get("ftd"),
        qftd=said.get("qftd"),
        qualified=tuple(map(_qualifying_from_json, said.get("qualified", ()))),
        cells=tuple((rule, version, part, int(value)) for rule, version, part, value in said.get("cells", ())),
        earned=_earned(said),
    )


def _qualifying_to_json(qualifying: Qualifying) -> list[Any]:
    *said, proof = qualifying
    if proof is None:
        return said
    # A rate passes 2 ** 53: it is a text.
    rates = [(rate.source, rate.target, str(rate.scaled), rate.day, rate.feed) for rate in proof.used]
    return [*said, [lines_to_json(proof.lines), events_to_json(proof.evidence), rates, proof.country]]


def _qualifying_from_json(said: list[Any]) -> Qualifying:
    rule, version, at, amount, whose, *more = said
    proof = None
    for lines, events, used, country in more:
        rates = tuple(Rate(source, target, int(scaled), day, feed) for source, target, scaled, day, feed in used)
        proof = Proof(tuple(lines_from_json(lines)), tuple(events_from_json(events)), rates, country)
    return Qualifying(rule, version, at, amount, whose, proof)


def below_from_item(item: Mapping[str, Any]) -> Below:
    """What a partner below is, of its item."""
    return _below(json.loads(item["row"]))


def row_of(item: Mapping[str, Any]) -> tuple[str, str]:
    """Of what a row's item is (`client` or `partner`), and whose."""
    _, of, name = keys.parts(item[keys.SK])
    return of, name


def month_of_row(image: Wire) -> tuple[str, str] | None:
    """The partner and month that a row in a stream's image is of; None when the image is of something else."""
    item = from_wire({name: image[name] for name in (keys.PK, keys.SK)})
    if not item[keys.SK].startswith(keys.prefix("row")):
        return None
    _, partner, _, month = keys.parts(item[keys.PK])
    return partner, month


def rows_digest(items: Mapping[tuple[str, str], str]) -> str:
    """One name for the texts of a month's rows, by what and whose they are."""
    return hashlib.sha256(_json(sorted(items.items())).encode()).hexdigest()[:32]


def chain_digest(chain: Chain) -> str:
    """One name for what a month hands on."""
    return hashlib.sha256(_chain(chain).encode()).hexdigest()[:32]


def _chain(chain: Chain) -> str:
    return _json(
        {
            "places": sorted(chain.places.items()),
            "carry": sorted((*lane, str(value)) for lane, value in chain.carry.items()),
            "own": sorted((*lane, str(value)) for lane, value in chain.own.items()),
            "shares": sorted(
                (*lane, sorted((month, str(value)) for month, value in months.items()))
                for lane, months in chain.shares.items()
            ),
            "reached": sorted(chain.reached.items()),
        }
    )


def settled_texts(settled: SettledMonth) -> dict[str, str]:
    """What a settled month says at length: by name, the same for the same."""
    return {
        "posted": _posted_text(settled.posted),
        "chain": _chain(settled.chain),
        "above": _json(
            sorted(
                (
                    ancestor,
                    {
                        "level": below.level,
                        "earned": below.earned,
                        "revenue": [(currency, str(fine)) for currency, fine in below.revenue],
                        "clients": below.clients,
                    },
                )
                for ancestor, below in settled.above.items()
            )
        ),
    }


def settled_to_items(partner: str, month: str, settled: SettledMonth, written: int = 0) -> list[dict[str, Any]]:
    """The items of a settled month, written as the partner's settling of this number; its own item comes first.

    Raises `Poison` when no transaction can hold them.
    """
    texts = settled_texts(settled)
    head = {
        **keys.key("settled", partner=partner, month=month).item(),
        "seen": settled.seen,
        "follows": settled.follows,
        "hands_on": hashlib.sha256(texts["chain"].encode()).hexdigest()[:32],
        "written": written,
    }
    if sum(len(text.encode()) for text in texts.values()) <= ROOM:
        return [{**head, **texts}]
    # No text of JSON has a line break.
    packed = b64encode(zlib.compress("\n".join(texts.values()).encode())).decode()
    parts = [packed[start : start + PART] for start in range(0, len(packed), PART)]
    if len(parts) > MOST_PARTS:
        raise Poison(
            f"{partner} cannot be settled in {month}: {len(settled.posted)} amounts and {len(settled.chain.own)} losses"
            " of single clients are more than the books hold of one month. Post what the month is owed as an"
            " adjustment, and propose terms without a cap on clients, or without a fence, from the next month on.",
            code="month_too_large",
        )
    return [
        {**head, "parts": len(parts)},
        *(
            {**_more_key("settled_part", partner, month, number).item(), "written": written, "text": text}
            for number, text in enumerate(parts, 1)
        ),
    ]


def settled_from_item(item: Mapping[str, Any], more: Iterable[Mapping[str, Any]] = ()) -> SettledMonth:
    """The settled month of its item, and of the further items that belong to it; others are passed over.

    Raises `Conflict` when one is missing, or is of another writing.
    """
    _, partner, _ = keys.parts(item[keys.PK])
    month = keys.unescape(item[keys.SK])
    by_key = {each[keys.SK]: each for each in more}
    texts: Mapping[str, str] = item
    if "parts" in item:
        parts = _counted(item, "settled_part", "parts", by_key)
        texts = _unpacked("".join(part["text"] for part in parts))
    elif "added" in item and "chain" not in item:
        # It is posted for the first time, and in parts.
        texts = settled_texts(SettledMonth())
    posted = _posted(partner, month, texts["posted"])
    for part in _counted(item, "settled_posted", "added", by_key):
        posted |= _posted(partner, month, part["posted"])
    chain = json.loads(texts["chain"])
    return SettledMonth(
        posted={key: minor for key, minor in posted.items() if minor},
        chain=Chain(
            places=dict(chain["places"]),
            carry={(rule, currency): int(value) for rule, currency, value in chain["carry"]},
            own={(rule, currency, client): int(value) for rule, currency, client, value in chain["own"]},
            shares={
                (rule, currency): {each: int(value) for each, value in months}
                for rule, currency, months in chain["shares"]
            },
            reached=dict(chain["reached"]),
        ),
        above={ancestor: _below(below) for ancestor, below in json.loads(texts["above"])},
        seen=item["seen"],
        follows=item.get("follows", ""),
        written=item.get("written", 0),
        added=item.get("added", 0),
    )


def month_of_part(item: Mapping[str, Any]) -> tuple[str, str]:
    """The partner and month whose settled month a further item belongs to."""
    _, partner, _, month = keys.parts(item[keys.PK])
    return partner, month


def read_again(read: Callable[[], T]) -> T:
    """What is read, once no month was written between two reads. Raises `Conflict` when months keep changing."""
    for _ in range(TRIES - 1):
        with suppress(Conflict):
            return read()
    return read()


def _head(item: Mapping[str, Any]) -> Head:
    return Head(item["seen"], item.get("follows", ""), item.get("hands_on", SettledMonth().hands_on), item)


def _more_key(kind: str, partner: str, month: str, number: int) -> keys.Key:
    return keys.key(kind, partner=partner, month=month, part=f"{number:06d}")


def _counted(
    item: Mapping[str, Any], kind: str, count: str, found: Mapping[str, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The further items of a kind that a settled month's item counts."""
    _, partner, _ = keys.parts(item[keys.PK])
    month = keys.unescape(item[keys.SK])
    wanted = [_more_key(kind, partner, month, number).sk for number in range(1, item.get(count, 0) + 1)]
    if any(sk not in found or found[sk]["written"] != item.get("written", 0) for sk in wanted):
        raise Conflict(
            f"The settled month {month} of {partner} does not have all its parts: read it again, and see"
            " `introducer verify` when it stays so."
        )
    return [found[sk] for sk in wanted]


def _unpacked(packed: str) -> dict[str, str]:
    try:
        lines = zlib.decompress(b64decode(packed)).decode().split("\n")
    except zlib.error as error:
        raise ValueError("a settled month cannot be unpacked") from error
    return dict(zip(("posted", "chain", "above"), lines, strict=True))


def _posted_text(posted: Mapping[Key, int]) -> str:
    return _json(sorted((key.rule, key.scope, key.currency, key.available_day, minor) for key, minor in posted.items()))


def _posted(partner: str, month: str, text: str) -> dict[Key, int]:
    return {
        Key(partner, rule, scope, month, currency, available): minor
        for rule, scope, currency, available, minor in json.loads(text)
    }


class Settlements:
    """What settling reads and writes."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def version(self, partner: str) -> int:
        """How often a partner was settled."""
        key = keys.key("settling", partner=partner)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return int(from_wire(answer.get("Item", {})).get("version", 0))

    def rows(self, partner: str, month: str) -> MonthRows:
        """The rows of a partner's month."""
        clients: dict[str, Row] = {}
        below: dict[str, Below] = {}
        texts: dict[tuple[str, str], str] = {}
        for item in self._query(keys.partition("row", partner=partner, month=month)):
            of, name = row_of(item)
            texts[of, name] = item["row"]
            if of == CLIENT:
                clients[name] = row_from_item(item)
            else:
                below[name] = below_from_item(item)
        return MonthRows(clients, below, rows_digest(texts))

    def heads(self, partner: str) -> dict[str, Head]:
        """A partner's settled months, without their long texts."""
        items = self._query(keys.partition("settled", partner=partner))
        return {keys.unescape(item[keys.SK]): _head(item) for item in items}

    def head(self, partner: str, month: str) -> Head:
        """One of them, that is there."""
        key = keys.key("settled", partner=partner, month=month)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return _head(from_wire(answer["Item"]))

    def whole(self, head: Head | None) -> SettledMonth:
        """All of a settled month; one with nothing in it where there is none.

        Raises `Conflict` when it was written again since its head was read.
        """
        if head is None:
            return SettledMonth()
        _, partner, _ = keys.parts(head.item[keys.PK])
        month = keys.unescape(head.item[keys.SK])
        return settled_from_item(head.item, self._more(partner, month, head.item))

    def settled(self, partner: str) -> dict[str, SettledMonth]:
        """All of a partner's settled months."""
        return dict(self.each_settled(partner))

    def each_settled(self, partner: str) -> Iterator[tuple[str, SettledMonth]]:
        """One after the other: where tens of thousands of clients are paid, each takes megabytes."""
        for month, head in self.heads(partner).items():
            try:
                whole = self.whole(head)
            except Conflict:
                whole = read_again(partial(self._as_it_is, partner, month))
            yield month, whole

    def _as_it_is(self, partner: str, month: str) -> SettledMonth:
        return self.whole(self.head(partner, month))

    def write(self, settling: Settling, at_ms: int) -> None:
        """Write all of it or nothing; the partner's version goes up by one.

        Raises `Conflict` when somebody settled the partner since it was read, or a month was closed; `Poison` when
        DynamoDB will never take it; `Unavailable`.
        """
        connection, table = self._connection, self._table
        written, added = self._month(settling)
        puts = [
            *(put_operation(connection, table, item) for item in written),
            *(journal_put(connection, table, journal) for journal in settling.journals),
            *(
                put_operation(connection, table, below_to_item(ancestor, settling.month, settling.partner, below))
                for ancestor, below in settling.above.items()
            ),
        ]
        head = keys.key("settling", partner=settling.partner)
        unchanged = Path("version") == settling.version if settling.version else Path(keys.PK).does_not_exist()
        updates = [
            connection.get_operation_kwargs(
                table, head.pk, head.sk, actions=[Path("version").set(settling.version + 1)], condition=unchanged
            ),
            *added,
            *balance_updates(connection, table, settling.journals),
        ]
        journals = [journal.id for journal in settling.journals]
        # Another one who writes at this version in this very millisecond says something else, and is refused.
        token = derived_id("t", at_ms, settling.partner, settling.version, written, journals)
        try:
            connection.transact_write_items((), (), puts, updates, client_request_token=token)
        except TransactWriteError as error:
            codes = {reason.code for reason in error.cancellation_reasons if reason is not None}
            if codes & REFUSED:
                raise Conflict("The partner's month changed meanwhile: read again.") from error
            if response_code(error) in IMPOSSIBLE or codes & IMPOSSIBLE:
                raise Poison(
                    "The books cannot hold this partner's month: an entry of it is larger than a table takes."
                    " Propose simpler terms from the next month on, and post the month's amount as an adjustment."
                ) from error
            raise Unavailable("The books could not be written: try again.", code="store_unavailable") from error

    def _month(self, settling: Settling) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The items to put for the month, and the updates of others."""
        partner, month, settled = settling.partner, settling.month, settling.settled
        if isinstance(settled, SettledMonth):
            return settled_to_items(partner, month, settled, settling.version + 1), []
        part = {
            **_more_key("settled_posted", partner, month, settled.number).item(),
            "written": settled.written,
            "posted": _posted_text(settled.posted),
        }
        key = keys.key("settled", partner=partner, month=month)
        counted = self._connection.get_operation_kwargs(
            self._table, key.pk, key.sk, actions=[Path("seen").set(""), Path("added").set(settled.number)]
        )
        return [part], [counted]

    def _more(self, partner: str, month: str, item: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The further items that a settled month's item counts."""
        found: list[dict[str, Any]] = []
        for kind, count in (("settled_part", "parts"), ("settled_posted", "added")):
            if last := item.get(count):
                first = _more_key(kind, partner, month, 1)
                within = Path(keys.SK).between(first.sk, _more_key(kind, partner, month, last).sk)
                found += self._query(first.pk, within)
        return found

    def _query(self, pk: str, within: Condition | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        position: Any = None
        while True:
            with reading():
                answer = self._connection.query(
                    self._table, pk, within, exclusive_start_key=position, consistent_read=True
                )
            found += map(from_wire, answer["Items"])
            position = answer.get("LastEvaluatedKey")
            if not position:
                return found


def _row_item(partner: str, month: str, of: str, name: str, said: Mapping[str, Any]) -> dict[str, Any]:
    return {**keys.key("row", partner=partner, month=month, of=of, name=name).item(), "row": _json(said)}


def _below(said: Mapping[str, Any]) -> Below:
    return Below(
        level=said["level"],
        earned=_earned(said),
        revenue=tuple((currency, int(fine)) for currency, fine in said.get("revenue", ())),
        clients=said.get("clients", 0),
    )


def _earned(said: Mapping[str, Any]) -> tuple[tuple[str, str, int], ...]:
    return tuple((kind, currency, minor) for kind, currency, minor in said.get("earned", ()))


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
