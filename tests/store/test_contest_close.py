"""How a contest closes, step by step on real tables: each step once, and nothing after it that it does not allow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Role, Status
from introducer.domain.contest import ContestStatus, Division, Metric, Tie
from introducer.domain.contest_closing import award_id
from introducer.domain.contest_prizes import Award, AwardStatus
from introducer.domain.contest_score import Counted
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound
from introducer.domain.mail import MailTemplate
from introducer.services.cancel_contest import cancel_contest
from introducer.services.close_month import close_partner
from introducer.services.decide_objection import decide_objection
from introducer.services.finish_result import finish_result
from introducer.services.freeze_contest import ARRIVES, PATIENCE, freeze_contest
from introducer.services.object_to_result import object_to_result, objections_open, wait_for_objections
from introducer.services.pay_prizes import pay_prizes
from introducer.services.recount_contest import recount_batch, recount_batches
from introducer.services.send_gift import send_gift
from introducer.services.set_aside import set_aside, take_back_aside
from introducer.store.contest_windows import ContestWindows
from introducer.store.statements import Statements
from tests.conftest import Tables
from tests.support.builders import BRAND, SOURCE, an_event, at, cpa, terms
from tests.support.contest_builders import an_owner, fixed, gift, share
from tests.support.contests import COMPLIANCE, CONTEST, ENDS, FINANCE, MANAGER, POOL, ContestWorld, a_contest, ranks
from tests.support.payouts import a_member

pytestmark = pytest.mark.in_memory

ONE = Counted({Metric.FTD: 1}, 1_762_000_000_000)
SHARES = (share(1, 50), share(2, 30), share(3, 20))


@pytest.fixture
def world(tables: Tables) -> ContestWorld:
    world = ContestWorld(tables)
    world.partners("par_a", "par_b", "par_c", "par_d")
    return world


def plays(world: ContestWorld, *joined: str, **settings: Any) -> None:
    """par_a has three first deposits, par_b two, par_c one; par_d none."""
    prizes = settings.pop("prizes", SHARES)
    world.contest(a_contest(*prizes, **settings), *(joined or ("par_a", "par_b", "par_c", "par_d")))
    for number, partner in enumerate(["par_a", "par_a", "par_a", "par_b", "par_b", "par_c"]):
        world.client(f"c{number}", partner, "2026-11-03", hour=8 + number)


def refused(act: Callable[[], object], kind: type[IntroducerError] = Conflict) -> str:
    with pytest.raises(kind) as raised:
        act()
    return raised.value.code


# -------------------------------------------------------------------------------------------------------- the freeze


def test_it_is_frozen_once_after_the_time_for_late_postbacks_and_its_window_with_it(world: ContestWorld) -> None:
    plays(world)
    # when it is too early
    world.until(world.found.counts_until - timedelta(seconds=1))
    assert refused(lambda: freeze_contest(world.books, contest=CONTEST, now=world.now)) == "counts_later"
    # and when it is not
    frozen = world.freezes()
    again = freeze_contest(world.books, contest=CONTEST, now=world.later(hours=1))
    # then
    assert (frozen.status, again) == (ContestStatus.COUNTING, frozen)
    (window,) = ContestWindows(world.tables.books).of_brand(BRAND)
    assert window.frozen


def test_a_contest_waits_for_the_engine_and_not_for_what_lies_in_quarantine(world: ContestWorld) -> None:
    plays(world)
    late = an_event("deposit", ENDS - timedelta(hours=1), client="c0", event_id="e-wait", amount="10.00")
    bad = replace(late, event_id="e-bad")
    frozen_at = world.found.counts_until
    world.accepts_events(*(replace(each, accepted_at=frozen_at - timedelta(minutes=1)) for each in (late, bad)))
    world.freezes()
    # given a minute in which something may still be on its way
    assert not world.is_done()
    world.now = frozen_at + ARRIVES
    assert not world.is_done()
    batches = recount_batches(world.books, contest=CONTEST)

    def count() -> int:
        return recount_batch(world.books, contest=CONTEST, batch=batches[0])

    assert refused(count) == "engine_behind"
    # when one of the two is applied, and the other stands in quarantine
    stored = world.books.facts.event(BRAND, "c0", SOURCE, "e-wait")
    assert stored is not None
    world.applies(stored)
    world.books.facts.quarantine(
        brand=BRAND, source=SOURCE, at=frozen_at - timedelta(minutes=1), reason="poison", detail="It cannot be.",
        message="{}", event_id="e-bad", client="c0",
    )  # fmt: skip
    # then it is counted, without that one, which is named
    assert world.is_done()
    assert count() == 6
    (recount,) = world.books.results.recounts(CONTEST)
    assert recount.left_out == (("c0", SOURCE, "e-bad"),)


def test_the_day_of_the_freeze_is_waited_for_two_hours(world: ContestWorld) -> None:
    plays(world)
    frozen = world.freezes()
    assert frozen.frozen_at is not None
    after = an_event("deposit", frozen.frozen_at, client="c0", event_id="e-after", amount="10.00")
    world.accepts_events(replace(after, accepted_at=frozen.frozen_at + timedelta(minutes=5)))
    world.now = frozen.frozen_at + PATIENCE - timedelta(minutes=1)
    assert not world.is_done()
    world.later(minutes=1)
    assert world.is_done()


# -------------------------------------------------------------------------------------------------------- the count


def test_what_comes_after_the_freeze_changes_nothing(world: ContestWorld) -> None:
    plays(world, weights=((Metric.DEPOSITS, 1000),))
    world.freezes()
    # when a deposit of the time, a chargeback and a verdict are accepted after it
    for event in (
        an_event("deposit", ENDS - timedelta(hours=1), client="c5", event_id="e-more", amount="900.00"),
        an_event(
            "chargeback", ENDS - timedelta(hours=1), client="c0", event_id="e-back", amount="50.00", ref="c0-first"
        ),
        an_event("verdict", ENDS, client="c3", status="disallowed", case="cas_1", reason="click_fraud", event_id="e-v"),
    ):
        world.comes(replace(event, accepted_at=world.now))
    world.later(minutes=5)
    world.recounts()
    world.publishes()
    # then the result is that of before
    assert ranks(world) == [(1, "par_a", 150_00), (2, "par_b", 100_00), (3, "par_c", 50_00), (0, "par_d", 0)]


def test_all_partners_are_counted_in_batches_that_stay_whoever_registers(world: ContestWorld) -> None:
    plays(world)
    world.freezes()
    batches = recount_batches(world.books, contest=CONTEST)
    world.partners("par_aa", "par_z")
    assert recount_batches(world.books, contest=CONTEST) == batches
    assert refused(world.publishes) == "recount_incomplete"
    assert (
        refused(lambda: recount_batch(world.books, contest=CONTEST, batch={"batch": "0009"}), NotFound)
        == "no_such_batch"
    )


# -------------------------------------------------------------------------------------------------------- the result


def test_against_whom_something_stands_is_set_aside_and_ranks_again_when_it_is_gone(world: ContestWorld) -> None:
    plays(world)
    hold = world.hold("par_a")
    world.stands("par_b", Status.SUSPENDED, at("2026-11-10"))
    # given a result without both
    world.published()
    assert ranks(world)[:1] == [(1, "par_c", 100)]
    assert {each.partner: each.why for each in world.books.results.asides(CONTEST)} == {
        "par_a": "hold",
        "par_b": "suspended",
    }
    # when the hold is released before the result is final, and another one placed
    world.lift(hold)
    world.hold("par_c", "hld_2")
    world.finishes()
    world.pays_prizes()
    # then
    assert ranks(world)[:1] == [(1, "par_a", 300)]
    assert world.prizes() == {"par_a": POOL}
    # and whatever stands against it now is too late
    world.hold("par_a", "hld_3")
    assert refused(lambda: _sets_aside(world, "par_a")) == "result_final"


def _sets_aside(world: ContestWorld, partner: str, why: str = "Bought its clients", **given: Any) -> Any:
    given = dict[str, Any](member=COMPLIANCE) | given
    return set_aside(world.books, contest=CONTEST, partner=partner, why=why, now=world.now, **given)


def _takes_back(world: ContestWorld, partner: str) -> Any:
    return take_back_aside(
        world.books, member=MANAGER, contest=CONTEST, partner=partner, why="It did not", now=world.now
    )


def test_staff_set_aside_with_a_reason_and_the_result_is_ranked_anew_at_once(world: ContestWorld) -> None:
    plays(world)
    published = world.published()
    # when the first is set aside
    after = _sets_aside(world, "par_a")
    assert after.edition != published.edition
    assert ranks(world) == [(1, "par_b", 200), (2, "par_c", 100), (0, "par_a", 300), (0, "par_d", 0)]
    assert refused(lambda: _sets_aside(world, "par_a")) == "set_aside_already"
    # and taken back
    assert _takes_back(world, "par_a").edition == published.edition
    assert refused(lambda: _takes_back(world, "par_a")) == "not_set_aside"
    # then the trail says all of it
    actions = [each.action for each in world.configuration.audit_of_subject(CONTEST).items]
    assert {"set_aside", "take_back_aside", "publish_result"} <= set(actions)
    # and nobody does who may not, without a reason, or to whom takes no part
    assert refused(lambda: _sets_aside(world, "par_b", member=FINANCE), Forbidden) == "aside_role"
    assert refused(lambda: _sets_aside(world, "par_b", why=" "), Invalid) == "reason_needed"
    assert refused(lambda: _sets_aside(world, "par_e"), NotFound) == "no_such_participant"
    stranger = a_member(Role.ADMIN, "mem_x", "brd_other")
    refused(lambda: _sets_aside(world, "par_b", member=stranger), NotFound)


def test_what_the_clock_set_aside_nobody_takes_back_but_by_its_cause(world: ContestWorld) -> None:
    plays(world)
    world.hold("par_a")
    world.published()
    assert refused(lambda: _takes_back(world, "par_a")) == "aside_has_a_cause"
    # when a person sets it aside as well, it stays so whatever becomes of the hold
    _sets_aside(world, "par_a")
    world.lift(world.holds.of_partner("par_a")[0])
    world.finishes()
    assert [each.partner for each in world.books.results.asides(CONTEST) if each.stands] == ["par_a"]


def test_everybody_is_told_their_place_once_even_if_the_step_died_before(world: ContestWorld) -> None:
    plays(world)
    put_all = world.books.mails.put_all
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.books.mails, "put_all", _dies)
        with pytest.raises(SystemExit):
            world.published()
    assert world.found.status is ContestStatus.PROVISIONAL
    assert put_all == world.books.mails.put_all
    for _ in range(2):
        wait_for_objections(world.books, contest=CONTEST, token="token", now=world.now)
    for partner in ("par_a", "par_d"):
        (mail,) = world.books.mails.mails(partner)
        assert mail.template is MailTemplate.CONTEST_RESULT


def _dies(mails: object) -> None:
    raise SystemExit


# -------------------------------------------------------------------------------------------------------- objections


def _objects(world: ContestWorld, partner: str = "par_b", text: str = "I had three") -> Any:
    return object_to_result(world.books, member=an_owner(partner), contest=CONTEST, text=text, now=world.now)


def _decides(world: ContestWorld, **given: Any) -> Any:
    (objection,) = world.books.results.objections(CONTEST, "par_b")
    given = dict[str, Any](member=MANAGER, upheld=False, why="Two were made before") | given
    return decide_objection(
        world.books, world.wake, contest=CONTEST, partner="par_b", at=objection.at, now=world.now, **given
    )


def test_an_objection_is_answered_and_only_then_the_contest_goes_on(world: ContestWorld) -> None:
    plays(world)
    assert refused(lambda: _objects(world)) == "not_provisional"
    world.published()
    wait_for_objections(world.books, contest=CONTEST, token="the token", now=world.now)
    # given an objection, which is repeated
    _objects(world)
    _objects(world)
    assert objections_open(world.books, contest=CONTEST) == 1
    # when its time is over
    until = world.found.objections_until
    assert until is not None
    world.until(until)
    assert refused(lambda: _objects(world, "par_a")) == "objections_over"
    assert refused(lambda: finish_result(world.books, contest=CONTEST, now=world.now)) == "objections_open"
    assert refused(lambda: _decides(world, member=COMPLIANCE), Forbidden) == "objection_role"
    _decides(world)
    # then whoever waits is woken, deciding so again changes nothing, and otherwise is refused
    assert world.woken == [("the token", "answered")]
    _decides(world)
    assert refused(lambda: _decides(world, upheld=True)) == "decided_already"
    assert finish_result(world.books, contest=CONTEST, now=world.now).status is ContestStatus.PAYING
    told = [mail.template for mail in world.books.mails.mails("par_b")]
    assert told.count(MailTemplate.CONTEST_ANSWERED) == 1
    assert [mail.template for mail in world.books.mails.mails(BRAND)] == [MailTemplate.CONTEST_OBJECTED]


def test_after_a_week_without_an_answer_the_result_stands_and_the_objector_is_told(world: ContestWorld) -> None:
    plays(world)
    world.published()
    for partner in ("par_a", "par_b"):
        _objects(world, partner)
    until = world.found.objections_until
    assert until is not None
    world.until(until + timedelta(days=7) - timedelta(seconds=1))
    assert refused(lambda: finish_result(world.books, contest=CONTEST, now=world.now)) == "objections_open"
    world.later(seconds=1)
    assert finish_result(world.books, contest=CONTEST, now=world.now).status is ContestStatus.PAYING
    (answer,) = world.books.results.objections(CONTEST, "par_b")
    assert (answer.decided_by, answer.upheld) == ("system:contest_close", False)
    assert MailTemplate.CONTEST_ANSWERED in [mail.template for mail in world.books.mails.mails("par_b")]


def test_who_takes_no_part_objects_to_nothing_and_who_does_not_for_ever(world: ContestWorld) -> None:
    plays(world, "par_a", "par_b")
    world.published()
    assert refused(lambda: _objects(world, "par_c")) == "not_a_participant"
    assert refused(lambda: _objects(world, text=" "), Invalid) == "objection_text"
    for number in range(5):
        world.later(seconds=1)
        _objects(world, text=f"Again {number}")
    assert refused(lambda: _objects(world, text="And again")) == "objected_often"


# -------------------------------------------------------------------------------------------------------- the prizes


def test_each_prize_is_paid_once_with_its_receipt_and_available_after_its_time(world: ContestWorld) -> None:
    plays(world, prize_hold_days=7)
    world.published()
    finished = world.finishes()
    assert world.pays_prizes() == (3, 0)
    assert world.pays_prizes() == (0, 0)
    # then
    assert world.prizes() == {"par_a": 500_00, "par_b": 300_00, "par_c": 200_00}
    journal = next(each for each in world.prize_journals() if each.key.partner == "par_b")
    assert (journal.key.rule, journal.key.scope, journal.key.earn_month) == ("prize", "ctt_1.1", "2026-11")
    assert journal.key.available_day == (world.now + timedelta(days=7)).strftime("%Y-%m-%d")
    assert journal.receipt.lines[0].values == (CONTEST, "November sprint", "", "2", "2")
    assert finished.finished_at is not None
    balance = world.ledger.balance("par_b")
    assert balance.amounts["EUR", "pending", journal.key.available_day] == 300_00


def test_a_prize_of_a_month_that_was_closed_stands_in_the_first_open_one(world: ContestWorld) -> None:
    plays(world)
    world.published()
    world.finishes()
    statements = Statements(world.tables.books)
    balance = world.books.ledger.balance
    closed: list[str] = []

    def closing(partner: str) -> Any:
        """The month is closed after it was looked at."""
        found = balance(partner)
        if partner not in closed:
            closed.append(partner)
            statements.freeze(partner, "2026-11")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.books.ledger, "balance", closing)
        tried: list[int] = []
        paid = pay_prizes(world.books, contest=CONTEST, now=world.now, pause=tried.append)
    assert (paid, tried) == ((3, 0), [1, 1, 1])
    assert {(each.key.earn_month, each.post_month) for each in world.prize_journals()} == {("2026-11", "2026-12")}


def test_a_prize_stands_in_the_statement_of_its_month_like_what_else_was_earned(world: ContestWorld) -> None:
    plays(world)
    world.done()
    statement = close_partner(
        world.ledger, Statements(world.tables.books), partner="par_b", month="2026-11", now=at("2026-12-02")
    )
    (euros,) = statement.totals
    assert {(total.of, total.amount, total.entries) for total in euros.rules} == {
        ("cpa", 200_00, 2),
        ("prize", 300_00, 1),
    }


def test_nothing_is_paid_before_the_result_is_final_and_nothing_where_nobody_ranks(world: ContestWorld) -> None:
    world.contest(a_contest(*SHARES), "par_d")
    world.published()
    assert refused(world.pays_prizes) == "result_not_final"
    done = world.done()
    assert (world.prizes(), world.awards()) == ({}, [])
    assert json.loads(done.outcome)["amount"] == "0.00"


def test_a_contest_without_participants_is_over_at_once(world: ContestWorld) -> None:
    world.contest(a_contest(*SHARES))
    world.published()
    assert world.found.objections_until == world.now
    assert world.done().status is ContestStatus.DONE


def test_a_gift_is_sent_by_staff_and_never_paid(world: ContestWorld) -> None:
    plays(world, prizes=(gift(1, "A watch"), fixed(1, 10_00)))
    world.published()
    world.finishes()
    (money, watch) = sorted(world.awards("par_a"), key=lambda each: each.gift)

    def gives(status: AwardStatus, **given: Any) -> Award:
        given = dict[str, Any](member=MANAGER, award=award_id(watch), note="Parcel 7") | given
        return send_gift(world.books, partner="par_a", status=status, now=world.now, **given)

    assert refused(lambda: gives(AwardStatus.SENT)) == "not_to_send"
    world.pays_prizes()
    sent = gives(AwardStatus.SENT)
    assert (sent.status, gives(AwardStatus.SENT)) == (AwardStatus.SENT, sent)
    assert gives(AwardStatus.DELIVERED, note="At the door").status is AwardStatus.DELIVERED
    assert refused(lambda: gives(AwardStatus.SENT)) == "not_to_send"
    assert refused(lambda: gives(AwardStatus.SENT, award=award_id(money))) == "no_gift"
    assert refused(lambda: gives(AwardStatus.SENT, award="nonsense"), NotFound) == "no_such_prize"
    assert refused(lambda: gives(AwardStatus.SENT, note="x" * 201), Invalid) == "note_too_long"
    assert refused(lambda: gives(AwardStatus.SENT, member=FINANCE), Forbidden) == "gift_role"
    assert world.prizes() == {"par_a": 10_00}


def test_those_who_tie_share_what_their_places_win(world: ContestWorld) -> None:
    divisions = (Division(name="", pool=100_02, prizes=SHARES),)
    world.contest(a_contest(divisions=divisions, tie=Tie.SPLIT), "par_a", "par_b", "par_c")
    for number, partner in enumerate(["par_a", "par_b", "par_c", "par_c"]):
        world.client(f"c{number}", partner, "2026-11-03")
    world.done()
    paid = world.prizes()
    assert (sum(paid.values()), abs(paid["par_a"] - paid["par_b"])) == (100_02, 1)


# -------------------------------------------------------------------------------------------------------- its end


def test_everybody_is_told_once_and_what_it_came_to_is_archived(world: ContestWorld) -> None:
    plays(world)
    world.published()
    world.finishes()
    assert refused(world.announces) == "prizes_due"
    assert refused(world.archives) == "prizes_due"
    world.pays_prizes()
    for _ in range(2):
        world.announces()
    done = world.archives()
    again = world.archives()
    # then
    assert (done.status, again) == (ContestStatus.DONE, done)
    ((place, text),) = world.archive.texts.items()
    assert place == (BRAND, CONTEST, done.archive) and hashlib.sha256(text).hexdigest() == done.archive
    said = json.loads(text)
    assert [(each["partner"], each["rank"]) for each in said["results"]][:2] == [("par_a", 1), ("par_b", 2)]
    assert sum(each["amount"] for each in said["prizes"]) == POOL
    assert json.loads(done.outcome) | {"amount": "1000.00", "winners": 3, "participants": 4} == json.loads(done.outcome)
    for partner, template in (("par_a", MailTemplate.CONTEST_WON), ("par_d", MailTemplate.CONTEST_FINAL)):
        told = [mail.template for mail in world.books.mails.mails(partner)]
        assert sorted(told) == sorted([MailTemplate.CONTEST_RESULT, template])


def _cancels(world: ContestWorld, **given: Any) -> Any:
    given = dict[str, Any](member=MANAGER, why="The platform was down") | given
    return cancel_contest(world.books, world.wake, contest=CONTEST, now=world.now, **given)


@pytest.mark.parametrize("moment", ["running", "counting", "provisional"])
def test_it_can_be_cancelled_until_the_result_is_final_and_pays_nothing(world: ContestWorld, moment: str) -> None:
    plays(world)
    if moment != "running":
        world.freezes()
    if moment == "provisional":
        world.published()
    wait_for_objections(world.books, contest=CONTEST, token="the token", now=world.now)
    cancelled = _cancels(world)
    assert (cancelled.status, cancelled.why_over) == (ContestStatus.CANCELLED, "The platform was down")
    assert world.woken == [("the token", "cancelled")]
    assert _cancels(world) == cancelled
    # then every step leaves it as it is
    world.later(days=10)
    assert freeze_contest(world.books, contest=CONTEST, now=world.now) == cancelled
    assert (world.is_done() and world.recounts() == []) or moment == "provisional"
    assert world.publishes() == cancelled
    assert finish_result(world.books, contest=CONTEST, now=world.now) == cancelled
    assert world.awards() == []
    (window,) = ContestWindows(world.tables.books).of_brand(BRAND)
    assert window.frozen


def test_a_final_result_is_not_cancelled_nor_a_contest_by_those_who_may_not(world: ContestWorld) -> None:
    plays(world)
    assert refused(lambda: _cancels(world, member=FINANCE), Forbidden) == "planner_role"
    assert refused(lambda: _cancels(world, why=""), Invalid) == "reason_needed"
    world.published()
    world.finishes()
    assert refused(lambda: _cancels(world)) == "result_final"


def test_many_participants_are_set_aside_ranked_and_paid_in_as_many_steps_as_it_takes(world: ContestWorld) -> None:
    # given 260 who take part, 170 of whom are on hold, and prizes for all places
    partners = [f"par_{number:04d}" for number in range(260)]
    contest = world.contest(a_contest(fixed(1, 1_00, 260)))
    for partner in partners:
        world.partner(partner, accepted=False, verified=False, profile=None)
        world.joins(contest, partner)
    for partner in partners[:170]:
        world.hold(partner)
    world.freezes()
    world.later(minutes=5)
    (first, *_) = recount_batches(world.books, contest=CONTEST)
    world.recounts()
    with pytest.MonkeyPatch.context() as patch:
        # as if everybody had scored
        patch.setattr("introducer.services.publish_result.counted", lambda books, name: dict.fromkeys(partners, ONE))
        world.publishes()
        world.finishes()
        steps = [world.pays_prizes()]
    assert first["through"] == "par_0024"
    assert sum(1 for each in world.books.results.asides(CONTEST) if each.stands) == 170
    assert steps == [(90, 0)]
    assert world.archives().status is ContestStatus.DONE


def test_who_qualifies_at_the_end_of_the_day_of_its_last_event_is_counted(tables: Tables) -> None:
    world = ContestWorld(tables)
    world.partners("par_a", deal=terms(cpa("100.00", min_lots="1", within_days=30), days=30))
    world.contest(
        a_contest(fixed(1, 500_00), weights=((Metric.QFTD, 1000),), starts_at=at("2026-10-31 23:00")), "par_a"
    )
    world.client("c1", "par_a", "2026-10-31", hour=9)
    world.comes(an_event("trade", at("2026-10-31 22:30"), client="c1", event_id="t1", lots="2", symbol="EURUSD"))
    live = world.books.contests.entry(CONTEST, "par_a")
    assert live is not None and live.counted == {Metric.QFTD: 1}
    world.freezes()
    world.later(minutes=5)
    [recount] = world.recounts()
    assert recount.counted["par_a"].counted == live.counted


def test_a_standing_that_is_to_come_sets_nobody_aside_and_a_block_until_then_does(world: ContestWorld) -> None:
    plays(world)
    world.stands("par_a", Status.BLOCKED, at("2026-11-14"))
    world.published()
    world.stands("par_a", Status.ACTIVE, at("2026-12-24"))
    world.stands("par_b", Status.BLOCKED, at("2026-12-24"))
    world.finishes()
    assert [each[:2] for each in ranks(world)[:2]] == [(1, "par_b"), (2, "par_c")]


def test_who_is_set_aside_in_the_last_hour_is_told_and_has_a_day_to_object(world: ContestWorld) -> None:
    plays(world)
    contest = world.published()
    assert contest.objections_until is not None
    world.until(contest.objections_until - timedelta(minutes=5))
    # when a manager sets the winner aside five minutes before the end
    after = _sets_aside(world, "par_a")
    # then it can still object, and is told so once more
    assert after.objections_until == world.now + timedelta(hours=24)
    told = [mail for mail in world.books.mails.mails("par_a") if mail.template is MailTemplate.CONTEST_RESULT]
    assert [(mail.values["place"], mail.values["unranked"]) for mail in sorted(told, key=lambda each: each.at)] == [
        (1, ""),
        (0, "set_aside"),
    ]
    world.later(hours=20)
    object_to_result(world.books, member=an_owner("par_a"), contest=CONTEST, text="They are mine", now=world.now)
    # and giving back takes no time away from anybody
    again = take_back_aside(
        world.books, member=COMPLIANCE, contest=CONTEST, partner="par_a", why="They are", now=world.now
    )
    assert again.objections_until == after.objections_until


@pytest.mark.parametrize(("end", "month"), [("2026-12-01", "2026-11"), ("2026-11-30 23:00", "2026-11")])
def test_a_prize_is_earned_in_the_month_of_the_windows_last_moment(world: ContestWorld, end: str, month: str) -> None:
    plays(world, ends_at=at(end))
    world.done()
    assert {journal.key.earn_month for journal in world.prize_journals()} == {month}


def test_what_staff_note_about_a_gift_stands_with_the_prize_and_not_in_the_trail(world: ContestWorld) -> None:
    plays(world, prizes=(gift(1, "A watch"),))
    world.done()
    [award] = world.awards("par_a")
    sent = send_gift(
        world.books, member=MANAGER, partner="par_a", award=award_id(award), status=AwardStatus.DELIVERED,
        note="Taken by Ann at the desk", now=world.now,
    )  # fmt: skip
    assert sent.note == "Taken by Ann at the desk"
    # the trail is never erased: it says what was done, and by whom
    trail = world.tables.client.scan(TableName=world.tables.books)["Items"]
    records = [item for item in trail if item["pk"]["S"].startswith("A#")]
    assert any(item["action"]["S"] == "send_gift" for item in records)
    assert not any("Ann" in json.dumps(item) for item in records)
