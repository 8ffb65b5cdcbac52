"""What happens in the world, as the product hears of it: deals, clicks by day, and the events of each client."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random
from typing import Any

from benchmarks.fraud.people import Person, Place, a_person, keyed
from introducer.domain import click_id, identity
from introducer.domain.calendar import DAY_MS, HOUR_MS, day_at, day_start
from introducer.domain.contracts import Contracts, LinkTerms
from introducer.domain.deal import DealVersion
from introducer.domain.events import LOT, Event, EventType, from_milliseconds
from introducer.domain.fraud.seen import BUCKETS
from introducer.domain.rates import Rates
from introducer.domain.terms import parse_terms

BRAND, SOURCE = "brd_world", "platform"
CLICK_KEY = b"a key for clicks of the world"


@dataclass(frozen=True, slots=True)
class Member:
    """A login of a partner: what is known of the person, by keyed hash."""

    email: str
    phone: str
    address: str


@dataclass(slots=True)
class Terrain:
    """What a deal pays for, and asks of a client: what lives follow from."""

    kind: str
    """`cpa`, `revshare`, `lot`, `cpl` or `mixed` (cpa and revshare)."""
    currency: str
    least: int | None = None
    """Minor units that a client must pay in for the cpa."""
    lots: int = 0
    """Hundredths of a lot that it must trade for it."""
    terms: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Visits:
    """All clicks of a partner's links on a UTC day: the records of `domain.clicks.Click`, added up as rollup does."""

    clicks: int = 0
    unique: int = 0
    flagged: int = 0
    stuffed: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, bucket: int, clicks: int, unique: int) -> None:
        """Clicks from one network."""
        self.clicks += clicks
        self.unique += unique
        self.buckets[bucket] += clicks


@dataclass(slots=True)
class Partner:
    """A partner and what its traffic is like."""

    partner: str
    link: str
    deal: Terrain
    members: tuple[Member, ...]
    countries: Mapping[str, float]
    weekly: float
    """Registrations in a usual week."""
    conversion: float
    """Registrations to a click, on a usual day."""
    joined: int
    """The day of the world it began (0: the first, or before)."""
    quality: float = 1.0
    """How readily its clients pay in, beside others."""
    account: str = ""
    account_since: int = 0
    """The day of the world from which on it is paid to that account."""


@dataclass(slots=True)
class Client:
    """A client and its events so far."""

    client: str
    partner: str
    person: Person
    registered: int
    events: list[Event] = field(default_factory=list)


