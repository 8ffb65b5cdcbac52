"""Contracts: what the fold needs to know besides events. A snapshot of links, deal versions, rates and click keys.

All of it is append-only or effective-dated, so a fold over the same events and contracts gives the same result on any
day. The service collects the snapshot; the rules only read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from introducer.domain.calendar import day_start, month_end, plus_days
from introducer.domain.contest_score import Seen, Window, as_seen
from introducer.domain.counts import Came
from introducer.domain.deal import NET_REVENUE, Basis, DealVersion, Rule
from introducer.domain.rates import Rates

DEEPEST = 5
"""How many levels down an override reaches."""


class AttributionRule(NamedTuple):
    """How a campaign attributes clients whose anchor lies at `since` (ms) or later."""

    since: int
    window_days: int
    first_click: bool = False
    promo_first: bool = False
    """Whether a promo code comes before the campaign's clicks."""


@dataclass(frozen=True, slots=True)
class LinkTerms:
    """Whose link it is, and how the campaign attributes."""

    link: str
    brand: str
    partner: str
    campaign: str
    window_days: int
    first_click: bool = False
    later: tuple[AttributionRule, ...] = ()
    """What was decided for the campaign since it was made, in that order; each covers those before from its `since`."""

    def rule_at(self, at_ms: int) -> AttributionRule:
        """How the campaign attributes a client whose anchor is this moment."""
        found = AttributionRule(0, self.window_days, self.first_click)
        for rule in self.later:
            if rule.since <= at_ms:
                found = rule
        return found


class Grant(NamedTuple):
    """A partner has a promo code from `start` on and until `end` (ms); without an end, for good."""

    partner: str
    start: int
    end: int | None
    campaign: str = ""


class LeadTerms(NamedTuple):
    """By which link a lead came, and when (ms): a fact that nothing changes."""

    brand: str
    link: str
    at: int
    again: int = 0
    """When a duplicate of it came, which is named (ms): it counts by that moment as well; 0 for the lead itself."""


class Standing(NamedTuple):
    """From a moment on (ms), the partner is blocked or is not."""

    since: int
    blocked: bool


class Parenting(NamedTuple):
    """From a month on (`2026-03`; what sorts before all months is from the beginning), this is the partner's parent, or
    it has none."""

    month: str
    parent: str | None


class Above(NamedTuple):
    """An ancestor with an override in a month, and how many levels up."""

    level: int
    version: DealVersion


class Known(NamedTuple):
    """What a fold saw of a partner's contracts: the newest deal version in force, and how many standings."""

    version: int
    standings: int


