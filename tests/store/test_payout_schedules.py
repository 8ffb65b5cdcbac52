"""A brand's payout schedules: the questions about them, asked of real tables; each change once, with its record."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from introducer.domain.errors import Conflict, IntroducerError, Invalid, NotFound
from introducer.domain.payout_schedule import Cadence, PayoutSchedule
from introducer.services.creation import Author
from introducer.services.set_payout_schedule import day_in, set_payout_schedule, zone
from introducer.store.configuration import Configuration
from introducer.store.payout_schedules import PayoutSchedules
from tests.conftest import Tables
from tests.support.payouts import BRAND, NOW, SET_UP, a_schedule

pytestmark = pytest.mark.in_memory

AUTHOR = Author(by="mem_finance", why="As agreed", origin="portal")
FULL = a_schedule(
    schedule="weekly-JPY", cadence=Cadence.WEEKLY, time_zone="Asia/Tokyo", days_after=9, currency="JPY",
    minimums={"JPY": 5_000, "EUR": 1}, cool_off_days=0, deadline_hours=1, remind_hours=2, confirm_days=3, paused=True,
)  # fmt: skip


@pytest.fixture
def schedules(tables: Tables) -> PayoutSchedules:
    return PayoutSchedules(tables.books)


def refused(act: Callable[[], object], kind: type[IntroducerError] = Conflict) -> str:
    with pytest.raises(kind) as raised:
        act()
    return raised.value.code


def put(schedules: PayoutSchedules, schedule: PayoutSchedule, minutes: int = 0) -> PayoutSchedule:
    return set_payout_schedule(schedules, schedule, author=AUTHOR, clock=lambda: NOW + timedelta(minutes=minutes))


@pytest.mark.pattern("payout_schedule_by_name")
def test_a_schedule_reads_as_it_was_written(schedules: PayoutSchedules) -> None:
    schedules.put(None, FULL, SET_UP)
    assert schedules.get(BRAND, "weekly-JPY") == FULL
    assert refused(lambda: schedules.get(BRAND, "weekly"), NotFound) == "not_found"
    assert refused(lambda: schedules.get("brd_other", "weekly-JPY"), NotFound) == "not_found"


@pytest.mark.pattern("payout_schedules_of_brand")
def test_a_brands_schedules_come_by_name_and_are_its_own(schedules: PayoutSchedules) -> None:
    for name in ("monthly-USD", "monthly", "weekly"):
        schedules.put(None, a_schedule(schedule=name), SET_UP)
    schedules.put(None, a_schedule(brand="brd_other"), SET_UP)
    assert [each.schedule for each in schedules.of_brand(BRAND)] == ["monthly", "monthly-USD", "weekly"]
    assert schedules.of_brand("brd_none") == []


def test_a_schedule_is_written_as_it_was_read(schedules: PayoutSchedules) -> None:
    first = a_schedule()
    schedules.put(None, first, SET_UP)
    assert refused(lambda: schedules.put(None, replace(first, paused=True), SET_UP)) == "schedule_changed"
    later = replace(SET_UP, at=NOW)
    schedules.put(first, replace(first, paused=True), later)
    assert refused(lambda: schedules.put(first, replace(first, days_after=3), later)) == "schedule_changed"
    assert schedules.get(BRAND, "monthly") == replace(first, paused=True)


def test_a_change_is_on_record_with_what_was_before_and_the_same_again_is_none(
    schedules: PayoutSchedules, tables: Tables
) -> None:
    put(schedules, a_schedule())
    put(schedules, a_schedule(minimums={"EUR": 50_00}), 1)
    put(schedules, a_schedule(minimums={"EUR": 50_00}), 2)
    newest, oldest = Configuration(tables.books).audit_of_subject(BRAND).items
    assert oldest.before is None
    assert (newest.action, newest.by, newest.why) == ("set_payout_schedule", AUTHOR.by, AUTHOR.why)
    before, after = (json.loads(json.loads(each or "{}")["settings"]) for each in (newest.before, newest.after))
    assert (before["minimums"], after["minimums"]) == ({}, {"EUR": 50_00})


@pytest.mark.parametrize(("schedule", "code"), [
    (a_schedule(schedule="1"), "bad_name"),
    (a_schedule(days_after=0), "out_of_range"),
    (a_schedule(time_zone="Berlin"), "unknown_time_zone"),
    (a_schedule(time_zone=""), "unknown_time_zone"),
    (a_schedule(time_zone="Europe"), "unknown_time_zone"),
    (a_schedule(time_zone="../../etc/passwd"), "unknown_time_zone"),
    (a_schedule(time_zone="/etc/localtime"), "unknown_time_zone"),
    (a_schedule(time_zone="Europe/Berlin\0"), "unknown_time_zone"),
    (a_schedule(time_zone="x" * 5_000), "unknown_time_zone"),
])  # fmt: skip
def test_what_cannot_be_a_schedule_is_not_written(
    schedules: PayoutSchedules, schedule: PayoutSchedule, code: str
) -> None:
    assert refused(lambda: put(schedules, schedule), Invalid) == code
    assert schedules.of_brand(BRAND) == []


def test_somebody_else_s_change_meanwhile_is_not_lost(schedules: PayoutSchedules) -> None:
    put(schedules, a_schedule())
    read = schedules.get

    class Late:
        """Reads before somebody else writes."""

        def get(self, brand: str, schedule: str) -> PayoutSchedule:
            found = read(brand, schedule)
            put(schedules, a_schedule(days_after=5), 1)
            return found

        put = staticmethod(schedules.put)

    assert refused(lambda: put(Late(), a_schedule(days_after=9), 2)) == "schedule_changed"  # type: ignore[arg-type]
    assert schedules.get(BRAND, "monthly").days_after == 5


@pytest.mark.parametrize(("name", "day"), [
    ("Pacific/Kiritimati", "2026-12-02"), ("Europe/Berlin", "2026-12-01"), ("Pacific/Pago_Pago", "2026-11-30"),
])  # fmt: skip
def test_the_day_is_that_of_the_schedule_s_place(name: str, day: str) -> None:
    at = datetime(2026, 12, 1, 10, 30, tzinfo=UTC)
    assert day_in(a_schedule(time_zone=name), at).isoformat() == day
    assert zone(name).key == name
