"""Contracts: what the fold needs to know besides events. A snapshot of links, deal versions, rates and click keys.

All of it is append-only or effective-dated, so a fold over the same events and contracts gives the same result on any
day. The service collects the snapshot; the rules only read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

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


class Standing(NamedTuple):
    """From a moment on (ms), the partner is blocked or is not."""

    since: int
    blocked: bool


class Known(NamedTuple):
    """What a fold saw of a partner's contracts: the newest deal version in force, and how many standings."""

    version: int
    standings: int


@dataclass(frozen=True, slots=True)
class Contracts:
    """The snapshot. `deals` has each partner's versions, `standings` what was decided about each partner, in that
    order; `click_keys` verifies click ids."""

    links: Mapping[str, LinkTerms]
    deals: Mapping[str, tuple[DealVersion, ...]]
    rates: Rates
    click_keys: Mapping[int, bytes]
    standings: Mapping[str, tuple[Standing, ...]] = field(default_factory=dict)

    def blocked_at(self, partner: str, at_ms: int) -> bool:
        """Whether the partner was blocked at a moment: what happens meanwhile is kept and earns nothing."""
        blocked, latest = False, -1
        for standing in self.standings.get(partner, ()):
            # A later decision about the same moment stands.
            if latest <= standing.since <= at_ms:
                blocked, latest = standing.blocked, standing.since
        return blocked

    def version_at(self, partner: str, at_ms: int) -> DealVersion | None:
        """The deal version in force at a moment: the latest `valid_from` not after it; none while blocked."""
        if self.blocked_at(partner, at_ms):
            return None
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

    def known_by(self, partner: str, at_ms: int) -> Known:
        """What a fold up to a moment sees of a partner. Every standing is seen: a decision may reach back."""
        newest = max((v.version for v in self.deals.get(partner, ()) if v.valid_from <= at_ms), default=0)
        return Known(newest, len(self.standings.get(partner, ())))

    def as_known(self, known: Mapping[str, Known]) -> Contracts:
        """The contracts as a fold saw them that knew only this much."""
        return replace(
            self,
            deals={
                partner: tuple(v for v in self.deals.get(partner, ()) if v.version <= seen.version)
                for partner, seen in known.items()
            },
            standings={partner: self.standings.get(partner, ())[: seen.standings] for partner, seen in known.items()},
        )
