"""One schedule: a world whose events reach the engine in random batches, through crashes, repeats and rivals.

Two workers take batches from the streams; they give way to each other, to the platform and to people's decisions
between any two of their calls. What a worker did not finish comes again, to a container that knows nothing. When
nothing is left to deliver, everything is delivered once more without trouble, and the books are checked (`checks`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from introducer.domain.configuration import Change, Standing, Status
from introducer.domain.errors import Conflict, RateMissing, Unavailable
from introducer.domain.events import Event, day_of, milliseconds
from introducer.services.apply_events import Engine
from introducer.services.read_contracts import ContractReader
from introducer.services.settle_partner import Settler
from introducer.services.wait_for_rates import note_wait, replay_what_waited
from introducer.store import keys
from introducer.store.accruals import Accruals
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts, event_from_image
from introducer.store.ledger import FROZEN, Ledger
from introducer.store.rates import RateStore, RateWaits
from introducer.store.settlements import Settlements, month_of_row
from tests.faults.stores import BOOKS, FACTS, InMemory, OnTheCloud
from tests.faults.wire import Actor, Crash, Trouble
from tests.faults.worlds import World, begins, days_missing, rate_item
from tests.support.builders import CLICK_KEY, Recorded
from tests.support.memory import Record

PATIENCE = 600
"""So often a batch may come again; the schedule's trouble ends long before."""


class Violation(AssertionError):
    """The books say what they must not say."""


class Stores:
    """The product's stores, made once: they hold connections and no state, and speak to whatever the wire leads to."""

    def __init__(self) -> None:
        self.facts = Facts(FACTS)
        self.clients = Clients(BOOKS)
        self.ledger = Ledger(BOOKS)
        self.accruals = Accruals(FACTS, BOOKS)
        self.configuration = Configuration(BOOKS)
        self.rates = RateStore(BOOKS)
        self.waits = RateWaits(BOOKS)
        self.settlements = Settlements(BOOKS)


Handler = Callable[[Sequence[Record]], Sequence[Record]]
"""A container of a function: takes a batch of a stream's records and says which must come again."""


class Consumer(Protocol):
    """A function that reads a table's stream. Another one is plugged in by adding it to `CONSUMERS`."""

    table: str

    def wants(self, record: Record) -> bool:
        """Whether the stream's filter lets this record through."""
        ...

    def container(self, schedule: Schedule) -> Handler:
        """A new container, that knows nothing yet."""
        ...


class EngineOnFacts:
    """The engine, wired as its function wires it."""

    table = FACTS

    def wants(self, record: Record) -> bool:
        return record.new is not None and event_from_image(record.new) is not None

    def container(self, schedule: Schedule) -> Handler:
        engine = schedule.engine()

        def handle(records: Sequence[Record]) -> Sequence[Record]:
            events = [event_from_image(record.new) for record in records if record.new is not None]
            outcome = engine.apply(each for each in events if each is not None and each.applied_at is None)
            failed = {(event.client, event.key) for event in outcome.failed}
            for number, event in enumerate(events):
                # From the first one that failed on, as the stream does it.
                if event is not None and event.applied_at is None and (event.client, event.key) in failed:
                    return records[number:]
            return ()

        return handle


class SettleOnBooks:
    """Settling, wired as its function wires it. Its queue of retries is the stream here: what failed comes again."""

    table = BOOKS

    def wants(self, record: Record) -> bool:
        return record.new is not None and month_of_row(record.new) is not None

    def container(self, schedule: Schedule) -> Handler:
        settler = schedule.settler()

        def handle(records: Sequence[Record]) -> Sequence[Record]:
            months: dict[str, set[str]] = {}
            for record in records:
                partner, month = month_of_row(record.new or {}) or ("", "")
                months.setdefault(partner, set()).add(month)
            failed = set()
            for partner, wanted in sorted(months.items()):
                try:
                    settler.settle(partner, wanted)
                except (Conflict, Unavailable, RateMissing):
                    failed.add(partner)
            return [each for each in records if (month_of_row(each.new or {}) or ("",))[0] in failed]

        return handle


