"""The brand's books, day by day, by the product's own pure code: what the engine folds, counts and traces, and with it
what a partner looks like when it is scored at the end of a UTC day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from benchmarks.fraud.facts import BRAND, Facts, Partner, Visits
from introducer.domain.calendar import DAY_MS, day_start
from introducer.domain.client import ClientState
from introducer.domain.earnings import HistoryNeeded, accrue
from introducer.domain.events import DISALLOWED, LOT, Event, EventType, from_milliseconds, milliseconds
from introducer.domain.fraud.person import Person
from introducer.domain.fraud.seen import WINDOW, Day, Match, Seen, Terms, Traffic
from introducer.domain.fraud.summary import matches_of, terms_at, traffic_of
from introducer.domain.fraud.trace import Trace
from introducer.domain.fraud.tracing import exact, persons_of, trace_of, with_registration
from introducer.domain.ledger import Key


@dataclass(slots=True)
class Held:
    """A client in the books."""

    state: ClientState
    registration: Event
    applied: list[Event] = field(default_factory=list)
    trace: Trace | None = None


class Brand:
    """What the tables would hold at the end of each day."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.contracts = facts.contracts()
        self.held: dict[str, Held] = {}
        self.terms: dict[str, Terms] = {name: terms_at(self.contracts, name, facts.begins) for name in facts.partners}
        self.matches: dict[str, dict[str, tuple[Match, ...]]] = defaultdict(dict)
        self.touched: set[str] = set()
        """Partners of whom there is something new since they were last scored."""
        self.peers: tuple[Traffic, ...] = ()
        self._place = {name: place for place, name in enumerate(facts.partners)}
        self._of_partner: dict[str, list[str]] = defaultdict(list)
        self._first: dict[Person, str] = {}
        self._members = _members(facts.partners.values())
        self._days: dict[str, list[Day]] = {
            name: [Day(facts.name(day)) for day in range(facts.days)] for name in facts.partners
        }
        self._by_day: list[list[tuple[str, Event]]] = [[] for _ in range(facts.days)]
        for client in facts.clients.values():
            for event in client.events:
                self._by_day[facts.day(milliseconds(event.occurred_at))].append((client.client, event))
        self.day = -1
        """The last day that is in the books."""

    def until(self, day: int) -> None:
        """Take in all days up to this one, each client's events at once."""
        news: dict[str, list[Event]] = defaultdict(list)
        for each in range(self.day + 1, day + 1):
            for client, event in self._by_day[each]:
                news[client].append(event)
            self._clicks(each)
        registered = sorted(
            (events[0].occurred_at, client) for client, events in news.items() if client not in self.held
        )
        for _, client in registered:
            self._knows(client)
        for client, events in news.items():
            self.fold(client, events)
        self.day = day

    def _clicks(self, day: int) -> None:
        for name in self.facts.partners:
            visits = self.facts.visits.get((day, name))
            if visits is not None:
                self._count(name, day, visits)

    def _count(self, partner: str, day: int, visits: Visits) -> None:
        days = self._days[partner]
        days[day] = days[day]._replace(
            clicks=visits.clicks,
            unique=visits.unique,
            flagged=visits.flagged,
            stuffed=visits.stuffed,
            buckets=tuple(visits.buckets),
        )
        self.touched.add(partner)

    def _knows(self, client: str) -> None:
        """A registration: who else has its e-mail, phone, device or address."""
        who = self.facts.clients[client]
        registration = who.events[0]
        self.held[client] = Held(ClientState(BRAND, client), registration)
        self._of_partner[who.partner].append(client)
        for person in persons_of(registration):
            self._first.setdefault(person, client)
        trace = with_registration(Trace(client=client, registered=who.registered), registration)
        found = matches_of(trace, self._first, self._members, who.partner)
        if found:
            self.matches[who.partner][client] = found

    def fold(self, client: str, events: list[Event]) -> None:
        """Fold events into a client as the engine does."""
        held = self.held[client]
        try:
            done = accrue(held.state, events, self.contracts)
        except HistoryNeeded:
            done = accrue(held.state, events, self.contracts, held.applied)
        held.applied += events
        held.state = done.state
        for key, values in done.counts.items():
            day = self._days[key.partner]
            number = self.facts.day(day_start(key.day))
            if 0 <= number < len(day):
                more = {name: values.get(name, 0) for name in ("registrations", "ftd", "qftd")}
                if any(more.values()):
                    day[number] = day[number]._replace(
                        **{name: getattr(day[number], name) + value for name, value in more.items()}
                    )
        trace = trace_of(held.state, self.contracts)
        if trace is not None:
            trace = with_registration(trace, held.registration)
            # As scoring does: exact sums where there may be something to see in them.
            held.trace = exact(trace, held.state) if max(trace.quick_lots, trace.flat_lots) >= LOT else trace
        self.touched.add(self.facts.clients[client].partner)

    def disallow(self, client: str, day: int, case: str, reason: str) -> None:
        """A verdict about a client, at the end of a day."""
        at = from_milliseconds(self.facts.begins + (day + 1) * DAY_MS - 2)
        verdict = Event(
            brand=BRAND, source="desk", client=client, event_id=f"v{case}", type=EventType.VERDICT, occurred_at=at,
            status=DISALLOWED, case=case, reason=reason,
        )  # fmt: skip
        self.fold(client, [verdict])

    def posted(self, client: str) -> dict[Key, int]:
        """What the books owe the partner for a client."""
        partner = self.facts.clients[client].partner
        state = self.held[client].state if client in self.held else None
        return {key: minor for key, minor in (state.posted.items() if state else ()) if key.partner == partner}

    def traces(self, partner: str, days: int = WINDOW) -> tuple[Trace, ...]:
        """Of the clients who registered in so many days, the oldest first."""
        since = self.facts.begins + (self.day - days + 1) * DAY_MS
        found = [self.held[client].trace for client in self._of_partner[partner]]
        return tuple(
            sorted((each for each in found if each and each.registered >= since), key=lambda each: each.registered)
        )

    def look_around(self) -> None:
        """Write a line about every partner, as scoring does."""
        today = self.facts.name(self.day)
        since = max(0, self.day - WINDOW + 1)
        self.peers = tuple(
            traffic_of(name, today, days[since : self.day + 1], self.traces(name), self.terms[name])
            for name, days in self._days.items()
        )

    def seen(self, partner: str, cleared: Mapping[str, str], judged: Mapping[str, str]) -> Seen:
        """The partner as it is scored at the end of the day."""
        facts, day = self.facts, self.day
        before = [Day(facts.name(each)) for each in range(day - WINDOW + 1, 0)]
        place = self._place[partner]
        traces = self.traces(partner)
        matches = self.matches.get(partner, {})
        return Seen(
            partner=partner,
            today=facts.name(day),
            at=facts.begins + (day + 1) * DAY_MS - 1,
            days=(*before, *self._days[partner][max(0, day - WINDOW + 1) : day + 1]),
            traces=traces,
            peers=self.peers[:place] + self.peers[place + 1 :],
            terms=self.terms[partner],
            matches={each.client: matches[each.client] for each in traces if each.client in matches},
            account_partners=self._same_account(partner),
            cleared=cleared,
            judged=judged,
        )

    def _same_account(self, partner: str) -> tuple[str, ...]:
        own = self.facts.partners[partner]
        if own.account_since > self.day:
            return ()
        return tuple(
            name
            for name, each in self.facts.partners.items()
            if each.account == own.account and name != partner and each.account_since <= self.day
        )


def _members(partners: Iterable[Partner]) -> dict[Person, str]:
    found = {}
    for each in partners:
        for member in each.members:
            for kind in ("email", "phone", "address"):
                found[Person(kind, getattr(member, kind))] = each.partner
    return found
