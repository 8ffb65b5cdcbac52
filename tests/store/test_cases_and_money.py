"""A case and the money it is about, on tables in memory with the engine behind them: held, topped up, freed, taken
back; and payouts that come between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.case import CLOCK, MACHINE, Case, CasePolicy, CaseStatus, ReasonCode
from introducer.domain.case_rules import MOST_CLIENTS
from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound, Unavailable
from introducer.domain.fraud.finding import Cluster, Evidence
from introducer.domain.payout import PayoutStatus
from introducer.services.appeal_case import appeal_case
from introducer.services.carry_out_verdict import carry_out_verdict
from introducer.services.decide_case import decide_appeal
from introducer.services.open_case import open_case, open_case_by_hand, start_execution
from introducer.services.release_hold import release_hold
from introducer.services.set_case_policy import read_case_policy, set_case_policy
from introducer.store.cases import finding_to_item
from tests.conftest import Tables
from tests.support.builders import BRAND, an_event, at, cpa, terms
from tests.support.case_world import ADMIN, COMPLIANCE, MANAGER, OWNER, PARTNER, CaseWorld, a_finding
from tests.support.payouts import a_batch, a_member

pytestmark = pytest.mark.in_memory


@pytest.fixture
def world(tables: Tables) -> CaseWorld:
    """Two clients of October and one of November, available by now; one of December is pending."""
    world = CaseWorld(tables)
    world.client("c1", "2026-10-05")
    world.client("c2", "2026-10-06")
    world.client("c3", "2026-11-07")
    world.client("c4", "2026-12-01")
    return world


def refusal(act: Callable[[], object], kind: type[IntroducerError] = Conflict) -> str:
    with pytest.raises(kind) as raised:
        act()
    return raised.value.code


class TestOpening:
    def test_it_holds_what_the_clients_in_question_earned_and_nothing_else(self, world: CaseWorld) -> None:
        # given four clients of 100.00 each
        assert world.money_of() == {"available": 300_00, "pending": 100_00}
        # when two of them are in question
        case = world.opens("c1", "c4")
        # then theirs is held, by the day on which it becomes available, and the rest goes on
        assert world.money_of() == {"available": 200_00, "held": 200_00}
        assert case.held == {("EUR", "2026-10-25"): 100_00, ("EUR", "2026-12-21"): 100_00}
        assert case.holds == {"EUR": 200_00}
        assert (case.status, case.whole, case.clients) == (CaseStatus.OPEN, False, ("c1", "c4"))

    def test_without_clients_all_that_is_not_paid_out_is_in_question(self, world: CaseWorld) -> None:
        case = world.opens()
        assert world.money_of() == {"held": 400_00}
        assert (case.whole, case.stop) == (True, "")

    def test_both_sides_are_told_once_with_what_is_held(self, world: CaseWorld) -> None:
        world.opens("c1")
        world.opens("c1")
        world.opens("c1", findings=[a_finding("c2", detector="self_referral")])
        assert world.told(PARTNER) == [("case_opened", 0)]
        assert world.told() == [("case_opened", 0)]
        [mail] = world.mails.mails(PARTNER)
        assert mail.values["held"] == [{"minor": 100_00, "currency": "EUR"}]
        assert "8" not in str(mail.values.get("why", "")), "no threshold for the partner"

    def test_a_finding_joins_the_case_that_is_open_and_more_is_held(self, world: CaseWorld) -> None:
        first = world.opens("c1")
        again = world.opens("c1")
        assert again == first, "the same finding again changes nothing"
        # when another detector finds another client, and the first one a further one
        joined = world.opens(
            findings=[a_finding("c3", detector="self_referral"), a_finding("c1", "c2", detector="registration_cluster")]
        )
        # then it is one case, about all of them
        assert joined.case == first.case
        assert joined.clients == ("c1", "c2", "c3")
        assert joined.detectors == ("registration_cluster", "self_referral")
        assert world.money_of() == {"held": 300_00, "pending": 100_00}
        findings = {each.detector: each for each in world.books.cases.findings(PARTNER, first.case)}
        assert findings["registration_cluster"].clients == ("c1", "c2")
        assert world.audited(first.case)[:2] == ["open_case", "join_case"]

    def test_its_execution_is_named_for_people_and_started_once(self, world: CaseWorld) -> None:
        case = world.opens("c1")
        world.opens("c2")
        assert world.started == [f"par-p-ltd-registration-cluster-20261202-{case.case[-6:]}"]
        assert world.case().execution == world.started[0]

    def test_thousands_of_clients_in_many_clusters_are_a_case_like_others(self, world: CaseWorld) -> None:
        # given so many clients who have all in common that their finding is larger than an item may be
        clients = tuple(f"{number:022d}" for number in range(5000))
        clusters = tuple(
            Cluster(kind, f"{kind} 1", clients, 5000) for kind in ("prefix", "device", "pattern", "pattern")
        )
        found = replace(a_finding(*clients), evidence=Evidence(clusters=clusters))
        case = world.opens(findings=[found])
        assert len(case.clients) == MOST_CLIENTS
        [written] = world.books.cases.findings(PARTNER, case.case)
        assert [len(each.clients) for each in written.evidence.clusters] == [2000, 2000, 2000]
        item = finding_to_item(case, written)
        assert sum(len(name) + len(str(value)) for name, value in item.items()) < 300 * 1024
        # and found again it changes nothing
        assert world.opens(findings=[found]) == case
        # but another detector joins it
        more = replace(found, detector="click_timing")
        joined = world.opens(findings=[found, more])
        assert joined.detectors == ("registration_cluster", "click_timing")
        assert {len(each.clients) for each in world.books.cases.findings(PARTNER, case.case)} == {MOST_CLIENTS}

    def test_what_joins_a_case_that_a_person_opened_starts_no_second_execution(self, world: CaseWorld) -> None:
        case = open_case_by_hand(
            world.books, world.start, member=MANAGER, partner=PARTNER, clients=["c1"], why="Look", now=world.now
        )
        joined = world.opens("c2")
        assert joined.detectors == ("registration_cluster",)
        # when the daily sweep comes by
        swept = start_execution(world.books, world.start, joined)
        assert (swept.execution, set(world.started)) == (case.execution, {case.execution})

    def test_a_case_whose_execution_cannot_be_started_stands_and_is_started_later(self, world: CaseWorld) -> None:
        # given an AWS Step Functions that does not answer
        works = world.start

        def fails(name: str, given: object) -> str:
            raise Unavailable("AWS Step Functions did not answer: try again in a minute.")

        world.start = fails  # type: ignore[method-assign, assignment]
        case = world.opens("c1")
        assert (case.execution, world.money_of()["held"]) == ("", 100_00)
        # when scoring comes by again, or the sweep
        world.start = works  # type: ignore[method-assign]
        assert world.opens("c1").execution
        assert start_execution(world.books, works, world.case()).execution == world.started[0]

    def test_nothing_found_is_no_case_and_another_brands_partner_is_none(self, world: CaseWorld) -> None:
        given: dict[str, Any] = {"partner": PARTNER, "why": "w", "now": world.now}
        assert open_case(world.books, world.start, brand=BRAND, findings=[], **given) is None
        with pytest.raises(NotFound):
            open_case(world.books, world.start, brand="brd_x", findings=[a_finding("c1")], **given)

    def test_staff_open_one_by_hand_about_clients_of_this_partner(self, world: CaseWorld) -> None:
        def by_hand(*clients: str, role: Role = Role.MANAGER, why: str = "A competitor wrote to us") -> Case:
            return open_case_by_hand(
                world.books, world.start, member=a_member(role, "mem_m", BRAND), partner=PARTNER, clients=clients,
                why=why, now=world.now,
            )  # fmt: skip

        assert refusal(lambda: by_hand("c1", role=Role.FINANCE), Forbidden) == "case_role"
        assert refusal(lambda: by_hand("c9"), NotFound) == "no_such_client"
        assert refusal(lambda: by_hand("c1", why=" "), Invalid) == "reason_needed"
        case = by_hand("c1")
        assert (case.opened_by, case.detectors, case.holds) == ("mem_m", (), {"EUR": 100_00})
        assert "opened-by-hand" in case.execution
        assert by_hand("c1", "c2").clients == ("c1", "c2")
        assert by_hand().whole
        assert world.money_of() == {"held": 400_00}


class TestHolding:
    def test_what_comes_in_later_is_held_as_well(self, world: CaseWorld) -> None:
        world.opens("c5")
        assert world.money_of() == {"available": 300_00, "pending": 100_00}
        world.client("c5", "2026-12-02")
        case = world.tops_up()
        assert world.money_of() == {"available": 300_00, "pending": 100_00, "held": 100_00}
        assert world.tops_up() == case, "again changes nothing"

    def test_what_is_taken_back_meanwhile_is_freed(self, world: CaseWorld) -> None:
        # given a client whose earning is held
        world.opens("c1")
        # when its deposit is charged back: the engine takes back what it earned
        world.applies(an_event("cancel", at("2026-12-02 09:00"), client="c1", ref="c1-first"))
        assert world.money_of() == {"available": 100_00, "pending": 100_00, "held": 100_00}
        # then nothing of it is in question any more, and nobody lost another client's money
        assert world.tops_up().holds == {}
        assert world.money_of() == {"available": 200_00, "pending": 100_00}

    def test_a_day_that_comes_while_it_is_held_changes_nothing(self, world: CaseWorld) -> None:
        world.opens("c4")
        world.later(days=40)
        assert world.money_of() == {"available": 300_00, "held": 100_00}
        case = world.tops_up()
        assert case.held == {("EUR", "2026-12-21"): 100_00}
        assert world.asks().status is CaseStatus.RELEASED
        world.carries_out()
        assert world.money_of() == {"available": 400_00}

    def test_what_was_paid_is_not_held_again_out_of_other_clients_money(self, world: CaseWorld) -> None:
        # given a partner that was paid for October and November
        world.approved()
        world.pays()
        assert world.money_of() == {"paid": 300_00, "pending": 100_00}
        # when a client of October is in question, and a further client becomes available
        world.later(days=35)
        world.client("c5", "2026-12-09")
        case = world.opens("c1")
        # then what that one earned is not touched
        assert case.holds == {}
        assert world.money_of() == {"paid": 300_00, "available": 200_00}

    def test_of_a_month_that_is_paid_in_part_the_rest_is_held(self, world: CaseWorld) -> None:
        # given a case that holds 100.00 of October, and a payout of all the rest
        world.opens("c2")
        world.approved()
        world.pays()
        assert world.money_of() == {"paid": 200_00, "held": 100_00, "pending": 100_00}
        # then it goes on holding it, however often it is reckoned
        assert world.tops_up().holds == {"EUR": 100_00}
        assert world.money_of() == {"paid": 200_00, "held": 100_00, "pending": 100_00}

    def test_tiers_that_clients_in_question_reached_are_in_question_too(self, tables: Tables) -> None:
        # given a bonus of 500.00 for three qualified clients of a month
        world = CaseWorld(tables, terms(
            cpa("100.00", min_deposit="10.00", within_hours=72),
            {"type": "bonus", "id": "three", "amount": "500.00", "by": "qftd", "goal": "3"},
        ))  # fmt: skip
        for number in (1, 2, 3):
            world.client(f"c{number}", f"2026-11-0{number}")
        assert world.money_of() == {"available": 800_00}
        # when one of the three is in question
        case = world.opens("c1")
        # then the bonus is in question with it
        assert case.holds == {"EUR": 600_00}
        world.decides(disallow=True)
        world.carries_out()
        assert world.money_of() == {"available": 200_00}


class TestReserved:
    def test_money_in_question_that_stands_in_a_payout_stops_it_until_it_is_back(self, world: CaseWorld) -> None:
        # given a payout that waits for its approval
        world.waiting()
        assert world.money_of() == {"reserved": 300_00, "pending": 100_00}
        # when one of its clients is in question
        case = world.opens("c1")
        # then nothing can be held, and the partner's payouts are stopped
        assert (case.holds, bool(case.stop)) == ({}, True)
        assert world.ledger.balance(PARTNER).holds == 1
        hold = world.holds.hold(PARTNER, case.stop)
        assert (hold.placed_by, hold.stands) == (MACHINE, True)
        # and nobody releases that hold by hand
        assert refusal(
            lambda: release_hold(
                world.configuration, world.holds, member=COMPLIANCE, partner=PARTNER, hold=case.stop, why="let it go",
                clock=lambda: world.now, pause=lambda attempt: None,
            ),
            Forbidden,
        ) == "hold_of_a_case"  # fmt: skip
        # when the payout is set aside, as sending does with whoever is on hold
        world.payouts.step(world.payout(PARTNER), PayoutStatus.SET_ASIDE, world.now, reason="on_hold")
        assert world.money_of() == {"available": 300_00, "pending": 100_00}
        # then it is held, and the payouts go on
        case = world.tops_up()
        assert (case.holds, case.stop) == ({"EUR": 100_00}, "")
        assert world.ledger.balance(PARTNER).holds == 0
        assert world.money_of() == {"available": 200_00, "held": 100_00, "pending": 100_00}

    def test_what_has_left_stops_nothing(self, world: CaseWorld) -> None:
        world.approved()
        payout = world.payout(PARTNER)
        batch = world.payouts.open_batch(a_batch(brand=BRAND))
        assert world.payouts.begin_sending(payout, batch, world.now)
        case = world.opens("c1")
        assert (case.holds, case.stop) == ({}, "")
        assert world.money_of() == {"reserved": 300_00, "pending": 100_00}

    def test_a_payout_of_other_money_is_not_stopped(self, world: CaseWorld) -> None:
        world.waiting()
        case = world.opens("c4")
        assert (case.holds, case.stop) == ({"EUR": 100_00}, "")

    def test_a_release_lifts_the_stop_and_the_payout_goes_on(self, world: CaseWorld) -> None:
        world.waiting()
        world.opens("c1")
        world.decides(disallow=False)
        case = world.carries_out()
        assert (case.stop, case.is_carried_out) == ("", True)
        assert world.ledger.balance(PARTNER).holds == 0
        assert world.money_of() == {"reserved": 300_00, "pending": 100_00}

    def test_after_a_disallow_the_stop_stays_until_the_payout_is_back(self, world: CaseWorld) -> None:
        world.waiting()
        world.opens("c1")
        world.decides(disallow=True)
        # the engine takes it back, and the payout has it still
        case = world.carries_out()
        assert world.money_of() == {"available": -100_00, "reserved": 300_00, "pending": 100_00}
        assert bool(case.stop) and not case.is_carried_out
        assert world.frees() == case
        # when it is back
        world.payouts.step(world.payout(PARTNER), PayoutStatus.SET_ASIDE, world.now, reason="on_hold")
        case = world.frees()
        assert (case.stop, case.is_carried_out) == ("", True)
        assert world.money_of() == {"available": 200_00, "pending": 100_00}


class TestVerdicts:
    def test_a_release_gives_everything_back_and_clears_the_detectors(self, world: CaseWorld) -> None:
        before = world.ledger.balance(PARTNER).amounts
        world.opens("c1", "c4")
        case = world.decides(disallow=False)
        assert case.status is CaseStatus.RELEASED
        case = world.carries_out()
        case = world.closes()
        assert case.is_closed
        after = world.ledger.balance(PARTNER).amounts
        assert {key: minor for key, minor in after.items() if minor} == dict(before)
        scoring = world.books.scorings.get(BRAND, PARTNER)
        assert (scoring.open_case, scoring.cases) == ("", 1)
        assert scoring.cleared == {"registration_cluster": "2026-12-02"}
        mails = {mail.template.value: mail for mail in world.mails.mails(PARTNER)}
        assert mails.keys() == {"case_opened", "case_decided"}
        decided = mails["case_decided"]
        assert decided.values["held"] == [{"minor": 200_00, "currency": "EUR"}]

    def test_a_disallow_is_a_fact_that_the_engine_follows_and_then_the_money_goes_free(self, world: CaseWorld) -> None:
        world.opens("c1", "c2")
        world.decides(disallow=True, clients=["c1"], code="self_referral")
        # when it is recorded, nothing is freed before the engine followed
        world.records()
        assert not world.is_done()
        assert refusal(world.frees) == "engine_not_done"
        world.follows()
        assert world.is_done()
        # then the clawback stands where the money comes back to
        case = world.frees()
        assert world.money_of() == {"available": 200_00, "pending": 100_00}
        assert case.appeal_by == world.now + timedelta(days=14)
        assert world.books.scorings.get(BRAND, PARTNER).open_case == "", "what is found now opens a case of its own"
        # and the receipt says why
        journal = next(each for each in world.ledger.all_journals(PARTNER, "2026-10") if each.amount < 0)
        assert journal.receipt.lines[-1].values == ("self_referral", case.case)
        [record] = world.configuration.audit_of_subject("c1").items
        assert (record.action, record.by, record.why) == ("rule_on_client", MANAGER.member, "Looked at it")

    def test_carrying_out_again_writes_nothing(self, world: CaseWorld) -> None:
        world.opens("c1")
        world.decides(disallow=True)
        first = world.carries_out()
        again = world.carries_out()
        assert again == first
        assert len(world.rulings.of_client(BRAND, "c1")) == 1

    def test_from_a_moment_on_what_came_before_stays_earned(self, world: CaseWorld) -> None:
        world.opens("c1")
        world.decides(disallow=True, starts_at=at("2026-11-15"))
        world.carries_out()
        assert world.money_of() == {"available": 300_00, "pending": 100_00}

    def test_deciding_again_the_same_way_changes_nothing_and_otherwise_conflicts(self, world: CaseWorld) -> None:
        world.opens("c1")
        world.asks("token 7")
        version = world.case().version
        case = world.decides(disallow=True, version=version)
        assert world.decides(disallow=True, version=version) == case
        assert world.woken == [("token 7", "disallowed")] * 2
        assert refusal(lambda: world.decides(disallow=False, version=version)) == "decided_already"
        assert refusal(lambda: world.decides(disallow=True, version=version, member=ADMIN)) == "decided_already"
        assert refusal(lambda: world.decides(disallow=True, why="Other words")) == "decided_already"

    def test_nobody_decides_what_they_have_not_seen(self, world: CaseWorld) -> None:
        version = world.opens("c1").version
        world.opens("c2")
        assert refusal(lambda: world.decides(disallow=True, version=version)) == "case_changed"

    def test_who_decides_and_about_whom(self, world: CaseWorld) -> None:
        world.opens("c1")
        finance = a_member(Role.FINANCE, "mem_f", BRAND)
        assert refusal(lambda: world.decides(disallow=False, member=finance), Forbidden) == "case_role"
        other = a_member(Role.ADMIN, "mem_a", "brd_other")
        with pytest.raises(NotFound):
            world.decides(disallow=False, member=other)
        assert refusal(lambda: world.decides(disallow=True, code="because"), Invalid) == "unknown_code"
        assert refusal(lambda: world.decides(disallow=True, clients=["c2"]), Invalid) == "unknown_clients"
        assert refusal(lambda: world.decides(disallow=True, starts_at=at("2027-01-01")), Invalid) == "invalid_starts_at"

    def test_of_all_money_in_question_clients_are_named_who_are_the_partners(self, world: CaseWorld) -> None:
        world.opens()
        assert refusal(lambda: world.decides(disallow=True), Invalid) == "clients_needed"
        assert refusal(lambda: world.decides(disallow=True, clients=["c9"]), NotFound) == "no_such_client"
        world.decides(disallow=True, clients=["c1", "c4"])
        # the engine follows whoever is named
        world.carries_out("c1", "c4")
        assert world.money_of() == {"available": 200_00}


class TestClocks:
    def test_whoever_is_to_decide_is_reminded_by_the_clock(self, world: CaseWorld) -> None:
        world.opens("c1")
        world.asks("one")
        world.later(hours=47)
        world.asks("two")
        assert world.told() == [("case_opened", 0)]
        world.later(hours=2)
        world.asks("three")
        world.asks("four")
        assert world.told() == [("case_opened", 0), ("case_reminder", 1)]
        assert world.case().token == "four"

    def test_undecided_it_is_escalated_and_then_released_by_the_clock(self, world: CaseWorld) -> None:
        world.opens("c1")
        world.asks()
        world.later(days=7)
        assert world.asks("again").status is CaseStatus.ESCALATED
        assert ("case_escalated", 0) in world.told()
        assert world.asks("again").status is CaseStatus.ESCALATED
        world.later(days=7)
        # nobody is disallowed any more, once the time has passed
        assert refusal(lambda: world.decides(disallow=True)) == "deadline_passed"
        case = world.asks("last")
        assert case.status is CaseStatus.RELEASED
        assert case.verdict is not None and case.verdict.by == CLOCK
        assert world.woken == [("last", "released")]
        world.carries_out()
        assert world.closes().is_closed
        assert world.money_of() == {"available": 300_00, "pending": 100_00}
        assert world.books.scorings.get(BRAND, PARTNER).cleared == {"registration_cluster": "2026-12-16"}

    def test_the_policy_is_an_admins_and_new_cases_have_it(self, world: CaseWorld) -> None:
        cases = world.books.cases
        assert read_case_policy(cases, brand=BRAND) == CasePolicy()
        policy = CasePolicy(decide_days=3, escalated_days=2, appeal_days=10, remind_hours=24)
        given: dict[str, Any] = {"policy": policy, "why": "Faster", "now": world.now}
        assert refusal(lambda: set_case_policy(cases, member=MANAGER, **given), Forbidden) == "admin_only"
        wrong = given | {"policy": replace(policy, appeal_days=1)}
        assert refusal(lambda: set_case_policy(cases, member=ADMIN, **wrong), Invalid) == "invalid_policy"
        assert set_case_policy(cases, member=ADMIN, **given) == policy
        assert read_case_policy(cases, brand=BRAND) == policy
        case = world.opens("c1")
        assert case.decide_by == world.now + timedelta(days=3)
        assert case.escalate_by == world.now + timedelta(days=5)


class TestBothSides:
    def test_the_partner_answers_and_staff_too_and_notes_stay_with_staff(self, world: CaseWorld) -> None:
        world.opens("c1")
        world.answers("These are students of one university")
        world.answers("These are students of one university")
        world.answers("Which one?", member=MANAGER)
        world.answers("Smells of last year's case", member=MANAGER, note=True)
        assert [(each.side, each.by) for each in world.case().answers] == [
            ("partner", "mem_owner"), ("staff", "mem_manager"), ("note", "mem_manager"),
        ]  # fmt: skip
        stranger = replace(OWNER, partner="par_x")
        with pytest.raises(NotFound):
            world.answers("Hello", member=stranger)
        assert refusal(lambda: world.answers("Hello", note=True), Forbidden) == "case_role"
        assert refusal(lambda: world.answers(" "), Invalid) == "text_needed"

    def test_an_appeal_is_decided_by_another_person_and_overturns(self, world: CaseWorld) -> None:
        world.opens("c1", "c4")
        assert refusal(world.appeals) == "nothing_to_appeal"
        world.decides(disallow=True, member=COMPLIANCE)
        assert refusal(world.appeals) == "nothing_to_appeal", "it is told first"
        world.carries_out()
        assert world.money_of() == {"available": 200_00}
        world.asks_for_appeal("waits")
        member = replace(OWNER, role=Role.MEMBER)
        assert refusal(lambda: world.appeals(member=member), Forbidden) == "appeal_role"
        world.later(days=1)
        case = world.appeals()
        assert case.status is CaseStatus.APPEALED
        assert world.appeals() == case
        assert refusal(lambda: world.appeals("And another thing")) == "appealed_already"
        assert world.woken[-1] == ("waits", "appealed")
        world.asks("second")
        # whoever decided first does not decide again, nor does a manager
        assert refusal(lambda: world.decides_appeal(uphold=True), Forbidden) == "same_person"
        assert refusal(lambda: world.decides_appeal(uphold=True, member=MANAGER), Forbidden) == "case_role"
        case = world.decides_appeal(uphold=False, member=ADMIN)
        assert (case.status, world.woken[-1]) == (CaseStatus.OVERTURNED, ("second", "overturned"))
        assert world.decides_appeal(uphold=False, member=ADMIN) == case
        # then the clients earn again, for the same days
        world.carries_out()
        assert world.money_of() == {"available": 300_00, "pending": 100_00}
        assert world.closes().is_closed
        assert world.told(PARTNER)[-1][0] == "case_closed"
        assert world.books.scorings.get(BRAND, PARTNER).cleared == {"registration_cluster": "2026-12-02"}

    def test_what_an_appeal_cleared_is_cleared_before_the_clients_earn_again(self, world: CaseWorld) -> None:
        # given an appeal that was right: scoring looks as soon as the engine has followed
        world.opens("c1")
        world.decides(disallow=True)
        world.carries_out()
        world.later(days=1)
        world.appeals()
        world.decides_appeal(uphold=False)
        # when its rulings are recorded, and nothing more
        world.records()
        # then nobody opens a case again about what was just cleared
        assert world.books.scorings.get(BRAND, PARTNER).cleared == {"registration_cluster": "2026-12-02"}

    def test_an_appeal_that_was_right_undoes_its_own_case_and_no_later_one(self, world: CaseWorld) -> None:
        # given a client that one case disallowed, and while it may be appealed against another one too
        world.opens("c1")
        world.decides(disallow=True)
        world.carries_out()
        first = {"partner": PARTNER, "case": world.case().case}
        world.later(days=1)
        open_case_by_hand(
            world.books, world.start, member=MANAGER, partner=PARTNER, clients=["c1"], why="Charged back", now=world.now
        )
        world.decides(disallow=True, code="chargebacks")
        world.carries_out()
        assert world.case().case != first["case"] and world.money_of() == {"available": 200_00, "pending": 100_00}
        # when the appeal against the first one is right
        appeal_case(world.books, world.wake, member=OWNER, **first, why="They are real", now=world.later(hours=1))
        version = world.books.cases.case(**first).version
        decide_appeal(world.books, world.wake, member=COMPLIANCE, **first, version=version, uphold=False,
                      why="They are", now=world.now)  # fmt: skip
        carry_out_verdict(world.books, world.rulings, **first, now=world.now)
        world.follows("c1")
        # then the second one stands
        assert world.money_of() == {"available": 200_00, "pending": 100_00}
        # until it is overturned as well
        world.appeals()
        world.decides_appeal(uphold=False)
        world.records()
        world.follows("c1")
        assert world.money_of() == {"available": 300_00, "pending": 100_00}

    def test_an_appeal_that_nobody_decides_is_overturned_by_the_clock(self, world: CaseWorld) -> None:
        world.opens("c1")
        world.decides(disallow=True)
        world.carries_out()
        world.appeals()
        world.later(days=7)
        case = world.asks()
        assert case.status is CaseStatus.OVERTURNED
        assert case.second is not None and case.second.by == CLOCK
        world.carries_out()
        assert world.closes().is_closed
        assert world.money_of() == {"available": 300_00, "pending": 100_00}

    def test_an_appeal_can_be_upheld(self, world: CaseWorld) -> None:
        world.opens("c1")
        world.decides(disallow=True)
        world.carries_out()
        world.appeals()
        case = world.decides_appeal(uphold=True)
        assert case.second is not None and case.second.code is ReasonCode.FAKE_REGISTRATIONS
        world.carries_out()
        assert world.closes().status is CaseStatus.UPHELD
        assert world.money_of() == {"available": 200_00, "pending": 100_00}

    def test_without_an_appeal_the_case_closes_when_the_time_has_passed(self, world: CaseWorld) -> None:
        world.opens("c1")
        world.decides(disallow=True)
        world.carries_out()
        assert refusal(world.closes) == "not_done"
        world.later(days=14)
        assert refusal(world.appeals) == "appeal_too_late"
        world.asks_for_appeal("late")
        assert world.woken[-1] == ("late", "not_appealed")
        case = world.closes()
        assert (case.is_closed, case.status) == (True, CaseStatus.DISALLOWED)
        assert world.closes() == case
        assert world.told(PARTNER)[-1][0] == "case_closed"

    def test_the_next_finding_opens_a_case_of_its_own(self, world: CaseWorld) -> None:
        first = world.opens("c1")
        world.decides(disallow=True)
        assert world.opens("c3").case == first.case, "one that is being carried out takes nothing in"
        assert world.money_of() == {"available": 200_00, "pending": 100_00, "held": 100_00}
        world.carries_out()
        second = world.opens("c3")
        assert second.case != first.case
        assert world.money_of() == {"available": 100_00, "pending": 100_00, "held": 100_00}
