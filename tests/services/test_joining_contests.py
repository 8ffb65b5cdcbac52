"""Partners join a contest whose rules they accepted, under a name of their own choice, and may leave before the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import PartnerKind, Status
from introducer.domain.contest import Conditions, Contest, ContestStatus, Division, Metric
from introducer.domain.contest_rules import default_name, rules_hash
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound
from introducer.services.join_contest import join_contest, leave_contest, rename_entry, size_before
from tests.conftest import Tables
from tests.support.builders import at, cpa, revshare, terms
from tests.support.contest_builders import a_contest, an_owner
from tests.support.planning import MANAGER, NOW, Planning

pytestmark = pytest.mark.in_memory

SIZES = (Division(name="Small"), Division(name="Middle", from_size=5), Division(name="Large", from_size=20))


@pytest.fixture
def planning(tables: Tables) -> Planning:
    return Planning(tables)


def refused(kind: type[IntroducerError], code: str) -> Any:
    return pytest.raises(kind, check=lambda error: error.code == code)


def leaves(planning: Planning, contest: Contest, partner: str) -> Any:
    return leave_contest(planning.books, member=an_owner(partner), contest=contest.contest, now=planning.now)


def renames(planning: Planning, contest: Contest, partner: str, name: str) -> Any:
    return rename_entry(
        planning.books,
        member=an_owner(partner),
        contest=contest.contest,
        shown_as=name,
        now=planning.later(seconds=1),
    )


class TestJoining:
    def test_a_partner_joins_under_a_neutral_name(self, planning: Planning) -> None:
        one, contest = planning.somebody("par_1"), planning.planned()
        entry = planning.joins(contest, one)
        assert (entry.joined_at, entry.shown_as, entry.rules, entry.joined_by, entry.division) == (
            NOW, default_name("ctt_1", "par_1"), rules_hash(contest), one.member, 0
        )  # fmt: skip
        assert "par_1 Ltd" not in entry.shown_as
        assert planning.books.contests.entry("ctt_1", "par_1") == entry
        assert planning.recorded("ctt_1/par_1") == [("join_contest", one.member, "November")]

    def test_joining_again_changes_nothing(self, planning: Planning) -> None:
        one, contest = planning.somebody("par_1"), planning.planned()
        entry = planning.joins(contest, one, "The best")
        planning.later(hours=1)
        assert planning.joins(contest, one, " The best ") == entry
        assert len(planning.recorded("ctt_1/par_1")) == 1

    def test_what_was_scored_before_counts(self, planning: Planning) -> None:
        one, running = planning.somebody("par_1"), planning.running()
        planning.scores(running, "par_1", ftd=3)
        planning.later(days=2)
        assert planning.joins(running, one).counted == {Metric.FTD: 3}
        found = planning.books.contests.entry("ctt_1", "par_1")
        assert found is not None
        assert (found.counted, found.takes_part) == ({Metric.FTD: 3}, True)

    def test_the_rules_that_are_accepted_are_those_that_hold(self, planning: Planning) -> None:
        one, contest = planning.somebody("par_1"), planning.planned()
        entry = planning.joins(contest, one)
        # when they change
        planning.moves(contest, ContestStatus.PLANNED, minimum=300)
        with refused(Conflict, "rules_changed"):
            join_contest(planning.books, member=one, contest="ctt_1", rules=entry.rules, shown_as="", now=planning.now)
        # then who joined takes part, and may accept the new ones
        assert planning.participants(contest) == {"par_1": 0}
        planning.later(hours=1)
        again = planning.joins(contest, one)
        assert again == replace(entry, rules=rules_hash(planning.found(contest)))

    def test_from_its_approval_to_its_end_and_not_after(self, planning: Planning) -> None:
        one, draft = planning.somebody("par_1"), planning.drafted()
        with pytest.raises(NotFound):
            planning.joins(draft, one)
        running = planning.moves(draft, ContestStatus.RUNNING)
        planning.now = running.ends_at
        with refused(Conflict, "contest_ended"):
            planning.joins(running, one)
        planning.now = running.ends_at - timedelta(milliseconds=1)
        assert planning.joins(running, one).takes_part
        planning.moves(running, ContestStatus.COUNTING)
        for act in (planning.joins, lambda contest, who: leaves(planning, contest, "par_1")):
            with refused(Conflict, "participants_frozen"):
                act(running, one)

    def test_staff_and_partners_of_others_do_not_join(self, planning: Planning) -> None:
        contest = planning.planned()
        with refused(Forbidden, "no_partner"):
            planning.joins(contest, MANAGER)
        with pytest.raises(NotFound):
            planning.joins(contest, an_owner("par_far", "brd_far"))

    def test_where_the_start_enters_everybody_nobody_joins(self, planning: Planning) -> None:
        one, contest = planning.somebody("par_1"), planning.planned(opt_in=False)
        with refused(Conflict, "entered_at_start"):
            planning.joins(contest, one)


class TestWhoMay:
    @pytest.mark.parametrize(
        ("conditions", "why"),
        [
            (Conditions(kinds=frozenset({PartnerKind.IB})), "other_kind"),
            (Conditions(countries=frozenset({"PL"})), "other_country"),
            (Conditions(managers=frozenset({"mem_manager"})), "other_manager"),
            (Conditions(partners=frozenset({"par_2"})), "not_named"),
            (Conditions(deals=frozenset({"revshare"})), "other_deal"),
        ],
    )
    def test_others_are_told_why_not(self, planning: Planning, conditions: Conditions, why: str) -> None:
        one = planning.somebody("par_1", terms(cpa()))
        planning.somebody("par_2", kind=PartnerKind.IB, country="PL", manager="mem_manager")
        contest = planning.planned(conditions=conditions)
        with pytest.raises(Forbidden) as refusal:
            planning.joins(contest, one)
        assert (refusal.value.code, refusal.value.facts) == ("not_for_you", {"reason": why})
        assert planning.books.contests.entry("ctt_1", "par_1") is None

    def test_a_deal_is_looked_at_as_it_is_at_the_start(self, planning: Planning) -> None:
        # given one that has a revenue share until the month before, and one that has one from then on
        one, two = planning.somebody("par_1", terms(revshare())), planning.somebody("par_2", terms(cpa()))
        planning.accepts("par_1", terms(cpa()), at("2026-11-01"))
        planning.accepts("par_2", terms(cpa(), revshare()), at("2026-11-01"))
        contest = planning.planned(conditions=Conditions(deals=frozenset({"revshare"})))
        # then
        with refused(Forbidden, "not_for_you"):
            planning.joins(contest, one)
        assert planning.joins(contest, two).takes_part

    def test_whoever_is_blocked_now_takes_no_part(self, planning: Planning) -> None:
        one, contest = planning.somebody("par_1"), planning.planned()
        planning.stands("par_1", Status.BLOCKED, at("2026-10-07"))
        assert planning.joins(contest, one).takes_part, "it is blocked the day after tomorrow"
        planning.now = at("2026-10-07")
        leaves(planning, contest, "par_1")
        with refused(Forbidden, "not_for_you"):
            planning.joins(contest, one)


class TestDivisions:
    def test_the_division_is_by_what_a_partner_brought_before_the_start(self, planning: Planning) -> None:
        one = planning.somebody("par_1")
        contest = planning.running(divisions=SIZES, size_days=30)
        # given clients on the first and the last day that count, and more around them
        for day, clients in (("2026-10-01", 9), ("2026-10-02", 2), ("2026-10-31", 3), ("2026-11-01", 99)):
            planning.brought("par_1", day, ftd=clients, qftd=50)
        assert size_before(planning.books.counts, contest, "par_1", contest.starts_at) == 5
        planning.later(days=3)
        assert planning.joins(contest, one).division == 1

    def test_who_joins_before_the_start_is_measured_then_and_stays(self, planning: Planning) -> None:
        one, contest = planning.somebody("par_1"), planning.planned(divisions=SIZES, size_by=Metric.QFTD)
        planning.brought("par_1", "2026-10-04", qftd=20, ftd=99)
        planning.brought("par_1", "2026-10-05", qftd=1)
        assert planning.joins(contest, one).division == 2
        # when it comes back after a quiet time
        planning.brought("par_1", "2026-10-04", qftd=0)
        leaves(planning, contest, "par_1")
        planning.later(days=1)
        # then it cannot choose a smaller one that way
        assert planning.joins(contest, one).division == 2

    def test_other_rules_measure_anew(self, planning: Planning) -> None:
        one, contest = planning.somebody("par_1"), planning.planned(divisions=SIZES)
        planning.brought("par_1", "2026-10-01", ftd=10)
        assert planning.joins(contest, one).division == 1
        planning.moves(contest, ContestStatus.PLANNED, divisions=(Division(name="S"), Division(name="L", from_size=99)))
        assert planning.joins(contest, one).division == 0


class TestNames:
    def test_a_name_is_chosen_and_changed(self, planning: Planning) -> None:
        one, contest = planning.somebody("par_1"), planning.planned()
        assert planning.joins(contest, one, "  The best ").shown_as == "The best"
        assert renames(planning, contest, "par_1", "Better").shown_as == "Better"
        assert renames(planning, contest, "par_1", "Better").shown_as == "Better"
        assert renames(planning, contest, "par_1", "").shown_as == default_name("ctt_1", "par_1")
        found = planning.books.contests.entry("ctt_1", "par_1")
        assert found is not None
        assert (found.shown_as, found.joined_at) == (default_name("ctt_1", "par_1"), NOW)

    @pytest.mark.parametrize(
        "name", ["the BEST", "Thebest", "Ｔhe best", "The\u00a0best", "The\u200b best", "\ufe0fThe b\u00adest"]
    )
    def test_nobody_looks_like_another(self, planning: Planning, name: str) -> None:
        one, two = planning.somebody("par_1"), planning.somebody("par_2")
        contest = planning.planned()
        planning.joins(contest, one, "The best")
        with refused(Conflict, "name_taken"):
            planning.joins(contest, two, name)
        planning.joins(contest, two, "Second")
        with refused(Conflict, "name_taken"):
            renames(planning, contest, "par_2", name)
        # when the first one leaves
        leaves(planning, contest, "par_1")
        # then its name is free
        assert renames(planning, contest, "par_2", "The best").shown_as == "The best"

    @pytest.mark.parametrize(
        "name", ["x", "x" * 41, "two\nlines", "\u202egnirts", "見" * 22, "\u200b\u200b\u200b", "x\u3164"]
    )
    def test_what_is_no_name_is_refused(self, planning: Planning, name: str) -> None:
        one, contest = planning.somebody("par_1"), planning.planned()
        with refused(Invalid, "invalid_name"):
            planning.joins(contest, one, name)


class TestLeaving:
    def test_who_leaves_takes_no_part_and_may_come_back(self, planning: Planning) -> None:
        one, contest = planning.somebody("par_1"), planning.planned()
        joined = planning.joins(contest, one)
        planning.later(hours=1)
        left = leaves(planning, contest, "par_1")
        assert (left, planning.participants(contest)) == (replace(joined, left_at=planning.now), {})
        planning.later(hours=1)
        assert leaves(planning, contest, "par_1") == left
        with refused(Conflict, "not_taking_part"):
            renames(planning, contest, "par_1", "Ghost")
        assert planning.joins(contest, one) == replace(joined, joined_at=planning.now)
        assert [each[0] for each in reversed(planning.recorded("ctt_1/par_1"))] == [
            "join_contest", "leave_contest", "join_contest"
        ]  # fmt: skip

    def test_who_never_joined_does_not_leave(self, planning: Planning) -> None:
        planning.somebody("par_1")
        contest = planning.planned()
        planning.scores(contest, "par_1", ftd=1)
        with refused(Conflict, "not_taking_part"):
            leaves(planning, contest, "par_1")

    def test_who_was_entered_may_leave_and_come_back(self, planning: Planning) -> None:
        one = planning.somebody("par_1")
        contest = planning.running(opt_in=False)
        planning.later(days=1)
        leaves(planning, contest, "par_1")
        assert planning.participants(contest) == {}
        assert planning.joins(contest, one).takes_part


def test_a_change_in_between_is_read_again(planning: Planning, monkeypatch: pytest.MonkeyPatch) -> None:
    one, contest = planning.somebody("par_1"), planning.planned()
    contests, once = planning.books.contests, []
    enter = contests.enter

    def meanwhile(*given: Any) -> bool:
        if not once:
            once.append(planning.moves(contest, ContestStatus.PLANNED, token="another"))
        return enter(*given)

    monkeypatch.setattr(contests, "enter", meanwhile)
    assert planning.joins(contest, one).takes_part
    # and rules that changed meanwhile are not accepted
    once.clear()
    two = planning.somebody("par_2")
    monkeypatch.setattr(
        contests, "enter", lambda *given: bool(planning.moves(contest, ContestStatus.PLANNED, minimum=7)) and False
    )
    with refused(Conflict, "rules_changed"):
        planning.joins(contest, two)
    assert planning.participants(contest) == {"par_1": 0}


def test_a_contests_name_is_not_a_partners(planning: Planning) -> None:
    names = {default_name(a_contest(contest=f"ctt_{number}").contest, "par_1") for number in range(50)}
    assert len(names) > 45, "who plays under a neutral name is another one in each contest"
