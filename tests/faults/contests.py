"""A contest that closes while everything goes wrong: executions that crash, repeat themselves and race each other;
events that come late; holds, cases and standings that come and go; people who object, set aside, cancel.

Several executions take one contest from its end to its prizes, step by step, as the state machine does. Each gives way
before each of its calls, and the schedule says who goes on; a crash ends an execution, and another one is started. Time
passes when all of them wait for it. Beside them people act, and facts arrive.

What must hold (`check`): what was counted is what a plain reading of the facts says that were accepted in time,
whatever came later; each prize is paid by one journal, once; the prizes of a division are what its places win, to the
minor unit, and a pool is paid in full; nobody wins who is set aside, and nobody is set aside whom nothing stands
against; after a cancellation nothing is paid; mails and records are there once; balances are the sums of journals; and
`introducer verify` finds nothing.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from introducer.domain import contest_closing
from introducer.domain.case import CasePolicy, CaseStatus
from introducer.domain.case_rules import opened
from introducer.domain.configuration import Status
from introducer.domain.contest import ContestStatus
from introducer.domain.contest_closing import RULE, Cause
from introducer.domain.contest_prizes import Award, AwardStatus
from introducer.domain.contest_waits import objections_end
from introducer.domain.errors import Conflict, NotFound, Unavailable
from introducer.domain.events import LOT, Event
from introducer.domain.mail import MailTemplate
from introducer.domain.money import FINE
from introducer.services import finish_result, pay_prizes, publish_result
from introducer.services.cancel_contest import cancel_contest
from introducer.services.decide_objection import decide_objection
from introducer.services.object_to_result import object_to_result, objections_open, wait_for_objections
from introducer.services.recount_contest import recount_batch, recount_batches
from introducer.services.set_aside import set_aside, take_back_aside
from introducer.services.verify.report import Kind
from introducer.services.verify_books import verify_books
from introducer.store import contest_results, keys
from introducer.store.cases import Step
from introducer.store.contest_results import aside_from_item, award_from_item
from introducer.store.contests import contest_from_item
from introducer.store.ledger import journal_from_item
from introducer.store.scans import Stored
from introducer.store.wire import from_wire
from tests.conftest import Tables, create_table
from tests.faults.contest_worlds import (
    BOOKS,
    FACTS,
    PARTNERS,
    WORLDS,
    Play,
    a_world,
    facts_of,
    naive_prizes,
    naive_scores,
)
from tests.faults.outcomes import Outcome
from tests.faults.payout_checks import kind_of
from tests.faults.schedules import Violation
from tests.faults.small import small
from tests.faults.wire import AFTER, BEFORE, Actor, Crash, Target, Trouble, Wire
from tests.support.builders import BRAND, CLICK_KEY
from tests.support.contest_builders import an_owner
from tests.support.contests import COMPLIANCE, CONTEST, MANAGER, Archive, ContestWorld
from tests.support.memory import Memory, Record, served_by

AGAIN = frozenset(
    {"contest_changed", "engine_behind", "recount_incomplete", "counts_later", "objections_open", "books_changed"}
)
"""Codes of a `Conflict` after which an execution looks again."""
TICKS = 4_000
"""More turns than any schedule takes."""
SITES = (
    "TransactWriteItems Contests.move < freeze_contest",
    "PutItem ContestResults.plan < recount_batches",
    "PutItem ContestResults.keep_recount < recount_batch",
    "TransactWriteItems ContestResults.keep_results < ranked_now",
    "TransactWriteItems Contests.move < publish_result",
    "TransactWriteItems Mails.put_all < tell_result",
    "TransactWriteItems Contests.move < finish_result",
    "TransactWriteItems ContestResults.keep_awards < finish_result",
    "TransactWriteItems ContestResults.move_award < _paid",
    "TransactWriteItems Mails.put_all < announce_contest",
    "TransactWriteItems Contests.move < archive_contest",
)
"""Where a schedule is made to crash; whatever else it crashes at, by chance."""
SELDOM = (
    "TransactWriteItems Contests.move < set_aside_by_clock",
    "TransactWriteItems Contests.move < cancel_contest",
    "TransactWriteItems Contests.move < decide_objection",
    "TransactWriteItems Contests.move < object_to_result",
    "TransactWriteItems Contests.move < _answer",
    "TransactWriteItems Contests.move < _changed",
    "TransactWriteItems ContestResults.keep_results < _ranked_anew",
    "TransactWriteItems ContestResults.keep_awards < pay_prizes",
    "PutItem Mails.put_all < announce_contest",
    "PutItem Mails.put_all < tell_result",
)
"""Call sites that not every schedule comes to: aimed at in a share of their own, at their first call."""


class Waits(Exception):
    """An execution waits for this moment."""

    def __init__(self, until: datetime) -> None:
        super().__init__(str(until))
        self.until = until


class Tabled:
    """The tables of one schedule: a copy of its world's, and all that is written to it, in order."""

    def __init__(self, begin: Memory) -> None:
        self.memory = begin.copy(lambda: 0.0)
        self.client = self.memory.client

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return self.memory.call(operation, arguments)

    def stream(self, table: str) -> list[Record]:
        return self.memory.tables[table].stream

    def items(self, table: str) -> dict[Any, Any]:
        return dict(self.memory.tables[table].items)


