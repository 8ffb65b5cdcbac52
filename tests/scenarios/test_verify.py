"""`introducer verify` on the real stack: sound after a day's work; damage behind the engine's back is named."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from introducer.services.verify.report import Report
from introducer_ops import verify as command
from introducer_ops.localcloud import LocalCloud, Stack
from introducer_ops.verify import verify_stack
from tests.support.builders import cpa, lot, revshare, terms
from tests.support.scenario import Scenario, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

DEAL = terms(
    cpa("200.00", kyc=True, min_deposit="100.00", within_hours=720),
    revshare("30"),
    lot("2.00"),
    days=30,
    net_revenue={"commission": "1"},
)
app = typer.Typer()
app.callback()(lambda: None)
command.register(app)

CRAWLER = "Googlebot/2.1 (+http://www.google.com/bot.html)"


@dataclass
class World:
    """Two partners with a client each, and everything that belongs to one of them."""

    stack: Stack
    scenario: Scenario
    partner: str
    client: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    # A cloud of its own: on the shared one other tests leave facts that no engine is meant to apply.
    with LocalCloud.start(tmp_path_factory.mktemp("verify")) as cloud:
        stack = cloud.deploy()
        with the_stacks_account(stack):
            scenario = Scenario(stack, stack.clock.now() - timedelta(days=3))
            partners = [scenario.a_partner(DEAL), scenario.a_partner(DEAL, "Redwater Traffic")]
            clients = [a_days_work(scenario, code) for _, code in partners]
            eventually("quiet and sound stack", lambda: verify_stack(stack).good)
            for function in ("EngineFunction", "RollupFunction"):
                # They must neither repair nor count what the tests plant.
                stack.mapping(function).disable()
            yield World(stack, scenario, partners[0][0], scenario.client_key(clients[0]))


def a_days_work(scenario: Scenario, code: str) -> str:
    """Clicks, and a client with eight events of which one undoes another; the platform's name of the client."""
    click = scenario.click_id_of(scenario.clicks(code))
    scenario.clicks(code, agent=CRAWLER)
    client, now = f"client-{secrets.token_hex(4)}", scenario.stack.clock.now()

    def an_event(kind: str, name: str, **fields: object) -> dict[str, object]:
        return {"event_id": f"{client}-{name}", "type": kind, "client_id": client, "occurred_at": rfc3339(now)} | fields

    def a_trade(name: str) -> dict[str, object]:
        return an_event(
            "trade",
            name,
            account="1",
            currency="EUR",
            lots="1.50",
            symbol="EURUSD",
            spread="0",
            commission="12.50",
            swap="0",
            pnl="-20.00",
            opened_at=rfc3339(now - timedelta(hours=1)),
            closed_at=rfc3339(now),
        )

    scenario.posts(a_trade("t1"), a_trade("t2"), a_trade("t3"))
    scenario.posts(
        an_event("registration", "r", click_id=click, country="DE"),
        an_event("kyc", "k", status="approved"),
        an_event("deposit", "d", amount="250.00", currency="EUR"),
    )
    scenario.applied(client, 6)
    scenario.posts(an_event("cancel", "undo", ref=f"{client}-t2"), an_event("bonus_claimed", "b"))
    scenario.posts(an_event("withdrawal", "w", amount="40.00", currency="EUR"))
    scenario.applied(client, 8)
    return client


def run(world: World, *arguments: str) -> tuple[int, str]:
    """The command: its exit code and what it printed."""
    result = CliRunner().invoke(app, ["verify", "--state-dir", str(world.stack.state_dir), *arguments])
    return result.exit_code, result.stdout


def test_a_days_work_is_sound_and_complete(world: World) -> None:
    # when
    told: list[tuple[str, int]] = []
    report = verify_stack(world.stack, progress=lambda table, items: told.append((table, items)))
    # then
    assert report.differences == ()
    assert (report.events, report.applied, report.quarantined, report.moved) == (16, 16, 2, 0)
    assert (report.clicks, report.flagged, report.clients) == (4, 2, 2)
    # 200.00 of cpa, 30 % of 25.00 and three lots, for each of two partners
    assert report.sums == {"EUR": 2 * (20_000 + 750 + 600)}
    assert [(each.source, each.accepted, each.applied) for each in report.intake] == [(world.scenario.source, 16, 16)]
    assert [table for table, _ in told][-1] == "FACTS"


def test_the_command_prints_figures_and_hash_and_exits_with_zero(world: World) -> None:
    code, text = run(world)
    assert code == 0
    assert verify_stack(world.stack).state_hash in text
    assert "16 accepted, 16 applied" in text
    assert "No difference" in text


def test_no_cloud_and_no_tables_exit_with_two(world: World, tmp_path: Any) -> None:
    assert CliRunner().invoke(app, ["verify", "--state-dir", str(tmp_path)]).exit_code == 2
    assert CliRunner().invoke(app, ["verify", "--facts-table", "facts"]).exit_code == 2
    outputs = world.stack.outputs
    missing = ["--facts-table", "nowhere", "--books-table", outputs["BooksTableName"], "--click-key-secret"]
    assert CliRunner().invoke(app, ["verify", *missing, outputs["ClickKeySecretName"]]).exit_code == 2


