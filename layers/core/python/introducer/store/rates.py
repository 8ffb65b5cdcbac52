"""Exchange rates in BOOKS: one immutable item per feed and day.

A day on which the feed published nothing (a weekend, a holiday) has an item without rates. So the newest item tells
through which day the feed is known completely, as long as days are put in order, which `put_day` insists on.

Beside them stands what waits for rates: for each day of events that could not be priced, from which source and in which
day's quarantine they lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pynamodb.attributes import JSONAttribute, UnicodeAttribute

from introducer.domain.errors import Conflict
from introducer.domain.events import milliseconds
from introducer.store import keys
from introducer.store.items import BooksItem, IntegerAttribute, MomentAttribute, bind, translated

_SILENCE = 14
"""Items read back at once when looking for the last publication; the longest silence of the ECB was five days."""
_WAIT_DAYS = 90
"""As long as the messages stay in quarantine (see `keys.ITEMS`)."""


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
                found = self._items.get(*keys.key("rates", feed=feed, day=day), consistent_read=True)
                return dict(found.per_euro)
            except self._items.DoesNotExist:
                return None

    def published_before(self, feed: str, day: str) -> tuple[str, Mapping[str, str]] | None:
        """The last publication strictly before a day, with its own day; None when there is none.

        Read consistently: who was just told that the feed is complete must not meet the publication before the last.
        """
        with translated("not a write"):
            found = self._items.query(
                keys.partition("rates", feed=feed),
                self._items.sk < day,
                scan_index_forward=False,
                page_size=_SILENCE,
                consistent_read=True,
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


class RateWaitItem(BooksItem):
    feed = UnicodeAttribute()
    day = UnicodeAttribute()
    brand = UnicodeAttribute()
    source = UnicodeAttribute()
    accepted = UnicodeAttribute()
    noted_at = MomentAttribute()
    settled_at = MomentAttribute(null=True)
    expires_at = IntegerAttribute()


@dataclass(frozen=True, slots=True)
class RateWait:
    """Events in the quarantine of a source and day (`accepted`) wait for the rates that hold for events of `day`."""

    feed: str
    day: str
    brand: str
    source: str
    accepted: str
    noted_at: datetime
    """When it was last found that they wait."""


class RateWaits:
    """What waits for rates. Kept as long as quarantined messages are."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._items = bind(RateWaitItem, table, region, host)

    def note(self, wait: RateWait) -> None:
        """Something waits, again if it did before. Noting it twice changes nothing."""
        item = self._items(
            *_wait_key(wait),
            feed=wait.feed,
            day=wait.day,
            brand=wait.brand,
            source=wait.source,
            accepted=wait.accepted,
            noted_at=wait.noted_at,
            expires_at=milliseconds(wait.noted_at + timedelta(days=_WAIT_DAYS)) // 1000,
        )
        try:
            with translated("It was noted later already."):
                item.save(condition=self._items.pk.does_not_exist() | (self._items.noted_at <= wait.noted_at))
        except Conflict:
            # A note of a later moment stands, and says the same.
            pass

    def open(self, feed: str, through: str) -> list[RateWait]:
        """What waits for the rates of event days up to `through` (included), the earliest day first."""
        with translated("not a write"):
            found = self._items.query(
                keys.partition("rate_wait", feed=feed), self._items.sk < _next(through), consistent_read=True
            )
            return [
                RateWait(item.feed, item.day, item.brand, item.source, item.accepted, item.noted_at)
                for item in found
                if item.settled_at is None
            ]

    def settle(self, wait: RateWait, at: datetime) -> None:
        """Nothing of it waits any more; unless it was noted anew meanwhile, which stays."""
        item = self._items(*_wait_key(wait))
        try:
            with translated("It was noted anew."):
                item.update(
                    actions=[self._items.settled_at.set(at)],
                    condition=self._items.noted_at == wait.noted_at,
                )
        except Conflict:
            pass


def _wait_key(wait: RateWait) -> keys.Key:
    return keys.key(
        "rate_wait", feed=wait.feed, day=wait.day, brand=wait.brand, source=wait.source, accepted=wait.accepted
    )


def _next(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
