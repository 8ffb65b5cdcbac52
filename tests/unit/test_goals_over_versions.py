"""A goal with days of its own over several deal versions: what the engine makes of it, what a proposal must keep."""

from __future__ import annotations

from typing import Any

import pytest

from introducer.domain.deal import DealVersion
from introducer.domain.errors import Invalid
from introducer.domain.events import Event, milliseconds
from introducer.domain.goals_kept import check_goals_kept, opens_before, promised
from introducer.domain.terms import parse_terms
from tests.support.builders import World, an_event, at, cpa, lot, revshare, terms
from tests.support.program import Program
from tests.unit.test_partner_months import deposited, registered, revenue

PARTNER = "par_1"


def a_goal(first: str, last: str, clients: str = "2", amount: str = "500.00", **more: Any) -> dict[str, Any]:
    window = {"from": first, "until": last}
    goal = {"type": "bonus", "id": "goal", "by": "ftd", "goal": clients, "amount": amount, "window": window}
    return goal | more


GOAL = a_goal("2026-01-10", "2026-02-20")
QUALIFIED = a_goal("2026-01-10", "2026-02-20", by="qftd")
PLAIN, WITH_GOAL = terms(cpa("1.00")), terms(cpa("1.00"), GOAL)


def a_program(*versions: tuple[str, dict[str, Any]]) -> Program:
    """The first version since long ago, the others since their days."""
    world = World(rates={"2025-12-31": {"USD": "1.25"}}).partner(PARTNER, PLAIN)
    for since, deal in versions:
        world.version(PARTNER, deal, since)
    return Program(world)


def clients(program: Program, *days: str) -> Program:
    for number, day in enumerate(days):
        program.deliver(registered(f"c{number}"), deposited(f"c{number}", day)).settle()
    return program


# --------------------------------------------------------------------------------------------- what the engine makes


def test_a_version_that_adds_a_goal_pays_it_once_in_the_month_that_reaches_it() -> None:
    program = clients(a_program(("2026-01-10", WITH_GOAL)), "2026-01-09", "2026-01-10", "2026-02-20", "2026-02-20")
    assert program.of_month(PARTNER, "goal") == {"2026-02": 50_000}


@pytest.mark.parametrize("later", [PLAIN, WITH_GOAL, terms(cpa("2.00"), GOAL), terms(cpa("2.00"), currency="USD")])
@pytest.mark.parametrize("day", ["2026-01-11", "2026-02-01", "2026-02-15"])
def test_a_later_version_neither_takes_a_goal_back_nor_pays_it_twice(later: dict[str, Any], day: str) -> None:
    # given a goal that has begun, and then terms with or without it
    program = a_program(("2026-01-10", WITH_GOAL), (day, later))
    clients(program, "2026-01-10", "2026-02-20")
    assert program.of_month(PARTNER, "goal") == {"2026-02": 50_000}


def test_two_versions_before_its_days_pay_it_once_if_the_later_one_keeps_it() -> None:
    program = clients(a_program(("2026-01-05", WITH_GOAL), ("2026-01-10", WITH_GOAL)), "2026-01-10", "2026-01-11")
    assert program.of_month(PARTNER, "goal") == {"2026-01": 50_000}


def test_a_version_before_its_days_that_leaves_it_out_takes_it_away() -> None:
    # which is why a proposal may not (`check_goals_kept`)
    program = clients(a_program(("2026-01-05", WITH_GOAL), ("2026-01-09", PLAIN)), "2026-01-10", "2026-01-11")
    assert program.of_month(PARTNER, "goal") == {}


def test_a_chargeback_takes_the_amount_back_and_another_client_brings_it_again() -> None:
    # given qualified clients, and a goal that two of them reached
    quality = cpa("1.00", min_deposit="100.00", within_hours=24)
    world = World().partner(PARTNER, terms(quality)).version(PARTNER, terms(quality, QUALIFIED), "2026-01-10")
    program = clients(Program(world), "2026-01-12", "2026-01-13")
    first = program.of_month(PARTNER, "goal")

    # when the deposit of one is charged back, and one more qualifies in the next month
    [deposit] = [event for event in program.applied["c1"] if event.type == "deposit"]
    back = {"client": "c1", "amount": "150.00", "ref": deposit.event_id}
    program.deliver(an_event("chargeback", at("2026-02-02"), **back)).settle()
    undone = program.of_month(PARTNER, "goal")
    program.deliver(registered("c9"), deposited("c9", "2026-02-03")).settle()

    # then the goal is undone, and earned for the month that reaches it again
    again = program.of_month(PARTNER, "goal")
    assert (first, undone, again) == ({"2026-01": 50_000}, {}, {"2026-02": 50_000})


RETROACTIVE: dict[str, Any] = {"mode": "retroactive"}
POOLED = revshare("25") | {
    "pooled": True,
    "tiers": RETROACTIVE | {"by": "net_revenue", "bands": [{"from": "100.00", "percent": "30"}]},
}
LOTS = lot("7.00", tiers=RETROACTIVE | {"by": "lots", "bands": [{"from": "10", "add": "1.00"}]})


def traded(day: str) -> Event:
    return an_event("trade", at(day), client="a", lots="6", symbol="EURUSD", spread="60.00")