def test_tables_can_be_named(world: World) -> None:
    outputs = world.stack.outputs
    named = ["--facts-table", outputs["FactsTableName"], "--books-table", outputs["BooksTableName"]]
    result = CliRunner().invoke(app, ["verify", *named, "--click-key-secret", outputs["ClickKeySecretName"], "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["sums"] == {"EUR": "427.00"}


# ------------------------------------------------------------------------------------------------------------- damage


def an_item(world: World, table: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first item like this, in DynamoDB's own form."""
    pages = world.stack.client("dynamodb").get_paginator("scan").paginate(TableName=world.stack.outputs[table])
    return next(item for page in pages for item in page["Items"] if wanted(item))


def under(world: World, pk: str, sk: str = "") -> Callable[[dict[str, Any]], bool]:
    return lambda item: item["pk"]["S"].startswith(pk) and sk in item["sk"]["S"]


def plus_one(item: dict[str, Any], name: str) -> None:
    item[name] = {"N": str(int(item[name]["N"]) + 1)}


def a_journal(world: World) -> tuple[str, dict[str, Any]]:
    return "BooksTableName", an_item(world, "BooksTableName", under(world, f"P#{world.partner}#J#"))


def the_balance(world: World) -> tuple[str, dict[str, Any]]:
    return "BooksTableName", an_item(world, "BooksTableName", under(world, f"P#{world.partner}", "balance"))


def an_event_counter(world: World) -> tuple[str, dict[str, Any]]:
    counters = under(world, f"P#{world.partner}#N#", "#events#")
    return "BooksTableName", an_item(world, "BooksTableName", lambda item: counters(item) and "ftd" in item)


def a_click_counter(world: World) -> tuple[str, dict[str, Any]]:
    return "BooksTableName", an_item(world, "BooksTableName", under(world, f"P#{world.partner}#N#", "#clicks#"))


def the_state(world: World) -> tuple[str, dict[str, Any]]:
    return "BooksTableName", an_item(world, "BooksTableName", under(world, f"U#{world.scenario.brand}#{world.client}"))


def a_trade_event(world: World) -> tuple[str, dict[str, Any]]:
    return "FactsTableName", an_item(
        world, "FactsTableName", under(world, f"E#{world.scenario.brand}#{world.client}", "-t3")
    )


def changed_amount(item: dict[str, Any]) -> None:
    plus_one(item, "amount")


def changed_balance(item: dict[str, Any]) -> None:
    plus_one(item, next(name for name in item if ".pending." in name))


def changed_posting(item: dict[str, Any]) -> None:
    fold = json.loads(item["fold"]["S"])
    fold["posted"][0][-1][0][-1] += 1
    item["fold"] = {"S": json.dumps(fold)}


def changed_legs(item: dict[str, Any]) -> None:
    legs = json.loads(item["legs"]["S"])
    legs[1][1] += 1
    item["legs"] = {"S": json.dumps(legs)}


DAMAGES: dict[str, tuple[Callable[[World], Any], Callable[[dict[str, Any]], None], set[str]]] = {
    "a journal's amount": (a_journal, changed_amount, {"journal", "journal_sum", "balance"}),
    "a journal's legs": (a_journal, changed_legs, {"journal"}),
    "a balance": (the_balance, changed_balance, {"balance"}),
    "an event counter": (an_event_counter, lambda item: plus_one(item, "ftd"), {"event_count"}),
    "a click counter": (a_click_counter, lambda item: plus_one(item, "clicks"), {"click_count"}),
    "a posted value": (the_state, changed_posting, {"posted"}),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_changed_item_is_named(world: World, name: str) -> None:
    find, change, kinds = DAMAGES[name]
    # given
    table, item = find(world)
    # when it is changed without the engine
    with_change = dict(item)
    change(with_change)
    found = verified_with(world, table, item, with_change)
    # then that, and nothing else, is named, with the item's own key
    assert {str(each.kind) for each in found.differences} == kinds
    place = f"BOOKS {item['pk']['S']} / {item['sk']['S']}"
    assert place in {each.where for each in found.differences}


def test_a_deleted_state_is_named(world: World) -> None:
    table, item = the_state(world)
    found = verified_with(world, table, item, None)
    assert [(str(each.kind), each.what) for each in found.differences] == [
        ("client_missing", f"client {world.client}: its state")
    ]


def test_a_lost_event_is_named_by_what_it_left_in_the_books(world: World) -> None:
    # given a trade that is gone, and a counter of the intake that still knows of it
    table, item = a_trade_event(world)
    found = verified_with(world, table, item, None)
    kinds = {str(each.kind) for each in found.differences}
    assert kinds == {"client_state", "target", "event_count", "intake"}
    # and no difference is about the other client
    assert all(
        world.client in each.what or world.partner in each.what or world.scenario.source in each.what
        for each in found.differences
    )


def test_a_difference_is_printed_and_the_command_exits_with_one(world: World) -> None:
    table, item = the_balance(world)
    damaged = dict(item)
    changed_balance(damaged)
    with damage(world, table, item, damaged):
        code, text = run(world, "--json")
        shown, printed = run(world)
    assert code == shown == 1
    (difference,) = json.loads(text)["differences"]
    assert difference["kind"] == "balance"
    assert difference["where"] == f"BOOKS P#{world.partner} / balance"
    assert f"BOOKS P#{world.partner} / balance" in printed
    assert "1 difference" in printed


def verified_with(world: World, table: str, item: dict[str, Any], other: dict[str, Any] | None) -> Report:
    with damage(world, table, item, other):
        return verify_stack(world.stack)


@contextmanager
def damage(world: World, table: str, item: dict[str, Any], other: dict[str, Any] | None) -> Iterator[None]:
    """Another item, or none, in an item's place for a while."""
    client, name = world.stack.client("dynamodb"), world.stack.outputs[table]
    if other is None:
        client.delete_item(TableName=name, Key={part: item[part] for part in ("pk", "sk")})
    else:
        client.put_item(TableName=name, Item=other)
    try:
        yield
    finally:
        client.put_item(TableName=name, Item=item)