@dataclass
class Expected:
    """What must come of it, as far as what happened says so for certain."""

    aside: set[str] = field(default_factory=set)
    """Against whom something stands that no execution can have overlooked."""
    unsure: set[str] = field(default_factory=set)
    """Against whom something came or went while an execution looked."""


@dataclass
class ContestSchedule:
    """The schedule of a seed. `run` raises `Violation`."""

    seed: int
    chance: random.Random
    play: Play
    trouble: Trouble
    store: Tabled
    world: ContestWorld
    expected: Expected = field(default_factory=Expected)
    facts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        chance = self.chance
        world = self.world
        world.tables = Tables(FACTS, BOOKS, self.store.client)
        world.links = dict(self.play.links)
        world.archive = Archive()
        world.now = self.play.contest.counts_until - timedelta(minutes=chance.choice([0, 5]))
        world.renew()
        self.pending, self.late = list(self.play.pending), list(self.play.late)
        chance.shuffle(self.pending)
        chance.shuffle(self.late)
        self.executions: list[Actor | None] = [None] * chance.choice([1, 2, 2, 3])
        self.waits: list[datetime | None] = [None] * len(self.executions)
        self.people: list[Actor] = []
        self.standing: dict[str, Callable[[], None]] = {}
        """What stands against partners now, and how it goes away."""
        self.acts = self._acts()
        self.told: list[str] = []
        self.asides_by_people: set[str] = set()
        if self.play.blocked:
            self.expected.aside.add(self.play.blocked)

    # ------------------------------------------------------------------------------------------------- what happens

    def run(self) -> None:
        """Until the contest is over and everybody is done."""
        for _ in range(TICKS):
            if self._is_over():
                return
            self._tick()
        raise Violation(f"it does not end: the contest is {self.world.found.status}")

    def stop(self) -> None:
        """Nobody goes on."""
        for actor in [*self.people, *(each for each in self.executions if each is not None)]:
            actor.cut_off = True
            while not actor.over:
                actor.advance(1_000)

    def _is_over(self) -> bool:
        return (
            self.world.found.status.is_over
            and all(each is None for each in self.executions)
            and not self.people
            and all(each is not None for each in self.waits)
        )

    def _tick(self) -> None:
        chance = self.chance
        # No two calls are of one moment: what is written twice is then seen.
        self.world.now += timedelta(milliseconds=chance.randint(1, 40))
        running = [number for number, each in enumerate(self.executions) if each is not None]
        idle = [
            number
            for number, each in enumerate(self.executions)
            if each is None and (self.waits[number] is None or self.world.now >= self.waits[number])  # type: ignore[operator]
        ]
        roll = chance.random()
        if roll < 0.06 and (self.late or self.pending):
            self._facts_come()
        elif roll < 0.14 and self.acts:
            self._somebody_acts()
        elif self.people and roll < 0.35:
            self._people_go_on()
        elif running and (roll < 0.65 or not idle):
            self._goes_on(chance.choice(running))
        elif idle:
            self._starts(chance.choice(idle))
        elif self.people:
            self._people_go_on()
        else:
            self._all_wait()

    def _starts(self, number: int) -> None:
        self.waits[number] = None
        self.executions[number] = Actor(self._execution)

    def _goes_on(self, number: int) -> None:
        actor = self.executions[number]
        assert actor is not None
        actor.advance(self.chance.choice([1, 1, 2, 4, 8, 40]))
        if not actor.over:
            return
        self.executions[number] = None
        error = actor.error
        if isinstance(error, Waits):
            self.waits[number] = error.until
        elif isinstance(error, Crash):
            self.facts["started again"] += 1
        elif isinstance(error, Unavailable) or (isinstance(error, Conflict) and error.code in AGAIN):
            self.waits[number] = self.world.now + timedelta(seconds=5)
            self.facts["tried again"] += 1
        elif error is not None:
            raise Violation(f"an execution ended with {type(error).__name__}: {error}") from error
        elif self.world.found.status.is_over:
            # It has come to its end.
            self.waits[number] = datetime.max.replace(tzinfo=self.world.now.tzinfo)

    def _people_go_on(self) -> None:
        actor = self.chance.choice(self.people)
        actor.advance(self.chance.choice([1, 2, 4, 20]))
        if actor.over:
            self.people.remove(actor)
            if actor.error is not None and not isinstance(actor.error, Crash | Unavailable | Conflict | NotFound):
                raise Violation(f"somebody was answered {type(actor.error).__name__}: {actor.error}") from actor.error

    def _all_wait(self) -> None:
        """Everything that must have happened by now has; then time passes."""
        if self.world.found.status is ContestStatus.COUNTING and self.pending:
            self._facts_come()
            return
        if self.world.found.status is ContestStatus.PROVISIONAL:
            if self.acts and self.chance.random() < 0.75:
                self._somebody_acts()
                return
            self._looked_at()
        due = [each for each in self.waits if each is not None and each.year < 9999]
        if not due:
            if not self.world.found.status.is_over:
                raise Violation("everybody waits, and the contest is not over")
            return
        self.world.now = max(self.world.now, min(due))

    # ---------------------------------------------------------------------------------------------- the execution

    def _execution(self) -> None:
        """One execution of `contest_close`, from wherever the contest is."""
        world = self.world
        while True:
            found = world.books.contests.contest(CONTEST)
            match found.status:
                case ContestStatus.RUNNING:
                    if world.now < found.counts_until:
                        raise Waits(found.counts_until)
                    world.freezes()
                case ContestStatus.COUNTING:
                    if not world.is_done():
                        raise Waits(world.now + timedelta(seconds=30))
                    batches = recount_batches(world.books, contest=CONTEST)
                    for batch in self.chance.sample(batches, len(batches)):
                        recount_batch(world.books, contest=CONTEST, batch=batch)
                    world.publishes()
                case ContestStatus.PROVISIONAL:
                    waiting = objections_open(world.books, contest=CONTEST)
                    until = objections_end(found, waiting)
                    assert until is not None
                    if world.now < until:
                        wait_for_objections(world.books, contest=CONTEST, token=f"token {world.now}", now=world.now)
                        raise Waits(until)
                    finish_result.finish_result(world.books, contest=CONTEST, now=world.now)
                case ContestStatus.PAYING:
                    while (step := world.pays_prizes()).left:
                        if not step.paid:
                            raise Unavailable("Nothing could be paid now.")
                    world.announces()
                    world.archives()
                case _:
                    return

    # -------------------------------------------------------------------------------------------------- the facts

    def _facts_come(self) -> None:
        """Whatever engine and platforms do is done at once, and goes well: that has schedules of its own."""
        world = self.world
        frozen = world.found.frozen_at
        if self.pending and (not self.late or self.chance.random() < 0.5):
            client = self.pending[-1].client
            own = [each for each in self.pending if each.client == client]
            self.pending = [each for each in self.pending if each.client != client]
            world.applies(*own)
            self.facts["applied after the freeze"] += len(own) if frozen else 0
        elif self.late and frozen is not None:
            client = self.late[-1].client
            if any(each.client == client for each in self.pending):
                # In the order in which they were accepted, as the stream has them.
                self.late.insert(0, self.late.pop())
                return
            own = [each for each in self.late if each.client == client][: self.chance.choice([1, 5])]
            self.late = [each for each in self.late if each not in own]
            accepted = [replace(each, accepted_at=max(world.now, frozen)) for each in own]
            self._come(*accepted)
            self.facts["late"] += len(own)
            self.facts["chargebacks after the close"] += sum(each.type == "chargeback" for each in own)

    def _come(self, *events: Event) -> None:
        world = self.world
        world.accepts_events(*events)
        world.applies(*events)

    # -------------------------------------------------------------------------------------------------- the people

    def _acts(self) -> list[Callable[[], None]]:
        """What people do in this schedule, each once, at any time."""
        chance, joined = self.chance, sorted(self.play.joined)
        acts: list[Callable[[], None]] = []
        for partner in joined:
            if chance.random() < 0.2:
                acts.append(lambda partner=partner: self._against(partner))  # type: ignore[misc]
            if chance.random() < 0.15:
                acts.append(lambda partner=partner: self._act("objects", lambda: self._objects(partner)))  # type: ignore[misc]
                if chance.random() < 0.7:
                    acts.append(lambda partner=partner: self._act("decides", lambda: self._decides(partner)))  # type: ignore[misc]
            if chance.random() < 0.12:
                acts.append(lambda partner=partner: self._act("sets aside", lambda: self._sets_aside(partner)))  # type: ignore[misc]
                if chance.random() < 0.4:
                    acts.append(lambda partner=partner: self._act("takes back", lambda: self._takes_back(partner)))  # type: ignore[misc]
        if chance.random() < 0.12:
            acts.append(lambda: self._act("cancels", self._cancels))
        acts += [self._goes_away] * chance.choice([0, 1, 2])
        chance.shuffle(acts)
        return acts

    def _somebody_acts(self) -> None:
        status = self.world.found.status
        # Most of it is about a result.
        if status in (ContestStatus.RUNNING, ContestStatus.COUNTING) and self.chance.random() < 0.9:
            return
        self.acts.pop()()

    def _act(self, what: str, act: Callable[[], object]) -> None:
        def tells() -> None:
            act()
            self.told.append(what)

        self.people.append(Actor(tells))

    def _objects(self, partner: str) -> None:
        object_to_result(
            self.world.books, member=an_owner(partner), contest=CONTEST, text="I had more", now=self.world.now
        )

    def _decides(self, partner: str) -> None:
        for each in self.world.books.results.objections(CONTEST, partner):
            decide_objection(
                self.world.books, self._wake, member=MANAGER, contest=CONTEST, partner=partner, at=each.at,
                upheld=self.chance.random() < 0.5, why="Looked at it", now=self.world.now,
            )  # fmt: skip

    def _wake(self, token: str, output: Mapping[str, str]) -> bool:
        for number, until in enumerate(self.waits):
            if until is not None and until.year < 9999:
                self.waits[number] = self.world.now
        return True

    def _sets_aside(self, partner: str) -> None:
        self.asides_by_people.add(partner)
        set_aside(
            self.world.books, member=COMPLIANCE, contest=CONTEST, partner=partner, why="Bought it", now=self.world.now
        )

    def _takes_back(self, partner: str) -> None:
        self.asides_by_people.add(partner)
        take_back_aside(
            self.world.books, member=COMPLIANCE, contest=CONTEST, partner=partner, why="It was not", now=self.world.now
        )

    def _cancels(self) -> None:
        cancel_contest(
            self.world.books, self._wake, member=MANAGER, contest=CONTEST, why="Not what we meant", now=self.world.now
        )

    # ---------------------------------------------------------------------------------------- what stands against

    def _against(self, partner: str) -> None:
        """A hold, an open case, or a suspension."""
        if partner in self.standing or partner == self.play.blocked:
            return
        world = self.world
        match self.chance.choice([Cause.HOLD, Cause.OPEN_CASE, Cause.SUSPENDED]):
            case Cause.HOLD:
                hold = world.hold(partner)
                self.standing[partner] = lambda: world.lift(hold)
            case Cause.OPEN_CASE:
                case = opened(
                    brand=BRAND, partner=partner, name=partner, number=1, by="mem_c", why="It looks odd",
                    findings=(), clients=(), policy=CasePolicy(), now=world.now,
                )  # fmt: skip
                opened_ = world.books.cases.write(Step(before=None, after=case))
                assert opened_ is not None

                def closes() -> None:
                    after = replace(opened_, status=CaseStatus.RELEASED, closed_at=world.now)
                    assert world.books.cases.write(Step(before=opened_, after=after)) is not None

                self.standing[partner] = closes
            case _:
                world.stands(partner, Status.SUSPENDED, world.now)
                self.standing[partner] = lambda: world.stands(partner, Status.ACTIVE, world.now)
        self.expected.unsure.add(partner)
        self.facts["stands against somebody"] += 1

    def _goes_away(self) -> None:
        for partner in sorted(self.standing):
            self.standing.pop(partner)()
            self.expected.unsure.add(partner)
            self.facts["gone again"] += 1
            return

    def _looked_at(self) -> None:
        """Everybody waits for objections: whoever finishes looks after this moment."""
        self.expected.unsure.clear()
        self.expected.aside = set(self.standing) | ({self.play.blocked} - {""})


