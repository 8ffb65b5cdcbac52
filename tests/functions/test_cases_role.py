"""What scoring and the steps of a case ask of the tables, their roles allow: by the template's policies, key by key."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from introducer.domain.case import CaseStatus
from introducer.domain.payout import PayoutStatus
from introducer.services.score_partner import Sight
from introducer.store import keys
from introducer.store.account_holders import AccountHolders
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.person_index import PersonIndex
from introducer.store.results import Results
from introducer.store.scorings import Scorings
from introducer.store.traces import Traces
from introducer.store.traffic import TrafficStore
from tests.conftest import Tables
from tests.support import functions
from tests.support.builders import BRAND
from tests.support.case_world import PARTNER, CaseWorld, a_finding
from tests.support.roles import Asked, allows, watched, written

pytestmark = pytest.mark.in_memory


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return watched(monkeypatch)


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
    assert [each for each in sorted(by_steps) if not allows("CasesRole", *each)] == []
    assert written(by_steps) >= {
        ("Books", keys.partition("case", partner=PARTNER)), ("Books", keys.partition("case_journal", partner=PARTNER)),
        ("Books", keys.partition("balance", partner=PARTNER)), ("Books", keys.partition("hold", partner=PARTNER)),
        ("Books", keys.partition("mail", of=PARTNER)), ("Books", keys.partition("mail", of=BRAND)),
        ("Books", keys.partition("audit", subject=world.case().case)),
        ("Facts", keys.partition("event", brand=BRAND, client="c1")),
    }  # fmt: skip


def test_all_that_scoring_writes_its_role_may_write(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    # given a partner with money in a payout, and a detector that finds something about its clients
    world = CaseWorld(tables)
    world.client("c1", "2026-10-05")
    world.waiting()
    module = functions.load("scoring")
    score = "introducer.services.score_partner.registry.score"
    monkeypatch.setattr(module, "books", lambda: world.books)
    monkeypatch.setattr(module, "sight", lambda: a_sight(tables))
    monkeypatch.setattr(module, "start", world.start)
    monkeypatch.setattr(module, "clock", SimpleNamespace(now=lambda: world.now, elapsed=lambda: 0.0))
    asked.clear()

    # when it is scored: a case is opened, joined, and its money held as it comes back
    for found in ((a_finding("c1"),), (a_finding("c1", detector="self_referral"),), ()):
        monkeypatch.setattr(score, lambda seen, found=found: found)
        body = json.dumps({"partner": PARTNER, "clients": ["c1"]})
        assert module.handler({"Records": [{"messageId": "m", "body": body}]}, None) == {"batchItemFailures": []}
    world_asked = set(asked)

    # then there was nothing that the role forbids, and a case was opened with its hold
    assert world.case().detectors == ("registration_cluster", "self_referral")
    assert world.case().stop
    assert [each for each in sorted(world_asked) if not allows("ScoringRole", *each)] == []
    partitions = {pk for _, pk in written(world_asked)}
    names = ("case", "hold", "balance", "scoring")
    assert partitions >= {keys.partition(name, partner=PARTNER) for name in names}
    assert keys.partition("traffic", brand=BRAND) in partitions


def a_sight(tables: Tables) -> Sight:
    books = tables.books
    return Sight(
        traces=Traces(books),
        traffic=TrafficStore(books),
        results=Results(books),
        persons=PersonIndex(books),
        holders=AccountHolders(books),
        profiles=PaymentProfiles(books),
        scorings=Scorings(books),
    )


@pytest.mark.parametrize("role", ["CasesRole", "ScoringRole"])
@pytest.mark.parametrize(
    ("action", "item", "values"),
    [
        ("PutItem", "payout", {"brand": "b", "run": "r", "payout": "p"}),
        ("PutItem", "payout_journal", {"partner": "p", "payout": "x", "step": "1"}),
        ("PutItem", "journal", {"partner": "p", "month": "2026-12", "journal": "j"}),
        ("PutItem", "deal", {"partner": "p", "version": "1"}),
        ("UpdateItem", "hold", {"partner": "p", "hold": "h"}),
        ("PutItem", "case_policy", {"brand": "b"}),
        ("PutItem", "payment_profile", {"partner": "p"}),
        ("PutItem", "partner", {"partner": "p"}),
        ("DeleteItem", "case", {"partner": "p", "case": "c"}),
    ],
)
def test_what_is_none_of_their_business_they_may_not_write(
    role: str, action: str, item: str, values: dict[str, str]
) -> None:
    assert not allows(role, f"dynamodb:{action}", "Books", keys.key(item, **values).pk)
