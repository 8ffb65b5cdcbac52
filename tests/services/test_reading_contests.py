"""What partners see of contests: those for them, whether they can join, and where they stand."""

from __future__ import annotations

from typing import Any

import pytest

from introducer.domain.board import Distance
from introducer.domain.configuration import Member, Status
from introducer.domain.contest import Conditions, Contest, ContestStatus
from introducer.domain.contest_rules import rules_hash
from introducer.domain.errors import Forbidden, NotFound
from introducer.services.join_contest import leave_contest
from introducer.services.read_board import read_board
from introducer.services.read_contests import (
    ContestOfPartner,
    contest_on_board,
    read_contest_of_partner,
    read_contests_of_partner,
)
from introducer.store.paging import Page
from tests.conftest import Tables
from tests.support.builders import at, cpa, revshare, terms
from tests.support.contest_builders import an_owner
from tests.support.planning import MANAGER, Planning

pytestmark = pytest.mark.in_memory

IN_POLAND = Conditions(countries=frozenset({"PL"}))


@pytest.fixture
def planning(tables: Tables) -> Planning:
    return Planning(tables)


def lists(planning: Planning, who: Member, cursor: str | None = None, limit: int = 25) -> Page[ContestOfPartner]:
    return read_contests_of_partner(
        planning.books, member=who, cursor=cursor, limit=limit, now=planning.now, pause=lambda seconds: None
    )


def one_of(planning: Planning, who: Member, contest: Contest) -> ContestOfPartner:
    return read_contest_of_partner(planning.books, member=who, contest=contest.contest, now=planning.now)


def on_board(planning: Planning, who: Member, contest: Contest) -> ContestOfPartner:
    board = read_board(
        planning.books, member=who, contest=contest.contest, division=None, page=1, now=planning.now,
        pause=lambda seconds: None,
    )  # fmt: skip
    return contest_on_board(planning.books, member=who, board=board, now=planning.now)


def told(seen: ContestOfPartner) -> dict[str, Any]:
    names = ("may_join", "why_not", "must_accept", "may_leave")
    return {name: getattr(seen, name) for name in names if getattr(seen, name)}


class TestTheList:
    def test_a_partner_sees_what_is_for_it_the_latest_start_first(self, planning: Planning) -> None:
        one = planning.somebody("par_1")
        first = planning.planned(contest="ctt_1")
        planning.planned(contest="ctt_poland", conditions=IN_POLAND, starts_at=at("2026-11-02"))
        planning.drafted(contest="ctt_draft", starts_at=at("2026-11-03"))
        second = planning.planned(contest="ctt_2", starts_at=at("2026-11-04"))
        assert [each.contest for each in lists(planning, one).items] == [second, first]
        # and page by page: what is left out leaves room
        sizes, cursor = [], None
        while True:
            page = lists(planning, one, cursor, limit=1)
            sizes.append(len(page.items))
            if (cursor := page.cursor) is None:
                break
        assert [size for size in sizes if size] == [1, 1]
        assert lists(planning, planning.somebody("par_far", brand="brd_far")).items == ()

    def test_it_says_where_the_partner_stands_in_what_runs(self, planning: Planning) -> None:
        one, two = planning.somebody("par_1"), planning.somebody("par_2")
        running, planned = (
            planning.planned(contest="ctt_1"),
            planning.planned(contest="ctt_2", starts_at=at("2026-11-02")),
        )
        for contest in (running, planned):
            planning.joins(contest, one)
        planning.joins(running, two)
        planning.now = at("2026-11-01")
        planning.starts(running)
        planning.scores(running, "par_1", ftd=2)
        planning.scores(running, "par_2", ftd=5)
        later, now = lists(planning, one).items
        assert later.own is None, "nothing is counted yet"
        assert now.own is not None
        assert (now.own.rank, now.own.score, now.own.next) == (2, 200, Distance(1, 300))
        assert now.entry is not None
        assert now.entry.takes_part

    def test_a_deal_is_asked_for_where_a_contest_does(self, planning: Planning) -> None:
        one = planning.somebody("par_1", terms(cpa()))
        planning.planned(contest="ctt_rev", conditions=Conditions(deals=frozenset({"revshare"})))
        cpas = planning.planned(contest="ctt_cpa", conditions=Conditions(deals=frozenset({"cpa"})))
        assert [each.contest for each in lists(planning, one).items] == [cpas]
        planning.accepts("par_1", terms(cpa(), revshare()), at("2026-10-20"))
        assert len(lists(planning, one).items) == 2

    def test_staff_have_a_list_of_their_own(self, planning: Planning) -> None:
        with pytest.raises(Forbidden):
            lists(planning, MANAGER)