# ------------------------------------------------------------------------------------------------------------ the check


def check(schedule: ContestSchedule) -> Counter[str]:
    """Everything that must hold; says what the schedule was about."""
    world, play = schedule.world, schedule.play
    contest = world.found
    awards = [award_from_item(item) for item in _items(schedule, "award")]
    journals = [each for each in map(journal_from_item, _items(schedule, "journal")) if each.kind == RULE]
    facts = Counter(schedule.facts)
    facts[contest.status.value] += 1
    facts.update({f"somebody {what}": 1 for what in set(schedule.told)})
    if contest.status is ContestStatus.CANCELLED:
        if awards or journals:
            raise Violation(f"it was cancelled, and {len(awards)} prizes and {len(journals)} journals are there")
        _verified(schedule)
        return facts
    assert contest.frozen_at is not None
    scores = naive_scores(play, facts_of(world.tables), contest.frozen_at)
    _counted(schedule, scores)
    aside = _asides(schedule)
    results = {each.partner: each for each in world.books.results.all_results(contest)}
    if set(results) != set(play.joined):
        raise Violation(f"{sorted(results)} have a result, and {sorted(play.joined)} took part")
    for partner, result in results.items():
        score = scores[partner].score if partner in scores else 0
        if result.score != score or result.division != play.joined[partner]:
            raise Violation(f"{partner} has a score of {result.score}, by the facts {score}")
        if (result.unranked == "set_aside") != (partner in aside):
            raise Violation(f"{partner} is {result.unranked}, and {sorted(aside)} are set aside")
    _ranked(schedule, list(results.values()))
    _won(schedule, awards, {partner: result.score for partner, result in results.items() if partner not in aside})
    _paid(schedule, awards, journals)
    _told(schedule, awards)
    _stands_for_good(schedule)
    _verified(schedule)
    facts["prizes"] += len(awards)
    facts["set aside"] += len(aside)
    facts["nobody takes part"] += not play.joined
    facts["ties"] += len({each.rank for each in results.values() if each.rank}) < sum(
        1 for each in results.values() if each.rank
    )
    return facts


