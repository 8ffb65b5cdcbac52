"""What the engine claims, each claim under its letter, over random partner programs.

For accepted facts and a configuration, once everything is settled:

A  for every key the sum of journals = posted = what a naive reading owes, in any order, with copies, closes, payouts;
B  the state that grew event by event = the state of one fold of everything;
C  legs sum to zero; per partner and currency the balance = the sum of what was posted;
D  nothing is posted into a month before the one it was earned in; a closed month's statement never changes;
E  configuration that is decided on the way, and two settlers at once, change none of this.

The last claim runs over tables, the others in pure functions. They are also tested by test_orders.py (one client),
test_programs.py (A, B), test_closes.py (D, over tables), test_program_machine.py (A to D, step by step),
tests/store/test_settling_end_to_end.py (A, C, E, over tables), tests/faults (crashes and rivals), and test_example_11
(720 orders of six events with copies leave one state hash).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import pytest

from introducer.domain.calendar import DAY_MS
from introducer.domain.events import Event, milliseconds
from introducer.domain.rows import Row
from introducer.store.clients import state_hash
from introducer.store.settlements import Settlements, Settling
from tests.conftest import Tables, create_table, in_memory
from tests.property.test_programs import compare, world_of
from tests.support import programs, settling
from tests.support.builders import World, at
from tests.support.keeping import Books
from tests.support.program import Program

SEEDS = range(60)
each_seed = pytest.mark.parametrize("seed", SEEDS)


@dataclass
class Kept:
    """A program, the books that some delivery of it left, and what was seen on the way."""

    program: programs.Program
    books: Books
    stated: dict[tuple[str, str], int] = field(default_factory=dict)
    """What each closed month's statement said when it was closed."""
    paid: list[tuple[int, int]] = field(default_factory=list)
    """Each payout: what it paid, and what was available."""


