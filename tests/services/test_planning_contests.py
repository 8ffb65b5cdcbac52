"""Contests are drafted by one person and approved by another, and change as far as that is fair."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Role
from introducer.domain.contest import Conditions, Contest, ContestStatus, Division, Every, Metric, Series
from introducer.domain.contest_waits import execution_input, execution_name
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound, Unavailable
from introducer.domain.events import milliseconds
from introducer.services.approve_contest import approve_contest
from introducer.services.change_contest import change_contest, close_early, extend_contest
from introducer.services.draft_contest import draft_contest
from introducer.store.contest_windows import NEVER, ContestWindows
from introducer.store.rates import RateStore
from tests.conftest import Tables
from tests.support.builders import BRAND, at
from tests.support.contest_builders import a_contest, fixed, share
from tests.support.payouts import a_member
from tests.support.planning import ADMIN, FINANCE, MANAGER, NOW, SALES, STRANGER, Planning

pytestmark = pytest.mark.in_memory


@pytest.fixture
def planning(tables: Tables) -> Planning:
    return Planning(tables)


def approves(planning: Planning, contest: Contest, **other: Any) -> Contest:
    given: dict[str, Any] = {"member": FINANCE, "version": contest.version, "now": planning.now}
    return approve_contest(planning.books, planning.start, contest=contest.contest, **given | other)


def changes(planning: Planning, contest: Contest, **settings: Any) -> Contest:
    member, why = settings.pop("member", MANAGER), settings.pop("why", "as the brand wishes")
    return change_contest(
        planning.books, planning.wake, member=member, contest=contest.contest, version=contest.version,
        changes=replace(contest, **settings), why=why, now=planning.now,
    )  # fmt: skip


def ends(planning: Planning, act: Any, contest: Contest, ends_at: datetime, **other: Any) -> Contest:
    given: dict[str, Any] = {"member": MANAGER, "version": contest.version, "why": "a holiday", "now": planning.now}
    return act(planning.books, planning.wake, contest=contest.contest, ends_at=ends_at, **given | other)


def refused(kind: type[IntroducerError], code: str) -> Any:
    return pytest.raises(kind, check=lambda error: error.code == code)


class TestDrafting:
    def test_a_draft_is_what_was_given_and_who_gave_it(self, planning: Planning) -> None:
        # given settings that say more than settings
        given = a_contest(
            fixed(1, 500), contest="", brand="brd_other", status=ContestStatus.DONE, version=7, drafted_by="mem_x",
            approved_by="mem_x", token="t", archive="x", frozen_at=NOW, why_over="w",
        )  # fmt: skip
        # when
        draft = draft_contest(planning.books, member=MANAGER, draft=given, now=NOW)
        # then
        assert draft == a_contest(fixed(1, 500), contest=draft.contest, drafted_by=MANAGER.member, drafted_at=NOW)
        assert planning.found(draft) == draft
        assert planning.recorded(draft.contest) == [("draft_contest", MANAGER.member, "November")]
        assert planning.started == {}
        assert ContestWindows(planning.tables.books).of_brand(BRAND) == (), "nothing scores in a draft"

    def test_the_same_draft_again_is_one(self, planning: Planning) -> None:
        first = planning.drafted(contest="")
        assert planning.drafted(contest="") == first
        again = draft_contest(planning.books, member=MANAGER, draft=first, now=planning.later(hours=1))
        assert again == first
        for other in (replace(first, name="other"), replace(first, minimum=100)):
            with refused(Conflict, "contest_exists"):
                draft_contest(planning.books, member=MANAGER, draft=other, now=planning.now)
        with refused(Conflict, "contest_exists"):
            draft_contest(planning.books, member=ADMIN, draft=first, now=planning.now)

    def test_planners_draft_and_nobody_else(self, planning: Planning) -> None:
        for member in (FINANCE, SALES, a_member(Role.COMPLIANCE, "mem_c", BRAND)):
            with refused(Forbidden, "contest_role"):
                draft_contest(planning.books, member=member, draft=a_contest(), now=NOW)

    @pytest.mark.parametrize(
        ("settings", "code"),
        [
            ({"ends_at": at("2026-10-31")}, "ends_before_start"),
            ({"divisions": (Division(name="", prizes=(fixed(1, 5, 3), fixed(3, 2))),)}, "places_overlap"),
            ({"divisions": (Division(name="", pool=100, prizes=(share(1, 60), share(2, 50))),)}, "pool_over_100"),
            ({"divisions": (Division(name="", pool=100, prizes=(share(1, 60),)),)}, "pool_under_100"),
            ({"conditions": Conditions(partners=frozenset({"par_none"}))}, "unknown_partner"),
            ({"conditions": Conditions(managers=frozenset({SALES.member}))}, "unknown_manager"),
        ],
    )
    def test_what_cannot_be_is_refused_with_the_reason(
        self, planning: Planning, settings: dict[str, Any], code: str
    ) -> None:
        with refused(Invalid, code):
            planning.drafted(**settings)
        assert list(planning.books.contests.all_of_brand(BRAND)) == []

    def test_the_currency_is_the_brands_own_or_one_with_rates(self, planning: Planning) -> None:
        rates = RateStore(planning.tables.books)
        for currency in ("USD", "KZT"):
            with refused(Invalid, "no_rates"):
                planning.drafted(currency=currency)
        rates.put_day("ECB", "2026-10-02", {"USD": "1.17"})
        rates.put_day("ECB", "2026-10-03", {})
        with refused(Invalid, "no_rates"):
            planning.drafted(currency="KZT")
        draft = planning.drafted(currency="USD")
        with refused(Invalid, "no_rates"):
            changes(planning, draft, currency="KZT")
        # whoever approves it is told when that is no more so
        rates.put_day("ECB", "2026-10-04", {"GBP": "0.87"})
        with refused(Invalid, "no_rates"):
            approves(planning, draft)
        assert approves(planning, changes(planning, draft, currency="EUR")).currency == "EUR"

    def test_those_who_are_named_are_the_brands(self, planning: Planning) -> None:
        planning.somebody("par_1")
        named = Conditions(partners=frozenset({"par_1"}), managers=frozenset({MANAGER.member}))
        assert planning.drafted(conditions=named).conditions == named

    def test_a_series_is_one_of_its_own(self, planning: Planning) -> None:
        draft = planning.drafted(series=Series(series="ctt_other", number=5, every=Every.MONTH))
        assert draft.series == Series(series=draft.contest, number=1, every=Every.MONTH)


class TestApproving:
    def test_a_second_person_approves_and_it_runs_by_the_clock(self, planning: Planning) -> None:
        draft = planning.drafted()
        planned = approves(planning, draft)
        assert planned == replace(
            draft, status=ContestStatus.PLANNED, version=2, approved_by=FINANCE.member, approved_at=NOW
        )
        assert planning.found(draft) == planned
        assert planning.recorded("ctt_1")[0] == ("approve_contest", FINANCE.member, "November")
        assert planning.started == {execution_name(planned): execution_input(planned)}
        [window] = ContestWindows(planning.tables.books).of_brand(BRAND)
        assert (window.contest, window.metrics, window.frozen) == ("ctt_1", {Metric.FTD}, False)

    def test_who_drafted_it_does_not_approve_it_nor_does_everybody(self, planning: Planning) -> None:
        draft = draft_contest(planning.books, member=ADMIN, draft=a_contest(), now=NOW)
        with refused(Forbidden, "same_person"):
            approves(planning, draft, member=ADMIN)
        with refused(Forbidden, "contest_role"):
            approves(planning, draft, member=MANAGER)
        with pytest.raises(NotFound):
            approves(planning, draft, member=STRANGER)
        assert planning.found(draft) == draft

    def test_what_is_approved_is_what_was_read(self, planning: Planning) -> None:
        draft = planning.drafted()
        changed = changes(planning, draft, minimum=100)
        with refused(Conflict, "contest_changed"):
            approves(planning, draft)
        assert approves(planning, changed).status is ContestStatus.PLANNED

    def test_engines_know_of_it_before_it_starts(self, planning: Planning) -> None:
        draft = planning.drafted()
        with refused(Invalid, "start_too_soon"):
            approves(planning, draft, now=draft.starts_at - timedelta(minutes=9, seconds=59))
        assert approves(planning, draft, now=draft.starts_at - timedelta(minutes=10))

    def test_where_the_execution_could_not_be_started_the_approval_again_does(self, planning: Planning) -> None:
        draft = planning.drafted()
        planning.refuses = Unavailable("down")
        with pytest.raises(Unavailable):
            approves(planning, draft)
        planning.refuses = None
        # when
        planned = approves(planning, draft)
        # then it is the same approval, and has its execution
        assert (planned.version, planned.approved_at) == (2, NOW)
        assert planning.started == {execution_name(planned): execution_input(planned)}
        assert approves(planning, draft, now=planning.later(hours=1)) == planned
        assert len(planning.started) == 1

    def test_another_one_approves_no_more(self, planning: Planning) -> None:
        draft = planning.drafted()
        approves(planning, draft)
        with refused(Conflict, "not_a_draft"):
            approves(planning, draft, member=ADMIN)


class TestChanging:
    def test_a_draft_changes_freely(self, planning: Planning) -> None:
        draft = planning.drafted()
        planning.later(hours=1)
        changed = changes(planning, draft, name="December", weights=((Metric.LOTS, 1000),), starts_at=at("2026-11-02"))
        assert (changed.name, changed.version, changed.status) == ("December", 2, ContestStatus.DRAFT)
        assert planning.recorded("ctt_1")[0] == ("change_contest", MANAGER.member, "as the brand wishes")
        assert planning.found(draft) == changed
        assert ContestWindows(planning.tables.books).of_brand(BRAND) == ()

    def test_the_same_settings_change_nothing(self, planning: Planning) -> None:
        draft = planning.drafted()
        changed = changes(planning, draft, minimum=100)
        # when the request comes again, with the version that it had looked at
        assert changes(planning, draft, minimum=100) == changed
        assert len(planning.recorded("ctt_1")) == 2
        # and what says who it is and how far is nobody's to change
        assert changes(planning, changed, status=ContestStatus.DONE, brand="x", archive="x", token="x") == changed

    def test_an_older_look_changes_nothing(self, planning: Planning) -> None:
        draft = planning.drafted()
        changes(planning, draft, minimum=100)
        with refused(Conflict, "contest_changed"):
            changes(planning, draft, minimum=200)

    def test_whoever_changes_the_money_of_a_draft_has_drafted_it(self, planning: Planning) -> None:
        draft = planning.drafted()
        assert changes(planning, draft, member=ADMIN, description="words").drafted_by == MANAGER.member
        dearer = changes(
            planning, planning.found(draft), member=ADMIN, divisions=(Division(name="", prizes=(fixed(1, 9),)),)
        )
        assert dearer.drafted_by == ADMIN.member
        with refused(Forbidden, "same_person"):
            approves(planning, dearer, member=ADMIN)

    def test_a_planned_one_changes_but_for_the_money_and_wakes_its_execution(self, planning: Planning) -> None:
        planned = planning.moves(planning.planned(), ContestStatus.PLANNED, token="token")
        changed = changes(planning, planned, starts_at=at("2026-11-03"), weights=((Metric.DEPOSITS, 1000),))
        assert changed.status is ContestStatus.PLANNED
        assert planning.woken == [("token", "changed")]
        [window] = ContestWindows(planning.tables.books).of_brand(BRAND)
        assert (window.metrics, window.start) == ({Metric.DEPOSITS}, int(at("2026-11-03").timestamp() * 1000))
        with refused(Invalid, "start_too_soon"):
            changes(planning, changed, starts_at=planning.now + timedelta(minutes=9))

    def test_what_costs_something_else_is_approved_anew_by_another_person(self, planning: Planning) -> None:
        planned = planning.planned()
        first = set(planning.started)
        dearer = changes(planning, planned, member=ADMIN, divisions=(Division(name="", prizes=(fixed(1, 900),)),))
        # then it is a draft, and nothing scores in it
        assert (dearer.status, dearer.approved_by, dearer.drafted_by) == (ContestStatus.DRAFT, None, ADMIN.member)
        assert [each.start for each in ContestWindows(planning.tables.books).of_brand(BRAND)] == [NEVER]
        with refused(Forbidden, "same_person"):
            approves(planning, dearer, member=ADMIN)
        # when it is approved
        approves(planning, dearer, now=planning.later(hours=1))
        # then it scores, and an execution of its own walks it
        starts = milliseconds(planned.starts_at)
        assert [each.start for each in ContestWindows(planning.tables.books).of_brand(BRAND)] == [starts]
        assert len(planning.started.keys() - first) == 1

    def test_a_pool_is_not_narrowed_down_to_a_friend_by_who_approves_it(self, planning: Planning) -> None:
        planning.somebody("par_friend")
        friend = Conditions(partners=frozenset({"par_friend"}))
        # given an approved contest that is for a friend alone now
        changed = changes(planning, planning.planned(), conditions=friend)
        # then another person approves that
        assert (changed.status, changed.drafted_by) == (ContestStatus.DRAFT, MANAGER.member)
        # and it is the same with a draft of another's
        draft = planning.drafted(contest="ctt_2")
        narrowed = changes(planning, draft, member=ADMIN, conditions=friend)
        with refused(Forbidden, "same_person"):
            approves(planning, narrowed, member=ADMIN)
        assert approves(planning, narrowed).approved_by == FINANCE.member

    @pytest.mark.parametrize(
        ("settings", "code"),
        [
            ({"weights": ((Metric.LOTS, 1000),)}, "metric_changed_after_start"),
            ({"starts_at": at("2026-11-20")}, "start_changed_after_start"),
            ({"conditions": Conditions(countries=frozenset({"PL"}))}, "participants_changed_after_start"),
            ({"divisions": (Division(name="", prizes=(fixed(1, 5),)),)}, "prizes_changed_after_start"),
            ({"minimum": 5}, "rules_changed_after_start"),
        ],
    )
    def test_once_it_runs_it_stays_as_it_was(self, planning: Planning, settings: dict[str, Any], code: str) -> None:
        running = planning.running()
        with refused(Conflict, code):
            changes(planning, running, **settings)
        changed = changes(planning, running, description="words", public=True, shown=3, ends_at=at("2026-12-02"))
        assert changed.status is ContestStatus.RUNNING
        assert planning.found(running) == changed

    def test_once_it_is_counted_nothing_changes(self, planning: Planning) -> None:
        frozen = planning.moves(planning.running(), ContestStatus.COUNTING)
        with refused(Conflict, "contest_frozen"):
            changes(planning, frozen, description="words")
        with refused(Conflict, "participants_frozen"):
            changes(planning, frozen, conditions=Conditions(countries=frozenset({"PL"})))

    def test_who_may_not_and_without_a_reason(self, planning: Planning) -> None:
        draft = planning.drafted()
        with refused(Forbidden, "contest_role"):
            changes(planning, draft, member=FINANCE, shown=1)
        with pytest.raises(NotFound):
            changes(planning, draft, member=STRANGER, shown=1)
        with refused(Invalid, "reason_needed"):
            changes(planning, draft, why="", shown=1)


class TestEndingAtAnotherTime:
    def test_it_ends_later_or_sooner_and_its_execution_looks_again(self, planning: Planning) -> None:
        running = planning.moves(planning.running(), ContestStatus.RUNNING, token="token")
        longer = ends(planning, extend_contest, running, at("2026-12-03"))
        assert (longer.ends_at, longer.why_over) == (at("2026-12-03"), "")
        planning.later(hours=1)
        sooner = ends(planning, close_early, longer, planning.now + timedelta(minutes=1), why="the budget is spent")
        assert (sooner.ends_at, sooner.why_over) == (planning.now + timedelta(minutes=1), "the budget is spent")
        assert planning.woken == [("token", "extend_contest"), ("token", "close_contest_early")]
        [window] = ContestWindows(planning.tables.books).of_brand(BRAND)
        assert window.end == int(sooner.ends_at.timestamp() * 1000)
        assert planning.recorded("ctt_1")[:2] == [
            ("close_contest_early", MANAGER.member, "the budget is spent"),
            ("extend_contest", MANAGER.member, "a holiday"),
        ]

    def test_the_request_again_is_answered_again(self, planning: Planning) -> None:
        running = planning.running()
        longer = ends(planning, extend_contest, running, at("2026-12-03"))
        assert ends(planning, extend_contest, running, at("2026-12-03")) == longer
        with refused(Conflict, "contest_changed"):
            ends(planning, extend_contest, running, at("2026-12-04"))

    def test_an_execution_that_could_not_be_woken_is_woken_by_the_request_again(self, planning: Planning) -> None:
        running = planning.moves(planning.running(), ContestStatus.RUNNING, token="token")

        def down(token: str, decision: object) -> bool:
            raise Unavailable("down")

        given: dict[str, Any] = {
            "member": MANAGER, "contest": "ctt_1", "version": running.version, "why": "a holiday", "now": planning.now,
        }  # fmt: skip
        with pytest.raises(Unavailable):
            close_early(planning.books, down, ends_at=at("2026-11-20"), **given)
        assert planning.woken == []
        # when both come again
        close_early(planning.books, planning.wake, ends_at=at("2026-11-20"), **given)
        changes(planning, planning.found(running))
        assert planning.woken == [("token", "close_contest_early"), ("token", "changed")]

    def test_after_its_end_it_may_be_extended_until_it_is_counted(self, planning: Planning) -> None:
        running = planning.running()
        planning.now = running.ends_at + timedelta(hours=1)
        longer = ends(planning, extend_contest, running, at("2026-12-03"))
        frozen = planning.moves(longer, ContestStatus.COUNTING)
        for act in (extend_contest, close_early):
            with refused(Conflict, "contest_frozen"):
                ends(planning, act, frozen, at("2026-12-04"))

    def test_an_end_that_cannot_be_is_refused(self, planning: Planning) -> None:
        running = planning.running()
        for act, ends_at, code in (
            (close_early, planning.now + timedelta(seconds=59), "end_too_soon"),
            (close_early, running.ends_at, "not_earlier"),
            (extend_contest, running.ends_at, "not_later"),
            (extend_contest, running.starts_at + timedelta(days=181), "window_too_long"),
        ):
            with refused(Invalid, code):
                ends(planning, act, running, ends_at)
        with refused(Invalid, "reason_needed"):
            ends(planning, extend_contest, running, at("2026-12-03"), why="")
        with refused(Forbidden, "contest_role"):
            ends(planning, extend_contest, running, at("2026-12-03"), member=FINANCE)

    def test_a_draft_is_changed_instead(self, planning: Planning) -> None:
        with refused(Conflict, "not_planned"):
            ends(planning, extend_contest, planning.drafted(), at("2026-12-03"))
