"""What detectors read in BOOKS beside traces: a partner's days, by the counters, and a brand's partners in a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from introducer.domain.calendar import plus_days
from introducer.domain.fraud.seen import BUCKETS, Day, Traffic
from introducer.store import keys
from introducer.store.click_counts import ClickCounts
from introducer.store.event_counts import EventCounts
from introducer.store.partitions import whole
from introducer.store.wire import connect, to_wire, writing

_NUMBERS = ("clicks", "registrations", "ftd", "qftd", "chargebacks", "drawn", "smallest")


class TrafficStore:
    """Reads of days and lines; writes of lines."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)
        self._clicks = ClickCounts(table, region, host)
        self._events = EventCounts(table, region, host)

    def days(self, partner: str, first: str, last: str) -> tuple[Day, ...]:
        """Every UTC day from one to another, all links together; empty days too."""
        sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        buckets: dict[str, list[int]] = defaultdict(lambda: [0] * BUCKETS)
        for month in _months(first, last):
            for clicked in self._clicks.month(partner, month):
                for name in ("clicks", "unique", "flagged", "stuffed"):
                    sums[clicked.day][name] += getattr(clicked, name)
                for bucket, number in clicked.buckets:
                    buckets[clicked.day][bucket] += number
            for happened in self._events.month(partner, month):
                for name in ("registrations", "ftd", "qftd"):
                    sums[happened.day][name] += happened.counts.get(name, 0)
        found, day = [], first
        while day <= last:
            found.append(Day(day, **sums[day], buckets=tuple(buckets[day])))
            day = plus_days(day, 1)
        return tuple(found)

    def of_brand(self, brand: str) -> list[Traffic]:
        """All partners of a brand that were ever scored, each in a line."""
        pk = keys.partition("traffic", brand=brand)
        return [traffic_from_item(item) for item in whole(self._connection, self._table, pk, consistent=False)]

    def put(self, brand: str, traffic: Traffic) -> None:
        """A partner's line as it is now. Of two at once the last stands: both say the same but for moments."""
        item = {
            **keys.key("traffic", brand=brand, partner=traffic.partner).item(),
            "day": traffic.day,
            **{name: getattr(traffic, name) for name in _NUMBERS},
        }
        attributes = to_wire(item)
        pk, sk = attributes.pop(keys.PK)["S"], attributes.pop(keys.SK)["S"]
        with writing():
            self._connection.put_item(self._table, pk, sk, attributes=attributes)


def traffic_from_item(item: Mapping[str, Any]) -> Traffic:
    """The line of an item."""
    return Traffic(keys.unescape(item[keys.SK]), item["day"], **{name: item.get(name, 0) for name in _NUMBERS})


def _months(first: str, last: str) -> Sequence[str]:
    months, day = [], first
    while day[:7] <= last[:7]:
        months.append(day[:7])
        day = plus_days(f"{day[:7]}-28", 4)[:7] + "-01"
    return months
