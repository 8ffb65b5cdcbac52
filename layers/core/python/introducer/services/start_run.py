"""Starts a payout run: for the period that ended last, or for a range that a person chose.

One period of one schedule is one run: its execution is named after both, so that starting it again, by the clock and by
a person at once, is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import Member
from introducer.domain.errors import Conflict
from introducer.domain.payout import execution_name
from introducer.domain.payout_schedule import (
    PayoutSchedule,
    Period,
    check_ended,
    chosen,
    last_ended,
    plus,
    run_name,
)
from introducer.gateways.workflows import Execution, Workflows
from introducer.services.creation import Author
from introducer.services.decisions import reason
from introducer.services.set_payout_schedule import check_decider, day_in
from introducer.store.payout_schedules import PayoutSchedules

SCHEDULE = Author(by="system:payout_schedule", why="started on schedule", origin="payout_run")
"""Whoever no person has asked."""


@dataclass(frozen=True, slots=True)
class Started:
    """The run that was asked for, and its execution."""

    run: str
    period: Period
    execution: Execution


def start_run(
    schedules: PayoutSchedules,
    workflows: Workflows,
    *,
    member: Member,
    schedule: str,
    first: str = "",
    through: str = "",
    why: str,
    now: datetime,
) -> Started:
    """A member starts a run of their brand. Raises `Forbidden`, `NotFound` for an unknown schedule, `Invalid` for a
    range that is none or has not ended, and what `Workflows.start` does."""
    check_decider(member)
    word = reason(why)
    found = schedules.get(member.brand, schedule)
    today = day_in(found, now)
    period = chosen(first, through) if first or through else last_ended(found.cadence, today)
    check_ended(period, today)
    return _start(workflows, found, period, Author(by=member.member, why=word, origin="portal"))


def start_due_run(
    schedules: PayoutSchedules, workflows: Workflows, *, brand: str, schedule: str, now: datetime
) -> Started | None:
    """The clock starts the run of the last period whose days of grace are over; None for a schedule that is paused. A
    run that was started before is answered again. Raises `NotFound`, and what `Workflows.start` does."""
    found = schedules.get(brand, schedule)
    if found.paused:
        return None
    # Several periods may have ended whose days of grace are not over: a week's, when it is paid after ten days.
    period = last_ended(found.cadence, plus(day_in(found, now), 1 - found.days_after))
    return _start(workflows, found, period, SCHEDULE)


def _start(workflows: Workflows, schedule: PayoutSchedule, period: Period, author: Author) -> Started:
    run = run_name(period, schedule.schedule)
    if schedule.paused:
        raise Conflict("This schedule is paused: take it up again first.", code="schedule_paused")
    given = {
        "brand": schedule.brand,
        "schedule": schedule.schedule,
        "run": run,
        "first": period.first.isoformat(),
        "through": period.through.isoformat(),
        "by": author.by,
        "why": author.why,
    }
    return Started(run, period, workflows.start(execution_name(schedule.brand, run), given))
