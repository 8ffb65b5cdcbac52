"""BOOKS: how many payable clicks a campaign with caps took, per UTC day and in all.

They are added in the transaction that counts the clicks of a link (`store.click_counts`), so they are exactly the sum
of the links' counters, under redelivery too. Links are spread over `SHARDS` items, so that a campaign that everybody
promotes is no single item which all of them write. An item keeps the last days only: one that is over decides nothing.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pynamodb.connection.base import Connection
from pynamodb.expressions.operand import Path

from introducer.domain.caps import Used
from introducer.store import keys
from introducer.store.partitions import whole
from introducer.store.wire import connect

SHARDS = 32
"""So many that ten writers at once seldom meet on one: a transaction that meets another is refused, and tried again."""
_IN_ALL, _DAY = "in_all", "day_"
_FORGOTTEN = range(3, 10)
"""The days before a day that are taken out when it is counted: what is written every day keeps three."""


@dataclass(frozen=True, slots=True)
class CampaignAddition:
    """Clicks of a campaign that count for its caps."""

    campaign: str
    clicks: int


class CampaignCounts:
    """The campaigns' counters of a BOOKS table."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def used(self, campaign: str) -> Used:
        """What a campaign took so far. Raises `Unavailable`."""
        in_all, by_day = 0, Counter[str]()
        pk = keys.partition("campaign_count", campaign=campaign)
        condition = Path(keys.SK).startswith(keys.prefix("campaign_count"))
        for item in whole(self._connection, self._table, pk, condition):
            in_all += item[_IN_ALL]
            for name, clicks in item.items():
                if name.startswith(_DAY):
                    by_day[name.removeprefix(_DAY)] += clicks
        return Used(in_all, dict(by_day))


def addition_of_campaign(
    connection: Connection, table: str, addition: CampaignAddition, link: str, day: str
) -> dict[str, Any]:
    """A campaign's clicks of one link and day, as a part of a transaction: the link's own part guards it."""
    key = keys.key("campaign_count", campaign=addition.campaign, shard=zlib.crc32(link.encode()) % SHARDS)
    today = date.fromisoformat(day)
    forgotten = [Path([f"{_DAY}{today - timedelta(days=days)}"]).remove() for days in _FORGOTTEN]
    return connection.get_operation_kwargs(
        table,
        key.pk,
        key.sk,
        actions=[Path(_IN_ALL).add(addition.clicks), Path([f"{_DAY}{day}"]).add(addition.clicks), *forgotten],
    )
