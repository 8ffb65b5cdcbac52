"""Tasks: what a person is to do about a partner today, why, with which figures, and what became of it.

A partner has at most one open task of each trigger: what happens again is told by the one that is open. When it is
done the same rests for a while (`domain.trigger`), so that nobody is asked again next day. Snoozing hides a task until
a day; something new of its kind wakes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from introducer.domain.calendar import plus_days
from introducer.domain.configuration import Member, Partner, Role
from introducer.domain.errors import Conflict, Forbidden, Invalid
from introducer.domain.events import day_of
from introducer.domain.ids import derived_id
from introducer.domain.trigger import RULES, Evidence, Found, Trigger, rests_until, works

LONGEST_NOTE = 1_000
LONGEST_SNOOZE = 60
"""Days. What can wait longer than that is no task."""
REMEMBERED = 60
"""How many things a mark remembers that a trigger was raised about; of more, the oldest are forgotten first."""
MOST_EARLIER = 10
READERS = frozenset({Role.MANAGER, Role.FINANCE, Role.COMPLIANCE, Role.ADMIN})
"""Who reads the queue: a salesperson has the leads."""


class TaskStatus(StrEnum):
    OPEN = "open"
    DONE = "done"


class Outcome(StrEnum):
    """What became of a task."""

    SPOKE = "spoke"
    """Somebody wrote to the partner or called, and got an answer."""
    NO_ANSWER = "no_answer"
    SOLVED = "solved"
    """What stood still goes on."""
    NOT_NEEDED = "not_needed"
    PASSED = "passed"
    """The condition holds no longer; nobody had to do anything."""


BY_PEOPLE = tuple(each for each in Outcome if each is not Outcome.PASSED)
"""What a person can say of a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task with its story. Each step makes a new value, one version higher."""

    task: str
    brand: str
    partner: str
    name: str
    """The partner's, as it was when the task was raised: the queue shows a hundred of them."""
    language: str
    """The partner's: a proposed message is written in it."""
    trigger: Trigger
    about: str
    evidence: Evidence
    assignee: str
    """Whose it is; empty where the partner has no manager: then it is everybody's who may work it."""
    given: bool = False
    """Whether somebody gave it to whose it is: else it goes with the partner's manager."""
    raised_at: datetime
    due: str
    """The UTC day by which it should be done."""
    times: int = 1
    """How often it happened while the task was open."""
    earlier: tuple[Evidence, ...] = ()
    """The evidence of what happened before, while the task was open: other payouts that failed, other cases. The newest
    first; of more than ten the oldest are left out. Empty for a condition that may pass: it has its own turn again."""
    snoozed_until: str = ""
    """The UTC day on which it comes back; empty unless it sleeps."""
    status: TaskStatus = TaskStatus.OPEN
    outcome: Outcome | None = None
    note: str = ""
    """In the words of whoever worked it; for staff alone."""
    done_at: datetime | None = None
    done_by: str = ""
    version: int = 1

    def sleeps(self, today: str) -> bool:
        """Whether it is hidden on a UTC day."""
        return self.snoozed_until > today

    def days_over(self, today: str) -> int:
        """By how many days it is overdue; 0 when it is not."""
        return max(0, (date.fromisoformat(today) - date.fromisoformat(self.due)).days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is remembered of one trigger of one partner."""

    partner: str
    trigger: Trigger
    open: str = ""
    """The task that is open; empty where none is."""
    about: Mapping[str, str] = field(default_factory=dict)
    """What it was raised about, and until which UTC day that rests."""
    raised: int = 0
    """How many tasks there were: the next one's id follows from it."""
    version: int = 0

    def rests(self, about: str, today: str) -> bool:
        """Whether this very thing is not to be raised on a day."""
        return today < self.about.get(about, "")


def attention(task: Task, today: str) -> int:
    """How much a task needs a person: what its trigger weighs, and more for each day that it is overdue, up to six."""
    return RULES[task.trigger].weight + 5 * min(6, task.days_over(today))


# --------------------------------------------------------------------------------------------------------------- steps


def raised(mark: Mark, found: Found, partner: Partner, at: datetime) -> tuple[Mark, Task]:
    """The next task of a trigger, which is the partner's manager's; and the mark that says so."""
    rule, today = RULES[found.trigger], day_of(at)
    task = Task(
        task=derived_id("tsk", partner.partner, found.trigger.value, mark.raised + 1),
        brand=partner.brand,
        partner=partner.partner,
        name=partner.name,
        language=partner.language,
        trigger=found.trigger,
        about=found.about,
        evidence=found.evidence,
        assignee=partner.manager or "",
        raised_at=at,
        due=plus_days(today, rule.due_days),
    )
    after = replace(
        mark,
        open=task.task,
        about=_remembered(mark, found.about, rests_until(rule, today)),
        raised=mark.raised + 1,
        version=mark.version + 1,
    )
    return after, task


def happened_again(mark: Mark, task: Task, found: Found, at: datetime) -> tuple[Mark, Task]:
    """Something else of its kind happened while a task is open: it tells of that now, and wakes up. What it told before
    stays with it; or, where that is a condition that may pass, sleeps on until its day, and comes again if it still
    holds then."""
    rule, today = RULES[found.trigger], day_of(at)
    again = replace(
        task,
        about=found.about,
        evidence=found.evidence,
        times=task.times + 1,
        earlier=() if rule.passes else (task.evidence, *task.earlier)[:MOST_EARLIER],
        due=min(task.due, plus_days(today, rule.due_days)),
        snoozed_until="",
        version=task.version + 1,
    )
    about = dict(_remembered(mark, found.about, rests_until(rule, today)))
    if rule.passes:
        # Each sleeps by its own day: of two that are put off neither wakes the other.
        about[task.about] = task.snoozed_until
    return replace(mark, about=about, version=mark.version + 1), again


def done(mark: Mark, task: Task, outcome: Outcome, note: str, by: str, at: datetime) -> tuple[Mark, Task]:
    """The task after it was worked; from now on the same rests. Raises `Conflict` with the code `task_done` when it was
    done before, `Invalid` for a note that is too long."""
    _check_open(task)
    after = replace(
        task, status=TaskStatus.DONE, outcome=outcome, note=note_of(note), done_at=at, done_by=by, snoozed_until="",
        version=task.version + 1,
    )  # fmt: skip
    about = _remembered(mark, task.about, rests_until(RULES[task.trigger], day_of(at)))
    return replace(mark, open="", about=about, version=mark.version + 1), after


def snoozed(task: Task, until: str, today: str) -> Task:
    """The task, hidden until a UTC day. Raises `Conflict`, and `Invalid` with the code `invalid_until`."""
    _check_open(task)
    try:
        day = date.fromisoformat(until).isoformat()
    except ValueError:
        day = ""
    if not today < day <= plus_days(today, LONGEST_SNOOZE):
        raise Invalid(
            f"until is a UTC day from {plus_days(today, 1)} to {plus_days(today, LONGEST_SNOOZE)}.",
            code="invalid_until",
        )
    # It is not overdue while it was meant to sleep.
    return replace(task, snoozed_until=day, due=max(task.due, day), version=task.version + 1)


def reassigned(task: Task, to: Member) -> Task:
    """The task in somebody else's queue. Raises `Conflict`, and `Invalid` with the code `invalid_assignee` for somebody
    who cannot work it."""
    _check_open(task)
    if to.brand != task.brand or not works(to.role, task.trigger):
        raise Invalid("This login cannot work this task: choose a colleague who can.", code="invalid_assignee")
    return replace(task, assignee=to.member, given=True, version=task.version + 1)


def check_reader(role: Role) -> None:
    """Raises `Forbidden` for staff who have no queue."""
    if role not in READERS:
        raise Forbidden("Managers, finance, compliance and admins have tasks.", code="not_your_role")


def check_worker(role: Role, task: Task) -> None:
    """Raises `Forbidden` for a role that does not work this kind of task."""
    if not works(role, task.trigger):
        raise Forbidden("This task is for colleagues with another role: leave it to them.", code="not_your_role")


def note_of(text: str) -> str:
    """What is written about a task: at most 1,000 characters, or nothing. Raises `Invalid`."""
    text = text.strip()
    if len(text) > LONGEST_NOTE or any(ord(each) < 32 and each not in "\r\n\t" for each in text):
        raise Invalid(f"Write at most {LONGEST_NOTE} characters.", code="invalid_note")
    return text


def _check_open(task: Task) -> None:
    if task.status is not TaskStatus.OPEN:
        raise Conflict("This task was done already: read it again.", code="task_done")


def _remembered(mark: Mark, about: str, until: str) -> Mapping[str, str]:
    """The newest last."""
    kept = {name: day for name, day in mark.about.items() if name != about} | {about: until}
    return dict(list(kept.items())[-REMEMBERED:])
