"""How mails did, in BOOKS: counters by what a mail is counted with, raised in the transaction that marks the mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from introducer.domain.mail import Seen
from introducer.store import keys
from introducer.store.wire import connect, from_wire, reading


class Figures(NamedTuple):
    """Of so many mails: each counted once, whatever came twice."""

    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    opened: int = 0
    clicked: int = 0


class MailFigures:
    """Reads how mails did; `Mails.saw` counts."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def of_series(self, brand: str, series: str) -> Figures:
        """How the mails of a series did: a template's, `seq:{sequence}:{step}`, `brc:{broadcast}`."""
        key = keys.key("mail_figure", brand=brand, series=series)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return _figures(from_wire(answer.get("Item", {})))

    def of_brand(self, brand: str) -> Mapping[str, Figures]:
        """How all mails of a brand did, by series."""
        pk, found, start = keys.partition("mail_figure", brand=brand), {}, None
        while True:
            with reading():
                answer = self._connection.query(self._table, pk, exclusive_start_key=start, consistent_read=True)
            for item in map(from_wire, answer["Items"]):
                found[keys.unescape(item[keys.SK])] = _figures(item)
            start = answer.get("LastEvaluatedKey")
            if not start:
                return found


def _figures(item: Mapping[str, int]) -> Figures:
    return Figures(**{each.value: item.get(each.value, 0) for each in Seen})