def _items(schedule: ContestSchedule, kind: str) -> list[dict[str, Any]]:
    return [
        from_wire(item) for place, item in schedule.store.items(BOOKS).items() if kind_of(keys.BOOKS, *place) == kind
    ]


class _Tables:
    """Both tables, for verifying."""

    def __init__(self, store: Tabled) -> None:
        self._store = store

    def facts(self) -> Iterator[Stored]:
        return self._all(FACTS, keys.FACTS)

    def books(self) -> Iterator[Stored]:
        return self._all(BOOKS, keys.BOOKS)

    def _all(self, table: str, named: str) -> Iterator[Stored]:
        for place, item in sorted(self._store.items(table).items()):
            yield Stored(kind_of(named, *place), from_wire(item))


def _counted(schedule: ContestSchedule, scores: Mapping[str, Any]) -> None:
    """The recount is the plain reading of the facts."""
    found = contest_closing.together(schedule.world.books.results.recounts(CONTEST))
    for partner in PARTNERS:
        counts = scores[partner].counts if partner in scores else {}
        for metric in schedule.play.contest.metrics:
            expected = counts.get(metric, 0)
            counted = found[partner].counted.get(metric, 0) if partner in found else 0
            if counted != expected * _unit(metric):
                raise Violation(f"{partner} has {counted} {metric.value}, by the facts {expected}")


