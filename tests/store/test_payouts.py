"""Runs, payouts and batches: the questions about them, asked of real tables; each step once, with its money, its audit
record and its mail, or not at all; and what happens when two workers take steps at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pynamodb.connection.base import Connection
from pynamodb.exceptions import PynamoDBConnectionError

from introducer.domain.errors import Conflict, IntroducerError, NotFound, Unavailable
from introducer.domain.exchange import unbalanced
from introducer.domain.mail import MailTemplate, payout_mail
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import (
    NEXT,
    RELEASED_IN,
    RESERVED_IN,
    BatchStatus,
    LeftOut,
    Part,
    Payout,
    PayoutStatus,
    RunStatus,
    Sum,
    batch_id,
    payout_id,
)
from introducer.domain.rates import Rate
from introducer.store import keys
from introducer.store.reservations import TRIES, way_from_item
from introducer.store.wire import from_wire
from tests.conftest import Tables
from tests.support.payouts import BRAND, NOW, RUN, Paying, a_batch, a_payout, a_run

pytestmark = pytest.mark.in_memory

S = PayoutStatus
LATER = NOW + timedelta(hours=1)
DOLLARS = Rate("EUR", "USD", 1_165_000_000_000, "2026-12-01", "ECB")


@pytest.fixture
def paying(tables: Tables) -> Paying:
    """Partner par_a has 100.00 EUR, and is paid to the first version of its profile."""
    paying = Paying(tables)
    paying.partner("par_a", 100_00, accepted=False, verified=False)
    return paying


def refused(act: Callable[[], object], kind: type[IntroducerError] = Conflict) -> str:
    with pytest.raises(kind) as raised:
        act()
    return raised.value.code


@contextmanager
def meanwhile(*acts: Callable[[], object], after: bool = False) -> Iterator[list[int]]:
    """Before (or after) each of the transactions that are sent now, the next of these things happens. Yields how many
    were sent."""
    left, sent, write = list(acts), [0], Connection.transact_write_items

    def interrupted(self: Connection, *args: Any, **more: Any) -> Any:
        act = left.pop(0) if left else None
        sent[0] += 1
        with pytest.MonkeyPatch.context() as undone:
            undone.setattr(Connection, "transact_write_items", write)
            if act and not after:
                act()
            answer = write(self, *args, **more)
            if act and after:
                act()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "transact_write_items", interrupted)
        yield sent
    assert not left, "less was sent than things were to happen"


def at(paying: Paying, status: PayoutStatus, **other: Any) -> Payout:
    """The payout of par_a, taken to a status by the steps that lead there."""
    ways = {
        S.CREATED: [], S.APPROVED: [S.APPROVED], S.REJECTED: [S.REJECTED], S.SET_ASIDE: [S.SET_ASIDE],
        S.SENDING: [S.APPROVED, S.SENDING], S.SENT: [S.APPROVED, S.SENDING, S.SENT],
        S.PAID: [S.APPROVED, S.SENDING, S.SENT, S.PAID], S.FAILED: [S.APPROVED, S.SENDING, S.FAILED],
        S.UNKNOWN: [S.APPROVED, S.SENDING, S.UNKNOWN],
        S.RETURNED: [S.APPROVED, S.SENDING, S.SENT, S.PAID, S.RETURNED],
    }  # fmt: skip
    payout = paying.payouts.create(a_payout("par_a", **other))
    for step in ways[status]:
        payout = paying.payouts.step(payout, step, NOW)
    return payout


# ---------------------------------------------------------------------------------------------------------------- runs


@pytest.mark.pattern("run_by_id")
def test_a_run_reads_as_it_was_written_and_is_written_once(paying: Paying) -> None:
    run = a_run()
    assert paying.payouts.open_run(run, paying.change()) == run
    assert paying.payouts.open_run(replace(run, first="2026-11-15"), paying.change("again")) == run
    # with all that it may have
    full = replace(
        run, status=RunStatus.CONFIRMING, rates_day="2026-12-01", rates_feed="ECB", per_euro={"USD": "1.165"},
        sums=(Sum(status=S.CREATED, rail=RailKind.SEPA, currency="EUR", pay_currency="USD", count=3, amount=2**53 + 1,
                  pays=7),),
        left_out={"on_hold": 2}, token="t" * 600, asked_at=NOW, deadline=LATER, reminders=2, decided_at=LATER,
        decided_by="mem_checker", decision="It is right — «yes»", confirm_by=LATER, closed_at=LATER,
    )  # fmt: skip
    changed = paying.payouts.change_run(run, full)
    assert changed == replace(full, version=2) == paying.payouts.run(BRAND, RUN)
    assert refused(lambda: paying.payouts.run(BRAND, "2026-12-monthly"), NotFound) == "not_found"
    assert refused(lambda: paying.payouts.run("brd_other", RUN), NotFound) == "not_found"


@pytest.mark.pattern("runs_of_brand")
def test_a_brands_runs_come_newest_first_page_by_page(paying: Paying) -> None:
    for number in range(5):
        made = a_run(run=f"2026-w{40 + number}-weekly", started_at=NOW + timedelta(days=7 * number))
        paying.payouts.open_run(made, paying.change())
    paying.payouts.open_run(a_run(brand="brd_other"), paying.change())
    pages, cursor = [], None
    while True:
        page = paying.payouts.runs(BRAND, cursor, limit=2)
        pages.append([each.run for each in page.items])
        if (cursor := page.cursor) is None:
            break
    assert [each for page in pages for each in page] == [f"2026-w{number}-weekly" for number in (44, 43, 42, 41, 40)]
    assert pages[0] == ["2026-w44-weekly", "2026-w43-weekly"]


def test_a_run_changes_as_it_was_read_with_its_record_and_its_mail(paying: Paying) -> None:
    run = paying.payouts.open_run(a_run(), paying.change())
    paying.now = LATER
    closed = paying.payouts.change_run(
        run, replace(run, status=RunStatus.CLOSED), paying.change("all paid"), "close_run"
    )
    assert closed.version == 2
    assert refused(lambda: paying.payouts.change_run(run, replace(run, why="other"))) == "run_changed"
    assert paying.audited(f"{RUN}-{BRAND}") == ["open_run", "close_run"]


# ------------------------------------------------------------------------------------------------------------- payouts


@pytest.mark.pattern("payout_by_id")
def test_a_payout_reads_as_it_was_written(paying: Paying) -> None:
    payout = a_payout(
        "par_a", 100_00, pay_currency="USD", pays=118_00, rail=RailKind.PAYPAL, masked="r••••@v••••.example",
        parts=(Part(60_00, "2026-09", replace(DOLLARS, scaled=2**60)), Part(40_00, "", DOLLARS)), notice="new_payee",
        name="Vale «Média» №1", profile_version=7, reason="r", note="n", batch="b", reference="f",
    )  # fmt: skip
    assert paying.payouts.create(payout) == payout == paying.payouts.payout(BRAND, RUN, payout.payout)
    assert refused(lambda: paying.payouts.payout(BRAND, RUN, "pay_none"), NotFound) == "not_found"
    assert refused(lambda: paying.payouts.payout("brd_other", RUN, payout.payout), NotFound) == "not_found"


@pytest.mark.pattern("place_of_payout")
def test_a_payout_is_found_by_its_id_alone(paying: Paying) -> None:
    payout = paying.payouts.create(a_payout("par_a", 60_00))
    other = paying.payouts.create(a_payout("par_a", 40_00, run="2026-11-special"))
    assert paying.payouts.place(payout.payout) == (BRAND, RUN)
    assert paying.payouts.by_id(other.payout) == other
    assert paying.payouts.by_ids([payout.payout, other.payout, "pay_none", payout.payout]) == {
        payout.payout: payout, other.payout: other,
    }  # fmt: skip
    assert paying.payouts.by_ids([]) == {}
    assert refused(lambda: paying.payouts.by_id("pay_none"), NotFound) == "not_found"


@pytest.mark.pattern("payouts_of_run")
def test_a_runs_payouts_come_by_id_in_pages_and_in_groups(paying: Paying) -> None:
    names = [f"par_{number:02}" for number in range(7)]
    for name in names:
        paying.earns(name, 10_00)
        paying.payouts.create(a_payout(name, 10_00))
    paying.payouts.create(a_payout("par_a", 5_00, run="2026-11-special"))
    ids = sorted(payout_id(BRAND, RUN, name, "EUR") for name in names)

    first = paying.payouts.of_run(BRAND, RUN, limit=3)
    assert [each.payout for each in first.items] == ids[:3]
    assert [each.payout for each in paying.payouts.of_run(BRAND, RUN, first.cursor, limit=50).items] == ids[3:]
    assert [each.payout for each in paying.payouts.all_of_run(BRAND, RUN)] == ids
    assert [each.payout for each in paying.payouts.all_of_run(BRAND, RUN, ids[1], ids[4])] == ids[2:5]
    assert list(paying.payouts.all_of_run(BRAND, "2026-12-monthly")) == []


@pytest.mark.pattern("payouts_of_partner")
def test_a_partners_payouts_come_newest_first_as_they_stand_now(paying: Paying) -> None:
    old = paying.payouts.create(a_payout("par_a", 10_00, run="2026-10-monthly", created_at=NOW - timedelta(days=30)))
    new = paying.payouts.create(a_payout("par_a", 20_00))
    paying.earns("par_b", 10_00)
    paying.payouts.create(a_payout("par_b", 10_00))
    approved = paying.payouts.step(old, S.APPROVED, NOW)
    page = paying.payouts.of_partner("par_a", limit=1)
    assert page.items == (new,)
    assert paying.payouts.of_partner("par_a", page.cursor).items == (approved,)


@pytest.mark.pattern("left_out_of_run")
def test_who_is_left_out_is_listed_by_partner_until_it_is_withdrawn(paying: Paying) -> None:
    def left(partner: str, currency: str = "EUR", reason: str = "on_hold") -> LeftOut:
        return LeftOut(partner=partner, name=f"{partner} Ltd", currency=currency, amount=-5, reason=reason)

    told = [left("par_1"), left("par_1", "USD"), left("par_10", "", "nothing_available"), left("par_2")]
    paying.payouts.leave_out(BRAND, RUN, told)
    paying.payouts.leave_out(BRAND, RUN, told[:1])
    paying.payouts.leave_out(BRAND, "2026-11-special", [left("par_9")])

    assert list(paying.payouts.all_left_out(BRAND, RUN)) == told
    assert list(paying.payouts.all_left_out(BRAND, RUN, "par_1", "par_10")) == told[2:3]
    page = paying.payouts.left_out(BRAND, RUN, limit=1)
    assert page.items == tuple(told[:1])
    assert paying.payouts.left_out(BRAND, RUN, page.cursor).items == tuple(told[1:])
    # when it does not hold any more
    paying.payouts.leave_out(BRAND, RUN, [replace(told[1], reason="")])
    assert list(paying.payouts.all_left_out(BRAND, RUN)) == [told[0], *told[2:]]


# -------------------------------------------------------------------------------------------------- reserving, once


def test_a_new_payout_reserves_its_money_in_the_same_transaction(paying: Paying) -> None:
    payout = a_payout("par_a", 70_00)
    with meanwhile() as sent:
        assert paying.payouts.create(payout) == payout
    assert sent == [1]
    assert paying.money("par_a") == {"available": 30_00, "reserved": 70_00}
    # again, whatever it says, is what stands there
    assert paying.payouts.create(replace(payout, amount=1, pays=1)) == payout
    assert paying.money("par_a") == {"available": 30_00, "reserved": 70_00}


@pytest.mark.parametrize(("before", "code"), [
    (lambda paying: paying.earns("par_a", -30_01), "not_available"),
    (lambda paying: paying.hold("par_a"), "on_hold"),
])  # fmt: skip
@pytest.mark.parametrize("late", [False, True], ids=["read", "after reading"])
def test_no_payout_is_made_of_money_that_is_not_free(
    paying: Paying, before: Callable[[Paying], object], code: str, late: bool
) -> None:
    def act() -> str:
        return refused(lambda: paying.payouts.create(a_payout("par_a", 70_00)))

    if late:
        with meanwhile(lambda: before(paying)):
            assert act() == code
    else:
        before(paying)
        assert act() == code
    assert refused(lambda: paying.payout("par_a"), NotFound) == "not_found"
    assert refused(lambda: paying.payouts.place(a_payout("par_a").payout), NotFound) == "not_found"
    assert "reserved" not in paying.money("par_a")


def test_of_two_workers_with_different_amounts_both_answer_the_one_that_was_made(paying: Paying) -> None:
    theirs: list[Payout] = []
    with meanwhile(lambda: theirs.append(paying.payouts.create(a_payout("par_a", 60_00)))):
        mine = paying.payouts.create(a_payout("par_a", 100_00))
    assert [mine] == theirs == [a_payout("par_a", 60_00)]
    assert paying.money("par_a") == {"available": 40_00, "reserved": 60_00}


def test_a_lost_answer_is_no_second_reservation(paying: Paying) -> None:
    payout = a_payout("par_a", 70_00)
    with meanwhile(lost, after=True), pytest.raises(Unavailable):
        paying.payouts.create(payout)
    assert paying.payouts.create(payout) == payout
    assert paying.money("par_a") == {"available": 30_00, "reserved": 70_00}


def lost() -> None:
    """The answer to what was written does not arrive."""
    raise PynamoDBConnectionError("lost")


# ----------------------------------------------------------------------------------------------------- steps and money


@pytest.mark.parametrize("status", list(S))
def test_each_status_has_its_money(paying: Paying, status: PayoutStatus) -> None:
    at(paying, status)
    if status in RESERVED_IN:
        assert paying.money("par_a") == {"reserved": 100_00}
    elif status is S.PAID:
        assert paying.money("par_a") == {"paid": 100_00}
    else:
        assert status in RELEASED_IN | {S.RETURNED}
        assert paying.money("par_a") == {"available": 100_00}


@pytest.mark.parametrize(
    ("before", "to"), [(before, to) for before in S for to in S if to is not before and to not in NEXT[before]]
)
def test_a_step_that_never_follows_changes_nothing(paying: Paying, before: PayoutStatus, to: PayoutStatus) -> None:
    payout = at(paying, before)
    money = paying.money("par_a")
    assert refused(lambda: paying.payouts.step(payout, to, LATER)) == "wrong_status"
    assert (paying.payout("par_a"), paying.money("par_a")) == (payout, money)


@pytest.mark.parametrize("to", [each for each in S if each is not S.CREATED])
def test_a_step_that_is_repeated_is_answered_and_taken_once(paying: Paying, to: PayoutStatus) -> None:
    done = at(paying, to)
    money = paying.money("par_a")
    with meanwhile() as sent:
        assert paying.payouts.step(done, to, LATER, reason="other") == done
    assert sent == [0]
    # and by somebody who read it before
    stale = replace(done, status=next(each for each in S if to in NEXT[each]), version=done.version - 1)
    assert paying.payouts.step(stale, to, LATER, reason="other") == done
    assert (paying.payout("par_a"), paying.money("par_a")) == (done, money)


@pytest.mark.parametrize(("stale", "theirs", "mine"), [
    (before, theirs, mine)
    for before in (S.CREATED, S.APPROVED, S.SENDING, S.SENT, S.UNKNOWN)
    for theirs in sorted(NEXT[before])
    for mine in sorted(NEXT[before])
    if theirs is not mine
])  # fmt: skip
@pytest.mark.parametrize("late", [False, True], ids=["before", "between"])
def test_of_two_workers_that_differ_the_first_is_right(
    paying: Paying, stale: PayoutStatus, theirs: PayoutStatus, mine: PayoutStatus, late: bool
) -> None:
    """Whoever comes second is answered what can still follow, or that it cannot: never what does not stand."""
    payout = at(paying, stale)

    def other() -> None:
        paying.payouts.step(payout, theirs, NOW, reason="theirs")

    def me() -> Payout:
        return paying.payouts.step(payout, mine, LATER, reason="mine")

    def act() -> None:
        if mine in NEXT[theirs]:
            assert me() == paying.payout("par_a")
            assert paying.payout("par_a").status is mine
        else:
            assert refused(me) == "wrong_status"
            assert (paying.payout("par_a").status, paying.payout("par_a").reason) == (theirs, "theirs")

    if late:
        with meanwhile(other):
            act()
    else:
        other()
        act()
    total = sum(paying.money("par_a").values())
    assert total == 100_00


def test_a_step_waits_for_other_payouts_of_the_partner_and_gives_up_in_the_end(paying: Paying) -> None:
    payout = at(paying, S.SENDING)
    paying.earns("par_a", 50_00)
    with meanwhile(lambda: paying.payouts.create(a_payout("par_a", 50_00, run="2026-11-special"))):
        assert paying.payouts.step(payout, S.PAID, LATER).status is S.PAID
    assert paying.money("par_a") == {"reserved": 50_00, "paid": 100_00}

    def rewritten() -> None:
        stands = paying.payout("par_a", run="2026-11-special")
        change = replace(stands, version=stands.version + 1)
        paying.tables.client.put_item(TableName=paying.tables.books, Item=wire(change))

    from introducer.store.payout_items import payout_to_item
    from introducer.store.wire import to_wire

    def wire(payout: Payout) -> dict[str, Any]:
        return to_wire(payout_to_item(payout))

    with meanwhile(*[rewritten] * TRIES):
        special = paying.payout("par_a", run="2026-11-special")
        assert refused(lambda: paying.payouts.step(special, S.APPROVED, LATER)) == "books_changed"


def test_a_payment_has_its_way_through_clearing_and_a_return_comes_back_by_it(paying: Paying) -> None:
    paid = at(paying, S.PAID, pay_currency="USD", pays=116_50, rail=RailKind.PAYPAL, parts=(Part(100_00, "", DOLLARS),))
    paying.payouts.step(paid, S.RETURNED, LATER, reason="account_closed")
    ways = {
        item["kind"]: way_from_item(item)
        for item in map(from_wire, paying.tables.items(paying.tables.books))
        if item[keys.PK] == keys.partition("payout_journal", partner="par_a")
    }
    assert [tuple(leg) for leg in ways["pay"]] == [
        ("house.payouts", "EUR", -100_00), ("clearing", "EUR", 100_00), ("clearing", "USD", -116_50),
        ("rail.paypal", "USD", 116_50),
    ]  # fmt: skip
    assert unbalanced(ways["pay"]) == unbalanced(ways["return"]) == unbalanced([*ways["pay"], *ways["return"]]) == {}
    assert [leg.amount for leg in ways["return"]] == [-leg.amount for leg in ways["pay"]]
    assert ways["reserve"] == ()
    # what came back can be paid by the next run
    assert paying.money("par_a") == {"available": 100_00}
    assert paying.payouts.create(a_payout("par_a", 100_00, run="2026-12-monthly")).status is S.CREATED


def test_a_persons_step_is_on_record_once(paying: Paying) -> None:
    payout = at(paying, S.CREATED)
    paying.payouts.step(payout, S.REJECTED, NOW, change=paying.change("not yet"), reason="taken_out", note="not yet")
    paying.payouts.step(payout, S.REJECTED, LATER, change=paying.change("again"))
    [record] = paying.configuration.audit_of_subject(payout.payout).items
    assert (record.action, record.by, record.why) == ("payout_rejected", "mem_checker", "not yet")
    assert json.loads(record.before or "") == {"status": "created"}
    assert json.loads(record.after or "{}")["reason"] == "taken_out"


def test_a_partner_is_told_once_and_only_of_what_was_written(paying: Paying) -> None:
    payout = at(paying, S.SENT)

    def pay(at_what: Any = LATER) -> Payout:
        mail = payout_mail(MailTemplate.PAYOUT_PAID, replace(payout, status=S.PAID, status_since=at_what), at_what)
        return paying.payouts.step(payout, S.PAID, at_what, mails=[mail])

    with meanwhile(lost, after=True), pytest.raises(Unavailable):
        pay()
    assert pay(LATER + timedelta(minutes=1)).status_since == LATER
    with meanwhile(lambda: None):
        assert refused(lambda: paying.payouts.step(payout, S.FAILED, LATER, mails=[
            payout_mail(MailTemplate.PAYOUT_FAILED, replace(payout, status=S.FAILED, reason="refused"), LATER)
        ])) == "wrong_status"  # fmt: skip
        paying.earns("par_a", 1)
    assert [template for template, _ in paying.told("par_a")] == ["payout_paid"]


# ------------------------------------------------------------------------------------------------------------- batches


@pytest.mark.pattern("batch_by_id")
def test_a_batch_reads_as_it_was_written_once_and_changes_as_it_was_read(paying: Paying) -> None:
    batch = a_batch()
    assert paying.payouts.open_batch(batch) == batch
    assert paying.payouts.open_batch(replace(batch, through="pay_other")) == batch
    sealed = paying.payouts.change_batch(
        batch,
        replace(batch, status=BatchStatus.SEALED, count=3, pays=2**53 + 1, first_tried_at=NOW, trying_since=LATER,
                provider_id="p", file="f", note="n"),
    )  # fmt: skip
    assert sealed.version == 2
    assert paying.payouts.batch(BRAND, RUN, batch.batch) == sealed
    assert refused(lambda: paying.payouts.change_batch(batch, replace(batch, note="late"))) == "batch_changed"
    assert refused(lambda: paying.payouts.batch(BRAND, RUN, "bat_none"), NotFound) == "not_found"


@pytest.mark.pattern("batches_of_run")
def test_a_runs_batches_are_its_own(paying: Paying) -> None:
    made = [paying.payouts.open_batch(a_batch(number)) for number in range(4)]
    other = batch_id(BRAND, "2026-11-special", RailKind.SEPA, "EUR", 0)
    paying.payouts.open_batch(a_batch(run="2026-11-special", batch=other))
    paying.payouts.create(a_payout("par_a"))
    assert paying.payouts.batches(BRAND, RUN) == sorted(made, key=lambda each: each.batch)
    assert paying.payouts.batches(BRAND, "2026-12-monthly") == []


def test_an_approved_payout_joins_an_open_batch(paying: Paying) -> None:
    payout, batch = at(paying, S.APPROVED), paying.payouts.open_batch(a_batch())
    sending = paying.payouts.begin_sending(payout, batch, LATER)
    assert sending is not None
    assert (sending.status, sending.batch, sending.status_since) == (S.SENDING, batch.batch, LATER)
    assert paying.payout("par_a") == sending
    assert paying.money("par_a") == {"reserved": 100_00}
    # whoever read it before does not send it again, in this batch or another
    other = paying.payouts.open_batch(a_batch(1))
    assert paying.payouts.begin_sending(payout, other, LATER) is None
    assert paying.payouts.begin_sending(payout, batch, LATER + timedelta(seconds=1)) is None
    assert paying.payout("par_a") == sending


def sealed(paying: Paying) -> None:
    batch = paying.payouts.batch(BRAND, RUN, a_batch().batch)
    paying.payouts.change_batch(batch, replace(batch, status=BatchStatus.SEALED))


IN_THE_WAY: dict[str, Callable[[Paying], object]] = {
    "a hold": lambda paying: paying.hold("par_a"),
    "another profile": lambda paying: paying.profile("par_a"),
    "a sealed batch": sealed,
    "set aside": lambda paying: paying.payouts.step(paying.payout("par_a"), S.SET_ASIDE, NOW),
}


@pytest.mark.parametrize("what", IN_THE_WAY)
@pytest.mark.parametrize("late", [False, True], ids=["before", "between"])
def test_nothing_is_sent_past_what_is_in_the_way(paying: Paying, what: str, late: bool) -> None:
    payout, batch = at(paying, S.APPROVED), paying.payouts.open_batch(a_batch())
    if late:
        with meanwhile(lambda: IN_THE_WAY[what](paying)):
            assert paying.payouts.begin_sending(payout, batch, LATER) is None
    else:
        IN_THE_WAY[what](paying)
        assert paying.payouts.begin_sending(payout, batch, LATER) is None
    assert paying.payout("par_a").status is not S.SENDING


def test_a_batch_that_was_never_opened_takes_nothing(paying: Paying) -> None:
    assert paying.payouts.begin_sending(at(paying, S.APPROVED), a_batch(), LATER) is None


def test_a_hold_that_was_released_is_not_in_the_way(paying: Paying) -> None:
    payout, batch = at(paying, S.APPROVED), paying.payouts.open_batch(a_batch())
    paying.lift(paying.hold("par_a"))
    assert paying.payouts.begin_sending(payout, batch, LATER) is not None


# ---------------------------------------------------------------------------------------- taken out, with the sums


@pytest.mark.parametrize("what", ["run", "payout"])
def test_a_payout_is_taken_out_only_of_a_run_as_it_was_read(paying: Paying, what: str) -> None:
    run = paying.payouts.open_run(a_run(), paying.change())
    payout = at(paying, S.CREATED)
    run = paying.payouts.change_run(run, replace(run, sums=(
        Sum(status=S.CREATED, rail=RailKind.SEPA, currency="EUR", pay_currency="EUR", count=1, amount=100_00,
            pays=100_00),)))  # fmt: skip
    change: dict[str, Callable[[], object]] = {
        "run": lambda: paying.payouts.change_run(run, replace(run, why="other")),
        "payout": lambda: paying.payouts.step(payout, S.SET_ASIDE, NOW),
    }
    with meanwhile(change[what]):
        assert paying.payouts.take_out(run, payout, S.REJECTED, LATER) is None
    assert [each.count for each in paying.run().sums if each.status is S.CREATED] == [1]
    if what == "run":
        taken = paying.payouts.take_out(paying.run(), payout, S.REJECTED, LATER, reason="taken_out")
        assert taken == (paying.run(), paying.payout("par_a"))
        assert [(each.status, each.count) for each in paying.run().sums] == [(S.REJECTED, 1)]
        assert paying.payouts.take_out(paying.run(), paying.payout("par_a"), S.REJECTED, LATER) == taken
