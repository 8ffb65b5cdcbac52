"""What a partner's links brought, day by day: the clicks that count, and why the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from introducer.domain.clicks import REASONS
from introducer.domain.errors import NotFound
from introducer.store.click_counts import ClickCount, ClickCounts
from introducer.store.configuration import Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Clicks:
    """All clicks of a day, or of a month: `clicks` and `flagged` together are everything that came."""

    clicks: int
    """Of people: they count, and bring clients."""
    unique: int
    """Of those, browsers that came for the first time that day."""
    flagged: int
    """What came besides, and does not count."""
    reasons: dict[str, int]
    """Why not, the most frequent first, by `domain.clicks.REASONS`; they add up to `flagged`."""

    @property
    def came(self) -> int:
        """Everything that came."""
        return self.clicks + self.flagged


@dataclass(frozen=True, slots=True, kw_only=True)
class ClicksOfDay:
    """The clicks of one UTC day."""

    day: str
    clicks: Clicks


@dataclass(frozen=True, slots=True, kw_only=True)
class ClicksOfMonth:
    """A month, and its days on which anything came, the latest first."""

    whole: Clicks
    days: tuple[ClicksOfDay, ...]


class Counted(Protocol):
    """A number of clicks with its reasons, such as `store.click_counts.ClickCount`."""

    @property
    def clicks(self) -> int: ...
    @property
    def unique(self) -> int: ...
    @property
    def flagged(self) -> int: ...
    @property
    def reasons(self) -> tuple[tuple[str, int], ...]: ...


def read_clicks_of_partner(
    configuration: Configuration, click_counts: ClickCounts, *, partner: str, month: str, code: str = ""
) -> ClicksOfMonth:
    """The month's clicks (`2026-03`) of all of a partner's links, or of the one with this code or slug.

    Raises `NotFound` when the link is not one of the partner's, and `Unavailable`.
    """
    counts = click_counts.month(partner, month)
    if code:
        link = configuration.link(code)
        if link.partner != partner:
            raise NotFound("There is no such link.")
        counts = [count for count in counts if count.link == link.link_id]
    by_day: dict[str, list[ClickCount]] = {}
    for count in counts:
        by_day.setdefault(count.day, []).append(count)
    days = (ClicksOfDay(day=day, clicks=together(by_day[day])) for day in sorted(by_day, reverse=True))
    return ClicksOfMonth(whole=together(counts), days=tuple(days))


def together(counts: Iterable[Counted]) -> Clicks:
    """The sum of counters: of a link's days, of a day's links."""
    counts = tuple(counts)
    reasons: Counter[str] = Counter()
    for count in counts:
        reasons.update(dict(count.reasons))
    return Clicks(
        clicks=sum(count.clicks for count in counts),
        unique=sum(count.unique for count in counts),
        flagged=sum(count.flagged for count in counts),
        reasons={reason: reasons[reason] for reason in sorted(reasons, key=lambda each: (-reasons[each], _rank(each)))},
    )


def _rank(reason: str) -> int:
    return REASONS.index(reason) if reason in REASONS else len(REASONS)
