"""The counter-examples of the obvious reading, and the worked examples of the specification, that no other module of
tests has. All of them are found by name: `pytest tests/unit -k "counter_example_07 or example_09"`."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from datetime import timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest

from introducer.domain.events import Event
from introducer.domain.ledger import Key
from introducer.store.clients import state_hash
from introducer.store.ledger import Ledger
from tests.support import tables as support
from tests.support.builders import ECB, LINK, World, a_click, an_event, at, cpa, revshare, terms
from tests.support.keeping import Books
from tests.support.program import Program

REVENUE = {"net_revenue": {"commission": "1"}}
REGISTERED = at("2026-01-01")


def registered(client: str, when: str = "2026-01-01", link: str = LINK, **fields: Any) -> Event:
    """A registration that names a click of the link, one hour earlier."""
    click = a_click(at(when) - timedelta(hours=1), link)
    return an_event("registration", at(when), client=client, click_id=click, **fields)


def deposited(client: str, when: str, amount: str = "200.00", **fields: Any) -> Event:
    return an_event("deposit", at(when), client=client, amount=amount, **fields)


def traded(client: str, when: str, commission: str, currency: str = "EUR", **fields: Any) -> Event:
    return an_event("trade", at(when), client=client, commission=commission, currency=currency, **fields)


# ------------------------------------------------------------------------------------------------- the obvious reading


def test_counter_example_02_a_cap_of_one_a_day_is_not_filled_by_arrival() -> None:
    # given 600.00 for a German at 08:00 and 200.00 for a Thai at 09:00, and one place
    rule = cpa() | {
        "amounts": [{"countries": ["DE"], "amount": "600.00"}, {"countries": ["TH"], "amount": "200.00"}],
        "caps": [{"per": "day", "clients": 1}],
    }
    events = [
        registered("german", country="DE"),
        deposited("german", "2026-01-06 08:00"),
        registered("thai", country="TH"),
        deposited("thai", "2026-01-06 09:00"),
    ]
    for order in itertools.permutations(events):
        # when they arrive in any order, and each is settled at once
        program = Program(World().partner("par_p", terms(rule)))
        for event in order:
            program.deliver(event).settle()
        # then the first to qualify has the place
        assert {key.scope: minor for key, minor in program.owed().items()} == {"german": 60_000}


def test_counter_example_06_a_live_answer_and_a_replay_take_the_same_rate() -> None:
    # given 100 USD on Monday morning, before Monday's rates are published, and the same on a replay afterwards
    worth = {}
    for name, published in (
        ("live", {day: rates for day, rates in ECB.items() if day < "2026-03-02"}),
        ("replay", ECB),
    ):
        world = World(rates=published).partner("par_p", terms(revshare("100"), **REVENUE))
        program = Program(world).deliver(
            registered("a", "2026-02-28"), traded("a", "2026-03-02 09:00", "100.00", "USD")
        )
        worth[name] = program.by_partner()["par_p"]
    # then both are Friday's; Monday's would have made 85.48
    assert worth == {"live": 8471, "replay": 8471}


def test_counter_example_07_sums_of_crossed_amounts_are_exact_in_all_120_orders() -> None:
    # given five amounts in three currencies, to be converted into yen
    amounts = [("0.07", "USD"), ("1234.56", "GBP"), ("98765.43", "USD"), ("0.01", "GBP"), ("7777.77", "USD")]
    world = World().partner("par_p", terms(revshare("33.3333"), currency="JPY", **REVENUE))
    first = registered("a", "2026-02-28")
    trades = [traded("a", "2026-03-01", amount, currency) for amount, currency in amounts]
    obvious, hashes = set(), set()
    for order in itertools.permutations(range(5)):
        # when they are added up in any order, as decimals of 28 digits
        with localcontext(prec=28):
            total = Decimal(0)
            for number in order:
                amount, currency = amounts[number]
                total += Decimal(amount) * (Decimal("184.13") / Decimal(ECB["2026-02-27"][currency]))
            obvious.add(total)
        # and as the engine does
        program = Program(world).deliver(first)
        for number in order:
            program.deliver(trades[number])
        hashes.add(state_hash(program.states.values()))
    # then the decimals depend on the order, and the state does not
    assert len(obvious) > 1
    assert len(hashes) == 1


def test_counter_example_08_an_override_is_a_share_of_the_sum_and_not_of_each_journal() -> None:
    # given a child that earns five times 0.05, and 10 % for the parent
    above = {"type": "override", "id": "net", "levels": [{"level": 1, "percent": "10", "of": ["revshare"]}]}
    world = World().partner("par_child", terms(revshare("100"), **REVENUE))
    world.partner("par_parent", terms(above), link="LINKABOV").under("par_child", "par_parent")
    events = [registered("a"), *(traded("a", f"2026-01-1{day}", "0.05") for day in range(5))]
    one_by_one = Program(world)
    for event in events:
        one_by_one.deliver(event).settle()
    at_once = Program(world).deliver(*events).settle()
    # then it is 10 % of 0.25, half to even, and not five times 0.00
    assert one_by_one.by_partner() == at_once.by_partner() == {"par_child": 25, "par_parent": 2}


@pytest.mark.parametrize(("day", "owed"), [("2026-01-14", 50_000), ("2026-01-15", 60_000)])
def test_counter_example_09_the_version_goes_by_the_registration_and_not_by_when_it_is_read(
    day: str, owed: int
) -> None:
    # given 500.00, and 600.00 from 15 January on
    first, second = terms(cpa("500.00")), terms(cpa("600.00"))
    events = [registered("a", day), deposited("a", "2026-01-20")]
    # when the second version is read before the client's events, between them, or between them the other way round
    for order in (events, events[::-1]):
        for read in (0, 1):
            world = World().partner("par_p", first)
            program = Program(world).deliver(*order[:read])
            world.version("par_p", second, "2026-01-15")
            program.deliver(*order[read:])
            # then
            assert program.by_partner() == {"par_p": owed}


def test_counter_example_10_a_refold_leaves_out_what_is_accepted_and_not_applied() -> None:
    # given a trade of 7.00 that is applied, and one of 5.00 that is accepted and waits for its turn
    tables = support.Tables()
    tables.partner("par_p", LINK, (at("2025-01-01"), terms(revshare("100"), **REVENUE)))
    now = at("2026-01-20")
    first, applied, waiting = registered("a"), traded("a", "2026-01-10", "7.00"), traded("a", "2026-01-11", "5.00")
    tables.apply(first, applied, at=now)
    tables.accept(waiting)
    # when a cancel of something else folds the client anew
    tables.apply(an_event("cancel", at("2026-01-12"), client="a", ref="nothing"), at=now)
    # then the waiting trade does not count yet
    assert owed_to("par_p", tables) == 700
    # and when its turn comes, it counts once
    tables.apply(waiting, at=now)
    assert owed_to("par_p", tables) == 1_200


def owed_to(partner: str, tables: support.Tables) -> int:
    with tables.served():
        return sum(Ledger(support.BOOKS).balance(partner).earned.values())


def test_counter_example_11_a_hold_counts_from_the_qualification_and_not_from_the_posting() -> None:
    # given a client who qualifies on 5 January, and news of it that may come on the 10th
    deal = terms(cpa("600.00")) | {"hold": {"days": 30, "from": "qualification"}}
    events = [registered("a"), deposited("a", "2026-01-05"), traded("a", "2026-01-10", "1.00")]
    for order in itertools.permutations(events):
        program = Program(World().partner("par_p", deal))
        for event in order:
            program.deliver(event)
        # then it is available 30 days after the 5th, whenever it was posted
        assert program.owed() == {Key("par_p", "cpa", "a", "2026-01", "EUR", "2026-02-04"): 60_000}


# --------------------------------------------------------------------------------------------------- worked examples


def test_example_07_a_chargeback_after_the_payment_nets_against_later_earnings() -> None:
    # given a cpa that qualifies on 10 January, held for 30 days
    deal = terms(cpa("600.00", min_deposit="150.00", within_hours=720))
    deal |= {"hold": {"days": 30, "from": "qualification"}}
    books = Books(World().partner("par_p", deal))
    books.deliver(registered("a"), deposited("a", "2026-01-10", event_id="d1"))
    books.close("par_p", "2026-01")
    # then nothing is paid before the hold is over, and all of it afterwards
    assert books.pay("par_p", "EUR", "2026-02-08") == 0
    assert books.pay("par_p", "EUR", "2026-02-15") == 60_000
    # when most of the deposit is charged back
    books.close("par_p", "2026-02")
    books.deliver(an_event("chargeback", at("2026-03-01"), client="a", amount="150.00", ref="d1"))
    # then it is taken back under its own key, in the open month
    back = books.entries[-1]
    assert (back.amount, back.key.earn_month, back.post_month) == (-60_000, "2026-01", "2026-03")
    # and the next client's cpa pays for it
    books.deliver(registered("b"), deposited("b", "2026-03-10"))
    assert books.pay("par_p", "EUR", "2026-04-15") == 0


@pytest.mark.parametrize(("negative", "february", "total"), [("reset", -600, 2_400), ("carry", -2_100, 900)])
def test_example_08_what_comes_after_a_close_stands_in_the_open_month(negative: str, february: int, total: int) -> None:
    # given 30 % of 100.00 in January, which is closed, and 80.00 in February
    books = Books(World().partner("par_p", terms(revshare("30", negative), **REVENUE)))
    books.deliver(registered("a"), traded("a", "2026-01-10", "100.00"))
    books.close("par_p", "2026-01")
    books.deliver(traded("a", "2026-02-10", "80.00"))
    # when a January loss of 150.00 arrives
    books.deliver(traded("a", "2026-01-20", "-150.00"))
    # then January's statement stays, and February's shows the difference
    assert [books.statement("par_p", month) for month in ("2026-01", "2026-02")] == [3_000, february]
    assert books.by_partner() == {"par_p": total}


@pytest.mark.parametrize(
    ("move", "p", "q"),
    [(None, 90_000, 0), ({}, 0, 75_000), ({"starts_at": REGISTERED + timedelta(hours=100)}, 78_000, 10_000)],
    ids=["none", "correction", "transfer from hour 100"],
)
def test_example_09_a_client_moves_to_another_partner(move: dict[str, Any] | None, p: int, q: int) -> None:
    # given P with 600.00 and 30 %, Q with 500.00 and 25 %, and a client of P
    world = World().partner("par_p", terms(cpa("600.00"), revshare("30"), **REVENUE))
    world.partner("par_q", terms(cpa("500.00"), revshare("25"), **REVENUE), link="LINKQQQQ")
    events = [
        registered("a"),
        deposited("a", "2026-01-01 01:00"),
        traded("a", "2026-01-01 10:00", "600.00"),
        traded("a", "2026-01-21 20:00", "400.00"),
    ]
    if move is not None:
        events.append(an_event("move", at("2026-02-01"), client="a", source="staff", partner="par_q", **move))
    for order in itertools.permutations(events):
        # when everything comes in any order
        program = Program(world)
        for event in order:
            program.deliver(event)
        # then
        assert program.by_partner() == {partner: minor for partner, minor in (("par_p", p), ("par_q", q)) if minor}


# -------------------------------------------------------------------------------------------------- none is missing


def test_every_counter_example_and_every_worked_example_is_found_by_name() -> None:
    sources = [path.read_text() for path in sorted(Path(__file__).parent.glob("test_*.py"))]
    for kind, last in (("counter_example", 14), ("example", 13)):
        found = Counter(number for text in sources for number in re.findall(rf"^def test_{kind}_(\d\d)_", text, re.M))
        # The fifth has two currencies.
        assert sorted(found) == [f"{number:02d}" for number in range(1, last + 1)], kind
        assert {number for number, times in found.items() if times > 1} <= {"05"}, kind
