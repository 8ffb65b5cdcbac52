"""A run waits for a second person, who approves it as it was read, rejects it, or takes payouts out; or it lapses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pynamodb.connection.base import Connection
from pynamodb.exceptions import PynamoDBConnectionError

from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound, Unavailable
from introducer.domain.payout import PayoutStatus, RunStatus, payout_id
from introducer.services.decide_run import (
    DETAILS_CHANGED,
    LAPSED,
    NOT_APPROVED,
    TAKEN_OUT,
    approve_group,
    reject_payout,
    release_group,
)
from tests.conftest import Tables
from tests.support.payouts import BRAND, CHECKER, EVERY_PAYOUT, MAKER, NOW, RUN, Paying, a_member

pytestmark = pytest.mark.in_memory

SUBJECT = f"{RUN}-{BRAND}"


@pytest.fixture
def paying(tables: Tables) -> Paying:
    """Two partners with 100.00 and 50.00 EUR."""
    paying = Paying(tables)
    paying.partner("par_a", 100_00)
    paying.partner("par_b", 50_00)
    return paying


def refused(act: Callable[[], object], kind: type[IntroducerError] = Conflict) -> str:
    with pytest.raises(kind) as raised:
        act()
    return raised.value.code


def take_out(paying: Paying, partner: str, why: str = "Not this month") -> str:
    done = reject_payout(
        paying.payouts, member=CHECKER, run=RUN, payout=payout_id(BRAND, RUN, partner, "EUR"), why=why, now=paying.now
    )
    return done.reason


def release(paying: Paying) -> int:
    return release_group(paying.payouts, brand=BRAND, run=RUN, after="", through=EVERY_PAYOUT.through, now=paying.now)


def approve(paying: Paying) -> int:
    return approve_group(paying.payouts, brand=BRAND, run=RUN, after="", through=EVERY_PAYOUT.through, now=paying.now)


# ------------------------------------------------------------------------------------------------------------- asking


def test_approvers_are_told_once_and_by_when(paying: Paying) -> None:
    run = paying.waiting()
    assert (run.status, run.token, run.asked_at, run.reminders) == (RunStatus.WAITING, "token 1", NOW, 0)
    assert run.deadline == NOW + timedelta(hours=72)
    # when the step is tried again
    again = paying.ask("token 2")
    # then the newer execution is kept in mind, and nobody is told twice
    assert (again.token, again.asked_at, again.deadline) == ("token 2", NOW, run.deadline)
    assert paying.told() == [("payouts_waiting", 0)]
    assert paying.woken == []


def test_reminders_go_by_the_clock_and_not_by_how_often_it_is_asked(paying: Paying) -> None:
    paying.waiting()
    for hours in (23, 24, 25, 47, 71):
        paying.now = NOW + timedelta(hours=hours)
        paying.ask("token 2")
        paying.ask("token 3")
    # The one of 48 hours came with the first asking after it, at 71.
    assert paying.told() == [("payouts_waiting", 0), ("payouts_waiting", 1), ("payouts_waiting", 2)]
    assert paying.run().reminders == 2


def test_a_run_that_nobody_decides_lapses_and_its_money_is_free_again(paying: Paying) -> None:
    paying.waiting()
    paying.now = NOW + timedelta(hours=72)
    run = paying.ask("token 2")
    assert (run.status, run.decided_by, run.token) == (RunStatus.LAPSED, "system:payout_run", "")
    assert paying.woken == [("token 2", "lapsed")]
    assert paying.audited(SUBJECT) == ["open_run", "lapse_run"]
    # and whoever comes too late is told so
    assert refused(paying.decide) == "decided_already"
    assert release(paying) == 2
    assert release(paying) == 2
    payout = paying.payout("par_a")
    assert (payout.status, payout.reason) == (PayoutStatus.REJECTED, LAPSED)
    assert paying.money("par_a") == {"available": 100_00}


def test_an_hour_before_the_deadline_it_can_be_decided(paying: Paying) -> None:
    paying.schedule(deadline_hours=2, remind_hours=24)
    paying.waiting()
    paying.now = NOW + timedelta(hours=1)
    assert paying.ask("token 2").status is RunStatus.WAITING
    assert paying.decide().status is RunStatus.APPROVED


@pytest.mark.parametrize(("decision", "answer"), [(True, "approved"), (False, "rejected")])
def test_an_execution_that_asks_after_the_decision_is_woken_at_once(
    paying: Paying, decision: bool, answer: str
) -> None:
    paying.waiting()
    paying.decide(decision)
    paying.ask("token 2")
    assert paying.woken == [("token 1", answer), ("token 2", answer)]


# ------------------------------------------------------------------------------------------------------------ deciding


def test_a_second_person_approves_and_the_execution_goes_on(paying: Paying) -> None:
    paying.waiting()
    paying.now = NOW + timedelta(hours=1)
    run = paying.decide()
    assert (run.status, run.decided_by, run.decided_at, run.decision, run.token) == (
        RunStatus.APPROVED, CHECKER.member, paying.now, "It is right", "",
    )  # fmt: skip
    assert paying.woken == [("token 1", "approved")]
    assert paying.audited(SUBJECT) == ["open_run", "approve_run"]
    # Nothing has moved yet; then each payout is approved, once.
    assert paying.payout("par_a").status is PayoutStatus.CREATED
    assert (approve(paying), approve(paying)) == (2, 2)
    assert paying.payout("par_a").status is PayoutStatus.APPROVED
    assert paying.money("par_a") == {"reserved": 100_00}


def test_approving_again_changes_nothing_and_deciding_otherwise_is_refused(paying: Paying) -> None:
    run = paying.waiting()
    decided = paying.decide()
    other = a_member(Role.ADMIN, "mem_admin")
    assert paying.decide(member=other, version=run.version) == decided
    assert paying.woken == [("token 1", "approved")]
    assert refused(lambda: paying.decide(False)) == "decided_already"
    assert sorted(paying.audited(SUBJECT)) == ["approve_run", "open_run"]


def test_a_rejected_run_gives_its_money_back(paying: Paying) -> None:
    paying.waiting()
    assert paying.decide(False, why="Wrong rates").status is RunStatus.REJECTED
    assert refused(lambda: approve(paying)) == "wrong_status"
    assert release(paying) == 2
    payout = paying.payout("par_b")
    assert (payout.status, payout.reason, payout.note) == (PayoutStatus.REJECTED, NOT_APPROVED, "Wrong rates")
    assert paying.money("par_b") == {"available": 50_00}
    # and the next run pays it
    paying.reserved(run="2026-11-again", first="2026-11-01", through="2026-11-30")
    assert paying.made("2026-11-again") == {("par_a", "EUR"): 100_00, ("par_b", "EUR"): 50_00}


def test_who_began_it_does_not_decide_it(paying: Paying) -> None:
    paying.waiting()
    maker = a_member(Role.ADMIN, MAKER.by)
    assert refused(lambda: paying.decide(member=maker), Forbidden) == "same_person"
    assert refused(lambda: paying.decide(False, member=maker), Forbidden) == "same_person"
    assert paying.run().status is RunStatus.WAITING


@pytest.mark.parametrize("role", [each for each in Role if each not in (Role.FINANCE, Role.ADMIN)])
def test_only_finance_and_admins_decide(paying: Paying, role: Role) -> None:
    paying.waiting()
    member = a_member(role)
    assert refused(lambda: paying.decide(member=member), Forbidden) == "finance_only"
    payout = paying.payout("par_a").payout
    assert refused(
        lambda: reject_payout(paying.payouts, member=member, run=RUN, payout=payout, why="Because", now=NOW), Forbidden
    ) == "finance_only"  # fmt: skip


def test_another_brand_s_run_is_none(paying: Paying) -> None:
    paying.waiting()
    stranger = a_member(brand="brd_other")
    assert refused(lambda: paying.decide(member=stranger), NotFound) == "not_found"
    payout = paying.payout("par_a").payout
    assert refused(
        lambda: reject_payout(paying.payouts, member=stranger, run=RUN, payout=payout, why="Because", now=NOW), NotFound
    ) == "not_found"  # fmt: skip


def test_a_reason_is_needed(paying: Paying) -> None:
    paying.waiting()
    refused(lambda: paying.decide(why=" "), Invalid)
    refused(lambda: take_out(paying, "par_a", why=""), Invalid)
    assert paying.payout("par_a").status is PayoutStatus.CREATED


def test_a_run_that_does_not_wait_yet_cannot_be_decided(paying: Paying) -> None:
    paying.reserved()
    assert refused(paying.decide) == "not_waiting"
    assert refused(lambda: take_out(paying, "par_a")) == "not_waiting"


def test_it_is_decided_as_it_was_read(paying: Paying) -> None:
    read = paying.waiting()
    take_out(paying, "par_b")
    assert refused(lambda: paying.decide(version=read.version)) == "run_changed"
    assert paying.decide().status is RunStatus.APPROVED
    assert approve(paying) == 1


def test_a_reminder_meanwhile_is_no_reason_to_look_again_at_what_was_read(paying: Paying) -> None:
    """What it pays has not changed; but the run has, and nobody decides what they did not read."""
    read = paying.waiting()
    paying.now = NOW + timedelta(hours=24)
    paying.ask("token 2")
    assert refused(lambda: paying.decide(version=read.version)) == "run_changed"


# ----------------------------------------------------------------------------------------------- changed bank details


def test_after_a_change_of_bank_details_the_payout_is_taken_out_and_the_run_looked_at_again(paying: Paying) -> None:
    paying.waiting()
    paying.profile("par_a", changed_at=NOW, usable_from=NOW + timedelta(days=3))
    assert refused(paying.decide) == DETAILS_CHANGED
    # then its money is free, the sums say so, and the execution still waits
    gone = paying.payout("par_a")
    assert (gone.status, gone.reason) == (PayoutStatus.SET_ASIDE, DETAILS_CHANGED)
    assert paying.money("par_a") == {"available": 100_00}
    assert [(each.status, each.count, each.amount) for each in paying.run().sums] == [
        (PayoutStatus.CREATED, 1, 50_00), (PayoutStatus.SET_ASIDE, 1, 100_00),
    ]  # fmt: skip
    assert paying.woken == []
    # and the rest can be approved
    assert paying.decide().status is RunStatus.APPROVED
    assert approve(paying) == 1
    assert paying.payout("par_b").status is PayoutStatus.APPROVED


def test_a_run_is_rejected_whatever_was_changed(paying: Paying) -> None:
    paying.waiting()
    paying.profile("par_a", changed_at=NOW)
    assert paying.decide(False).status is RunStatus.REJECTED


# ----------------------------------------------------------------------------------------------------- single payouts


def test_a_payout_that_is_taken_out_gives_its_money_back_and_lowers_the_sums(paying: Paying) -> None:
    paying.waiting()
    assert take_out(paying, "par_a") == TAKEN_OUT
    gone = paying.payout("par_a")
    assert (gone.status, gone.note) == (PayoutStatus.REJECTED, "Not this month")
    assert paying.money("par_a") == {"available": 100_00}
    assert [(each.status, each.count, each.amount) for each in paying.run().sums] == [
        (PayoutStatus.CREATED, 1, 50_00), (PayoutStatus.REJECTED, 1, 100_00),
    ]  # fmt: skip
    assert paying.audited(gone.payout) == ["payout_rejected"]


def test_taking_it_out_again_changes_nothing(paying: Paying) -> None:
    paying.waiting()
    take_out(paying, "par_a")
    before, run = paying.payout("par_a"), paying.run()
    paying.now = NOW + timedelta(minutes=5)
    take_out(paying, "par_a", why="Again")
    assert (paying.payout("par_a"), paying.run()) == (before, run)
    assert paying.audited(before.payout) == ["payout_rejected"]


def test_a_payout_and_the_sums_move_together_or_not_at_all(paying: Paying, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = paying.waiting()
    broken = ["once"]
    write = Connection.transact_write_items

    def breaks(self: Connection, *args: Any, **more: Any) -> Any:
        if broken:
            broken.pop()
            raise PynamoDBConnectionError("cut off")
        return write(self, *args, **more)

    monkeypatch.setattr(Connection, "transact_write_items", breaks)
    assert refused(lambda: take_out(paying, "par_a"), Unavailable) == "store_unavailable"
    assert (paying.run(), paying.payout("par_a").status) == (waiting, PayoutStatus.CREATED)
    take_out(paying, "par_a")
    assert [(each.status, each.count) for each in paying.run().sums] == [
        (PayoutStatus.CREATED, 1), (PayoutStatus.REJECTED, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("other", ["par_a", "par_b"])
def test_two_who_take_payouts_out_count_each_once(paying: Paying, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    paying.waiting()
    meanwhile(monkeypatch, lambda: take_out(paying, other))
    take_out(paying, "par_a")
    left = {"par_a": [(PayoutStatus.CREATED, 1, 50_00), (PayoutStatus.REJECTED, 1, 100_00)],
            "par_b": [(PayoutStatus.REJECTED, 2, 150_00)]}  # fmt: skip
    assert [(each.status, each.count, each.amount) for each in paying.run().sums] == left[other]
    assert paying.audited(paying.payout("par_a").payout) == ["payout_rejected"]


def test_what_is_approved_meanwhile_is_not_taken_out(paying: Paying, monkeypatch: pytest.MonkeyPatch) -> None:
    paying.waiting()
    meanwhile(monkeypatch, paying.decide)
    assert refused(lambda: take_out(paying, "par_a")) == "not_waiting"
    assert paying.payout("par_a").status is PayoutStatus.CREATED


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """It happens before the next transaction is sent."""
    write = Connection.transact_write_items

    def interrupted(self: Connection, *args: Any, **more: Any) -> Any:
        monkeypatch.setattr(Connection, "transact_write_items", write)
        act()
        return write(self, *args, **more)

    monkeypatch.setattr(Connection, "transact_write_items", interrupted)


def test_once_it_is_decided_nothing_is_taken_out(paying: Paying) -> None:
    paying.waiting()
    paying.decide()
    assert refused(lambda: take_out(paying, "par_a")) == "not_waiting"
    assert refused(lambda: release(paying)) == "wrong_status"
