"""One schedule of a payout run: its steps as the state machine takes them, by several workers, through crashes,
repeats and rivals, while people and the engine go on.

One or two executions walk the states of `statemachines/payout_run.asl.json`; their steps are the product's services. A
step that ends badly is tried again; a step that is at work, or done, is now and then begun a second time. Workers give
way to each other, and to whatever disturbs the run, between any two of their calls. An execution that fails is started
again with the same input, as a person would. When the run is closed, whoever looks at what is open says what became of
it, and the books are checked (`payout_checks`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from introducer.domain.configuration import Change, Standing, Status
from introducer.domain.errors import Conflict, IntroducerError, Unavailable
from introducer.domain.hold import Hold, released
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import UNSETTLED, Payout, PayoutStatus, RunStatus
from introducer.domain.run_waits import until_next_look, until_next_question
from introducer.services import confirm_run, decide_run, issue_invoices, open_run, reserve_run, send_run
from introducer.services.creation import Author
from introducer.store import keys
from introducer.store.accruals import Accruals
from introducer.store.configuration import Configuration
from introducer.store.holds import Holds
from introducer.store.invoices import Invoices
from introducer.store.ledger import FROZEN, Ledger
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payout_items import payout_from_item, run_from_item
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts
from introducer.store.rates import RateStore
from introducer.store.verifications import Verifications
from introducer.store.wire import from_wire
from tests.faults import payout_worlds as worlds
from tests.faults.payout_rails import FakeRail, Provider
from tests.faults.payout_worlds import BOOKS, BRAND, CHECKER, FACTS, MAKER, RUN, Amount, World
from tests.faults.schedules import Clock, Violation
from tests.faults.stores import InMemory, OnTheCloud
from tests.faults.wire import Actor, Crash, Trouble, Wire
from tests.support.memory import Item, Place

PATIENCE = 6_000
"""So many turns a schedule may take; its trouble ends after half of them."""
RESTARTS = 8
"""So often an execution that failed is started again before the run counts as lost."""
LIFE = timedelta(minutes=15)
"""How long a function of the template may run."""
MET = frozenset({"books_changed", "run_changed", "batch_changed"})
"""Codes of a `Conflict` that the step is tried again for (functions/payout/app.py)."""
BY_HAND = (RailKind.SEPA, RailKind.MANUAL)


class Stores:
    """The product's stores, made once: they speak to whatever the wire leads to."""

    def __init__(self) -> None:
        self.payouts = Payouts(BOOKS)
        self.schedules = PayoutSchedules(BOOKS)
        self.configuration = Configuration(BOOKS)
        self.ledger = Ledger(BOOKS)
        self.profiles = PaymentProfiles(BOOKS)
        self.holds = Holds(BOOKS)
        self.accruals = Accruals(FACTS, BOOKS)
        self.invoices = Invoices(BOOKS)
        self.books = reserve_run.Books(
            configuration=self.configuration,
            ledger=self.ledger,
            payouts=self.payouts,
            schedules=self.schedules,
            profiles=self.profiles,
            verifications=Verifications(BOOKS),
            rates=RateStore(BOOKS),
        )


@dataclass
class Task:
    """One step of an execution, or of a person: tried until it is done."""

    name: str
    job: Callable[[datetime], Any]
    tries: int = 0
    done: bool = False
    result: Any = None


@dataclass
class Pause:
    """An execution waits until a moment; or, with a token, until it is answered."""

    until: datetime
    token: str = ""


Stage = list[Task] | Pause
Story = Generator[Stage, Any, None]


