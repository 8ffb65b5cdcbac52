"""Which days of a brand's sources need a person: on the local cloud's tables."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from introducer.domain.configuration import Availability, Change, Source
from introducer.domain.events import day_of
from introducer.services.read_intake_of_brand import DayOfSource, read_intake_of_brand, read_intake_of_day
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.intake_days import IntakeDay, IntakeDays
from tests.conftest import Tables
from tests.support.builders import at

NOW = at("2026-04-17 09:30")
TODAY = "2026-04-17"


class Intake:
    """A brand's sources, counted as told."""

    def __init__(self, tables: Tables) -> None:
        self.configuration = Configuration(tables.books)
        self.counters = IntakeDays(tables.books)
        self.facts = Facts(tables.facts)

    def source(self, name: str, brand: str = "brd_1") -> Source:
        source = Source(source=name, brand=brand, dialect="introducer", status=Availability.ACTIVE)
        self.configuration.register_source(source, Change(by="system:test", at=NOW, why="set up"))
        return source

    def counted(self, source: str, day: str, accepted: int, applied: int, quarantined: int = 0) -> None:
        more = IntakeDay(source, day, accepted, applied, quarantined, "mark")
        assert self.counters.add(IntakeDay(source, day), more)

    def kept(self, source: str, moment: datetime, *, sent_again: bool = False) -> None:
        kept = self.facts.quarantine(
            brand="brd_1", source=source, at=moment, reason="rate_missing", detail="No rate.", message="{}"
        )
        if sent_again:
            self.facts.mark_replayed(kept, NOW)

    def read(self, brand: str = "brd_1") -> tuple[DayOfSource, ...]:
        return read_intake_of_brand(self.configuration, self.counters, self.facts, brand=brand, today=TODAY).days

    def needs(self, source: Source, day: str) -> bool:
        return read_intake_of_day(self.counters, self.facts, source=source, day=day, today=TODAY).needs_person


@pytest.fixture
def intake(tables: Tables) -> Intake:
    return Intake(tables)


def test_what_waits_today_is_on_its_way_and_what_waits_since_yesterday_is_not(intake: Intake) -> None:
    source = intake.source("mt5-live")
    intake.counted("mt5-live", TODAY, accepted=5, applied=3)
    intake.counted("mt5-live", "2026-04-16", accepted=5, applied=4)
    intake.counted("mt5-live", "2026-04-15", accepted=5, applied=5)

    assert [intake.needs(source, f"2026-04-{day}") for day in (17, 16, 15, 14)] == [False, True, False, False]
    assert [(day.day, day.waiting, day.needs_person) for day in intake.read()] == [
        ("2026-04-16", 1, True),
        ("2026-04-17", 2, False),
        ("2026-04-15", 0, False),
    ]


def test_a_day_in_quarantine_is_done_when_all_of_it_was_sent_again_and_applied(intake: Intake) -> None:
    # given three days with two messages each, of which none, one and both were sent again; no message is an event
    source = intake.source("mt5-live")
    for back, again in ((0, 0), (1, 1), (2, 2)):
        moment = NOW - timedelta(days=back)
        intake.counted("mt5-live", day_of(moment), accepted=4, applied=4, quarantined=2)
        for number in range(2):
            intake.kept("mt5-live", moment + timedelta(seconds=number), sent_again=number < again)
    # and one where an event was sent again and failed again: today, it still waits
    other = intake.source("mt5-demo")
    intake.counted("mt5-demo", TODAY, accepted=4, applied=3, quarantined=1)
    intake.kept("mt5-demo", NOW, sent_again=True)

    assert [intake.needs(source, f"2026-04-{day}") for day in (17, 16, 15)] == [True, True, False]
    assert intake.needs(other, TODAY)


def test_an_unsent_message_behind_many_sent_ones_is_found(intake: Intake) -> None:
    source = intake.source("mt5-live")
    intake.counted("mt5-live", TODAY, accepted=0, applied=0, quarantined=61)
    for number in range(60):
        intake.kept("mt5-live", NOW + timedelta(seconds=number), sent_again=True)
    assert not intake.needs(source, TODAY)

    intake.kept("mt5-live", NOW + timedelta(seconds=60))
    assert intake.needs(source, TODAY)


def test_each_source_shows_its_last_days_that_had_anything_and_all_that_was_left_behind(intake: Intake) -> None:
    # given a source with a gap, twenty good days before it, and one of them with an event that never got anywhere
    intake.source("mt5-live")
    first = at("2026-03-01 00:00")
    for number in range(20):
        intake.counted("mt5-live", day_of(first + timedelta(days=number)), accepted=2, applied=1 if number == 1 else 2)
    intake.counted("mt5-live", "2026-03-25", accepted=0, applied=0)
    intake.counted("mt5-live", TODAY, accepted=1, applied=1)

    days = [day.day for day in intake.read()]

    assert days == ["2026-03-02", TODAY, *(f"2026-03-{number:02d}" for number in range(20, 7, -1))]


def test_a_brand_sees_its_own_sources_alone_and_all_of_them(intake: Intake) -> None:
    for number in range(105):
        intake.source(f"source-{number:03d}")
    intake.source("theirs", "brd_2")
    for source in ("source-000", "source-104", "theirs"):
        intake.counted(source, TODAY, accepted=1, applied=0)

    assert [day.source for day in intake.read()] == ["source-000", "source-104"]
    assert [day.source for day in intake.read("brd_2")] == ["theirs"]
    assert intake.read("brd_3") == ()
