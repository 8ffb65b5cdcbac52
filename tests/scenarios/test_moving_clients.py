"""Staff move a client in the portal, and the books follow: worked example 9 of the engine, over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from introducer.domain.configuration import BEGINNING, Role
from introducer.domain.events import month_of
from introducer_ops.localcloud import LocalCloud, Stack
from introducer_ops.verify import verify_stack
from tests.support.builders import cpa, revshare, terms
from tests.support.scenario import Scenario, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

REVENUE = {"commission": "1"}
P_DEAL = terms(cpa("600.00", kyc=True), revshare("30"), net_revenue=REVENUE)
Q_DEAL = terms(cpa("500.00", kyc=True), revshare("25"), net_revenue=REVENUE)
HOURS = {10: "600.00", 500: "400.00"}
"""Net revenue that the client brings, by hours after the registration."""


@pytest.fixture(name="stack", scope="module")
def _stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    # A cloud of its own: the clock goes on by weeks, and on the shared one other tests leave facts without an engine.
    with LocalCloud.start(tmp_path_factory.mktemp("moving")) as cloud:
        stack = cloud.deploy()
        with the_stacks_account(stack):
            yield stack


@dataclass
class World:
    """Two partners, and a client that registered by a click of the first."""

    scenario: Scenario
    p: str
    q: str
    client: str
    """What the platform calls it."""
    registered: datetime
    manager: dict[str, str]
    """Headers of a manager's program."""

    def earned(self) -> tuple[str, str]:
        """What the books owe P and Q."""
        sums = [sum(self.scenario.ledger.balance(partner).amounts.values()) for partner in (self.p, self.q)]
        return f"{sums[0] / 100:.2f}", f"{sums[1] / 100:.2f}"

    def page(self) -> dict[str, Any]:
        """What the portal says of the client, found by the platform's number for it."""
        found = self.scenario.http.post("/desk/clients", json={"client_id": self.client}, headers=self.manager)
        assert found.status_code == 200, found.text
        answer = self.scenario.http.get(f"/desk/clients/{found.json()['client']}", headers=self.manager)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    def move(self, partner: str, hour: int | None, **headers: str) -> httpx.Response:
        """From an hour after the registration on, or from the beginning."""
        since = {"since": "beginning"} if hour is None else {
            "since": "moment", "starts_at": rfc3339(self.registered + timedelta(hours=hour)),
        }  # fmt: skip
        return self.scenario.http.post(
            f"/desk/clients/{self.page()['client']['client']}",
            json={"partner": partner, "reason": "The click was lost on the way"} | since,
            headers=self.manager | headers,
        )

    def moves(self, partner: str, hour: int | None) -> None:
        """Moves the client, and waits until the books follow."""
        answer = self.move(partner, hour)
        assert answer.status_code == 201, answer.text
        decided = answer.json()["move"]
        eventually("decision in the books", lambda: self.applied(decided))

    def applied(self, decided: str) -> bool:
        return any(item["move"] == decided and item["applied"] for item in self.page()["items"])


@pytest.fixture
def world(stack: Stack) -> World:
    """Three weeks after the registration."""
    scenario = Scenario(stack, stack.clock.now() - timedelta(days=3))
    (p, code), (q, _) = scenario.a_partner(P_DEAL), scenario.a_partner(Q_DEAL, "Redwater Traffic")
    click = scenario.click_id_of(scenario.clicks(code))
    registered = (stack.clock.now() + timedelta(seconds=1)).replace(microsecond=0)
    stack.clock.advance(timedelta(hours=502).total_seconds())
    client = f"client-{secrets.token_hex(4)}"

    def an_event(kind: str, hour: int, **fields: object) -> dict[str, object]:
        when = rfc3339(registered + timedelta(hours=hour))
        return {"event_id": f"{kind}-{hour}", "type": kind, "client_id": client, "occurred_at": when} | fields

    def a_trade(hour: int, commission: str) -> dict[str, object]:
        closed = registered + timedelta(hours=hour)
        times = {"opened_at": rfc3339(closed - timedelta(hours=1)), "closed_at": rfc3339(closed)}
        parts = {"spread": "0", "commission": commission, "swap": "0", "pnl": "0"}
        given = {"account": "1", "currency": "EUR", "lots": "1", "symbol": "EURUSD"}
        return an_event("trade", hour, **given, **parts, **times)

    answer = scenario.posts(
        an_event("registration", 0, click_id=click, country="DE"),
        an_event("kyc", 1, status="approved"),
        an_event("deposit", 2, amount="1000.00", currency="EUR"),
        *(a_trade(hour, amount) for hour, amount in HOURS.items()),
    )
    assert answer.status_code == 202, answer.text
    scenario.applied(client, 5)
    manager = sign_in(scenario, scenario.a_login(None, Role.MANAGER))
    return World(scenario, p, q, client, registered, manager)


