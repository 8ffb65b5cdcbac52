"""Runs schedules by their seeds, in memory or on the local cloud."""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from introducer.services import apply_events, open_run, settle_partner
from introducer.store import keys, settlements
from introducer.store.wire import BATCH
from introducer_ops.localcloud import LocalCloud
from tests.faults import payout_checks, payout_sites, payout_worlds, payouts, sites
from tests.faults.cases import CaseRunner
from tests.faults.checks import check
from tests.faults.contests import ContestRunner
from tests.faults.outcomes import Outcome
from tests.faults.schedules import Clock, Schedule, Stores, Violation
from tests.faults.small import small as smaller
from tests.faults.stores import InMemory, OnTheCloud, cloud_client
from tests.faults.wire import AFTER, BEFORE, Target, Trouble, Wire
from tests.faults.worlds import LAST_RATES, a_world, rate_places
from tests.support.memory import served_by


class Runner:
    """Runs schedules one after the other, on one kind of store."""

    def __init__(self, open_store: Callable[[Clock, list[keys.Key]], InMemory | OnTheCloud]) -> None:
        self._open = open_store
        self.wire = Wire()
        with served_by(self.wire):
            self._stores = Stores()

    def run(self, seed: int) -> Outcome:
        """The schedule of a seed, and whether the books are right at its end."""
        chance = random.Random(seed)
        world = a_world(chance)
        room, at_once = chance.choice([(100, 60), (100, 60), (12, 4), (8, 2)])
        target = None
        if chance.random() < 0.85:
            aim = sites.worth_aiming_at(
                late_rates=world.rates_through < LAST_RATES and chance.random() < 0.8,
                refused_event=world.refused is not None,
                little_room=room < BATCH,
            )
            target = Target(chance.choice(aim), chance.choice([BEFORE, AFTER]), chance.choice([1, 1, 1, 1, 2, 3]))
        trouble = Trouble(random.Random(seed + 1), chance.choice([0, 0, 1, 3, 10]), target)
        clock = Clock(min(step.at for step in world.steps))
        if world.refused is not None:
            event = world.refused
            trouble.refused = keys.key(
                "event", brand=event.brand, client=event.client, source=event.source, event=event.event_id
            )
        store = self._open(clock, rate_places(world.rates_through))
        schedule = Schedule(seed, world, clock, chance, trouble, store, self._stores)
        self.wire.store, self.wire.trouble = store, trouble
        facts: Counter[str] = Counter()
        violation = ""
        try:
            with served_by(self.wire), _small_transactions(room, at_once):
                schedule.run()
                facts = check(schedule)
        except Violation as error:
            violation = str(error)
        finally:
            with served_by(self.wire):
                schedule.stop()
            store.close()
        return Outcome(seed, violation, trouble, facts)


@contextmanager
def _small_transactions(room: int, at_once: int) -> Iterator[None]:
    """So much fits into a transaction of the engine: with little room, clients are written in several parts. Months are
    then posted journal by journal, and settled ones do not fit into one item."""
    small = {(apply_events, "BATCH"): room, (apply_events, "EVENTS_AT_ONCE"): at_once}
    if room < BATCH:
        small |= {(settle_partner, "JOURNALS_AT_ONCE"): 1, (settlements, "ROOM"): 0, (settlements, "PART"): 150}
    with smaller(small):
        yield


class PayoutRunner:
    """The same for schedules of a payout run."""

    def __init__(self, open_store: Callable[[Clock], InMemory | OnTheCloud]) -> None:
        self._open = open_store
        self.wire = Wire()
        with served_by(self.wire):
            self._stores = payouts.Stores()

    def run(self, seed: int) -> Outcome:
        """The schedule of a seed, and whether the books are right at its end."""
        chance = random.Random(seed)
        target = None
        aimed = chance.random() < 0.7
        site = payout_sites.aimed_at(chance) if aimed else ""
        if aimed:
            target = Target(site, chance.choice([BEFORE, AFTER]), chance.choice([1, 1, 1, 1, 2, 3]))
        world = payout_worlds.a_world(chance, payout_sites.NEEDS.get(site, ""))
        trouble = Trouble(random.Random(seed + 1), chance.choice([0, 0, 1, 3, 8]), target)
        clock = Clock(payout_worlds.STARTS)
        store = self._open(clock)
        self.wire.store, self.wire.trouble = store, trouble
        schedule = payouts.RunSchedule(
            seed, world, clock, chance, trouble, store, self._stores, self.wire, most_per_batch=chance.choice([1, 2, 3])
        )
        facts: Counter[str] = Counter()
        violation = ""
        try:
            with served_by(self.wire), smaller({(open_run, "SMALLEST_GROUP"): 2}):
                schedule.run()
                facts = payout_checks.check(schedule)
        except Violation as error:
            violation = str(error)
        finally:
            with served_by(self.wire):
                schedule.stop()
            store.close()
        return Outcome(seed, violation, trouble, facts)


ENGINE, PAYOUTS, CASES, CONTESTS = "engine", "payouts", "cases", "contests"
"""What schedules are of: the engine and settling, a payout run, a case at every point of one, or a contest's close."""
AnyRunner = Runner | PayoutRunner | CaseRunner | ContestRunner


def in_memory(of: str = ENGINE) -> AnyRunner:
    """A runner whose tables are in this process."""
    if of == PAYOUTS:
        return PayoutRunner(lambda clock: InMemory(clock, begin=payout_worlds.configured))
    if of == CASES:
        return CaseRunner()
    if of == CONTESTS:
        return ContestRunner()
    return Runner(InMemory)


def on_the_cloud(client: Any, of: str = ENGINE) -> AnyRunner:
    """A runner whose tables are on the local cloud."""
    if of == PAYOUTS:
        return PayoutRunner(lambda clock: OnTheCloud(client, begin=payout_worlds.configured))
    return Runner(lambda clock, without: OnTheCloud(client, without))


@dataclass
class Share:
    """What some of the schedules came to."""

    schedules: int = 0
    violations: list[tuple[int, str]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    crashed: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, other: Share) -> None:
        self.schedules += other.schedules
        self.violations += other.violations
        self.seen += other.seen
        self.crashed += other.crashed
        self.faults += other.faults
        self.facts += other.facts
        self.seconds += other.seconds


def run_share(where: str, seeds: range, of: str = ENGINE) -> Share:
    """Run these schedules in this process."""
    share, start = Share(), time.perf_counter()
    with runner(where, of) as run:
        for seed in seeds:
            outcome = run.run(seed)
            share.schedules += 1
            share.seen += outcome.trouble.seen
            share.crashed += outcome.trouble.crashed
            share.faults += outcome.trouble.faults
            share.facts += outcome.facts
            if outcome.violation:
                share.violations.append((seed, outcome.violation))
    share.seconds = time.perf_counter() - start
    return share


@contextmanager
def runner(where: str, of: str = ENGINE) -> Iterator[AnyRunner]:
    """In memory, or on a local cloud of this process's own."""
    if where == "memory":
        yield in_memory(of)
        return
    with tempfile.TemporaryDirectory() as folder, LocalCloud.start(Path(folder), log=lambda line: None) as cloud:
        yield on_the_cloud(cloud_client(cloud.endpoint), of)
