"""A run against the one before it, and what in it is out of the ordinary."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import NEW_DETAILS, NEW_PAYEE, Part, Payout, PayoutStatus
from introducer.domain.payout_schedule import Cadence, PayoutSchedule, next_due
from introducer.domain.run_review import ALL, EXCEPTIONAL, SHOWN, Line, compared, movers, paying, shows, totals

NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)
PER_EURO = {"USD": "1.25", "JPY": "160"}


def a_payout(partner: str, amount: int, currency: str = "EUR", **other: Any) -> Payout:
    made = Payout(
        payout=f"pay_{partner}_{currency}", brand="brd_1", run="2026-10-monthly", partner=partner, name=partner,
        rail=RailKind.SEPA, currency=currency, amount=amount, pay_currency=currency, pays=amount,
        parts=(Part(amount, "", None),), masked="DE•• •••• 3000", profile_version=1, status=PayoutStatus.CREATED,
        status_since=NOW, created_at=NOW,
    )  # fmt: skip
    return replace(made, **other)


def test_a_run_is_compared_by_rail_and_currency_with_what_the_one_before_paid() -> None:
    now = [
        a_payout("a", 100),
        a_payout("b", 250),
        a_payout("c", 70, rail=RailKind.PAYPAL, pay_currency="USD", pays=88),
        a_payout("d", 999, status=PayoutStatus.SET_ASIDE),
    ]
    before = [
        a_payout("a", 300, status=PayoutStatus.PAID),
        a_payout("e", 40, rail=RailKind.MANUAL, status=PayoutStatus.PAID),
        a_payout("f", 7, status=PayoutStatus.RETURNED),
    ]

    assert compared(now, before) == (
        Line(rail=RailKind.MANUAL, pay_currency="EUR", count=0, pays=0, count_before=1, pays_before=40),
        Line(rail=RailKind.PAYPAL, pay_currency="USD", count=1, pays=88, count_before=0, pays_before=0),
        Line(rail=RailKind.SEPA, pay_currency="EUR", count=2, pays=350, count_before=1, pays_before=300),
    )
    assert totals(paying(now)) == {"EUR": 350, "USD": 88}
    assert totals(paying(now), held=True) == {"EUR": 420}


def test_the_largest_change_comes_first_whatever_its_currency_and_sign() -> None:
    # given changes of 10 EUR up, 20 USD (16 EUR) down, 3,200 JPY (20 EUR) up, and none
    now = [a_payout("a", 2_000), a_payout("b", 1_000, "USD"), a_payout("c", 5_200, "JPY"), a_payout("d", 5)]
    before = [a_payout("a", 1_000), a_payout("b", 3_000, "USD"), a_payout("c", 2_000, "JPY"), a_payout("d", 5)]

    found = movers(now, before, PER_EURO)

    assert [(each.payout.partner, each.before, each.change) for each in found] == [
        ("c", 2_000, 3_200), ("b", 3_000, -2_000), ("a", 1_000, 1_000),
    ]  # fmt: skip
    assert [each.payout.partner for each in movers(now, before, PER_EURO, most=1)] == ["c"]


def test_who_was_not_paid_before_moves_from_nothing_and_what_has_no_rate_comes_last() -> None:
    now = [a_payout("a", 10), a_payout("b", 99_999, "THB"), a_payout("c", 50, status=PayoutStatus.REJECTED)]
    before = [a_payout("a", 400, status=PayoutStatus.FAILED)]

    assert [(each.payout.partner, each.before) for each in movers(now, before, {})] == [("a", 0), ("b", 0)]


def test_a_list_is_narrowed_by_status_by_notice_and_to_what_somebody_must_look_at() -> None:
    new, changed = a_payout("a", 1, notice=NEW_PAYEE), a_payout("b", 1, notice=NEW_DETAILS)
    failed, paid = a_payout("c", 1, status=PayoutStatus.FAILED), a_payout("d", 1, status=PayoutStatus.PAID)
    everything = [new, changed, failed, paid]

    shown = {show: [each.partner for each in everything if shows(each, show)] for show in SHOWN}

    assert shown[ALL] == ["a", "b", "c", "d"]
    assert (shown[NEW_PAYEE], shown[NEW_DETAILS], shown[EXCEPTIONAL]) == (["a"], ["b"], ["c"])
    assert (shown["created"], shown["failed"], shown["paid"], shown["unknown"]) == (["a", "b"], ["c"], ["d"], [])


@pytest.mark.parametrize(("cadence", "today", "name", "starts"), [
    # on the day itself, the day after it, and in the middle of the period
    (Cadence.MONTHLY, "2026-11-02", "2026-10", "2026-11-02"),
    (Cadence.MONTHLY, "2026-11-03", "2026-11", "2026-12-02"),
    (Cadence.MONTHLY, "2026-11-20", "2026-11", "2026-12-02"),
    (Cadence.TWICE_MONTHLY, "2026-11-03", "2026-11a", "2026-11-17"),
    (Cadence.TWICE_MONTHLY, "2026-11-18", "2026-11b", "2026-12-02"),
    (Cadence.WEEKLY, "2026-11-24", "2026-w47", "2026-11-24"),
    (Cadence.WEEKLY, "2026-11-25", "2026-w48", "2026-12-01"),
    (Cadence.QUARTERLY, "2026-11-20", "2026-q4", "2027-01-02"),
])  # fmt: skip
def test_the_next_run_of_a_schedule_is_that_of_the_period_whose_days_of_grace_are_not_over(
    cadence: Cadence, today: str, name: str, starts: str
) -> None:
    schedule = PayoutSchedule(brand="brd_1", schedule="s", cadence=cadence, time_zone="UTC", days_after=2)

    period, day = next_due(schedule, date.fromisoformat(today))

    assert (period.name, day.isoformat()) == (name, starts)
