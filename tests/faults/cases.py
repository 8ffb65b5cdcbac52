"""A case that is opened, decided and carried out at every point of a payout run: each of them once, in order.

Two stories: the run's, from opening it to hearing what was paid, and the case's, from the finding to the money that is
free again. Each is a row of steps of the product's own services. A story stops before one of its writes, where it has
read everything; the other one goes on to one of its writes, or to its end; then both end. So every write of the one
meets every write of the other in the worst moment. In some schedules a write dies before it is sent or after it is
committed, its answer is lost, or another transaction is met, and the step is tried again.

What must hold (`check`): money that a case holds, or that was taken back, is never sent; every balance is the sum of
its journals; when the case is over, its journals come to nothing, day by day: everything is as without a case, or as
the engine has it after a clawback; and `introducer verify` finds nothing in cases and payouts.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

from introducer.domain.case_money import moved
from introducer.domain.errors import Conflict, Unavailable
from introducer.domain.ledger import HELD
from introducer.domain.payment_profile import Destination, RailKind, masked
from introducer.domain.payout import BatchStatus, PayoutStatus
from introducer.services import confirm_run, decide_run, open_run, reserve_run, send_run
from introducer.services.close_case import close_case
from introducer.services.verify.cases_side import CasesSide
from introducer.store import keys
from introducer.store.cases import case_from_item
from introducer.store.ledger import HOLDS, balance_attribute
from introducer.store.payout_items import payout_from_item
from introducer.store.scans import Stored
from introducer.store.wire import from_wire
from tests.conftest import Tables, create_table
from tests.faults.outcomes import Outcome
from tests.faults.payout_checks import Found, books_agree, kind_of
from tests.faults.payout_rails import FakeRail, Provider
from tests.faults.payout_worlds import BOOKS, FACTS, IBANS, a_vault
from tests.faults.schedules import Violation
from tests.faults.wire import AFTER, BEFORE, WRITES, Actor, Crash, Fault, Trouble, Wire
from tests.support.builders import BRAND
from tests.support.case_world import COMPLIANCE, FINANCE, PARTNER, CaseWorld
from tests.support.memory import Memory, Record, served_by
from tests.support.payouts import EVERYBODY, FIRST, LONG_AGO, MAKER, NOW, RUN, SCHEDULE, SET_UP, THROUGH

LOST, MET = "answer lost", "conflict"
MOMENTS = (BEFORE, AFTER, LOST, MET)
"""How a write goes wrong."""
AGAIN = frozenset({"books_changed", "run_changed", "batch_changed", "case_changed", "scoring_changed"})
"""Codes of a `Conflict` that a step is tried again for."""
TRIES = 12
LEASE = timedelta(minutes=20)
"""Longer than whoever crashed while handing a batch over keeps it."""
RUNS, CASES = "run", "case"
"""The two stories."""
LONG = 99
"""To the end, however many writes that takes."""

HONEST, QUESTION, PENDING_QUESTION = ("c2", "c3"), "c1", "c4"
EACH = 100_00


class Plan(NamedTuple):
    """One schedule."""

    whole: bool
    """All that is not paid out is in question, and not two of the clients alone."""
    disallow: bool
    fate: PayoutStatus
    """What becomes of what is sent."""
    first: str
    """Which story begins."""
    before: int
    """It stops before its write of this number, counted from 0 …"""
    between: int
    """… the other makes so many writes, and stops before its next one; then the first one ends, and then the other."""
    then: int = LONG
    """Unless the first one makes only so many writes more, and ends after the other."""
    trouble: str = ""
    troubled: str = ""
    at: int = 0
    """How a write goes wrong, of which story, and the how many-th."""


# -------------------------------------------------------------------------------------------------------- the schedules


@cache
def plans() -> tuple[Plan, ...]:
    """All schedules, the same each time: a seed is the number of one."""
    found: list[Plan] = []
    paid = PayoutStatus.PAID
    for whole, disallow in itertools.product((False, True), (False, True)):
        for first, other in ((RUNS, CASES), (CASES, RUNS)):
            points = itertools.product(range(WRITES_OF[first] + 1), [*range(WRITES_OF[other] + 1), LONG])
            found += (Plan(whole, disallow, paid, first, before, between) for before, between in points)
    for disallow, fate in itertools.product((False, True), (PayoutStatus.FAILED, PayoutStatus.RETURNED)):
        found += (Plan(False, disallow, fate, RUNS, before, LONG) for before in range(WRITES_OF[RUNS] + 1))
        found += (Plan(False, disallow, fate, CASES, before, LONG) for before in range(WRITES_OF[CASES] + 1))
    for before, disallow in itertools.product((0, 1), (False, True)):
        # The case has read everything when the run goes on, writes, and is not over when the run goes on again.
        points = itertools.product(range(1, WRITES_OF[RUNS] + 1), range(1, WRITES_OF[CASES]))
        found += (Plan(False, disallow, paid, CASES, before, between, then) for between, then in points)
    for moment, disallow in itertools.product(MOMENTS, (False, True)):
        for before in range(WRITES_OF[RUNS] + 1):
            # The case goes wrong while the run stands still, or the run at the write where the case came.
            found += (
                Plan(False, disallow, paid, RUNS, before, LONG, LONG, moment, CASES, at)
                for at in range(WRITES_OF[CASES])
            )
            found += (
                Plan(False, disallow, paid, RUNS, before, between, LONG, moment, RUNS, before)
                for between in (1, 2, LONG)
            )
    return tuple(found)


WRITES_OF: Mapping[str, int] = {RUNS: 20, CASES: 10}
"""About how many writes each story has; a test sees that they have no more."""


# ------------------------------------------------------------------------------------------------------------ the world


class _Moments(Trouble):
    """At most one write of a schedule goes wrong: that which the plan says."""

    plan_of: Plan
    made: Counter[str]
    whose = ""

    def plan(self, site: str, operation: str) -> Fault | None:
        if operation not in WRITES and operation != "TransactWriteItems":
            return None
        self.seen[site] += 1
        number, told = self.made[self.whose], self.plan_of
        self.made[self.whose] += 1
        if self.over or not told.trouble or (self.whose, number) != (told.troubled, told.at):
            return None
        return Fault(told.trouble)


class _Tables:
    """The tables of one schedule: those of the world as it begins, with all that was written so far in their stream."""

    def __init__(self, begin: Memory) -> None:
        self._memory = begin.copy(lambda: 0.0)
        self._before = {name: list(table.stream) for name, table in begin.tables.items()}

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return self._memory.call(operation, arguments)

    def stream(self, table: str) -> list[Record]:
        return [*self._before[table], *self._memory.tables[table].stream]

    def items(self, table: str) -> dict[Any, Any]:
        return dict(self._memory.tables[table].items)

    def close(self) -> None:
        """Nothing is left to do."""


class Began(NamedTuple):
    """A world as it begins: a partner with two clients in question, one of them pending, and two others."""

    memory: Memory
    world: CaseWorld
    wire: Wire
    rows: Mapping[tuple[str, str], str]


def begin() -> Began:
    """Made once; each schedule copies its tables."""
    memory, wire = Memory(), Wire()
    for table, index in ((FACTS, False), (BOOKS, True)):
        create_table(memory.client, table, index)
    wire.store = memory  # type: ignore[assignment]
    with served_by(wire):
        world = CaseWorld(Tables(FACTS, BOOKS, memory.client))
        world.schedule()
        world.rates()
        _profile(world)
        for client, day in (("c1", "2026-10-05"), ("c2", "2026-10-06"), ("c3", "2026-11-07"), ("c4", "2026-12-01")):
            world.client(client, day)
    return Began(memory, world, wire, dict(world.engine._seen))


def _profile(world: CaseWorld) -> None:
    """A payment profile that can be unsealed."""
    before = world.profiles.of_partner(PARTNER)
    assert before is not None
    there = Destination(rail=RailKind.SEPA, currency="EUR", holder=PARTNER, country="DE", iban=IBANS[0])
    sealed, data_key = a_vault().seal(PARTNER, before.version + 1, there)
    after = replace(
        before, version=before.version + 1, masked=masked(there), sealed=sealed, data_key=data_key,
        changed_at=LONG_AGO, usable_from=LONG_AGO + timedelta(days=3),
    )  # fmt: skip
    world.profiles.change(before, after, replace(SET_UP, at=LONG_AGO + timedelta(hours=1)))


# ---------------------------------------------------------------------------------------------------------- the stories


@dataclass
class Story:
    """Steps, one after the other, each tried again until it is done. A step that is to wait for the other story answers
    False: then the story rests, and goes on from there when it is told to."""

    steps: Sequence[Callable[[], Any]]
    schedule: CaseSchedule
    at: int = 0
    tries: int = 0
    rests: bool = False

    def __call__(self) -> None:
        self.rests = False
        while self.at < len(self.steps):
            try:
                done = self.steps[self.at]()
            except (Crash, Unavailable) as error:
                self._again(error)
                continue
            except Conflict as error:
                if error.code not in AGAIN:
                    raise
                self._again(error)
                continue
            if done is False:
                self.rests = True
                return
            self.at, self.tries = self.at + 1, 0

    def _again(self, error: BaseException) -> None:
        self.tries += 1
        if self.tries > TRIES:
            raise Violation(f"a step is tried again for ever: {error!r}")
        # Whoever died while it handed a batch over is given its time.
        self.schedule.world.now += LEASE if isinstance(error, Crash) else timedelta(seconds=1)

    @property
    def is_over(self) -> bool:
        return self.at >= len(self.steps)


@dataclass
class CaseSchedule:
    """The schedule of one plan. `run` raises `Violation`."""

    plan: Plan
    began: Began
    trouble: Trouble = field(init=False)
    facts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        moments = _Moments(random.Random(0))
        moments.plan_of, moments.made = self.plan, Counter()
        self.trouble = self.moments = moments
        self.store = _Tables(self.began.memory)
        world = self.world = self.began.world
        world.now = NOW
        world.engine._seen = dict(self.began.rows)
        world.woken.clear()
        provider = Provider(
            random.Random(0), lambda: world.now, timedelta(days=29), {"ok": 1},
            fates=(((timedelta(0), PayoutStatus.PAID, ""),),),
        )  # fmt: skip
        rail = FakeRail(RailKind.SEPA, provider, self.began.wire, 10, 9_999_999_999)
        self.sending = send_run.Sending(
            configuration=world.configuration, ledger=world.ledger, payouts=world.payouts, profiles=world.profiles,
            vault=a_vault(), rails={RailKind.SEPA: rail},
        )  # fmt: skip
        self.clients = (QUESTION, PENDING_QUESTION)
        self.stories = {RUNS: Story(self._run_steps(), self), CASES: Story(self._case_steps(), self)}

    # ----------------------------------------------------------------------------------------------------- what happens

    def run(self) -> None:
        """Both stories, as the plan says."""
        first, other = self.plan.first, CASES if self.plan.first == RUNS else RUNS
        actors = {name: Actor(story) for name, story in self.stories.items()}
        try:
            self._advance(actors[first], first, self.plan.before)
            self._advance(actors[other], other, self.plan.between)
            self._advance(actors[first], first, self.plan.then)
            for name in (other, first):
                self._advance(actors[name], name, None)
        finally:
            for name, actor in actors.items():
                self.moments.whose = name
                actor.cut_off = not actor.over
                while not actor.over:
                    actor.advance(1_000)
        for _ in range(3):
            # What waited for the other story goes on now.
            for name, story in self.stories.items():
                if not story.is_over:
                    self.world.now += timedelta(hours=1)
                    self.moments.whose = name
                    story()
        for name, story in self.stories.items():
            if not story.is_over:
                raise Violation(f"the {name} does not end: it waits in step {story.at}")

    def _advance(self, actor: Actor, whose: str, writes: int | None) -> None:
        """Until it has made so many writes and is about to make the next one; None: to its end."""
        self.moments.whose = whose
        if writes is None:
            while not actor.over:
                actor.advance(1_000)
        else:
            made = 0
            if not actor.over:
                actor.advance(0)
            while not actor.over:
                is_write = actor.next in WRITES or actor.next == "TransactWriteItems"
                if is_write and made == writes:
                    return
                made += is_write
                actor.advance(1)
        if actor.error is not None:
            if isinstance(actor.error, Violation):
                raise actor.error
            raise Violation(f"the {whose} ended with {type(actor.error).__name__}: {actor.error}") from actor.error

    # ---------------------------------------------------------------------------------------------------------- the run

    def _run_steps(self) -> list[Callable[[], Any]]:
        world, payouts = self.world, self.world.payouts
        place = {"brand": BRAND, "run": RUN}

        def unless_empty(step: Callable[[], Any]) -> Callable[[], Any]:
            """A run that pays nobody is closed at once."""
            return lambda: step() if world.run().payouts else None

        return [
            lambda: open_run.open_run(
                world.schedules, payouts, **place, schedule=SCHEDULE, first=FIRST, through=THROUGH, author=MAKER,
                now=world.now,
            ),
            lambda: open_run.take_rates(payouts, world.rate_store, **place),
            lambda: world.reserve(RUN, EVERYBODY),
            lambda: reserve_run.add_up(payouts, **place),
            lambda: world.ask("run's token"),
            self._approve,
            unless_empty(
                lambda: decide_run.approve_group(payouts, **place, after="", through="pay_~", now=world.now)
            ),
            unless_empty(lambda: send_run.plan_batches(payouts, self.sending.rails, **place)),
            self._send,
            lambda: reserve_run.add_up(payouts, **place),
            unless_empty(lambda: confirm_run.look_up(self.sending, world.schedules, **place, now=world.now)),
            lambda: self._hear(PayoutStatus.FAILED if self.plan.fate is PayoutStatus.FAILED else PayoutStatus.PAID),
            unless_empty(lambda: confirm_run.look_up(self.sending, world.schedules, **place, now=world.now)),
            lambda: confirm_run.close_run(payouts, **place, now=world.now),
            lambda: self._hear(self.plan.fate),
        ]  # fmt: skip

    def _approve(self) -> None:
        run = self.world.run()
        if not run.payouts:
            return
        decide_run.decide_run(
            self.world.payouts, self.world.profiles, self.world.wake, member=FINANCE, run=RUN, version=run.version,
            approve=True, why="It is right", now=self.world.now,
        )  # fmt: skip

    def _send(self) -> None:
        for batch in self.world.payouts.batches(BRAND, RUN):
            sent = send_run.send_batch(self.sending, brand=BRAND, run=RUN, batch=batch.batch, now=self.world.now)
            if sent.status is BatchStatus.SEALED:
                # Somebody died while it was handed over.
                self.world.now += LEASE
                send_run.send_batch(self.sending, brand=BRAND, run=RUN, batch=batch.batch, now=self.world.now)

    def _hear(self, outcome: PayoutStatus) -> None:
        """A person says what the bank did."""
        for payout in self.world.payouts.all_of_run(BRAND, RUN):
            returned = outcome is PayoutStatus.RETURNED and payout.status is PayoutStatus.PAID
            if payout.status is PayoutStatus.SENT or returned:
                confirm_run.record_outcome(
                    self.world.payouts, member=FINANCE, run=RUN, payout=payout.payout, outcome=outcome,
                    why="The bank says so", now=self.world.now,
                )  # fmt: skip

    # --------------------------------------------------------------------------------------------------------- the case

    def _case_steps(self) -> list[Callable[[], Any]]:
        world = self.world
        clients = () if self.plan.whole else self.clients
        return [
            lambda: world.opens(*clients),
            world.tops_up,
            world.asks,
            self._decide,
            world.records,
            self._follow,
            self._free,
            self._close,
        ]

    def _decide(self) -> None:
        case = self.world.case()
        if case.verdict is None:
            self.world.decides(disallow=self.plan.disallow, member=COMPLIANCE, clients=self.clients)

    def _follow(self) -> None:
        if not self.plan.disallow:
            return
        rulings = [each for client in self.clients for each in self.world.rulings.of_client(BRAND, client)]
        outcome = self.world.engine.engine().apply([each for each in rulings if each.applied_at is None])
        if outcome.failed:
            raise Unavailable("The engine comes again.")
        if outcome.quarantined:
            raise Violation("a ruling is in quarantine")

    def _free(self) -> bool:
        """False while a payout that has not left has to be waited for."""
        return self.world.frees().is_carried_out

    def _close(self) -> None:
        # When the time to appeal has passed. The run's clock does not wait for that.
        close_case(self.world.books, **self.world.place, now=self.world.now + timedelta(days=15))


# ----------------------------------------------------------------------------------------------------------- the runner


def check(schedule: CaseSchedule) -> Counter[str]:
    """Everything that must hold; says what the schedule was about."""
    plan, world = schedule.plan, schedule.world
    found = Found(schedule)  # type: ignore[arg-type]
    books_agree(found)
    held = _as_it_came(schedule)
    case = world.case()
    journals = [*world.books.cases.journals_of_partner(PARTNER)]
    if not case.is_closed or case.holds or case.stop:
        raise Violation(
            f"the case is {case.status}, closed at {case.closed_at}, holds {case.holds} and stops {case.stop}"
        )
    if left := moved(journals):
        raise Violation(f"the case is over, and its journals come to {left}")
    balance = world.ledger.balance(PARTNER)
    if balance.holds or balance.amounts.get(("EUR", HELD, ""), 0):
        raise Violation(f"the case is over, and the balance says {balance}")
    earned = sum(balance.earned.values())
    should = EACH * (len(HONEST) if plan.disallow else 4)
    if earned != should:
        raise Violation(f"the engine has {should}, the books {earned}")
    if world.books.scorings.get(BRAND, PARTNER).open_case:
        raise Violation("the case is over, and scoring has it open")
    _as_verified(schedule)
    payout = next(iter(found.payouts.values()), None)
    return Counter(
        {
            "payouts " + (payout.status.value if payout else "none"): 1,
            "cases disallowed" if plan.disallow else "cases released": 1,
            "payouts stopped": any(each.released_by for each in world.holds.of_partner(PARTNER)),
            "held at once": held,
            "journals of cases": len(journals),
        }
    )


def _as_it_came(schedule: CaseSchedule) -> bool:
    """In the order in which everything was committed: what a case holds is never sent, and neither is what it is about
    while the case waits, or after it was taken back. Whether the opening itself held what was available."""
    plan, opened, freed, at_once = schedule.plan, False, False, False
    status: dict[str, PayoutStatus] = {}
    for record in schedule.store.stream(BOOKS):
        kind, new = kind_of(keys.BOOKS, *record.place), from_wire(record.new or {})
        if kind == "case":
            case = case_from_item(new)
            at_once |= not opened and bool(case.holds)
            opened, freed = True, case.freed_at is not None
        elif kind == "balance":
            if new.get(balance_attribute("EUR", HELD), 0) < 0 or new.get(HOLDS, 0) < 0:
                raise Violation("less than nothing is held")
        elif kind == "payout":
            payout = payout_from_item(new)
            begins = payout.status is PayoutStatus.SENDING and status.get(payout.payout) is not PayoutStatus.SENDING
            status[payout.payout] = payout.status
            # While all is in question nothing is sent; of what two clients earned only what the others did.
            most = 0 if plan.whole and not freed else EACH * len(HONEST)
            if begins and opened and not (freed and not plan.disallow) and payout.amount > most:
                raise Violation(f"{payout.amount} is sent, and {most} of it at most is not in question")
    return at_once


def _as_verified(schedule: CaseSchedule) -> None:
    """`introducer verify` finds nothing in what stands there of cases."""
    side, balances = CasesSide(), dict[str, dict[str, int]]()
    for place, item in schedule.store.items(BOOKS).items():
        stored = Stored(kind_of(keys.BOOKS, *place), from_wire(item))
        if taker := side.takers.get(stored.kind):
            taker(stored)
        elif stored.kind == "case_journal":
            side.move(stored)
        elif stored.kind == "hold":
            side.hold(stored)
        elif stored.kind == "balance":
            amounts = {name: int(value) for name, value in stored.item.items() if "." in name}
            balances[keys.parts(place[0])[1]] = amounts
    for difference in side.differences(balances):
        raise Violation(f"verify: {difference}")


class CaseRunner:
    """Runs schedules one after the other, in memory. A seed is the number of a plan."""

    def __init__(self) -> None:
        self._began = begin()

    def run(self, seed: int) -> Outcome:
        """The schedule of a plan, and whether the books are right at its end."""
        schedule = CaseSchedule(plans()[seed], self._began)
        wire = self._began.wire
        wire.store, wire.trouble = schedule.store, schedule.trouble
        facts: Counter[str] = Counter()
        violation = ""
        try:
            with served_by(wire):
                schedule.run()
                schedule.trouble.over = True
                facts = check(schedule)
        except Violation as error:
            violation = f"{error} ({schedule.plan})"
        return Outcome(seed, violation, schedule.trouble, facts)