@pytest.mark.parametrize(("rule", "owed"), [(POOLED, 120_00 * 30 // 100), (LOTS, 12 * (700 + 100))])
def test_a_goal_in_the_middle_of_a_month_splits_no_tiers(rule: dict[str, Any], owed: int) -> None:
    # given a month whose halves reach the tier together, under one version and under one more for a goal
    for versions in ((), ("2026-01-16",), ("2026-01-16", "2026-01-18")):
        world = World().partner(PARTNER, terms(rule))
        for since in versions:
            world.version(PARTNER, terms(rule, a_goal("2026-01-20", "2026-01-31", id=f"goal_{since[-2:]}")), since)
        program = Program(world).deliver(registered("a"), traded("2026-01-10"), traded("2026-01-20"))
        # then all of it is paid by the tier
        assert program.settle().of_month(PARTNER, rule["id"]) == {"2026-01": owed}, versions


def test_terms_that_were_never_in_force_split_nothing_either() -> None:
    # given other terms for a day that a goal on top of the old ones overtook
    rule = LOTS | {"tiers": RETROACTIVE | {"by": "qftd", "bands": [{"from": "1", "add": "1.00"}]}}
    world = World().partner(PARTNER, terms(cpa(), rule)).version(PARTNER, terms(revshare("5")), "2026-01-16")
    world.version(PARTNER, terms(cpa(), rule, a_goal("2026-01-20", "2026-01-31")), "2026-01-16")
    program = Program(world).deliver(registered("a"), traded("2026-01-10"), deposited("a", "2026-01-18")).settle()
    assert program.of_month(PARTNER, "lot") == {"2026-01": 6 * (700 + 100)}


def test_other_terms_in_the_middle_of_a_month_still_do() -> None:
    changed = terms(POOLED, ftd_minimum="1.00")
    world = World().partner(PARTNER, terms(POOLED)).version(PARTNER, changed, "2026-01-16")
    program = Program(world).deliver(registered("a"))
    program.deliver(revenue("a", "2026-01-10", "60.00"), revenue("a", "2026-01-20", "60.00")).settle()
    assert program.of_month(PARTNER, "rev") == {"2026-01": 1_500 + 1_800}


# ------------------------------------------------------------------------------------------- what a proposal must keep


def accepted(*versions: tuple[str, dict[str, Any]]) -> list[DealVersion]:
    return [
        DealVersion(PARTNER, number, milliseconds(at(since)), parse_terms(deal))
        for number, (since, deal) in enumerate(versions, 1)
    ]


def refusal(deal: dict[str, Any], begins: str, *versions: tuple[str, dict[str, Any]]) -> str | None:
    known, begins_ms = accepted(*versions), milliseconds(at(begins))
    try:
        check_goals_kept(parse_terms(deal), begins_ms, known)
    except Invalid as error:
        return error.code
    opened = opens_before(parse_terms(deal), begins_ms, known)
    return f"opens {opened}" if opened else None


@pytest.mark.parametrize(
    ("deal", "begins", "code"),
    [
        # before its days it is kept as it is
        (WITH_GOAL, "2026-01-09", None),
        (terms(cpa("9.00"), revshare("5"), GOAL), "2026-01-10", None),
        (PLAIN, "2026-01-09", "goal_dropped"),
        (PLAIN, "2026-01-10", "goal_dropped"),
        (terms(cpa("1.00"), a_goal("2026-01-10", "2026-02-20", amount="400.00")), "2026-01-09", "goal_dropped"),
        (terms(cpa("1.00"), a_goal("2026-01-10", "2026-02-20", clients="3")), "2026-01-09", "goal_dropped"),
        (terms(cpa("1.00"), GOAL, currency="USD"), "2026-01-09", "goal_dropped"),
        # once they have begun, it may be repeated as it is, or left out
        (PLAIN, "2026-01-11", None),
        (WITH_GOAL, "2026-01-11", None),
        (WITH_GOAL, "2026-03-01", None),
        (terms(cpa("1.00"), a_goal("2026-01-10", "2026-02-20", amount="9.00")), "2026-01-11", "opens 2026-01-10"),
        (terms(cpa("1.00"), GOAL, currency="USD"), "2026-01-11", "opens 2026-01-10"),
        (terms(cpa("1.00"), a_goal("2026-01-10", "2026-02-20", id="other")), "2026-01-11", "opens 2026-01-10"),
    ],
)
def test_what_later_terms_may_do_to_a_goal_that_was_accepted(deal: Any, begins: str, code: str | None) -> None:
    assert refusal(deal, begins, ("2020-01-01", PLAIN), ("2026-01-05", WITH_GOAL)) == code


def test_while_qualified_clients_count_something_says_who_they_are() -> None:
    known = (("2026-01-05", terms(cpa("1.00"), QUALIFIED)),)
    without = terms(revshare("30"))
    assert refusal(without, "2026-02-20", *known) == "goal_not_counted"
    assert refusal(without, "2026-02-21", *known) is None
    assert refusal(terms(cpa("9.00")), "2026-02-20", *known) is None


def test_a_goal_that_was_dropped_before_such_was_refused_stays_so() -> None:
    known = accepted(("2026-01-05", WITH_GOAL), ("2026-01-08", PLAIN))
    assert list(promised(known)) == []
    assert refusal(PLAIN, "2026-01-09", ("2026-01-05", WITH_GOAL), ("2026-01-08", PLAIN)) is None
