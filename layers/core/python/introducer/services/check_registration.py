"""A platform asks, before it makes a client, whether somebody with this e-mail, phone or device registered before.

One read answers it, of the index that the engine counts registrations in. Nothing is stored, and nothing else is told:
not who it was, nor when, nor whose client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from introducer.domain.configuration import Source
from introducer.domain.fraud.person import Person
from introducer.domain.identity import keyed_hash
from introducer.services.accept_events import Intake, Sources, authenticated, people_key
from introducer.sources.registration_check import read_check
from introducer.sources.strict_json import read_object
from introducer.store.person_index import PersonIndex

KEPT_SECONDS = 60.0
"""How long it is remembered who a source is: one that is paused is heard for so long at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The answer."""

    brand: str
    source: str
    by: tuple[str, ...]
    """`email`, `phone`, `device`: those that a client registered with before."""

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {"known": bool(self.by), "by": list(self.by)}


class RememberedSources:
    """Sources, each looked up once in a while: a check costs one read, and not two."""

    def __init__(self, sources: Sources, elapsed: Callable[[], float]) -> None:
        self._sources = sources
        self._elapsed = elapsed
        self._kept: dict[str, tuple[float, Source]] = {}

    def source(self, source: str) -> Source:
        """Raises `NotFound`; who is unknown is asked for every time."""
        now = self._elapsed()
        if source in self._kept and 0 <= now - self._kept[source][0] < KEPT_SECONDS:
            return self._kept[source][1]
        self._kept.pop(source, None)
        found = self._sources.source(source)
        self._kept[source] = (now, found)
        return found


def remembering(intake: Intake, elapsed: Callable[[], float]) -> Intake:
    """The same intake, remembering who its sources are."""
    return replace(intake, sources=RememberedSources(intake.sources, elapsed))


def check_registration(
    intake: Intake, index: PersonIndex, *, source: str, body: bytes, signature: str | None, now: datetime
) -> Checked:
    """Whether a client of the source's brand registered with what this body names before.

    Raises `TooLarge`, `NotFound`, `Unauthenticated`, `Forbidden` and `Malformed` as for events, `Invalid` for a body
    that asks nothing, or something else, and `Unavailable`.
    """
    sender = authenticated(intake, source=source, body=body, signature=signature, now=now)
    asked = read_check(read_object(body))
    key = people_key(intake, sender.brand)
    persons = {kind: Person(kind, keyed_hash(key, kind, value)) for kind, value in asked.items()}
    known = index.known(sender.brand, persons.values(), now)
    by = tuple(kind for kind, person in persons.items() if person in known and known[person].clients > 0)
    return Checked(brand=sender.brand, source=source, by=by)
