"""What a trigger found becomes a task in the queue of the partner's manager; once, however often it is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from introducer.domain.configuration import Change, Partner
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import day_of, in_full_ms
from introducer.domain.task import Mark, Outcome, Task, TaskStatus, done, happened_again, raised
from introducer.domain.trigger import Found, Trigger
from introducer.store.tasks import Tasks

BY = "system:triggers"
_TRIES = 4


def raise_task(tasks: Tasks, partner: Partner, found: Found, now: datetime, mark: Mark | None = None) -> Task | None:
    """The task: a new one, or the open one of this trigger, which tells of it now. None where this very thing was
    raised before, and rests. `mark` is what was read of the trigger a moment ago.

    Raises `Unavailable`, and `Conflict` when others work at it all the time: in both cases come again.
    """
    at = in_full_ms(now)
    for attempt in range(_TRIES):
        mark = mark or tasks.marks(partner.partner)[found.trigger]
        if mark.rests(found.about, day_of(at)):
            return None
        before = open_task(tasks, mark)
        if before is not None and before.about == found.about:
            return None
        try:
            if before is None:
                mark, task = raised(mark, found, partner, at)
                tasks.raise_("raise_task", mark, task, Change(by=BY, at=at, why=found.trigger.value))
            else:
                mark, task = happened_again(mark, before, found, at)
                tasks.step("raise_task_again", before, task, Change(by=BY, at=at, why=found.trigger.value), mark)
        except Conflict:
            if attempt + 1 == _TRIES:
                raise
            mark = None
        else:
            return task
    raise AssertionError("unreachable")


def pass_task(tasks: Tasks, partner: str, trigger: Trigger, now: datetime) -> Task | None:
    """The open task of a trigger whose condition holds no longer, done; None where none is open."""
    at = in_full_ms(now)
    mark = tasks.marks(partner)[trigger]
    before = open_task(tasks, mark)
    if before is None:
        return None
    mark, task = done(mark, before, Outcome.PASSED, "", BY, at)
    try:
        tasks.step("pass_task", before, task, Change(by=BY, at=at, why="the condition holds no longer"), mark)
    except Conflict:
        # Somebody is at it: then it is theirs, and tomorrow's sweep looks again.
        return None
    return task


def follow_manager(tasks: Tasks, task: Task, manager: str, now: datetime) -> Task | None:
    """The open task in the queue of the partner's manager of today; None where it is there, or somebody gave it to
    whoever has it."""
    if task.given or task.assignee == manager:
        return None
    at = in_full_ms(now)
    after = replace(task, assignee=manager, version=task.version + 1)
    try:
        tasks.step("follow_manager", task, after, Change(by=BY, at=at, why="the partner has another manager"))
    except Conflict:
        # Somebody is at it: tomorrow's sweep looks again.
        return None
    return after


def open_task(tasks: Tasks, mark: Mark) -> Task | None:
    """The task that is open by a mark; None where none is, or it was erased."""
    if not mark.open:
        return None
    try:
        found = tasks.task(mark.partner, mark.open)
    except NotFound:
        return None
    return found if found.status is TaskStatus.OPEN else None
