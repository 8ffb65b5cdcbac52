"""Paying in another currency: numbers checked by hand, one rounding, no minor unit lost, the way through clearing."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from introducer.domain.calendar import plus_months
from introducer.domain.exchange import ExchangeLeg, parts_of, pays, unbalanced, way_back, way_out
from introducer.domain.ledger import AVAILABLE, HELD, PAID, PENDING, RESERVED, Balance
from introducer.domain.money import DECIMALS, decimals
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import Part
from introducer.domain.rates import RATE_ONE, Publication, Rate, Rates
from tests.support.payouts import a_payout


def a_rate(units: str, held: str = "EUR", pay: str = "USD") -> Rate:
    return Rate(held, pay, int(Fraction(units) * RATE_ONE), "2026-12-01", "ECB")


def one(amount: int, units: str, held: str, pay: str) -> int:
    return pays([Part(amount, "", a_rate(units, held, pay))], held, pay)


# --------------------------------------------------------------------------------------------------------- one amount


@pytest.mark.parametrize(("amount", "units", "held", "pay", "comes_to"), [
    (100_00, "1.165", "EUR", "USD", 116_50),
    (1, "1.165", "EUR", "USD", 1),
    (100_00, "181.5", "EUR", "JPY", 18_150),  # no decimals
    (12_34, "181.05", "EUR", "JPY", 2_234),  # 2234.157
    (1, "181.5", "EUR", "JPY", 2),  # 1.815
    (18_150, "0.005509641873", "JPY", "EUR", 100_00),  # 99.99999999495
    (100_00, "0.3065", "USD", "KWD", 30_650),  # three decimals
    (33_33, "0.3065", "USD", "KWD", 10_216),  # 10.215645
    (1_234, "480.25", "KWD", "JPY", 593),  # 1.234 × 480.25 = 592.6285
    (12_345, "3.2626", "KWD", "USD", 40_28),  # 12.345 × 3.2626 = 40.276797
    (100_00, "0.000000000001", "EUR", "USD", 0),
    (-100_00, "1.165", "EUR", "USD", -116_50),
])  # fmt: skip
def test_an_amount_comes_to_what_it_comes_to_by_hand(
    amount: int, units: str, held: str, pay: str, comes_to: int
) -> None:
    assert one(amount, units, held, pay) == comes_to


@pytest.mark.parametrize(("amount", "comes_to"), [(1, 0), (3, 2), (5, 2), (7, 4), (2, 1), (-1, 0), (-3, -2)])
def test_a_half_goes_to_the_even_unit(amount: int, comes_to: int) -> None:
    assert one(amount, "0.5", "EUR", "USD") == comes_to
    assert one(amount * 100, "0.5", "EUR", "JPY") == comes_to
    assert one(amount * 5, "0.01", "USD", "KWD") == comes_to


def test_just_off_a_half_goes_to_the_nearest() -> None:
    assert one(1, "0.500000000001", "EUR", "USD") == 1
    assert one(3, "0.499999999999", "EUR", "USD") == 1


def test_parts_are_rounded_once_together() -> None:
    halves = [Part(1, "2026-09", a_rate("0.5")), Part(1, "2026-10", a_rate("0.5")), Part(1, "", a_rate("0.4"))]
    # 0.5 + 0.5 + 0.4: rounded one by one it would be nothing
    assert pays(halves, "EUR", "USD") == 1


def test_what_is_not_converted_is_what_it_is() -> None:
    assert pays([Part(123_45, "", None)], "EUR", "EUR") == 123_45
    assert pays([Part(7, "", None)], "KWD", "KWD") == 7
    assert pays([], "EUR", "USD") == 0


def test_a_cross_rate_is_the_one_of_its_publication() -> None:
    rates = Rates({"2026-12-02": Publication("ECB", "2026-12-01", {"USD": "1.165", "JPY": "181.5"})})
    rate = rates.rate("USD", "JPY", "2026-12-02")
    # 181.5 / 1.165 = 155.793991416309…
    assert str(rate) == "155.793991416309"
    assert pays([Part(100_00, "", rate)], "USD", "JPY") == 15_579


CURRENCIES = st.sampled_from(sorted(DECIMALS))


@given(
    st.lists(st.tuples(st.integers(1, 10**12), st.integers(1, 10**17)), min_size=1, max_size=8), CURRENCIES, CURRENCIES
)
def test_it_is_the_exact_sum_rounded_once(said: list[tuple[int, int]], held: str, pay: str) -> None:
    parts = [Part(amount, "", Rate(held, pay, scaled, "2026-12-01", "ECB")) for amount, scaled in said]
    exact = sum(Fraction(amount, 10 ** decimals(held)) * Fraction(scaled, RATE_ONE) for amount, scaled in said)
    # Python rounds fractions half-even too.
    assert pays(parts, held, pay) == round(exact * 10 ** decimals(pay))


# -------------------------------------------------------------------------------------------------------- by its months


def a_balance(earned: dict[str, int], *, paid: int = 0, reserved: int = 0, more: int = 0, pending: int = 0) -> Balance:
    """What was earned by month, less what was paid or is reserved; `more` stands there that no month explains, and
    `pending` of all is pending yet."""
    stands = sum(earned.values()) - paid - reserved + more
    amounts = {
        ("EUR", AVAILABLE, ""): stands - pending, ("EUR", PENDING, "2027-01-31"): pending,
        ("EUR", PAID, ""): paid, ("EUR", RESERVED, ""): reserved, ("USD", AVAILABLE, ""): 999,
    }  # fmt: skip
    months = {("EUR", month): amount for month, amount in earned.items()} | {("USD", "2026-01"): 999}
    return Balance("par_a", amounts, months)


def by_month(balance: Balance, amount: int) -> list[tuple[str, int]]:
    def rate_of(month: str) -> Rate:
        return a_rate(f"1.{month[-2:] or '99'}")

    parts = parts_of(balance, "EUR", amount, rate_of, by_month=True)
    assert all(part.rate == rate_of(part.month) for part in parts), "each part has the rate of its month"
    return [(part.month, part.amount) for part in parts]


THREE = {"2026-09": 100, "2026-10": 200, "2026-11": 300}


@pytest.mark.parametrize(("balance", "amount", "parts"), [
    # The oldest first.
    (a_balance(THREE), 600, [("2026-09", 100), ("2026-10", 200), ("2026-11", 300)]),
    (a_balance(THREE), 250, [("2026-09", 100), ("2026-10", 150)]),
    (a_balance(THREE), 100, [("2026-09", 100)]),
    (a_balance(THREE), 101, [("2026-09", 100), ("2026-10", 1)]),
    # What was paid, or is reserved, was of the oldest.
    (a_balance(THREE, paid=100), 200, [("2026-10", 200)]),
    (a_balance(THREE, paid=150), 200, [("2026-10", 150), ("2026-11", 50)]),
    (a_balance(THREE, paid=100, reserved=50), 450, [("2026-10", 150), ("2026-11", 300)]),
    # What a month took back in all is of the oldest too.
    (a_balance(THREE | {"2026-08": -150}), 450, [("2026-10", 150), ("2026-11", 300)]),
    (a_balance(THREE | {"2026-12": -150}), 450, [("2026-10", 150), ("2026-11", 300)]),
    (a_balance(THREE | {"2026-10": 0}), 400, [("2026-09", 100), ("2026-11", 300)]),
    # What came back is money of the months it was of.
    (a_balance(THREE, paid=0), 50, [("2026-09", 50)]),
    # What is pending yet is of the newest.
    (a_balance(THREE, pending=300), 300, [("2026-09", 100), ("2026-10", 200)]),
    # Money that no month explains goes by the pay day, and makes no month larger than it was.
    (a_balance(THREE, more=70), 670, [("2026-09", 100), ("2026-10", 200), ("2026-11", 300), ("", 70)]),
    (a_balance({}, more=70), 70, [("", 70)]),
    (a_balance({"2026-09": -30}, more=70), 40, [("", 40)]),
])  # fmt: skip
def test_an_amount_is_of_the_months_it_was_earned_in(
    balance: Balance, amount: int, parts: list[tuple[str, int]]
) -> None:
    assert by_month(balance, amount) == parts


def test_held_money_stands_there_too() -> None:
    balance = a_balance(THREE)
    held = replace(balance, amounts={("EUR", AVAILABLE, ""): 100, ("EUR", HELD, ""): 500})
    assert by_month(held, 100) == [("2026-09", 100)]


def test_by_the_pay_day_it_is_one_part() -> None:
    asked: list[str] = []

    def rate_of(month: str) -> Rate:
        asked.append(month)
        return a_rate("1.165")

    assert parts_of(a_balance(THREE), "EUR", 450, rate_of, by_month=False) == (Part(450, "", a_rate("1.165")),)
    assert asked == [""]


def test_two_months_of_two_rates_by_hand() -> None:
    rates = {"2026-09": a_rate("1.1750"), "2026-10": a_rate("1.1600")}
    parts = parts_of(a_balance({"2026-09": 33_33, "2026-10": 66_67}), "EUR", 100_00, lambda m: rates[m], by_month=True)
    # 33.33 × 1.175 = 39.16275 and 66.67 × 1.16 = 77.3372: 116.49995
    assert pays(parts, "EUR", "USD") == 116_50


MONTHS = st.dictionaries(
    st.integers(0, 30).map(lambda n: plus_months("2025-01", n)), st.integers(-1000, 1000), max_size=8
)


@given(MONTHS, st.integers(0, 3000), st.integers(0, 500), st.integers(0, 500), st.integers(1, 5000))
@example({"2026-09": 100}, 0, 0, 50, 150)
def test_the_parts_are_all_of_the_amount_and_no_month_gives_more_than_it_earned(
    earned: dict[str, int], paid: int, reserved: int, more: int, amount: int
) -> None:
    parts = by_month(a_balance(earned, paid=paid, reserved=reserved, more=more), amount)
    assert sum(value for _, value in parts) == amount
    assert all(value > 0 for _, value in parts)
    months = [month for month, _ in parts if month]
    assert months == sorted(set(months))
    assert all(value <= earned[month] for month, value in parts if month)
    assert "" not in [month for month, _ in parts[:-1]], "what no month explains comes last"


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_payouts_one_after_the_other_are_of_the_months_in_order(months: list[int], data: st.DataObject) -> None:
    """However all of it is cut into payouts, each month is paid at its own rate, and whole."""
    earned = {plus_months("2026-01", number): amount for number, amount in enumerate(months)}
    paid, total, by = 0, sum(months), dict.fromkeys(earned, 0)
    while paid < total:
        amount = data.draw(st.integers(1, total - paid))
        for month, value in by_month(a_balance(earned, paid=paid), amount):
            by[month] += value
        paid += amount
    assert by == earned


# ------------------------------------------------------------------------------------------------------------- the way


def test_in_the_same_currency_it_leaves_by_the_rail() -> None:
    assert way_out(a_payout("par_a", 100_00)) == (
        ExchangeLeg("house.payouts", "EUR", -100_00), ExchangeLeg("rail.sepa", "EUR", 100_00),
    )  # fmt: skip


def test_in_another_currency_it_goes_through_clearing() -> None:
    payout = a_payout("par_a", 100_00, pay_currency="JPY", pays=18_150, rail=RailKind.PAYPAL)
    assert way_out(payout) == (
        ExchangeLeg("house.payouts", "EUR", -100_00),
        ExchangeLeg("clearing", "EUR", 100_00),
        ExchangeLeg("clearing", "JPY", -18_150),
        ExchangeLeg("rail.paypal", "JPY", 18_150),
    )


@given(st.integers(1, 10**12), st.integers(1, 10**12), CURRENCIES, CURRENCIES, st.sampled_from(RailKind))
def test_every_currency_sums_to_zero_there_and_back(
    amount: int, comes_to: int, held: str, pay: str, rail: RailKind
) -> None:
    comes_to = amount if held == pay else comes_to
    payout = a_payout("par_a", amount, currency=held, pay_currency=pay, pays=comes_to, rail=rail)
    there, back = way_out(payout), way_back(payout)
    assert unbalanced(there) == unbalanced(back) == {}
    accounts = {(leg.account, leg.currency) for leg in there}
    assert all(
        sum(leg.amount for leg in [*there, *back] if (leg.account, leg.currency) == each) == 0 for each in accounts
    )


def test_what_does_not_sum_to_zero_is_named() -> None:
    assert unbalanced([ExchangeLeg("a", "EUR", 5), ExchangeLeg("b", "EUR", -4), ExchangeLeg("c", "USD", 0)]) == {
        "EUR": 1
    }
