"""The questions about tasks, asked of real tables; that each step is one transaction, and that a partner has at most
one open task of each trigger whatever happens at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Change, Partner, PartnerKind, Status
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.task import Mark, Outcome, Task, TaskStatus, done, raised, snoozed
from introducer.domain.trigger import Found, Trigger
from introducer.store.configuration import Configuration
from introducer.store.tasks import Tasks, mark_from_item, mark_to_item, task_from_item, task_to_item
from introducer.store.wire import from_wire, to_wire
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

BRAND = "brd_1"
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
CHANGE = Change(by="system:triggers", at=NOW, why="dormant")


@pytest.fixture
def tasks(tables: Tables) -> Tasks:
    return Tasks(tables.books)


def a_partner(partner: str = "par_1", **other: Any) -> Partner:
    return replace(
        Partner(
            partner=partner, brand=BRAND, name="Harbour #1 %", kind=PartnerKind.AFFILIATE, status=Status.ACTIVE,
            parent=None, manager="sub-manager", country="DE", language="ar", currency="EUR", email_hash=None,
            created=NOW,
        ),
        **other,
    )  # fmt: skip


def goes_off(trigger: Trigger = Trigger.DORMANT, about: str = "", **evidence: str | int) -> Found:
    return Found(trigger=trigger, about=about, evidence=evidence or {"dormant_days": 15})


def raises(tasks: Tasks, partner: str = "par_1", found: Found | None = None, **other: Any) -> Task:
    found = found or goes_off()
    mark, task = raised(tasks.marks(partner)[found.trigger], found, a_partner(partner, **other), NOW)
    tasks.raise_("raise_task", mark, task, CHANGE)
    return task


def finishes(tasks: Tasks, task: Task) -> Task:
    mark, after = done(tasks.marks(task.partner)[task.trigger], task, Outcome.SPOKE, "Wrote", "mem_1", NOW)
    tasks.step("finish_task", task, after, Change(by="mem_1", at=NOW, why="spoke"), mark)
    return after


def test_a_task_and_its_mark_are_in_their_items_whole() -> None:
    mark, task = raised(Mark(partner="par_1", trigger=Trigger.CONTEST_WON), goes_off(Trigger.CONTEST_WON, "b #2"),
                        a_partner(), NOW)  # fmt: skip
    _, after = done(mark, snoozed(task, "2026-12-02", "2026-11-30"), Outcome.NO_ANSWER, "«ü»", "mem_1", NOW)
    for each in (task, after):
        assert task_from_item(from_wire(to_wire(task_to_item(each)))) == each
    assert mark_from_item(from_wire(to_wire(mark_to_item(mark)))) == mark
    assert list(mark.about) == ["b #2"]


@pytest.mark.pattern("task_by_id")
def test_a_task_comes_back_as_it_was_raised_to_its_own_partner_only(tasks: Tasks) -> None:
    task = raises(tasks)

    assert tasks.task("par_1", task.task) == task
    for partner, name in (("par_2", task.task), ("par_1", "tsk_none"), ("par_1", "#"), ("par_1", "tsk_" + "0" * 3000)):
        with pytest.raises(NotFound):
            tasks.task(partner, name)


@pytest.mark.pattern("tasks_of_partner")
def test_a_partners_tasks_come_newest_first_with_what_became_of_them(tasks: Tasks) -> None:
    first = finishes(tasks, raises(tasks))
    later = NOW + timedelta(days=31)
    mark, second = raised(tasks.marks("par_1")[Trigger.DORMANT], goes_off(), a_partner(), later)
    tasks.raise_("raise_task", mark, second, replace(CHANGE, at=later))
    raises(tasks, "par_2")

    assert tasks.of_partner("par_1") == (second, first)
    assert tasks.of_partner("par_nobody") == ()


@pytest.mark.pattern("tasks_of_brand")
def test_the_queue_has_what_is_open_of_the_brand_and_a_snoozed_one_too(tasks: Tasks) -> None:
    others = [raises(tasks, f"par_{number}") for number in range(3)]
    finishes(tasks, others[1])
    asleep = snoozed(others[2], "2026-12-03", "2026-11-30")
    tasks.step("snooze_task", others[2], asleep, CHANGE)
    raises(tasks, "par_9", brand="brd_other")

    assert list(tasks.open_of_brand(BRAND)) == [others[0], asleep]
    assert list(tasks.open_of_brand("brd_none")) == []


def test_the_queue_is_read_beyond_a_page(tasks: Tasks) -> None:
    for number in range(130):
        raises(tasks, f"par_{number:03d}")
    assert len({task.partner for task in tasks.open_of_brand(BRAND)}) == 130


@pytest.mark.pattern("task_marks_of_partner")
def test_marks_say_what_is_open_and_what_rests(tasks: Tasks) -> None:
    task = raises(tasks, found=goes_off(Trigger.NEAR_GOAL, "goal_a"))
    assert tasks.marks("par_1")[Trigger.NEAR_GOAL].open == task.task
    finishes(tasks, task)

    marks = tasks.marks("par_1")
    assert list(marks) == list(Trigger)
    assert marks[Trigger.NEAR_GOAL].open == "" and marks[Trigger.NEAR_GOAL].rests("goal_a", "2030-01-01")
    assert not marks[Trigger.NEAR_GOAL].rests("goal_b", "2026-11-30")
    assert marks[Trigger.DORMANT] == Mark(partner="par_1", trigger=Trigger.DORMANT)


def test_of_two_that_raise_at_once_one_does_and_nothing_of_the_other_is_written(tables: Tables, tasks: Tasks) -> None:
    read = tasks.marks("par_1")[Trigger.DORMANT]
    raises(tasks)
    mark, twin = raised(read, goes_off(dormant_days=16), a_partner(), NOW + timedelta(minutes=1))
    with pytest.raises(Conflict):
        tasks.raise_("raise_task", mark, twin, replace(CHANGE, at=NOW + timedelta(minutes=1)))

    [task] = tasks.of_partner("par_1")
    assert task.evidence == {"dormant_days": 15}
    assert len(Configuration(tables.books).audit_of_subject("par_1").items) == 1


def test_a_step_over_what_changed_meanwhile_is_refused(tasks: Tasks) -> None:
    task = raises(tasks)
    finishes(tasks, task)
    with pytest.raises(Conflict):
        tasks.step("snooze_task", task, snoozed(task, "2026-12-03", "2026-11-30"), CHANGE)
    [after] = tasks.of_partner("par_1")
    assert after.status is TaskStatus.DONE


def test_each_step_is_on_record_without_what_somebody_wrote(tables: Tables, tasks: Tasks) -> None:
    finishes(tasks, raises(tasks))
    trail = Configuration(tables.books).audit_of_subject("par_1").items
    assert sorted(record.action for record in trail) == ["finish_task", "raise_task"]
    assert all(record.brand == BRAND for record in trail)
    assert not any("Wrote" in str(record) or "Harbour" in str(record) for record in trail)


def test_a_request_that_is_sent_again_is_answered_again(tasks: Tasks) -> None:
    task = raises(tasks)
    asleep = snoozed(task, "2026-12-03", "2026-11-30")
    for _ in range(2):
        tasks.step("snooze_task", task, asleep, CHANGE)
    assert tasks.task("par_1", task.task) == asleep
