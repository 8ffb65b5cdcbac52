"""What a run reserves: for each partner and currency a payout, or the reason why there is none, and each once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pynamodb.connection.base import Connection

from introducer.domain.configuration import Status
from introducer.domain.errors import Conflict
from introducer.domain.payable import (
    BELOW_MINIMUM,
    BLOCKED,
    CURRENCY_NOT_PAYABLE,
    NEGATIVE_BALANCE,
    NO_PAYMENT_PROFILE,
    NOT_VERIFIED,
    NOTHING_AVAILABLE,
    ON_HOLD,
    PROFILE_CHANGED_LATELY,
    SUSPENDED,
    TERMS_NOT_ACCEPTED,
)
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import NEW_DETAILS, NEW_PAYEE, Part, PayoutStatus, RunStatus, Sum, payout_id
from introducer.services.open_run import Group
from introducer.services.reserve_run import TRIES, add_up
from tests.conftest import Tables
from tests.support.builders import revshare, terms
from tests.support.payouts import BRAND, NOW, RUN, YESTERDAY, Paying, a_payout

pytestmark = pytest.mark.in_memory


@pytest.fixture
def paying(tables: Tables) -> Paying:
    return Paying(tables)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Before each of the next transactions that are sent, one of these things happens."""

    def arrange(*acts: Callable[[], object]) -> None:
        left, write = list(acts), Connection.transact_write_items

        def interrupted(self: Connection, *args: Any, **more: Any) -> Any:
            if left:
                act = left.pop(0)
                with monkeypatch.context() as undone:
                    undone.setattr(Connection, "transact_write_items", write)
                    act()
            return write(self, *args, **more)

        monkeypatch.setattr(Connection, "transact_write_items", interrupted)

    return arrange


# ---------------------------------------------------------------------------------------------------- what is reserved


def test_what_had_matured_by_the_period_s_end_is_reserved(paying: Paying) -> None:
    paying.partner("par_a", 120_00)
    paying.earns("par_a", 30_00, month="2026-11")  # available on 1 December
    paying.opened()

    assert paying.reserve() == 1

    assert paying.payout("par_a") == a_payout("par_a", 120_00, notice=NEW_PAYEE)
    assert paying.money("par_a") == {"available": 30_00, "reserved": 120_00}
    assert paying.left_out() == {}


def test_everybody_who_is_not_paid_has_a_reason(paying: Paying) -> None:
    paying.schedule(minimums={"EUR": 50_00})
    paying.partner("par_blocked", 100_00)
    paying.stands("par_blocked", Status.BLOCKED)
    paying.partner("par_changed", 100_00, profile={"usable_from": NOW + timedelta(seconds=1)})
    paying.partner("par_dinar", 100_00, profile={"currency": "KWD", "rail": RailKind.MANUAL})
    paying.partner("par_held", 100_00)
    paying.hold("par_held")
    paying.partner("par_little", 49_99)
    paying.partner("par_minus", -1)
    paying.partner("par_nothing")
    paying.partner("par_profile", 100_00, profile=None)
    paying.partner("par_suspended", 100_00)
    paying.stands("par_suspended", Status.SUSPENDED)
    paying.partner("par_terms", 100_00, accepted=False)
    paying.partner("par_unknown", 100_00, verified=False)

    run = paying.reserved()

    assert paying.left_out() == {
        ("par_blocked", "EUR"): BLOCKED,
        ("par_changed", "EUR"): PROFILE_CHANGED_LATELY,
        ("par_dinar", "EUR"): CURRENCY_NOT_PAYABLE,
        ("par_held", "EUR"): ON_HOLD,
        ("par_little", "EUR"): BELOW_MINIMUM,
        ("par_minus", "EUR"): NEGATIVE_BALANCE,
        ("par_nothing", ""): NOTHING_AVAILABLE,
        ("par_profile", "EUR"): NO_PAYMENT_PROFILE,
        ("par_suspended", "EUR"): SUSPENDED,
        ("par_terms", "EUR"): TERMS_NOT_ACCEPTED,
        ("par_unknown", "EUR"): NOT_VERIFIED,
    }
    assert (paying.made(), run.sums) == ({}, ())
    assert run.left_out == dict.fromkeys(sorted(set(paying.left_out().values())), 1)


def test_a_block_for_a_moment_to_come_does_not_hold_yet(paying: Paying) -> None:
    paying.partner("par_a", 100_00)
    paying.stands("par_a", Status.BLOCKED, since=NOW + timedelta(hours=1))
    paying.opened()
    assert paying.reserve() == 1


def test_an_approval_of_documents_that_has_run_out_is_none(paying: Paying) -> None:
    paying.partner("par_a", 100_00, verified=False)
    paying.verified("par_a", expires_on=YESTERDAY)
    paying.opened()
    assert paying.reserve() == 0
    assert paying.left_out() == {("par_a", "EUR"): NOT_VERIFIED}


