"""Builders of what detectors see: partners with their days and clients, honest ones and others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from introducer.domain.calendar import DAY_MS, HOUR_MS, day_at, day_start, plus_days
from introducer.domain.fraud.seen import BUCKETS, WINDOW, Day, Match, Seen, Terms, Traffic
from introducer.domain.fraud.trace import Flow, Trace

PARTNER, TODAY = "par_a", "2026-05-29"
FIRST = plus_days(TODAY, 1 - WINDOW)
AT = day_start(TODAY) + 20 * HOUR_MS
TERMS = Terms(currency="EUR", cpa=True, lot=True, least=250_00)
"""A deal that pays for clients who pay in 250 euro, and for lots."""


def moment(day: int, hours: float = 0) -> int:
    """A moment on a day of the window (0 is the first, 59 today), ms."""
    return day_start(FIRST) + day * DAY_MS + int(hours * HOUR_MS)


def date(day: int) -> str:
    """The date of a day of the window."""
    return plus_days(FIRST, day)


def a_trace(client: str, registered: int, **fields: Any) -> Trace:
    """A client, brought by a click five minutes before unless said otherwise."""
    return Trace(**{"client": client, "registered": registered, "since_click": 300} | fields)


def euro(at: int, amount: int) -> Flow:
    """So many euro."""
    return Flow(at, amount * 100, "EUR")


def ordinary(
    count: int, days: Sequence[int] = range(WINDOW), seed: int = 1, name: str = "honest", **fields: Any
) -> list[Trace]:
    """Honest clients, spread over days: of their own networks and devices, half of them confirmed, a third with
    deposits of many amounts who trade on and stay."""
    random, found = Random(f"{seed}-{name}"), []
    for number in range(count):
        registered = moment(days[number * len(days) // max(1, count)]) + random.randrange(DAY_MS)
        client = f"{name}-{number:04d}"
        pays = random.random() < 0.33
        deposit = registered + random.randrange(HOUR_MS, 2 * DAY_MS)
        found.append(
            a_trace(
                client,
                registered,
                since_click=int(random.lognormvariate(5.7, 1.0)) + 15,
                device=f"device-of-{client}",
                address=f"address-of-{client}",
                prefix=f"network-{random.randrange(2000)}",
                pattern=f"pattern-of-{client}",
                email=f"email-of-{client}",
                kyc=pays or random.random() < 0.3,
                deposits=(euro(deposit, random.choice((250, 300, 500, 800, 1000, 2500))),) if pays else (),
                qualified=pays,
                trades=256 if pays and random.random() < 0.7 else 1 if pays else 0,
                **fields,
            )
        )
    return found


def peers(count: int = 12, rate: float = 0.03, spread: float = 0.25, **fields: int) -> tuple[Traffic, ...]:
    """Other partners: 5,000 clicks each in thirty days, a middle rate and others around it."""
    found = []
    for number in range(count):
        own = rate * (1 + spread * (2 * number / max(1, count - 1) - 1))
        line = {"clicks": 5000, "registrations": int(5000 * own), "ftd": 50, "qftd": 40, "chargebacks": 0, "drawn": 1}
        found.append(Traffic(**{"partner": f"par_{number}", "day": TODAY, "smallest": 10} | line | fields))
    return tuple(found)


@dataclass
class Scene:
    """A partner as scoring sees it; a test says what is in it."""

    traces: list[Trace] = field(default_factory=list)
    clicks: dict[int, int] = field(default_factory=dict)
    """By day of the window; 50 otherwise."""
    usual_clicks: int = 50
    stuffed: dict[int, int] = field(default_factory=dict)
    buckets: dict[int, tuple[int, ...]] = field(default_factory=dict)
    unique: dict[int, int] = field(default_factory=dict)
    peers: tuple[Traffic, ...] = field(default_factory=peers)
    terms: Terms = TERMS
    matches: dict[str, tuple[Match, ...]] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    cleared: dict[str, str] = field(default_factory=dict)

    def with_clients(self, traces: Iterable[Trace]) -> Scene:
        """More clients."""
        self.traces += traces
        return self

    def matching(self, matches: Mapping[str, Sequence[Match]]) -> Scene:
        """Whom clients match."""
        self.matches |= {client: tuple(found) for client, found in matches.items()}
        return self

    def clear(self, detector: str, day: int) -> Scene:
        """A person said on this day that all is well."""
        self.cleared[detector] = date(day)
        return self

    def seen(self) -> Seen:
        """What detectors are given."""
        counted: dict[str, int] = {}
        for trace in self.traces:
            day = day_at(trace.registered)
            counted[day] = counted.get(day, 0) + 1
        days = tuple(self._day(number, counted.get(date(number), 0)) for number in range(WINDOW))
        traces = tuple(sorted(self.traces, key=lambda trace: (trace.registered, trace.client)))
        return Seen(
            partner=PARTNER,
            today=TODAY,
            at=AT,
            days=days,
            traces=traces,
            peers=self.peers,
            terms=self.terms,
            matches=self.matches,
            account_partners=self.others,
            cleared=self.cleared,
        )

    def _day(self, number: int, registrations: int) -> Day:
        clicks = self.clicks.get(number, self.usual_clicks)
        even = tuple(clicks // BUCKETS + (each < clicks % BUCKETS) for each in range(BUCKETS))
        return Day(
            date(number),
            clicks=clicks,
            unique=self.unique.get(number, clicks * 9 // 10),
            flagged=self.stuffed.get(number, 0),
            stuffed=self.stuffed.get(number, 0),
            buckets=self.buckets.get(number, even),
            registrations=registrations,
        )


def shuffled(seen: Seen, seed: int) -> Seen:
    """The same, its traces and peers in another order."""
    random = Random(seed)
    traces, others = list(seen.traces), list(seen.peers)
    random.shuffle(traces)
    random.shuffle(others)
    return replace(seen, traces=tuple(traces), peers=tuple(others))
