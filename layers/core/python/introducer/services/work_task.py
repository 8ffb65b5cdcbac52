"""A member of staff works a task: puts it off, gives it to a colleague, or says what became of it."""

from __future__ import annotations

from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.events import day_of
from introducer.domain.task import (
    BY_PEOPLE,
    Outcome,
    Task,
    TaskStatus,
    check_worker,
    done,
    note_of,
    reassigned,
    snoozed,
)
from introducer.services.creation import Clock, now
from introducer.services.read_tasks import task_of_brand
from introducer.store.configuration import Configuration
from introducer.store.tasks import Tasks

_TRIES = 3


def snooze_task(
    configuration: Configuration, tasks: Tasks, *, member: Member, partner: str, task: str, until: str, clock: Clock
) -> Task:
    """The task, hidden until a UTC day. Again changes nothing. Raises `Forbidden`, `NotFound`, `Invalid` for a day that
    is not within sixty days, `Conflict` when it is done or changed meanwhile."""
    found = _task(tasks, member, partner, task)
    if found.status is TaskStatus.OPEN and found.snoozed_until == until:
        return found
    at = now(clock)
    after = snoozed(found, until, day_of(at))
    tasks.step("snooze_task", found, after, Change(by=member.member, at=at, why="put off"))
    return after


def reassign_task(
    configuration: Configuration, tasks: Tasks, *, member: Member, partner: str, task: str, to: str, clock: Clock
) -> Task:
    """The task in the queue of the login `to`. Again changes nothing. Raises `Forbidden`, `NotFound`, `Invalid` for
    somebody who cannot work it, `Conflict` when it is done or changed meanwhile."""
    found = _task(tasks, member, partner, task)
    try:
        colleague = configuration.member(to)
    except NotFound:
        raise Invalid("There is no such login: choose a colleague.", code="invalid_assignee") from None
    after = reassigned(found, colleague)
    if found.assignee == after.assignee:
        return found
    tasks.step("reassign_task", found, after, Change(by=member.member, at=now(clock), why="given to a colleague"))
    return after


def finish_task(
    configuration: Configuration,
    tasks: Tasks,
    *,
    member: Member,
    partner: str,
    task: str,
    outcome: str,
    note: str = "",
    clock: Clock,
) -> Task:
    """The task, done; from now on the same rests. Saying the same again changes nothing.

    Raises `Forbidden`, `NotFound`, `Invalid` for an outcome or a note that cannot be, `Conflict` with the code
    `task_done` when it was done otherwise.
    """
    if outcome not in BY_PEOPLE:
        raise Invalid(f"outcome is one of {', '.join(BY_PEOPLE)}.", code="invalid_outcome")
    for attempt in range(_TRIES):
        found = _task(tasks, member, partner, task)
        if found.status is TaskStatus.DONE and (found.outcome, found.note) == (outcome, note_of(note)):
            return found
        at = now(clock)
        mark, after = done(tasks.marks(partner)[found.trigger], found, Outcome(outcome), note, member.member, at)
        try:
            tasks.step("finish_task", found, after, Change(by=member.member, at=at, why=outcome), mark)
        except Conflict:
            # Something new of its kind came in at this moment, or a second press: look again.
            if attempt + 1 == _TRIES:
                raise
        else:
            return after
    raise AssertionError("unreachable")


def _task(tasks: Tasks, member: Member, partner: str, task: str) -> Task:
    found = task_of_brand(tasks, member, partner, task)
    check_worker(member.role, found)
    return found
