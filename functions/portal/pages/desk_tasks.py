"""`/desk`: what needs a person today, by partner, the most pressing first. `/desk/tasks/{partner}/{task}`: one of them,
its evidence and a proposed message, and what becomes of it. `/desk/partners/{partner}/tasks`: all tasks of a partner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

import words
from advice import Advice, advised
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import DESK, STAFF_HOME, Done, Who, page
from visit import N_, Visit

from introducer.domain.application import READERS as APPLICATION_READERS
from introducer.domain.calendar import plus_days
from introducer.domain.task import BY_PEOPLE, LONGEST_SNOOZE, Outcome, Task
from introducer.domain.trigger import Trigger, told
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.read_tasks import (
    WHOSE,
    PartnerInQueue,
    TaskShown,
    colleagues,
    default_whose,
    manager_name,
    read_queue,
    read_task,
    read_tasks_of_partner,
)
from introducer.services.work_task import finish_task, reassign_task, snooze_task
from introducer.wording.tasks import figure, proposed_message, proposed_subject, why
from pages.desk_broadcasts import to_approve
from pages.desk_messages import OF_PARTNER as MESSAGES

ONE = "/desk/tasks/{partner}/{task}"
OF_PARTNER = STAFF_HOME + "/{partner}/tasks"

words.WORDS |= {
    "task_kind": {
        "payout_failed": N_("Payout did not arrive"),
        "case_opened": N_("Case opened"),
        "documents_wait": N_("Documents wait"),
        "ftd_fell": N_("First deposits fell"),
        "near_cap": N_("Near a cap"),
        "near_tier": N_("Near a tier"),
        "near_goal": N_("Near a goal"),
        "dormant": N_("Gone quiet"),
        "first_ftd": N_("First client"),
        "contest_won": N_("Prize won"),
        "application_waits": N_("Application waits"),
    },
    "task_whose": {"mine": N_("Mine"), "all": N_("Everybody's")},
    "task_outcome": {
        "spoke": N_("I spoke to the partner"),
        "no_answer": N_("No answer"),
        "solved": N_("It is solved"),
        "not_needed": N_("Nothing was needed"),
        "passed": N_("It passed by itself"),
    },
    "task_does": {
        "payout_failed": N_("Look at the payee"),
        "case_opened": N_("Look at the case"),
        "documents_wait": N_("Check the documents"),
        "ftd_fell": N_("Write to the partner"),
        "near_cap": N_("Look at the deal"),
        "near_tier": N_("Write to the partner"),
        "near_goal": N_("Write to the partner"),
        "dormant": N_("Write to the partner"),
        "first_ftd": N_("Write to the partner"),
        "contest_won": N_("Write to the partner"),
        "application_waits": N_("Read the application"),
    },
}

Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Back = Annotated[str, StringConstraints(max_length=40)]


class _Step(BaseModel):
    """`whose` and `kind` say which queue a browser goes back to."""

    model_config = ConfigDict(extra="forbid")

    whose: Back = ""
    kind: Back = ""


class Finish(_Step):
    """What became of a task; `note` is for staff alone."""

    outcome: Short
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_200)] = ""


class Snooze(_Step):
    """Until which UTC day a task is put off."""

    until: Short


class Assignment(_Step):
    """The login of whose a task becomes."""

    to: Short


_ADVICE: Advice = {
    "invalid_outcome": ("outcome", N_("Choose what became of it.")),
    "invalid_note": ("note", N_("Write at most 1,000 characters.")),
    "invalid_until": ("until", N_("Choose a day from tomorrow on, within sixty days.")),
    "invalid_assignee": ("to", N_("Choose a colleague who can work it.")),
    "task_done": ("", N_("Somebody has done this task meanwhile.")),
    "conflict": ("", N_("This task changed meanwhile: look at it again, then repeat.")),
}


@page(
    DESK,
    "desk_tasks.html",
    who=Who.STAFF,
    columns=(
        ("partner", lambda row: row["partner"]),
        ("name", lambda row: row["name"]),
        ("attention", lambda row: row["attention"]),
        ("kind", lambda row: row["tasks"][0]["kind"]),
        ("why", lambda row: str(row["tasks"][0]["why"])),
        ("figure", lambda row: str(row["tasks"][0]["figure"])),
        ("due", lambda row: row["tasks"][0]["due"]),
        ("assignee", lambda row: row["tasks"][0]["assignee"]),
        ("tasks", lambda row: len(row["tasks"])),
    ),
)
def desk(visit: Visit) -> dict[str, Any]:
    """What needs a person today and is for who asks, by partner, the most pressing first. A hundred partners to a page;
    `whose` and `kind` narrow it."""
    assert visit.member is not None
    whose, kind = visit.query("whose") or default_whose(visit.member.role), visit.query("kind")
    subject = f"queue of {visit.member.member} {whose} {kind}"
    found = read_queue(
        visit.portal.configuration,
        visit.portal.tasks,
        member=visit.member,
        whose=whose,
        kind=kind,
        today=visit.today,
        after=visit.position(subject),
        limit=visit.limit(otherwise=100),
    )
    return {
        "whose": whose,
        "kind": kind,
        "filters": list(WHOSE),
        "kinds": [{"kind": trigger, "tasks": count} for trigger, count in found.kinds],
        "partners": found.of_partners,
        "tasks": found.of_tasks,
        "overdue": found.overdue,
        "asleep": found.asleep,
        "tomorrow": plus_days(visit.today, 1),
        "approvals": to_approve(visit),
        "items": [_row(visit, each) for each in found.partners],
        "next": visit.next(subject, found.next),
    }


@page(ONE, "desk_task.html", who=Who.STAFF)
def desk_task(visit: Visit, partner: str, task: str) -> dict[str, Any]:
    """One task, whatever became of it, with its evidence and a proposed message."""
    assert visit.member is not None
    portal = visit.portal
    found = read_task(
        portal.configuration, portal.tasks, member=visit.member, partner=partner, task=task, today=visit.today
    )
    people = colleagues(portal.configuration, visit.member, found.task.trigger) if found.may_work else []
    signed = manager_name(portal.configuration, found.task.assignee or visit.member.member)
    return _told(visit, found) | {
        "subject": proposed_subject(found.task),
        "message": proposed_message(found.task, signed=signed),
        "send_to": MESSAGES.format(partner=found.task.partner) if found.may_work else None,
        "language": found.task.language,
        "outcomes": list(BY_PEOPLE),
        "colleagues": [{"member": each.member, "name": each.name} for each in people],
        "tomorrow": plus_days(visit.today, 1),
        "latest": plus_days(visit.today, LONGEST_SNOOZE),
    }


@page(OF_PARTNER, "desk_tasks_of_partner.html", who=Who.STAFF)
def tasks_of_one(visit: Visit, partner: str) -> dict[str, Any]:
    """All tasks of a partner in the last 400 days, open ones first."""
    assert visit.member is not None
    owner = partner_of_brand(visit.portal.configuration, visit.member, partner)
    return {"partner": owner.partner, "name": owner.name, "items": tasks_for_page(visit, owner.partner)}


def tasks_for_page(visit: Visit, partner: str, *, still_open: bool = False) -> list[dict[str, Any]]:
    """A partner's tasks as `task_parts.html` shows them, for any page about the partner; all, or what is not done."""
    assert visit.member is not None
    found = read_tasks_of_partner(
        visit.portal.configuration, visit.portal.tasks, member=visit.member, partner=partner, today=visit.today
    )
    return [_told(visit, each) for each in found if not still_open or each.task.done_at is None]


