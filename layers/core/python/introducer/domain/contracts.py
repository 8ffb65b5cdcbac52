"""Contracts: what the fold needs to know besides events. A snapshot of links, deal versions, rates and click keys.

All of it is append-only or effective-dated, so a fold over the same events and contracts gives the same result on any
day. The service collects the snapshot; the rules only read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from introducer.domain.deal import DealVersion, Rule
from introducer.domain.rates import Rates


@dataclass(frozen=True, slots=True)
class LinkTerms:
    """Whose link it is, and how the campaign attributes."""

    link: str
    brand: str
    partner: str
    campaign: str
    window_days: int
    first_click: bool = False


@dataclass(frozen=True, slots=True)
class Contracts:
    """The snapshot. `deals` has each partner's versions; `click_keys` verifies click ids."""

    links: Mapping[str, LinkTerms]
    deals: Mapping[str, tuple[DealVersion, ...]]
    rates: Rates
    click_keys: Mapping[int, bytes]

    def version_at(self, partner: str, at_ms: int) -> DealVersion | None:
        """The deal version in force at a moment: the latest `valid_from` not after it."""
        best: DealVersion | None = None
        for version in self.deals.get(partner, ()):
            if version.valid_from <= at_ms and (
                best is None or (version.valid_from, version.version) > (best.valid_from, best.version)
            ):
                best = version
        return best

    def version(self, partner: str, number: int) -> DealVersion:
        """One version by its number. Raises KeyError."""
        for version in self.deals.get(partner, ()):
            if version.version == number:
                return version
        raise KeyError((partner, number))

    def rule(self, partner: str, number: int, rule_id: str) -> Rule:
        """One rule of one version. Raises KeyError."""
        for rule in self.version(partner, number).deal.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError((partner, number, rule_id))

    def newest_by(self, partner: str, at_ms: int) -> int:
        """The highest version number in force at or before a moment; 0 for none."""
        return max((v.version for v in self.deals.get(partner, ()) if v.valid_from <= at_ms), default=0)

    def as_known(self, known: Mapping[str, int]) -> Contracts:
        """The contracts as a fold saw them that knew only these versions."""
        return replace(
            self,
            deals={
                partner: tuple(v for v in self.deals.get(partner, ()) if v.version <= newest)
                for partner, newest in known.items()
            },
        )
