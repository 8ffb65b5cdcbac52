"""BOOKS: how many clicks a partner's link had on a UTC day, counted exactly once; in the same item by country, by
device and by sub1, each by itself.

A counter remembers, for each FACTS partition that feeds it (`at_0`, `at_1` … by the partition's shard number), the
position in the stream of the last click that it holds. One update adds the numbers and moves the positions, on the
condition that every position lies before the clicks added. So a batch that is delivered again, or cut otherwise, is
refused whole, and the caller drops what is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.store import keys
from introducer.store.campaign_counts import CampaignAddition, addition_of_campaign
from introducer.store.partitions import whole
from introducer.store.sub_names import SubNames
from introducer.store.wire import REFUSED, Refused, connect, from_wire, reading, unavailable, writing

POSITION_LENGTH = 40
"""Digits of a position: DynamoDB's sequence numbers have 21 to 40, and texts of one length compare like numbers."""

SOURCED = "sourced"
"""The attribute that counts all clicks, flagged ones too, that were told apart by country, device and sub1: fewer than
the counter has where it began before these were counted."""

_POSITION = "at_"
_BUCKET = "net_"
_REASON = "why_"
_BY = {"country": "c", "device": "d", "sub1": "s"}
"""What counters of a dimension begin with; then which of the three it is, and the value: `cf_DE` counts flagged clicks
from Germany."""
_WHICH = ("", "u", "f")
_DIMENSIONS = {
    beginning + which: (name, place) for name, beginning in _BY.items() for place, which in enumerate(_WHICH)
}


@dataclass(frozen=True, slots=True)
class ClickCount:
    """What one link brought on one UTC day."""

    partner: str
    day: str
    link: str
    clicks: int
    """Of people: flagged ones are not among them."""
    unique: int
    """Of the clicks, those that were the browser's first on this link that day."""
    flagged: int
    stuffed: int = 0
    """Of the flagged, those that a page loaded as an image or a frame."""
    buckets: tuple[tuple[int, int], ...] = ()
    """Of the clicks, how many came from networks of each bucket (`domain.fraud.seen.BUCKETS`); those with any."""
    reasons: tuple[tuple[str, int], ...] = ()
    """The flagged by their reason (`domain.clicks.reason_of`), by name; those with any. They add up to `flagged`."""
    by: Mapping[str, tuple[tuple[str, int, int, int], ...]] = field(default_factory=dict)
    """By `country`, `device` and `sub1` (its number, `store.sub_names`): value, clicks, unique and flagged, by value;
    those with any. A click of which nothing is known has no value, nor has one that was counted before these were:
    they add up to at most the whole."""


@dataclass(frozen=True, slots=True)
class Span:
    """The clicks of one FACTS partition in an addition: the positions of the first and the last."""

    first: str
    last: str


def position(sequence_number: str) -> str:
    """A stream's sequence number as a position."""
    return sequence_number.zfill(POSITION_LENGTH)


