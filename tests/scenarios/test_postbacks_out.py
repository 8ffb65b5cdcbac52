"""What a client does, through the real template: from the platform's event to the partner's tracker, signed, and seen
in the log."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from introducer.domain import signatures
from introducer.domain.configuration import Role
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, terms
from tests.support.receiver import a_receiver
from tests.support.scenario import Scenario, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud


@pytest.fixture
def world(stack: Stack) -> Iterator[Scenario]:
    with the_stacks_account(stack):
        yield Scenario(stack, stack.clock.now() - timedelta(days=3))


def test_a_first_deposit_is_told_to_the_partners_tracker(world: Scenario) -> None:
    # given a partner whose tracker listens
    partner, code = world.a_partner(terms(cpa("200.00"), days=30))
    owner = signed_in(world, partner)
    with a_receiver() as receiver:
        wish = {
            "name": "Tracker", "url": receiver.url("/p?cid={click_id}&e={event}&s={sub1}&sum={payout}"),
            "events": ["registration", "ftd", "qftd"],
        }  # fmt: skip
        target = owner.post("/postbacks", json=wish).json()["target"]
        secret = owner.post(f"/postbacks/{target}/secret", json={}).json()["secret"]

        # when a visitor of its link becomes a client and pays in
        client = f"client-{secrets.token_hex(4)}"
        click = world.click_id_of(world.clicks(f"{code}?sub1=summer%20%26%20sun"))
        given = {"client_id": client, "occurred_at": rfc3339(world.stack.clock.now())}
        world.posts(
            given | {"event_id": f"{client}-r", "type": "registration", "click_id": click, "country": "DE"},
            given | {"event_id": f"{client}-d", "type": "deposit", "amount": "50.00", "currency": "EUR"},
        )

        # then the tracker hears of each step, with its own values, and the log says so
        rows = eventually("postback in the log", lambda: delivered(owner, target, 3))
    heard = {}
    for request in receiver.requests:
        asked = request.line.removeprefix("GET ").removesuffix(" HTTP/1.1")
        query = {name: values[0] for name, values in parse_qs(urlsplit(asked).query).items()}
        heard[query["e"]] = query
        signatures.check(request.headers["introducer-signature"], asked.encode(), [secret.encode()], datetime.now(UTC))
    assert heard.keys() == {"registration", "ftd", "qftd"}
    assert {(each["cid"], each["s"]) for each in heard.values()} == {(click, "summer & sun")}
    assert heard["qftd"]["sum"] == "200.00"
    assert {(row["status"], row["attempts"][-1]["status"]) for row in rows} == {("delivered", 200)}


def delivered(owner: httpx.Client, target: str, number: int) -> list[dict[str, Any]] | None:
    """The lines of the log, once so many arrived."""
    rows = owner.get(f"/postbacks/{target}").json()["items"]
    return rows if sum(row["status"] == "delivered" for row in rows) >= number else None


def signed_in(world: Scenario, partner: str) -> httpx.Client:
    """An owner's program."""
    email, password = world.a_login(partner, Role.OWNER)
    answer = world.stack.client("cognito-idp").initiate_auth(
        ClientId=world.stack.outputs["UserPoolClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    token = answer["AuthenticationResult"]["AccessToken"]
    world.http.headers.update({"Accept": "application/json", "Authorization": f"Bearer {token}"})
    return world.http