def test_each_currency_is_a_payout_of_its_own(paying: Paying) -> None:
    paying.partner("par_a", 100_00)
    paying.earns("par_a", 70_00, currency="USD")
    paying.earns("par_a", -5, currency="GBP")
    run = paying.reserved()

    assert paying.made() == {("par_a", "EUR"): 100_00, ("par_a", "USD"): 70_00}
    assert paying.left_out() == {("par_a", "GBP"): NEGATIVE_BALANCE}
    dollars = paying.payout("par_a", "USD")
    # 70.00 USD / 1.165 = 60.0858… EUR
    assert (dollars.pay_currency, dollars.pays) == ("EUR", 60_09)
    assert run.sums == (
        Sum(status=PayoutStatus.CREATED, rail=RailKind.SEPA, currency="EUR", pay_currency="EUR", count=1,
            amount=100_00, pays=100_00),
        Sum(status=PayoutStatus.CREATED, rail=RailKind.SEPA, currency="USD", pay_currency="EUR", count=1,
            amount=70_00, pays=60_09),
    )  # fmt: skip


def test_a_schedule_of_one_currency_leaves_the_others_alone(paying: Paying) -> None:
    paying.schedule(currency="USD")
    paying.partner("par_a", 100_00)
    paying.earns("par_a", 70_00, currency="USD")
    paying.partner("par_b", 100_00)
    paying.opened()
    assert paying.reserve() == 1
    assert paying.made() == {("par_a", "USD"): 70_00}
    assert paying.left_out() == {("par_b", ""): NOTHING_AVAILABLE}


def test_a_group_is_its_own_partners_alone(paying: Paying) -> None:
    for name in ("par_a", "par_b", "par_c", "par_d"):
        paying.partner(name, 100)
    paying.opened()
    assert paying.reserve(group=Group("par_a", "par_c")) == 2
    assert sorted(paying.made()) == [("par_b", "EUR"), ("par_c", "EUR")]


# ---------------------------------------------------------------------------------------------------- the rate's day


def test_terms_in_force_say_whose_rate_it_is(paying: Paying) -> None:
    paying.rates({"2026-09-30": {"USD": "1.10"}, "2026-10-30": {"USD": "1.20"}, YESTERDAY: {"USD": "1.165"}})
    dollars = {"currency": "USD", "rail": RailKind.PAYPAL}
    earned = {"2026-09": 100_00, "2026-10": 200_00}
    paying.partner("par_day", earned, profile=dollars)
    paying.partner("par_month", earned, profile=dollars, payout_rate="earn_date")
    # Agreed already, for later.
    paying.partner("par_soon", earned, profile=dollars)
    paying.accepts("par_soon", terms(revshare(), payout_rate="earn_date"), valid_from=NOW + timedelta(days=1))
    paying.opened()
    assert paying.reserve() == 3

    # 300.00 × 1.165; 100.00 × 1.10 + 200.00 × 1.20
    assert [paying.payout(each).pays for each in ("par_day", "par_month", "par_soon")] == [349_50, 350_00, 349_50]
    assert [(part.amount, part.month, str(part.rate), part.rate and part.rate.day)
            for part in paying.payout("par_month").parts] == [
        (100_00, "2026-09", "1.1", "2026-09-30"), (200_00, "2026-10", "1.2", "2026-10-30"),
    ]  # fmt: skip
    assert [part.month for part in paying.payout("par_day").parts] == [""]


def test_a_month_that_has_not_ended_goes_by_the_pay_day(paying: Paying) -> None:
    """Earned in December, taken as available in November's run only because the range says so."""
    paying.rates({"2026-11-30": {"USD": "1.10"}, YESTERDAY: {"USD": "1.165"}})
    paying.partner("par_a", profile={"currency": "USD", "rail": RailKind.PAYPAL}, payout_rate="earn_date")
    paying.earns("par_a", 100_00, month="2026-12", day=YESTERDAY)
    paying.opened(run="2026-12-01", through=YESTERDAY)
    assert paying.reserve("2026-12-01") == 1
    [part] = paying.payout("par_a", run="2026-12-01").parts
    assert part.rate is not None
    assert (part.month, part.rate.day) == ("2026-12", YESTERDAY)


def test_what_is_paid_as_it_stands_has_no_rate(paying: Paying) -> None:
    paying.partner("par_a", {"2026-09": 1, "2026-10": 2}, payout_rate="earn_date")
    paying.opened()
    paying.reserve()
    assert paying.payout("par_a").parts == (Part(3, "", None),)


# ------------------------------------------------------------------------------------------------------- once, and safe


def test_reserving_again_makes_no_second_payout_and_leaves_nobody_out(paying: Paying) -> None:
    paying.partner("par_a", 100_00)
    paying.partner("par_b", 49_00)
    first = paying.reserved()
    before = [paying.payout("par_a"), paying.payout("par_b")]
    # when more matures meanwhile, and the step is tried again
    paying.earns("par_a", 500_00)
    assert paying.reserve() == 2
    assert [paying.payout("par_a"), paying.payout("par_b")] == before
    assert paying.left_out() == {}
    # then adding up changes nothing either
    assert add_up(paying.payouts, brand=BRAND, run=RUN)[0] == first


