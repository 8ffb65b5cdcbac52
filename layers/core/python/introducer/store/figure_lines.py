"""BOOKS: each partner's month in a line, day by day: what reports over very many partners read instead of counters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from introducer.domain.events import from_milliseconds, milliseconds
from introducer.store import keys
from introducer.store.partitions import one, whole
from introducer.store.wire import connect, to_wire, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureLine:
    """A partner's month as it was counted at a moment."""

    partner: str
    month: str
    counted_at: datetime
    days: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By UTC day: what was counted, by name; money in fine units by name and currency (`deposits.EUR`)."""


class FigureLines:
    """Reads and writes of lines. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def get(self, brand: str, partner: str, month: str) -> FigureLine | None:
        """A partner's line; None where none was written."""
        key = keys.key("figure_line", brand=brand, month=month, partner=partner)
        found = one(self._connection, self._table, key)
        return _line(found) if found else None

    def of_month(self, brand: str, month: str) -> list[FigureLine]:
        """The lines of all of a brand's partners."""
        pk = keys.partition("figure_line", brand=brand, month=month)
        return [_line(each) for each in whole(self._connection, self._table, pk, consistent=False)]

    def put(self, brand: str, line: FigureLine) -> None:
        """A partner's month as it was counted now. Of two at once the last stands: each is right as of its moment."""
        key = keys.key("figure_line", brand=brand, month=line.month, partner=line.partner)
        item = {
            "partner": line.partner,
            "month": line.month,
            "counted_at": milliseconds(line.counted_at),
            "days": json.dumps(line.days, sort_keys=True, separators=(",", ":")),
        }
        with writing():
            self._connection.put_item(self._table, key.pk, key.sk, attributes=to_wire(item))


def _line(item: Mapping[str, Any]) -> FigureLine:
    return FigureLine(
        partner=item["partner"],
        month=item["month"],
        counted_at=from_milliseconds(item["counted_at"]),
        days=json.loads(item["days"]),
    )
