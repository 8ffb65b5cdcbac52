"""What a statement says of our payouts: each entry is placed, left over with a reason, or not about payouts at all."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.errors import Conflict
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import NEXT, Payout, PayoutStatus, check_step
from introducer.domain.reconciliation import (
    Reconciled,
    Says,
    Unplaceable,
    bank_id,
    named_in,
    reconcile,
    step_to,
)
from introducer.sources.bank_statement import read_statement
from tests.support.camt import Entry, Tx, a_statement
from tests.support.transfers import a_payout, a_payout_id

PAID, RETURNED, SENT = PayoutStatus.PAID, PayoutStatus.RETURNED, PayoutStatus.SENT
PAYOUT, OTHER = a_payout_id("par_1"), a_payout_id("par_2")
RETURN = {"debit": False, "reason": "AC04", "note": ["Account closed"]}


def said(*entries: Entry, payouts: tuple[Payout, ...] = (a_payout(),)) -> Reconciled:
    """What a statement with these entries says of these payouts."""
    found = read_statement(a_statement(*entries))
    return reconcile(found, {each.payout: each for each in payouts})


def placed(found: Reconciled) -> list[tuple[Says, tuple[PayoutStatus, ...]]]:
    assert not found.unplaced
    return [(each.says, each.steps) for each in found.placed]


def reasons(found: Reconciled) -> list[Unplaceable]:
    return [each.why for each in found.unplaced]


def after(payouts: tuple[Payout, ...], found: Reconciled) -> tuple[Payout, ...]:
    """The payouts after the steps of a file, each of them one that may be taken."""
    now = {each.payout: each for each in payouts}
    for each in found.placed:
        for step in each.steps:
            assert check_step(now[each.payout], step)
            now[each.payout] = replace(now[each.payout], status=step, reference=each.entry.reference)
    return tuple(now.values())


# ---- what is placed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [PayoutStatus.SENDING, SENT, PayoutStatus.UNKNOWN])
def test_money_that_left_has_paid_the_payout(status: PayoutStatus) -> None:
    found = said(Entry([Tx(PAYOUT)]), payouts=(a_payout(status=status),))
    assert placed(found) == [(Says.PAID, (PAID,))]
    assert found.counts() == {"paid": 1}


def test_money_that_came_back_is_returned_with_its_reason() -> None:
    found = said(Entry([Tx(PAYOUT, **RETURN)]), payouts=(a_payout(status=PAID),))
    assert placed(found) == [(Says.RETURNED, (RETURNED,))]
    assert (found.placed[0].entry.reason, found.placed[0].entry.note) == ("AC04", "Account closed")


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_what_left_and_came_back_in_one_file_takes_both_steps(order: list[int]) -> None:
    entries = [Entry([Tx(PAYOUT)]), Entry([Tx(PAYOUT, **RETURN)])]
    found = said(*[entries[each] for each in order])
    assert placed(found) == [(Says.PAID, (PAID,)), (Says.RETURNED, (RETURNED,))]


def test_a_return_of_what_was_not_known_to_be_paid_says_both() -> None:
    payouts = (a_payout(),)
    found = said(Entry([Tx(PAYOUT, **RETURN)]), payouts=payouts)
    assert placed(found) == [(Says.RETURNED, (PAID, RETURNED))]

    # and when the statement that it left comes later, that is known
    assert placed(said(Entry([Tx(PAYOUT)], reference="E9"), payouts=after(payouts, found))) == [(Says.KNOWN, ())]


def test_payouts_that_are_booked_together_are_placed_one_by_one() -> None:
    payouts = (a_payout(), a_payout("par_2", 5_00))
    found = said(Entry([Tx(PAYOUT), Tx(OTHER, "5.00")], amount="128.45", reference="E1"), payouts=payouts)
    assert [(each.payout, each.says) for each in found.placed] == [(PAYOUT, Says.PAID), (OTHER, Says.PAID)]


def test_what_is_pending_is_placed_and_nothing_follows() -> None:
    assert placed(said(Entry([Tx(PAYOUT)], status="PDNG"))) == [(Says.PENDING, ())]


def test_an_entry_that_was_pending_is_booked_in_the_same_file() -> None:
    found = said(Entry([Tx(PAYOUT)], status="PDNG"), Entry([Tx(PAYOUT)]))
    assert placed(found) == [(Says.PENDING, ()), (Says.PAID, (PAID,))]


def test_what_the_bank_exchanged_is_compared_with_what_was_asked_for() -> None:
    found = said(Entry([Tx(PAYOUT, "131.20", "USD", instructed="123.45")]))
    assert placed(found) == [(Says.PAID, (PAID,))]
    found = said(Entry([Tx(PAYOUT, "131.20", "USD", instructed="123.44")]))
    assert reasons(found) == [Unplaceable.AMOUNT_DIFFERS]
    assert found.unplaced[0].detail == "The bank says 123.44 EUR, the payout is 123.45 EUR."


def test_a_payout_by_hand_is_found_in_a_statement_too() -> None:
    payout = a_payout(rail=RailKind.MANUAL, pay_currency="AED")
    assert placed(said(Entry([Tx(PAYOUT, currency="AED")], currency="AED"), payouts=(payout,))) == [
        (Says.PAID, (PAID,))
    ]


def test_a_reference_that_a_person_wrote_is_not_held_against_the_banks() -> None:
    payout = a_payout(rail=RailKind.MANUAL, status=PAID, reference="paid by Kim")
    assert placed(said(Entry([Tx(PAYOUT)], reference="E1"), payouts=(payout,))) == [(Says.KNOWN, ())]


# ---- the same again --------------------------------------------------------------------------------------------------


def test_the_same_file_again_takes_no_step() -> None:
    payouts = (a_payout(), a_payout("par_2"))
    entries = (
        Entry([Tx(PAYOUT)], reference="E1"),
        Entry([Tx(OTHER)], reference="E2"),
        Entry([Tx(OTHER, **RETURN)], reference="E3"),
    )
    first = said(*entries, payouts=payouts)
    again = said(*entries, payouts=after(payouts, first))

    assert first.counts() == {"paid": 2, "returned": 1}
    assert not again.unplaced
    assert all(not each.steps for each in again.placed)


def test_the_same_booking_twice_in_a_file_is_one() -> None:
    # A notification and a statement, or two pages, that tell of the same.
    found = said(Entry([Tx(PAYOUT)], reference="E1"), Entry([Tx(PAYOUT)], reference="E1"))
    assert placed(found) == [(Says.PAID, (PAID,)), (Says.KNOWN, ())]
    found = said(Entry([Tx(PAYOUT)]), Entry([Tx(PAYOUT)]))
    assert placed(found) == [(Says.PAID, (PAID,)), (Says.KNOWN, ())]


def test_two_bookings_of_one_payout_are_for_a_person() -> None:
    found = said(Entry([Tx(PAYOUT)], reference="E1"), Entry([Tx(PAYOUT)], reference="E2"))
    assert found.counts() == {"paid": 1, "paid_again": 1}
    assert found.unplaced[0].payout == PAYOUT


def test_a_payout_twice_in_one_booking_is_for_a_person() -> None:
    found = said(Entry([Tx(PAYOUT), Tx(PAYOUT)], amount="246.90", reference="E1"))
    assert found.counts() == {"paid": 1, "paid_again": 1}

    # also when the file is read again
    again = said(Entry([Tx(PAYOUT), Tx(PAYOUT)], amount="246.90", reference="E1"), payouts=after((a_payout(),), found))
    assert again.counts() == {"known": 1, "paid_again": 1}


def test_a_second_booking_in_a_later_file_is_for_a_person() -> None:
    payout = a_payout(status=PAID, reference="E1")
    assert reasons(said(Entry([Tx(PAYOUT)], reference="E2"), payouts=(payout,))) == [Unplaceable.PAID_AGAIN]
    assert placed(said(Entry([Tx(PAYOUT)], reference="E1"), payouts=(payout,))) == [(Says.KNOWN, ())]
    assert placed(said(Entry([Tx(PAYOUT)]), payouts=(payout,))) == [(Says.KNOWN, ())]


def test_a_second_return_is_for_a_person() -> None:
    payout = a_payout(status=RETURNED, reference="E1")
    assert reasons(said(Entry([Tx(PAYOUT, **RETURN)], reference="E2"), payouts=(payout,))) == [
        Unplaceable.RETURNED_AGAIN
    ]
    assert placed(said(Entry([Tx(PAYOUT, **RETURN)], reference="E1"), payouts=(payout,))) == [(Says.KNOWN, ())]


# ---- what is not placed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("entry", "why"), [
    (Entry([Tx(PAYOUT, "123.44")]), Unplaceable.AMOUNT_DIFFERS),
    (Entry([Tx(PAYOUT, "123.46")]), Unplaceable.AMOUNT_DIFFERS),
    (Entry([Tx(PAYOUT, "0")]), Unplaceable.AMOUNT_DIFFERS),
    (Entry([Tx(PAYOUT, "113.45", **RETURN)]), Unplaceable.AMOUNT_DIFFERS),
    (Entry([Tx(PAYOUT, currency="USD")]), Unplaceable.CURRENCY_DIFFERS),
    (Entry([Tx(PAYOUT, "1.234")]), Unplaceable.NO_AMOUNT),
    (Entry([Tx(PAYOUT, currency="XXQ")]), Unplaceable.NO_AMOUNT),
    (Entry([Tx(a_payout_id("par_x"))]), Unplaceable.UNKNOWN_PAYOUT),
    (Entry([Tx(end_to_end="", words=f"{bank_id(PAYOUT)} {bank_id(OTHER)}")]), Unplaceable.SEVERAL_PAYOUTS),
    (Entry(amount="9.00", debit=True, batch="bat-" + "0" * 26), Unplaceable.BATCH_WITHOUT_DETAILS),
    (Entry([Tx(PAYOUT, debit=False)]), Unplaceable.CREDIT_WITHOUT_RETURN),
])  # fmt: skip
def test_what_does_not_fit_is_reported_with_its_reason(entry: Entry, why: Unplaceable) -> None:
    found = said(entry)
    assert reasons(found) == [why]
    assert found.unplaced[0].detail
    assert not found.placed


@pytest.mark.parametrize("status", [
    PayoutStatus.CREATED, PayoutStatus.APPROVED, PayoutStatus.REJECTED, PayoutStatus.SET_ASIDE, PayoutStatus.FAILED,
])  # fmt: skip
@pytest.mark.parametrize("tx", [Tx(PAYOUT), Tx(PAYOUT, **RETURN)])
def test_money_that_moved_for_what_was_not_sent_is_for_a_person(status: PayoutStatus, tx: Tx) -> None:
    found = said(Entry([tx]), payouts=(a_payout(status=status),))
    assert reasons(found) == [Unplaceable.NOT_SENT]
    assert status.value.replace("_", " ") in found.unplaced[0].detail


def test_a_payout_that_left_through_paypal_is_not_a_banks() -> None:
    found = said(Entry([Tx(PAYOUT)]), payouts=(a_payout(rail=RailKind.PAYPAL),))
    assert reasons(found) == [Unplaceable.OTHER_RAIL]


def test_what_is_not_about_payouts_is_kept_apart() -> None:
    found = said(Entry(amount="3.00", debit=True), Entry([Tx(end_to_end="INVOICE 7", debit=False)]))
    assert found.counts() == {"others": 2}
    assert [each.amount for each in found.others] == [300, 123_45]


def test_one_bad_entry_does_not_keep_the_others_from_being_placed() -> None:
    payouts = (a_payout(), a_payout("par_2"))
    found = said(Entry([Tx(PAYOUT, "1")]), Entry([Tx(OTHER)]), Entry(amount="3.00"), payouts=payouts)
    assert found.counts() == {"amount_differs": 1, "others": 1, "paid": 1}


# ---- of any file -----------------------------------------------------------------------------------------------------


def an_entry(kind: str, payout: str, reference: str) -> Entry:
    other: dict[str, Any] = RETURN if kind == "back" else {}
    amount = "1.00" if kind == "wrong" else "123.45"
    return Entry([Tx(payout, amount, **other)], reference=reference, status="PDNG" if kind == "pending" else "BOOK")


ENTRIES = st.lists(
    st.builds(
        an_entry,
        st.sampled_from(["left", "back", "wrong", "pending"]),
        st.sampled_from([PAYOUT, OTHER, a_payout_id("par_x")]),
        st.sampled_from(["", "E1", "E2"]),
    ),
    max_size=8,
)


@given(ENTRIES, st.sampled_from(list(PayoutStatus)))
def test_each_entry_is_told_of_once_and_each_step_may_be_taken(entries: list[Entry], status: PayoutStatus) -> None:
    payouts = (a_payout(status=status), a_payout("par_2"))
    found = said(*entries, payouts=payouts)

    told = [each.entry.place for each in (*found.placed, *found.unplaced)] + [each.place for each in found.others]
    assert sorted(told) == sorted(each.place for each in read_statement(a_statement(*entries)))
    then = after(payouts, found)

    # and the same file again takes no step
    assert after(then, said(*entries, payouts=then)) == then


def test_the_order_of_a_file_does_not_matter() -> None:
    payouts = (a_payout(), a_payout("par_2"))
    entries = [Entry([Tx(PAYOUT)]), Entry([Tx(PAYOUT, **RETURN)]), Entry([Tx(OTHER)]), Entry([Tx(OTHER, "1")])]
    ends = {after(payouts, said(*each, payouts=payouts)) for each in permutations(entries)}
    assert [each.status for each in ends.pop()] == [RETURNED, PAID]
    assert not ends


def test_the_payouts_to_read_are_those_that_are_named() -> None:
    entries = read_statement(a_statement(Entry([Tx(PAYOUT), Tx(OTHER)]), Entry([Tx(PAYOUT)]), Entry(amount="1")))
    assert named_in(entries) == (PAYOUT, OTHER)


# ---- what providers say ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "told", "step"), [
    ("sending", "sent", "sent"),
    ("unknown", "sent", "sent"),
    ("sent", "sent", None),
    ("sent", "paid", "paid"),
    ("unknown", "paid", "paid"),
    ("paid", "paid", None),
    ("paid", "sent", None),
    ("sent", "failed", "failed"),
    ("sent", "returned", "failed"),
    ("unknown", "returned", "failed"),
    ("paid", "returned", "returned"),
    ("paid", "failed", "returned"),
    ("returned", "returned", None),
    ("returned", "failed", None),
    ("failed", "returned", None),
    ("failed", "failed", None),
    ("failed", "paid", "contradiction"),
    ("failed", "sent", "contradiction"),
    ("returned", "paid", "contradiction"),
    ("rejected", "sent", "contradiction"),
    ("set_aside", "paid", "contradiction"),
    ("created", "sent", "contradiction"),
])  # fmt: skip
def test_what_a_provider_says_leads_to_a_step_that_may_be_taken(status: str, told: str, step: str | None) -> None:
    before = PayoutStatus(status)
    if step == "contradiction":
        with pytest.raises(Conflict) as caught:
            step_to(before, PayoutStatus(told))
        assert caught.value.code == "contradiction"
        return
    found = step_to(before, PayoutStatus(told))
    assert found is (None if step is None else PayoutStatus(step))
    assert found is None or found in NEXT[before]
