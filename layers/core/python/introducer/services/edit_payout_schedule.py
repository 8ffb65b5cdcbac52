"""Changes when a brand pays, by a form that somebody filled in: only what they have looked at is changed."""

from __future__ import annotations

import hashlib

from introducer.domain.configuration import Member
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.payout_schedule import PayoutSchedule, checked
from introducer.gateways.schedules import Schedules
from introducer.services.creation import Author, Clock
from introducer.services.decisions import reason
from introducer.services.schedule_runs import schedule_runs
from introducer.services.set_payout_schedule import check_decider, zone
from introducer.store.payout_schedules import PayoutSchedules, schedule_to_item

NEW = "new"
"""What is seen of a schedule that is not there."""


def seen(schedule: PayoutSchedule | None) -> str:
    """A mark of a schedule as somebody looks at it."""
    if schedule is None:
        return NEW
    return hashlib.sha256(str(schedule_to_item(schedule)["settings"]).encode()).hexdigest()[:16]


def edit_payout_schedule(
    schedules: PayoutSchedules,
    clockwork: Schedules,
    schedule: PayoutSchedule,
    *,
    looked_at: str,
    member: Member,
    why: str,
    clock: Clock,
) -> PayoutSchedule:
    """The schedule as it is from now on. The same again changes nothing, and puts the clockwork right.

    Raises `Forbidden` for a role that decides nothing, `Invalid` with what is wrong, `Conflict` (code
    `schedule_changed`) when it is not as it was looked at (`seen`), and what `Schedules.put` does.
    """
    check_decider(member)
    word = reason(why)
    checked(schedule)
    zone(schedule.time_zone)
    try:
        stands: PayoutSchedule | None = schedules.get(schedule.brand, schedule.schedule)
    except NotFound:
        stands = None
    if stands != schedule and seen(stands) != looked_at:
        raise Conflict("The schedule was changed meanwhile: look at it again.", code="schedule_changed")
    author = Author(by=member.member, why=word, origin="portal")
    return schedule_runs(schedules, clockwork, schedule, author=author, clock=clock)
