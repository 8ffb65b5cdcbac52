"""Caps and tiers of rules paid once per client: who gets a place, what a month is cut at, what a tier gives on top."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from introducer.domain.calendar import day_at, plus_days
from introducer.domain.deal import (
    PERCENT_ONE,
    Basis,
    Cap,
    Mode,
    Per,
    PerClient,
    Tiers,
    Whose,
)
from introducer.domain.ledger import Key, Line
from introducer.domain.money import FINE, decimal_string, round_ratio, show_ratio
from introducer.domain.partner_month import Month
from introducer.domain.rules.qualification import Proof, Qualifying
from introducer.domain.rules.target import Target, Targets
from introducer.domain.rules.tier_lines import basis_line, gain_line


@dataclass(frozen=True, slots=True)
class _Placed:
    """A client that a rule pays in the month, and its place among them."""

    client: str
    place: int
    qualifying: Qualifying
    rule: PerClient


def targets(seen: Month, taken: Mapping[str, int]) -> tuple[Targets, dict[str, int]]:
    """What capped and tiered rules owe for the month, and the places taken in all when it ends.

    `taken` are the places of each rule taken before. Places go by (moment of qualification, client).
    """
    owed: Targets = {}
    places = dict(taken)
    by_rule: dict[str, list[tuple[int, str, Qualifying]]] = defaultdict(list)
    for client, row in seen.rows.items():
        for qualifying in row.qualified:
            by_rule[qualifying.rule].append((qualifying.at, client, qualifying))
    for rule_id, qualified in sorted(by_rule.items()):
        placed = _placed(seen, rule_id, sorted(qualified), places, owed)
        owed |= _monthly(seen, rule_id, placed)
    return owed, {rule: count for rule, count in places.items() if count}


def _placed(
    seen: Month,
    rule_id: str,
    qualified: list[tuple[int, str, Qualifying]],
    places: dict[str, int],
    owed: Targets,
) -> list[_Placed]:
    """Who is paid, in order. What stays an earning per client is added to `owed`, and so is who is left out."""
    used: Counter[tuple[Per, str]] = Counter({(Per.TOTAL, ""): places.get(rule_id, 0)})
    placed: list[_Placed] = []
    for at, client, qualifying in qualified:
        version = seen.version(qualifying.version)
        rule = seen.contracts.rule(seen.partner, qualifying.version, rule_id)
        assert isinstance(rule, PerClient)
        day = day_at(at)
        periods = {Per.DAY: day, Per.MONTH: seen.month, Per.TOTAL: ""}
        full = next((cap for cap in rule.caps if used[cap.per, periods[cap.per]] >= cap.clients), None)
        proof = qualifying.proof or Proof((Line("qualified", str(at)),), (), (), "")
        lines = list(proof.lines)
        minor = 0 if full else qualifying.amount
        if full:
            lines.append(_no_slot(full, periods[full.per], version.deal.currency))
        else:
            for cap in rule.caps:
                taken = used[cap.per, periods[cap.per]] + 1
                lines.append(Line("slot", str(taken), (cap.per.value, str(cap.clients), periods[cap.per])))
            for per, period in periods.items() if rule.caps else ():
                used[per, period] += 1
            placed.append(_Placed(client, len(placed) + 1, qualifying, rule))
            paid = decimal_string(minor, version.deal.currency)
            lines.append(Line("amount_for_country", paid, (proof.country,)))
        if rule.caps and rule.most is None:
            matures = plus_days(day, version.deal.hold.days)
            key = Key(seen.partner, rule_id, client, seen.month, version.deal.currency, matures)
            owed[key] = Target(
                minor, rule.kind, qualifying.version, tuple(lines), proof.evidence, frozenset(proof.used)
            )
    if used[Per.TOTAL, ""]:
        places[rule_id] = used[Per.TOTAL, ""]
    return placed


def _no_slot(cap: Cap, period: str, currency: str) -> Line:
    return Line("no_slot", decimal_string(0, currency), (cap.per.value, str(cap.clients), period))


def _monthly(seen: Month, rule_id: str, placed: list[_Placed]) -> Targets:
    """The month's sum under an amount cap, and the uplift of tiers: one amount per month."""
    owed: Targets = {}
    currencies: dict[str, list[_Placed]] = defaultdict(list)
    for each in placed:
        if each.rule.most is not None or each.rule.tiers is not None:
            currencies[seen.version(each.qualifying.version).deal.currency].append(each)
    for currency, those in currencies.items():
        newest = max(those, key=lambda each: seen.order(each.qualifying.version)).qualifying.version
        lines: list[Line] = []
        cut = [each for each in those if each.rule.most is not None]
        total = 0
        if cut:
            paid = sum(each.qualifying.amount for each in cut)
            lines.append(Line("clients_paid", decimal_string(paid, currency), (str(len(cut)),)))
            total = paid * PERCENT_ONE + _uplift(seen, cut, placed, currency, lines)
            last = max(cut, key=lambda each: seen.order(each.qualifying.version)).rule
            assert last.most is not None
            total = min(total, last.most * PERCENT_ONE)
            values = (decimal_string(last.most, currency),)
            lines.append(Line("money_cap", show_ratio(total, PERCENT_ONE, currency), values))
        total += _uplift(seen, [each for each in those if each.rule.most is None], placed, currency, lines)
        minor = round_ratio(total, PERCENT_ONE)
        lines.append(Line("rounded", decimal_string(minor, currency)))
        owed[seen.key(rule_id, newest)] = Target(minor, those[0].rule.kind, newest, tuple(lines))
    return owed


def _uplift(seen: Month, those: list[_Placed], placed: list[_Placed], currency: str, lines: list[Line]) -> int:
    """What tiers give on top, in millionths of a minor unit; `placed` are all that the rule pays in the month."""
    total = 0
    by_version: dict[int, list[_Placed]] = defaultdict(list)
    for each in those:
        if each.rule.tiers is not None and each.qualifying.whose == Whose.PROGRAM:
            by_version[each.qualifying.version].append(each)
    for number, clients in sorted(by_version.items(), key=lambda each: seen.order(each[0])):
        tiers = clients[0].rule.tiers
        assert tiers is not None
        activity, one = _activity(seen, tiers, number, len(placed))
        if tiers.by is Basis.QFTD:
            # Not the partner's qualified clients: those that this rule pays.
            lines.append(Line("tier_basis", str(activity), ("paid_clients",)))
        else:
            lines.append(basis_line(tiers.by, activity, currency))
        gains: dict[int, int] = defaultdict(int)
        for each in clients:
            level = each.place if tiers.mode is Mode.MARGINAL else activity
            band = tiers.reached(level, one)
            if band is not None:
                gains[band.start] += band.add * PERCENT_ONE + each.qualifying.amount * band.percent
        for band in tiers.bands:
            if band.start in gains:
                gained = show_ratio(gains[band.start], PERCENT_ONE, currency)
                lines.append(gain_line(tiers, band, gained, currency))
        total += sum(gains.values())
    if by_version:
        lines.append(Line("uplift", show_ratio(total, PERCENT_ONE, currency)))
    return total


def _activity(seen: Month, tiers: Tiers, number: int, paid: int) -> tuple[int, int]:
    """What the month reached, and how much of it makes one unit of a band's start."""
    if tiers.by is Basis.QFTD:
        return paid, 1
    activity = seen.activity(tiers.by, seen.version(number), whole=True)
    return activity, FINE if tiers.by is Basis.NET_REVENUE else 1