def sign_in(scenario: Scenario, login: tuple[str, str]) -> dict[str, str]:
    """Headers of a machine that signed in with the user pool."""
    email, password = login
    answer = scenario.stack.client("cognito-idp").initiate_auth(
        ClientId=scenario.stack.outputs["UserPoolClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    return {"Accept": "application/json", "Authorization": f"Bearer {answer['AuthenticationResult']['AccessToken']}"}


def sound(stack: Stack) -> None:
    """Facts and books agree, counters too."""
    eventually("sound stack", lambda: verify_stack(stack).good)
    report = verify_stack(stack)
    assert report.differences == () and report.waiting == ()


def test_without_a_move_all_of_it_is_the_first_partners(world: World) -> None:
    assert world.earned() == ("900.00", "0.00")
    page = world.page()
    [belonging] = page["client"]["belongs"]
    assert (belonging["partner"], belonging["evidence"]) == (world.p, "click")
    assert [(each["rule"], each["amount"]["amount"]) for each in page["client"]["posted"]] == [
        ("cpa", "600.00"), ("rev", "300.00"),
    ]  # fmt: skip


def test_a_correction_moves_all_of_it(world: World, stack: Stack) -> None:
    world.moves(world.q, None)
    assert world.earned() == ("0.00", "750.00")
    sound(stack)


def test_a_transfer_moves_what_comes_after_it_and_leaves_the_cpa(world: World, stack: Stack) -> None:
    world.moves(world.q, 100)
    assert world.earned() == ("780.00", "100.00")
    belongs = world.page()["client"]["belongs"]
    assert [(each["partner"], each["evidence"]) for each in belongs] == [(world.p, "click"), (world.q, "decision")]
    sound(stack)
    # and what the client brings later is the new partner's too
    stack.clock.advance(timedelta(hours=2).total_seconds())
    now = rfc3339(stack.clock.now())
    trade = {
        "event_id": "later", "type": "trade", "client_id": world.client, "occurred_at": now, "closed_at": now,
        "opened_at": now, "account": "1", "currency": "EUR", "lots": "1", "symbol": "EURUSD", "spread": "0",
        "commission": "40.00", "swap": "0", "pnl": "0",
    }  # fmt: skip
    assert world.scenario.posts(trade).status_code == 202
    world.scenario.applied(world.client, 7)
    assert world.earned() == ("780.00", "110.00")


def test_a_second_move_covers_the_first_from_its_own_beginning_on(world: World, stack: Stack) -> None:
    # given a transfer to Q, and one back that begins before it
    world.moves(world.q, 100)
    world.moves(world.p, 50)
    assert world.earned() == ("900.00", "0.00"), "as if the first had never been"
    # when a correction gives all to Q, and P gets what came last
    world.moves(world.q, None)
    assert world.earned() == ("0.00", "750.00")
    world.moves(world.p, 200)
    # then each later decision counts from its own beginning on
    assert world.earned() == ("120.00", "650.00")
    decisions = world.page()["items"]
    assert [item["partner"] for item in decisions] == [world.p, world.q, world.p, world.q]
    assert [each["why"] for each in decisions] == ["The click was lost on the way"] * 4
    sound(stack)


def test_a_repeated_request_moves_once_and_is_counted_once(world: World, stack: Stack) -> None:
    before = verify_stack(stack)
    first, again = (world.move(world.q, 100, **{"Idempotency-Key": "move-1"}) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    eventually("decision in the books", lambda: world.applied(first.json()["move"]))
    sound(stack)
    after = verify_stack(stack)
    assert after.events == before.events + 1
    [desk] = [each for each in after.intake if each.source == "desk"]
    assert desk.accepted == desk.applied, "what staff decide is counted as a source of its own"


def test_a_finance_person_moves_nobody_and_reads_no_client(world: World) -> None:
    client = world.page()["client"]["client"]
    world.manager = sign_in(world.scenario, world.scenario.a_login(None, Role.FINANCE))
    for answer in (
        world.scenario.http.get(f"/desk/clients/{client}", headers=world.manager),
        world.scenario.http.post("/desk/clients", json={"client_id": world.client}, headers=world.manager),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_your_role")


def test_another_parent_holds_from_next_month_on(world: World, stack: Stack) -> None:
    # given two partners side by side
    path = f"/desk/partners/{world.q}/parent"
    shown = world.scenario.http.get(path, headers=world.manager).json()
    assert shown["parent"] is None
    # when one is put below the other
    [month, *_] = shown["months"]
    wish = {"parent": world.p, "month": month, "reason": "They signed as one network"}
    answer = world.scenario.http.post(path, json=wish, headers=world.manager)
    # then it holds from the first month that has not begun
    assert answer.status_code == 201, answer.text
    assert month > month_of(stack.clock.now())
    history = world.scenario.configuration.parentings(world.q)
    assert [(each.month, each.parent) for each in history] == [(BEGINNING, None), (month, world.p)]
    back = world.scenario.http.post(f"/desk/partners/{world.p}/parent", json=wish | {"parent": world.q},
                                    headers=world.manager)  # fmt: skip
    assert (back.status_code, back.json()["code"]) == (409, "circle")
    sound(stack)
