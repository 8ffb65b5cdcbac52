"""Builders: the words of the product, so that a test reads as given / when / then."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from introducer.domain import click_id
from introducer.domain.calendar import day_at, plus_days
from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts, LinkTerms, Parenting, Standing
from introducer.domain.counts import OTHER_SUB, Came
from introducer.domain.deal import DealVersion
from introducer.domain.earnings import HistoryNeeded, Transition, accrue
from introducer.domain.events import LOT, Event, EventType, milliseconds
from introducer.domain.ledger import Key
from introducer.domain.money import minor_units
from introducer.domain.rates import Publication, Rates
from introducer.domain.terms import parse_terms

BRAND, SOURCE, CLIENT = "brd_1", "mt5", "client-1"
CLICK_KEY = b"a key for tests"
LINK = "AAAAAAAA"

ECB: dict[str, dict[str, str]] = {
    "2026-02-26": {"USD": "1.1802", "JPY": "184.10", "GBP": "0.8710"},
    "2026-02-27": {"USD": "1.1805", "JPY": "184.13", "GBP": "0.8712"},
    "2026-03-02": {"USD": "1.1698", "JPY": "184.00", "GBP": "0.8720"},
}
"""Publications of the ECB around a weekend (27 February 2026 is a Friday)."""


def at(text: str) -> datetime:
    """`2026-03-01 09:00` or `2026-03-01`, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def terms(*rules: Mapping[str, Any], currency: str = "EUR", days: int = 0, **more: Any) -> dict[str, Any]:
    """A deal as data."""
    return {"currency": currency, "hold": {"days": days, "from": "month_end"}, "rules": list(rules), **more}


def cpa(amount: str = "600.00", **qualification: Any) -> dict[str, Any]:
    """A cpa of one amount for all countries."""
    amounts = [{"countries": [], "amount": amount}]
    return {"type": "cpa", "id": "cpa", "amounts": amounts, "qualification": qualification}


def revshare(percent: str = "30", negative: str = "reset") -> dict[str, Any]:
    """A revenue share."""
    return {"type": "revshare", "id": "rev", "percent": percent, "negative": negative}


def lot(amount: str, **more: Any) -> dict[str, Any]:
    """A lot rebate of one amount for all symbols."""
    return {"type": "lot", "id": "lot", "groups": [{"symbols": [], "amount": amount}], **more}


def a_click(when: datetime, link: str = LINK, flagged: bool = False, number: int = 0) -> str:
    """A click id that the product signed."""
    return click_id.mint(
        key_number=0,
        key=CLICK_KEY,
        link_id=link,
        at_ms=milliseconds(when),
        random=number.to_bytes(3, "big"),
        flagged=flagged,
    )


_numbers = itertools.count(1)