@cache
def kept(seed: int) -> Kept:
    """The seed's program, delivered in some order, in batches, with copies; settled, closed and paid in between."""
    program, rng = programs.program(random.Random(seed)), random.Random(f"claims {seed}")
    found = Kept(program, Books(world_of(program)))
    books = found.books
    events: list[Event] = [*program.events, *rng.sample(program.events, len(program.events) // 4)]
    rng.shuffle(events)
    months = sorted({f"{event.occurred_at:%Y-%m}" for event in events})
    while events:
        size = rng.choice((1, 1, 2, 5, 20))
        books.deliver(*events[:size])
        events = events[size:]
        for month_of in rng.sample(sorted(books.dirty), rng.randint(0, len(books.dirty))):
            books.settle_one(month_of)
        if rng.random() < 0.4:
            partner = rng.choice(sorted({key.partner for key in books.posted} or program.deals))
            month = rng.choice(months)
            for closed in months[: months.index(month) + 1]:
                found.stated.setdefault((partner, closed), books.statement(partner, closed))
            books.close(partner, month)
        if rng.random() < 0.4:
            for partner, currency in sorted({(key.partner, key.currency) for key in books.posted}):
                day = f"{rng.choice(months[1:] or months)}-28"
                available = books.available(partner, currency, day)
                found.paid.append((books.pay(partner, currency, day), available))
    books.settle()
    return found


@each_seed
def test_claim_a_the_journals_of_every_key_add_up_to_what_a_naive_reading_owes(seed: int) -> None:
    found = kept(seed)
    owed = found.program.owed()
    assert compare(owed, found.books.owed()) == {}
    journals: dict[object, int] = defaultdict(int)
    for entry in found.books.entries:
        journals[entry.key] += entry.amount
    assert {key: amount for key, amount in journals.items() if amount} == owed


@each_seed
def test_claim_b_states_that_grew_are_the_states_of_one_fold(seed: int) -> None:
    found = kept(seed)
    at_once = Program(world_of(found.program)).deliver(*found.program.events).settle()
    assert state_hash(found.books.states.values()) == state_hash(at_once.states.values())
    # and what partners' months hand on is the same too
    for month_of, settled in at_once.settled.items():
        if month_of in found.books.settled:
            assert found.books.settled[month_of].chain == settled.chain, month_of
        else:
            # A row that says nothing need not be written.
            assert not any(target.minor for target in settled.targets.values()), month_of
            assert set(at_once.rows[month_of].values()) <= {Row()}, month_of


@each_seed
def test_claim_c_legs_sum_to_zero_and_the_balance_is_what_was_posted(seed: int) -> None:
    books = kept(seed).books
    posted: dict[tuple[str, str], int] = defaultdict(int)
    for entry in books.entries:
        assert sum(leg.amount for leg in entry.legs) == 0
        assert entry.receipt.target - entry.receipt.before == entry.amount
    for key, minor in books.owed().items():
        posted[key.partner, key.currency] += minor
    for partner in {entry.key.partner for entry in books.entries}:
        balance = books.balance(partner)
        for currency in balance.currencies():
            held = sum(minor for (of, _, _), minor in balance.amounts.items() if of == currency)
            earned = sum(minor for (of, _), minor in balance.earned.items() if of == currency)
            assert held == earned == posted[partner, currency]


@each_seed
def test_claim_d_nothing_is_posted_before_its_month_and_a_closed_month_never_changes(seed: int) -> None:
    found = kept(seed)
    for entry in found.books.entries:
        assert entry.post_month >= entry.key.earn_month
    for (partner, month), stated in found.stated.items():
        assert found.books.statement(partner, month) == stated, (partner, month)


def test_the_programs_of_these_claims_are_closed_paid_and_late() -> None:
    # given all programs of these claims
    everything = [kept(seed) for seed in SEEDS]
    # then there were closes with something to state, late entries, payouts, and money taken back after it was paid
    assert sum(any(found.stated.values()) for found in everything) > 10
    late = [entry for found in everything for entry in found.books.entries if entry.post_month > entry.key.earn_month]
    assert len(late) > 20
    paid = [each for found in everything for each in found.paid]
    assert sum(amount > 0 for amount, _ in paid) > 20
    assert all(amount == max(0, available) for amount, available in paid)
    assert any(available < 0 for _, available in paid)


# ------------------------------------------------------------------------------------- configuration, and two settlers


@pytest.fixture
def tables() -> Iterator[Tables]:
    """Both tables in this process."""
    with in_memory() as client:
        create_table(client, "facts", index=False)
        create_table(client, "books", index=True)
        yield Tables("facts", "books", client)


class Rival(Settlements):
    """Somebody else comes between a settler's reading and its writing: another settler, or events."""

    def __init__(self, table: str, books: settling.Books, waiting: list[Event], rng: random.Random) -> None:
        super().__init__(table)
        self.books, self.waiting, self.rng = books, waiting, rng
        self.overtaken = 0

    def write(self, settling: Settling, at_ms: int) -> None:
        if self.rng.random() < 0.5:
            self.overtaken += 1
            if self.waiting and self.rng.random() < 0.5:
                self.books.deliver(self.waiting.pop())
            self.books.settler().settle(settling.partner, [settling.month])
        super().write(settling, at_ms)


@pytest.mark.parametrize("seed", range(40))
def test_claim_e_decisions_on_the_way_and_two_settlers_at_once_change_nothing(seed: int, tables: Tables) -> None:
    # given a program of which at first only the first deal versions are known
    program, rng = programs.program(random.Random(seed)), random.Random(f"decisions {seed}")
    whole, world = world_of(program), world_of(program)
    books = settling.Books(tables, world)
    reveal(world, whole, "")
    # when its events come in an order in which each decision is known before it begins, as it always is
    events = sorted(program.events, key=lambda event: (event.occurred_at, event.client, event.key))
    marked: list[tuple[str, str]] = []
    until = ""
    while events:
        days = sorted({f"{event.occurred_at:%Y-%m-%d}" for event in events})
        until = max(until, days[min(len(days) - 1, rng.choice((0, 3, 10, 40)))])
        reveal(world, whole, until)
        batch = [event for event in events if f"{event.occurred_at:%Y-%m-%d}" <= until]
        # some of them late
        batch = rng.sample(batch, rng.randint(1, len(batch)))
        events = [event for event in events if event not in batch]
        while batch:
            books.deliver(*batch[: (size := rng.choice((1, 3, 30)))])
            batch = batch[size:]
            marked += books.marked()
            rng.shuffle(marked)
            for _ in range(rng.randrange(1 + len(marked))):
                partner, month = marked.pop()
                rival = Rival(tables.books, books, batch, rng)
                books.settler(rival).settle(partner, [month])
    reveal(world, whole, "2099-01-01")
    for partner, month in marked:
        books.settler().settle(partner, [month])
    # then the books are what a reading owes that knew everything from the beginning
    assert compare(program.owed(), books.settle().posted()) == {}


def reveal(world: World, whole: World, until: str) -> None:
    """Make known what begins by the end of a day: deal versions but the first, standings, parents."""
    end = milliseconds(at(until)) + DAY_MS if until else 0
    for partner, versions in whole.deals.items():
        world.deals[partner] = [each for each in versions if each.version == 1 or each.valid_from < end]
    for partner, standings in whole.standings.items():
        world.standings[partner] = tuple(each for each in standings if each.since < end)
    for partner, parents in whole.parents.items():
        world.parents[partner] = tuple(each for each in parents if each.month <= until[:7])
