"""How far a contest is, what its execution waits for, and what that is called."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.contest import Contest, ContestStatus, Metric
from introducer.domain.contest_waits import (
    Stage,
    execution_input,
    execution_name,
    is_overdue,
    next_moment,
    objections_end,
    reminder,
    stage,
    until_next,
    until_next_look,
)

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CONTEST = Contest(
    contest="ctt_01JDXAMPLE4K7QZD", brand="brd_1", name="Zima: wyścig!", weights=((Metric.FTD, 1_000),), currency="EUR",
    time_zone="Europe/Warsaw", starts_at=NOW + DAY, ends_at=NOW + 8 * DAY, status=ContestStatus.PLANNED,
    drafted_by="mem_1", drafted_at=NOW - DAY, approved_by="mem_2", approved_at=NOW,
)  # fmt: skip
OVER = NOW + 10 * DAY
PROVISIONAL = replace(CONTEST, status=ContestStatus.PROVISIONAL, objections_until=OVER)


@pytest.mark.parametrize(
    ("status", "days", "expected"),
    [
        (ContestStatus.DRAFT, 0, Stage.DRAFT),
        (ContestStatus.PLANNED, 0, Stage.BEFORE),
        (ContestStatus.PLANNED, 1, Stage.START),
        (ContestStatus.RUNNING, 8, Stage.RUNNING),
        # Late postbacks of the window come for a day.
        (ContestStatus.RUNNING, 9, Stage.FREEZE),
        (ContestStatus.COUNTING, 9, Stage.COUNT),
        (ContestStatus.PAYING, 13, Stage.PAY),
        (ContestStatus.DONE, 13, Stage.DONE),
        (ContestStatus.CANCELLED, 0, Stage.CANCELLED),
    ],
)
def test_an_execution_that_looks_goes_on_where_the_contest_stands(
    status: ContestStatus, days: int, expected: Stage
) -> None:
    assert stage(replace(CONTEST, status=status), NOW + days * DAY) is expected


def test_objections_without_an_answer_hold_the_result_for_a_week_and_remind_every_day() -> None:
    assert stage(PROVISIONAL, OVER - HOUR, waiting=2) is Stage.OBJECTIONS
    assert stage(PROVISIONAL, OVER, waiting=0) is Stage.FINISH
    assert stage(PROVISIONAL, OVER + 7 * DAY - HOUR, waiting=1) is Stage.OBJECTIONS
    assert stage(PROVISIONAL, OVER + 7 * DAY, waiting=1) is Stage.FINISH
    assert (objections_end(PROVISIONAL, 0), objections_end(PROVISIONAL, 1)) == (OVER, OVER + 7 * DAY)
    numbers = [reminder(PROVISIONAL, 1, OVER + hours * HOUR) for hours in (-1, 0, 23, 24, 49)]
    assert numbers == [0, 1, 1, 2, 3]
    assert reminder(PROVISIONAL, 0, OVER + DAY) == 0
    assert next_moment(PROVISIONAL, OVER + HOUR, waiting=1) == OVER + DAY
    assert until_next(PROVISIONAL, OVER - HOUR, waiting=1) == 3600


def test_an_approval_that_was_followed_by_another_one_is_no_business_of_its_execution_any_more() -> None:
    first = execution_input(CONTEST)["approved_at"]
    changed = replace(CONTEST, status=ContestStatus.DRAFT)
    again = replace(CONTEST, approved_at=NOW + HOUR)
    assert stage(CONTEST, NOW, approved_at=first) is Stage.BEFORE
    assert stage(changed, NOW, approved_at=first) is Stage.DRAFT
    assert stage(again, NOW, approved_at=first) is Stage.OTHER
    assert stage(again, NOW, approved_at=execution_input(again)["approved_at"]) is Stage.BEFORE
    # AWS starts none twice under one name.
    assert execution_name(again) != execution_name(CONTEST)
    # The books keep milliseconds: what is read again is the same approval.
    exact = replace(CONTEST, approved_at=NOW + timedelta(microseconds=1_234))
    kept = replace(CONTEST, approved_at=NOW + timedelta(milliseconds=1))
    assert execution_input(exact) == execution_input(kept)


@pytest.mark.parametrize("name", ["Zima: wyścig!", "شتاء", "", "A" * 200])
def test_an_execution_is_named_for_people_and_as_aws_takes_it(name: str) -> None:
    called = execution_name(replace(CONTEST, name=name))
    # What is started again is called `-r2`, and so on.
    assert re.fullmatch(r"[a-z0-9-]+-20261202-4K7QZD-1201T090000", called)
    assert len(f"{called}-r50") <= 80
    assert execution_name(CONTEST) == "zima-wyscig-20261202-4K7QZD-1201T090000"


@pytest.mark.parametrize(
    ("changed", "due"),
    [
        ({}, NOW + DAY),
        ({"status": ContestStatus.RUNNING}, NOW + 9 * DAY),
        ({"status": ContestStatus.COUNTING, "frozen_at": OVER}, OVER),
        ({"status": ContestStatus.PROVISIONAL, "objections_until": OVER}, OVER),
        ({"status": ContestStatus.PAYING, "finished_at": OVER}, OVER),
    ],
)
def test_a_contest_for_which_nobody_does_what_the_clock_has_come_to_is_late_after_an_hour(
    changed: dict[str, Any], due: datetime
) -> None:
    contest = replace(CONTEST, **changed)
    assert not is_overdue(contest, due + HOUR - timedelta(seconds=1))
    assert is_overdue(contest, due + HOUR)
    assert not is_overdue(PROVISIONAL, OVER + 7 * DAY, waiting=1)
    for status in (ContestStatus.DRAFT, ContestStatus.DONE, ContestStatus.CANCELLED):
        assert not is_overdue(replace(contest, status=status), due + 99 * DAY)


def test_looks_become_rarer() -> None:
    assert [until_next_look(NOW, NOW + days * DAY) for days in (0, 1, 30)] == [5, 10_800, 21_600]
