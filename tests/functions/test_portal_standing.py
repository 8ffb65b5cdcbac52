"""Staff suspend and block partners in the portal; a partner's people are out from that moment on."""

from __future__ import annotations

import csv
import io
import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from introducer.domain.configuration import PartnerKind, Role, Status
from introducer.gateways.user_pool import UserPool
from introducer.services.invite_member import invite_member
from introducer.services.open_brand import open_brand
from introducer.services.register_partner import register_partner
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import AUTHOR, NOW, PASSWORD, STAFF, Answer, Portal, a_portal
from tests.support.shown import text

pytestmark = pytest.mark.cloud

ROLES = {role: f"{role.value}@broker.example" for role in (Role.FINANCE, Role.COMPLIANCE)}
COMPLIANCE, FINANCE = ROLES[Role.COMPLIANCE], ROLES[Role.FINANCE]
CLOSED = "This account is closed for now: write to your manager."


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        logins = UserPool(boto3.client("cognito-idp"), world.pool_id)
        for role, email in ROLES.items():
            boto3.client("cognito-idp").create_group(UserPoolId=world.pool_id, GroupName=role.value)
            invite_member(
                world.configuration, logins, brand=world.brand, partner=None, role=role, email=email,
                name=f"{role.value.title()} Person", language="en", password=PASSWORD, author=AUTHOR,
                clock=lambda: NOW,
            )  # fmt: skip
        yield world


@pytest.fixture(name="partner")
def _partner(portal: Portal) -> str:
    return a_partner_of(portal, portal.brand)


def a_partner_of(portal: Portal, brand: str) -> str:
    return register_partner(
        portal.configuration, brand=brand, name=f"Partner {secrets.token_hex(3)}", kind=PartnerKind.IB, country="AE",
        language="ar", currency="USD", author=AUTHOR, clock=lambda: NOW, random=secrets.token_bytes,
    ).partner  # fmt: skip


def a_login(portal: Portal, partner: str) -> str:
    email = f"{secrets.token_hex(4)}@traffic.example"
    invite_member(
        portal.configuration, UserPool(boto3.client("cognito-idp"), portal.pool_id), brand=portal.brand,
        partner=partner, role=Role.OWNER, email=email, name="Kit Marlow", language="en", password=PASSWORD,
        author=AUTHOR, clock=lambda: NOW,
    )  # fmt: skip
    return email


def decide(portal: Portal, partner: str, email: str = COMPLIANCE, **wish: Any) -> Answer:
    fields = {"status": "blocked", "reason": "They click themselves"} | wish
    headers = {"idempotency_key": fields.pop("key")} if "key" in fields else {}
    return portal.machine(email).post(f"/desk/partners/{partner}/standing", fields, as_json=True, **headers)


def at(monkeypatch: pytest.MonkeyPatch, portal: Portal, moment: datetime) -> None:
    monkeypatch.setattr(portal.wiring, "now", lambda: moment)


def test_a_manager_suspends_a_partner_in_a_browser(portal: Portal, partner: str) -> None:
    # given a manager on a partner's page
    browser, path = portal.signed_in(STAFF), f"/desk/partners/{partner}/standing"
    assert f'href="{path}"' in browser.get(f"/desk/partners/{partner}/deal").body
    shown = browser.get(path)
    assert "signs in and earns" in text(shown.body) and "Nothing was decided yet" in text(shown.body)
    assert re.findall(r'name="status" value="(\w+)"', shown.body) == ["active", "suspended"], "a block is not theirs"

    # when it is suspended as soon as possible
    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key")}
    wish = guard | {"status": "suspended", "since": "", "reason": "Papers are missing"}
    done, again = browser.post(path, wish), browser.post(path, wish)

    # then it is decided once, the page says from when on, and by whom
    assert (done.status, again.status) == (303, 303), done.body
    assert done.location == again.location
    [made] = portal.configuration.standings(partner)
    assert (made.since, made.status) == (NOW + timedelta(minutes=12), Status.SUSPENDED)
    page = text(browser.get(done.location).body)
    assert "Decided: Suspended from" in page and "Papers are missing" in page and "Sam Okoro" in page
    data = portal.machine(STAFF).get(path).json
    since = "2026-04-17T09:42:00.000Z"
    assert (data["status"], data["to_come"]) == ("active", [{"status": "suspended", "since": since}])
    assert data["items"][0]["decided_by"] == "Sam Okoro"
    rows = list(csv.DictReader(io.StringIO(portal.machine(STAFF).get(path, accept="text/csv").body)))
    assert [(row["status"], row["since"]) for row in rows] == [("suspended", since)]


def test_lists_say_a_decision_at_once_and_from_when_on(portal: Portal, partner: str) -> None:
    assert decide(portal, partner, since="2026-06-01T00:00Z").status == 201
    machine = portal.machine(STAFF)
    [row] = [row for row in machine.get("/desk/partners?limit=200").json["items"] if row["partner"] == partner]
    assert (row["status"], row["status_since"]) == ("blocked", "2026-06-01T00:00:00.000Z")
    page = portal.signed_in(STAFF).get("/desk/partners?limit=200").body
    line = text(page[page.index(partner) :].partition("</tr>")[0])
    assert "Blocked from" in line and "2026" in line


