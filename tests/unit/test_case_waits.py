"""How far a case is, what it is time for, and that no execution of one outgrows what AWS keeps of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.case import Case, CaseStatus, Verdict
from introducer.domain.case_waits import Due, Stage, due, stage, until_next_look, until_next_question

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
CASE = Case(
    case="cas_1", brand="brd_1", partner="par_1", name="Amberfield", status=CaseStatus.OPEN, opened_at=NOW,
    opened_by="system:scoring", why="Looks odd", detectors=(), clients=("c1",), decide_by=NOW + timedelta(days=7),
    escalate_by=NOW + timedelta(days=14),
)  # fmt: skip
NO = Verdict(at=NOW, by="mem_1", disallowed=True, code=None, why="Seen", clients=("c1",))
YES = Verdict(at=NOW, by="mem_1", disallowed=False, code=None, why="Seen", clients=())


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, Stage.VERDICT),
        ({"status": CaseStatus.ESCALATED}, Stage.VERDICT),
        ({"status": CaseStatus.RELEASED, "verdict": YES}, Stage.CARRY_OUT),
        ({"status": CaseStatus.RELEASED, "verdict": YES, "freed_at": NOW}, Stage.DONE),
        ({"status": CaseStatus.DISALLOWED, "verdict": NO}, Stage.CARRY_OUT),
        ({"status": CaseStatus.DISALLOWED, "verdict": NO, "freed_at": NOW}, Stage.MAY_APPEAL),
        # Whoever appeals at once still has the first verdict carried out first.
        ({"status": CaseStatus.APPEALED, "verdict": NO}, Stage.CARRY_OUT),
        ({"status": CaseStatus.APPEALED, "verdict": NO, "freed_at": NOW}, Stage.APPEALED),
        ({"status": CaseStatus.UPHELD, "verdict": NO, "freed_at": NOW, "second": NO}, Stage.CARRY_OUT),
        ({"status": CaseStatus.OVERTURNED, "verdict": NO, "freed_at": NOW, "second": YES}, Stage.CARRY_OUT),
        (
            {"status": CaseStatus.OVERTURNED, "verdict": NO, "freed_at": NOW, "second": YES, "second_at": NOW},
            Stage.DONE,
        ),
        ({"status": CaseStatus.RELEASED, "verdict": YES, "freed_at": NOW, "closed_at": NOW}, Stage.CLOSED),
    ],
)
def test_an_execution_that_is_started_again_goes_on_where_the_case_stands(
    changed: dict[str, Any], expected: Stage
) -> None:
    assert stage(replace(CASE, **changed)) is expected


@pytest.mark.parametrize(
    ("status", "days", "expected"),
    [
        (CaseStatus.OPEN, 6, Due.REMIND),
        (CaseStatus.OPEN, 7, Due.ESCALATE),
        (CaseStatus.ESCALATED, 7, Due.REMIND),
        (CaseStatus.ESCALATED, 14, Due.RELEASE),
        # Nothing ran for a week: the partner does not wait longer for that.
        (CaseStatus.OPEN, 14, Due.RELEASE),
        (CaseStatus.APPEALED, 13, Due.REMIND),
        (CaseStatus.APPEALED, 14, Due.OVERTURN),
        (CaseStatus.RELEASED, 20, Due.REMIND),
    ],
)
def test_the_clock_goes_on_at_its_deadlines(status: CaseStatus, days: int, expected: Due) -> None:
    assert due(replace(CASE, status=status), NOW + timedelta(days=days)) is expected


def test_looks_become_rarer_and_never_stop() -> None:
    assert until_next_look(NOW, NOW) == 5
    assert until_next_look(NOW, NOW + timedelta(minutes=8)) == 60
    assert until_next_look(NOW, NOW + timedelta(days=3)) == 6 * 3600


def test_people_are_asked_at_each_deadline_and_more_and_more_rarely_before() -> None:
    assert until_next_question(CASE, 5, NOW) == 60
    assert until_next_question(CASE, 48 * 3600, NOW) == 48 * 3600
    # The reminders of most brands are rarer than that.
    assert until_next_question(CASE, 48 * 3600, NOW + timedelta(days=4)) == 48 * 3600
    assert until_next_question(CASE, 3600, NOW + timedelta(days=4)) == 3 * 3600
    assert until_next_question(CASE, 48 * 3600, NOW + timedelta(days=6)) == 24 * 3600
    escalated = replace(CASE, status=CaseStatus.ESCALATED)
    assert until_next_question(escalated, 48 * 3600, NOW + timedelta(days=13)) == 24 * 3600


QUESTION, LOOK = 13, 9
"""Events of one question that nobody answers, and of one look: the states entered and left, and their tasks."""


def test_the_history_of_an_execution_stays_below_what_aws_keeps() -> None:
    # given the longest clocks that a policy takes, and somebody to be asked every minute
    open_case = replace(CASE, decide_by=NOW + timedelta(days=60), escalate_by=NOW + timedelta(days=120))
    escalated = replace(open_case, status=CaseStatus.ESCALATED)
    appealed = replace(
        CASE, status=CaseStatus.APPEALED, appealed_at=NOW, decide_by=NOW + timedelta(days=60),
        escalate_by=NOW + timedelta(days=60),
    )  # fmt: skip
    events = 500
    for case, began in ((open_case, NOW), (escalated, open_case.decide_by), (appealed, NOW)):
        # when nobody decides
        now = began
        while due(case, now) is Due.REMIND:
            now += timedelta(seconds=until_next_question(case, 60, now))
            events += QUESTION
    for _ in range(4):
        # and the engine takes as long as it is waited for, and then a payout does; and again after the appeal
        now = NOW
        while now < NOW + timedelta(days=30):
            now += timedelta(seconds=until_next_look(NOW, now))
            events += LOOK
    assert 10_000 < events < 20_000
