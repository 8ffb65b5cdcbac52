"""What detectors look at: each client's trace, and how many clients have an e-mail, phone or device.

Both are projections of applied events, written with them. What has expired is not missed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from introducer.domain.calendar import DAY_MS
from introducer.domain.client import ClientState
from introducer.domain.fraud.person import Person
from introducer.domain.fraud.trace import Trace
from introducer.domain.fraud.tracing import Traced
from introducer.services.verify.report import Difference, Kind
from introducer.store import keys
from introducer.store.persons import PERSON_DAYS
from introducer.store.scans import Stored, place
from introducer.store.traces import TRACE_DAYS, trace_from_item, trace_to_item

_Place = tuple[str, str]
"""A partition and a sort key."""


class TracesSide:
    """Holds the traces and persons of BOOKS until the facts that they must follow have been read."""

    def __init__(self) -> None:
        self._traces: dict[_Place, Trace] = {}
        self._persons: dict[tuple[str, Person], int] = {}
        self._should: dict[tuple[str, Person], int] = defaultdict(int)
        self._latest: dict[tuple[str, Person], int] = {}
        self._differences: list[Difference] = []

    @property
    def takers(self) -> Mapping[str, Callable[[Stored], None]]:
        """What takes items in, by their kind."""
        return {"trace": self._trace, "person": self._person}

    def _trace(self, stored: Stored) -> None:
        trace = trace_from_item(stored.item)
        if trace is not None:
            self._traces[stored.key.pk, stored.key.sk] = trace

    def _person(self, stored: Stored) -> None:
        _, brand, kind, value = keys.parts(stored.key.pk)
        clients = int(stored.item.get("clients", 0))
        if clients:
            self._persons[brand, Person(kind, value)] = clients

    def compare(self, state: ClientState, traced: Traced, at_ms: int) -> None:
        """A client, as its events make it from nothing; at a moment (ms), for what has expired by then."""
        for partner, trace in traced.traces.items():
            item = trace_to_item(partner, trace)
            found = self._traces.pop((item[keys.PK], item[keys.SK]), None)
            kept = trace.registered >= at_ms - TRACE_DAYS * DAY_MS
            if found != trace and (kept or found is not None):
                self._miss(trace, keys.Key(item[keys.PK], item[keys.SK]), found)
        for person, number in traced.persons.items():
            self._should[state.brand, person] += number
            registered = state.anchor or 0
            self._latest[state.brand, person] = max(registered, self._latest.get((state.brand, person), 0))

    def take_unknown(self, client: str) -> None:
        """A client that cannot be recomputed: its trace is taken as it stands."""
        for where in [where for where, trace in self._traces.items() if trace.client == client]:
            del self._traces[where]

    def differences(self, at_ms: int) -> Iterator[Difference]:
        """Where traces and persons are not what the events make them, at a moment (ms)."""
        yield from self._differences
        for where, trace in sorted(self._traces.items(), key=lambda each: each[0]):
            what = f"client {trace.client}: its trace"
            yield Difference(Kind.TRACE, what, "nothing", "a trace", place(keys.BOOKS, keys.Key(*where)))
        for key in sorted(self._should.keys() | self._persons.keys()):
            brand, person = key
            should, says = self._should.get(key, 0), self._persons.get(key, 0)
            expired = self._latest.get(key, 0) < at_ms - PERSON_DAYS * DAY_MS
            if should != says and not (says == 0 and expired):
                item = keys.key("person", brand=brand, kind=person.kind, hash=person.hash)
                what = f"clients with one {person.kind}"
                yield Difference(Kind.PERSON, what, str(should), str(says), place(keys.BOOKS, item))

    def _miss(self, trace: Trace, key: keys.Key, found: Trace | None) -> None:
        self._differences.append(
            Difference(
                Kind.TRACE,
                f"client {trace.client}: its trace",
                _shown(trace, found),
                "nothing" if found is None else _shown(found, trace),
                place(keys.BOOKS, key),
            )
        )


def _shown(trace: Trace, other: Trace | None) -> str:
    """What one has otherwise than the other. Hashes say no more than that they are others."""
    if other is None:
        return "a trace"
    names = [name for name in Trace.__slots__ if getattr(trace, name) != getattr(other, name)]
    return ", ".join(f"{name} {_value(name, getattr(trace, name))}" for name in names)


def _value(name: str, value: Any) -> str:
    hidden = name in ("email", "phone", "device", "address", "prefix", "pattern")
    return ("a hash" if value else "nothing") if hidden else str(value)
