"""A contest starts when the clock has come to it, page by page; a crash anywhere is made good by starting again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Status
from introducer.domain.contest import MACHINE, Conditions, Contest, ContestStatus, Division, Every, Series
from introducer.domain.contest_rules import default_name, next_of_series
from introducer.domain.contest_waits import execution_input, execution_name
from introducer.domain.errors import Unavailable
from introducer.domain.mail import MailTemplate
from introducer.services import start_contest as module
from introducer.services.join_contest import leave_contest
from introducer.services.start_contest import start_contest
from introducer.store.contest_windows import ContestWindows
from introducer.store.mails import Mails
from tests.conftest import Tables
from tests.support.builders import BRAND, at, cpa, revshare, terms
from tests.support.planning import Planning

pytestmark = pytest.mark.in_memory

SIZES = (Division(name="Small"), Division(name="Large", from_size=5))
MONTHLY = Series(series="ctt_1", number=1, every=Every.MONTH)


@pytest.fixture
def planning(tables: Tables) -> Planning:
    return Planning(tables)


def at_its_start(planning: Planning, contest: Contest) -> Contest:
    planning.now = contest.starts_at
    return contest


class TestTheClock:
    def test_nothing_starts_before_its_time_or_without_approval(self, planning: Planning) -> None:
        planned = planning.planned()
        planning.now = planned.starts_at - timedelta(milliseconds=1)
        assert planning.starts(planned) == planned
        at_its_start(planning, planned)
        for status in (ContestStatus.DRAFT, ContestStatus.CANCELLED, ContestStatus.COUNTING):
            other = planning.moves(planned, status)
            assert planning.starts(other) == other

    def test_it_runs_from_its_start_on(self, planning: Planning) -> None:
        planned = at_its_start(planning, planning.planned())
        running = planning.starts(planned)
        assert running == replace(planned, status=ContestStatus.RUNNING, version=3)
        assert planning.recorded("ctt_1")[0] == ("start_contest", MACHINE, "November")
        # and a second start is none
        assert planning.starts(planned) == running

    def test_a_change_in_between_is_read_again(self, planning: Planning, monkeypatch: pytest.MonkeyPatch) -> None:
        planned = at_its_start(planning, planning.planned())
        move, met = planning.books.contests.move, []

        def meanwhile(before: Contest, after: Contest, *given: Any, **more: Any) -> Contest | None:
            if not met:
                met.append(move(before, replace(before, description="words"), None))
            return move(before, after, *given, **more)

        monkeypatch.setattr(planning.books.contests, "move", meanwhile)
        running = planning.starts(planned)
        assert (running.status, running.description) == (ContestStatus.RUNNING, "words")
        # when it never stands still
        move(running, replace(running, status=ContestStatus.PLANNED), None)
        monkeypatch.setattr(planning.books.contests, "move", lambda *given, **more: None)
        with pytest.raises(Unavailable):
            planning.starts(planned)


class TestEnteringEverybody:
    def test_all_who_may_are_entered_page_by_page_and_told(
        self, planning: Planning, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "PAGE", 4)
        monkeypatch.setattr(module, "ENTERED_AT_ONCE", 2)
        for number in range(10):
            planning.somebody(f"par_{number}", terms(revshare() if number % 2 else cpa()))
        planning.stands("par_3", Status.BLOCKED, at("2026-10-20"))
        planning.stands("par_5", Status.BLOCKED, at("2026-11-20"))
        planning.brought("par_7", "2026-10-31", ftd=5)
        contest = planning.planned(opt_in=False, divisions=SIZES, conditions=Conditions(deals=frozenset({"revshare"})))
        planning.scores(contest, "par_1", ftd=2)
        at_its_start(planning, contest)
        planning.later(minutes=1)
        # when
        cursors, cursor = [], None
        while True:
            started = start_contest(planning.books, planning.start, contest="ctt_1", cursor=cursor, now=planning.now)
            cursors.append(started.contest.status)
            if (cursor := started.cursor) is None:
                break
        # then
        assert planning.participants(contest) == {"par_1": 0, "par_5": 0, "par_7": 1, "par_9": 0}
        assert cursors == [ContestStatus.PLANNED, ContestStatus.PLANNED, ContestStatus.RUNNING]
        entry = planning.books.contests.entry("ctt_1", "par_1")
        assert entry is not None
        assert (entry.joined_at, entry.joined_by, entry.rules) == (contest.starts_at, MACHINE, "")
        assert (entry.shown_as, sum(entry.counted.values())) == (default_name("ctt_1", "par_1"), 2)
        [mail] = Mails(planning.tables.books).mails("par_7")
        assert mail.template is MailTemplate.CONTEST_ENTERED
        assert Mails(planning.tables.books).mails("par_3") == ()

    def test_a_crash_between_pages_is_made_good(self, planning: Planning, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "PAGE", 2)
        for number in range(5):
            planning.somebody(f"par_{number}")
        contest = at_its_start(planning, planning.planned(opt_in=False))
        first = start_contest(planning.books, planning.start, contest="ctt_1", cursor="", now=planning.now)
        assert (first.contest.status, first.cursor is None) == (ContestStatus.PLANNED, False)
        again = start_contest(planning.books, planning.start, contest="ctt_1", cursor="", now=planning.later(minutes=5))
        assert again == first, "nobody is entered twice"
        # when it is started from the beginning, the next day
        planning.later(days=1)
        running = planning.starts(contest)
        # then all are in it, since the start, and were told once
        assert running.status is ContestStatus.RUNNING
        entries = list(planning.books.contests.entries("ctt_1"))
        assert {entry.partner: entry.joined_at for entry in entries} == {
            f"par_{number}": contest.starts_at for number in range(5)
        }
        assert [len(Mails(planning.tables.books).mails(f"par_{number}")) for number in range(5)] == [1] * 5

    def test_who_left_is_left_alone(self, planning: Planning, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "PAGE", 1)
        one = planning.somebody("par_1")
        planning.somebody("par_2")
        contest = at_its_start(planning, planning.planned(opt_in=False))
        start_contest(planning.books, planning.start, contest="ctt_1", cursor=None, now=planning.now)
        leave_contest(planning.books, member=one, contest="ctt_1", now=planning.later(seconds=1))
        planning.starts(contest)
        assert planning.participants(contest) == {"par_2": 0}

    def test_nobody_takes_part_and_it_runs(self, planning: Planning) -> None:
        planning.somebody("par_1")
        running = planning.running(opt_in=False, conditions=Conditions(countries=frozenset({"PL"})))
        assert running.status is ContestStatus.RUNNING
        assert planning.participants(running) == {}


class TestLookingAgain:
    def test_who_joined_and_may_no_longer_leaves_at_the_start(self, planning: Planning) -> None:
        one, two = planning.somebody("par_1", terms(cpa())), planning.somebody("par_2", terms(cpa()))
        three = planning.somebody("par_3", terms(cpa()))
        contest = planning.planned(conditions=Conditions(deals=frozenset({"cpa"})))
        for who in (one, two, three):
            planning.joins(contest, who)
        # when one has another deal from the start on, and one was blocked
        planning.accepts("par_1", terms(revshare()), at("2026-11-01"))
        planning.stands("par_2", Status.BLOCKED, at("2026-10-20"))
        at_its_start(planning, contest)
        planning.starts(contest)
        # then
        assert planning.participants(contest) == {"par_3": 0}
        assert ("leave_at_start", MACHINE, "November") in planning.recorded("ctt_1")

    def test_who_joined_what_enters_everybody_now_is_looked_at_too(self, planning: Planning) -> None:
        # given two who joined the second division by themselves, and another one
        one, two = planning.somebody("par_1"), planning.somebody("par_2")
        planning.somebody("par_3")
        contest = planning.planned(divisions=SIZES)
        for partner in ("par_1", "par_2"):
            planning.brought(partner, "2026-10-01", ftd=25)
        for who in (one, two):
            planning.joins(contest, who)
        assert planning.participants(contest) == {"par_1": 1, "par_2": 1}
        # when there are fewer divisions, all who may are entered, and one of the two may not
        contest = planning.moves(contest, ContestStatus.PLANNED, opt_in=False, divisions=SIZES[:1])
        planning.stands("par_2", Status.BLOCKED, at("2026-10-20"))
        at_its_start(planning, contest)
        planning.starts(contest)
        # then
        assert planning.participants(contest) == {"par_1": 0, "par_3": 0}
        assert ("leave_at_start", MACHINE, "November") in planning.recorded("ctt_1")

    def test_divisions_that_changed_are_settled(self, planning: Planning) -> None:
        one, two = planning.somebody("par_1"), planning.somebody("par_2")
        contest = planning.planned(divisions=(Division(name="S"), Division(name="M", from_size=3), *SIZES[1:]))
        planning.brought("par_1", "2026-10-01", ftd=9)
        planning.joins(contest, one)
        planning.joins(contest, two)
        assert planning.participants(contest) == {"par_1": 2, "par_2": 0}
        planning.moves(contest, ContestStatus.PLANNED, divisions=SIZES)
        at_its_start(planning, contest)
        planning.starts(contest)
        assert planning.participants(contest) == {"par_1": 1, "par_2": 0}

    def test_words_that_changed_cost_nobody_its_place(self, planning: Planning) -> None:
        one, contest = planning.somebody("par_1"), planning.planned()
        planning.joins(contest, one)
        planning.moves(contest, ContestStatus.PLANNED, description="other words")
        at_its_start(planning, contest)
        planning.starts(contest)
        assert planning.participants(contest) == {"par_1": 0}


class TestTheSeries:
    def test_the_next_one_is_made_and_its_execution_started(self, planning: Planning) -> None:
        contest = planning.running(series=MONTHLY)
        following = next_of_series(contest)
        assert following is not None
        made = planning.found(following)
        assert made == following
        assert (made.starts_at, made.ends_at, made.status) == (
            at("2026-12-01"),
            at("2027-01-01"),
            ContestStatus.PLANNED,
        )
        assert planning.recorded(made.contest) == [("next_contest", MACHINE, "November")]
        assert planning.started[execution_name(made)] == execution_input(made)
        assert {each.contest for each in ContestWindows(planning.tables.books).of_brand(BRAND)} == {
            "ctt_1", made.contest
        }  # fmt: skip

    def test_a_crash_before_it_runs_makes_no_second_one(self, planning: Planning) -> None:
        contest = at_its_start(planning, planning.planned(series=MONTHLY))
        planning.refuses = Unavailable("down")
        with pytest.raises(Unavailable):
            planning.starts(contest)
        assert planning.found(contest).status is ContestStatus.PLANNED
        planning.refuses = None
        # when it is started again
        assert planning.starts(contest).status is ContestStatus.RUNNING
        assert len(list(planning.books.contests.all_of_brand(BRAND))) == 2
        assert len(planning.started) == 2

    def test_one_that_was_cancelled_is_not_made_again(self, planning: Planning) -> None:
        contest = at_its_start(planning, planning.planned(series=MONTHLY))
        planning.refuses = Unavailable("down")
        with pytest.raises(Unavailable):
            planning.starts(contest)
        following = next_of_series(contest)
        assert following is not None
        planning.moves(following, ContestStatus.CANCELLED)
        assert planning.starts(contest).status is ContestStatus.RUNNING
        assert planning.found(following).status is ContestStatus.CANCELLED

    def test_one_that_would_start_too_soon_is_passed_over(self, planning: Planning) -> None:
        contest = planning.planned(series=MONTHLY)
        planning.now = at("2026-12-01") - timedelta(minutes=9)
        planning.starts(contest)
        starts = sorted(each.starts_at for each in planning.books.contests.all_of_brand(BRAND))
        assert starts == [at("2026-11-01"), at("2027-01-01")]

    def test_the_last_one_has_no_next(self, planning: Planning) -> None:
        planning.running(series=replace(MONTHLY, until=1))
        assert len(list(planning.books.contests.all_of_brand(BRAND))) == 1
