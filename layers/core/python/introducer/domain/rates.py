"""Exchange rates: the last one published strictly before an event's UTC day, crossed through the euro.

Today's rates appear in the afternoon and must not change what an event of this morning was worth; so an event of day D
takes the newest publication before D (engine.md, "Rate"). Rates have 12 decimals; a converted amount is exact in fine
units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from introducer.domain.errors import RateMissing
from introducer.domain.money import decimals

RATE_DECIMALS = 12
RATE_ONE = 10**RATE_DECIMALS
_FINE_EXPONENT = 20


@dataclass(frozen=True, slots=True)
class Publication:
    """What a feed published on a day: units of each currency for one euro, as decimal strings."""

    feed: str
    day: str
    per_euro: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate used: `scaled` is units of `target` for one of `source`, times 10 ** 12; `day` is its publication."""

    source: str
    target: str
    scaled: int
    day: str
    feed: str

    def __str__(self) -> str:
        whole, part = divmod(self.scaled, RATE_ONE)
        return f"{whole}.{part:0{RATE_DECIMALS}d}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class Rates:
    """For each event day, the publication that holds for it. The service fills in the days a fold will need."""

    publications: Mapping[str, Publication]
    _crosses: dict[tuple[str, str, str], Rate] = field(default_factory=dict, repr=False, compare=False)

    def rate(self, source: str, target: str, day: str) -> Rate:
        """The rate from `source` to `target` for an event of UTC `day`. Raises `RateMissing`."""
        key = (source, target, day)
        found = self._crosses.get(key)
        if found is None:
            found = self._crosses[key] = self._cross(source, target, day)
        return found

    def fine(self, minor: int, source: str, target: str, day: str) -> int:
        """Minor units of `source` as fine units of `target`, exactly. Raises `RateMissing`."""
        if source == target:
            return int(minor * 10**_FINE_EXPONENT)
        shift = _FINE_EXPONENT - RATE_DECIMALS + decimals(target) - decimals(source)
        return int(minor * self.rate(source, target, day).scaled * 10**shift)

    def _cross(self, source: str, target: str, day: str) -> Rate:
        publication = self.publications.get(day)
        if publication is None:
            raise RateMissing(f"No exchange rates are stored for events of {day}: load them, then replay.", day=day)
        if source == target:
            return Rate(source, target, RATE_ONE, publication.day, publication.feed)
        units = []
        for currency in (source, target):
            text = "1" if currency == "EUR" else publication.per_euro.get(currency)
            if text is None:
                raise RateMissing(
                    f"{publication.feed} published no {currency} rate on {publication.day}: enter one, then replay.",
                    day=day,
                    currency=currency,
                )
            units.append(Fraction(text))
        scaled = round(units[1] / units[0] * RATE_ONE)
        return Rate(source, target, scaled, publication.day, publication.feed)
