"""Partners' results in BOOKS: the days they are made from, by the counters, and a brand's partners each in a line."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from introducer.domain.calendar import plus_months
from introducer.domain.deal import Basis
from introducer.domain.results import ResultDay, ResultLine, TierPlace
from introducer.store import keys
from introducer.store.click_counts import ClickCounts
from introducer.store.event_counts import EventCounts
from introducer.store.figure_lines import FigureLines
from introducer.store.figures import Figures
from introducer.store.partitions import whole
from introducer.store.wire import batch_get, connect, from_wire, reading, to_wire, writing

_NUMBERS = ("ftd_7", "ftd_30", "ftd_prev_28", "qftd_30", "clicks_30")
_LATER = ("registrations_30", "kyc_30")
"""Numbers that lines of before have not."""
_TEXTS = ("day", "last_active_day", "joined", "language")


class Results:
    """Reads of days and lines; writes of lines. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)
        self._clicks = ClickCounts(table, region, host)
        self._events = EventCounts(table, region, host)
        self.figures = Figures(table, region, host)
        self.figure_lines = FigureLines(table, region, host)

    def month(self, partner: str, month: str) -> list[ResultDay]:
        """The days of a month (`2026-03`) on which anything was counted, all links together."""
        numbers: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        revenue: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        active: set[str] = set()
        for clicked in self._clicks.month(partner, month):
            numbers[clicked.day]["clicks"] += clicked.clicks
            if clicked.clicks:
                active.add(clicked.day)
        for happened in self._events.month(partner, month):
            if any(happened.counts.values()) or any(happened.sums.values()):
                active.add(happened.day)
            for name in ("ftd", "qftd", "registrations", "kyc"):
                numbers[happened.day][name] += happened.counts.get(name, 0)
            for (metric, currency), fine in happened.sums.items():
                if metric == "net_revenue":
                    revenue[happened.day][currency] += fine
        days = sorted({*numbers, *revenue, *active})
        return [ResultDay(day, **numbers[day], revenue=dict(revenue[day]), active=day in active) for day in days]

    def days(self, partner: str, first: str, last: str) -> list[ResultDay]:
        """The days of all months that a time touches, both included, on which anything was counted."""
        found, month = [], first[:7]
        while month <= last[:7]:
            found += self.month(partner, month)
            month = plus_months(month, 1)
        return found

    def line(self, brand: str, partner: str) -> ResultLine | None:
        """A partner's line as it was written last; None where none was."""
        key = keys.key("results", brand=brand, partner=partner)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return line_from_item(from_wire(answer["Item"])) if "Item" in answer else None

    def lines(self, brand: str, partners: Collection[str]) -> Mapping[str, ResultLine]:
        """The lines of these partners, by partner, without those that have none."""
        wanted = [keys.key("results", brand=brand, partner=each) for each in sorted(partners)]
        found = map(line_from_item, batch_get(self._connection, self._table, wanted))
        return {each.partner: each for each in found}

    def of_brand(self, brand: str) -> list[ResultLine]:
        """All partners of a brand that have a line."""
        pk = keys.partition("results", brand=brand)
        return [line_from_item(item) for item in whole(self._connection, self._table, pk, consistent=False)]

    def put(self, brand: str, line: ResultLine) -> None:
        """A partner's line as it is now. Of two at once the last stands: both say the same but for moments."""
        attributes = to_wire(line_to_item(brand, line))
        pk, sk = attributes.pop(keys.PK)["S"], attributes.pop(keys.SK)["S"]
        with writing():
            self._connection.put_item(self._table, pk, sk, attributes=attributes)


def line_to_item(brand: str, line: ResultLine) -> dict[str, Any]:
    """The item of a line."""
    item: dict[str, Any] = {
        **keys.key("results", brand=brand, partner=line.partner).item(),
        **{name: getattr(line, name) for name in (*_NUMBERS, *_LATER, *_TEXTS)},
        "deal_kinds": " ".join(line.deal_kinds),
        "net_revenue_30": json.dumps(line.net_revenue_30, sort_keys=True),
    }
    if line.tier is not None:
        tier = line.tier
        item |= {
            "tier_by": tier.by.value,
            "tier_reached": tier.reached,
            "tier_bands": tier.bands,
            "tier_at": tier.at,
            "tier_next": tier.next,
        }
        if tier.currency:
            item["tier_currency"] = tier.currency
    return item


def line_from_item(item: Mapping[str, Any]) -> ResultLine:
    """The line of an item."""
    tier = None
    if "tier_by" in item:
        parts = (item["tier_reached"], item["tier_bands"], item["tier_at"], item["tier_next"])
        tier = TierPlace(Basis(item["tier_by"]), *parts, item.get("tier_currency", ""))
    return ResultLine(
        partner=keys.unescape(item[keys.SK]),
        **{name: item[name] for name in (*_NUMBERS, *_TEXTS)},
        **{name: item.get(name, 0) for name in _LATER},
        deal_kinds=tuple(item["deal_kinds"].split()),
        net_revenue_30=json.loads(item["net_revenue_30"]),
        tier=tier,
    )
