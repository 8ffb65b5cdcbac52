"""A payout run step by step: its steps in any sequence, repeated, out of turn and cut off at any call, while partners
earn, are held and change where they are paid, and a provider answers as it likes. No sequence that Hypothesis can think
of pays anybody twice, or loses a cent; and from everywhere the run can be brought to its end.

It walks alone: two workers at once are the business of `tests/faults`, whose world and checks these are.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from introducer.domain.errors import IntroducerError
from introducer.services import confirm_run, open_run, send_run
from introducer.services.creation import Author
from tests.faults import payout_checks, payout_worlds
from tests.faults.payout_worlds import BRAND, MAKER, RUN, Amount, World
from tests.faults.payouts import RunSchedule, Stores
from tests.faults.schedules import Clock
from tests.faults.stores import InMemory
from tests.faults.wire import AFTER, BEFORE, Actor, Crash, Fault, Trouble, Wire
from tests.support.memory import served_by

PARTNERS = {"par_bank": "USD", "par_club": "EUR", "par_echo": "EUR"}
"""Each with the currency of what it has at first; all are paid in another one."""
MOODS = tuple(payout_worlds.MOODS)
PLACE = {"brand": BRAND, "run": RUN}

partners = st.sampled_from(list(PARTNERS))
moods = st.sampled_from(MOODS)


class CutOff(NamedTuple):
    """A step ends at one of its calls: before it is sent, or after it was done."""

    call: int
    moment: str


cuts = st.none() | st.builds(CutOff, st.integers(1, 25), st.sampled_from([BEFORE, AFTER]))


class Cutting(Trouble):
    """The trouble of one step."""

    def __init__(self) -> None:
        super().__init__(random.Random(0))
        self.cut: CutOff | None = None
        self._calls = 0

    def begin(self, cut: CutOff | None) -> None:
        self.cut, self._calls = cut, 0

    def plan(self, site: str, operation: str) -> Fault | None:
        self._calls += 1
        return Fault(self.cut.moment) if self.cut and self.cut.call == self._calls and not self.over else None


class PayoutRun(RuleBasedStateMachine):
    """One run on the product's own services."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(served_by(_WIRE))
        before = open_run.SMALLEST_GROUP
        self.stack.callback(setattr, open_run, "SMALLEST_GROUP", before)
        open_run.SMALLEST_GROUP = 2
        self.trouble, self.clock = Cutting(), Clock(payout_worlds.STARTS)
        self.store = InMemory(self.clock, begin=payout_worlds.configured)
        _WIRE.store, _WIRE.trouble = self.store, self.trouble

    @initialize(seed=st.integers(0, 1_000), short=st.booleans(), depth=st.sampled_from([0, 2, 3, 5, 5, 5]))
    def a_brand_that_pays(self, seed: int, short: bool, depth: int) -> None:
        """`depth`: so many of the run's first steps are done when it begins."""
        world = World(
            amounts=[Amount(each, currency, "2026-01", "2026-02-01", 12_345) for each, currency in PARTNERS.items()],
            disturbances=[], decision="approve", executions=1, workers=1, confirm_days=2,
            remembers=timedelta(hours=2) if short else timedelta(days=29), moods={"ok": 1}, partners=list(PARTNERS),
        )  # fmt: skip
        self.schedule = RunSchedule(
            seed, world, self.clock, random.Random(seed), self.trouble, self.store, _STORES, _WIRE, Counter(), 2
        )
        self.schedule.begin()
        for step in self.first_steps()[:depth]:
            step(None)

    def teardown(self) -> None:
        try:
            if hasattr(self, "schedule"):
                self._comes_to_its_end()
        finally:
            self.stack.close()

    # -------------------------------------------------------------------------------------------- what can happen

    @rule(partner=partners, amount=st.integers(-30_000, 30_000).filter(bool))
    def earns_or_is_clawed_back(self, partner: str, amount: int) -> None:
        self.schedule.earn(partner, amount)

    @rule(partner=partners)
    def is_held(self, partner: str) -> None:
        self.schedule.hold(partner)

    @rule(partner=partners)
    def is_released(self, partner: str) -> None:
        self.schedule.lift(partner)

    @rule(partner=partners)
    def is_paid_elsewhere(self, partner: str) -> None:
        self.schedule.profile(partner)

    @rule(minutes=st.sampled_from([1, 20, 60, 600, 3_000]))
    def time_goes_on(self, minutes: int) -> None:
        self.clock.now += timedelta(minutes=minutes)

    @rule(cut=cuts, step=st.integers(0, 4))
    def takes_one_of_its_first_steps(self, cut: CutOff | None, step: int) -> None:
        """The next one, or one of those before again, or one that it is not the time for."""
        self.first_steps()[step](cut)

    @rule(cut=cuts, data=st.data())
    def one_is_taken_out(self, cut: CutOff | None, data: st.DataObject) -> None:
        if found := list(self.schedule.payouts()):
            self._does(self.schedule.reject(data.draw(st.sampled_from(found))).job, cut)

    @rule(cut=cuts, mood=moods, data=st.data())
    def sends(self, cut: CutOff | None, mood: str, data: st.DataObject) -> None:
        self._does(lambda now: send_run.plan_batches(_STORES.payouts, self.schedule.rails, **PLACE), None)
        if batches := _STORES.payouts.batches(**PLACE):
            self.schedule.provider.moods = {mood: 1}
            self._does(self.schedule.send(data.draw(st.sampled_from(batches)).batch).job, cut)

    @rule(cut=cuts, mood=moods)
    def looks_up(self, cut: CutOff | None, mood: str) -> None:
        if any(True for _ in self.schedule.payouts()):
            self.schedule.provider.moods = {mood: 1}
            self._does(lambda now: confirm_run.look_up(self.schedule.sending, _STORES.schedules, **PLACE, now=now), cut)

    @rule(cut=cuts)
    def somebody_tells(self, cut: CutOff | None) -> None:
        for payout in self.schedule.payouts():
            if (outcome := self.schedule.truth(payout)) is not None:
                self._does(self.schedule.record(payout, outcome), cut)

    # ------------------------------------------------------------------------------------------------- its first steps

    def first_steps(self) -> tuple[Callable[[CutOff | None], None], ...]:
        """Up to where its batches are sent."""
        return (
            self.is_opened, self.reserves, self.is_added_up_and_asks, self.is_decided,
            self.its_groups_are_approved_or_released,
        )  # fmt: skip

    def is_opened(self, cut: CutOff | None) -> None:
        author = Author(by=MAKER.member, why="february", origin="payout_run")
        self._does(
            lambda now: open_run.open_run(
                _STORES.schedules, _STORES.payouts, **PLACE, schedule=payout_worlds.SCHEDULE,
                first=payout_worlds.FIRST, through=payout_worlds.THROUGH, author=author, now=now,
            ),
            cut,
        )  # fmt: skip
        self._does(lambda now: open_run.take_rates(_STORES.payouts, _STORES.books.rates, **PLACE), None)

    def reserves(self, cut: CutOff | None) -> None:
        for group in open_run.select_partners(_STORES.configuration, brand=BRAND)[1]:
            self._does(self.schedule.reserve(group).job, cut)

    def is_added_up_and_asks(self, cut: CutOff | None) -> None:
        self._does(self.schedule.add_up().job, cut)
        self._does(self.schedule.ask_once("token").job, cut)

    def is_decided(self, cut: CutOff | None) -> None:
        self._does(self.schedule.decide().job, cut)

    def its_groups_are_approved_or_released(self, cut: CutOff | None) -> None:
        everybody = open_run.Group("", "pay_~")
        self._does(self.schedule.approve(everybody).job, cut)
        self._does(self.schedule.release(everybody).job, None)

    # ------------------------------------------------------------------------------------------------ what must hold

    @invariant()
    def the_books_agree(self) -> None:
        if hasattr(self, "schedule"):
            payout_checks.books_agree(payout_checks.Found(self.schedule))

    def _comes_to_its_end(self) -> None:
        """From here on nothing goes wrong: the run ends, and the books say what the provider did."""
        self.trouble.over = self.schedule.provider.over = True
        self.schedule.run()
        payout_checks.check(self.schedule)

    def _does(self, job: Callable[[datetime], Any], cut: CutOff | None) -> None:
        """A step, whatever comes of it."""
        self.clock.now += timedelta(milliseconds=7)
        now = self.clock.now
        self.trouble.begin(cut)
        actor = Actor(lambda: job(now))
        while not actor.over:
            actor.advance(1_000)
        if actor.error is not None and not isinstance(actor.error, Crash | IntroducerError):
            raise actor.error


_WIRE = Wire()
with served_by(_WIRE):
    _STORES = Stores()


def test_no_sequence_of_steps_pays_twice_or_loses_a_cent() -> None:
    run_state_machine_as_test(
        PayoutRun,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
