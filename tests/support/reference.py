"""What partners are owed, computed the slow and obvious way: all facts at once, fractions, no states, no cells.

It was written from the specification alone and shares nothing with the product's rules but the currencies' decimals and
the reading of click ids, so that a mistake would have to be made twice. Deals are read as data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from introducer.domain import click_id
from introducer.domain.contracts import AttributionRule, Grant, LeadTerms, LinkTerms
from introducer.domain.events import LOT, Event, EventType
from introducer.domain.ledger import Key
from introducer.domain.money import decimals

Terms = Mapping[str, Any]
DEFAULT_FORMULA = {"spread": "1", "commission": "1"}
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
_CASH = {
    EventType.DEPOSIT: "deposits",
    EventType.WITHDRAWAL: "withdrawals",
    EventType.CREDIT: "credits",
    EventType.CHARGEBACK: "chargebacks",
}


class Version(NamedTuple):
    """A deal version, in force in [since, until)."""

    number: int
    since: datetime
    until: datetime
    terms: Terms

    @property
    def currency(self) -> str:
        return str(self.terms["currency"])

    @property
    def scale(self) -> int:
        """Minor units of one unit of the currency."""
        return int(10 ** decimals(self.currency))

    def held(self, day: str) -> str:
        """The day on which what counts from this day is available."""
        return _plus(day, self.terms["hold"]["days"])

    def rules(self, *types: str) -> list[Terms]:
        return [rule for rule in self.terms.get("rules", ()) if rule["type"] in types]

    def rule(self, rule_id: str) -> Terms:
        return next(rule for rule in self.terms["rules"] if rule["id"] == rule_id)


class Deed(NamedTuple):
    """An event that counts for a partner: whose client it was then, the terms in force, its worth by their formula."""

    partner: str
    event: Event
    version: Version | None
    net: Fraction
    """Minor units of the version's currency."""

    @property
    def month(self) -> str:
        return _day(self.event.occurred_at)[:7]


class Milestone(NamedTuple):
    """A client counted for the partner it registered with."""

    moment: datetime
    client: str
    partner: str


class Qualified(NamedTuple):
    """A client that a cpa or cpl may pay. They sort by (moment, client)."""

    moment: datetime
    client: str
    partner: str
    rule: str
    version: Version
    amount: Fraction
    """Minor units."""
    promoted: bool

    @property
    def terms(self) -> Terms:
        return self.version.rule(self.rule)

    @property
    def month(self) -> str:
        return _day(self.moment)[:7]

    def caps(self, of: str) -> list[Terms]:
        return [cap for cap in self.terms.get("caps", ()) if of in cap]


@dataclass
class Happened:
    """All that counts, of all clients."""

    deeds: list[Deed] = field(default_factory=list)
    ftd: list[Milestone] = field(default_factory=list)
    qftd: list[Milestone] = field(default_factory=list)
    qualified: list[Qualified] = field(default_factory=list)

    def partners(self) -> set[str]:
        return {each.partner for each in self.deeds} | {each.partner for each in (*self.ftd, *self.qftd)}

    def months(self) -> list[str]:
        moments = [each.event.occurred_at for each in self.deeds]
        moments += [each.moment for each in (*self.ftd, *self.qftd)]
        return sorted({_day(moment)[:7] for moment in moments})

    def count(self, partner: str, by: str, since: datetime, until: datetime, currency: str) -> Fraction:
        """Clients, lots or net revenue (units of the currency) of the partner in [since, until)."""
        if by in ("ftd", "qftd"):
            found = self.ftd if by == "ftd" else self.qftd
            return Fraction(sum(each.partner == partner and since <= each.moment < until for each in found))
        deeds = [each for each in self.deeds if each.partner == partner and since <= each.event.occurred_at < until]
        if by == "lots":
            return sum((_lots(each.event) for each in deeds), Fraction(0))
        nets = [each.net / each.version.scale for each in deeds if each.version and each.version.currency == currency]
        return sum(nets, Fraction(0))

    def of_month(self, partner: str, by: str, month: str, currency: str) -> Fraction:
        return self.count(partner, by, _first_instant(month), _end(month), currency)

    def of_month_until(self, partner: str, by: str, month: str, version: Version) -> Fraction:
        """What the version's tiers see: from the month's start to the version's end."""
        return self.count(partner, by, _first_instant(month), min(version.until, _end(month)), version.currency)


