"""Counters of events per partner, UTC day and link. Written by `accruals` in the transaction that posts; read here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from introducer.store import keys
from introducer.store.partitions import whole
from introducer.store.wire import connect


@dataclass(frozen=True, slots=True)
class EventCount:
    """What happened on one UTC day through one link."""

    partner: str
    day: str
    link: str
    counts: Mapping[str, int]
    """`registrations`, `kyc`, `ftd`, `qftd`."""
    sums: Mapping[tuple[str, str], int]
    """Fine units per (`deposits` | `withdrawals` | `net_revenue` | `earnings`, currency). Earnings here are each
    event's own share on its day, before the month's rounding and its treatment of losses; the ledger has what is
    owed."""


def count_key(partner: str, day: str, link: str) -> keys.Key:
    """The key of a day's counter."""
    return keys.key("event_count", partner=partner, month=day[:7], day=day, link=link)


class EventCounts:
    """Reads of the counters."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def month(self, partner: str, month: str) -> list[EventCount]:
        """All counters of a partner's month (`2026-03`), by day and link."""
        pk = keys.partition("event_count", partner=partner, month=month)
        items = whole(self._connection, self._table, pk, consistent=False)
        return [count for count in map(_count, items) if count]


def _count(item: Mapping[str, Any]) -> EventCount | None:
    _, partner, _, _ = keys.parts(item[keys.PK])
    day, kind, link = keys.parts(item[keys.SK])
    if kind != "events":
        return None
    counts, sums = {}, {}
    for name, value in item.items():
        metric, dot, currency = name.partition(".")
        if dot:
            sums[metric, currency] = value
        elif name not in (keys.PK, keys.SK):
            counts[name] = value
    return EventCount(partner, day, link, counts, sums)
