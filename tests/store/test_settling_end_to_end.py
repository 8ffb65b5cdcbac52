"""Engine and settler together over real tables: the worked examples of partners' months, and any order of things."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from introducer.domain.errors import RateMissing
from introducer.domain.events import Event
from introducer.domain.ledger import Key
from introducer.store.settlements import Settlements, Settling
from tests.conftest import Tables, create_table, in_memory
from tests.property.test_programs import world_of
from tests.support import programs
from tests.support.builders import World, a_click, an_event, at, cpa, revshare, terms
from tests.support.program import Program
from tests.support.settling import Books, family, override
from tests.unit.test_partner_months import A_B, deposited, registered, revenue, tiered

pytestmark = pytest.mark.in_memory


@pytest.mark.parametrize(
    ("halves", "retroactive", "marginal"),
    [
        (("4999.99", "5000.00"), 250_000, 250_000),
        (("5000.00", "5000.00"), 300_000, 250_000),
        (("5000.01", "5000.01"), 300_001, 250_001),
        (("5250.00", "5250.00"), 315_000, 265_000),
    ],
)
def test_example_1_a_tier_begins_exactly_at_its_start(
    tables: Tables, halves: tuple[str, str], retroactive: int, marginal: int
) -> None:
    world = World()
    for mode, link in (("retroactive", "LINKRETR"), ("marginal", "LINKMARG")):
        world.partner(f"par_{mode}", terms(tiered(mode, ("10000.00", "30"))), link=link)
    books = Books(tables, world)
    for mode, link in (("retroactive", "LINKRETR"), ("marginal", "LINKMARG")):
        for number, amount in enumerate(halves):
            client = f"{mode}-{number}"
            books.deliver(registered(client, link=link), revenue(client, f"2026-01-{10 + number}", amount)).settle()
    assert books.by_partner() == {"par_retroactive": retroactive, "par_marginal": marginal}


def test_example_2_a_place_goes_to_who_qualified_first_whoever_arrived_first(tables: Tables) -> None:
    rule = cpa() | {
        "amounts": [{"countries": ["DE"], "amount": "600.00"}, {"countries": ["TH"], "amount": "200.00"}],
        "caps": [{"per": "day", "clients": 1}],
    }
    books = Books(tables, World().partner("par_1", terms(rule)))
    books.deliver(registered("thai", country="TH"), deposited("thai", "2026-01-06 09:00")).settle()
    books.deliver(registered("german", country="DE"), deposited("german", "2026-01-06 08:00")).settle()
    assert sorted(journal.amount for journal in books.journals("par_1")) == [-20_000, 20_000, 60_000]
    assert {key.scope: minor for key, minor in books.posted().items()} == {"german": 60_000}


@pytest.mark.parametrize(
    ("fence", "months"),
    [
        ({"fence": "1000.00"}, {"2026-01": 90_000, "2026-02": 30_000, "2026-03": 30_000}),
        ({}, {"2026-02": 30_000, "2026-03": 120_000}),
    ],
    ids=["fenced", "unfenced"],
)
@pytest.mark.parametrize("late", [False, True], ids=["in time", "latest month first"])
def test_example_3_a_fence_keeps_a_large_loss_with_its_client(
    tables: Tables, fence: Mapping[str, str], months: dict[str, int], late: bool
) -> None:
    books = Books(tables, World().partner("par_1", terms(revshare("30", "carry") | {"pooled": True} | dict(fence))))
    books.deliver(registered("a"), registered("b"))
    for each in reversed(A_B) if late else A_B:
        books.deliver(revenue(*each)).settle()
    assert books.of_month("par_1", "rev") == months


def test_example_10_an_override_of_an_override_is_rounded_at_each_step(tables: Tables) -> None:
    books = Books(tables, family())
    books.deliver(registered("c", link="LINKCHIL"), revenue("c", "2026-01-10", "1000.05"))
    # the row of the client marks the child's month; its settling marks the parent's and the grandparent's
    assert books.marked() == [("par_child", "2026-01")]
    books.settler().settle("par_child", ["2026-01"])
    assert books.marked() == [("par_grand", "2026-01"), ("par_parent", "2026-01")]
    for partner in ("par_grand", "par_parent"):
        books.settler().settle(partner, ["2026-01"])
    assert books.marked() == [("par_grand", "2026-01")]
    books.settler().settle("par_grand", ["2026-01"])
    assert books.marked() == []
    assert books.by_partner() == {"par_child": 100_005, "par_parent": 10_000, "par_grand": 6_000}
    assert {(key.partner, key.scope) for key in books.posted() if key.rule == "net"} == {
        ("par_parent", "par_child"),
        ("par_grand", "par_child"),
        ("par_grand", "par_parent"),
    }


def test_example_12_a_versions_tiers_see_activity_up_to_its_end(tables: Tables) -> None:
    world = World().partner("par_1", terms(tiered("retroactive", ("1000.00", "40"), percent="30")))
    world.version("par_1", terms(revshare("50") | {"pooled": True}), "2026-01-16")
    books = Books(tables, world)
    books.deliver(registered("a"), revenue("a", "2026-01-15", "600.00"), revenue("a", "2026-01-16", "600.00")).settle()
    assert books.by_partner() == {"par_1": 48_000}


def test_two_settlers_at_once_post_once(tables: Tables) -> None:
    # given a capped month with eight clients, and a settler that another one overtakes at each write
    rule = cpa("100.00") | {"caps": [{"per": "month", "clients": 5}]}
    books = Books(tables, World().partner("par_1", terms(rule)))
    for number in range(8):
        books.deliver(registered(f"c{number}"), deposited(f"c{number}", f"2026-01-{20 - number}"))

    class Overtaken(Settlements):
        times = 0

        def write(self, settling: Settling, at_ms: int) -> None:
            self.times += 1
            books.settler().settle("par_1", ["2026-01"])
            if self.times == 1:
                books.deliver(registered("first"), deposited("first", "2026-01-06"))
            super().write(settling, at_ms)

    overtaken = Overtaken(tables.books)
    assert books.settler(overtaken).settle("par_1", ["2026-01"]) == 0
    assert overtaken.times == 2
    assert books.by_partner() == {"par_1": 50_000}
    assert {key.scope for key in books.posted()} == {"first", "c7", "c6", "c5", "c4"}
    # eight clients took five places, and one of them gave its place to the first
    assert sorted(journal.amount for journal in books.journals("par_1")) == [-10_000, *[10_000] * 6]


RATES = {"2025-12-31": {"USD": "1.25"}, "2026-01-30": {"USD": "1.20"}, "2026-02-27": {"USD": "1.1805"}}


def a_program() -> tuple[World, list[Event]]:
    """Caps, tiers, a pool with a carry and a goal over two months, with an override above in another currency."""
    deal = terms(
        cpa("100.00", min_deposit="200.00", within_hours=24) | {"caps": [{"per": "total", "clients": 2}]},
        tiered("retroactive", ("500.00", "40"), percent="20") | {"negative": "carry"},
        {"type": "bonus", "id": "two", "by": "ftd", "goal": "2", "amount": "50.00"},
        days=30,
    )
    above = override(
        {"level": 1, "percent": "10", "of": ["cpa", "revshare", "bonus"]}, {"level": 2, "percent": "1", "of": ["cpa"]}
    )
    world = (
        World(rates=RATES)
        .partner("par_child", deal)
        .partner("par_parent", terms(above, currency="USD"), link="LINKPARE")
        .partner("par_grand", terms(above), link="LINKGRND")
        .under("par_child", "par_parent")
        .under("par_parent", "par_grand")
    )
    undone = deposited("b", "2026-01-09 10:00")
    events = [
        *(registered(client) for client in "abc"),
        deposited("a", "2026-02-01 00:00"),
        undone,
        deposited("c", "2026-01-31 23:00"),
        an_event("cancel", at("2026-02-03"), client="b", ref=undone.event_id),
        deposited("b", "2026-02-10"),
        revenue("a", "2026-01-20", "-200.00"),
        revenue("b", "2026-02-02", "300.00"),
        revenue("c", "2026-02-05", "200.00"),
        revenue("c", "2026-01-31", "50.00"),
    ]
    return world, events


def expected(world: World, events: Sequence[Event]) -> dict[Key, int]:
    """What pure functions make of it at one go; by hand:

    January: c takes the first place (100.00); the pool loses 150.00 at 20 %, which carries 30.00.
    February: a takes the last place; the pool brings 500.00 at 40 % less 30.00: 170.00; two first deposits: 50.00.
    Above, 10 % of 100.00 and of 320.00 in USD at 1.25 and 1.20; above that, 1 % of each 100.00 and nothing else.
    """
    return Program(world).deliver(*events).settle().owed()


def test_any_order_of_events_and_settles_gives_the_same_books(tables: Tables) -> None:
    world, events = a_program()
    measure = expected(world, events)
    assert (
        sum(minor for key, minor in measure.items() if key.partner == "par_child") == 10_000 + 10_000 + 17_000 + 5_000
    )
    assert sum(minor for key, minor in measure.items() if key.partner == "par_parent") == 1_250 + 3_840
    assert sum(minor for key, minor in measure.items() if key.partner == "par_grand") == 100 + 100
    books = Books(tables, world)
    rng = random.Random(7)
    rng.shuffle(events)
    # when events come in any order, and months are settled now and then, some twice, some by the wrong hand
    waiting: list[tuple[str, str]] = []
    for size in itertools.cycle((1, 3, 2)):
        batch, events = events[:size], events[size:]
        if not batch:
            break
        books.deliver(*batch)
        waiting += books.marked()
        rng.shuffle(waiting)
        for partner, month in waiting[: rng.randrange(4)]:
            books.settler().settle(partner, [month, "2026-02"])
    for partner, month in waiting:
        books.settler().settle(partner, [month])
    books.settle()
    assert books.posted() == measure


@pytest.fixture
def memory_tables() -> Iterator[Tables]:
    """Both tables in this process."""
    with in_memory() as client:
        create_table(client, "facts", index=False)
        create_table(client, "books", index=True)
        yield Tables("facts", "books", client)


@pytest.mark.parametrize("seed", range(40))
def test_many_orders_in_memory_give_the_same_books(seed: int, memory_tables: Tables) -> None:
    world, events = a_program()
    measure = expected(world, events)
    books = Books(memory_tables, world)
    rng = random.Random(seed)
    rng.shuffle(events)
    waiting: list[tuple[str, str]] = []
    while events:
        size = rng.randint(1, 5)
        batch, events = events[:size], events[size:]
        books.deliver(*batch)
        waiting += books.marked()
        rng.shuffle(waiting)
        for _ in range(rng.randrange(1 + len(waiting))):
            partner, month = waiting.pop()
            books.settler().settle(partner, [month])
    for partner, month in waiting:
        books.settler().settle(partner, [month])
    assert books.settle().posted() == measure
    # and settling all of it once more writes nothing
    before = memory_tables.items(memory_tables.books)
    for partner in books.partners():
        assert books.settler().settle(partner, ["2026-01", "2026-02"]) == 0
    assert memory_tables.items(memory_tables.books) == before


@pytest.mark.parametrize("seed", range(80))
def test_random_programs_are_posted_as_a_naive_reading_of_the_deals_owes(seed: int, memory_tables: Tables) -> None:
    rng = random.Random(seed)
    program = programs.program(rng)
    books = Books(memory_tables, world_of(program))
    events = [*program.events, *rng.sample(program.events, len(program.events) // 5)]
    rng.shuffle(events)
    waiting: list[tuple[str, str]] = []
    while events:
        size = rng.choice((1, 2, 5, 60))
        batch, events = events[:size], events[size:]
        books.deliver(*batch)
        waiting += books.marked()
        rng.shuffle(waiting)
        for _ in range(rng.randrange(1 + len(waiting))):
            partner, month = waiting.pop()
            books.settler().settle(partner, [month])
    for partner, month in waiting:
        books.settler().settle(partner, [month])
    assert books.settle().posted() == program.owed()


def an_override(level: int = 1) -> dict[str, Any]:
    return {"type": "override", "id": "net", "levels": [{"level": level, "percent": "10", "of": ["revshare"]}]}


def test_an_override_that_waits_for_a_rate_holds_up_nothing_else(tables: Tables) -> None:
    # given a parent with clients and a pool of its own, above a partner in a currency without a rate yet
    world = World(rates={})
    world.partner("par_child", terms(revshare("100"), currency="USD"), "LINKCHLD")
    world.partner("par_parent", terms(an_override(), revshare("50") | {"pooled": True}), "LINKPRNT")
    world.under("par_child", "par_parent")
    books = Books(tables, world)
    for client, link, currency in (("below", "LINKCHLD", "USD"), ("own", "LINKPRNT", "EUR")):
        click = a_click(at("2026-03-01 09:00"), link)
        books.deliver(
            an_event("registration", at("2026-03-01 10:00"), client=client, click_id=click),
            an_event("trade", at("2026-03-02"), client=client, spread="100.00", currency=currency),
        )
    settler = books.settler()
    settler.settle("par_child", ["2026-03"])
    # when the parent is settled
    with pytest.raises(RateMissing):
        settler.settle("par_parent", ["2026-03"])
    # then its own share is posted, and the month says that it is not settled yet
    assert books.ledger.balance("par_parent").earned == {("EUR", "2026-03"): 5_000}
    assert books.settlements.settled("par_parent")["2026-03"].seen == ""
    # when the rate comes
    world.rates = {"2026-02-27": {"USD": "1.25"}}
    settler.settle("par_parent", [])
    # then the override follows: 10 % of 80.00
    assert books.ledger.balance("par_parent").earned == {("EUR", "2026-03"): 5_800}


def test_who_stands_above_no_more_is_told_so(tables: Tables) -> None:
    # given a month that was settled below one parent
    world = World().partner("par_child", terms(revshare("100")), "LINKCHLD")
    for name in ("par_one", "par_two"):
        world.partner(name, terms(an_override()), f"LINK{name[4:].upper()}X")
    world.under("par_child", "par_one")
    books = Books(tables, world)
    click = a_click(at("2026-03-01 09:00"), "LINKCHLD")
    books.deliver(
        an_event("registration", at("2026-03-01 10:00"), click_id=click),
        an_event("trade", at("2026-03-02"), spread="100.00"),
    )
    settler = books.settler()

    def settle_all() -> dict[str, int]:
        for partner in ("par_child", "par_one", "par_two"):
            settler.settle(partner, ["2026-03"])
        return {name: sum(books.ledger.balance(name).earned.values()) for name in ("par_one", "par_two")}

    assert settle_all() == {"par_one": 1_000, "par_two": 0}
    # when another parent is found to have held for it
    world.parents["par_child"] = ()
    world.under("par_child", "par_two")
    # then the first one's part is taken back
    assert settle_all() == {"par_one": 0, "par_two": 1_000}
