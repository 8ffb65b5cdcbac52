"""How long a run's execution waits: until it asks again for approval, and until it looks again for what was paid."""

from __future__ import annotations

from datetime import datetime, timedelta

from introducer.domain.payout import Run
from introducer.domain.payout_schedule import PayoutSchedule

FIRST_LOOK, LAST_LOOK = timedelta(minutes=1), timedelta(hours=6)
"""The shortest and the longest time between two looks."""
_SHARE = 8
"""Between two looks passes an eighth of the time since the run was approved: a provider answers within minutes, a bank
within days, and an execution of AWS has 25,000 events in its life."""


def until_next_question(run: Run, schedule: PayoutSchedule, now: datetime) -> int:
    """Seconds until it is time to remind the approvers, or the deadline has come."""
    asked = run.asked_at or now
    interval = timedelta(hours=schedule.remind_hours)
    reminder = asked + ((now - asked) // interval + 1) * interval
    deadline = run.deadline or asked + timedelta(hours=schedule.deadline_hours)
    return _seconds(min(reminder, deadline) - now)


def until_next_look(run: Run, now: datetime) -> int:
    """Seconds until it is time to look again: soon at first, then more and more rarely, and at the end of the days for
    which the run waits."""
    pause = min(max((now - (run.decided_at or now)) / _SHARE, FIRST_LOOK), LAST_LOOK)
    return _seconds(pause if run.confirm_by is None else min(pause, run.confirm_by - now))


def _seconds(wait: timedelta) -> int:
    """In whole seconds, and never less than one: whoever wakes too early would wait again."""
    return max(1, -(-wait // timedelta(seconds=1)))