@dataclass(frozen=True)
class Reference:
    """The world: deals as data by partner and first day, links, publications by day, what was decided of partners."""

    deals: Mapping[str, Sequence[tuple[str, Terms]]]
    links: Mapping[str, LinkTerms]
    published: Mapping[str, Mapping[str, str]]
    click_keys: Mapping[int, bytes]
    standings: Mapping[str, Sequence[tuple[Any, ...]]] = field(default_factory=dict)
    """By partner, in the order of decision: since when, …, whether blocked."""
    parents: Mapping[str, Sequence[tuple[str, str | None]]] = field(default_factory=dict)
    """By partner, in the order of decision: from which month on ("": ever), who is above."""
    leads: Mapping[str, LeadTerms] = field(default_factory=dict)
    codes: Mapping[tuple[str, str], Sequence[Grant]] = field(default_factory=dict)
    """Who had a promo code when, by brand and code."""

    def owed(self, events: Iterable[Event]) -> dict[Key, int]:
        """Minor units of each key, for all events of any clients of one brand."""
        by_client: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            by_client[event.client].append(event)
        happened = Happened()
        for client in sorted(by_client):
            self._live(client, by_client[client], happened)
        sums: dict[Key, Fraction] = defaultdict(Fraction)
        for part in (self._paid_once, self._shares, self._cash_per_lot, self._goals):
            for key, amount in part(happened):
                sums[key] += amount
        owed = {key: round(amount) for key, amount in sums.items() if round(amount)}
        for month in sorted({*happened.months(), *(key.earn_month for key in owed)}):
            self._overrides(month, happened, owed)
        return owed

    # ------------------------------------------------------------------------------------------------------- clients

    def _live(self, client: str, everything: Sequence[Event], happened: Happened) -> None:
        """What one client's events are, for whom."""
        undone = {(each.source, each.ref) for each in everything if each.type is EventType.CANCEL}
        facts = sorted(
            (each for each in everything if each.type is not EventType.CANCEL and each.key not in undone),
            key=lambda each: each.order,
        )
        registrations = [each for each in facts if each.type is EventType.REGISTRATION]
        no_anchor = (EventType.CHARGEBACK, EventType.MOVE, EventType.VERDICT, EventType.LEAD)
        seen = registrations or [each for each in facts if each.type not in no_anchor]
        anchor = seen[0].occurred_at if seen else None
        found = self._brought(facts, anchor) if anchor else None
        moves = [each for each in facts if each.type is EventType.MOVE]

        def partner_at(when: datetime) -> str | None:
            partner = found
            for move in moves:
                if move.starts_at is None or move.starts_at <= when:
                    partner = move.partner
            return partner

        for event in facts:
            partner = partner_at(event.occurred_at)
            earns = partner is not None and not self._blocked(partner, event.occurred_at)
            if partner is not None and earns and not _disallowed(facts, event.occurred_at):
                version = self._terms_at(partner, event.occurred_at)
                if version is not None:
                    happened.deeds.append(Deed(partner, event, version, self._net(event, version)))
        partner = partner_at(anchor) if anchor else None
        if anchor and partner is not None:
            country = registrations[0].country if registrations else None
            self._count_client(client, partner, facts, anchor, country, happened)

    def _count_client(
        self,
        client: str,
        partner: str,
        facts: Sequence[Event],
        anchor: datetime,
        country: str | None,
        happened: Happened,
    ) -> None:
        """First deposit and qualifications, for the partner it registered with, by the version at registration."""
        version = self._terms_at(partner, anchor)
        if version is None or self._blocked(partner, anchor):
            return
        first = self._first_deposit(version, facts)
        if first and not self._blocked(partner, first.occurred_at) and not _disallowed(facts, first.occurred_at):
            happened.ftd.append(Milestone(first.occurred_at, client, partner))
        moments = []
        registered = any(each.type is EventType.REGISTRATION for each in facts)
        for rule in version.rules("cpa", "cpl"):
            if rule["type"] == "cpl" and not registered:
                continue
            when = self._qualified(rule, version, facts, anchor, country, partner)
            name, prices = _price(rule, _day(anchor), "amounts")
            amount = Fraction(_of_group(prices, "countries", country) or 0) * version.scale
            if when is None or not amount or _disallowed(facts, when):
                continue
            if rule["type"] == "cpa":
                moments.append(when)
            promoted = name == "promotion"
            happened.qualified.append(Qualified(when, client, partner, rule["id"], version, amount, promoted))
        if moments:
            happened.qftd.append(Milestone(min(moments), client, partner))

    def _brought(self, facts: Sequence[Event], anchor: datetime) -> str | None:
        """Clicks come first, then promo codes, then leads; a campaign may let codes come before its clicks."""
        click, code = self._clicked(facts, anchor), self._coded(facts, anchor)
        if click is None:
            return code or self._led(facts, anchor)
        return (code if _in_force(click, anchor).promo_first else None) or click.partner

    def _coded(self, facts: Sequence[Event], anchor: datetime) -> str | None:
        """Who had the code that was named last until the registration, each by when it was named first."""
        named: dict[str, datetime] = {}
        for each in facts:
            code = "".join((each.promo_code or "").split()).upper()
            named[code] = min(each.occurred_at, named.get(code, each.occurred_at))
        for code, when in sorted(named.items(), key=lambda each: (each[1], each[0]), reverse=True):
            for grant in self.codes.get((facts[0].brand, code), ()):
                since = _from_ms(grant.start)
                until = END_OF_TIME if grant.end is None else _from_ms(grant.end)
                if when <= anchor.replace(microsecond=999_000) and since <= anchor < until:
                    return grant.partner
        return None

    def _clicked(self, facts: Sequence[Event], anchor: datetime) -> LinkTerms | None:
        """Which link was clicked last (or first, of that campaign) before the anchor."""
        visits = []
        brand = facts[0].brand
        for text in {each.click_id for each in facts if each.click_id}:
            click = click_id.verify(text, self.click_keys)
            if click is None or click.flagged or click.link_id not in self.links:
                continue
            link = self.links[click.link_id]
            when = datetime.fromtimestamp(click.at_ms // 1000, UTC) + timedelta(milliseconds=click.at_ms % 1000)
            # Platforms report whole seconds: a click of the same second came before.
            until = anchor.replace(microsecond=999_000)
            window = timedelta(days=_in_force(link, anchor).window_days)
            if link.brand == brand and anchor - window <= when <= until:
                visits.append((when, text, link))
        if not visits:
            return None
        visits.sort(key=lambda visit: visit[:2])
        last = visits[-1][2]
        if _in_force(last, anchor).first_click:
            last = next(each for _, _, each in visits if each.campaign == last.campaign)
        return last

    def _led(self, facts: Sequence[Event], anchor: datetime) -> str | None:
        """Whose lead came last before the anchor, of those that were named; within 90 days."""
        came = []
        for name in {each.lead_id for each in facts if each.lead_id}:
            lead = self.leads.get(name)
            if lead is None or lead.brand != facts[0].brand or lead.link not in self.links:
                continue
            until = anchor.replace(microsecond=999_000)
            for moment in filter(None, (lead.at, lead.again)):
                when = datetime.fromtimestamp(moment // 1000, UTC) + timedelta(milliseconds=moment % 1000)
                if self.links[lead.link].brand == lead.brand and anchor - timedelta(days=90) <= when <= until:
                    came.append((when, name, self.links[lead.link].partner))
        return max(came)[2] if came else None

    # ------------------------------------------------------------------------------------------------- configuration

    def _versions(self, partner: str) -> list[Version]:
        entries = self.deals.get(partner, ())
        starts = [_moment(since) for since, _ in entries]
        ends = [*starts[1:], END_OF_TIME]
        return [Version(n, starts[n - 1], ends[n - 1], terms) for n, (_, terms) in enumerate(entries, 1)]

    def _in_force(self, partner: str, when: datetime) -> Version | None:
        found = [each for each in self._versions(partner) if each.since <= when]
        return found[-1] if found else None

    def _terms_at(self, partner: str, when: datetime) -> Version | None:
        """What is in force at a moment; versions that differ in goals with a window alone are one, under the first's
        number."""
        found: list[Version] = []
        for each in self._versions(partner):
            if each.since == each.until:
                continue
            if found and _lasting(found[-1].terms) == _lasting(each.terms):
                found[-1] = found[-1]._replace(until=each.until)
            else:
                found.append(each)
        return next((each for each in found if each.since <= when < each.until), None)

    def _blocked(self, partner: str, when: datetime) -> bool:
        """By the latest moment not after this one; of two decisions about one moment the later stands."""
        holds, since = False, None
        for start, *_, blocked in self.standings.get(partner, ()):
            if _moment(start) <= when and (since is None or _moment(start) >= since):
                holds, since = blocked, _moment(start)
        return holds

    def _above(self, partner: str, month: str) -> list[str]:
        """Parent, grandparent, … at the month's first instant, five at most."""
        line: list[str] = []
        current: str | None = partner
        while current is not None and len(line) < 6 and current not in line:
            line.append(current)
            found, since = None, None
            for start, parent in self.parents.get(current, ()):
                if start <= month and (since is None or start >= since):
                    found, since = parent, start
            current = found
        return line[1:]

    # --------------------------------------------------------------------------------------------------------- money

    def _minor(self, minor: int | Fraction, source: str, target: str, day: str) -> Fraction:
        """Minor units of another currency, exactly, at the last publication before the day."""
        if source == target:
            return Fraction(minor)
        units = self.published[max(each for each in self.published if each < day)]
        per_euro = {"EUR": "1", **units}
        rate = round(Fraction(per_euro[target]) / Fraction(per_euro[source]) * 10**12)
        return minor * Fraction(rate, 10**12) * Fraction(10) ** (decimals(target) - decimals(source))

    def _net(self, event: Event, version: Version | None) -> Fraction:
        """Net revenue by the version's formula, minor units of its currency."""
        if version is None:
            return Fraction(0)
        formula = version.terms.get("net_revenue", DEFAULT_FORMULA)
        if event.type is EventType.TRADE:
            parts = {name: getattr(event, name) or 0 for name in ("spread", "commission", "swap", "pnl")}
        else:
            parts = {_CASH[event.type]: event.amount or 0} if event.type in _CASH else {}
        total = sum((Fraction(formula[name]) * value for name, value in parts.items() if name in formula), Fraction(0))
        return self._minor(total, event.currency or "", version.currency, _day(event.occurred_at)) if total else total

    def _value(self, event: Event, version: Version) -> Fraction:
        """An amount of money in units of the version's currency."""
        day = _day(event.occurred_at)
        return self._minor(event.amount or 0, event.currency or "", version.currency, day) / version.scale

    # ------------------------------------------------------------------------------------------------- qualification

    def _first_deposit(self, version: Version, facts: Sequence[Event]) -> Event | None:
        least = Fraction(version.terms.get("ftd_minimum", "0"))
        deposits = [each for each in facts if each.type is EventType.DEPOSIT]
        return next((each for each in deposits if self._value(each, version) >= least), None)

    def _qualified(
        self,
        rule: Terms,
        version: Version,
        facts: Sequence[Event],
        anchor: datetime,
        country: str | None,
        partner: str,
    ) -> datetime | None:
        """When the last condition came to hold; None too when the partner was blocked at the event that met it."""
        wanted = rule.get("qualification", {})
        if wanted.get("countries") and country not in wanted["countries"]:
            return None
        moments: list[datetime | None] = [anchor]
        if rule["type"] == "cpa" or "min_deposit" in wanted:
            moments.append(self._deposited(wanted, version, facts))
        if wanted.get("kyc"):
            approved = [each for each in facts if each.type is EventType.KYC and each.status == "approved"]
            moments.append(approved[0].occurred_at if approved else None)
        end = anchor + timedelta(days=wanted["within_days"]) if "within_days" in wanted else END_OF_TIME
        # A day's trades are met at its end: a day that ends later is no part of the time given.
        last = END_OF_TIME if end is END_OF_TIME else end - timedelta(days=1) + timedelta(milliseconds=1)
        trades = [
            each
            for each in facts
            if each.type is EventType.TRADE
            and anchor <= each.occurred_at
            and _midnight(each.occurred_at) <= last
            and not self._blocked(partner, each.occurred_at)
        ]
        events_met = [moment for moment in moments if moment is not None]
        values: dict[str, Callable[[Event], Fraction]] = {
            "min_lots": _lots,
            "min_trades": lambda _: Fraction(1),
            "min_net_revenue": lambda each: self._net(each, version) / version.scale,
        }
        for name, value in values.items():
            if name in wanted:
                moments.append(_stays_above(Fraction(wanted[name]), [(each, value(each)) for each in trades]))
        held = [moment for moment in moments if moment is not None]
        if len(held) != len(moments) or max(held) > end:
            return None
        # What trades met, they met while the partner was not blocked, though it holds from the end of their day.
        by_event = max(events_met) == max(held)
        return None if by_event and self._blocked(partner, max(held)) else max(held)

    def _deposited(self, wanted: Terms, version: Version, facts: Sequence[Event]) -> datetime | None:
        """When deposits, less what was charged back, reached the minimum; without one, that the first one stands."""
        first = self._first_deposit(version, facts)
        if first is None:
            return None
        required = Fraction(0)
        back: dict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in facts:
            if event.type is EventType.CHARGEBACK:
                if event.ref is None:
                    required += self._value(event, version)
                else:
                    back[event.source, event.ref].append(event)
        minimum = Fraction(wanted.get("min_deposit", version.terms.get("ftd_minimum", "0")))
        until = first.occurred_at
        if "min_deposit" in wanted:
            until += timedelta(hours=wanted.get("within_hours", 0))
        total = Fraction(0)
        for event in facts:
            later = event.order > first.order and event.occurred_at <= until and "min_deposit" in wanted
            if event.type is EventType.DEPOSIT and (event is first or later):
                total += self._left(event, back[event.key], version)
                left = total - required
                if left > 0 and left >= minimum:
                    return event.occurred_at
        return None

    def _left(self, deposit: Event, taken: Sequence[Event], version: Version) -> Fraction:
        """What chargebacks leave of a deposit: in its own currency they are taken off before it is converted."""
        same = sum(each.amount or 0 for each in taken if each.currency == deposit.currency)
        others = sum(self._value(each, version) for each in taken if each.currency != deposit.currency)
        left = replace(deposit, amount=max(0, (deposit.amount or 0) - same))
        return max(Fraction(0), self._value(left, version) - others)

    # ------------------------------------------------------------------------------------------------------ cpa, cpl

    def _paid_once(self, happened: Happened) -> Iterator[tuple[Key, Fraction]]:
        rules = sorted({(each.partner, each.rule) for each in happened.qualified})
        for partner, rule_id in rules:
            paid = _admitted([each for each in happened.qualified if (each.partner, each.rule) == (partner, rule_id)])
            for each in paid:
                if not each.caps("amount"):
                    available = each.version.held(_day(each.moment))
                    yield Key(partner, rule_id, each.client, each.month, each.version.currency, available), each.amount
            for month in sorted({each.month for each in paid}):
                of_month = [each for each in paid if each.month == month]
                for currency in sorted({each.version.currency for each in of_month}):
                    yield from self._month_of_clients(of_month, currency, happened)

    def _month_of_clients(
        self, paid: Sequence[Qualified], currency: str, happened: Happened
    ) -> Iterator[tuple[Key, Fraction]]:
        """What is one amount for the month's clients, in order: the capped sum, and what tiers give."""
        summed, uplifts = Fraction(0), Fraction(0)
        members, capped = [], []
        for place, each in enumerate(paid, 1):
            if each.version.currency != currency or not (each.caps("amount") or "tiers" in each.terms):
                continue
            members.append(each)
            uplift = self._uplift(each, place, len(paid), happened)
            if each.caps("amount"):
                capped.append(each)
                summed += each.amount + uplift
            else:
                uplifts += uplift
        if capped:
            newest = max(capped, key=lambda each: each.version.number)
            limit = min(Fraction(cap["amount"]) for cap in newest.caps("amount")) * newest.version.scale
            summed = min(summed, limit)
        if members:
            first = members[0]
            version = max((each.version for each in members), key=lambda each: each.number)
            available = version.held(_last_day(first.month))
            yield Key(first.partner, first.rule, "", first.month, currency, available), summed + uplifts

    def _uplift(self, client: Qualified, place: int, clients: int, happened: Happened) -> Fraction:
        """What the tiers of its version give for a client, minor units."""
        tiers = client.terms.get("tiers")
        if not tiers or "own" in client.terms or client.promoted:
            return Fraction(0)
        if tiers["mode"] == "marginal":
            basis = Fraction(place)
        elif tiers["by"] == "qftd":
            basis = Fraction(clients)
        else:
            basis = happened.of_month(client.partner, tiers["by"], client.month, client.version.currency)
        band = _reached(tiers, basis)
        if band is None:
            return Fraction(0)
        if "add" in band:
            return Fraction(band["add"]) * client.version.scale
        return client.amount * Fraction(band["add_percent"]) / 100

    # ------------------------------------------------------------------------------------------------------ revshare

    def _shares(self, happened: Happened) -> Iterator[tuple[Key, Fraction]]:
        # By partner, rule, currency and lane ("" is the pool): month, client, version and price give net revenue.
        lanes: dict[tuple[str, str, str, str], dict[str, dict[str, dict[tuple[int, str], Fraction]]]] = {}
        versions = {}
        for deed in happened.deeds:
            if deed.version is None:
                continue
            versions[deed.partner, deed.version.number] = deed.version
            client = deed.event.client
            for rule in deed.version.rules("revshare"):
                price, _ = _price(rule, _day(deed.event.occurred_at), "percent")
                key = deed.partner, rule["id"], deed.version.currency, "" if rule.get("pooled") else client
                months = lanes.setdefault(key, {}).setdefault(deed.month, {})
                part = months.setdefault(client, defaultdict(Fraction))
                part[deed.version.number, price] += deed.net
        for (partner, rule_id, currency, scope), all_months in sorted(lanes.items()):
            lane = Lane(rule_id, {number: each for (of, number), each in versions.items() if of == partner})
            for month in sorted(all_months):
                nets = {
                    client: {part: net for part, net in parts.items() if net}
                    for client, parts in all_months[month].items()
                    if any(parts.values())
                }
                if nets:
                    earned = lane.earn(month, nets, happened, partner)
                    available = lane.newest(nets).held(_last_day(month))
                    yield Key(partner, rule_id, scope, month, currency, available), earned

    # ----------------------------------------------------------------------------------------------------------- lot

    def _cash_per_lot(self, happened: Happened) -> Iterator[tuple[Key, Fraction]]:
        rewards = [reward for deed in happened.deeds for reward in _rewards(deed)]
        months: dict[tuple[str, ...], list[Reward]] = defaultdict(list)
        for each in rewards:
            version, partner = each.version, each.deed.partner
            if "tiers" in each.rule:
                months[partner, each.rule["id"], "", each.deed.month, version.currency].append(each)
            elif version.terms["hold"].get("from") == "event_day":
                day = _day(each.deed.event.occurred_at)
                client, rule_id = each.deed.event.client, each.rule["id"]
                yield Key(partner, rule_id, client, day[:7], version.currency, version.held(day)), each.cash
            else:
                client = each.deed.event.client
                months[partner, each.rule["id"], client, each.deed.month, version.currency].append(each)
        for (partner, rule_id, scope, month, currency), of_month in sorted(months.items()):
            newest = max((each.version for each in of_month), key=lambda each: each.number)
            total = sum((each.cash for each in of_month), Fraction(0))
            for number in {each.version.number for each in of_month}:
                total += self._lot_tiers(
                    [each for each in of_month if each.version.number == number],
                    [each for each in rewards if _same_month(each, of_month[0])],
                    happened,
                )
            yield Key(partner, rule_id, scope, month, currency, newest.held(_last_day(month))), total

    def _lot_tiers(self, part: Sequence[Reward], month: Sequence[Reward], happened: Happened) -> Fraction:
        """What a version's tiers give for its part of the month, minor units; `month` is all that the rule paid."""
        rule, version, deed = part[0].rule, part[0].version, part[0].deed
        tiers = rule.get("tiers")
        if not tiers or "own" in rule:
            return Fraction(0)
        until_now = [each for each in month if each.version.number <= version.number]
        seen = sum((_lots(each.deed.event) for each in until_now), Fraction(0))
        tiered = [each for each in part if each.price != "promotion"]
        size = sum((_lots(each.deed.event) for each in tiered), Fraction(0))
        if tiers["mode"] == "marginal":
            # The promotion's lots fill the bands first: they count towards them and get nothing.
            return (_by_bands(tiers, seen, "add") - _by_bands(tiers, seen - size, "add")) * version.scale
        basis = seen
        if tiers["by"] != "lots":
            basis = happened.of_month_until(deed.partner, tiers["by"], deed.month, version)
        band = _reached(tiers, basis)
        if band is None:
            return Fraction(0)
        if "add" in band:
            return size * Fraction(band["add"]) * version.scale
        return sum((each.cash for each in tiered), Fraction(0)) * Fraction(band["add_percent"]) / 100

    # --------------------------------------------------------------------------------------------------------- bonus

    def _goals(self, happened: Happened) -> Iterator[tuple[Key, Fraction]]:
        for partner in sorted(happened.partners()):
            for month in happened.months():
                version = self._decides(partner, _first_instant(month))
                for rule in version.rules("bonus") if version else ():
                    if version and "window" not in rule:
                        reached = happened.of_month(partner, rule["by"], month, version.currency)
                        if reached >= Fraction(rule["goal"]):
                            yield _bonus(partner, rule, month, version)
            for each in self._versions(partner):
                for rule in each.rules("bonus"):
                    if "window" in rule and self._decides(partner, _moment(rule["window"]["from"])) == each:
                        month_reached = _reached_in_window(happened, partner, rule)
                        if month_reached:
                            yield _bonus(partner, rule, month_reached, each)

    def _decides(self, partner: str, instant: datetime) -> Version | None:
        """The version of goals and overrides, unless the partner is blocked at that instant."""
        return None if self._blocked(partner, instant) else self._in_force(partner, instant)

    # ------------------------------------------------------------------------------------------------------ override

    def _overrides(self, month: str, happened: Happened, owed: dict[Key, int]) -> None:
        """Adds the month's overrides to what is owed, from the leaves up."""
        everybody = sorted({*self.deals, *self.parents, *happened.partners(), *(key.partner for key in owed)})
        lines = {partner: self._above(partner, month) for partner in everybody}
        below = {top: [each for each in everybody if top in lines[each]] for top in everybody}
        # Whoever is above has more below than anybody there.
        for parent in sorted(everybody, key=lambda each: _height(each, below)):
            version = self._decides(parent, _first_instant(month))
            for rule in version.rules("override") if version else ():
                for descendant in below[parent]:
                    level = lines[descendant].index(parent) + 1
                    entry = next((each for each in rule["levels"] if each["level"] == level), None)
                    if version is None or entry is None:
                        continue
                    amount = round(self._override(entry, version, descendant, month, happened, owed))
                    if amount:
                        available = version.held(_last_day(month))
                        owed[Key(parent, rule["id"], descendant, month, version.currency, available)] = amount

    def _override(
        self,
        entry: Terms,
        version: Version,
        descendant: str,
        month: str,
        happened: Happened,
        owed: Mapping[Key, int],
    ) -> Fraction:
        """What one level gives for one descendant, minor units of the parent's version."""
        if entry["of"] == "qftd":
            clients = happened.of_month(descendant, "qftd", month, version.currency)
            return Fraction(entry["amount"]) * clients * version.scale
        total = Fraction(0)
        if entry["of"] == "net_revenue":
            for deed in happened.deeds:
                if deed.partner == descendant and deed.month == month and deed.version:
                    total += self._minor(deed.net, deed.version.currency, version.currency, f"{month}-01")
            total = max(total, Fraction(0))
        else:
            types = {rule["id"]: rule["type"] for each in self._versions(descendant) for rule in each.terms["rules"]}
            for key, amount in owed.items():
                if key.partner == descendant and key.earn_month == month and types[key.rule] in entry["of"]:
                    total += self._minor(amount, key.currency, version.currency, f"{month}-01")
        return total * Fraction(entry["percent"]) / 100


class Lane:
    """A share of revenue month by month: of one client, or of a partner's clients together. Later months need what
    earlier ones carried on."""

    def __init__(self, rule_id: str, versions: Mapping[int, Version]) -> None:
        self.rule_id, self.versions = rule_id, versions
        self.carry = Fraction(0)
        self.own: dict[str, Fraction] = defaultdict(Fraction)
        """Carries of fenced clients: never above zero."""
        self.raws: dict[str, Fraction] = {}

    def newest(self, nets: Mapping[str, Mapping[tuple[int, str], Fraction]]) -> Version:
        return self.versions[max(number for parts in nets.values() for number, _ in parts)]

    def earn(
        self,
        month: str,
        nets: Mapping[str, Mapping[tuple[int, str], Fraction]],
        happened: Happened,
        partner: str,
    ) -> Fraction:
        """What the month earns, minor units. `nets`: by client, version and price ("", "own", "promotion")."""
        newest = self.newest(nets)
        rule = newest.rule(self.rule_id)
        negative = rule.get("negative", "reset")
        if negative == "reset":
            self.carry = Fraction(0)
            self.own.clear()
        fenced = set()
        if rule.get("fence") is not None:
            fence = Fraction(rule["fence"]) * newest.scale
            fenced = {client for client, parts in nets.items() if sum(parts.values()) < -fence}
        pool = [parts for client, parts in nets.items() if client not in fenced]
        percents, pooled = self._percents(month, nets, pool, happened, partner)
        for client, parts in sorted(nets.items()):
            raw = sum((net * percents[part] / 100 for part, net in parts.items()), Fraction(0))
            if client in fenced or raw > 0:
                self.own[client] += raw
                pooled += max(self.own[client], Fraction(0))
                self.own[client] = min(self.own[client], Fraction(0))
            else:
                pooled += raw
        total = pooled + self.carry
        self.carry = min(total, Fraction(0))
        if negative == "capped":
            self.carry = max(self.carry, -Fraction(rule["cap"]) * self._average(month))
        elif negative == "reset":
            self.carry = Fraction(0)
            self.own.clear()
        self.raws[month] = pooled
        return max(total, Fraction(0))

    def _percents(
        self,
        month: str,
        nets: Mapping[str, Mapping[tuple[int, str], Fraction]],
        pool: Sequence[Mapping[tuple[int, str], Fraction]],
        happened: Happened,
        partner: str,
    ) -> tuple[dict[tuple[int, str], Fraction], Fraction]:
        """The percent of each version and price, and what marginal bands give on top for all clients together."""
        percents, on_top = {}, Fraction(0)
        for number, price in {part for parts in nets.values() for part in parts}:
            version = self.versions[number]
            rule = version.rule(self.rule_id)
            percents[number, price] = Fraction(rule[price]["percent"] if price else rule["percent"])
            tiers = rule.get("tiers")
            if price or not tiers:
                continue
            seen = sum((net for parts in pool for (at, _), net in parts.items() if at <= number), Fraction(0))
            seen /= version.scale
            if tiers["mode"] == "marginal":
                part = sum((parts.get((number, ""), Fraction(0)) for parts in pool), Fraction(0)) / version.scale
                base = percents[number, price]
                # The promotion's revenue fills the bands first: it counts towards them and gets nothing.
                step = _by_bands(tiers, seen, "percent", base) - _by_bands(tiers, seen - part, "percent", base)
                on_top += (step - part * base) * version.scale / 100
                continue
            basis = seen
            if tiers["by"] != "net_revenue":
                basis = happened.of_month_until(partner, tiers["by"], month, version)
            band = _reached(tiers, basis)
            if band is not None:
                percents[number, price] = Fraction(band["percent"])
        return percents, on_top

    def _average(self, month: str) -> Fraction:
        """Mean of max(0, raw) over up to twelve months before, since the first that had anything."""
        before = [_months_before(month, number) for number in range(1, 13)]
        counted = [each for each in before if self.raws and each >= min(self.raws)]
        total = sum((max(self.raws.get(each, Fraction(0)), Fraction(0)) for each in counted), Fraction(0))
        return total / len(counted) if counted else Fraction(0)


class Reward(NamedTuple):
    """A trade that a lot rule pays for."""

    deed: Deed
    version: Version
    rule: Terms
    price: str
    """"" for the rule's own figures, "own" or "promotion"."""
    cash: Fraction
    """Minor units, before tiers."""


def _rewards(deed: Deed) -> Iterator[Reward]:
    """What the lot rules in force pay for the event."""
    event, version = deed.event, deed.version
    if version is None or event.type is not EventType.TRADE or not event.lots:
        return
    for rule in version.rules("lot"):
        if rule.get("account_types") and event.account_type not in rule["account_types"]:
            continue
        if least := rule.get("min_holding_seconds"):
            if event.opened_at is None or event.closed_at is None:
                continue
            if event.closed_at - event.opened_at < timedelta(seconds=least):
                continue
        price, groups = _price(rule, _day(event.occurred_at), "groups")
        named = version.terms.get("symbol_groups", {})
        listed = [
            {"symbols": named[each["group"]] if "group" in each else each["symbols"], "amount": each["amount"]}
            for each in groups
        ]
        amount = _of_group(listed, "symbols", event.symbol)
        if amount is not None:
            yield Reward(deed, version, rule, price, _lots(event) * Fraction(amount) * version.scale)


def _same_month(one: Reward, other: Reward) -> bool:
    """Paid by one rule to one partner in one month."""
    a, b = one.deed, other.deed
    return (a.partner, one.rule["id"], a.month) == (b.partner, other.rule["id"], b.month)


def _admitted(qualified: Iterable[Qualified]) -> list[Qualified]:
    """Who is paid, in order: every cap of its version must have a place left."""
    paid: list[Qualified] = []
    for each in sorted(qualified, key=lambda each: (each.moment, each.client)):
        taken = [other for other in paid if other.caps("clients")]
        room = True
        for cap in each.caps("clients"):
            length = {"day": 10, "month": 7, "total": 0}[cap["per"]]
            period = _day(each.moment)[:length]
            room = room and sum(_day(other.moment)[:length] == period for other in taken) < int(cap["clients"])
        if room:
            paid.append(each)
    return paid


def _lasting(terms: Terms) -> Terms:
    """Terms without goals with a window."""
    return {**terms, "rules": [rule for rule in terms["rules"] if "window" not in rule]}


def _bonus(partner: str, rule: Terms, month: str, version: Version) -> tuple[Key, Fraction]:
    key = Key(partner, rule["id"], "", month, version.currency, version.held(_last_day(month)))
    return key, Fraction(rule["amount"]) * version.scale


def _reached_in_window(happened: Happened, partner: str, rule: Terms) -> str | None:
    """The month in which the goal of a window is reached."""
    since, until = _moment(rule["window"]["from"]), _moment(_plus(rule["window"]["until"], 1))
    found = happened.ftd if rule["by"] == "ftd" else happened.qftd
    moments = sorted(each.moment for each in found if each.partner == partner and since <= each.moment < until)
    for number, moment in enumerate(moments, 1):
        if number >= Fraction(rule["goal"]):
            return _day(moment)[:7]
    return None


def _in_force(link: LinkTerms, when: datetime) -> AttributionRule:
    """How the link's campaign attributes at a moment."""
    decided = [AttributionRule(0, link.window_days, link.first_click), *link.later]
    return [each for each in decided if _from_ms(each.since) <= when][-1]


def _from_ms(moment: int) -> datetime:
    return datetime.fromtimestamp(moment // 1000, UTC) + timedelta(milliseconds=moment % 1000)


def _disallowed(facts: Sequence[Event], when: datetime) -> bool:
    """Whether the last verdict of some case that reaches a moment says that nothing is earned; `facts` are in their
    order."""
    reaching = {
        each.case: each.status
        for each in facts
        if each.type is EventType.VERDICT and (each.starts_at is None or each.starts_at <= when)
    }
    return "disallowed" in reaching.values()


def _price(rule: Terms, day: str, name: str) -> tuple[str, Any]:
    """Whose price holds on the day ("promotion", "own", or "" for the rule's own figures), and the price."""
    promotion = rule.get("promotion")
    if promotion and promotion["from"] <= day <= promotion["until"]:
        return "promotion", promotion[name]
    if rule.get("own"):
        return "own", rule["own"][name]
    return "", rule[name]


def _reached(tiers: Terms, basis: Fraction) -> Terms | None:
    """The last band that begins at or below the basis."""
    found = [band for band in tiers["bands"] if Fraction(band["from"]) <= basis]
    return found[-1] if found else None


def _by_bands(tiers: Terms, size: Fraction, name: str, below: Fraction = Fraction(0)) -> Fraction:
    """Each part of a quantity at its own band's figure, what lies below the first band (or zero) at `below`."""
    limits = [Fraction(band["from"]) for band in tiers["bands"]]
    total = min(size, limits[0]) * below
    for band, start, end in zip(tiers["bands"], limits, [*limits[1:], None], strict=True):
        if size > start:
            total += ((size if end is None else min(size, end)) - start) * Fraction(band[name])
    return total


def _height(partner: str, below: Mapping[str, Sequence[str]]) -> int:
    """Levels below the partner."""
    return 1 + max((_height(each, below) for each in below[partner] if partner not in below[each]), default=0)


def _stays_above(minimum: Fraction, trades: Sequence[tuple[Event, Fraction]]) -> datetime | None:
    """The end of the first day from which on the running sum, taken at days' ends, never is below the minimum again."""
    days: dict[str, Fraction] = defaultdict(Fraction)
    for event, value in trades:
        days[_day(event.occurred_at)] += value
    order = sorted(days)
    for start in range(len(order)):
        if all(sum(days[day] for day in order[: end + 1]) >= minimum for end in range(start, len(order))):
            return _moment(order[start]) + timedelta(days=1) - timedelta(milliseconds=1)
    return None


def _of_group(groups: Sequence[Terms], name: str, wanted: str | None) -> str | None:
    """The amount of the group that names it, else of the group for all others, else none."""
    for group in groups:
        if wanted in group[name]:
            return str(group["amount"])
    return next((str(group["amount"]) for group in groups if not group[name]), None)


def _lots(event: Event) -> Fraction:
    return Fraction(event.lots or 0, LOT) if event.type is EventType.TRADE else Fraction(0)


def _moment(text: str) -> datetime:
    """The first instant of a day; a full ISO moment is itself."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _midnight(when: datetime) -> datetime:
    return when.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _day(when: datetime) -> str:
    return when.astimezone(UTC).date().isoformat()


def _plus(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _first_instant(month: str) -> datetime:
    return _moment(f"{month}-01")


def _end(month: str) -> datetime:
    """The first instant of the next month."""
    return _moment(_plus(_last_day(month), 1))


def _last_day(month: str) -> str:
    first = date.fromisoformat(f"{month}-01")
    return ((first + timedelta(days=32)).replace(day=1) - timedelta(days=1)).isoformat()


def _months_before(month: str, number: int) -> str:
    year, nth = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 - number, 12)
    return f"{year:04d}-{nth + 1:02d}"