CONSUMERS: tuple[Consumer, ...] = (EngineOnFacts(), SettleOnBooks())
"""The functions that read streams. Another one is plugged in here."""


@dataclass
class Queue:
    """What a consumer has not done yet, and what it has."""

    consumer: Consumer
    waiting: list[Record] = field(default_factory=list)
    done: list[Record] = field(default_factory=list)
    read: int = 0
    idle: list[Handler] = field(default_factory=list)
    """Containers that wait for work."""

    def look(self, stream: Sequence[Record]) -> None:
        """Take what is new in the stream."""
        self.waiting += [record for record in stream[self.read :] if self.consumer.wants(record)]
        self.read = len(stream)


@dataclass
class Running:
    """A batch in a container."""

    actor: Actor
    queue: Queue | None
    batch: Sequence[Record] = ()
    handler: Handler | None = None
    again: Step | None = None
    """What to do again when it did not end well, where that is not a batch."""


@dataclass
class Step:
    """Something that is tried until it is done, with the trouble that calls have."""

    job: Callable[[], Any]


@dataclass
class Clock:
    """The world's time. As a function, in seconds."""

    now: datetime

    def __call__(self) -> float:
        return self.now.timestamp()


@dataclass
class Schedule:
    """The run of one seed. `run` raises `Violation`."""

    seed: int
    world: World
    clock: Clock
    chance: random.Random
    trouble: Trouble
    store: InMemory | OnTheCloud
    stores: Stores
    consumers: Sequence[Consumer] = field(default_factory=lambda: CONSUMERS)
    quarantined: dict[tuple[str, tuple[str, str]], list[Exception]] = field(default_factory=dict)
    """What went to quarantine, by client and event."""
    closed: list[tuple[str, str, frozenset[Any]]] = field(default_factory=list)
    """Partner, month, and the journals that stood in it and in the months before when it was closed."""

    def __post_init__(self) -> None:
        self._queues = [Queue(consumer) for consumer in self.consumers]
        self._running: list[Running] = []
        self._todo: list[Step] = []
        self._decided: Counter[str] = Counter()

    @property
    def now(self) -> datetime:
        return self.clock.now

    # ---------------------------------------------------------------------------------------------------- the engine

    def engine(self) -> Engine:
        """A new container's engine."""
        return Engine(
            facts=self.stores.facts,
            clients=self.stores.clients,
            ledger=self.stores.ledger,
            accruals=self.stores.accruals,
            contracts=self.contracts(),
            now_ms=lambda: milliseconds(self.now),
            pause=lambda attempt: None,
            report=self._report,
        )

    def settler(self) -> Settler:
        """A new container's settler."""
        return Settler(
            settlements=self.stores.settlements,
            ledger=self.stores.ledger,
            contracts=self.contracts(),
            now_ms=lambda: milliseconds(self.now),
            pause=lambda attempt: None,
        )

    def contracts(self) -> ContractReader:
        """A reader that has read nothing yet."""
        return ContractReader(
            self.stores.configuration,
            self.stores.rates,
            lambda: {0: CLICK_KEY},
            lambda: milliseconds(self.now) / 1000,
            lambda: day_of(self.now),
            clicks=Recorded().get,
        )

    def _report(self, event: Event, error: Exception) -> None:
        note_wait(self.stores.waits, event, error, self.now)
        self.quarantined.setdefault((event.client, event.key), []).append(error)

    # -------------------------------------------------------------------------------------------------------- running

    def run(self) -> None:
        """Everything that happens, until nothing is left to do."""
        steps = list(self.world.steps)
        workers = self.chance.choice([1, 2, 2, 2])
        patience = PATIENCE
        while steps or self._running or self._todo or self._waiting():
            for queue in self._queues:
                queue.look(self.store.stream(queue.consumer.table))
            choices = []
            # Days do not pass while a function runs.
            if steps and (not self._running or steps[0].at - self.now < timedelta(minutes=5)):
                choices += ["step"] * 2
            if len(self._running) < workers and (self._waiting() or self._todo):
                choices += ["start"] * 2
            if self._running:
                choices += ["go on"] * 5
            # Nothing but records that nobody wants may be left in a stream.
            match self.chance.choice(choices or ["nothing"]):
                case "step":
                    step = steps.pop(0)
                    self.clock.now = max(self.now, step.at)
                    if step.what != "accept" and self.chance.random() < 0.7:
                        self._lie_in_wait()
                    getattr(self, "_" + step.what.replace(" ", "_"))(*step.values)
                case "start":
                    patience -= 1
                    self.trouble.over |= patience < PATIENCE // 2
                    if not patience:
                        raise Violation("the same work comes again and again")
                    self._start()
                case "go on":
                    self._go_on(self.chance.choice(self._running), self.chance.choice([1, 1, 2, 4, 15, 60]))
        self.clock.now += timedelta(hours=1)

    def deliver_all_again(self) -> None:
        """Everything once more, to a new container, without trouble."""
        self.trouble.over = True
        self.clock.now += timedelta(days=1)
        records = [
            (queue, record)
            for queue in self._queues
            for record in self.store.stream(queue.consumer.table)
            if queue.consumer.wants(record)
        ]
        self.chance.shuffle(records)
        handlers = [queue.consumer.container(self) for queue in self._queues]
        for queue in self._queues:
            queue.read = len(self.store.stream(queue.consumer.table))
        while records or self._waiting():
            for queue, handler in zip(self._queues, handlers, strict=True):
                size = self.chance.randint(1, 12)
                batch = [record for owner, record in records if owner is queue][:size]
                records = [each for each in records if each[0] is not queue or each[1] not in batch]
                # What this writes shows in the streams again.
                queue.look(self.store.stream(queue.consumer.table))
                batch, queue.waiting = [*batch, *queue.waiting], []
                if batch and (left := handler(batch)):
                    raise Violation(f"without any trouble, {len(left)} records were not done")

    def stop(self) -> None:
        """Let what still runs end, whatever comes of it."""
        self.trouble.over = True
        for running in self._running:
            while not running.actor.over:
                running.actor.advance(1_000)

    def _waiting(self) -> bool:
        return any(queue.waiting or queue.read < len(self.store.stream(queue.consumer.table)) for queue in self._queues)

    def _start(self) -> None:
        for queue in self._queues:
            queue.look(self.store.stream(queue.consumer.table))
        ready = [queue for queue in self._queues if queue.waiting]
        if self._todo and (not ready or self.chance.random() < 0.5):
            step = self._todo.pop(0)
            self._running.append(Running(Actor(step.job), None, again=step))
        elif ready:
            queue = self.chance.choice(ready)
            near = queue.waiting[: self.chance.choice([1, 3, 8, 12])]
            batch = self.chance.sample(near, self.chance.randint(1, len(near)))
            queue.waiting = [record for record in queue.waiting if record not in batch]
            # What was done before comes again now and then, also what is in work elsewhere.
            others = [*queue.done, *(record for each in self._running if each.queue is queue for record in each.batch)]
            repeats = self.chance.sample(others, min(len(others), self.chance.choice([0, 0, 1, 3])))
            handler = queue.idle.pop() if queue.idle and self.chance.random() < 0.8 else queue.consumer.container(self)
            whole = [*batch, *(record for record in repeats if record not in batch)]
            self.chance.shuffle(whole)
            self._running.append(Running(Actor(lambda: handler(whole)), queue, whole, handler))

    def _lie_in_wait(self) -> None:
        """Until a worker has read everything and is about to write: the worst moment for a decision."""
        if not self._running and (self._waiting() or self._todo):
            self._start()
        for _ in range(100):
            if not self._running or any(each.actor.next == "TransactWriteItems" for each in self._running):
                return
            self._go_on(self.chance.choice(self._running), 1)

    def _go_on(self, running: Running, calls: int) -> None:
        running.actor.advance(calls)
        if not running.actor.over:
            return
        self._running.remove(running)
        error, queue = running.actor.error, running.queue
        # A function may end with `Unavailable`: the stream then delivers all of the batch again.
        if error is not None and not isinstance(error, Crash | Unavailable):
            if isinstance(error, Violation):
                raise error
            raise Violation(f"the function ended with {type(error).__name__}: {error}") from error
        if queue is None:
            if error is not None and running.again is not None:
                self._todo.append(running.again)
            return
        left = list(running.batch) if error is not None else list(running.actor.result)
        queue.waiting = [*(record for record in left if record not in queue.waiting), *queue.waiting]
        queue.done += [record for record in running.batch if record not in left]
        if error is None and running.handler is not None:
            queue.idle.append(running.handler)

    # ----------------------------------------------------------------------------------------------------------- steps

    def _accept(self, event: Event) -> None:
        """The platform posts an event, again until it has an answer."""
        accepted = replace(event, accepted_at=self.now)

        def post() -> None:
            stored = self.stores.facts.put_event(accepted)
            if stored is not None and replace(stored, applied_at=None, accepted_at=None) != replace(
                accepted, accepted_at=None
            ):
                raise Violation(f"event {event.event_id} was stored as another one")

        self._todo.append(Step(post))

    def _accept_deal(self, partner: str) -> None:
        record = self.stores.configuration.deals(partner)[1]
        self.stores.configuration.accept_deal(
            partner, record.version, record.terms_hash, self.now, begins(partner, self.now), self._change()
        )

    def _standing(self, partner: str, status: Status, ahead: timedelta) -> None:
        self._decided[partner] += 1
        standing = Standing(
            partner=partner,
            standing=f"std_{self._decided[partner]}",
            since=self.now + ahead,
            status=status,
            reason="decided in the middle",
            decided_at=self.now,
        )
        current = self.stores.configuration.partner(partner).status
        self.stores.configuration.set_standing(standing, current, self._change())

    def _close(self, partner: str, month: str) -> None:
        """The month is closed: from now on nothing posts into it."""
        key = keys.key("balance", partner=partner)
        if (self.stores.ledger.balance(partner).frozen_through or "") >= month:
            return
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
        self.closed.append((partner, month, frozenset(self.journals_through(partner, month))))

    def _rates(self) -> None:
        """The bank's feed goes on, and what waited is sent to the engine again: now, and when notes have had time."""
        missing = [rate_item(day) for day in days_missing(self.world.rates_through)]
        for start in range(0, len(missing), 25):
            puts = [{"PutRequest": {"Item": item}} for item in missing[start : start + 25]]
            self.store.call("BatchWriteItem", {"RequestItems": {BOOKS: puts}})
        for later in (timedelta(0), timedelta(minutes=20)):
            self._todo.append(
                Step(
                    lambda later=later: replay_what_waited(
                        self.stores.facts, self.stores.waits, self.stores.rates, at=self.now + later
                    )
                )
            )

    def _change(self) -> Change:
        return Change(by="system:test", at=self.now, why="decided in the middle")

    def journals_through(self, partner: str, month: str) -> list[tuple[str, str]]:
        """Where the journals of a partner stand that are in a month of the books, or in one before."""
        found = []
        for place in {record.place for record in self.store.stream(BOOKS)}:
            parts = keys.parts(place[0])
            if parts[0] == "P" and parts[1:3] == [partner, "J"] and parts[3] <= month.replace("-", ""):
                found.append(place)
        return found
