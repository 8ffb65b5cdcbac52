"""Earnings, clawbacks, closes, passing days and payouts in any order: the buckets always add up, and no payout takes
what is not there.

The model is as naive as can be: a list of amounts with the day on which each becomes available, and what was paid.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from introducer.domain.calendar import day_start, plus_days, plus_months
from introducer.domain.errors import Conflict
from introducer.domain.events import from_milliseconds
from introducer.domain.ledger import HOUSE, Journal, Key, Receipt, earning_legs, journal_id, post_month
from introducer.services.close_month import close_partner
from introducer.store.accruals import Accrual, Accruals
from introducer.store.ledger import Ledger
from introducer.store.reservations import Reservations
from introducer.store.statements import Statements
from tests.conftest import create_table, in_memory

PARTNER, FIRST_DAY, FIRST_MONTH = "par_p", "2026-01-25", "2026-01"
CURRENCIES = ("EUR", "JPY")

currencies = st.sampled_from(CURRENCIES)
amounts = st.integers(1, 1_000)


class Earned(NamedTuple):
    """An amount that was posted for a key."""

    currency: str
    day: str
    """From which it is available."""
    month: str
    amount: int


class Payout(NamedTuple):
    payout: str
    currency: str
    amount: int
    state: str
    """`reserved`, `released`, `paid` or `returned`."""


class Buckets(RuleBasedStateMachine):
    """The books of one partner, on the product's own stores, beside the model."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        client = self.stack.enter_context(in_memory())
        create_table(client, "facts", index=False)
        create_table(client, "books", index=True)
        self.accruals, self.ledger = Accruals("facts", "books"), Ledger("books")
        self.reservations, self.statements = Reservations("books"), Statements("books")
        self.day = FIRST_DAY
        self.posted: list[Earned] = []
        self.payouts: list[Payout] = []
        self.closed: dict[str, object] = {}

    def teardown(self) -> None:
        self.stack.close()

    # -------------------------------------------------------------------------------------------------- the model

    def available(self, currency: str) -> int:
        """What came in and is not pending any more, less what payouts have."""
        came = sum(each.amount for each in self.posted if each.currency == currency and each.day <= self.day)
        return came - self.has("reserved", currency) - self.has("paid", currency)

    def has(self, state: str, currency: str) -> int:
        return sum(each.amount for each in self.payouts if each.state == state and each.currency == currency)

    def now(self) -> int:
        """Some moment of the day, in ms."""
        return day_start(self.day) + len(self.posted) + len(self.payouts)

    # -------------------------------------------------------------------------------------------- what can happen

    @initialize(currency=currencies, amount=amounts)
    def something_to_begin_with(self, currency: str, amount: int) -> None:
        self._post(Earned(currency, FIRST_DAY, FIRST_MONTH, amount))

    @rule(currency=currencies, amount=amounts, days=st.integers(-12, 12))
    def earns(self, currency: str, amount: int, days: int) -> None:
        """Something becomes available on a day around today's; an event that comes late may be of a day long past."""
        self._post(Earned(currency, plus_days(self.day, days), self.day[:7], amount))

    @rule(data=st.data(), share=st.integers(1, 100))
    def is_clawed_back(self, data: st.DataObject, share: int) -> None:
        """A part of something is taken back, under the same key."""
        found = data.draw(st.sampled_from(self.posted))
        self._post(found._replace(amount=-max(1, abs(found.amount) * share // 100)))

    def _post(self, earned: Earned) -> None:
        number = len(self.posted)
        key = Key(PARTNER, "revshare", "client", earned.month, earned.currency, earned.day)
        month = post_month(earned.month, self.ledger.balance(PARTNER).frozen_through)
        journal = Journal(
            id=journal_id(key, month, self.now(), number), key=key,
            kind="earning" if earned.amount > 0 else "clawback", amount=earned.amount, post_month=month,
            posted_at=self.now(), legs=earning_legs(key, earned.amount),
            receipt=Receipt("revshare", 1, (), 0, (), (), earned.amount, 0),
        )  # fmt: skip
        self.accruals.write(Accrual((), (), (journal,)), self.now())
        self.posted.append(earned)

    @rule(days=st.integers(1, 10))
    def days_pass(self, days: int) -> None:
        self.day = plus_days(self.day, days)

    @precondition(lambda self: self.day[:7] > FIRST_MONTH)
    @rule()
    def the_month_before_is_closed(self) -> None:
        month = plus_months(self.day[:7], -1)
        statement = close_partner(
            self.ledger, self.statements, partner=PARTNER, month=month, now=from_milliseconds(self.now())
        )
        assert self.closed.setdefault(month, statement) == statement

    @rule(currency=currencies, more=st.integers(1, 3))
    def asks_for_more_than_there_is(self, currency: str, more: int) -> None:
        amount = max(0, self.available(currency)) + more
        with pytest.raises(Conflict) as raised:
            self._reserve("pay_refused", currency, amount)
        assert raised.value.code == "not_available"

    @precondition(lambda self: any(self.available(currency) > 0 for currency in CURRENCIES))
    @rule(data=st.data(), all_of_it=st.booleans())
    def reserves(self, data: st.DataObject, all_of_it: bool) -> None:
        currency = data.draw(st.sampled_from([each for each in CURRENCIES if self.available(each) > 0]))
        available = self.available(currency)
        amount = available if all_of_it else data.draw(st.integers(1, available))
        payout = f"pay_{len(self.payouts):03d}"
        before = self.ledger.balance(PARTNER).bucket(currency, "available", self.day)
        self._reserve(payout, currency, amount)
        # Never more than what was available at that moment, so it is not below zero for being reserved.
        assert amount <= before
        assert self.ledger.balance(PARTNER).bucket(currency, "available", self.day) == before - amount >= 0
        self.payouts.append(Payout(payout, currency, amount, "reserved"))

    def _reserve(self, payout: str, currency: str, amount: int) -> None:
        self.reservations.reserve(PARTNER, payout, currency=currency, amount=amount, at_ms=self.now())

    @precondition(lambda self: self.payouts)
    @rule(data=st.data(), step=st.sampled_from(["release", "pay", "give_back"]))
    def takes_a_step(self, data: st.DataObject, step: str) -> None:
        """A payout goes on; where it cannot, nothing happens."""
        number = data.draw(st.integers(0, len(self.payouts) - 1))
        payout = self.payouts[number]
        take = getattr(self.reservations, step)
        after = {
            ("reserved", "release"): "released", ("reserved", "pay"): "paid", ("paid", "give_back"): "returned",
            ("released", "release"): "released", ("paid", "pay"): "paid", ("returned", "pay"): "returned",
            ("returned", "give_back"): "returned",
        }.get((payout.state, step))  # fmt: skip
        if after is None:
            with pytest.raises(Conflict):
                take(PARTNER, payout.payout, self.now())
        else:
            take(PARTNER, payout.payout, self.now())
            self.payouts[number] = payout._replace(state=after)

    @precondition(lambda self: self.payouts)
    @rule(data=st.data())
    def reserves_again(self, data: st.DataObject) -> None:
        """A step that is repeated, on whatever day, changes nothing."""
        payout = data.draw(st.sampled_from(self.payouts))
        if payout.state == "released":
            with pytest.raises(Conflict):
                self._reserve(payout.payout, payout.currency, payout.amount)
        else:
            self._reserve(payout.payout, payout.currency, payout.amount)

    # ------------------------------------------------------------------------------------------- what always holds

    def journals(self) -> list[Journal]:
        months = [plus_months("2025-12", number) for number in range(1, 25)]
        posted = [each for month in months for each in self.ledger.all_journals(PARTNER, month)]
        return posted + [each for payout in self.payouts for each in self.reservations.journals(PARTNER, payout.payout)]

    @invariant()
    def a_balance_is_the_sum_of_its_journals_whose_legs_sum_to_zero(self) -> None:
        legs: dict[tuple[str, str, str], int] = defaultdict(int)
        earned: dict[tuple[str, str], int] = defaultdict(int)
        for journal in self.journals():
            assert sum(leg.amount for leg in journal.legs) == 0
            assert journal.post_month >= journal.key.earn_month
            earned[journal.key.currency, journal.key.earn_month] += journal.amount
            for account, amount in journal.legs:
                bucket, _, day = account.partition(".")
                if account != HOUSE:
                    legs[journal.key.currency, bucket, day] += amount
        balance = self.ledger.balance(PARTNER)
        assert _without_nothing(balance.amounts) == _without_nothing(legs)
        assert _without_nothing(balance.earned) == _without_nothing(earned)

    @invariant()
    def the_buckets_are_what_happened(self) -> None:
        balance = self.ledger.balance(PARTNER)
        for currency in CURRENCIES:
            stands = {
                name: balance.bucket(currency, name, self.day) for name in ("pending", "available", "reserved", "paid")
            }
            posted = [each for each in self.posted if each.currency == currency]
            assert stands == {
                "pending": sum(each.amount for each in posted if each.day > self.day),
                "available": self.available(currency),
                "reserved": self.has("reserved", currency),
                "paid": self.has("paid", currency),
            }
            # Claim C: balance and paid together are all that was posted.
            assert sum(stands.values()) == sum(each.amount for each in posted)

    @invariant()
    def a_closed_month_takes_nothing_more(self) -> None:
        for month, statement in self.closed.items():
            assert (
                close_partner(
                    self.ledger, self.statements, partner=PARTNER, month=month, now=from_milliseconds(self.now())
                )
                == statement
            )


def _without_nothing(amounts: object) -> dict[object, int]:
    assert isinstance(amounts, dict)
    return {name: amount for name, amount in amounts.items() if amount}


def test_buckets_add_up_whatever_happens_in_whatever_order() -> None:
    run_state_machine_as_test(
        Buckets,
        settings=settings(
            max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
