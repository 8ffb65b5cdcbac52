"""Random partner programs: deals of all kinds, links, standings, parents and the events of some clients.

Values are few and small, and times are often the edge of something (a month, a version, a block, a window, a deadline),
so that caps, tiers, fences and goals are met exactly at their limits. What the deal language refuses is never made.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from introducer.domain.contracts import LinkTerms
from introducer.domain.events import LOT, Event
from introducer.domain.ledger import Key
from introducer.domain.money import decimals
from tests.support.builders import BRAND, CLICK_KEY, a_click, an_event, at
from tests.support.reference import Reference

Terms = dict[str, Any]

STARTS = ("2026-01-01", "2027-12-01")
"""First days of a program's four months; the second has a leap day, 2028-02-29."""

FURTHER = (
    *("trade",) * 9,
    *("deposit", "deposit", "deposit", "chargeback", "chargeback", "cancel", "cancel", "kyc", "credit"),
    *("withdrawal", "registration", "move", "move", "click", "verdict"),
)
"""What a client may do next, the more frequent several times."""

KINDS = ("cpa", "cpl", "revshare", "lot", "bonus", "override")


def _publications(first: str, days: int) -> dict[str, dict[str, str]]:
    """Rates of working days; on some days they are round, so that limits are met exactly in another currency too."""
    found = {}
    for number in range(days):
        day = date.fromisoformat(first) + timedelta(days=number)
        if day.weekday() < 5:
            euro = ("1.25", "160", "0.4") if number % 3 else (f"1.{1100 + number}", f"18{number % 9}.13", "0.3617")
            found[day.isoformat()] = dict(zip(("USD", "JPY", "KWD"), euro, strict=True))
    return found


PUBLISHED = _publications("2024-10-01", 1330)
"""One table for all programs, up to May 2028."""


@dataclass(frozen=True)
class Program:
    """A brand's configuration as data, and all that its clients did (in no order that means anything)."""

    deals: Mapping[str, Sequence[tuple[str, Terms]]]
    links: Mapping[str, LinkTerms]
    standings: Mapping[str, Sequence[tuple[str, bool]]]
    """By partner, in the order of decision: since when (`2026-02-01` or `2026-02-01 12:00`, UTC), whether blocked."""
    parents: Mapping[str, Sequence[tuple[str, str | None]]]
    """By partner, in the order of decision: from which month on ("": ever), who is above."""
    events: Sequence[Event]
    published: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: PUBLISHED, repr=False)
    click_keys: Mapping[int, bytes] = field(default_factory=lambda: {0: CLICK_KEY}, repr=False)

    def owed(self) -> dict[Key, int]:
        """What an independent, naive reading of the deals owes."""
        world = Reference(self.deals, self.links, self.published, self.click_keys, self.standings, self.parents)
        return world.owed(self.events)