@page(ONE + "/done", "desk_task.html", method="POST", who=Who.STAFF, again=desk_task, body=Finish)
def finish(visit: Visit, partner: str, task: str) -> Done:
    """Says what became of a task, which is done then."""
    return _step(visit, partner, task, Finish, finish_task, "done")


@page(ONE + "/snooze", "desk_task.html", method="POST", who=Who.STAFF, again=desk_task, body=Snooze)
def snooze(visit: Visit, partner: str, task: str) -> Done:
    """Hides a task until a UTC day within sixty days."""
    return _step(visit, partner, task, Snooze, snooze_task, "snoozed")


@page(ONE + "/assign", "desk_task.html", method="POST", who=Who.STAFF, again=desk_task, body=Assignment)
def assign(visit: Visit, partner: str, task: str) -> Done:
    """Gives a task to a colleague who may work it."""
    return _step(visit, partner, task, Assignment, reassign_task, "assigned")


def _row(visit: Visit, found: PartnerInQueue) -> dict[str, Any]:
    return {
        "partner": found.partner,
        "name": found.name,
        "attention": found.attention,
        "tasks": [_told(visit, each) for each in found.tasks],
    }


def _told(visit: Visit, shown: TaskShown) -> dict[str, Any]:
    task = shown.task
    return {
        "task": task.task,
        "partner": task.partner,
        "name": task.name,
        "kind": task.trigger,
        "why": why(visit.language, task),
        "figure": figure(visit.language, task),
        "evidence": told(task.evidence),
        "times": task.times,
        "earlier": [_of_before(visit, replace(task, evidence=each)) for each in task.earlier],
        "raised_at": task.raised_at,
        "due": task.due,
        "days_over": task.days_over(visit.today) if task.done_at is None else 0,
        "snoozed_until": task.snoozed_until if task.sleeps(visit.today) else None,
        "assignee": shown.assignee,
        "assignee_id": task.assignee,
        "attention": shown.attention,
        "status": task.status,
        "outcome": task.outcome,
        "note": task.note,
        "done_at": task.done_at,
        "done_by": _name(visit, task),
        "may_work": shown.may_work,
        "path": _path(visit, task),
        "leads_to": _leads_to(visit, task),
    }