class Execution:
    """One execution of the state machine."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self.stage: Stage = []
        self.over = False
        self.go_on(None)

    def go_on(self, value: Any) -> None:
        try:
            self.stage = self._story.send(value)
        except StopIteration:
            self.stage, self.over = [], True

    @property
    def tasks(self) -> list[Task]:
        return self.stage if isinstance(self.stage, list) else []


@dataclass
class Running:
    """A task at work in a function or on a page."""

    actor: Actor
    task: Task
    began: datetime
    execution: Execution | None
    sleeps: int = 0
    """For so many turns it gets no time: the others go on far without it."""


@dataclass
class RunSchedule:
    """The run of one seed. `run` raises `Violation`."""

    seed: int
    world: World
    clock: Clock
    chance: random.Random
    trouble: Trouble
    store: InMemory | OnTheCloud
    stores: Stores
    wire: Wire
    facts: Counter[str] = field(default_factory=Counter)
    most_per_batch: int = 2

    def __post_init__(self) -> None:
        world = self.world
        self.provider = Provider(self.chance, lambda: self.now, world.remembers, world.moods, world.fates)
        self.provider.ready_from = worlds.STARTS + world.account_after
        self.rails = {
            kind: FakeRail(kind, self.provider, self.wire, self.most_per_batch, self.world.dislikes)
            for kind in RailKind
        }
        self.sending = send_run.Sending(
            configuration=self.stores.configuration,
            ledger=self.stores.ledger,
            payouts=self.stores.payouts,
            profiles=self.stores.profiles,
            vault=worlds.a_vault(self.wire),
            rails=self.rails,
        )
        self.answers: dict[str, str] = {}
        """What waiting executions were woken with, by token."""
        self._executions: list[Execution] = []
        self._running: list[Running] = []
        self._people: list[Task] = []
        self._disturbances = list(self.world.disturbances)
        self._numbers = iter(range(1, 10_000))
        self._restarts = 0
        self._seen, self._written = 0, dict[Place, Item]()
        self._closed = False

    @property
    def now(self) -> datetime:
        return self.clock.now

    # ------------------------------------------------------------------------------------------------------ the story

    def _story(self) -> Story:
        """The states of the state machine, in their order."""
        stores, payouts = self.stores, self.stores.payouts
        place = {"brand": BRAND, "run": RUN}
        author = Author(by=MAKER.member, why="february", origin="payout_run")
        [opened] = yield [
            Task(
                "open",
                lambda now: open_run.open_run(
                    stores.schedules, payouts, **place, schedule=worlds.SCHEDULE, first=worlds.FIRST,
                    through=worlds.THROUGH, author=author, now=now,
                ),
            )
        ]  # fmt: skip
        if opened.closed_at is not None:
            return
        if opened.status is RunStatus.OPEN:
            yield [Task("rates", lambda now: open_run.take_rates(payouts, stores.books.rates, **place))]
            [(_, groups)] = yield [
                Task("select", lambda now: open_run.select_partners(stores.configuration, brand=BRAND))
            ]
            yield [self.reserve(group) for group in groups]
        [(run, groups)] = yield [self.add_up()]
        decision = "rejected"
        if run.payouts:
            decision = yield from self._ask()
            if decision == "approved":
                yield [self.approve(group) for group in groups]
                [batches] = yield [Task("plan", lambda now: send_run.plan_batches(payouts, self.rails, **place))]
                yield [self.send(batch.batch) for batch in batches]
                yield [self.add_up()]
                yield from self._listen()
                [(_, groups)] = yield [self.add_up()]
                yield [self._write_statements(group) for group in groups]
            else:
                yield [self.release(group) for group in groups]
        yield [Task("close", self._close_run)]

    def _ask(self) -> Generator[Stage, Any, str]:
        while True:
            token = f"token {next(self._numbers)}"
            [asked] = yield [self.ask_once(token)]
            schedule = worlds.schedule()
            decision: str = yield Pause(
                self.now + timedelta(seconds=until_next_question(asked, schedule, self.now)), token
            )
            if decision:
                return decision

    def _listen(self) -> Generator[Stage, Any, None]:
        while True:
            [heard] = yield [
                Task(
                    "look up",
                    lambda now: confirm_run.look_up(self.sending, self.stores.schedules, brand=BRAND, run=RUN, now=now),
                )
            ]
            if heard.done:
                return
            wait = until_next_look(self.stores.payouts.run(BRAND, RUN), self.now)
            # It may wake later than it asked for.
            yield Pause(self.now + timedelta(seconds=wait * self.chance.choice([1, 3, 10, 40])))

    def reserve(self, group: open_run.Group) -> Task:
        return Task(
            "reserve",
            lambda now: reserve_run.reserve_group(self.stores.books, brand=BRAND, run=RUN, group=group, now=now),
        )

    def add_up(self) -> Task:
        return Task("add up", lambda now: reserve_run.add_up(self.stores.payouts, brand=BRAND, run=RUN))

    def ask_once(self, token: str) -> Task:
        return Task(
            "ask",
            lambda now: decide_run.ask_for_approval(
                self.stores.schedules, self.stores.payouts, self._wake, brand=BRAND, run=RUN, token=token, now=now
            ),
        )

    def approve(self, group: open_run.Group) -> Task:
        return Task(
            "approve",
            lambda now: decide_run.approve_group(
                self.stores.payouts, brand=BRAND, run=RUN, after=group.after, through=group.through, now=now
            ),
        )

    def release(self, group: open_run.Group) -> Task:
        return Task(
            "release",
            lambda now: decide_run.release_group(
                self.stores.payouts, brand=BRAND, run=RUN, after=group.after, through=group.through, now=now
            ),
        )

    def send(self, batch: str) -> Task:
        return Task("send", lambda now: send_run.send_batch(self.sending, brand=BRAND, run=RUN, batch=batch, now=now))

    def _write_statements(self, group: open_run.Group) -> Task:
        def write(now: datetime) -> Any:
            payouts = list(self.stores.payouts.all_of_run(BRAND, RUN, group.after, group.through))
            return issue_invoices.issue_invoices(
                self.stores.configuration, self.stores.payouts, self.stores.invoices, brand=BRAND, run=RUN,
                payouts=payouts, now=now,
            )  # fmt: skip

        return Task("write", write)

    def _close_run(self, now: datetime) -> None:
        stores = self.stores
        confirm_run.close_run(stores.payouts, brand=BRAND, run=RUN, now=now)
        issue_invoices.issue_missing_invoices(
            stores.configuration, stores.payouts, stores.invoices, brand=BRAND, run=RUN, now=now
        )

    def _wake(self, token: str, output: Any) -> bool:
        def answered() -> bool:
            waits = any(isinstance(each.stage, Pause) and each.stage.token == token for each in self._executions)
            asks = any(task.name == "ask" for each in self._executions for task in each.tasks)
            if token in self.answers or not (waits or asks):
                return False
            self.answers[token] = output["decision"]
            return True

        return self.wire.outside(
            "SendTaskSuccess", answered, lambda kind: Unavailable("Step Functions does not answer: try again.")
        )

    # -------------------------------------------------------------------------------------------------------- running

    def run(self) -> None:
        """Everything that happens, until the run is closed and nobody is at it any more."""
        if not self._executions:
            self.begin()
        turns = 0
        while self._executions or self._running:
            turns += 1
            self.trouble.over |= turns > PATIENCE // 2
            self.provider.over = self.trouble.over
            if turns > PATIENCE:
                raise Violation(f"the run does not end: {self._where()}")
            self._wake_up()
            match self.chance.choice(self._choices()):
                case "start":
                    self._start()
                case "go on":
                    self._go_on(self._one_of_them(), self.chance.choice([1, 1, 2, 4, 15, 60]))
                case "time":
                    seconds = [0, 1, 1] if self.world.sleepy else [0, 1, 1, 30, 200, 500]
                    self._pass(timedelta(seconds=self.chance.choice(seconds)))
                case "disturb":
                    if self.chance.random() < 0.6:
                        self._lie_in_wait()
                    self._disturb(self._disturbances.pop(0))
                case "people":
                    self._somebody_acts()
                case "wait":
                    self._wait()

    def _choices(self) -> list[str]:
        """What may happen next, the likelier the oftener it stands there."""
        choices = []
        if len(self._running) < self.world.workers and (self._open_tasks() or self._people):
            choices += ["start"] * 3
        if self._running:
            choices += ["go on"] * 6 + ["time"]
        else:
            choices += ["people"]
        if self._disturbances and self.chance.random() < 0.1:
            choices += ["disturb"] * 2
        if self.chance.random() < 0.15:
            choices += ["people"]
        if not self._running and not self._open_tasks() and not self._people:
            choices += ["wait"] * 2
        return choices

    def begin_again(self) -> None:
        """Once more with the same input, and each step of sending again, without any trouble."""
        self.trouble.over = self.provider.over = True
        self._pass(timedelta(minutes=1))
        run = self.stores.payouts.run(BRAND, RUN)
        for batch in self.stores.payouts.batches(BRAND, RUN):
            self.send(batch.batch).job(self.now)
        if run.decided_at is not None and run.status is RunStatus.CLOSED:
            confirm_run.look_up(self.sending, self.stores.schedules, brand=BRAND, run=RUN, now=self.now)
        execution = Execution(self._story())
        while not execution.over:
            execution.go_on([task.job(self.now) for task in execution.tasks])
        # What was heard by that is issued by whoever asked.
        self._close_run(self.now)

    def somebody_says_the_rest(self) -> None:
        """Long after, people have looked at everything that is open, and say what became of it."""
        self.trouble.over = self.provider.over = True
        self.clock.now += timedelta(days=80)
        for payout in list(self.payouts()):
            stands = payout
            while (outcome := self.truth(stands)) is not None:
                try:
                    stands = self.record(stands, outcome)(self.now)
                except IntroducerError as error:
                    said = f"nobody can say that {payout.payout}, {stands.status}, is {outcome}: {error.code}"
                    raise Violation(said) from error

    def stop(self) -> None:
        """Let what still runs end, whatever comes of it."""
        self.trouble.over = True
        for running in self._running:
            running.actor.cut_off = True
            while not running.actor.over:
                running.actor.advance(1_000)

    def begin(self) -> None:
        for amount in self.world.amounts:
            worlds.post(self.stores.ledger, self.stores.accruals, amount, worlds.SINCE, next(self._numbers))
        if self.world.confirm_days != worlds.schedule().confirm_days:
            change = Change(by="system:test", at=worlds.SINCE, why="a world")
            self.stores.schedules.put(worlds.schedule(), worlds.schedule(self.world.confirm_days), change)
        self._executions = [Execution(self._story()) for _ in range(self.world.executions)]

    def _open_tasks(self) -> list[tuple[Execution, Task]]:
        at_work = {id(running.task) for running in self._running}
        return [
            (execution, task)
            for execution in self._executions
            for task in execution.tasks
            if not task.done and id(task) not in at_work
        ]

    def _start(self) -> None:
        ready = self._open_tasks()
        if self._people and (not ready or self.chance.random() < 0.5):
            task = self._people.pop(0)
            self._put_to_work(None, task)
            return
        execution, task = self.chance.choice(ready)
        self._put_to_work(execution, task)
        if len(self._running) < self.world.workers and self.chance.random() < 0.05:
            # The state machine has lost sight of the function, and begins the step a second time.
            self._put_to_work(execution, task)

    def _put_to_work(self, execution: Execution | None, task: Task) -> None:
        task.tries += 1
        # No two functions begin at the very same moment.
        self._pass(timedelta(milliseconds=7))
        now = self.now
        sleeps = 0
        if self.world.sleepy and task.name == "reserve" and self.chance.random() < 0.4:
            sleeps = self.chance.choice([50, 200, 400])
        self._running.append(Running(Actor(lambda: task.job(now)), task, now, execution, sleeps))

    def _lie_in_wait(self) -> None:
        """Until a worker has read everything and is about to write, or to hand over: the worst moment."""
        for _ in range(60):
            if any(each.actor.next in ("TransactWriteItems", "PayPal post", "S3 put") for each in self._running):
                return
            if not self._running:
                if not self._open_tasks():
                    return
                self._start()
            self._go_on(self.chance.choice(self._running), 1)

    def _one_of_them(self) -> Running:
        """Somebody who is at work; whoever sleeps only when nobody else is."""
        awake = []
        for running in self._running:
            running.sleeps = max(0, running.sleeps - 1)
            awake += [] if running.sleeps else [running]
        return self.chance.choice(awake or self._running)

    def _go_on(self, running: Running, calls: int) -> None:
        if self.now - running.began > LIFE:
            running.actor.cut_off = True
        running.actor.advance(calls)
        if not running.actor.over:
            return
        self._running.remove(running)
        error, task, execution = running.actor.error, running.task, running.execution
        if task.done or (execution is not None and not self._is_at(execution, task)):
            self._only_ours(error, task)
            return
        if error is None:
            task.done, task.result = True, running.actor.result
        elif isinstance(error, Crash | Unavailable) or (isinstance(error, Conflict) and error.code in MET):
            if execution is None:
                if task.tries < 50:
                    self._people.append(task)
            elif task.name == "send" and isinstance(error, Unavailable) and self.chance.random() < 0.2:
                task.done = True  # "Comes later": looking up takes care of it.
        else:
            self._only_ours(error, task)
            if execution is not None:
                assert isinstance(error, IntroducerError)
                self._failed(execution, task, error)
                return
        if execution is not None and all(each.done for each in execution.tasks):
            execution.go_on([each.result for each in execution.tasks])

    def _is_at(self, execution: Execution, task: Task) -> bool:
        return execution in self._executions and any(each is task for each in execution.tasks)

    def _only_ours(self, error: BaseException | None, task: Task) -> None:
        if error is not None and not isinstance(error, Crash | IntroducerError):
            if isinstance(error, Violation):
                raise error
            raise Violation(f"{task.name} ended with {type(error).__name__}: {error}") from error

    def _failed(self, execution: Execution, task: Task, error: IntroducerError) -> None:
        """A person starts it again with the same input, unless another execution goes on with the run."""
        self._executions.remove(execution)
        self.facts[f"{task.name} failed: {error.code}"] += 1
        self._restarts += 1
        if self.world.executions == 1 and self._restarts == 1:
            raise Violation(f"nobody else is at the run, and {task.name} fails with {error.code} ({error.detail})")
        if self._restarts > RESTARTS:
            raise Violation(f"the run cannot be finished: {task.name} fails with {error.code} ({error.detail})")
        if not self._executions or self.chance.random() < 0.5:
            self._executions.append(Execution(self._story()))

    def _wake_up(self) -> None:
        """Executions that have an answer, or whose time has come, go on; those that are over are gone."""
        for execution in self._executions:
            stage = execution.stage
            if isinstance(stage, Pause):
                if stage.token in self.answers:
                    execution.go_on(self.answers[stage.token])
                elif stage.until <= self.now:
                    execution.go_on("")
            elif not stage and not execution.over:
                execution.go_on([])
        self._executions = [each for each in self._executions if not each.over]

    def _pass(self, time: timedelta) -> None:
        self.clock.now += time

    def _wait(self) -> None:
        """Until the next execution wakes."""
        moments = [each.stage.until for each in self._executions if isinstance(each.stage, Pause)]
        if moments:
            self.clock.now = max(self.now, min(moments))

    def _where(self) -> str:
        names = [task.name for execution in self._executions for task in execution.tasks if not task.done]
        return f"{self.now:%m-%d %H:%M}, {names or [str(each.stage) for each in self._executions]}"

    # -------------------------------------------------------------------------------------------------- what disturbs

    def _disturb(self, what: str) -> None:
        partner = self.chance.choice(self.world.partners)
        self.facts[what] += 1
        getattr(self, what)(partner)

    def _change(self) -> Change:
        return Change(by="mem_compliance", at=self.now, why="decided in the middle")

    def hold(self, partner: str) -> None:
        hold = Hold(
            hold=f"hld_{next(self._numbers):04d}", brand=BRAND, partner=partner, reason="looks odd",
            placed_by="mem_compliance", placed_at=self.now,
        )  # fmt: skip
        self.stores.holds.place(hold, self._change())

    def lift(self, partner: str) -> None:
        for hold in self.stores.holds.of_partner(partner):
            if hold.stands:
                after = released(hold, "mem_other", self.now, "all is well")
                self.stores.holds.release(hold, after, replace(self._change(), by="mem_other"))

    def profile(self, partner: str) -> None:
        worlds.change_profile(self.stores.profiles, worlds.a_vault(), partner, self.now)

    def clawback(self, partner: str) -> None:
        self.earn(partner, -self.chance.choice([1, 500, 20_000, 2_000_000]))

    def earning(self, partner: str) -> None:
        self.earn(partner, self.chance.choice([1, 500, 20_000]))

    def earn(self, partner: str, amount: int) -> None:
        available = self.chance.choice(["2026-01-31", "2026-02-28", "2026-03-31"])
        currency = self.chance.choice(worlds.PAYEES[partner].holds)
        given = Amount(partner, currency, available[:7], available, amount)
        worlds.post(self.stores.ledger, self.stores.accruals, given, self.now, next(self._numbers))

    def suspend(self, partner: str) -> None:
        configuration = self.stores.configuration
        found = configuration.partner(partner)
        status = Status.ACTIVE if found.status is not Status.ACTIVE else Status.SUSPENDED
        standing = Standing(
            partner=partner, standing=f"std_{next(self._numbers):04d}", since=self.now + timedelta(minutes=12),
            status=status, reason="decided in the middle", decided_at=self.now,
        )  # fmt: skip
        configuration.set_standing(standing, found.status, self._change(), current_since=found.status_since)

    def close(self, partner: str) -> None:
        """A month of the books is closed: what is posted from now on stands in a later one."""
        balance = self.stores.ledger.balance(partner)
        month = "2026-03" if balance.frozen_through == "2026-02" else "2026-02"
        if (balance.frozen_through or "") >= month or not balance.version:
            return
        key = keys.key("balance", partner=partner)
        self.store.call(
            "UpdateItem",
            {
                "TableName": BOOKS,
                "Key": {keys.PK: {"S": key.pk}, keys.SK: {"S": key.sk}},
                "UpdateExpression": "SET #frozen = :month",
                "ExpressionAttributeNames": {"#frozen": FROZEN},
                "ExpressionAttributeValues": {":month": {"S": month}},
            },
        )

    # --------------------------------------------------------------------------------------------------------- people

    def _somebody_acts(self) -> None:
        """The approver, or whoever looks at what is open."""
        key = keys.key("run", brand=BRAND, run=RUN)
        item = self._look().get((key.pk, key.sk))
        if item is None or len(self._people) > 2:
            return
        run = run_from_item(from_wire(item))
        if run.status is RunStatus.WAITING:
            if self.world.decision != "wait":
                self._people.append(self.decide())
                if self.chance.random() < 0.1 and (found := list(self.payouts())):
                    self._people.insert(0, self.reject(self.chance.choice(found)))
            return
        candidates = [(each, outcome) for each in self.payouts() if (outcome := self._may_say(each)) is not None]
        if candidates:
            payout, outcome = self.chance.choice(candidates)
            self._people.append(Task("tell", self.record(payout, outcome)))

    def _may_say(self, payout: Payout) -> PayoutStatus | None:
        """What somebody would say of a payout today who has looked at the bank's or the provider's own list."""
        if payout.status is PayoutStatus.UNKNOWN or (payout.rail in BY_HAND and self.chance.random() < 0.5):
            return self.truth(payout)
        if payout.status in UNSETTLED and self.chance.random() < 0.1:
            return self.truth(payout)
        return None

    def truth(self, payout: Payout) -> PayoutStatus | None:
        """What became of a payout that the books say something else of, or do not know of; None: nothing to say."""
        if payout.status not in (*UNSETTLED, PayoutStatus.PAID):
            return None
        stands = self.provider.stands(payout.payout)
        if payout.batch in self.provider.under_way:
            return None
        if stands is None:
            return None if payout.status is PayoutStatus.PAID else PayoutStatus.FAILED
        if stands is PayoutStatus.RETURNED and payout.status is not PayoutStatus.PAID:
            return PayoutStatus.FAILED
        return None if stands in (PayoutStatus.SENT, payout.status) else stands

    def record(self, payout: Payout, outcome: PayoutStatus) -> Callable[[datetime], Payout]:
        def record(now: datetime) -> Payout:
            stores = self.stores
            after = confirm_run.record_outcome(
                stores.payouts, member=CHECKER, run=RUN, payout=payout.payout, outcome=outcome, why="looked it up",
                now=now, version=payout.version,
            )  # fmt: skip
            issue_invoices.issue_late_invoices(
                stores.configuration, stores.payouts, stores.invoices, payouts=[payout.payout], now=now
            )
            return after

        return record

    def decide(self) -> Task:
        def decide(now: datetime) -> Any:
            run = self.stores.payouts.run(BRAND, RUN)
            return decide_run.decide_run(
                self.stores.payouts, self.stores.profiles, self._wake, member=CHECKER, run=RUN, version=run.version,
                approve=self.world.decision == "approve", why="looked at it", now=now,
            )  # fmt: skip

        return Task("decide", decide)

    def reject(self, payout: Payout) -> Task:
        return Task(
            "reject",
            lambda now: decide_run.reject_payout(
                self.stores.payouts, member=CHECKER, run=RUN, payout=payout.payout, why="not this one", now=now
            ),
        )

    def payouts(self) -> Iterator[Payout]:
        """All payouts of the run, as they stand; reads that nobody disturbs."""
        pk = keys.partition("payout", brand=BRAND, run=RUN)
        prefix = keys.prefix("payout")
        for place, item in sorted(self._look().items()):
            if place[0] == pk and place[1].startswith(prefix):
                yield payout_from_item(from_wire(item))

    def _look(self) -> dict[Place, Item]:
        """What was written since the schedule began, as it stands."""
        stream = self.store.stream(BOOKS)
        for record in stream[self._seen :]:
            if record.new is not None and record.place[0].startswith("Y"):
                self._written[record.place] = record.new
        self._seen = len(stream)
        return self._written