def test_a_clawback_between_looking_and_reserving_lowers_the_payout(
    paying: Paying, meanwhile: Callable[..., None]
) -> None:
    paying.partner("par_a", 100_00)
    paying.opened()
    meanwhile(lambda: paying.earns("par_a", -30_00))
    assert paying.reserve() == 1
    assert paying.payout("par_a").amount == 70_00
    assert paying.money("par_a") == {"reserved": 70_00}


def test_a_clawback_of_everything_leaves_nothing_to_reserve(paying: Paying, meanwhile: Callable[..., None]) -> None:
    paying.partner("par_a", 100_00)
    paying.opened()
    meanwhile(lambda: paying.earns("par_a", -100_00))
    assert paying.reserve() == 0
    assert paying.left_out() == {("par_a", "EUR"): NOTHING_AVAILABLE}


def test_a_hold_between_looking_and_reserving_is_met(paying: Paying, meanwhile: Callable[..., None]) -> None:
    paying.partner("par_a", 100_00)
    paying.opened()
    meanwhile(lambda: paying.hold("par_a"))
    assert paying.reserve() == 0
    assert paying.left_out() == {("par_a", "EUR"): ON_HOLD}
    assert paying.money("par_a") == {"available": 100_00}


def test_two_workers_make_one_payout_and_answer_the_same(paying: Paying, meanwhile: Callable[..., None]) -> None:
    paying.partner("par_a", 100_00)
    paying.opened()
    other: list[int] = []
    meanwhile(lambda: other.append(paying.reserve()))
    assert paying.reserve() == 1
    assert other == [1]
    assert paying.money("par_a") == {"reserved": 100_00}


def test_books_that_do_not_come_to_rest_are_said_to_move_too_fast(
    paying: Paying, meanwhile: Callable[..., None]
) -> None:
    paying.partner("par_a", 100_00)
    paying.opened()
    meanwhile(*[lambda: paying.earns("par_a", 1)] * 40)
    with pytest.raises(Conflict) as refused:
        paying.reserve()
    assert refused.value.code == "books_changed"
    assert TRIES > 1


def test_who_was_left_out_and_is_paid_after_all_is_not_counted_as_left_out(paying: Paying) -> None:
    """A step that broke off had written down a hold; it was lifted before the step was tried again."""
    paying.partner("par_a", 100_00)
    hold = paying.hold("par_a")
    paying.opened()
    assert paying.reserve() == 0
    paying.lift(hold)
    assert paying.reserve() == 1
    run, _ = add_up(paying.payouts, brand=BRAND, run=RUN)
    assert run.left_out == {}
    assert paying.payouts.left_out(BRAND, RUN).items == ()


@pytest.mark.parametrize("status", [each for each in RunStatus if each is not RunStatus.OPEN])
def test_a_run_that_is_past_reserving_gets_no_more_payouts(paying: Paying, status: RunStatus) -> None:
    paying.partner("par_a", 100_00)
    run = paying.opened()
    paying.payouts.change_run(run, replace(run, status=status))
    with pytest.raises(Conflict) as refused:
        paying.reserve()
    assert refused.value.code == "wrong_status"


# ------------------------------------------------------------------------------------------ what to look at twice


def test_the_first_payout_of_a_partner_is_marked_and_so_are_new_details(paying: Paying) -> None:
    for name in ("par_a", "par_b", "par_c"):
        paying.partner(name, 100_00)
    # given a run before, that was paid
    paying.approved(run="2026-10-monthly", first="2026-10-01", through="2026-11-10")
    for name in ("par_a", "par_b"):
        for step in (PayoutStatus.SENDING, PayoutStatus.PAID):
            paying.payouts.step(paying.payout(name, run="2026-10-monthly"), step, paying.now)
    # when one has changed where it is paid since, and one was not paid yet
    paying.now = NOW + timedelta(days=1)
    paying.profile("par_b", changed_at=paying.now, usable_from=paying.now)
    paying.profile("par_c", changed_at=paying.now, usable_from=paying.now)
    paying.rates({"2026-12-02": {"USD": "1.1"}}, through="2026-12-02")
    for name in ("par_a", "par_b", "par_c"):
        paying.earns(name, 50_00)
    paying.reserved()
    # then an approver sees it
    assert [paying.payout(each).notice for each in ("par_a", "par_b", "par_c")] == ["", NEW_DETAILS, NEW_PAYEE]


def test_groups_of_payouts_have_them_all(paying: Paying) -> None:
    names = [f"par_{number:02}" for number in range(55)]
    paying.opened()
    for name in names:
        paying.earns(name, 100)
        paying.payouts.create(a_payout(name, 100))
    _, made = add_up(paying.payouts, brand=BRAND, run=RUN)
    ids = sorted(payout_id(BRAND, RUN, name, "EUR") for name in names)
    assert [[each for each in ids if group.after < each <= group.through] for group in made] == [ids[:50], ids[50:]]
