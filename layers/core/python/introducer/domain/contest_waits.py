"""How far a contest is, and how long its execution waits: what the state machine asks between its steps, and what its
execution is called.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from introducer.domain.console_names import slug
from introducer.domain.contest import Contest, ContestStatus

FIRST_LOOK, LAST_LOOK = timedelta(seconds=5), timedelta(hours=6)
"""The shortest and the longest time between two looks at something that others are to do."""
_SHARE = 8
"""Between two looks passes an eighth of the time since the first: an execution of AWS has 25,000 events in its life."""

LATE = timedelta(hours=1)
"""So long after its time a step should have been done, if there is an execution that does it."""

OBJECTIONS_LATEST = timedelta(days=7)
"""So long after the time for objections the result waits for answers; then it stands."""
REMIND = timedelta(hours=24)
"""Between two reminders of objections that nobody answered."""


class Stage(StrEnum):
    """Where an execution goes on that looks at its contest: the first time, woken, or started again."""

    DRAFT = "draft"
    """It went back to being a draft: the next approval starts an execution of its own."""
    OTHER = "other"
    """It was approved anew since, and the execution of that approval walks it."""
    BEFORE = "before"
    """The start is waited for."""
    START = "start"
    RUNNING = "running"
    """The end, and the time for late postbacks after it, are waited for."""
    FREEZE = "freeze"
    COUNT = "count"
    OBJECTIONS = "objections"
    """Objections are waited for, and after their time the answers to them."""
    FINISH = "finish"
    PAY = "pay"
    DONE = "done"
    CANCELLED = "cancelled"


def waits(contest: Contest) -> bool:
    """Whether an execution waits in this status for a moment or for people."""
    return contest.status in (ContestStatus.PLANNED, ContestStatus.RUNNING, ContestStatus.PROVISIONAL)


def stage(contest: Contest, now: datetime, *, waiting: int = 0, approved_at: str = "") -> Stage:
    """How far a contest is, of which `waiting` objections have no answer, for the execution of one approval
    (`execution_input`)."""
    if approved_at and approved_at != _approval(contest) and not contest.status.is_over:
        return Stage.DRAFT if contest.status is ContestStatus.DRAFT else Stage.OTHER
    match contest.status:
        case ContestStatus.DRAFT:
            return Stage.DRAFT
        case ContestStatus.PLANNED:
            return Stage.BEFORE if now < contest.starts_at else Stage.START
        case ContestStatus.RUNNING:
            return Stage.RUNNING if now < contest.counts_until else Stage.FREEZE
        case ContestStatus.COUNTING:
            return Stage.COUNT
        case ContestStatus.PROVISIONAL:
            latest = objections_end(contest, waiting)
            return Stage.OBJECTIONS if latest is not None and now < latest else Stage.FINISH
        case ContestStatus.PAYING:
            return Stage.PAY
        case ContestStatus.DONE:
            return Stage.DONE
        case ContestStatus.CANCELLED:
            return Stage.CANCELLED


def objections_end(contest: Contest, waiting: int) -> datetime | None:
    """Until when the result waits, with so many objections that nobody answered; None for one that has no result."""
    if contest.objections_until is None:
        return None
    return contest.objections_until + (OBJECTIONS_LATEST if waiting else timedelta())


def reminder(contest: Contest, waiting: int, now: datetime) -> int:
    """The number of the reminder it is time for: of objections that wait after their time; 0 for none."""
    if not waiting or contest.objections_until is None or now < contest.objections_until:
        return 0
    return 1 + (now - contest.objections_until) // REMIND


def next_moment(contest: Contest, now: datetime, *, waiting: int = 0) -> datetime:
    """What the clock comes to next, for a contest that waits; this moment for one that does not."""
    match contest.status:
        case ContestStatus.PLANNED:
            return contest.starts_at
        case ContestStatus.RUNNING:
            return contest.counts_until
        case ContestStatus.PROVISIONAL if contest.objections_until is not None:
            return contest.objections_until + reminder(contest, waiting, now) * REMIND
        case _:
            return now


def until_next(contest: Contest, now: datetime, *, waiting: int = 0) -> int:
    """Seconds until then."""
    return seconds(next_moment(contest, now, waiting=waiting) - now)


def is_overdue(contest: Contest, now: datetime, *, waiting: int = 0) -> bool:
    """Whether the clock came to something an hour ago that was not done."""
    match contest.status:
        case ContestStatus.PLANNED:
            due: datetime | None = contest.starts_at
        case ContestStatus.RUNNING:
            due = contest.counts_until
        case ContestStatus.COUNTING:
            due = contest.frozen_at
        case ContestStatus.PROVISIONAL:
            due = objections_end(contest, waiting)
        case ContestStatus.PAYING:
            due = contest.finished_at
        case _:
            return False
    return due is not None and now >= due + LATE


def until_next_look(since: datetime, now: datetime) -> int:
    """Seconds until it is time to look again at what others are to do, who began at `since`."""
    return seconds(min(max((now - since) / _SHARE, FIRST_LOOK), LAST_LOOK))


def seconds(wait: timedelta) -> int:
    """In whole seconds, and never less than one: whoever wakes too early would wait again."""
    return max(1, -(-wait // timedelta(seconds=1)))


def execution_name(contest: Contest) -> str:
    """What the execution of this approval is called, for whoever reads it in the AWS console: the contest, the day it
    starts, the end of its id, and when it was approved. At most 64 characters.

    Each approval has one of its own: AWS starts none twice under one name, and one whose contest went back to being a
    draft has ended.
    """
    approved = "" if contest.approved_at is None else f"-{contest.approved_at:%m%dT%H%M%S}"
    return f"{slug(contest.name, 32, 'contest')}-{contest.starts_at:%Y%m%d}-{contest.contest[-6:]}{approved}"


def execution_input(contest: Contest) -> dict[str, str]:
    """What its execution is given."""
    return {
        "brand": contest.brand,
        "contest": contest.contest,
        "name": contest.name,
        "approved_at": _approval(contest),
    }


def _approval(contest: Contest) -> str:
    # To the millisecond, as the books keep it.
    return "" if contest.approved_at is None else contest.approved_at.isoformat(timespec="milliseconds")