def test_a_partners_people_are_out_from_the_moment_on_and_in_again_after_it(
    portal: Portal, partner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a login in a browser and in a program, and a block that begins in twelve minutes
    email = a_login(portal, partner)
    browser, machine = portal.signed_in(email), portal.machine(email)
    assert decide(portal, partner).status == 201
    assert browser.get("/").status == machine.get("/").status == 200, "not yet"

    # when its moment has come
    at(monkeypatch, portal, NOW + timedelta(minutes=12))

    # then both sessions are over, and signing in says so in a sentence
    refused = browser.get("/")
    assert refused.status == 403 and CLOSED in refused.body
    assert browser.get("/").location == "/sign-in", "the browser's session is gone"
    assert (machine.get("/").status, machine.get("/").json["code"]) == (403, "partner_blocked")
    form = browser.get("/sign-in")
    answer = browser.post("/sign-in", {"email": email, "password": PASSWORD, "csrf": form.field("csrf"), "next": "/"})
    assert answer.status == 403 and CLOSED in answer.body and 'name="password"' in answer.body

    # when a lift is decided, they stay out until it holds
    assert decide(portal, partner, status="active", since="2026-04-20T08:00Z").status == 201
    assert machine.get("/").status == 403
    at(monkeypatch, portal, NOW + timedelta(days=3))
    assert machine.get("/").status == portal.signed_in(email).get("/").status == 200


def test_who_may_not(portal: Portal, partner: str) -> None:
    path = f"/desk/partners/{partner}/standing"
    # finance looks, and decides nothing
    seen = portal.machine(FINANCE).get(path)
    assert seen.status == 200 and seen.json["statuses"] == [] and not seen.json["may_change"]
    page = portal.signed_in(FINANCE).get(path).body
    assert "Managers suspend a partner" in page and '<form method="post" action="/desk/partners' not in page
    assert decide(portal, partner, FINANCE, status="suspended").json["code"] == "not_your_role"
    # a manager neither blocks nor lifts a block
    assert decide(portal, partner, STAFF).json["code"] == "block_role"
    assert decide(portal, partner).status == 201
    assert decide(portal, partner, STAFF, status="active").json["code"] == "block_role"
    assert "Compliance and admins block a partner" in portal.signed_in(STAFF).get(path).body
    # a partner sees no such page
    assert portal.machine(a_login(portal, portal.partners["owner@pips.example"])).get(path).status == 403
    assert len(portal.configuration.standings(partner)) == 1


def test_another_brands_partner_is_as_good_as_none(portal: Portal) -> None:
    made: dict[str, Any] = {"author": AUTHOR, "clock": lambda: NOW, "random": secrets.token_bytes}
    brand = open_brand(
        portal.configuration, name="Elsewhere", domain=f"go-{secrets.token_hex(4)}.example", base_currency="EUR",
        fallback_url="https://elsewhere.example/", **made,
    ).brand  # fmt: skip
    theirs = a_partner_of(portal, brand)
    assert decide(portal, theirs).status == 404
    assert portal.machine(COMPLIANCE).get(f"/desk/partners/{theirs}/standing").status == 404
    assert portal.configuration.standings(theirs) == []


@pytest.mark.parametrize(("wish", "status", "field"), [
    ({"since": "2026-04-17T09:31"}, 422, "since"),
    ({"since": "2026-04-17T08:00Z"}, 422, "since"),
    ({"since": "2027-05-01T00:00"}, 422, "since"),
    ({"since": "tomorrow"}, 422, "since"),
    ({"since": "9999-12-31T23:59"}, 422, "since"),
    ({"since": "0001-01-01T00:00+14:00"}, 422, "since"),
    ({"reason": " "}, 422, "reason"),
    ({"status": "gone"}, 422, "status"),
    ({"status": "active"}, 409, "status"),
])  # fmt: skip
def test_what_cannot_be_is_said_at_its_field(
    portal: Portal, partner: str, wish: dict[str, str], status: int, field: str
) -> None:
    path = f"/desk/partners/{partner}/standing"
    browser = portal.signed_in(COMPLIANCE)
    answer = browser.submit(
        path, path, **({"status": "blocked", "since": "", "reason": "They click themselves"} | wish)
    )
    assert answer.status == status
    assert f'id="note-{field}"' in answer.body
    assert decide(portal, partner, **wish).status == status
    assert portal.configuration.standings(partner) == []


def test_a_refused_form_keeps_what_was_typed(portal: Portal, partner: str) -> None:
    path = f"/desk/partners/{partner}/standing"
    answer = portal.signed_in(COMPLIANCE).submit(
        path, path, status="blocked", since="2026-04-17T08:00", reason="They click themselves"
    )
    assert 'value="blocked" required checked' in answer.body
    assert 'value="2026-04-17T08:00"' in answer.body and 'value="They click themselves"' in answer.body


def test_a_repeated_request_decides_once(portal: Portal, partner: str) -> None:
    first, again = (decide(portal, partner, key="block-1") for _ in range(2))
    assert (first.status, first.json) == (again.status, again.json) and first.status == 201
    assert len(portal.configuration.standings(partner)) == 1
    # the same key of somebody else is another request
    assert decide(portal, partner, STAFF, key="block-1").json["code"] == "same_standing"


def test_a_browser_of_another_session_decides_nothing(portal: Portal, partner: str) -> None:
    browser = portal.signed_in(COMPLIANCE)
    fields = {"csrf": "x", "status": "blocked", "reason": "They click themselves"}
    assert browser.post(f"/desk/partners/{partner}/standing", fields).status == 403
    assert portal.configuration.standings(partner) == []
