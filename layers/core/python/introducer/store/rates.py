"""Exchange rates in BOOKS: one immutable item per feed and day.

A day on which the feed published nothing (a weekend, a holiday) has an item without rates. So the newest item tells
through which day the feed is known completely, as long as days are put in order, which `put_day` insists on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from pynamodb.attributes import JSONAttribute, UnicodeAttribute

from introducer.domain.errors import Conflict
from introducer.store import keys
from introducer.store.items import BooksItem, bind, translated

_SILENCE = 14
"""Items read back at once when looking for the last publication; the longest silence of the ECB was five days."""


class RatesItem(BooksItem):
    feed = UnicodeAttribute()
    day = UnicodeAttribute()
    per_euro = JSONAttribute()


class RateStore:
    """Reads and immutable puts. `per_euro` is units of each currency for one euro, as decimal strings."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._items = bind(RatesItem, table, region, host)

    def put_day(self, feed: str, day: str, per_euro: Mapping[str, str]) -> None:
        """What the feed published on this UTC day; an empty mapping says that it published nothing.

        Putting the same again changes nothing. Raises `Conflict` when the day says something else already, or when it
        would leave a gap after the last day.
        """
        last = self.completed_through(feed)
        if last is not None and day > _next(last):
            raise Conflict(f"{feed} is complete through {last}: put {_next(last)} first.", code="rates_gap")
        if last is not None and day <= last:
            return self._same(feed, day, per_euro)
        item = self._items(*keys.key("rates", feed=feed, day=day), feed=feed, day=day, per_euro=dict(per_euro))
        try:
            with translated(f"{feed} has rates of {day} already."):
                item.save(condition=self._items.pk.does_not_exist())
        except Conflict:
            self._same(feed, day, per_euro)

    def day(self, feed: str, day: str) -> Mapping[str, str] | None:
        """What the feed published on a day: empty when nothing, None when that is not known."""
        with translated("not a write"):
            try:
                return dict(self._items.get(*keys.key("rates", feed=feed, day=day)).per_euro)
            except self._items.DoesNotExist:
                return None

    def published_before(self, feed: str, day: str) -> tuple[str, Mapping[str, str]] | None:
        """The last publication strictly before a day, with its own day; None when there is none."""
        with translated("not a write"):
            found = self._items.query(
                keys.partition("rates", feed=feed),
                self._items.sk < day,
                scan_index_forward=False,
                page_size=_SILENCE,
            )
            for item in found:
                if item.per_euro:
                    return item.day, dict(item.per_euro)
        return None

    def completed_through(self, feed: str) -> str | None:
        """The last day of which is known what the feed published; None before the first."""
        with translated("not a write"):
            newest = self._items.query(
                keys.partition("rates", feed=feed), scan_index_forward=False, limit=1, consistent_read=True
            )
            for item in newest:
                return str(item.day)
        return None

    def _same(self, feed: str, day: str, per_euro: Mapping[str, str]) -> None:
        if self.day(feed, day) != dict(per_euro):
            raise Conflict(
                f"{feed} has other rates of {day}: what was used to price events never changes.",
                code="rates_differ",
            )


def _next(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
