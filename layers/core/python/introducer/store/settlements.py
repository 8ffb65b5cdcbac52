"""Rows and settled months in BOOKS: what settling reads, and the transaction that posts.

The engine writes a client's row in the transaction that changes the client (`accruals`); settling writes the rows of a
partner in the months of those above it. Sums pass 2 ** 53, so they are texts within the JSON.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.errors import Conflict, Poison, Unavailable
from introducer.domain.ids import derived_id
from introducer.domain.ledger import Journal, Key
from introducer.domain.partner_month import Below
from introducer.domain.rows import Row
from introducer.domain.rules.qualification import Qualifying
from introducer.domain.settlement import Chain
from introducer.store import keys
from introducer.store.ledger import balance_updates, journal_put
from introducer.store.wire import IMPOSSIBLE, REFUSED, Wire, connect, from_wire, put_operation, reading, response_code

CLIENT, PARTNER = "client", "partner"


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


@dataclass(frozen=True, slots=True)
class Settling:
    """What one transaction writes: a partner's month at the version that was read, its journals, and rows above."""

    partner: str
    month: str
    version: int
    settled: SettledMonth
    journals: tuple[Journal, ...] = ()
    above: Mapping[str, Below] = field(default_factory=dict)


def row_to_item(partner: str, month: str, client: str, row: Row) -> dict[str, Any]:
    """The item of a client's row."""
    said = {
        "ftd": row.ftd,
        "qftd": row.qftd,
        "qualified": row.qualified,
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
        qualified=tuple(Qualifying(*each) for each in said.get("qualified", ())),
        cells=tuple((rule, version, part, int(value)) for rule, version, part, value in said.get("cells", ())),
        earned=_earned(said),
    )


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


def settled_to_item(partner: str, month: str, settled: SettledMonth) -> dict[str, Any]:
    """The item of a settled month."""
    return {
        **keys.key("settled", partner=partner, month=month).item(),
        "seen": settled.seen,
        "follows": settled.follows,
        "posted": _json(
            sorted(
                (key.rule, key.scope, key.currency, key.available_day, minor) for key, minor in settled.posted.items()
            )
        ),
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


def settled_from_item(item: Mapping[str, Any]) -> SettledMonth:
    """The settled month of an item."""
    _, partner, _ = keys.parts(item[keys.PK])
    month = keys.unescape(item[keys.SK])
    chain = json.loads(item["chain"])
    return SettledMonth(
        posted={
            Key(partner, rule, scope, month, currency, available): minor
            for rule, scope, currency, available, minor in json.loads(item["posted"])
        },
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
        above={ancestor: _below(below) for ancestor, below in json.loads(item["above"])},
        seen=item["seen"],
        follows=item["follows"],
    )


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

    def settled(self, partner: str) -> dict[str, SettledMonth]:
        """A partner's settled months."""
        items = self._query(keys.partition("settled", partner=partner))
        return {keys.unescape(item[keys.SK]): settled_from_item(item) for item in items}

    def write(self, settling: Settling, at_ms: int) -> None:
        """Write all of it or nothing; the partner's version goes up by one.

        Raises `Conflict` when somebody settled the partner since it was read, or a month was closed; `Poison` when
        DynamoDB will never take it; `Unavailable`.
        """
        connection, table = self._connection, self._table
        month = settled_to_item(settling.partner, settling.month, settling.settled)
        puts = [
            put_operation(connection, table, month),
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
            *balance_updates(connection, table, settling.journals),
        ]
        journals = [journal.id for journal in settling.journals]
        # Another one who writes at this version in this very millisecond says something else, and is refused.
        token = derived_id("t", at_ms, settling.partner, settling.version, month, journals)
        try:
            connection.transact_write_items((), (), puts, updates, client_request_token=token)
        except TransactWriteError as error:
            codes = {reason.code for reason in error.cancellation_reasons if reason is not None}
            if codes & REFUSED:
                raise Conflict("The partner's month changed meanwhile: read again.") from error
            if response_code(error) in IMPOSSIBLE or codes & IMPOSSIBLE:
                raise Poison("The books cannot hold this partner's month: its rules pay too many clients.") from error
            raise Unavailable("The books could not be written: try again.", code="store_unavailable") from error

    def _query(self, pk: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        position: Any = None
        while True:
            with reading():
                answer = self._connection.query(self._table, pk, exclusive_start_key=position, consistent_read=True)
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