def _unit(metric: Any) -> int:
    """What is counted of one client, one lot or one euro."""
    return 100 * FINE if metric.is_money else LOT if metric.value == "lots" else 1


def _asides(schedule: ContestSchedule) -> set[str]:
    """Who is set aside in the end: those against whom something stood, and whom people did."""
    aside = {each.partner for each in schedule.world.books.results.asides(CONTEST) if each.stands}
    expected = schedule.expected
    for partner in schedule.play.joined:
        if partner in expected.unsure or partner in schedule.asides_by_people:
            continue
        if (partner in expected.aside) != (partner in aside):
            raise Violation(
                f"{partner} is {'' if partner in aside else 'not '}set aside; {sorted(expected.aside)} should be"
            )
    return aside & set(schedule.play.joined)


def _ranked(schedule: ContestSchedule, results: list[Any]) -> None:
    """Whoever has the higher score stands higher; those with one score have one rank, or each their own."""
    first = schedule.play.contest.tie.value == "first"
    for division in range(len(schedule.play.contest.divisions)):
        ranked = [each for each in results if each.division == division and each.rank]
        for each in ranked:
            above = sum(1 for other in ranked if other.score > each.score)
            level = sum(1 for other in ranked if other.score == each.score)
            fits = above + 1 <= each.rank <= above + level if first else each.rank == above + 1
            if not fits:
                raise Violation(f"{each.partner} has rank {each.rank} with {above} above it")
        if first and len({each.rank for each in ranked}) != len(ranked):
            raise Violation("two have one place")