class ClickCounts:
    """The click counters of a BOOKS table."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)
        self._names = SubNames(table, region, host)

    def sub_numbers(self, partner: str, link: str, subs: Iterable[str]) -> Mapping[str, str]:
        """Under what clicks with these values of sub1 are counted (`SubNames.numbers`). Raises `Unavailable`."""
        return self._names.numbers(partner, link, subs)

    def add(self, addition: ClickCount, spans: Mapping[int, Span], capped: CampaignAddition | None = None) -> bool:
        """Add to a counter; `spans` are by shard. False, with nothing added, when a span is counted in part or whole.

        One write unit for each kilobyte of the item: it has less than one with 16 shards, or a dozen countries and
        values of sub1. `capped` is counted for the
        campaign in the same transaction, which makes them four. Raises `Unavailable`.
        """
        key = _key(addition.partner, addition.day, addition.link)
        actions: list[Any] = [
            Path("clicks").add(addition.clicks),
            Path("unique").add(addition.unique),
            Path("flagged").add(addition.flagged),
            *([Path("stuffed").add(addition.stuffed)] if addition.stuffed else []),
            *(Path(bucket_attribute(bucket)).add(clicks) for bucket, clicks in addition.buckets),
            *(Path(reason_attribute(reason)).add(clicks) for reason, clicks in addition.reasons),
            *(Path([name]).add(clicks) for name, clicks in sorted(dimension_numbers(addition.by).items())),
            Path(SOURCED).add(addition.clicks + addition.flagged),
        ]
        condition: Any = None
        for shard, span in sorted(spans.items()):
            at = Path(f"{_POSITION}{shard}")
            actions.append(at.set(span.last))
            before = at.does_not_exist() | (at < span.first)
            condition = before if condition is None else condition & before
        if capped is not None:
            update = self._connection.get_operation_kwargs(
                self._table, key.pk, key.sk, actions=actions, condition=condition
            )
            return self._add_both(update, capped, addition)
        try:
            with writing():
                self._connection.update_item(self._table, key.pk, key.sk, actions=actions, condition=condition)
        except Refused:
            return False
        return True

    def _add_both(self, update: dict[str, Any], capped: CampaignAddition, addition: ClickCount) -> bool:
        """The same, and the campaign's clicks with it. A False can also mean that another link of the campaign was
        counted at this moment: whoever reads the positions then finds nothing of its own, and tries again."""
        also = addition_of_campaign(self._connection, self._table, capped, addition.link, addition.day)
        try:
            self._connection.transact_write_items((), (), (), [update, also])
        except TransactWriteError as error:
            if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
                return False
            raise unavailable() from error
        except PynamoDBConnectionError as error:
            raise unavailable() from error
        return True

    def positions(self, partner: str, day: str, link: str) -> dict[int, str]:
        """How far a counter has counted each shard. Raises `Unavailable`."""
        key = _key(partner, day, link)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return {
            int(name.removeprefix(_POSITION)): value
            for name, value in from_wire(answer.get("Item", {})).items()
            if name.startswith(_POSITION)
        }

    def month(self, partner: str, month: str) -> list[ClickCount]:
        """All counters of a partner's month (`2026-03`), by day and link. Raises `Unavailable`."""
        return self._query(partner, month, None)

    def day(self, partner: str, day: str) -> list[ClickCount]:
        """The counters of a partner's day, by link. Raises `Unavailable`."""
        return self._query(partner, day[:7], keys.prefix("click_count", day=day))

    def _query(self, partner: str, month: str, beginning: str | None) -> list[ClickCount]:
        pk = keys.partition("click_count", partner=partner, month=month)
        condition = Path(keys.SK).startswith(beginning) if beginning else None
        return click_counts(whole(self._connection, self._table, pk, condition, consistent=False))


def bucket_attribute(bucket: int) -> str:
    """The attribute that counts the clicks from networks of a bucket."""
    return f"{_BUCKET}{bucket}"


def reason_attribute(reason: str) -> str:
    """The attribute that counts the flagged clicks of a reason."""
    return f"{_REASON}{reason}"


def dimension_attribute(dimension: str, value: str, which: int) -> str:
    """The attribute that counts the clicks (0), the unique (1) or the flagged ones (2) with a value."""
    return f"{_BY[dimension]}{_WHICH[which]}_{value}"


def dimension_numbers(by: Mapping[str, Iterable[tuple[str, int, int, int]]]) -> dict[str, int]:
    """What `ClickCount.by` says, attribute by attribute; no zeros."""
    return {
        dimension_attribute(dimension, value, which): number
        for dimension, values in by.items()
        for value, *numbers in values
        for which, number in enumerate(numbers)
        if number
    }


def is_dimension(attribute: str) -> bool:
    """Whether an attribute counts clicks with a value."""
    beginning, line, _ = attribute.partition("_")
    return bool(line) and beginning in _DIMENSIONS


def click_counts(items: Iterable[Mapping[str, Any]]) -> list[ClickCount]:
    """The counters of clicks among a partner's month's items."""
    return [count for count in map(_count, items) if count]


def _key(partner: str, day: str, link: str) -> keys.Key:
    return keys.key("click_count", partner=partner, month=day[:7], day=day, link=link)


def _count(item: Mapping[str, Any]) -> ClickCount | None:
    partner = keys.parts(item[keys.PK])[1]
    day, kind, *rest = keys.parts(item[keys.SK])
    if kind != "clicks":
        return None
    (link,) = rest
    buckets = {int(name): value for name, value in _counted(item, _BUCKET)}
    return ClickCount(
        partner,
        day,
        link,
        item["clicks"],
        item["unique"],
        item["flagged"],
        item.get("stuffed", 0),
        tuple(sorted(buckets.items())),
        tuple(sorted(_counted(item, _REASON))),
        _by(item),
    )


def _by(item: Mapping[str, Any]) -> dict[str, tuple[tuple[str, int, int, int], ...]]:
    found: dict[str, dict[str, list[int]]] = {}
    for attribute in item:
        if is_dimension(attribute):
            beginning, _, value = attribute.partition("_")
            name, which = _DIMENSIONS[beginning]
            found.setdefault(name, {}).setdefault(value, [0, 0, 0])[which] = item[attribute]
    return {
        name: tuple((value, clicks, unique, flagged) for value, (clicks, unique, flagged) in sorted(values.items()))
        for name, values in found.items()
    }


def _counted(item: Mapping[str, Any], beginning: str) -> list[tuple[str, int]]:
    return [(name.removeprefix(beginning), item[name]) for name in item if name.startswith(beginning) and item[name]]
