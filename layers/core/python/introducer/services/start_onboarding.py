"""A new partner begins its sequence: it is written down with the registration, and its execution is started after.

The outbox starts it from the stream, so no registration is without; a daily sweep starts those again whose execution
failed since.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from introducer.domain.errors import IntroducerError, NotFound
from introducer.domain.sequence import (
    ONBOARDING,
    Progress,
    Sequence,
    due,
    execution_input,
    execution_name,
)
from introducer.services.onboarding_books import OnboardingBooks, Start
from introducer.services.read_sequences import sequence_of
from introducer.store.configuration import Configuration
from introducer.store.paging import every

LATE = timedelta(hours=1)
"""So long after its time a step should have been taken, if there is an execution that does it."""


def first_state(configuration: Configuration, brand: str, partner: str, at: datetime) -> Progress | None:
    """Where a new partner begins; None where the brand has switched nothing on."""
    if not configuration.begins(brand, ONBOARDING):
        return None
    return Progress(brand=brand, partner=partner, sequence=ONBOARDING, started_at=at)


def start_onboarding(configuration: Configuration, start: Start, state: Progress) -> str | None:
    """Sees that the partner's execution runs, and says its name; None where there is no such partner any more. Again
    starts no second one. Raises `TooMany`, `Unavailable`, `Conflict`."""
    try:
        partner = configuration.partner(state.partner)
    except NotFound:
        return None
    return start(execution_name(state, partner.name), execution_input(state))


def sweep_onboarding(books: OnboardingBooks, start: Start, *, now: datetime) -> list[str]:
    """The executions of partners whose step is late, in all brands: started, unless they run. What cannot be started
    now is left to the next sweep. Where it is switched off, nothing is late. Raises `Unavailable`: call again."""
    started = []
    rules: dict[str, Sequence] = {}
    for state in _walking(books):
        if state.brand not in rules:
            rules[state.brand] = sequence_of(books, state.brand, state.sequence)
        sequence = rules[state.brand]
        if sequence.on and now >= due(sequence, state) + LATE:
            with suppress(IntroducerError):
                name = start_onboarding(books.configuration, start, state)
                started += [name] if name else []
    return started


def _walking(books: OnboardingBooks) -> Iterator[Progress]:
    for brand in books.configuration.every_brand():
        yield from _walking_of(books, brand.brand)


def _walking_of(books: OnboardingBooks, brand: str) -> Iterator[Progress]:
    return every(lambda cursor: books.sequences.walks(brand, ONBOARDING, cursor=cursor))
