"""Starts a payout run: for the period that ended last, or for a range that a person chose.

One period of one schedule is one run: its execution is named after both, so that starting it again, by the clock and by
a person at once, is harmless. Days that are a period of the schedule are that period, whoever typed them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict
from introducer.domain.payout import execution_name
from introducer.domain.payout_schedule import (
    Cadence,
    PayoutSchedule,
    Period,
    check_ended,
    chosen,
    last_ended,
    period_of,
    plus,
    run_name,
)
from introducer.gateways.workflows import Execution, Workflows
from introducer.services.creation import Author
from introducer.services.decisions import reason
from introducer.services.set_payout_schedule import check_decider, day_in
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts

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
    author = Author(by=member.member, why=word, origin="portal")
    return _start(workflows, found, _named(found.cadence, period), author)


def start_again(
    payouts: Payouts, workflows: Workflows, *, member: Member, run: str, why: str, now: datetime
) -> Started:
    """A member starts a run again that stopped: it goes on where it stopped. Its schedule and its days are those it was
    opened with; the schedule may be paused, and later periods may have ended since: what the run has reserved is not
    left lying.

    Raises `Forbidden`, `NotFound`, `Conflict` for a run that is closed (`run_closed`) or has not stopped
    (`run_not_stopped`), and what `Workflows.start` does.
    """
    check_decider(member)
    word = reason(why)
    found = payouts.run(member.brand, run)
    if found.closed_at is not None:
        raise Conflict("This run is closed: there is nothing left to do in it.", code="run_closed")
    name = execution_name(found.brand, found.run)
    latest = workflows.latest(name)
    if latest is not None and not latest.failed:
        raise Conflict("This run has not stopped: it goes on by itself.", code="run_not_stopped")
    author = Author(by=member.member, why=word, origin="portal")
    # On record before it is started: the run itself still names who began it.
    change = Change(by=author.by, at=now, why=author.why, origin=author.origin)
    payouts.record(found.brand, name, "start_run_again", change, {"run": found.run, "status": found.status.value})
    period = chosen(found.first, found.through)
    given = _given(found.brand, found.schedule, found.run, period, author)
    return Started(found.run, period, workflows.start(name, given))


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


def _named(cadence: Cadence, period: Period) -> Period:
    """The schedule's own period where these days are one: it is the same run, whoever starts it."""
    own = period_of(cadence, period.first)
    return own if (own.first, own.through) == (period.first, period.through) else period


def _start(workflows: Workflows, schedule: PayoutSchedule, period: Period, author: Author) -> Started:
    run = run_name(period, schedule.schedule)
    if schedule.paused:
        raise Conflict("This schedule is paused: take it up again first.", code="schedule_paused")
    given = _given(schedule.brand, schedule.schedule, run, period, author)
    return Started(run, period, workflows.start(execution_name(schedule.brand, run), given))


def _given(brand: str, schedule: str, run: str, period: Period, author: Author) -> dict[str, str]:
    """What the state machine is started with."""
    return {
        "brand": brand,
        "schedule": schedule,
        "run": run,
        "first": period.first.isoformat(),
        "through": period.through.isoformat(),
        "by": author.by,
        "why": author.why,
    }
