"""Books in which cases hold money are sound; whatever is damaged in them is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from introducer.domain.payout import PayoutStatus
from introducer.services.verify.books_side import BooksSide
from introducer.services.verify.report import Kind
from introducer.services.verify_books import _balances
from introducer.store import keys
from introducer.store.scans import Scans, Stored
from tests.conftest import Tables
from tests.support.case_world import PARTNER, CaseWorld

pytestmark = pytest.mark.in_memory

Damage = Callable[[dict[str, list[dict[str, Any]]]], None]


@pytest.fixture
def world(tables: Tables) -> CaseWorld:
    """A case that was disallowed and carried out; one that is open, holds money and stops a payout."""
    world = CaseWorld(tables)
    for client, day in (("c1", "2026-10-05"), ("c2", "2026-10-06"), ("c3", "2026-11-07"), ("c4", "2026-12-01")):
        world.client(client, day)
    world.opens("c1")
    world.decides(disallow=True)
    world.carries_out()
    world.waiting()
    world.opens("c2", "c4")
    return world


def found(world: CaseWorld, damage: Damage = lambda items: None) -> list[tuple[Kind, str]]:
    """The differences in what stands in the tables, once this is damaged; without those of payouts."""
    items: dict[str, list[dict[str, Any]]] = {}
    stored = list(Scans(world.tables.client, facts=world.tables.facts, books=world.tables.books).books())
    for each in stored:
        items.setdefault(each.kind, []).append(dict(each.item))
    damage(items)
    side = BooksSide()
    for kind, those in items.items():
        for item in those:
            side.take(Stored(kind, item))
    side.finish()
    differences = [*side.differences, *side.cases.differences(side.balances), *_balances(side)]
    return [(each.kind, each.what.replace(world.case().case, "the case")) for each in differences]


def the_open(items: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return next(item for item in items["case"] if item["status"] == "open")


def test_what_cases_hold_is_what_their_journals_and_the_balance_say(world: CaseWorld) -> None:
    assert world.case().stop
    assert world.money_of()["held"] == 100_00
    assert found(world) == []


def test_so_it_is_when_the_payout_came_back_and_all_is_held(world: CaseWorld) -> None:
    world.payouts.step(world.payout(PARTNER), PayoutStatus.SET_ASIDE, world.now, reason="on_hold")
    world.tops_up()
    assert found(world) == []


def _loses_a_journal(items: dict[str, list[dict[str, Any]]]) -> None:
    items["case_journal"] = [
        item for item in items["case_journal"] if not item[keys.SK].startswith(the_open(items)[keys.SK])
    ]


def _holds_more(items: dict[str, list[dict[str, Any]]]) -> None:
    case = the_open(items)
    case["held"] = json.dumps([["EUR", "2026-12-21", 150_00]])


def _balance_holds_more(items: dict[str, list[dict[str, Any]]]) -> None:
    [balance] = [item for item in items["balance"] if item[keys.PK] == keys.partition("balance", partner=PARTNER)]
    balance["EUR.held"] += 1


def _forgets_the_case(items: dict[str, list[dict[str, Any]]]) -> None:
    items["case"].remove(the_open(items))


def _hold_was_released(items: dict[str, list[dict[str, Any]]]) -> None:
    items["hold"][0]["released_at"] = 1


def _forgets_the_hold(items: dict[str, list[dict[str, Any]]]) -> None:
    the_open(items)["stop"] = ""


def _scoring_forgets(items: dict[str, list[dict[str, Any]]]) -> None:
    del items["scoring"][0]["open_case"]


def _holds_after_its_verdict(items: dict[str, list[dict[str, Any]]]) -> None:
    the_open(items)["freed_at"] = 1


def _legs_do_not_balance(items: dict[str, list[dict[str, Any]]]) -> None:
    items["case_journal"][-1]["legs"] = json.dumps([["pending.2026-12-21", -1], ["held", 2]])


def _cannot_be_read(items: dict[str, list[dict[str, Any]]]) -> None:
    del the_open(items)["held"]


@pytest.mark.parametrize(
    ("damage", "kind", "says"),
    [
        (_loses_a_journal, Kind.CASE, "its journals"),
        (_holds_more, Kind.CASE, "held of EUR of 2026-12-21"),
        (_balance_holds_more, Kind.CASE, "EUR.held: what its cases hold"),
        (_balance_holds_more, Kind.BALANCE, "EUR.held"),
        (_forgets_the_case, Kind.CASE, "the case of its journals"),
        (_hold_was_released, Kind.CASE, "its hold on payouts"),
        (_forgets_the_hold, Kind.HOLD, "the case that placed it"),
        (_scoring_forgets, Kind.CASE, "the case that is open"),
        (_holds_after_its_verdict, Kind.CASE, "held after its verdict was carried out"),
        (_legs_do_not_balance, Kind.JOURNAL, "sum of its legs"),
        (_cannot_be_read, Kind.UNREADABLE, ""),
    ],
)
def test_what_is_damaged_is_named(world: CaseWorld, damage: Damage, kind: Kind, says: str) -> None:
    assert any(each is kind and says in what for each, what in found(world, damage)), found(world, damage)
