"""A personal goal from the manager's offer to its amount in the books, and back after a chargeback, all over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Role
from introducer.domain.events import day_of
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, terms
from tests.support.scenario import Scenario, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

DEAL = terms(cpa("100.00", min_deposit="200.00", within_hours=720), days=10)


@pytest.fixture
def scenario(stack: Stack) -> Iterator[Scenario]:
    """A brand of some weeks ago; the stack's clock goes back afterwards."""
    before = stack.clock.offset
    with the_stacks_account(stack):
        try:
            yield Scenario(stack, stack.clock.now() - timedelta(days=40))
        finally:
            stack.clock.set(before)


def sign_in(scenario: Scenario, partner: str | None, role: Role) -> dict[str, str]:
    """Headers of a program of this login."""
    email, password = scenario.a_login(partner, role)
    answer = scenario.stack.client("cognito-idp").initiate_auth(
        ClientId=scenario.stack.outputs["UserPoolClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    return {"Accept": "application/json", "Authorization": f"Bearer {answer['AuthenticationResult']['AccessToken']}"}


def test_a_goal_is_offered_accepted_reached_paid_and_taken_back(scenario: Scenario) -> None:
    http, clock = scenario.http, scenario.stack.clock
    partner, code = scenario.a_partner(DEAL)
    manager, owner = sign_in(scenario, None, Role.MANAGER), sign_in(scenario, partner, Role.OWNER)
    first = clock.now() + timedelta(days=2)

    # given an offer of the manager's
    wish = {
        "by": "qftd", "clients": 2, "first": day_of(first), "last": day_of(first + timedelta(days=9)),
        "amount": "500.00", "currency": "EUR", "note": "Two, and it is yours",
    }  # fmt: skip
    path = f"/desk/partners/{partner}/goals"
    offered = http.post(path, json=wish, headers=manager)
    assert offered.status_code == 201, offered.text
    goal = offered.json()["goal"]
    assert http.post(path, json=wish | {"clients": 0}, headers=manager).json()["code"] == "goal_zero"

    # when the owner reads it and accepts what was read
    [shown] = http.get("/goals", headers=owner).json()["items"]
    assert (shown["phase"], shown["goal"], shown["note"]) == ("offered", goal, "Two, and it is yours")
    read = {"terms_hash": shown["acceptance"]["terms_hash"]}
    accepted = http.post(f"/goals/{goal}/accept", json=read, headers=owner)
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["version"] == 2

    # and on its first day one client qualifies, and then another
    clock.set_to(first.replace(hour=10, minute=0))
    clicked, now = scenario.click_id_of(scenario.clicks(code)), clock.now()
    names = [f"{each}-{secrets.token_hex(4)}" for each in ("one", "two")]

    def event(client: str, kind: str, **fields: object) -> dict[str, Any]:
        said = {"event_id": f"{client}-{kind}", "type": kind, "client_id": client, "occurred_at": rfc3339(now)}
        return said | fields

    def stands(phase: str, earned: int) -> dict[str, Any]:
        """The goal, once the books have so much in all."""
        month = day_of(first)[:7]
        eventually(f"sum of {earned}", lambda: scenario.ledger.balance(partner).earned.get(("EUR", month)) == earned)
        [found] = http.get("/goals", headers=owner).json()["items"]
        assert found["phase"] == phase
        return dict(found)

    for client, phase, earned in zip(names, ("running", "paid"), (10_000, 70_000), strict=True):
        answer = scenario.posts(
            event(client, "registration", click_id=clicked, country="DE"),
            event(client, "deposit", amount="250.00", currency="EUR"),
        )
        assert answer.status_code == 202, answer.text
        found = stands(phase, earned)
    assert (found["counted"], found["missing"], found["days_left"]) == (2, 0, 10)

    # then it is in the books once, with a receipt that says why
    assert found["paid"] == {"amount": "500.00", "currency": "EUR"}
    [entry] = found["entries"]
    receipt = http.get(f"/earnings/{entry['id']}", headers=owner).json()
    assert receipt["entry"]["rule"] == offered.json()["rule"]
    assert (receipt["version"], receipt["target"]["amount"]) == (2, "500.00")
    assert [line["step"] for line in receipt["lines"]] == ["goal", "goal_paid"]

    # and when a deposit is charged back, it is taken back
    back = event(names[0], "chargeback", amount="250.00", currency="EUR", ref=f"{names[0]}-deposit")
    assert scenario.posts(back).status_code == 202
    undone = stands("running", 10_000)
    assert (undone["counted"], undone["paid"]["amount"]) == (1, "0.00")
    assert [(each["kind"], each["amount"]["amount"]) for each in undone["entries"]] == [
        ("earning", "500.00"), ("clawback", "-500.00"),
    ]  # fmt: skip
