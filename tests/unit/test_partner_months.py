"""The worked examples of the specification that look at a partner's clients together, or at partners below."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from introducer.domain.earnings import Posting
from introducer.domain.events import Event
from introducer.domain.ledger import Key, Line
from introducer.domain.receipts import settled_journal
from tests.support.builders import World, a_click, an_event, at, cpa, lot, revshare, terms
from tests.support.program import Program

JANUARY = at("2026-01-05")
KEY = Key("par_1", "cpa", "first", "2026-03", "EUR", "2026-03-02")


def tiered(
    mode: str, *bands: tuple[str, str], by: str = "net_revenue", percent: str = "25", **more: Any
) -> dict[str, Any]:
    """A pooled share with tiers."""
    tiers = {"by": by, "mode": mode, "bands": [{"from": start, "percent": rate} for start, rate in bands]}
    return revshare(percent) | {"pooled": True, "tiers": tiers} | more


def registered(client: str, when: datetime = JANUARY, link: str = "AAAAAAAA", **fields: Any) -> Event:
    """A registration that names a click of the link, one hour earlier."""
    click = a_click(when - timedelta(hours=1), link)
    return an_event("registration", when, client=client, event_id="reg", click_id=click, **fields)


def revenue(client: str, when: str, amount: str) -> Event:
    return an_event("trade", at(when), client=client, spread=amount)


def deposited(client: str, when: str, amount: str = "200.00") -> Event:
    return an_event("deposit", at(when), client=client, amount=amount)


@pytest.mark.parametrize(
    ("revenue_minor", "retroactive", "marginal"),
    [
        (999_999, 250_000, 250_000),
        (1_000_000, 300_000, 250_000),
        (1_000_002, 300_001, 250_001),
        (1_050_000, 315_000, 265_000),
    ],
)
def test_example_01_a_tier_begins_exactly_at_its_start(revenue_minor: int, retroactive: int, marginal: int) -> None:
    for mode, owed in (("retroactive", retroactive), ("marginal", marginal)):
        world = World().partner("par_1", terms(tiered(mode, ("10000.00", "30"))))
        half = f"{revenue_minor // 200}.{revenue_minor // 2 % 100:02d}"
        rest = f"{(revenue_minor - revenue_minor // 2) // 100}.{(revenue_minor - revenue_minor // 2) % 100:02d}"
        program = Program(world).deliver(
            registered("one"), registered("two"), revenue("one", "2026-01-10", half), revenue("two", "2026-01-20", rest)
        )
        assert program.settle().by_partner() == {"par_1": owed}, mode


def test_example_02_a_place_goes_to_who_qualified_first_whoever_arrived_first() -> None:
    # given a cap of one client a day
    rule = cpa() | {
        "amounts": [{"countries": ["DE"], "amount": "600.00"}, {"countries": ["TH"], "amount": "200.00"}],
        "caps": [{"per": "day", "clients": 1}],
    }
    program = Program(World().partner("par_1", terms(rule)))
    # when the later one arrives first
    program.deliver(registered("thai", country="TH"), deposited("thai", "2026-01-06 09:00")).settle()
    program.deliver(registered("german", country="DE"), deposited("german", "2026-01-06 08:00")).settle()
    # then it gives its place back
    assert sorted(amount for _, amount in program.journals) == [-20_000, 20_000, 60_000]
    assert program.by_partner() == {"par_1": 60_000}


A_B = [
    ("a", "2026-01-10", "3000.00"),
    ("b", "2026-01-11", "-5000.00"),
    ("a", "2026-02-10", "1000.00"),
    ("b", "2026-02-11", "2000.00"),
    ("b", "2026-03-11", "4000.00"),
]


@pytest.mark.parametrize(
    ("fence", "months"),
    [({"fence": "1000.00"}, [90_000, 30_000, 30_000]), ({}, [0, 30_000, 120_000])],
    ids=["fenced", "unfenced"],
)
def test_example_03_a_fence_keeps_a_large_loss_with_its_client(fence: Mapping[str, str], months: list[int]) -> None:
    rule = revshare("30", "carry") | {"pooled": True} | dict(fence)
    program = Program(World().partner("par_1", terms(rule))).deliver(registered("a"), registered("b"))
    program.deliver(*itertools.starmap(revenue, A_B)).settle()
    found = program.of_month("par_1", "rev")
    assert [found.get(f"2026-0{number}", 0) for number in (1, 2, 3)] == months


def test_example_10_an_override_of_an_override_is_rounded_at_each_step() -> None:
    world = (
        World()
        .partner("par_child", terms(revshare("100")), link="LINKCHIL")
        .partner("par_parent", terms({"type": "override", "id": "net", "levels": [_percent(1, "10", "revshare")]}))
        .partner(
            "par_grand",
            terms(
                {
                    "type": "override",
                    "id": "net",
                    "levels": [_percent(1, "10", "override"), _percent(2, "5", "revshare")],
                }
            ),
            link="LINKGRND",
        )
        .under("par_child", "par_parent")
        .under("par_parent", "par_grand")
    )
    program = Program(world).deliver(registered("c", link="LINKCHIL"), revenue("c", "2026-01-10", "1000.05"))
    program.settle()
    assert program.by_partner() == {"par_child": 100_005, "par_parent": 10_000, "par_grand": 6_000}


def _percent(level: int, percent: str, kind: str) -> dict[str, Any]:
    return {"level": level, "percent": percent, "of": [kind]}


def test_example_12_a_versions_tiers_see_activity_up_to_its_end() -> None:
    world = World().partner("par_1", terms(tiered("retroactive", ("1000.00", "40"), percent="30")))
    world.version("par_1", terms(revshare("50") | {"pooled": True}), "2026-01-16")
    program = Program(world).deliver(
        registered("a"), revenue("a", "2026-01-15", "600.00"), revenue("a", "2026-01-16", "600.00")
    )
    assert program.settle().by_partner() == {"par_1": 48_000}


def test_counter_example_03_a_goal_has_no_latch() -> None:
    goal = {"type": "bonus", "id": "two", "by": "ftd", "goal": "2", "amount": "500.00"}
    for order in itertools.permutations(range(4)):
        program = Program(World().partner("par_1", terms(goal)))
        second = deposited("b", "2026-01-09")
        events = [
            (registered("a"), deposited("a", "2026-01-08")),
            (registered("b"),),
            (second,),
            (an_event("cancel", at("2026-01-20"), client="b", ref=second.event_id),),
        ]
        for number in order:
            program.deliver(*events[number]).settle()
        assert program.by_partner() == {}, order


def test_counter_example_13_a_money_cap_cuts_the_sum() -> None:
    rule = cpa("100.00") | {"caps": [{"per": "month", "amount": "250.00"}]}
    program = Program(World().partner("par_1", terms(rule)))
    for number in range(5):
        client = f"c{number}"
        program.deliver(registered(client), deposited(client, f"2026-01-{20 - number}")).settle()
    # then each late one changes the one amount of the month, and nobody is displaced
    assert [amount for _, amount in program.journals] == [10_000, 10_000, 5_000]
    assert {key.scope for key in program.owed()} == {""}


def test_tiers_of_a_cpa_give_by_place_or_to_all() -> None:
    bands = [{"from": "2", "add": "10.00"}, {"from": "3", "add_percent": "50"}]
    for mode, uplift in (("marginal", 1_000 + 5_000), ("retroactive", 3 * 5_000)):
        rule = cpa("100.00") | {"tiers": {"by": "qftd", "mode": mode, "bands": bands}}
        program = Program(World().partner("par_1", terms(rule)))
        for number in range(3):
            program.deliver(registered(f"c{number}"), deposited(f"c{number}", f"2026-01-{10 + number}"))
        assert program.settle().by_partner() == {"par_1": 30_000 + uplift}, mode


def test_marginal_tiers_of_a_lot_price_each_lot_by_its_band() -> None:
    rule = lot("7.00", tiers={"by": "lots", "mode": "marginal", "bands": [{"from": "10", "add": "1.00"}]})
    program = Program(World().partner("par_1", terms(rule))).deliver(registered("a"), registered("b"))
    program.deliver(
        an_event("trade", at("2026-01-10"), client="a", lots="8", symbol="EURUSD"),
        an_event("trade", at("2026-01-11"), client="b", lots="4", symbol="EURUSD"),
    )
    assert program.settle().by_partner() == {"par_1": 12 * 700 + 2 * 100}


def test_a_goal_with_a_window_is_earned_in_the_month_in_which_it_is_reached() -> None:
    window = {"from": "2026-01-20", "until": "2026-03-31"}
    goal = {"type": "bonus", "id": "own", "by": "ftd", "goal": "2", "amount": "500.00", "window": window}
    program = Program(World().partner("par_1", terms(goal)))
    for number, day in enumerate(("2026-01-19", "2026-01-20", "2026-02-10", "2026-03-01")):
        program.deliver(registered(f"c{number}"), deposited(f"c{number}", day)).settle()
    assert program.of_month("par_1", "own") == {"2026-02": 50_000}


def test_a_change_of_an_early_month_goes_through_to_the_later_ones() -> None:
    rule = revshare("30", "carry") | {"pooled": True}
    program = Program(World().partner("par_1", terms(rule))).deliver(registered("a"))
    program.deliver(revenue("a", "2026-01-10", "100.00"), revenue("a", "2026-02-10", "80.00")).settle()
    program.deliver(revenue("a", "2026-01-20", "-150.00")).settle()
    assert program.of_month("par_1", "rev") == {"2026-02": 900}


def test_a_promotion_goes_before_the_partners_own_price_and_that_before_tiers() -> None:
    rule = tiered("retroactive", ("100.00", "90")) | {
        "own": {"percent": "35"},
        "promotion": {"from": "2026-01-10", "until": "2026-01-10", "percent": "50"},
    }
    program = Program(World().partner("par_1", terms(rule))).deliver(registered("a"))
    program.deliver(revenue("a", "2026-01-10", "100.00"), revenue("a", "2026-01-11", "100.00")).settle()
    assert program.by_partner() == {"par_1": 5_000 + 3_500}


def test_a_place_under_a_cap_has_the_whole_receipt_of_its_client() -> None:
    # given a cap of one client in all, conditions, and deposits in another currency
    rule = cpa("600.00", kyc=True, min_deposit="100.00", within_hours=24)
    rule |= {
        "amounts": [{"countries": ["DE"], "amount": "600.00"}, {"countries": [], "amount": "200.00"}],
        "caps": [{"per": "total", "clients": 1}],
    }
    program = Program(World().partner("par_1", terms(rule)))
    for client, day in (("first", "2026-03-02"), ("second", "2026-03-03")):
        program.deliver(
            registered(client, at("2026-03-01"), country="DE"),
            an_event("kyc", at("2026-03-01 10:00"), client=client),
            an_event("deposit", at(f"{day} 09:00"), client=client, amount="150.00", currency="USD"),
        )
    settled = program.settle().settled["par_1", "2026-03"].targets
    paid, left_out = (
        next(target for key, target in settled.items() if key.scope == client) for client in ("first", "second")
    )
    # then both say which events met which conditions, at which rate
    for target in (paid, left_out):
        assert [each.type for each in target.evidence] == ["registration", "kyc", "deposit"]
        assert [line.step for line in target.lines[:4]] == ["registered", "kyc", "deposited", "qualified"]
        assert [(rate.source, rate.target) for rate in target.used] == [("USD", "EUR")]
    # and one the amount of its country, the other that no place was left
    assert paid.lines[-1] == Line("amount_for_country", "600.00", ("DE",))
    assert left_out.lines[-1] == Line("no_slot", "0.00", ("total", "1", ""))
    # and the entry of the books has them
    journal = settled_journal(Posting(KEY, paid.minor, 0, paid), None, 1_772_700_000_000, 1)
    assert journal.receipt.events == paid.evidence
    assert [rate.source for rate in journal.receipt.rates] == ["USD"]


def test_each_client_of_a_fenced_pool_earns_its_own_loss_back_at_the_percentages_that_were_reached() -> None:
    # given the clients of a pool, each with an old loss of its own
    rule = tiered("retroactive", ("10.00", "30"), negative="carry", fence="0.00")
    program = Program(World().partner("par_1", terms(rule)))
    clients = [f"c{number:03}" for number in range(60)]
    program.deliver(*(registered(client) for client in clients))
    program.deliver(*(revenue(client, "2026-01-10", "-10.00") for client in clients))
    program.deliver(*(revenue(client, "2026-02-10", "30.00") for client in clients)).settle()
    # then each first earns its own loss back: 60 × (30 % of 30.00 − 25 % of 10.00)
    assert program.of_month("par_1", "rev") == {"2026-02": 60 * (900 - 250)}