def program(rng: random.Random) -> Program:
    """A random program; the same generator makes the same one."""
    return _Maker(rng).make()


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Random programs that shrink: a failing one loses events, standings, parents and later deal versions."""
    whole = program(random.Random(draw(st.integers(0, 2**32 - 1))))

    def kept(things: Sequence[Any]) -> list[Any]:
        return [each for each in things if draw(st.integers(0, 15))]

    return replace(
        whole,
        events=kept(whole.events),
        standings={partner: kept(decided) for partner, decided in whole.standings.items()},
        parents={partner: kept(decided) for partner, decided in whole.parents.items()},
        deals={partner: [versions[0], *kept(versions[1:])] for partner, versions in whole.deals.items()},
    )


class _Maker:
    """Makes one program. `often` and `seldom` are the odds used everywhere."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.start = at(rng.choice(STARTS))
        self.months = [self._month(number) for number in range(4)]
        self.edges = [at(f"{month}-01") for month in self.months]
        self.edges.append(at("2028-02-29") if self.start.year == 2027 else at("2026-02-28"))
        self.main_currency = rng.choice(["EUR", "EUR", "EUR", "USD", "JPY", "KWD"])
        self.starts: list[datetime] = []
        """When later deal versions begin."""
        self.numbers = 0
        self.crowd = rng.random() < 0.5
        """Whether most clients come to one partner at about the same time: they compete for places and reach tiers."""

    def make(self) -> Program:
        partners = [f"par_{number}" for number in range(1, self.rng.randint(1, 4) + 1)]
        parents: dict[str, list[tuple[str, str | None]]] = {}
        if self.often():
            if self.seldom():
                partners = [f"par_{number}" for number in range(1, 7)]
                parents = {below: [("", above)] for above, below in pairwise(partners)}
            else:
                parents = self._parents(partners)
        deals = {partner: self._versions() for partner in partners if partner == "par_1" or not self.rare()}
        links = self._links(partners)
        standings = {partner: self._standings() for partner in partners if self.seldom()}
        events: list[Event] = []
        wanted = self.rng.randint(10, 60)
        lives: list[_Life] = []
        for number in range(1, self.rng.randint(3 if self.crowd else 1, 6) + 1):
            life = _Life(f"client-{number}", self._registered(lives))
            self._begin(life, links)
            lives.append(life)
        while sum(len(life.events) for life in lives) < wanted:
            self._go_on(self.rng.choice(lives), partners, links)
        for life in lives:
            events += life.events
        self.rng.shuffle(events)
        return Program(deals, links, standings, parents, events[:60])

    # --------------------------------------------------------------------------------------------------------- odds

    def often(self) -> bool:
        return self.rng.random() < 0.6

    def seldom(self) -> bool:
        return self.rng.random() < 0.25

    def rare(self) -> bool:
        return self.rng.random() < 0.06

    # --------------------------------------------------------------------------------------------------------- time

    def _month(self, number: int) -> str:
        year, nth = divmod(self.start.year * 12 + self.start.month - 1 + number, 12)
        return f"{year}-{nth + 1:02d}"

    def _edge(self) -> datetime:
        """At, just before or just after something."""
        step = self.rng.choice([0, 0, -1000, -1, 1000])
        return self.rng.choice(self.edges) + timedelta(milliseconds=step)

    def _moment(self, after: datetime, days: int) -> datetime:
        """Some time in these days, often an edge that lies there."""
        if self.seldom():
            edge = self._edge()
            if after <= edge <= after + timedelta(days=days):
                return edge
        return after + timedelta(hours=self.rng.randint(0, days * 24))

    def _some_day(self) -> str:
        return (self.start + timedelta(days=self.rng.randint(0, 110))).date().isoformat()

    def _span(self) -> dict[str, str]:
        """First and last day of a promotion or a window, a whole month at times."""
        first = self.start + timedelta(days=self.rng.randint(0, 90))
        last = first + timedelta(days=self.rng.choice([0, 6, 20, 40]))
        if self.seldom():
            first = at(f"{self.rng.choice(self.months)}-01")
            last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        self.edges += [first, last + timedelta(days=1)]
        return {"from": first.date().isoformat(), "until": last.date().isoformat()}

    # -------------------------------------------------------------------------------------------------------- deals

    def _versions(self) -> list[tuple[str, Terms]]:
        # A rule that is ever priced marginally has no fence in another version: the two do not go together.
        self.marginal_share = self.seldom()
        currency = self.main_currency if self.rng.random() < 0.8 else self.rng.choice(["EUR", "USD", "JPY", "KWD"])
        since = self.rng.choice(["2020-01-01", "2020-01-01", "2020-01-01", f"{self.months[0]}-01", self._some_day()])
        first = self._terms(currency, since)
        versions = [(since, first)]
        if self.rng.random() < (0.9 if self.crowd else 0.6):
            if self.rare():
                currency = self.rng.choice(["EUR", "USD"])
            second = self._changed(first, currency)
            days = [f"{month}-01" for month in self.months[1:]]
            if second["currency"] == first["currency"] and looks(second) <= looks(first):
                days += [self._some_day() for _ in range(4)]
            day = self.rng.choice(days)
            second["rules"] = [rule for rule in second["rules"] if rule.get("window", {"from": day})["from"] >= day]
            if day > since and second["rules"]:
                versions.append((day, second))
        if self.seldom() and versions[-1][1]["hold"]["from"] != "event_day":
            versions += self._with_own_goal(*versions[-1])
        self.starts += [at(day) for day, _ in versions[1:]]
        self.edges += [at(day) for day, _ in versions]
        return versions

    def _with_own_goal(self, since: str, terms: Terms) -> list[tuple[str, Terms]]:
        """A goal of a partner's own, accepted on top of its terms."""
        day, span = self._some_day(), self._span()
        by = self.rng.choice(["ftd", "qftd"] if any(rule["type"] == "cpa" for rule in terms["rules"]) else ["ftd"])
        goal: Terms = {"type": "bonus", "id": "goal_own", "by": by, "goal": "3", "amount": self._money(25)}
        if not since < day <= span["from"]:
            return []
        more = deepcopy(terms)
        more["rules"].append(goal | {"window": span})
        if more["hold"]["from"] == "qualification":
            more["hold"]["from"] = "month_end"
        return [(day, more)]

    def _terms(self, currency: str, since: str) -> Terms:
        self.currency = currency
        odds = {"cpa": 0.85, "cpl": 0.25, "revshare": 0.55, "lot": 0.45, "bonus": 0.4, "override": 0.5}
        kinds = [kind for kind in KINDS if self.rng.random() < odds[kind]] or ["cpa"]
        rules = [rule for kind in kinds for rule in self._rules(kind)]
        rules = [rule for rule in rules if rule.get("window", {"from": since})["from"] >= since]
        return self._around(rules or self._rules("cpa"))

    def _around(self, rules: list[Terms]) -> Terms:
        """Terms with these rules. Only a cpa says who qualifies: without one nothing goes by `qftd`."""
        if all(rule["type"] != "cpa" for rule in rules):
            rules = [rule for rule in rules if rule.get("by") != "qftd"] or self._rules("cpl")
            for rule in rules:
                if rule.get("tiers", {}).get("by") == "qftd":
                    del rule["tiers"]
        kinds = {rule["type"] for rule in rules}
        origins = ["month_end"]
        if kinds <= {"cpa", "cpl", "lot"}:
            origins.append("event_day")
        if kinds <= {"cpa", "cpl"}:
            origins.append("qualification")
        terms: Terms = {
            "currency": self.currency,
            "hold": {"days": self.rng.choice([0, 5, 30, 45]), "from": self.rng.choice(origins)},
            "symbol_groups": {"metals": ["XAUUSD", "XAGUSD"]},
            "rules": rules,
        }
        if self.often():
            terms["ftd_minimum"] = self._money(self.rng.choice([50, 50, 100]))
        if self.often():
            terms["net_revenue"] = self.rng.choice(
                [
                    {"commission": "1"},
                    {"commission": "1"},
                    {"spread": "1", "commission": "1", "swap": "0.5", "pnl": "-0.3", "chargebacks": "-1"},
                    {"commission": "1", "pnl": "-1", "credits": "-1"},
                    {"commission": "1", "deposits": "0.1", "withdrawals": "-0.1", "chargebacks": "-0.1"},
                ]
            )
        return terms

    def _changed(self, before: Terms, currency: str) -> Terms:
        """Terms that keep, change, drop and add rules."""
        self.currency = currency
        rules: list[Terms] = []
        for rule in before["rules"]:
            what = self.rng.random()
            if currency == before["currency"] and what < 0.4:
                rules.append(deepcopy(rule))
            elif what < 0.9:
                fresh = [each for each in self._rules(rule["type"]) if each["id"] == rule["id"]]
                if fresh and self.often():
                    # The same look at all clients, so that the version may begin in the middle of a month.
                    for name in ("caps", "tiers", "pooled", "fence"):
                        fresh[0].pop(name, None)
                        if name in rule and currency == before["currency"]:
                            fresh[0][name] = self._other_figures(deepcopy(rule[name]))
                rules += fresh
        if self.seldom():
            known = {rule["type"] for rule in before["rules"]}
            added = self.rng.choice(KINDS)
            rules += self._rules(added) if added not in known else []
        return self._around(rules or self._rules(before["rules"][0]["type"]))

    def _other_figures(self, part: Any) -> Any:
        """The same caps or bands at other figures, mostly."""
        if isinstance(part, list):
            for cap in part:
                if "clients" in cap:
                    cap["clients"] += self.rng.choice([0, 1])
                else:
                    cap["amount"] = self._money(self.rng.choice([60, 80, 100, 120]))
        if isinstance(part, dict) and self.often():
            others = {"percent": "45", "add_percent": "20", "add": self._money(2)}
            for name in {*others} & {*part["bands"][0]}:
                part["bands"] = [{"from": part["bands"][-1]["from"], name: others[name]}]
        return part

    def _money(self, units: float) -> str:
        """An amount; a yen is a hundredth of the others."""
        return str(int(units * 100)) if decimals(self.currency) == 0 else f"{units:.2f}"

    def _rules(self, kind: str) -> list[Terms]:
        if kind == "bonus":
            return self._bonuses()
        makers = {"cpa": self._cpa, "cpl": self._cpl, "revshare": self._revshare, "lot": self._lot}
        return [makers.get(kind, self._override)()]

    def _amounts(self) -> list[Terms]:
        everybody: Terms = {"countries": [], "amount": self._money(self.rng.choice([20, 40, 33.33]))}
        german: Terms = {"countries": ["DE", "AT"], "amount": self._money(self.rng.choice([60, 40]))}
        return self.rng.choice([[everybody], [german, everybody], [german, everybody], [everybody], [german]])

    def _qualification(self) -> Terms:
        wanted: Terms = {}
        if self.seldom():
            wanted["kyc"] = True
            if self.often():
                wanted["within_days"] = self.rng.choice([7, 30])
        if self.often():
            wanted |= {"min_deposit": self._money(self.rng.choice([100, 100, 150])), "within_hours": 24}
        if self.seldom():
            limits = {"min_lots": "1", "min_trades": 2, "min_net_revenue": self._money(10)}
            name = self.rng.choice(list(limits))
            wanted |= {name: limits[name], "within_days": self.rng.choice([7, 30])}
        if self.rare():
            wanted["countries"] = ["DE", "TH"]
        return wanted

    def _priced(self, rule: Terms, name: str, price: Any) -> Terms:
        """The rule, at times with a price of the partner's own or a promotion."""
        if self.rng.random() < 0.12:
            rule["own"] = {name: price()}
        if self.rng.random() < 0.2:
            rule["promotion"] = {**self._span(), name: price()}
        return rule

    def _caps(self) -> list[Terms]:
        caps: list[Terms] = []
        if self.often():
            per = self.rng.sample(["day", "month", "total"], self.rng.choice([1, 1, 2]))
            caps += [{"per": each, "clients": {"day": 1, "month": 2, "total": 3}[each]} for each in per]
        if not caps or self.seldom():
            caps.append({"per": "month", "amount": self._money(self.rng.choice([60, 80, 100, 120]))})
        return caps

    def _tiers(self, by: str, mode: str, *figures: tuple[str, Sequence[str]]) -> Terms:
        """One or two bands; `figures` are the field's name and rising values."""
        limits = {"qftd": ["1", "2", "3"], "lots": ["1", "1.5", "2.5", "4"]}.get(
            by, [self._money(10), self._money(20), self._money(30)]
        )
        count = self.rng.choice([1, 2])
        name, values = self.rng.choice(figures)
        first = self.rng.randint(0, len(limits) - count)
        bands = [{"from": limits[first + n], name: values[n]} for n in range(count)]
        return {"by": by, "mode": mode, "bands": bands}

    def _cpa(self) -> Terms:
        rule: Terms = {"type": "cpa", "id": "cpa", "amounts": self._amounts(), "qualification": self._qualification()}
        if self.rng.random() < 0.5:
            rule["caps"] = self._caps()
        if self.rng.random() < 0.4:
            by = self.rng.choice(["qftd", "qftd", "lots", "net_revenue"])
            mode = self.rng.choice(["retroactive", "marginal"]) if by == "qftd" else "retroactive"
            adds = [self._money(5), self._money(7.77)]
            rule["tiers"] = self._tiers(by, mode, ("add", adds), ("add_percent", ["10", "12.345"]))
        return self._priced(rule, "amounts", self._amounts)

    def _cpl(self) -> Terms:
        rule: Terms = {"type": "cpl", "id": "lead", "amounts": self._amounts(), "qualification": {}}
        if self.often():
            rule["qualification"] = self.rng.choice([{"kyc": True}, {"countries": ["DE"]}, {"kyc": True}])
        if self.seldom():
            rule["caps"] = self._caps()
        return self._priced(rule, "amounts", self._amounts)

    def _revshare(self) -> Terms:
        percents = ["30", "25", "33.3333", "50"]
        rule: Terms = {"type": "revshare", "id": "rev", "percent": self.rng.choice(percents)}
        rule["negative"] = self.rng.choice(["reset", "carry", "carry", "capped"])
        if rule["negative"] == "capped":
            rule["cap"] = self.rng.choice(["1", "0.5", "2"])
        if self.often():
            rule["pooled"] = True
            if self.marginal_share:
                rule["tiers"] = self._tiers("net_revenue", "marginal", ("percent", ["55", "60.5"]))
            else:
                if self.rng.random() < 0.75:
                    rule["fence"] = self.rng.choice(["0", self._money(10), self._money(20)])
                if self.often():
                    by = self.rng.choice(["net_revenue", "lots", "qftd"])
                    rule["tiers"] = self._tiers(by, "retroactive", ("percent", ["55", "60.5"]))
        return self._priced(rule, "percent", lambda: self.rng.choice(["35", "70"]))

    def _groups(self) -> list[Terms]:
        others: Terms = {"symbols": [], "amount": self._money(self.rng.choice([7, 0.25, 1.11]))}
        metals: Terms = {"group": "metals", "amount": self._money(9)}
        euro: Terms = {"symbols": ["EURUSD"], "amount": self._money(3.33)}
        return self.rng.choice([[others], [metals, others], [euro, metals, others], [metals]])

    def _lot(self) -> Terms:
        rule: Terms = {"type": "lot", "id": "lot", "groups": self._groups()}
        if self.seldom():
            rule["min_holding_seconds"] = 120
        if self.seldom():
            rule["account_types"] = ["standard"]
        if self.rng.random() < 0.4:
            adds = ("add", [self._money(1), self._money(1.55)])
            by = self.rng.choice(["lots", "lots", "qftd", "net_revenue"])
            if by == "lots" and self.often():
                rule["tiers"] = self._tiers(by, "marginal", adds)
            else:
                rule["tiers"] = self._tiers(by, "retroactive", adds, ("add_percent", ["10", "12.345"]))
        return self._priced(rule, "groups", self._groups)

    def _bonuses(self) -> list[Terms]:
        goals = {"ftd": "2", "qftd": "1", "lots": "2", "net_revenue": self._money(20)}
        rules: list[Terms] = []
        for by in self.rng.sample(list(goals), self.rng.choice([1, 1, 2])):
            amount = self._money(self.rng.choice([50, 75]))
            rules.append({"type": "bonus", "id": f"by_{by}", "by": by, "goal": goals[by], "amount": amount})
        if self.seldom():
            by, goal = self.rng.choice(["ftd", "qftd"]), self.rng.choice(["1", "2"])
            rule: Terms = {"type": "bonus", "id": "window", "by": by, "goal": goal, "amount": self._money(15)}
            rules.append(rule | {"window": self._span()})
        return rules

    def _override(self) -> Terms:
        levels: list[Terms] = []
        for level in range(1, 6):
            entry = self.rng.random()
            if entry < 0.5:
                kinds = self.rng.sample(KINDS, self.rng.randint(1, 6))
                levels.append({"level": level, "percent": self.rng.choice(["10", "12.5", "5"]), "of": kinds})
            elif entry < 0.65:
                levels.append({"level": level, "percent": "5", "of": "net_revenue"})
            elif entry < 0.8:
                levels.append({"level": level, "amount": self._money(2), "of": "qftd"})
        return {"type": "override", "id": "net", "levels": levels or [{"level": 1, "percent": "10", "of": ["cpa"]}]}

    # ------------------------------------------------------------------------------------------ partners and links

    def _parents(self, partners: Sequence[str]) -> dict[str, list[tuple[str, str | None]]]:
        """Nobody is ever below somebody who comes later, so there are no circles."""
        parents: dict[str, list[tuple[str, str | None]]] = {}
        for number, partner in enumerate(partners[1:], 1):
            above: list[str | None] = [partners[number - 1], *partners[:number], None]
            parents[partner] = [(self.rng.choice(["", "", self.months[1]]), self.rng.choice(above[:-1]))]
            while self.seldom():
                month = parents[partner][-1][0] if self.seldom() else self.rng.choice(self.months[1:])
                parents[partner].append((month, self.rng.choice(above)))
        return parents

    def _links(self, partners: Sequence[str]) -> dict[str, LinkTerms]:
        links = {}
        for number, partner in enumerate([*partners, *partners]):
            if number < len(partners) or self.seldom():
                link = f"LINK{number:04d}"
                brand = "brd_other" if number >= len(partners) and self.seldom() else BRAND
                campaign = self.rng.choice(["cmp_last", "cmp_last", "cmp_first"])
                window = self.rng.choice([30, 30, 7])
                links[link] = LinkTerms(link, brand, partner, campaign, window, campaign == "cmp_first")
        return links

    def _standings(self) -> list[tuple[str, bool]]:
        decided: list[tuple[str, bool]] = []
        blocked = True
        while not decided or self.often():
            day = self.rng.choice([f"{self.rng.choice(self.months)}-01", self._some_day(), self._some_day() + " 12:00"])
            if decided and self.rare():
                day = decided[-1][0]
            decided.append((day, blocked))
            self.edges.append(at(day))
            blocked = not blocked or self.rare()
        # Mostly decided in the order in which they hold, but a decision about the past is one too.
        return decided if self.seldom() else sorted(decided, key=lambda each: each[0])

    # ------------------------------------------------------------------------------------------------------ clients

    def _registered(self, before: Sequence[_Life]) -> datetime:
        if self.crowd and before:
            if self.seldom():
                return before[-1].registered
            return before[0].registered + timedelta(hours=self.rng.randint(0, 14 * 24))
        if self.crowd and self.starts:
            # Clients of one month under two versions.
            return self.rng.choice(self.starts) - timedelta(days=self.rng.randint(0, 9))
        if self.seldom():
            return max(self.start, self._edge())
        return self.start + timedelta(hours=self.rng.randint(0, 70 * 24))

    def _click(self, when: datetime, links: Mapping[str, LinkTerms]) -> str:
        link = self.rng.choice(list(links))
        if self.crowd and self.rng.random() < 0.85:
            link = next(iter(links))
        elif self.rare():
            link = "LINK9999"
        click = a_click(when, link, flagged=self.rare(), number=self.rng.randint(0, 2))
        return click[:-1] + ("A" if click[-1] != "A" else "B") if self.rare() else click

    def _begin(self, life: _Life, links: Mapping[str, LinkTerms]) -> None:
        """What most clients do: a click, a registration, KYC, a deposit and a trade."""
        when = life.registered
        # Up to the edges of the window: the end of the registration's second, and 7 or 30 days before.
        hours, ms = self.rng.choice(
            [(1, 0), (1, 0), (1, 0), (0, 0), (0, -999), (0, -1000), (168, 0), (720, 0), (720, 1)]
        )
        click = self._click(when - timedelta(hours=hours, milliseconds=ms), links)
        country = self.rng.choice(["DE", "DE", "TH", "AT", None])
        if self.rng.random() < 0.9:
            self._add(life, "registration", when, country=country, click_id=click)
        else:
            self._add(life, "kyc", when, click_id=click)
        if self.often():
            deadline = when + timedelta(days=self.rng.choice([7, 30]), milliseconds=self.rng.choice([0, 0, 1]))
            self._add(life, "kyc", deadline if self.seldom() else self._moment(when, 5))
        if self.rng.random() < 0.85:
            deposited = when if self.crowd and self.seldom() else self._moment(when, 3)
            self._add(life, "deposit", deposited, **self._sum([100, 150, 200, 50, 99.99]))
            if self.often():
                hours = self.rng.choice([24, 0, 5, 25])
                self._add(life, "deposit", deposited + timedelta(hours=hours), **self._sum([50, 100]))
        if self.often():
            self._trade(life, self._moment(when, 10))

    def _go_on(self, life: _Life, partners: Sequence[str], links: Mapping[str, LinkTerms]) -> None:
        """One event more: any time from a little before the registration to the end."""
        when = self._moment(life.registered, self.rng.choice([15, 60] if self.crowd else [60, 60, 110]))
        if self.rare():
            # Before the registration, by days, or by more months than an average looks back.
            when -= timedelta(days=self.rng.choice([15, 60, 390]))
        if self.seldom():
            when = life.registered + timedelta(days=self.rng.choice([7, 30]), milliseconds=self.rng.choice([0, -1, 1]))
        when = min(when, self.start + timedelta(days=125))
        kind = self.rng.choice(FURTHER)
        if kind == "trade":
            self._trade(life, when)
        elif kind == "chargeback":
            deposits = [each for each in life.events if each.type == "deposit"]
            charged = self.rng.choice(deposits) if deposits and self.often() else None
            amount = {"amount": charged.amount, "currency": charged.currency} if charged and self.often() else None
            ref = {"ref": charged.event_id, "source": charged.source} if charged else {}
            self._add(life, kind, when, **(amount or self._sum([50, 100, 20])), **ref)
        elif kind == "cancel":
            known = [each for each in life.events if each.source != "staff"]
            undone = self.rng.choice(known) if known and not self.rare() else None
            source = undone.source if undone and not self.rare() else "web"
            self._add(life, kind, when, ref=undone.event_id if undone else "e-unknown", source=source)
        elif kind == "kyc":
            self._add(life, kind, when, status=self.rng.choice(["approved", "approved", "pending", "rejected"]))
        elif kind == "registration":
            if self.rare():
                self._add(life, kind, when, country=self.rng.choice(["DE", "TH"]), click_id=self._click(when, links))
        elif kind == "move":
            starts = self.rng.choice([None, self._edge(), self._moment(life.registered, 40)])
            self._add(life, kind, when, source="staff", partner=self.rng.choice(partners), starts_at=starts)
        elif kind == "verdict":
            starts = self.rng.choice([None, None, self._edge(), self._moment(life.registered, 40)])
            status = self.rng.choice(["disallowed", "disallowed", "allowed"])
            self._add(life, kind, when, source="staff", status=status, starts_at=starts)
        elif kind == "click":
            clicked = life.registered - timedelta(hours=self.rng.randint(-5, 400))
            self._add(life, "withdrawal", when, click_id=self._click(clicked, links), **self._sum([10]))
        else:
            signed = -1 if kind == "credit" and self.seldom() else 1
            money = self._sum([50, 100, 20])
            self._add(life, kind, when, currency=money["currency"], amount=money["amount"] * signed)

    def _sum(self, units: Sequence[float]) -> Terms:
        """An amount in some currency, mostly the program's."""
        self.currency = self.main_currency if self.rng.random() < 0.85 else self.rng.choice(["EUR", "USD", "JPY"])
        text = self._money(self.rng.choice(units))
        return {"amount": _minor(text, self.currency), "currency": self.currency}

    def _trade(self, life: _Life, when: datetime) -> None:
        currency = self._sum([1])["currency"]
        scale = 100 if decimals(currency) == 0 else 10 ** decimals(currency)
        cents = self.rng.choice([0, 0, 0, 0, 0, 0.01, 0.33])
        parts = {
            "commission": self.rng.choice([5, 10, 10, 20, 0, -10, -20, 30]),
            "pnl": self.rng.choice([0, 0, 0, 0, 0, 10, -20, 50, -100]),
            "spread": self.rng.choice([0, 0, 0, 5]),
            "swap": self.rng.choice([0, 0, 1, -1]),
        }
        held = self.rng.choice([600, 120, 119, 120])
        self._add(
            life,
            "trade",
            when,
            currency=currency,
            lots=self.rng.choice([50, 50, 100, 100, 25, 150, 33]) * (LOT // 100),
            symbol=self.rng.choice(["XAUUSD", "EURUSD", "GBPUSD", None]),
            account_type=self.rng.choice(["standard", "standard", "cent"]),
            opened_at=None if self.rare() else when - timedelta(seconds=held),
            closed_at=when,
            **{name: round((value + cents) * scale) for name, value in parts.items()},
        )

    def _add(self, life: _Life, kind: str, when: datetime, **fields: Any) -> None:
        self.numbers += 1
        fields.setdefault("source", "web" if self.rare() else "mt5")
        life.events.append(an_event(kind, when, client=life.client, event_id=f"e{self.numbers:03d}", **fields))


@dataclass
class _Life:
    """A client, and what it did so far."""

    client: str
    registered: datetime
    events: list[Event] = field(default_factory=list)


def looks(terms: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """In what way the terms look at all clients together: such terms begin with a month, unless the version before
    already looked so."""
    found: set[tuple[str, ...]] = set()
    for rule in terms["rules"]:
        caps = rule.get("caps", ())
        found |= {(rule["id"], "cap", cap["per"], "clients" if "clients" in cap else "amount") for cap in caps}
        if "tiers" in rule:
            found.add((rule["id"], "tiers", rule["tiers"]["by"]))
        if rule.get("pooled"):
            found.add((rule["id"], "pooled"))
        if rule["type"] == "override":
            found.add((rule["id"], "override", repr(rule["levels"])))
        if rule["type"] == "bonus" and "window" not in rule:
            found.add((rule["id"], "bonus", rule["by"]))
    return found


def _minor(text: str, currency: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(decimals(currency), "0"))