class Recorded(Mapping[str, Came]):
    """What was recorded of clicks, of any: something else for each hour."""

    def __getitem__(self, click: str) -> Came:
        named = click_id.read(click)
        if named is None:
            raise KeyError(click)
        hour = named.at_ms // 3_600_000
        device = ("mobile", "desktop", "tablet")[hour % 3]
        return Came(("", "DE", "TH", "PL")[hour % 4], device, ("", "0", "1", OTHER_SUB)[hour // 4 % 4])

    def __iter__(self) -> Iterator[str]:
        raise TypeError("nobody lists them")

    def __len__(self) -> int:
        raise TypeError("nobody counts them")


def an_event(kind: str, when: datetime, **fields: Any) -> Event:
    """An event of the test client. Amounts are decimal strings, lots too."""
    currency = fields.get("currency", "EUR")
    for name in ("amount", "spread", "commission", "swap", "pnl"):
        if isinstance(fields.get(name), str):
            fields[name] = minor_units(fields[name], currency)
            fields["currency"] = currency
    if isinstance(fields.get("lots"), str):
        fields["lots"] = int(float(fields["lots"]) * 1000) * (LOT // 1000)
    fields.setdefault("event_id", f"e{next(_numbers):06d}")
    if kind == "kyc":
        fields.setdefault("status", "approved")
    values: dict[str, Any] = {"brand": BRAND, "source": SOURCE, "client": CLIENT, "accepted_at": when} | fields
    return Event(type=EventType(kind), occurred_at=when, **values)


@dataclass
class World:
    """Links, deals and rates for a test; collects events and folds them."""

    deals: dict[str, list[DealVersion]] = field(default_factory=dict)
    links: dict[str, LinkTerms] = field(default_factory=dict)
    rates: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: ECB)
    standings: dict[str, tuple[Standing, ...]] = field(default_factory=dict)
    parents: dict[str, tuple[Parenting, ...]] = field(default_factory=dict)

    def under(self, name: str, parent: str | None, since: str = "") -> World:
        """A partner stands below another from a month on (`2026-03`), or from the beginning."""
        self.parents[name] = (*self.parents.get(name, ()), Parenting(since, parent))
        return self

    def decides(self, name: str, since: str, *, blocked: bool) -> World:
        """A partner is blocked from a day on, or is no longer."""
        self.standings[name] = (*self.standings.get(name, ()), Standing(milliseconds(at(since)), blocked))
        return self

    def partner(self, name: str, deal: Mapping[str, Any], link: str = LINK, since: str = "2020-01-01") -> World:
        """A partner with a link and a first deal version."""
        self.links[link] = LinkTerms(link, BRAND, name, "cmp_1", 30)
        return self.version(name, deal, since)

    def version(self, name: str, deal: Mapping[str, Any], since: str) -> World:
        """Another deal version of a partner, in force from a day on."""
        versions = self.deals.setdefault(name, [])
        versions.append(DealVersion(name, len(versions) + 1, milliseconds(at(since)), parse_terms(deal)))
        return self

    def contracts(self, events: Sequence[Event]) -> Contracts:
        """The snapshot for these events."""
        found = {}
        days = {day_at(milliseconds(event.occurred_at)) for event in events}
        for day in days | {f"{day[:7]}-01" for day in days}:
            before = [published for published in sorted(self.rates) if published < day]
            if before:
                found[day] = Publication("ECB", before[-1], self.rates[before[-1]])
        deals = {partner: tuple(versions) for partner, versions in self.deals.items()}
        return Contracts(self.links, deals, Rates(found), {0: CLICK_KEY}, self.standings, self.parents)


@dataclass
class Books:
    """What the engine's tables would hold for one client: the state and all that was posted."""

    world: World
    state: ClientState = field(default_factory=lambda: ClientState(BRAND, CLIENT))
    applied: list[Event] = field(default_factory=list)
    posted: dict[Key, int] = field(default_factory=dict)
    counts: dict[Any, dict[str, int]] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)

    def deliver(self, *events: Event) -> Books:
        """Apply a batch as the engine does: repeats dropped, history read when it is asked for."""
        known = {event.key for event in self.applied}
        new = [event for event in {event.key: event for event in events}.values() if event.key not in known]
        if not new:
            return self
        contracts = self.world.contracts([*self.applied, *new])
        try:
            transition = accrue(self.state, new, contracts)
        except HistoryNeeded:
            transition = accrue(self.state, new, contracts, self.applied)
        self.applied += new
        self.state = transition.state
        self.transitions.append(transition)
        for posting in transition.postings:
            assert posting.before == self.posted.get(posting.key, 0)
            self.posted[posting.key] = posting.before + posting.amount
        for key, values in transition.counts.items():
            sums = self.counts.setdefault(key, {})
            for name, value in values.items():
                sums[name] = sums.get(name, 0) + value
        assert {key: amount for key, amount in self.posted.items() if amount} == self.state.posted
        return self

    def one_by_one(self, *events: Event) -> Books:
        """Apply each event in a batch of its own."""
        for event in events:
            self.deliver(event)
        return self

    def owed(self, partner: str | None = None) -> int:
        """All that is posted, in minor units, to one partner or to all."""
        return sum(amount for key, amount in self.posted.items() if partner in (None, key.partner))

    def by_month(self, rule: str = "rev") -> dict[str, int]:
        """What is posted for a rule, by earn month."""
        months: dict[str, int] = {}
        for key, amount in self.posted.items():
            if key.rule == rule:
                months[key.earn_month] = months.get(key.earn_month, 0) + amount
        return months


def a_client(world: World, registered: datetime, link: str = LINK, **fields: Any) -> tuple[Books, Event]:
    """Books of a client whose registration names a click one hour earlier, and that registration (not delivered)."""
    click = a_click(registered - timedelta(hours=1), link)
    return Books(world), an_event("registration", registered, click_id=click, **fields)


def day_after(day: str, days: int) -> str:
    """A UTC day so many days later."""
    return plus_days(day, days)
