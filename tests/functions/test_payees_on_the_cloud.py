"""The deployed portal, with its own role: it seals an account, and documents go to the deployed bucket and back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from introducer.domain.configuration import Role
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, terms
from tests.support.scenario import Scenario, the_stacks_account

pytestmark = pytest.mark.cloud


def test_the_deployed_portal_takes_an_account_and_documents(stack: Stack) -> None:
    with the_stacks_account(stack):
        world = Scenario(stack, stack.clock.now() - timedelta(days=3))
        partner, _ = world.a_partner(terms(cpa("200.00")))
        email, password = world.a_login(partner, Role.OWNER)

        # given a program of the partner's
        headers = {"Accept": "application/json"}
        entered = world.http.post("/sign-in", json={"email": email, "password": password}, headers=headers)
        headers["Authorization"] = f"Bearer {entered.json()['access_token']}"

        def ask(method: str, path: str, **given: Any) -> httpx.Response:
            return world.http.request(method, path, headers=headers, **given)

        # when it says where it is paid, and hands in documents
        wish = {"rail": "sepa", "version": 0, "currency": "EUR", "holder": "R. Vale", "iban": "DE89370400440532013000"}
        paid = ask("POST", "/settings/payment", json=wish)
        forms = ask("GET", "/settings/verification").json()["forms"]
        sent = [
            httpx.post(forms[kind]["url"], data=forms[kind]["fields"], files={"file": (kind, b"%PDF-1.7")})
            for kind in ("identity", "address")
        ]
        handed_in = ask("POST", "/settings/verification", json={"version": 0})

        # then both were taken
        assert (paid.status_code, paid.json()["masked"]) == (201, "DE•• •••• 3000"), paid.text
        assert [each.status_code for each in sent] == [303, 303], sent[0].text
        assert sent[0].headers["location"].partition("?")[0].endswith("/settings/verification")
        assert handed_in.status_code == 200, handed_in.text
        assert {each["kind"] for each in handed_in.json()["documents"]} == {"identity", "address"}
