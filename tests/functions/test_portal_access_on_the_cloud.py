"""Teams and API keys on the deployed portal: the user pool itself lets people in and out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from introducer.domain.configuration import Role
from introducer_ops.localcloud import Stack
from tests.functions.test_portal_on_the_cloud import Visitor, field
from tests.support.builders import cpa, terms
from tests.support.scenario import Scenario, the_stacks_account

pytestmark = pytest.mark.cloud


def test_a_colleague_is_invited_and_makes_a_key_and_both_end_with_their_removal(stack: Stack) -> None:
    with the_stacks_account(stack):
        world = Scenario(stack, stack.clock.now() - timedelta(days=3))
        # given an owner, who invites another
        partner, _ = world.a_partner(terms(cpa("200.00")))
        owner, colleague = Visitor(world.http), Visitor(world.http)
        owner.sign_in(*world.a_login(partner, Role.OWNER))
        email, password = f"nova-{partner[-8:].lower()}@harbour.example", "Own-word-22-xyz"
        guard = {"csrf": field(owner.send("GET", "/settings/team"), "csrf")}
        wish = {"email": email, "name": "Nova Reyes", "role": "owner", "language": "en"}
        assert owner.send("POST", "/settings/team", data=guard | wish).status_code == 303
        pool = {"UserPoolId": stack.outputs["UserPoolId"], "Username": email}
        cognito = stack.client("cognito-idp")
        user = cognito.admin_get_user(**pool)
        assert user["UserStatus"] == "FORCE_CHANGE_PASSWORD"
        sub = next(each["Value"] for each in user["UserAttributes"] if each["Name"] == "sub")
        assert owner.send("POST", f"/settings/team/{sub}/invitation", data=guard).status_code == 303

        # when they come in, and make a key
        cognito.admin_set_user_password(**pool, Password=password, Permanent=True)
        assert colleague.sign_in(email, password).headers["location"] == "/"
        page = colleague.send("GET", "/settings/keys")
        make = {"csrf": field(page, "csrf"), "name": "Nightly", "scopes[]": ["links:read"], "expires_on": ""}
        made = colleague.send("POST", "/settings/keys", data=make)
        key = made.text.split('data-copy="', 1)[1].split('"', 1)[0]
        program = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        looked = world.http.get("/links", headers=program)
        assert (looked.status_code, looked.headers["ratelimit-remaining"]) == (200, "59")

        # then both end with their removal
        assert owner.send("POST", f"/settings/team/{sub}/remove", data=guard).status_code == 303
        assert cognito.admin_get_user(**pool)["Enabled"] is False
        assert colleague.send("GET", "/links").status_code == 303
        assert world.http.get("/links", headers=program).json()["code"] == "bad_api_key"
