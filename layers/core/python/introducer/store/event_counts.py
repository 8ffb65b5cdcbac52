"""Counters of events per partner, UTC day, link and source of the client. Written by `accruals` in the transaction that
posts; read here.

What is known of the source stands in the counter's key, so an event costs one counter however many ways there are to
look at it. A month is read whole: it has at most one item per day and client that did something on it, and fewer where
clients came from one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from introducer.domain.counts import UNSAID, CountKey
from introducer.store import keys
from introducer.store.partitions import whole
from introducer.store.wire import connect

LOTS = "lots"
"""The one number that is no count of things: lots, `LOT` to one."""


@dataclass(frozen=True, slots=True)
class EventCount:
    """What happened on one UTC day through one link, all sources together."""

    partner: str
    day: str
    link: str
    counts: Mapping[str, int]
    """`registrations`, `kyc`, `ftd`, `qftd`."""
    sums: Mapping[tuple[str, str], int]
    """Fine units per (`deposits` | `withdrawals` | `net_revenue` | `earnings`, currency). Earnings here are each
    event's own share on its day, before the month's rounding and its treatment of losses; the ledger has what is
    owed."""


@dataclass(frozen=True, slots=True)
class SourceCount:
    """What the clients of one source did on one UTC day."""

    key: CountKey
    counts: Mapping[str, int]
    """Those of `EventCount`, and `lots` (`LOT` to one)."""
    sums: Mapping[tuple[str, str], int]
    """As in `EventCount`."""


def count_key(
    partner: str, day: str, link: str, country: str = "", device: str = "", sub1: str = "", cohort: str = ""
) -> keys.Key:
    """The key of a counter's item: `count_key(*key)`."""
    key = CountKey(partner, day, link, country, device, sub1, cohort)
    named = {"partner": key.partner, "month": key.day[:7], "day": key.day, "link": key.link}
    if key.source == UNSAID:
        return keys.key("event_count_unsaid", **named)
    return keys.key("event_count", **named, **key.source._asdict())


def count_key_of(key: keys.Key) -> CountKey | None:
    """Which counter an item of a partner's month is; None for another kind of item."""
    _, partner, _, _ = keys.parts(key.pk)
    day, kind, *rest = keys.parts(key.sk)
    return CountKey(partner, day, *rest) if kind == "events" else None


class EventCounts:
    """Reads of the counters. All of them raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def month(self, partner: str, month: str) -> list[EventCount]:
        """All counters of a partner's month (`2026-03`), by day and link."""
        return by_link(self.sources(partner, month))

    def sources(self, partner: str, month: str) -> list[SourceCount]:
        """The same, each source of clients by itself."""
        pk = keys.partition("event_count", partner=partner, month=month)
        return source_counts(whole(self._connection, self._table, pk, consistent=False))


def by_link(counts: Iterable[SourceCount]) -> list[EventCount]:
    """Counters of sources, each day and link as one. Lots are left out: they are no count of things."""
    found: dict[tuple[str, str, str], EventCount] = {}
    for each in counts:
        into = found.setdefault(each.key[:3], EventCount(*each.key[:3], {}, {}))
        _add(into.counts, {name: value for name, value in each.counts.items() if name != LOTS})
        _add(into.sums, each.sums)
    return list(found.values())


def source_counts(items: Iterable[Mapping[str, Any]]) -> list[SourceCount]:
    """The counters of events among a partner's month's items."""
    found = []
    for item in items:
        key = count_key_of(keys.Key(item[keys.PK], item[keys.SK]))
        if key is None:
            continue
        counts, sums = {}, {}
        for name, value in item.items():
            metric, dot, currency = name.partition(".")
            if dot:
                sums[metric, currency] = value
            elif name not in (keys.PK, keys.SK):
                counts[name] = value
        found.append(SourceCount(key, counts, sums))
    return found


def _add(into: Any, more: Mapping[Any, int]) -> None:
    for name, value in more.items():
        into[name] = into.get(name, 0) + value
