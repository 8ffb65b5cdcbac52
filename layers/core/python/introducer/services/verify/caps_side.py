"""What BOOKS says of campaigns with caps: how many clicks each took since it has any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from introducer.domain.calendar import day_at
from introducer.services.verify.report import Difference, Kind
from introducer.store import keys
from introducer.store.scans import Stored, place


class CapsSide:
    """The counters, and the clicks that they should have: `click` is told of each, when BOOKS is read."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}
        self._says: Counter[str] = Counter()
        self._should: Counter[str] = Counter()

    @property
    def takers(self) -> Mapping[str, Callable[[Stored], None]]:
        return {"route": self._route, "campaign_count": self._count}

    def _route(self, stored: Stored) -> None:
        if "caps_since" in stored.item:
            self._since[stored.item["campaign"]] = int(stored.item["caps_since"])

    def _count(self, stored: Stored) -> None:
        self._says[keys.parts(stored.key.pk)[1]] += stored.item["in_all"]

    def click(self, item: Mapping[str, Any]) -> None:
        """A click of FACTS; flagged ones count for no cap."""
        since = self._since.get(item.get("campaign", ""))
        if since is not None and item["at"] >= since and not item.get("flags"):
            self._should[item["campaign"]] += 1

    def differences(self, clicks_from: str) -> Iterator[Difference]:
        """Each campaign whose count is another; those are left out some of whose clicks may be gone by now."""
        for campaign in sorted(self._since.keys() | self._says.keys()):
            if campaign in self._since and day_at(self._since[campaign]) < clicks_from:
                continue
            should, says = self._should[campaign], self._says[campaign]
            if should != says:
                where = place(keys.BOOKS, keys.key("campaign_count", campaign=campaign, shard=0))
                what = f"campaign {campaign}: clicks for its caps"
                yield Difference(Kind.CAMPAIGN_COUNT, what, str(should), str(says), where)