def _won(schedule: ContestSchedule, awards: list[Award], scores: Mapping[str, int]) -> None:
    """Each division pays what its places win, to the minor unit; a pool in full when anybody ranks."""
    contest, joined = schedule.play.contest, schedule.play.joined
    for number in range(len(contest.divisions)):
        should = naive_prizes(contest, number, [scores[each] for each in scores if joined[each] == number])
        own = [each for each in awards if each.division == number]
        says = {
            kind: sum(each.amount for each in own if each.kind.value == kind)
            for kind in ("share", "fixed", "threshold")
        }
        gifts = sum(1 for each in own if each.gift)
        found = (says["share"], says["fixed"], says["threshold"], gifts)
        if found != (should.pool, should.fixed, should.thresholds, should.gifts):
            raise Violation(f"division {number + 1} pays {found}, and should pay {should}")
    losers = [each.partner for each in awards if each.partner not in scores]
    if losers:
        raise Violation(f"{losers} won and may not")


def _paid(schedule: ContestSchedule, awards: list[Award], journals: list[Any]) -> None:
    """Each prize of money by one journal; the balances are the sums."""
    by_prize = Counter((each.key.partner, each.key.scope) for each in journals)
    for award in awards:
        name = (award.partner, contest_closing.award_id(award))
        if award.gift:
            if award.status is not AwardStatus.TO_SEND or by_prize[name]:
                raise Violation(f"the gift {name} is {award.status}")
            continue
        if award.status is not AwardStatus.PAID or by_prize[name] != 1:
            raise Violation(f"{name} is {award.status}, and has {by_prize[name]} journals")
        (journal,) = (each for each in journals if (each.key.partner, each.key.scope) == name)
        if (journal.id, journal.amount) != (award.journal, award.amount):
            raise Violation(f"{name} of {award.amount} is paid by {journal.id} with {journal.amount}")
    if len(journals) != sum(1 for each in awards if not each.gift):
        raise Violation("there are journals of no prize")
    everything = [journal_from_item(item) for item in _items(schedule, "journal")]
    for partner in PARTNERS:
        balance = schedule.world.ledger.balance(partner)
        summed = sum(each.amount for each in everything if each.key.partner == partner)
        if sum(balance.amounts.values()) != summed or sum(balance.earned.values()) != summed:
            raise Violation(f"{partner} has {balance}, and journals of {summed}")


