"""How mails did, in BOOKS: counters by what a mail is counted with, raised in the transaction that marks the mail.

A broadcast's mails are counted hundreds of times a second, and two transactions never raise one item at once: each
counter is several items, and a mail always counts in the same one.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from pynamodb.connection import Connection
from pynamodb.expressions.operand import Path

from introducer.store import keys
from introducer.store.partitions import whole
from introducer.store.wire import connect

SHARDS = 64


def shard_of(counted: str) -> str:
    """In which of a counter's items a mail counts, or a partner, by its id."""
    return f"{zlib.crc32(counted.encode()) % SHARDS:x}"


class Figures(NamedTuple):
    """Of so many mails: each counted once, whatever came twice."""

    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    opened: int = 0
    clicked: int = 0
    met: int = 0
    """Of a step: how many partners reached the goal with it as the last mail that they were sent."""


class MailFigures:
    """Reads how mails did; `Mails.saw` counts."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def of_series(self, brand: str, series: str) -> Figures:
        """How the mails of a series did: a template's, `seq:{sequence}:{step}`, `brc:{broadcast}`."""
        return self._sums(brand, keys.prefix("mail_figure", series=series)).get(series, Figures())

    def of_brand(self, brand: str, beginning: str = "") -> Mapping[str, Figures]:
        """How a brand's mails did, by series: all of them, or those whose series begins so (`seq:{sequence}:`)."""
        return self._sums(brand, keys.escape(beginning))

    def _sums(self, brand: str, beginning: str) -> dict[str, Figures]:
        pk, found = keys.partition("mail_figure", brand=brand), dict[str, Figures]()
        condition = Path(keys.SK).startswith(beginning) if beginning else None
        for item in whole(self._connection, self._table, pk, condition):
            series, _ = keys.parts(item[keys.SK])
            found[series] = Figures(
                *(one + item.get(name, 0) for name, one in found.get(series, Figures())._asdict().items())
            )
        return found


def met_update(connection: Connection, table: str, brand: str, series: str, *, partner: str) -> dict[str, Any]:
    """Counts that this partner reached the goal, for the step that it was sent last (`series`). Goes among the updates
    of the transaction that ends the partner's walk, which happens once. No mail is marked, so the partner says in which
    of the counter's items it counts."""
    key = keys.key("mail_figure", brand=brand, series=series, shard=shard_of(partner))
    return connection.get_operation_kwargs(table, key.pk, key.sk, actions=[Path("met").add(1)])
