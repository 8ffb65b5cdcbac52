"""Pooled revenue share: a percentage of what all clients bring together, by tier, with large losses fenced off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from introducer.domain.calendar import plus_months
from introducer.domain.deal import Basis, Mode, NegativeMonths, Revshare, Tiers, show_percent
from introducer.domain.ledger import Key, Line
from introducer.domain.money import FINE, decimal_string, round_ratio, show_ratio
from introducer.domain.partner_month import Month, largest
from introducer.domain.rules.revshare import UNIT, carried, most_carried, percent_of, share_line
from introducer.domain.rules.target import Target, Targets
from introducer.domain.rules.tier_lines import basis_line, inside, show_start

Lane = tuple[str, str]
"""A rule and a currency."""

Parts = Mapping[tuple[int, str], int]
"""Net revenue (fine units) by version and part."""


@dataclass(frozen=True, slots=True)
class Pools:
    """What pooled rules hand from month to month (`settlement.Chain`)."""

    carry: Mapping[Lane, int]
    own: Mapping[tuple[str, str, str], int]
    shares: Mapping[Lane, Mapping[str, int]]


def targets(seen: Month, before: Pools) -> tuple[Targets, Pools]:
    """What pooled rules owe for the month, and what they hand on."""
    lanes: dict[Lane, dict[str, dict[tuple[int, str], int]]] = defaultdict(dict)
    for client, row in seen.rows.items():
        for rule_id, number, part, net in row.cells:
            if "~" not in rule_id and isinstance(seen.contracts.rule(seen.partner, number, rule_id), Revshare):
                lane = (rule_id, seen.version(number).deal.currency)
                lanes[lane].setdefault(client, {})[number, part] = net
    owed: Targets = {}
    carry, own = dict(before.carry), dict(before.own)
    shares = {lane: dict(months) for lane, months in before.shares.items()}
    for lane, clients in sorted(lanes.items()):
        pool = _Pool(seen, lane, clients)
        owed[pool.key] = pool.settle(carry, own, shares)
    return owed, Pools(
        {lane: value for lane, value in carry.items() if value},
        {client: value for client, value in own.items() if value},
        {lane: _recent(months, seen.month) for lane, months in shares.items()},
    )


def _recent(months: Mapping[str, int], month: str) -> dict[str, int]:
    """The first month, and the last twelve: what a capped carry can look at."""
    since = plus_months(month, -12)
    return {each: value for each, value in months.items() if each >= since or each == min(months)}


class _Pool:
    """One pooled rule in one currency, in one month."""

    def __init__(self, seen: Month, lane: Lane, clients: Mapping[str, Parts]) -> None:
        self._seen, self._lane = seen, lane
        self._rule_id, self._currency = lane
        numbers = {number for parts in clients.values() for number, _ in parts}
        self._versions = sorted(numbers, key=seen.order)
        self._newest = self._rule(self._versions[-1])
        fence = self._newest.fence
        self._fenced = {
            client: parts
            for client, parts in clients.items()
            if fence is not None and sum(parts.values()) < -fence * FINE
        }
        self._pooled = {client: parts for client, parts in clients.items() if client not in self._fenced}
        self._lines: list[Line] = []
        self._percents: dict[int, int] = {}
        """What each version pays outside of promotions, once the pool is priced."""

    @property
    def key(self) -> Key:
        return self._seen.key(self._rule_id, self._versions[-1])

    def settle(
        self, carry: dict[Lane, int], own: dict[tuple[str, str, str], int], shares: dict[Lane, dict[str, int]]
    ) -> Target:
        """What is owed; what is handed on is brought up to this month."""
        raw = self._priced()
        if self._fenced:
            lost = sum(sum(parts.values()) for parts in self._fenced.values())
            values = (str(len(self._fenced)), decimal_string(self._newest.fence or 0, self._currency))
            self._lines.append(Line("fenced", show_ratio(lost, FINE, self._currency), values))
        raw -= self._set_off(own)
        earned = shares.setdefault(self._lane, {})
        most = most_carried(self._newest.cap, earned, self._seen.month)
        earned[self._seen.month] = max(0, raw)
        total, carry[self._lane] = carried(
            self._newest, raw, carry.get(self._lane, 0), most, self._currency, self._lines
        )
        minor = round_ratio(max(0, total), UNIT)
        self._lines.append(Line("rounded", decimal_string(minor, self._currency)))
        for client, net in largest((client, sum(parts.values())) for client, parts in self._pooled.items()):
            shown = show_ratio(net, FINE, self._currency)
            self._lines.append(Line("contribution", shown, (client, "net_revenue")))
        return Target(minor, "revshare", self._versions[-1], tuple(self._lines))

    def _rule(self, number: int) -> Revshare:
        rule = self._seen.contracts.rule(self._seen.partner, number, self._rule_id)
        assert isinstance(rule, Revshare)
        return rule

    def _net(self, clients: Sequence[Parts], number: int, part: str | None = None) -> int:
        """A version's net revenue of these clients; of one part of it, where one is named."""
        return sum(
            net
            for parts in clients
            for (version, which), net in parts.items()
            if version == number and part in (None, which)
        )

    def _priced(self) -> int:
        """The pool's raw share, version by version in the order in which they were in force."""
        total = so_far = 0
        pooled = list(self._pooled.values())
        for number in self._versions:
            rule = self._rule(number)
            net = self._net(pooled, number)
            promoted = [
                (part, self._net(pooled, number, part))
                for part in sorted(
                    {which for parts in pooled for version, which in parts if version == number and which}
                )
            ]
            base = net - sum(each for _, each in promoted)
            count = sum(any(version == number for version, _ in parts) for parts in pooled)
            self._lines.append(
                Line("pooled_net_revenue", show_ratio(net, FINE, self._currency), (str(number), str(count)))
            )
            for part, value in promoted:
                share = value * percent_of(rule, part)
                self._lines.append(share_line(rule, part, share, self._currency))
                total += share
            total += self._in_tiers(rule, number, base, so_far + net - base, so_far + net)
            so_far += net
        return total

    def _in_tiers(self, rule: Revshare, number: int, base: int, start: int, end: int) -> int:
        """A version's share outside of promotions: what lies between `start` and `end` of the month's pool."""
        tiers = rule.steps
        self._percents[number] = rule.base
        if tiers is None:
            share = base * rule.base
            self._lines.append(share_line(rule, "", share, self._currency))
            return share
        if tiers.mode is Mode.RETROACTIVE:
            percent, start_of_band = self._reached(rule, number, end)
            self._percents[number] = percent
            share = base * percent
            self._lines.append(self._tier_line(tiers, start_of_band, percent, share))
            return share
        self._lines.append(basis_line(tiers.by, end, self._currency))
        bounds = [0, *(band.start for band in tiers.bands)]
        percents = [rule.percent, *(band.percent for band in tiers.bands)]
        total = 0
        for index, (bound, percent) in enumerate(zip(bounds, percents, strict=True)):
            low = None if index == 0 else bound * FINE
            high = bounds[index + 1] * FINE if index + 1 < len(bounds) else None
            part = inside(end, low, high) - inside(start, low, high)
            if part:
                self._lines.append(self._tier_line(tiers, bound, percent, part * percent))
            total += part * percent
        return total

    def _reached(self, rule: Revshare, number: int, pool: int) -> tuple[int, int]:
        """The percentage that a version's tiers give, and where its band begins (0: below the first)."""
        tiers = rule.steps
        assert tiers is not None
        by_revenue = tiers.by is Basis.NET_REVENUE
        activity = pool if by_revenue else self._seen.activity(tiers.by, self._seen.version(number))
        self._lines.append(basis_line(tiers.by, activity, self._currency))
        band = tiers.reached(activity, FINE if by_revenue else 1)
        return (rule.percent, 0) if band is None else (band.percent, band.start)

    def _tier_line(self, tiers: Tiers, start: int, percent: int, share: int) -> Line:
        values = (show_start(tiers.by, start, self._currency), show_percent(percent), tiers.mode.value, "percent")
        return Line("tier", show_ratio(share, UNIT, self._currency), values)

    def _set_off(self, own: dict[tuple[str, str, str], int]) -> int:
        """Put fenced losses to the clients' own carries, and take what earlier ones take from this month's pool."""
        # A promotion can make a share of a loss: what is above nothing is no loss, and belongs to the pool.
        fenced = {client: self._raw(parts) for client, parts in self._fenced.items()}
        gained = sum(max(0, raw) for raw in fenced.values())
        if self._newest.negative is NegativeMonths.RESET:
            for key in [key for key in own if key[:2] == self._lane]:
                del own[key]
            return -gained
        taken, takers = 0, 0
        for client, raw in fenced.items():
            key = (*self._lane, client)
            own[key] = own.get(key, 0) + min(0, raw)
        for client, parts in {**self._pooled, **self._fenced}.items():
            key = (*self._lane, client)
            loss = own.get(key, 0)
            if not loss:
                continue
            used = min(max(0, self._raw(parts)), -loss)
            own[key] = loss + used
            taken += used
            takers += bool(used)
        if taken:
            values = (str(takers),)
            self._lines.append(Line("fence_carry", show_ratio(-taken, UNIT, self._currency), values))
        return taken - gained

    def _raw(self, parts: Parts) -> int:
        """One client's raw share, each version's at the percentage its tiers reached."""
        return sum(
            net * (percent_of(self._rule(number), part) if part else self._percents[number])
            for (number, part), net in parts.items()
        )
