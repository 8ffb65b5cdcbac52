"""What a platform answers, and what it puts into the bucket, through the real template: to the partner's earnings."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from introducer.domain.configuration import Role
from introducer.domain.source_file import BEGINNING
from introducer.gateways.source_files import SourceBucket
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, lot, terms
from tests.support.receiver import a_receiver, answers
from tests.support.scenario import Scenario, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud


@pytest.fixture
def world(stack: Stack) -> Iterator[Scenario]:
    with the_stacks_account(stack):
        yield Scenario(stack, stack.clock.now() - timedelta(days=3))


def an_admin(world: Scenario) -> httpx.Client:
    """The API as an admin of the brand has it."""
    email, password = world.a_login(None, Role.ADMIN)
    answer = world.stack.client("cognito-idp").initiate_auth(
        ClientId=world.stack.outputs["UserPoolClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    token = answer["AuthenticationResult"]["AccessToken"]
    world.http.headers.update({"Accept": "application/json", "Authorization": f"Bearer {token}"})
    return world.http


def test_deposits_that_are_fetched_and_trades_of_a_file_become_the_partners_earnings(world: Scenario) -> None:
    # given a partner of whom a visitor came, and a bridge that answers with the registration and a deposit
    _, code = world.a_partner(terms(cpa("200.00", min_deposit="100.00", within_hours=720), lot("2.00"), days=30))
    click = world.click_id_of(world.clicks(code))
    now, client = world.stack.clock.now(), f"client-{secrets.token_hex(4)}"
    said = {"client_id": client, "occurred_at": rfc3339(now)}
    rows = [
        said | {"event_id": "r-1", "type": "registration", "click_id": click, "country": "DE"},
        said | {"event_id": "d-1", "type": "deposit", "amount": "250.00", "currency": "EUR"},
        said | {"event_id": "d-2", "type": "deposit", "amount": "a lot", "currency": "EUR"},
    ]
    admin, name = an_admin(world), f"f{secrets.token_hex(5)}"
    with a_receiver(answers(200, json.dumps(rows).encode())) as bridge:
        settings = {
            "url": bridge.url("/events?from={from_unix}"), "auth": "bearer", "since": now.date().isoformat(),
            "window_minutes": 2880,
        }  # fmt: skip
        made = admin.post("/desk/sources", json={"source": name, "dialect": "json", "settings": settings})
        assert made.status_code == 200, made.text
        # when the schedule comes before the platform's token is kept, and then a person asks once more
        world.stack.invoke("PullFunction", {})
        failed = eventually("failure", lambda: shown(admin, name)["pull"]["failures"] and shown(admin, name))
        assert (failed["pull"]["error"], failed["needs_person"], bridge.requests) == ("no_token", True, [])
        assert admin.post(f"/desk/sources/{name}/token", json={"token": "their-token"}).status_code == 200
        assert admin.post(f"/desk/sources/{name}/pull", json={}).status_code == 200
        pulled = eventually("page", lambda: shown(admin, name)["pull"]["caught_up"] and shown(admin, name))
        assert bridge.requests[0].headers["authorization"] == "Bearer their-token"
    assert (pulled["pull"]["counts"]["accepted"], pulled["pull"]["counts"]["quarantined"]) == (2, 1)
    world.applied(client, 2)

    # and a file with a trade is put into the bucket
    trade = said | {
        "event_id": "t-1", "type": "trade", "closed_at": rfc3339(now), "opened_at": rfc3339(now - timedelta(hours=1)),
        "currency": "EUR", "lots": "1.50", "symbol": "EURUSD", "spread": "12.00",
    }  # fmt: skip
    bucket = SourceBucket(world.stack.client("s3"), world.stack.outputs["SourceFilesBucketName"])
    bucket.put(f"{BEGINNING}{name}/trades & more.ndjson", "\n".join([json.dumps(trade), "{broken"]).encode())
    [file] = eventually("file", lambda: [each for each in shown(admin, name)["items"] if each["status"] == "done"])
    assert (file["name"], file["counts"]["accepted"], file["counts"]["quarantined"]) == ("trades & more.ndjson", 1, 1)
    world.applied(client, 3)
    state = world.clients.state(world.brand, world.client_key(client))
    assert state is not None
    assert {key.rule: amount for key, amount in state.posted.items()} == {"cpa": 20_000, "lot": 300}


def shown(admin: httpx.Client, name: str) -> dict[str, Any]:
    """The source as the desk shows it."""
    found: dict[str, Any] = admin.get(f"/desk/sources/{name}").json()
    return found