class TestOneContest:
    def test_it_says_what_the_partner_can_do(self, planning: Planning) -> None:
        one, contest = planning.somebody("par_1"), planning.planned()
        seen = one_of(planning, one, contest)
        assert (told(seen), seen.rules, seen.entry) == ({"may_join": True}, rules_hash(contest), None)
        planning.joins(contest, one)
        assert told(one_of(planning, one, contest)) == {"may_leave": True}
        # when the rules change
        planning.moves(contest, ContestStatus.PLANNED, minimum=500)
        assert told(one_of(planning, one, contest)) == {"may_leave": True, "must_accept": True}
        planning.later(hours=1)
        planning.joins(contest, one)
        assert told(one_of(planning, one, contest)) == {"may_leave": True}
        # when it leaves
        leave_contest(planning.books, member=one, contest="ctt_1", now=planning.later(hours=1))
        assert told(one_of(planning, one, contest)) == {"may_join": True}
        # when it is over
        planning.moves(contest, ContestStatus.COUNTING)
        assert told(one_of(planning, one, contest)) == {"why_not": "participants_frozen"}

    def test_a_board_says_the_same_of_it(self, planning: Planning) -> None:
        one, contest = planning.somebody("par_1"), planning.planned()

        def same(changes: dict[str, Any]) -> None:
            planning.later(seconds=10)
            seen = on_board(planning, one, contest)
            assert told(seen) == told(one_of(planning, one, contest)) == changes
            assert (seen.own is None) == (not seen.entry or not seen.entry.takes_part)

        same({"may_join": True})
        planning.joins(contest, one)
        same({"may_leave": True})
        planning.moves(contest, ContestStatus.PLANNED, minimum=500)
        same({"may_leave": True, "must_accept": True})
        planning.joins(contest, one)
        planning.stands("par_1", Status.BLOCKED, planning.now)
        same({"may_leave": True})
        planning.moves(contest, ContestStatus.COUNTING)
        same({})
        leaving = planning.somebody("par_2")
        planning.moves(contest, ContestStatus.RUNNING)
        planning.joins(contest, leaving)
        leave_contest(planning.books, member=leaving, contest="ctt_1", now=planning.later(hours=1))
        assert told(on_board(planning, leaving, contest)) == {"may_join": True}

    def test_where_the_start_enters_everybody(self, planning: Planning) -> None:
        one, late = planning.somebody("par_1"), None
        contest = planning.planned(opt_in=False)
        assert told(one_of(planning, one, contest)) == {"why_not": "entered_at_start"}
        planning.now = contest.starts_at
        planning.starts(contest)
        late = planning.somebody("par_late")
        assert told(one_of(planning, one, contest)) == {"may_leave": True}
        assert told(one_of(planning, late, contest)) == {"why_not": "entered_at_start"}

    def test_after_the_end_nobody_joins_or_leaves(self, planning: Planning) -> None:
        one = planning.somebody("par_1")
        running = planning.running()
        planning.joins(running, one)
        planning.now = running.ends_at
        assert told(one_of(planning, one, running)) == {}
        assert told(one_of(planning, planning.somebody("par_2"), running)) == {"why_not": "contest_ended"}

    def test_others_contests_are_none(self, planning: Planning) -> None:
        one, contest = planning.somebody("par_1"), planning.planned(conditions=IN_POLAND)
        for who in (one, planning.somebody("par_far", country="PL", brand="brd_far")):
            with pytest.raises(NotFound):
                one_of(planning, who, contest)
        draft = planning.drafted(contest="ctt_2")
        with pytest.raises(NotFound):
            one_of(planning, one, draft)
        for name in ("ctt_none", "x" * 3000):
            with pytest.raises(NotFound):
                read_contest_of_partner(planning.books, member=an_owner("par_1"), contest=name, now=planning.now)
