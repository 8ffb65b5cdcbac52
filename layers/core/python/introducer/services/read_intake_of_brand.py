"""Is everything a brand's sources sent also in the books, and which days need a person?"""

from __future__ import annotations

from dataclasses import dataclass

from introducer.domain.configuration import Source
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.intake_days import IntakeDay, IntakeDays
from introducer.store.paging import every

DAYS = 14
"""As many of a source's last days are shown, of those on which it sent something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfSource:
    """What a source sent on a UTC day, and what became of it."""

    source: str
    day: str
    accepted: int
    applied: int
    """In the books."""
    waiting: int
    """Accepted and not in the books: on its way there, or in quarantine."""
    quarantined: int
    """Messages kept for a person; those that were sent to the engine again are among them."""
    needs_person: bool


@dataclass(frozen=True, slots=True)
class IntakeOfBrand:
    """A brand's sources by name, and their days: those that need a person first, then the newest first."""

    sources: tuple[Source, ...]
    days: tuple[DayOfSource, ...]


def read_intake_of_brand(
    configuration: Configuration, intake_days: IntakeDays, facts: Facts, *, brand: str, today: str
) -> IntakeOfBrand:
    """Each source's last `DAYS` days that had anything, and every earlier one on which something still waits."""
    sources = read_sources_of_brand(configuration, brand)
    days = [
        _day_of_source(facts, source, day, today)
        for source in sources
        for day in _shown(intake_days.of_source(source.source))
    ]
    # Python sorts stably: by source, then by day from the newest, then by need.
    days.sort(key=lambda day: day.day, reverse=True)
    days.sort(key=lambda day: not day.needs_person)
    return IntakeOfBrand(sources, tuple(days))


def read_intake_of_day(intake_days: IntakeDays, facts: Facts, *, source: Source, day: str, today: str) -> DayOfSource:
    """One day of a source; all zero when nothing came."""
    return _day_of_source(facts, source, intake_days.get(source.source, day), today)


def read_sources_of_brand(configuration: Configuration, brand: str) -> tuple[Source, ...]:
    """All sources of a brand, by name."""
    found = every(lambda cursor: configuration.sources_of_brand(brand, cursor))
    return tuple(sorted(found, key=lambda source: source.source))


def _shown(days: list[IntakeDay]) -> list[IntakeDay]:
    had = [day for day in days if day.accepted or day.applied or day.quarantined]
    return [day for day in had[:-DAYS] if day.waiting > 0] + had[-DAYS:]


def _day_of_source(facts: Facts, source: Source, day: IntakeDay, today: str) -> DayOfSource:
    return DayOfSource(
        source=day.source,
        day=day.day,
        accepted=day.accepted,
        applied=day.applied,
        waiting=day.waiting,
        quarantined=day.quarantined,
        needs_person=_needs_person(facts, source, day, today),
    )


def _needs_person(facts: Facts, source: Source, day: IntakeDay, today: str) -> bool:
    """Whether somebody has to look.

    What waits on a day that is over, or beside messages in quarantine, is not merely on its way. Where nothing waits, a
    day with messages in quarantine is done when all of them were sent again: the counter alone cannot tell.
    """
    if day.waiting > 0:
        return day.day < today or day.quarantined > 0
    if not day.quarantined:
        return False
    return any(kept.replayed_at is None for kept in facts.every_quarantined(source.brand, source.source, day.day))
