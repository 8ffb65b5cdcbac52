"""Settling: what a partner's month is owed under rules that look at its clients together, or at the partners below.

`settle_month` is a pure function of the month's rows, of what the months before hand on (`Chain`) and of the
contracts. It recomputes the whole month, so it may run as often as it likes. docs/deals.md says what each rule means;
sums are exact until the one rounding of a key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from introducer.domain.client import ALL_REVENUE
from introducer.domain.contracts import Contracts
from introducer.domain.deal import Basis
from introducer.domain.errors import RateMissing
from introducer.domain.ledger import Key
from introducer.domain.partner_month import Below, Month
from introducer.domain.rows import Row
from introducer.domain.rules import bonus, lot_tiers, override, places, pool
from introducer.domain.rules.target import Targets


@dataclass(frozen=True, slots=True)
class Chain:
    """What a month hands on to the next ones. Sums are in `rules.revshare.UNIT`."""

    places: Mapping[str, int] = field(default_factory=dict)
    """Per rule: the places taken so far, of a cap on clients in all."""
    carry: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Per rule and currency: the pool's loss to be set off."""
    own: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """Per rule, currency and client: a fenced client's own loss."""
    shares: Mapping[tuple[str, str], Mapping[str, int]] = field(default_factory=dict)
    """Per rule and currency: the pool's positive raw shares of the last twelve months, and of the first."""
    reached: Mapping[str, int] = field(default_factory=dict)
    """Per windowed goal (`version.rule`): clients counted so far."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settled month: what is owed, what is handed on, and what those above see (each by its own level)."""

    targets: Targets
    chain: Chain
    above: Mapping[str, Below]
    waiting: Mapping[Key, RateMissing] = field(default_factory=dict)
    """Overrides that wait for a rate: they stay as they are posted, and hold up nothing else."""


def settle_month(
    partner: str, month: str, rows: Mapping[str, Row], below: Mapping[str, Below], chain: Chain, contracts: Contracts
) -> Settlement:
    """What a partner's month is owed under rules that are not the business of one client alone.

    `rows` are by client, `below` by descendant, `chain` is what the last month before handed on.
    """
    seen = Month(partner, month, rows, below, contracts)
    owed: Targets = {}
    placed, taken = places.targets(seen, chain.places)
    shared, pools = pool.targets(seen, pool.Pools(chain.carry, chain.own, chain.shares))
    goals, reached = bonus.targets(seen, chain.reached)
    overridden, waiting = override.targets(seen)
    for targets in (placed, shared, lot_tiers.targets(seen), goals, overridden):
        owed |= targets
    handed_on = Chain(taken, pools.carry, pools.own, pools.shares, reached)
    return Settlement(owed, handed_on, _above(seen, owed), waiting)


def _above(seen: Month, owed: Targets) -> dict[str, Below]:
    """What those above with an override see of this month."""
    above = seen.contracts.above(seen.partner, seen.month)
    if not above:
        return {}
    earned: dict[tuple[str, str], int] = defaultdict(int)
    for row in seen.rows.values():
        for kind, currency, minor in row.earned:
            earned[kind, currency] += minor
    for key, target in owed.items():
        earned[target.rule_kind, key.currency] += target.minor
    revenue: dict[str, int] = defaultdict(int)
    for number, value in seen.sums(ALL_REVENUE).items():
        revenue[seen.version(number).deal.currency] += value
    return {
        version.partner: Below(
            level,
            tuple((*each, minor) for each, minor in sorted(earned.items()) if minor),
            tuple((currency, fine) for currency, fine in sorted(revenue.items()) if fine),
            len(seen.moments(Basis.QFTD)),
        )
        for level, version in above
    }