@dataclass(frozen=True, slots=True)
class Contracts:
    """The snapshot. `deals` has each partner's versions, `standings` and `parents` what was decided about each partner,
    in that order; `click_keys` verifies click ids; `windows` are each brand's contests; `leads` those that events
    name; `codes` who had a promo code when, by brand and code: no two at one moment; `clicks` what was recorded of
    clicks that the clients name and of which their states do not know it yet."""

    links: Mapping[str, LinkTerms]
    deals: Mapping[str, tuple[DealVersion, ...]]
    rates: Rates
    click_keys: Mapping[int, bytes]
    standings: Mapping[str, tuple[Standing, ...]] = field(default_factory=dict)
    parents: Mapping[str, tuple[Parenting, ...]] = field(default_factory=dict)
    windows: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)
    leads: Mapping[str, LeadTerms] = field(default_factory=dict)
    codes: Mapping[tuple[str, str], tuple[Grant, ...]] = field(default_factory=dict)
    clicks: Mapping[str, Came] = field(default_factory=dict)
    _bases: dict[tuple[str, str], frozenset[Basis] | None] = field(default_factory=dict, repr=False, compare=False)

    def grant_at(self, brand: str, code: str, at_ms: int) -> Grant | None:
        """Who had a promo code at a moment."""
        for grant in self.codes.get((brand, code), ()):
            if grant.start <= at_ms and (grant.end is None or at_ms < grant.end):
                return grant
        return None

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

    def kind(self, partner: str, rule_id: str) -> str:
        """The kind of a rule; its id keeps it over all versions. The id itself, where no version has it."""
        for version in self.deals.get(partner, ()):
            for rule in version.deal.rules:
                if rule.id == rule_id:
                    return rule.kind
        return rule_id

    def ends_at(self, version: DealVersion) -> int | None:
        """When other terms take over (ms); None for the newest. A version that only adds or drops goals with a window
        of their own goes on with the terms of the one before."""
        order = (version.valid_from, version.version)
        first = self.first_with_terms(version.partner)
        terms = first.get(version.version, version.version)
        later = [
            each.valid_from
            for each in self._in_turn(version.partner)
            if (each.valid_from, each.version) > order and first.get(each.version, each.version) != terms
        ]
        return min(later, default=None)

    def first_with_terms(self, partner: str) -> dict[int, int]:
        """Of versions that go on with the terms of the one in force before them, save goals with a window of their own:
        which one was the first with these terms."""
        found: dict[int, int] = {}
        before: DealVersion | None = None
        for each in self._in_turn(partner):
            if before is not None and before.deal.without_own_goals == each.deal.without_own_goals:
                found[each.version] = found.get(before.version, before.version)
            before = each
        return found

    def _in_turn(self, partner: str) -> list[DealVersion]:
        """The versions in the order in which they are in force; of several that begin at one moment the last alone."""
        versions = sorted(self.deals.get(partner, ()), key=lambda each: (each.valid_from, each.version))
        return list({each.valid_from: each for each in versions}.values())

    def ancestors(self, partner: str, month: str) -> tuple[str, ...]:
        """Who stood above a partner in a month, the parent first, as far up as overrides reach."""
        above: list[str] = []
        while len(above) < DEEPEST:
            parent = None
            for parenting in sorted(self.parents.get(partner, ()), key=lambda each: each.month):
                if parenting.month <= month:
                    parent = parenting.parent
            if parent is None or parent in above:
                break
            above.append(parent)
            partner = parent
        return tuple(above)

    def above(self, partner: str, month: str) -> tuple[Above, ...]:
        """The ancestors whose deal at the month's first instant has an override."""
        found = []
        for level, ancestor in enumerate(self.ancestors(partner, month), 1):
            version = self.version_at(ancestor, day_start(f"{month}-01"))
            if version is not None and any(rule.at(level) for rule in version.deal.overrides):
                found.append(Above(level, version))
        return tuple(found)

    def bases(self, partner: str, month: str) -> frozenset[Basis] | None:
        """What must be counted of a partner's month besides what its clients' own rules need; None when nothing need be
        written down: no rule so far looked at its clients together, and no ancestor has an override."""
        key = (partner, month)
        if key not in self._bases:
            self._bases[key] = self._bases_to_count(partner, month)
        return self._bases[key]

    def _bases_to_count(self, partner: str, month: str) -> frozenset[Basis] | None:
        until = day_start(plus_days(month_end(month), 1))
        deals = [each.deal for each in self.deals.get(partner, ()) if each.valid_from < until]
        above = self.above(partner, month)
        if not above and not any(deal.looks_at_all_clients for deal in deals):
            return None
        bases = {basis for deal in deals for basis in deal.bases}
        for level, version in above:
            for rule in version.deal.overrides:
                entry = rule.at(level)
                if entry is not None and entry.of == (NET_REVENUE,):
                    bases.add(Basis.NET_REVENUE)
        return frozenset(bases)

    def known_by(self, partner: str, at_ms: int) -> Known:
        """What a fold up to a moment sees of a partner. Every standing is seen: a decision may reach back."""
        newest = max((v.version for v in self.deals.get(partner, ()) if v.valid_from <= at_ms), default=0)
        return Known(newest, len(self.standings.get(partner, ())))

    def scoring(self, brand: str) -> tuple[Window, ...]:
        """The windows in which clients of a brand score; one that was counted for good is none of them."""
        return tuple(window for window in self.windows.get(brand, ()) if not window.frozen)

    def as_known(self, known: Mapping[str, Known], seen: Mapping[str, Seen]) -> Contracts:
        """The contracts as a fold saw them that knew only this much of partners, and of contests."""
        return replace(
            self,
            deals={
                partner: tuple(v for v in self.deals.get(partner, ()) if v.version <= each.version)
                for partner, each in known.items()
            },
            standings={partner: self.standings.get(partner, ())[: each.standings] for partner, each in known.items()},
            windows={
                brand: tuple(as_seen(each, seen[each.contest]) for each in windows if each.contest in seen)
                for brand, windows in self.windows.items()
            },
            _bases={},
        )