def _told(schedule: ContestSchedule, awards: list[Award]) -> None:
    """Everybody has one mail of the result, another for each time that staff changed it, and one of the end; each
    payment has one record."""
    changed = _changed_by_staff(schedule)
    mails = Counter((item["partner"], item["template"]) for item in _items(schedule, "mail"))
    for partner in schedule.play.joined:
        ends = sum(mails[partner, each.value] for each in (MailTemplate.CONTEST_WON, MailTemplate.CONTEST_FINAL))
        if mails[partner, MailTemplate.CONTEST_RESULT.value] != 1 + changed[partner] or ends != 1:
            raise Violation(f"{partner} has the mails {mails}")
    records = Counter(item["action"] for item in _items(schedule, "audit"))
    money = sum(1 for each in awards if not each.gift)
    if records["pay_prize"] != money or records["award_gift"] != len(awards) - money:
        raise Violation(f"the trail has {records}, and {len(awards)} prizes were won")
    for once in ("freeze_contest", "publish_result", "finish_result", "archive_contest"):
        if records[once] != 1:
            raise Violation(f"{once} is {records[once]} times in the trail")


def _changed_by_staff(schedule: ContestSchedule) -> Counter[str]:
    """How often staff set each participant aside, or took that back, while its result was provisional."""
    status, found = ContestStatus.RUNNING, Counter[str]()
    for record in schedule.store.stream(BOOKS):
        kind, new = kind_of(keys.BOOKS, *record.place), from_wire(record.new or {})
        if kind == "contest":
            status = contest_from_item(new).status
        elif kind == "set_aside" and status is ContestStatus.PROVISIONAL:
            aside = aside_from_item(new)
            found[aside.partner] += not aside.is_clockwork
    return found