def _of_before(visit: Visit, task: Task) -> dict[str, Any]:
    """What a task told before it happened again."""
    return {"figure": figure(visit.language, task), "evidence": told(task.evidence), "leads_to": _leads_to(visit, task)}


def _name(visit: Visit, task: Task) -> str:
    return "" if task.outcome in (None, Outcome.PASSED) else manager_name(visit.portal.configuration, task.done_by)


def _path(visit: Visit, task: Task) -> str:
    """Where a task is read: an application tells more of itself than a task does, and only to whom it is open."""
    if task.trigger is Trigger.APPLICATION_WAITS:
        return _leads_to(visit, task) if _reads_applications(visit) else ""
    return f"/desk/tasks/{task.partner}/{task.task}"


def _reads_applications(visit: Visit) -> bool:
    return visit.member is not None and visit.member.role in APPLICATION_READERS


def _leads_to(visit: Visit, task: Task) -> str:
    """Where what the task is about is done."""
    match task.trigger:
        case Trigger.APPLICATION_WAITS if _reads_applications(visit):
            return f"/desk/applications/{task.evidence['application']}"
        case Trigger.PAYOUT_FAILED | Trigger.DOCUMENTS_WAIT:
            return f"/desk/payees/{task.partner}"
        case Trigger.CASE_OPENED:
            return f"/desk/cases/{task.partner}/{task.evidence['case']}"
        case Trigger.NEAR_CAP:
            return f"{STAFF_HOME}/{task.partner}/deal"
        case _:
            return f"/desk/tasks/{task.partner}/{task.task}#message"


def _step(visit: Visit, partner: str, task: str, sent: type[_Step], act: Callable[..., Task], what: str) -> Done:
    """One step of a task, with what was sent for it. A browser is led back to the queue it came from, which says what
    was done."""
    assert visit.member is not None
    wish = visit.read(sent)
    with advised(wish, _ADVICE):
        after = act(
            visit.portal.configuration, visit.portal.tasks, member=visit.member, partner=partner, task=task,
            clock=visit.portal.now, **wish.model_dump(exclude={"whose", "kind"}),
        )  # fmt: skip
    back = {name: value for name, value in (("whose", wish.whose), ("kind", wish.kind)) if value}
    data = {
        "task": after.task,
        "status": after.status,
        "outcome": after.outcome,
        "assignee": after.assignee,
        "snoozed_until": after.snoozed_until or None,
        "due": after.due,
    }
    return Done(data, f"{DESK}?{urlencode(back | {'did': what})}")