class Facts:
    """Collects what happens, and numbers it."""

    def __init__(self, chance: Random, first_day: str, days: int) -> None:
        self.chance = chance
        self.first_day, self.days = first_day, days
        self.begins = day_start(first_day)
        self.ends = self.begins + days * DAY_MS
        """The first moment (ms) of which nothing is told."""
        self.partners: dict[str, Partner] = {}
        self.visits: dict[tuple[int, str], Visits] = defaultdict(Visits)
        """By day of the world and partner."""
        self.clients: dict[str, Client] = {}
        self.of_partner: dict[str, list[Client]] = defaultdict(list)
        self._taken: set[str] = set()
        self._numbers: Iterator[int] = count(1)

    def day(self, at_ms: int) -> int:
        """The day of the world, from 0."""
        return (at_ms - self.begins) // DAY_MS

    def moment(self, day: int) -> int:
        """A moment of a day (ms), as people are awake."""
        hour = min(max(self.chance.gauss(14, 4.5), 0), 23.99)
        return self.begins + day * DAY_MS + int(hour * HOUR_MS)

    def person(self, country: str, place: Place | None = None) -> Person:
        """Somebody new."""
        return a_person(self.chance, self._taken, country, place)

    def register(self, partner: Partner, person: Person, at_ms: int, since_click_s: float) -> Client:
        """Somebody registers who clicked so many seconds before. Its click is not counted: see `visits`."""
        number = next(self._numbers)
        pattern = identity.email_pattern(person.email)
        client = Client(f"cl{number:06d}", partner.partner, person, at_ms)
        click = click_id.mint(
            key_number=0,
            key=CLICK_KEY,
            link_id=partner.link,
            at_ms=at_ms - int(since_click_s * 1000),
            random=(number % 2**24).to_bytes(3, "big"),
        )
        self.clients[client.client] = client
        self.of_partner[partner.partner].append(client)
        self.tell(
            client,
            EventType.REGISTRATION,
            at_ms,
            click_id=click,
            country=person.country,
            email_hash=keyed("email", person.email),
            phone_hash=keyed("phone", person.phone),
            device_hash=keyed("device", person.device),
            address_hash=keyed("address", person.place.address),
            prefix_hash=keyed("prefix", person.place.prefix),
            pattern_hash=pattern and keyed(identity.PATTERN, pattern),
            disposable=1 if person.disposable else None,
        )
        return client

    def known_by(self, client: Client, kind: str, hashed: str) -> None:
        """The registration says this e-mail, phone or address instead (a hash)."""
        said: dict[str, Any] = {f"{kind}_hash": hashed}
        client.events[0] = replace(client.events[0], **said)

    def tell(self, client: Client, kind: EventType, at_ms: int, **fields: Any) -> str:
        """An event of a client; its id. What lies beyond the end of the world is not told."""
        event_id = f"e{next(self._numbers):07d}"
        if at_ms < self.ends:
            when = from_milliseconds(at_ms)
            client.events.append(
                Event(brand=BRAND, source=SOURCE, client=client.client, event_id=event_id, type=kind, occurred_at=when,
                      **fields)
            )  # fmt: skip
        return event_id

    def kyc(self, client: Client, at_ms: int) -> None:
        """The client's papers are approved."""
        self.tell(client, EventType.KYC, at_ms, status="approved")

    def pays_in(self, client: Client, at_ms: int, minor: int, currency: str) -> str:
        """A deposit; its id."""
        return self.tell(client, EventType.DEPOSIT, at_ms, amount=minor, currency=currency)

    def draws(self, client: Client, at_ms: int, minor: int, currency: str) -> None:
        self.tell(client, EventType.WITHDRAWAL, at_ms, amount=minor, currency=currency)

    def charged_back(self, client: Client, at_ms: int, minor: int, currency: str, deposit: str) -> None:
        self.tell(client, EventType.CHARGEBACK, at_ms, amount=minor, currency=currency, ref=deposit)

    def trades(
        self, client: Client, at_ms: int, hundredths: int, currency: str, *, open_s: float, flat: bool = False
    ) -> None:
        """What somebody trades on a day, as one trade of so many hundredths of a lot."""
        cost = max(1, hundredths * 9)
        swing = result_of(self.chance, cost, flat)
        self.tell(
            client,
            EventType.TRADE,
            at_ms,
            currency=currency,
            lots=hundredths * (LOT // 100),
            symbol=self.chance.choice(("EURUSD", "XAUUSD", "GBPUSD", "USDJPY")),
            opened_at=from_milliseconds(at_ms - int(open_s * 1000)),
            closed_at=from_milliseconds(at_ms),
            spread=cost,
            commission=cost // 3,
            swap=0,
            pnl=swing,
        )

    def contracts(self) -> Contracts:
        """Links and deals, from before the world began."""
        links, deals = {}, {}
        for each in self.partners.values():
            links[each.link] = LinkTerms(each.link, BRAND, each.partner, "cmp_1", 30)
            deals[each.partner] = (DealVersion(each.partner, 1, 0, parse_terms(each.deal.terms)),)
        return Contracts(links, deals, Rates({}), {0: CLICK_KEY})

    def name(self, day: int) -> str:
        """A day of the world as UTC day."""
        return day_at(self.begins + day * DAY_MS)


def result_of(chance: Random, cost: int, flat: bool) -> int:
    """The result of a trade: within its costs, or far from them."""
    if flat:
        return round(cost * chance.uniform(-0.9, 0.9))
    return round(cost * chance.choice((-1, 1)) * math.exp(chance.gauss(1.6, 0.9)) + cost * chance.gauss(0, 0.6))
