"""How long the execution of a run waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from introducer.domain.payout import Run, RunStatus
from introducer.domain.payout_schedule import Cadence, PayoutSchedule
from introducer.domain.run_waits import until_next_look, until_next_question

ASKED = datetime(2026, 11, 2, 6, tzinfo=UTC)
RUN = Run(
    brand="brd_01", run="2026-10-monthly", schedule="monthly", first="2026-10-01", through="2026-10-31",
    pay_day="2026-11-02", status=RunStatus.WAITING, started_at=ASKED, started_by="mem_a",
)  # fmt: skip
SCHEDULE = PayoutSchedule(
    brand="brd_01", schedule="monthly", cadence=Cadence.MONTHLY, time_zone="UTC", deadline_hours=60, remind_hours=24
)


@pytest.mark.parametrize(("hours", "wait"), [(0, 24), (23, 1), (24, 24), (30, 18), (48, 12), (59, 1)])
def test_approvers_are_reminded_at_whole_intervals_since_they_were_asked_and_the_deadline_is_met(
    hours: int, wait: int
) -> None:
    asked = replace(RUN, asked_at=ASKED, deadline=ASKED + timedelta(hours=60))
    assert until_next_question(asked, SCHEDULE, ASKED + timedelta(hours=hours)) == wait * 3600


def test_before_anybody_was_asked_it_is_a_whole_interval_and_after_the_deadline_no_time_at_all() -> None:
    assert until_next_question(RUN, SCHEDULE, ASKED) == 24 * 3600
    assert until_next_question(RUN, replace(SCHEDULE, deadline_hours=3), ASKED) == 3 * 3600
    late = replace(RUN, asked_at=ASKED, deadline=ASKED + timedelta(hours=60))
    assert until_next_question(late, SCHEDULE, ASKED + timedelta(hours=61)) == 1


def test_part_of_a_second_counts_as_a_whole_one() -> None:
    asked = replace(RUN, asked_at=ASKED, deadline=ASKED + timedelta(hours=60))
    assert until_next_question(asked, SCHEDULE, ASKED + timedelta(hours=23, microseconds=1)) == 3600


def test_a_run_that_waits_for_sixty_days_looks_soon_at_first_and_stays_far_from_the_limit_of_a_history() -> None:
    # given a run that was approved, and hears nothing for the longest time that a schedule may say
    run = replace(RUN, decided_at=ASKED, confirm_by=ASKED + timedelta(days=60))
    now, looks = ASKED, [ASKED]

    # when it looks whenever it is time
    while now < ASKED + timedelta(days=60):
        now += timedelta(seconds=until_next_look(run, now))
        looks.append(now)

    # then it looks each minute at first, at the end of its days for the last time, and some hundred times in all
    assert [each - ASKED for each in looks[:4]] == [timedelta(minutes=minutes) for minutes in range(4)]
    assert looks[-1] == ASKED + timedelta(days=60)
    # Wait two events, the step five, the choice two.
    assert 9 * len(looks) < 3_000
