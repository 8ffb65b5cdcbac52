"""What is owed for a client, computed the slow and obvious way: all facts at once, fractions, no states, no cells.

It shares nothing with the product's rules but the currencies' decimals and the reading of click ids, so that a mistake
would have to be made twice. Deals are read as data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from introducer.domain import click_id
from introducer.domain.contracts import LinkTerms
from introducer.domain.events import LOT, Event, EventType
from introducer.domain.ledger import Key
from introducer.domain.money import decimals

Terms = Mapping[str, Any]
DEFAULT_FORMULA = {"spread": "1", "commission": "1"}
_CASH = {
    EventType.DEPOSIT: "deposits",
    EventType.WITHDRAWAL: "withdrawals",
    EventType.CREDIT: "credits",
    EventType.CHARGEBACK: "chargebacks",
}


@dataclass(frozen=True)
class Reference:
    """The world: deals as data by partner and first day, links, publications by day."""

    deals: Mapping[str, Sequence[tuple[str, Terms]]]
    links: Mapping[str, LinkTerms]
    published: Mapping[str, Mapping[str, str]]
    click_keys: Mapping[int, bytes]

    def owed(self, events: Iterable[Event]) -> dict[Key, int]:
        """Minor units of each key, for all events of one client."""
        everything = list(events)
        undone = {(each.source, each.ref) for each in everything if each.type is EventType.CANCEL}
        facts = sorted(
            (each for each in everything if each.type is not EventType.CANCEL and each.key not in undone),
            key=lambda each: each.order,
        )
        registrations = [each for each in facts if each.type is EventType.REGISTRATION]
        seen = registrations or [each for each in facts if each.type is not EventType.CHARGEBACK]
        partner = self._partner(facts, seen[0].occurred_at) if seen else None
        if partner is None:
            return {}
        country = registrations[0].country if registrations else None
        owed: dict[Key, int] = {}
        for part in (
            self._cpa(partner, facts, seen[0].occurred_at, country),
            self._revshare(partner, facts),
            self._lot(partner, facts),
        ):
            for key, amount in part.items():
                owed[key] = owed.get(key, 0) + amount
        return {key: amount for key, amount in owed.items() if amount}

    # -------------------------------------------------------------------------------------------------- attribution

    def _partner(self, facts: Sequence[Event], anchor: datetime) -> str | None:
        visits = []
        for text in {each.click_id for each in facts if each.click_id}:
            click = click_id.verify(text, self.click_keys)
            if click is None or click.flagged or click.link_id not in self.links:
                continue
            when = datetime.fromtimestamp(click.at_ms / 1000, UTC)
            # Platforms report whole seconds: a click of the same second came before.
            until = anchor.replace(microsecond=999_000)
            if anchor - timedelta(days=self.links[click.link_id].window_days) <= when <= until:
                visits.append((when, text, self.links[click.link_id]))
        if not visits:
            return None
        visits.sort(key=lambda visit: visit[:2])
        link = visits[-1][2]
        if link.first_click:
            link = next(each for _, _, each in visits if each.campaign == link.campaign)
        return link.partner

    def _terms(self, partner: str, when: datetime) -> tuple[int, Terms] | None:
        """Number and terms of the version in force."""
        found = None
        for number, (since, terms) in enumerate(self.deals.get(partner, ()), 1):
            if datetime.fromisoformat(since).replace(tzinfo=UTC) <= when:
                found = (number, terms)
        return found

    # -------------------------------------------------------------------------------------------------------- money

    def _minor(self, minor: int | Fraction, source: str, target: str, when: datetime) -> Fraction:
        """Minor units of another currency, exactly, at the last publication before the day."""
        if source == target:
            return Fraction(minor)
        units = self.published[max(day for day in self.published if day < _day(when))]
        per_euro = {"EUR": "1", **units}
        rate = round(Fraction(per_euro[target]) / Fraction(per_euro[source]) * 10**12)
        return minor * Fraction(rate, 10**12) * Fraction(10) ** (decimals(target) - decimals(source))

    def _net(self, event: Event, terms: Terms) -> Fraction:
        formula = terms.get("net_revenue", DEFAULT_FORMULA)
        if event.type is EventType.TRADE:
            parts = {name: getattr(event, name) or 0 for name in ("spread", "commission", "swap", "pnl")}
        else:
            parts = {_CASH[event.type]: event.amount or 0} if event.type in _CASH else {}
        total = sum(Fraction(formula[name]) * value for name, value in parts.items() if name in formula)
        return self._minor(total, event.currency or "", terms["currency"], event.occurred_at) if total else Fraction(0)

    # -------------------------------------------------------------------------------------------------------- rules

    def _revshare(self, partner: str, facts: Sequence[Event]) -> dict[Key, int]:
        nets: dict[tuple[str, str], dict[int, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
        for event in facts:
            number, terms = self._terms(partner, event.occurred_at) or (0, {})
            for rule in terms.get("rules", ()):
                if rule["type"] == "revshare":
                    nets[rule["id"], _day(event.occurred_at)[:7]][number] += self._net(event, terms)
        owed: dict[Key, int] = {}
        carried: dict[str, Fraction] = defaultdict(Fraction)
        for (rule_id, month), by_version in sorted(nets.items()):
            versions = {number: net for number, net in by_version.items() if net}
            if not versions:
                continue
            total = Fraction(0)
            for number, net in versions.items():
                total += net * Fraction(self._rule(partner, number, rule_id)["percent"]) / 100
            newest = self.deals[partner][max(versions) - 1][1]
            carries = self._rule(partner, max(versions), rule_id).get("negative", "reset") == "carry"
            total += carried[rule_id] if carries else 0
            carried[rule_id] = min(total, Fraction(0)) if carries else Fraction(0)
            available = _plus(_last_day(month), newest["hold"]["days"])
            owed[Key(partner, rule_id, facts[0].client, month, newest["currency"], available)] = round(max(total, 0))
        return owed

    def _lot(self, partner: str, facts: Sequence[Event]) -> dict[Key, int]:
        sums: dict[Key, Fraction] = defaultdict(Fraction)
        for event in facts:
            terms = (self._terms(partner, event.occurred_at) or (0, {}))[1]
            for rule in terms.get("rules", ()):
                if rule["type"] != "lot" or event.type is not EventType.TRADE or not event.lots:
                    continue
                if rule.get("account_types") and event.account_type not in rule["account_types"]:
                    continue
                if least := rule.get("min_holding_seconds"):
                    if event.opened_at is None or event.closed_at is None:
                        continue
                    if event.closed_at - event.opened_at < timedelta(seconds=least):
                        continue
                day = _day(event.occurred_at)
                counted = day if terms["hold"].get("from") == "event_day" else _last_day(day[:7])
                available = _plus(counted, terms["hold"]["days"])
                per_lot = _of_group(rule["groups"], "symbols", event.symbol)
                key = Key(partner, rule["id"], event.client, day[:7], terms["currency"], available)
                sums[key] += Fraction(event.lots, LOT) * Fraction(per_lot) * 10 ** decimals(terms["currency"])
        return {key: round(total) for key, total in sums.items()}

    def _cpa(self, partner: str, facts: Sequence[Event], anchor: datetime, country: str | None) -> dict[Key, int]:
        terms = (self._terms(partner, anchor) or (0, {}))[1]
        owed: dict[Key, int] = {}
        for rule in terms.get("rules", ()):
            if rule["type"] != "cpa":
                continue
            when = self._qualified(rule.get("qualification", {}), terms, facts, anchor)
            amount = Fraction(_of_group(rule["amounts"], "countries", country)) * 10 ** decimals(terms["currency"])
            if when is not None and amount:
                day = _day(when)
                available = _plus(day, terms["hold"]["days"])
                owed[Key(partner, rule["id"], facts[0].client, day[:7], terms["currency"], available)] = int(amount)
        return owed

    def _qualified(
        self, wanted: Mapping[str, Any], terms: Terms, facts: Sequence[Event], anchor: datetime
    ) -> datetime | None:
        """When the last condition came to hold."""
        scale = 10 ** decimals(terms["currency"])
        moments = [anchor, self._deposited(wanted, terms, facts)]
        if wanted.get("kyc"):
            approved = [each for each in facts if each.type is EventType.KYC and each.status == "approved"]
            moments.append(approved[0].occurred_at if approved else None)
        end = anchor + timedelta(days=wanted.get("within_days", 0))
        trades = [each for each in facts if each.type is EventType.TRADE and anchor <= each.occurred_at <= end]
        for name, value in (
            ("min_lots", lambda each: Fraction(each.lots or 0, LOT)),
            ("min_trades", lambda each: Fraction(1)),
            ("min_net_revenue", lambda each: self._net(each, terms) / scale),
        ):
            if name in wanted:
                moments.append(_stays_above(Fraction(wanted[name]), [(each, value(each)) for each in trades]))
        last = None if None in moments else max(moment for moment in moments if moment is not None)
        return None if last is not None and "within_days" in wanted and last > end else last

    def _deposited(self, wanted: Mapping[str, Any], terms: Terms, facts: Sequence[Event]) -> datetime | None:
        """When deposits, less what was charged back, reached the minimum."""
        scale = 10 ** decimals(terms["currency"])

        def value(event: Event) -> Fraction:
            return self._minor(event.amount or 0, event.currency or "", terms["currency"], event.occurred_at) / scale

        ftd_minimum = Fraction(terms.get("ftd_minimum", "0"))
        deposits = [each for each in facts if each.type is EventType.DEPOSIT]
        first = next((each for each in deposits if value(each) >= ftd_minimum), None)
        if first is None:
            return None
        required = Fraction(wanted.get("min_deposit", ftd_minimum))
        back: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        for event in facts:
            if event.type is EventType.CHARGEBACK:
                if event.ref is None:
                    required += value(event)
                else:
                    back[event.source, event.ref] += value(event)
        total = Fraction(0)
        for event in deposits[deposits.index(first) :]:
            within = wanted.get("within_hours")
            if event is first or (within and event.occurred_at <= first.occurred_at + timedelta(hours=within)):
                total += max(Fraction(0), value(event) - back[event.key])
                if total > 0 and total >= required:
                    return event.occurred_at
        return None

    def _rule(self, partner: str, number: int, rule_id: str) -> Mapping[str, Any]:
        rules: Sequence[Mapping[str, Any]] = self.deals[partner][number - 1][1]["rules"]
        return next(rule for rule in rules if rule["id"] == rule_id)


def _stays_above(minimum: Fraction, trades: Sequence[tuple[Event, Fraction]]) -> datetime | None:
    """The end of the first day from which on the running sum, taken at days' ends, never is below the minimum again."""
    days: dict[str, Fraction] = defaultdict(Fraction)
    for event, value in trades:
        days[_day(event.occurred_at)] += value
    order = sorted(days)
    for start in range(len(order)):
        if all(sum(days[day] for day in order[: end + 1]) >= minimum for end in range(start, len(order))):
            midnight = datetime.fromisoformat(order[start]).replace(tzinfo=UTC)
            return midnight + timedelta(days=1) - timedelta(milliseconds=1)
    return None


def _of_group(groups: Sequence[Mapping[str, Any]], name: str, wanted: str | None) -> str:
    """The amount of the group that names it, else of the group for all others, else nothing."""
    for group in groups:
        if wanted in group[name]:
            return str(group["amount"])
    return next((str(group["amount"]) for group in groups if not group[name]), "0")


def _day(when: datetime) -> str:
    return when.astimezone(UTC).date().isoformat()


def _plus(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _last_day(month: str) -> str:
    first = date.fromisoformat(f"{month}-01")
    return ((first + timedelta(days=32)).replace(day=1) - timedelta(days=1)).isoformat()
