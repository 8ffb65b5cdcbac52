"""What the steps of a case ask of the tables, their role allows: by the template's own policy, key by key."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pynamodb.connection.base import Connection

from introducer.domain.case import CaseStatus
from introducer.domain.payout import PayoutStatus
from introducer.store import keys
from introducer_ops.localcloud import expanding
from tests.conftest import Tables
from tests.support import functions
from tests.support.builders import BRAND
from tests.support.case_world import PARTNER, CaseWorld

pytestmark = pytest.mark.in_memory

ROOT = Path(__file__).parents[2]
[POLICY] = expanding.read(ROOT / "template.yaml")["Resources"]["CasesRole"]["Properties"]["Policies"]
Asked = set[tuple[str, str, str]]
"""Actions of DynamoDB with a table and, of writes, a partition key."""


def allows(action: str, table: str, pk: str) -> bool:
    """Whether a statement of the role lets this through, by IAM's rules for one key."""
    for one in POLICY["PolicyDocument"]["Statement"]:
        resources = one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]]
        actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
        if action not in actions or f"{table}Table" not in str(resources):
            continue
        asked = one.get("Condition", {})
        like = asked.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", ["*"])
        unlike = asked.get("ForAllValues:StringNotLike", {}).get("dynamodb:LeadingKeys", [])
        if any(fnmatchcase(pk, each) for each in like) and not any(fnmatchcase(pk, each) for each in unlike):
            return True
    return False


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What is asked of the tables from here on."""
    found: Asked = set()
    dispatch = Connection.dispatch

    def seen(self: Connection, name: str, given: dict[str, Any]) -> Any:
        if name == "TransactWriteItems":
            for each in given["TransactItems"]:
                [(kind, one)] = each.items()
                pk = one["Item" if kind == "Put" else "Key"][keys.PK]["S"]
                action = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
                found.add((f"dynamodb:{action}", one["TableName"].title(), pk))
        elif "TableName" in given:
            pk = given.get("Item", given.get("Key", {})).get(keys.PK, {}).get("S", "")
            found.add((f"dynamodb:{name}", given["TableName"].title(), pk))
        else:
            found.update((f"dynamodb:{name}", table.title(), "") for table in given["RequestItems"])
        return dispatch(self, name, given)

    monkeypatch.setattr(Connection, "dispatch", seen)
    return found


@pytest.mark.parametrize("upheld", [True, False])
def test_all_that_steps_write_their_role_may_write(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, asked: Asked, upheld: bool
) -> None:
    # given a case about money of which some stands in a payout
    world = CaseWorld(tables)
    world.client("c1", "2026-10-05")
    world.client("c2", "2026-12-01")
    world.waiting()
    world.opens("c1", "c2")
    module = functions.load("cases")
    monkeypatch.setattr(module, "books", lambda: world.books)
    monkeypatch.setattr(module, "rulings", lambda: world.rulings)
    monkeypatch.setattr(module, "clock", SimpleNamespace(now=lambda: world.now))
    monkeypatch.setattr(module, "step_functions", lambda: None)
    monkeypatch.setattr(module.workflows, "answer", lambda client, token, output: True)
    by_steps: Asked = set()

    def does(step: str, token: str = "", **given: str) -> Any:
        asked.clear()
        answer = module.handler({"step": step, "given": world.place | given, "token": token}, None)
        by_steps.update(asked)
        return answer

    # when it is walked: asked about, escalated, disallowed, appealed, and decided again
    does("hold_money")
    does("ask_for_verdict", token="t1")
    world.later(days=2)
    does("time_left")
    does("ask_for_verdict", token="t2")
    world.payouts.step(world.payout(PARTNER), PayoutStatus.SET_ASIDE, world.now, reason="on_hold")
    world.later(days=6)
    assert does("escalate")["told"]["holds"] == {"EUR": "200.00"}
    world.decides(disallow=True)
    since = does("carry_out_verdict")["since"]
    assert not does("look_at_engine", since=since)["done"]
    world.follows()
    assert does("look_at_engine", since=since)["done"]
    assert does("free_money", since=since)["stage"] == "may_appeal"
    does("wait_for_appeal", token="t3")
    world.appeals()
    does("ask_for_verdict", token="t4")
    if upheld:
        world.decides_appeal(uphold=True)
    else:
        world.later(days=7)
        does("decide_by_clock")
    since = does("carry_out_verdict")["since"]
    world.follows()
    does("free_money", since=since)
    assert does("close_case")["stage"] == "closed"
    assert world.case().status is (CaseStatus.UPHELD if upheld else CaseStatus.OVERTURNED)

    # then there was nothing that the role forbids, and it was all kinds of things
    assert [each for each in sorted(by_steps) if not allows(*each)] == []
    written = {(table, pk) for action, table, pk in by_steps if action in ("dynamodb:PutItem", "dynamodb:UpdateItem")}
    assert written >= {
        ("Books", keys.partition("case", partner=PARTNER)), ("Books", keys.partition("case_journal", partner=PARTNER)),
        ("Books", keys.partition("balance", partner=PARTNER)), ("Books", keys.partition("hold", partner=PARTNER)),
        ("Books", keys.partition("mail", of=PARTNER)), ("Books", keys.partition("mail", of=BRAND)),
        ("Books", keys.partition("audit", subject=world.case().case)),
        ("Facts", keys.partition("event", brand=BRAND, client="c1")),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("action", "item", "values"),
    [
        ("PutItem", "payout", {"brand": "b", "run": "r", "payout": "p"}),
        ("PutItem", "payout_journal", {"partner": "p", "payout": "x", "step": "1"}),
        ("PutItem", "journal", {"partner": "p", "month": "2026-12", "journal": "j"}),
        ("PutItem", "deal", {"partner": "p", "version": "1"}),
        ("UpdateItem", "hold", {"partner": "p", "hold": "h"}),
        ("PutItem", "case_policy", {"brand": "b"}),
        ("DeleteItem", "case", {"partner": "p", "case": "c"}),
    ],
)
def test_what_is_none_of_their_business_they_may_not_write(action: str, item: str, values: dict[str, str]) -> None:
    assert not allows(f"dynamodb:{action}", "Books", keys.key(item, **values).pk)
