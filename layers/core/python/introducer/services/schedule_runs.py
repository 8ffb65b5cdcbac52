"""Decides when a brand pays its partners, and has the clock start the runs."""

from __future__ import annotations

from introducer.domain.payout_schedule import PayoutSchedule
from introducer.gateways.schedules import Schedules
from introducer.services.creation import Author, Clock
from introducer.services.set_payout_schedule import set_payout_schedule
from introducer.store.payout_schedules import PayoutSchedules


def schedule_runs(
    schedules: PayoutSchedules, clockwork: Schedules, schedule: PayoutSchedule, *, author: Author, clock: Clock
) -> PayoutSchedule:
    """The schedule as it is from now on, in the books first: what fires reads it there. When the clockwork does not
    answer, the same again puts it right.

    Raises what `set_payout_schedule` does, and what `Schedules.put` does.
    """
    stands = set_payout_schedule(schedules, schedule, author=author, clock=clock)
    clockwork.put(stands)
    return stands