def _stands_for_good(schedule: ContestSchedule) -> None:
    """In the order in which everything was committed: from the freeze on the window counts nothing more, and once the
    result is final nobody is set aside, no recount is written and no other result counts; and the archive is one text,
    which has the digest that the contest names."""
    status, edition, batches, together = ContestStatus.RUNNING, "", set[str](), False
    for record in schedule.store.stream(BOOKS):
        kind, new = kind_of(keys.BOOKS, *record.place), from_wire(record.new or {})
        if kind == "contest":
            after = contest_from_item(new)
            final = status in (ContestStatus.PAYING, ContestStatus.DONE)
            if final and (after.edition != edition or after.status not in (ContestStatus.PAYING, ContestStatus.DONE)):
                raise Violation(f"the final result changed: {status} to {after.status}")
            together = after.status is ContestStatus.PAYING and not final
            status, edition = after.status, after.edition
            continue
        # What goes with the step that makes it final stands right behind it.
        together &= kind in ("set_aside", "audit", "mail")
        if kind == "set_aside" and status in (ContestStatus.PAYING, ContestStatus.DONE) and not together:
            raise Violation("somebody was set aside after the result was final")
        elif kind == "recount":
            if record.old is not None or record.place[1] in batches:
                raise Violation(f"batch {record.place[1]} was counted twice")
            batches.add(record.place[1])
        elif kind == "award" and status not in (ContestStatus.PAYING, ContestStatus.DONE):
            raise Violation("a prize is due before the result is final")
    texts = schedule.world.archive.texts
    contest = schedule.world.found
    named = [text for (_, _, digest), text in texts.items() if digest == contest.archive]
    if len(texts) != 1 or [hashlib.sha256(text).hexdigest() for text in named] != [contest.archive]:
        raise Violation(f"the archive has {len(texts)} texts, and the contest names {contest.archive}")


_ABOUT = frozenset({Kind.CONTEST, Kind.RECOUNT, Kind.PRIZE, Kind.SCORE, Kind.JOURNAL_SUM, Kind.JOURNAL, Kind.BALANCE,
                    Kind.UNREADABLE, Kind.UNKNOWN_ITEM})  # fmt: skip


def _verified(schedule: ContestSchedule) -> None:
    report = verify_books(
        _Tables(schedule.store), click_keys={0: CLICK_KEY}, now=schedule.world.now, elapsed=lambda: 0.0
    )
    for difference in report.differences:
        if difference.kind in _ABOUT:
            raise Violation(f"verify: {difference}")


class ContestRunner:
    """Runs schedules one after the other, in memory."""

    def __init__(self) -> None:
        self.wire = Wire()
        begin = Memory()
        for table, index in ((FACTS, False), (BOOKS, True)):
            create_table(begin.client, table, index)
        with served_by(self.wire):
            self.wire.store = Tabled(begin)
            self._world = ContestWorld(Tables(FACTS, BOOKS, begin.client))

    def run(self, seed: int) -> Outcome:
        """The schedule of a seed, and whether all is right at its end."""
        chance = random.Random(seed)
        play = a_world(chance.randrange(WORLDS))
        target = lead = None
        aim = chance.random()
        if aim < 0.5:
            target = Target(chance.choice(SITES), chance.choice([BEFORE, AFTER]), chance.choice([1, 1, 1, 2, 3]))
        elif aim < 0.7:
            target = Target(chance.choice(SELDOM), chance.choice([BEFORE, AFTER]), 1)
            # Mails are put one by one only where a rival put one of them meanwhile; then the second is a new one.
            operation, _, call = target.site.partition(" ")
            if operation == "PutItem":
                lead, target = Target(f"TransactWriteItems {call}", "rival first", 1), target._replace(nth=2)
        trouble = Trouble(random.Random(seed + 1), chance.choice([0, 0, 1, 3, 8]), target, lead)
        store = Tabled(play.memory)
        self.wire.store, self.wire.trouble = store, trouble
        facts: Counter[str] = Counter()
        violation = ""
        with served_by(self.wire), _little():
            schedule = ContestSchedule(seed, chance, play, trouble, store, self._world)
            try:
                schedule.run()
                trouble.over = True
                facts = check(schedule)
            except Violation as error:
                violation = str(error)
            finally:
                schedule.stop()
        return Outcome(seed, violation, trouble, facts)


def _little() -> AbstractContextManager[None]:
    """Little goes into one step, so that all of it takes many."""
    return small(
        {
            (contest_closing, "PARTNERS_AT_ONCE"): 2,
            (pay_prizes, "AT_ONCE"): 2,
            (contest_results, "PUT_AT_ONCE"): 3,
            (contest_results, "AWARDED_AT_ONCE"): 2,
            (publish_result, "ASIDES_AT_ONCE"): 1,
        }
    )
