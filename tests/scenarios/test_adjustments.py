"""An adjustment from proposal to reversal, over HTTP, through the real template: two people of the broker's staff."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from introducer.domain.configuration import Role
from introducer.domain.events import day_of, month_of
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, terms
from tests.support.scenario import Scenario, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

JSON = {"Accept": "application/json"}
WHY = "Agreed on the phone: the spring bonus"
BACK = "It was meant for another partner"


@pytest.fixture
def world(stack: Stack) -> Iterator[Scenario]:
    with the_stacks_account(stack):
        yield Scenario(stack, stack.clock.now() - timedelta(days=3))


class Person:
    """Somebody who signed in with the user pool."""

    def __init__(self, world: Scenario, partner: str | None, role: Role) -> None:
        email, password = world.a_login(partner, role)
        answer = world.stack.client("cognito-idp").initiate_auth(
            ClientId=world.stack.outputs["UserPoolClientId"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password},
        )
        self._http = world.http
        self._headers = {**JSON, "Authorization": f"Bearer {answer['AuthenticationResult']['AccessToken']}"}

    def reads(self, path: str) -> Any:
        answer = self._http.get(path, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sends(self, path: str, key: str = "", **fields: Any) -> httpx.Response:
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        return self._http.post(path, json=fields, headers=headers)


def test_two_people_adjust_a_partners_money_and_take_it_back(world: Scenario) -> None:
    # given a partner and the staff that looks after its money
    partner, _ = world.a_partner(terms(cpa("200.00"), days=30))
    owner = Person(world, partner, Role.OWNER)
    manager, finance = Person(world, None, Role.MANAGER), Person(world, None, Role.FINANCE)
    now = world.stack.clock.now()
    day, month = day_of(now + timedelta(days=1)), month_of(now)
    there = f"/desk/partners/{partner}/adjustments"

    # when the manager proposes, and the request comes twice
    wish = {"amount": "-12.50", "currency": "EUR", "earn_month": month, "available_day": day, "why": WHY}
    first, again = (manager.sends(there, "proposal", **wish) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert first.json() == again.json()
    number = first.json()["adjustment"]["adjustment"]

    # then nothing has moved, and the manager may not move it
    assert world.ledger.balance(partner).amounts == {}
    decision = {"version": 1, "verdict": "approve", "why": "Fine"}
    refused = manager.sends(f"{there}/{number}/decision", **decision)
    assert (refused.status_code, refused.json()["code"]) == (403, "decider_role")

    # when finance finds it among what waits, and approves it twice
    [waiting] = finance.reads("/desk/adjustments")["items"]
    assert (waiting["adjustment"], waiting["proposed"]["why"]) == (number, WHY)
    shown = finance.reads(f"{there}/{number}")
    assert [shown[name]["amount"] for name in ("before", "posts", "after")] == ["0.00", "-12.50", "-12.50"]
    for _ in range(2):
        posted = finance.sends(f"{there}/{number}/decision", **decision)
        assert posted.status_code == 200, posted.text
    entry = posted.json()["adjustment"]["journal"]

    # then one journal stands in the books, and the partner reads it with its reason
    assert finance.reads("/desk/adjustments")["items"] == []
    assert world.ledger.balance(partner).amounts == {("EUR", "pending", day): -1_250}
    [listed] = owner.reads(f"/earnings?month={month}")["items"]
    assert (listed["id"], listed["kind"], listed["amount"]["amount"]) == (entry, "adjustment", "-12.50")
    assert WHY in str(owner.reads(f"/earnings/{entry}")["lines"])

    # when finance wants it back, it cannot say so alone; the manager cannot decide; an admin can
    waits = finance.sends(f"{there}/{number}/reversal", why=BACK).json()["adjustment"]
    decision = {"version": waits["version"], "verdict": "approve", "why": "Agreed"}
    assert finance.sends(f"{there}/{number}/decision", **decision).json()["code"] == "same_person"
    admin = Person(world, None, Role.ADMIN)
    gone = admin.sends(f"{there}/{number}/decision", **decision)
    assert gone.json()["adjustment"]["status"] == "reversed", gone.text

    # then the money is where it was, both entries stand, and it is not reversed again
    assert world.ledger.balance(partner).amounts == {("EUR", "pending", day): 0}
    assert [each["kind"] for each in owner.reads(f"/earnings?month={month}")["items"]] == ["reversal", "adjustment"]
    assert admin.sends(f"{there}/{number}/reversal", why=BACK).json()["code"] == "reversed_already"
    trail = [each.action for each in world.configuration.audit_of_subject(partner).items]
    assert trail[:4] == ["approve_reversal", "propose_reversal", "approve_adjustment", "propose_adjustment"]


def test_what_follows_the_facts_is_not_reversed_by_hand(world: Scenario) -> None:
    # given an earning that the engine posted
    partner, code = world.a_partner(terms(cpa("200.00"), days=30))
    client = f"client-{secrets.token_hex(4)}"
    click = world.click_id_of(world.clicks(code))
    # Read after the click: one of a second later than the registration would lead to nothing.
    now = world.stack.clock.now()
    given = {"client_id": client, "occurred_at": rfc3339(now)}
    registration = {"event_id": f"{client}-r", "type": "registration", "click_id": click, "country": "DE"}
    deposit = {"event_id": f"{client}-d", "type": "deposit", "amount": "50.00", "currency": "EUR"}
    world.posts(given | registration, given | deposit)
    world.applied(client, 2)
    admin = Person(world, None, Role.ADMIN)
    [journal] = world.ledger.journals(partner, month_of(now)).items

    # when somebody wants to reverse it
    answer = admin.sends(f"/desk/partners/{partner}/adjustments/{journal.id}/reversal", why=BACK)

    # then they are told why not, and it stays
    assert (answer.status_code, answer.json()["code"]) == (422, "follows_facts")
    assert answer.json()["detail"].startswith("Earnings and clawbacks follow the facts and cannot be reversed")
    assert sum(world.ledger.balance(partner).amounts.values()) == 20_000
