"""Decides when a brand pays its partners, and under which conditions."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from introducer.domain.configuration import Change, Member, Role
from introducer.domain.errors import Forbidden, Invalid, NotFound
from introducer.domain.payout_schedule import PayoutSchedule, checked
from introducer.services.creation import Author, Clock, now
from introducer.store.payout_schedules import PayoutSchedules

DECIDERS = (Role.FINANCE, Role.ADMIN)
"""Who decides when and what is paid."""


def check_decider(member: Member) -> None:
    """Raises `Forbidden` for whoever does not decide about payouts."""
    if member.role not in DECIDERS:
        raise Forbidden("Payouts are decided by finance or an admin: ask one of them.", code="finance_only")


def set_payout_schedule(
    schedules: PayoutSchedules, schedule: PayoutSchedule, *, author: Author, clock: Clock
) -> PayoutSchedule:
    """A new schedule, or one as it is from now on. The same again changes nothing.

    Raises `Invalid` with what is wrong, `Conflict` when somebody else changed it meanwhile.
    """
    checked(schedule)
    zone(schedule.time_zone)
    try:
        before = schedules.get(schedule.brand, schedule.schedule)
    except NotFound:
        before = None
    if before != schedule:
        change = Change(by=author.by, at=now(clock), why=author.why, origin=author.origin)
        schedules.put(before, schedule, change)
    return schedule


def zone(name: str) -> ZoneInfo:
    """The time zone of this name. Raises `Invalid`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # A name that is unknown, malformed, or a folder of names.
        raise Invalid(
            f"{name[:40]!r} is no time zone: send one such as Europe/Berlin.", code="unknown_time_zone"
        ) from None


def day_in(schedule: PayoutSchedule, at: datetime) -> date:
    """The day it is in the schedule's time zone."""
    return at.astimezone(zone(schedule.time_zone)).date()
