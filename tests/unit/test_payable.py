"""Who is paid, and why somebody is not: each reason alone, in their order, and for each currency one or the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.configuration import Status
from introducer.domain.deal import RateOf
from introducer.domain.errors import RateMissing
from introducer.domain.ledger import AVAILABLE, PENDING, RESERVED, Balance
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
    REASONS,
    SUSPENDED,
    TERMS_NOT_ACCEPTED,
    Payable,
    Payee,
    decide,
)
from introducer.domain.payout import LeftOut, Part
from introducer.domain.payout_schedule import PayoutSchedule
from introducer.domain.rates import Publication, Rate, Rates
from tests.support.payouts import NOW, THROUGH, TODAY, a_profile, a_schedule

RATES = Rates({day: Publication("ECB", "2026-12-01", {"USD": "1.165", "JPY": "181.5"}) for day in (TODAY, "2026-11")})


def a_payee(amounts: dict[Any, int] | int = 100_00, **other: Any) -> Payee:
    """Somebody with so many euro available, whom nothing stops."""
    if isinstance(amounts, int):
        amounts = {("EUR", AVAILABLE, ""): amounts}
    given: dict[str, Any] = {
        "partner": "par_a", "name": "A Ltd", "status": Status.ACTIVE,
        "balance": Balance("par_a", amounts, other.pop("earned", {}), holds=other.pop("holds", 0)),
        "accepted": True, "verified": True, "profile": a_profile("par_a"), "rate_of": RateOf.PAY_DATE,
    }  # fmt: skip
    return Payee(**given | other)


def rate(held: str, pay: str, month: str) -> Rate:
    return RATES.rate(held, pay, month or TODAY)


def decided(payee: Payee, schedule: PayoutSchedule | None = None) -> tuple[list[Payable], list[LeftOut]]:
    return decide(payee, schedule or a_schedule(), through=THROUGH, now=NOW, today=TODAY, rate=rate)


def reasons(payee: Payee, schedule: PayoutSchedule | None = None) -> list[tuple[str, int, str]]:
    """Why it is not paid; nothing is."""
    payables, left = decided(payee, schedule)
    assert payables == []
    assert {(each.partner, each.name) for each in left} == {("par_a", "A Ltd")}
    return [(each.currency, each.amount, each.reason) for each in left]


def paid(payee: Payee, schedule: PayoutSchedule | None = None) -> dict[str, tuple[int, str, int]]:
    """What is paid, by currency: the amount, the pay currency, and what comes to in it; nothing is left out."""
    payables, left = decided(payee, schedule)
    assert left == []
    return {each.currency: (each.amount, each.pay_currency, each.pays) for each in payables}


# ------------------------------------------------------------------------------------------------------------- amounts


def test_whom_nothing_stops_is_paid_what_it_has() -> None:
    [payable], left = decided(a_payee())
    assert left == []
    assert payable == Payable(
        currency="EUR", amount=100_00, pay_currency="EUR", pays=100_00, parts=(Part(100_00, "", None),),
        profile=a_profile("par_a"),
    )  # fmt: skip


@pytest.mark.parametrize(("amounts", "amount"), [
    # What matured by the period's last day, which is a day included.
    ({("EUR", PENDING, THROUGH): 70, ("EUR", PENDING, "2026-12-01"): 30}, 70),
    ({("EUR", AVAILABLE, ""): 5, ("EUR", PENDING, "2026-11-01"): 70, ("EUR", PENDING, "2027-01-01"): 999}, 75),
    # What was taken back since is not there any more.
    ({("EUR", AVAILABLE, ""): 100, ("EUR", PENDING, "2026-12-01"): -60}, 40),
    # What came since pays nothing back of an earlier month: it is of the next run.
    ({("EUR", AVAILABLE, ""): 40, ("EUR", PENDING, "2026-12-01"): 60}, 40),
    # What is reserved by another run is gone.
    ({("EUR", AVAILABLE, ""): 40, ("EUR", RESERVED, ""): 60}, 40),
])  # fmt: skip
def test_paid_is_what_had_matured_and_is_still_there(amounts: dict[Any, int], amount: int) -> None:
    assert paid(a_payee(amounts)) == {"EUR": (amount, "EUR", amount)}


@given(st.integers(-100, 100), st.integers(-100, 100), st.integers(-100, 100))
def test_never_more_than_was_there_then_or_is_there_now(available: int, then: int, since: int) -> None:
    amounts = {("EUR", AVAILABLE, ""): available, ("EUR", PENDING, THROUGH): then, ("EUR", PENDING, TODAY): since}
    payables, left = decided(a_payee(amounts))
    due = min(available + then, available + then + since)
    assert [each.amount for each in payables] == ([due] if due > 0 else [])
    assert len(payables) + len(left) == 1


def test_each_currency_is_decided_by_itself() -> None:
    payee = a_payee({("EUR", AVAILABLE, ""): 100_00, ("USD", AVAILABLE, ""): 50_00, ("JPY", AVAILABLE, ""): -1})
    payables, left = decided(payee, a_schedule(minimums={"USD": 50_01}))
    assert [each.currency for each in payables] == ["EUR"]
    assert [(each.currency, each.reason) for each in left] == [("JPY", NEGATIVE_BALANCE), ("USD", BELOW_MINIMUM)]


def test_a_schedule_of_one_currency_sees_no_other() -> None:
    payee = a_payee({("EUR", AVAILABLE, ""): 100_00, ("USD", AVAILABLE, ""): 50_00})
    assert paid(payee, a_schedule(currency="EUR")) == {"EUR": (100_00, "EUR", 100_00)}
    assert reasons(payee, a_schedule(currency="GBP")) == [("", 0, NOTHING_AVAILABLE)]


# ------------------------------------------------------------------------------------------------------------- reasons

IN_THE_WAY: dict[str, dict[str, Any]] = {
    BLOCKED: {"status": Status.BLOCKED},
    SUSPENDED: {"status": Status.SUSPENDED},
    ON_HOLD: {"holds": 1},
    TERMS_NOT_ACCEPTED: {"accepted": False},
    NOT_VERIFIED: {"verified": False},
    NO_PAYMENT_PROFILE: {"profile": None},
    PROFILE_CHANGED_LATELY: {"profile": a_profile("par_a", usable_from=NOW + timedelta(seconds=1))},
    CURRENCY_NOT_PAYABLE: {"profile": a_profile("par_a", currency="KWD")},
}
OF_AMOUNTS: dict[str, int] = {NOTHING_AVAILABLE: 0, NEGATIVE_BALANCE: -5, BELOW_MINIMUM: 9_99}
MINIMUM = a_schedule(minimums={"EUR": 10_00})


def test_every_reason_has_its_case_here() -> None:
    assert set(IN_THE_WAY) | set(OF_AMOUNTS) == set(REASONS)


@pytest.mark.parametrize("reason", IN_THE_WAY)
def test_what_stops_a_partner_is_said_with_what_it_has(reason: str) -> None:
    assert reasons(a_payee(**IN_THE_WAY[reason]), MINIMUM) == [("EUR", 100_00, reason)]


@pytest.mark.parametrize("reason", OF_AMOUNTS)
def test_what_is_too_little_is_said(reason: str) -> None:
    amount = OF_AMOUNTS[reason]
    assert reasons(a_payee(amount), MINIMUM) == [("EUR" if amount else "", amount, reason)]


@pytest.mark.parametrize(("first", "second"), [
    (first, second) for place, first in enumerate(REASONS) for second in REASONS[place + 1 :]
    # One amount, one status and one profile cannot be two things at once.
    if not ({first, second} <= OF_AMOUNTS.keys() or {first, second} == {BLOCKED, SUSPENDED})
    and not ({first, second} <= {NO_PAYMENT_PROFILE, PROFILE_CHANGED_LATELY, CURRENCY_NOT_PAYABLE})
])  # fmt: skip
def test_of_two_reasons_the_first_is_told(first: str, second: str) -> None:
    amount = next((OF_AMOUNTS[each] for each in (first, second) if each in OF_AMOUNTS), 100_00)
    both = {**IN_THE_WAY.get(first, {}), **IN_THE_WAY.get(second, {})}
    assert [each[2] for each in reasons(a_payee(amount, **both), MINIMUM)] == [first]


def test_a_profile_of_a_rateless_currency_is_first_one_that_must_wait() -> None:
    late = a_profile("par_a", currency="KWD", usable_from=NOW + timedelta(days=1))
    assert reasons(a_payee(profile=late)) == [("EUR", 100_00, PROFILE_CHANGED_LATELY)]


def test_at_the_end_of_its_cool_off_a_profile_is_paid_to() -> None:
    assert paid(a_payee(profile=a_profile("par_a", usable_from=NOW)))


def test_the_minimum_itself_is_paid_and_without_one_a_single_unit() -> None:
    assert paid(a_payee(10_00), MINIMUM) == {"EUR": (10_00, "EUR", 10_00)}
    assert paid(a_payee(1)) == {"EUR": (1, "EUR", 1)}


def test_who_has_nothing_is_told_a_reason_all_the_same() -> None:
    for reason in (BLOCKED, SUSPENDED, ON_HOLD):
        assert reasons(a_payee(0, **IN_THE_WAY[reason])) == [("", 0, reason)]
    assert reasons(a_payee({}, verified=False)) == [("", 0, NOTHING_AVAILABLE)]
    assert reasons(a_payee({("EUR", PENDING, "2027-01-01"): 5})) == [("", 0, NOTHING_AVAILABLE)]


def test_what_had_not_matured_by_the_period_s_end_is_not_available_to_it() -> None:
    assert reasons(a_payee({("EUR", PENDING, TODAY): 100_00})) == [("", 0, NOTHING_AVAILABLE)]


# ---------------------------------------------------------------------------------------------------- another currency


@pytest.mark.parametrize(("currency", "pays"), [("USD", 116_50), ("JPY", 18_150)])
def test_it_is_paid_in_the_profile_s_currency(currency: str, pays: int) -> None:
    assert paid(a_payee(profile=a_profile("par_a", currency=currency))) == {"EUR": (100_00, currency, pays)}


def test_what_comes_to_nothing_there_is_below_any_minimum() -> None:
    yen = a_profile("par_a", currency="JPY")
    dear = replace(rate("EUR", "JPY", ""), scaled=10**13)  # ten yen for a euro

    def decide_at(amount: int) -> tuple[list[Payable], list[LeftOut]]:
        return decide(
            a_payee(amount, profile=yen), a_schedule(), through=THROUGH, now=NOW, today=TODAY,
            rate=lambda *_: dear,
        )  # fmt: skip

    # 0.05 EUR are half a yen, and a half goes to the even one: none
    [], [left] = decide_at(5)
    assert (left.reason, left.amount) == (BELOW_MINIMUM, 5)
    [payable], [] = decide_at(6)
    assert payable.pays == 1


def test_the_contract_says_whether_it_goes_by_the_months() -> None:
    asked: list[tuple[str, str, str]] = []

    def told(held: str, pay: str, month: str) -> Rate:
        asked.append((held, pay, month))
        return rate(held, pay, "")

    dollars = a_profile("par_a", currency="USD")
    earned = {("EUR", "2026-09"): 40_00, ("EUR", "2026-10"): 60_00}
    for rate_of, profile in ((RateOf.PAY_DATE, dollars), (RateOf.EARN_DATE, dollars), (RateOf.EARN_DATE, None)):
        payee = a_payee(earned=earned, rate_of=rate_of, profile=profile or a_profile("par_a"))
        [payable], [] = decide(payee, a_schedule(), through=THROUGH, now=NOW, today=TODAY, rate=told)
        asked.append(("", "", ",".join(part.month for part in payable.parts)))
    assert asked == [
        ("EUR", "USD", ""), ("", "", ""),
        ("EUR", "USD", "2026-09"), ("EUR", "USD", "2026-10"), ("", "", "2026-09,2026-10"),
        ("", "", ""),  # what is not converted asks for no rate
    ]  # fmt: skip


def test_one_month_without_a_rate_leaves_the_currency_out() -> None:
    def some(held: str, pay: str, month: str) -> Rate:
        if month == "2026-09":
            raise RateMissing("none")
        return rate(held, pay, "")

    payee = a_payee(
        earned={("EUR", "2026-09"): 1, ("EUR", "2026-10"): 99_99}, rate_of=RateOf.EARN_DATE,
        profile=a_profile("par_a", currency="USD"),
    )  # fmt: skip
    [], [left] = decide(payee, a_schedule(), through=THROUGH, now=NOW, today=TODAY, rate=some)
    assert left.reason == CURRENCY_NOT_PAYABLE


# ----------------------------------------------------------------------------------------------------- one or the other

CHANGES: list[Callable[[Payee], Payee]] = [
    lambda payee: payee,
    *(lambda payee, change=change: replace(payee, **change) for name, change in IN_THE_WAY.items() if name != ON_HOLD),
]


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["EUR", "USD", "JPY"]), st.just(AVAILABLE), st.just("")), st.integers(-50, 50)
    ),
    st.integers(0, 2),
    st.lists(st.sampled_from(CHANGES), max_size=3),
    st.sampled_from(["", "EUR", "KWD"]),
)
def test_each_currency_with_money_is_paid_or_left_out_and_never_both(
    amounts: dict[Any, int], holds: int, changes: list[Callable[[Payee], Payee]], only: str
) -> None:
    payee = a_payee(amounts, holds=holds)
    for change in changes:
        payee = change(payee)
    payables, left = decided(payee, a_schedule(currency=only, minimums={"EUR": 20}))
    seen = [*(each.currency for each in payables), *(each.currency for each in left)]
    with_money = sorted(currency for (currency, _, _), amount in amounts.items() if amount and only in ("", currency))
    assert sorted(seen) == (with_money or [""])
    assert all(each.reason in REASONS for each in left)
    assert not payables or (payee.status is Status.ACTIVE and not holds)
    assert all(sum(part.amount for part in each.parts) == each.amount > 0 < each.pays for each in payables)
