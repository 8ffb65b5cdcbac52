"""What needs a person today: a brand's open tasks by partner, what needs it most first; and all tasks of a partner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Invalid, Malformed, NotFound
from introducer.domain.task import Task, attention, check_reader
from introducer.domain.trigger import Trigger, kinds_of, works
from introducer.services.partner_of_brand import LONGEST_ID, partner_of_brand
from introducer.services.people import Names
from introducer.store.configuration import Configuration
from introducer.store.tasks import Tasks

MINE, ALL = "mine", "all"
WHOSE = (MINE, ALL)
_FURTHER = 3
"""What each further task of a partner adds to its place in the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskShown:
    """A task with the name of whose it is, and whether the reader may work it."""

    task: Task
    assignee: str
    """The name; empty where it is nobody's, or its login is gone."""
    attention: int
    may_work: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerInQueue:
    """A partner with all that needs a person, the most pressing first."""

    partner: str
    name: str
    attention: int
    tasks: tuple[TaskShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A page of the day's work."""

    partners: tuple[PartnerInQueue, ...]
    next: str | None
    """Where the next page begins; None after the last one."""
    of_partners: int
    """How many partners there are on all pages."""
    of_tasks: int
    overdue: int
    kinds: tuple[tuple[Trigger, int], ...]
    """How many tasks of each kind there are before the filter by kind, in the triggers' order."""
    asleep: int
    """How many are put off, and come back by themselves."""


def read_queue(
    configuration: Configuration,
    tasks: Tasks,
    *,
    member: Member,
    whose: str,
    kind: str,
    today: str,
    after: str | None = None,
    limit: int = 100,
) -> Queue:
    """A page of partners, by the tasks of kinds that this member works: what others do is not offered, nor counted.
    `whose` is `mine` (tasks of this member, and those of nobody) or `all`; an empty `kind` is every one. Read anew each
    time: one query per hundred open tasks of the brand.

    Raises `Forbidden` for staff without a queue, `Invalid` for a filter that there is not.
    """
    check_reader(member.role)
    if whose not in WHOSE:
        raise Invalid("whose is mine or all.", code="invalid_whose")
    if kind and kind not in list(Trigger):
        raise Invalid(f"kind is one of {', '.join(Trigger)}.", code="invalid_kind")
    offered = frozenset(kinds_of(member.role))
    found = [
        task
        for task in tasks.open_of_brand(member.brand)
        if task.trigger in offered and (whose == ALL or task.assignee in ("", member.member))
    ]
    awake = [task for task in found if not task.sleeps(today)]
    wanted = [task for task in awake if not kind or task.trigger == kind]
    names = Names(configuration)
    of_partner: dict[str, list[Task]] = defaultdict(list)
    for task in wanted:
        of_partner[task.partner].append(task)
    rows = sorted((_row(each, today) for each in of_partner.values()), key=lambda row: row[0])
    rest = [row for row in rows if after is None or row[0] > _opened(after)]
    page = rest[:limit]
    counts = {trigger: sum(task.trigger is trigger for task in awake) for trigger in Trigger}
    return Queue(
        partners=tuple(_in_queue(each, member.role, names, today) for _, each in page),
        next=_closed(page[-1][0]) if len(rest) > limit else None,
        of_partners=len(rows),
        of_tasks=len(wanted),
        overdue=sum(task.days_over(today) > 0 for task in wanted),
        kinds=tuple((trigger, count) for trigger, count in counts.items() if count),
        asleep=len(found) - len(awake),
    )


def read_task(
    configuration: Configuration, tasks: Tasks, *, member: Member, partner: str, task: str, today: str
) -> TaskShown:
    """One task of a partner of the member's brand. Raises `Forbidden`, `NotFound`."""
    check_reader(member.role)
    found = task_of_brand(tasks, member, partner, task)
    return _shown(found, member.role, Names(configuration), today)


def task_of_brand(tasks: Tasks, member: Member, partner: str, task: str) -> Task:
    """One task of a partner of the member's brand, or of somebody who would be one. Raises `NotFound`."""
    if len(partner) > LONGEST_ID:
        raise NotFound("There is no such task.")
    found = tasks.task(partner, task)
    if found.brand != member.brand:
        raise NotFound("There is no such task.")
    return found


def read_tasks_of_partner(
    configuration: Configuration, tasks: Tasks, *, member: Member, partner: str, today: str
) -> tuple[TaskShown, ...]:
    """All tasks about a partner of the last 400 days: open ones first by what they need, then done ones, newest first.
    Raises `Forbidden`, `NotFound`."""
    check_reader(member.role)
    owner = partner_of_brand(configuration, member, partner)
    names = Names(configuration)
    shown = [_shown(task, member.role, names, today) for task in tasks.of_partner(owner.partner)]
    opened = sorted((each for each in shown if each.task.done_at is None), key=lambda each: -each.attention)
    return (*opened, *(each for each in shown if each.task.done_at is not None))


def colleagues(configuration: Configuration, member: Member, trigger: Trigger) -> list[Member]:
    """Who of a brand's staff can be given a task of a kind, by name."""
    found = (each for each in configuration.every_colleague(member.brand) if works(each.role, trigger))
    return sorted(found, key=lambda each: (each.name, each.member))


def default_whose(role: Role) -> str:
    """What somebody sees first: a manager its own partners, others whatever they may work."""
    return MINE if role is Role.MANAGER else ALL


def manager_name(configuration: Configuration, member: str) -> str:
    """Who signs a proposed message; empty for a login that is gone."""
    try:
        return configuration.member(member).name if member else ""
    except NotFound:
        return ""


_Key = tuple[int, str, str]
"""What needs attention most first, then what is due first, then by partner: an order that pages can go on from."""


def _row(tasks: Sequence[Task], today: str) -> tuple[_Key, list[Task]]:
    ordered = sorted(tasks, key=lambda task: (-attention(task, today), task.due, task.task))
    points = attention(ordered[0], today) + _FURTHER * (len(ordered) - 1)
    return (-points, min(task.due for task in ordered), ordered[0].partner), ordered


def _closed(key: _Key) -> str:
    return f"{-key[0]} {key[1]} {key[2]}"


def _opened(text: str) -> _Key:
    points, due, partner = text.split(" ")
    if not points.isdigit():
        raise Malformed("This place in the list is no longer good: begin at the first page.", code="bad_cursor")
    return (-int(points), due, partner)


def _in_queue(tasks: Sequence[Task], role: Role, names: Names, today: str) -> PartnerInQueue:
    return PartnerInQueue(
        partner=tasks[0].partner,
        name=tasks[0].name,
        attention=-_row(tasks, today)[0][0],
        tasks=tuple(_shown(task, role, names, today) for task in tasks),
    )


def _shown(task: Task, role: Role, names: Names, today: str) -> TaskShown:
    return TaskShown(
        task=task,
        assignee=names.of(task.assignee),
        attention=attention(task, today),
        may_work=works(role, task.trigger) and task.done_at is None,
    )
