"""From a click to an earning and back, over HTTP, through the real template."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta

import pytest

from introducer.domain.configuration import Availability, Change, Role, Source
from introducer.domain.events import LOT, month_of
from introducer.gateways.source_secrets import SourceSecrets
from introducer.store.figures import Figures
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, lot, revshare, terms
from tests.support.scenario import Scenario, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

DEAL = terms(
    cpa("200.00", kyc=True, min_deposit="100.00", within_hours=720),
    revshare("30"),
    lot("2.00"),
    days=30,
    net_revenue={"spread": "1", "commission": "1"},
)
JSON = {"Accept": "application/json"}


@pytest.fixture
def world(stack: Stack) -> Iterator[Scenario]:
    with the_stacks_account(stack):
        # Set up three days ago: the deal is in force since the midnight after.
        yield Scenario(stack, stack.clock.now() - timedelta(days=3))


def sign_in(world: Scenario, login: tuple[str, str]) -> dict[str, str]:
    """Headers of a machine that signed in with the user pool."""
    email, password = login
    answer = world.stack.client("cognito-idp").initiate_auth(
        ClientId=world.stack.outputs["UserPoolClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    return {**JSON, "Authorization": f"Bearer {answer['AuthenticationResult']['AccessToken']}"}


def test_a_visitor_becomes_a_client_and_the_partner_sees_every_cent_of_it(world: Scenario) -> None:
    # given a partner with a deal and a link, and a visitor who opens it on a phone
    partner, code = world.a_partner(DEAL)
    answer = world.clicks(code)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"https://www.{world.domain}/live?lang=en&click_id=")
    click = world.click_id_of(answer)

    # when the platform reports what the visitor did, out of order and partly twice
    now = world.stack.clock.now()
    client = f"client-{secrets.token_hex(4)}"

    def an_event(kind: str, name: str, **fields: object) -> dict[str, object]:
        given = {"event_id": f"{client}-{name}", "type": kind, "client_id": client, "occurred_at": rfc3339(now)}
        return given | fields

    opened = rfc3339(now - timedelta(minutes=10))
    trade = an_event(
        "trade",
        "t1",
        account="1001",
        currency="EUR",
        lots="1.50",
        symbol="EURUSD",
        opened_at=opened,
        closed_at=rfc3339(now),
        spread="9.00",
        commission="3.50",
        swap="0",
        pnl="-20.00",
    )
    deposit = an_event("deposit", "d1", amount="250.00", currency="EUR")
    registration = an_event("registration", "r1", click_id=click, country="DE")
    kyc = an_event("kyc", "k1", status="approved")
    first = world.posts(trade, deposit, deposit)
    assert [each["status"] for each in first.json()["receipts"]] == ["accepted", "accepted", "duplicate"]
    assert world.posts(registration).status_code == 202
    assert world.posts(kyc, trade).status_code == 202
    world.applied(client, 4)

    # then the books owe the cpa, the share of 12.50 and the lots
    key = world.client_key(client)
    state = world.clients.state(world.brand, key)
    assert state is not None
    assert {each.rule: amount for each, amount in state.posted.items()} == {"cpa": 20_000, "rev": 375, "lot": 300}
    balance = world.ledger.balance(partner)
    assert sum(balance.amounts.values()) == 20_675

    # and all that it did is counted under where it came from
    cells = Figures(world.stack.outputs["BooksTableName"]).month(partner, month_of(now))
    assert {(each.link, each.country, each.device, each.cohort) for each in cells} == {
        (code, "DE", "mobile", month_of(now))
    }
    assert sum(each.counts.get("lots", 0) for each in cells) == 3 * LOT // 2

    # and the partner sees it in the portal: the month, the earnings, and how each came about
    me = sign_in(world, world.a_login(partner, Role.OWNER))
    month = month_of(now)
    listed = world.http.get("/earnings", params={"month": month}, headers=me)
    assert listed.status_code == 200, listed.text
    earnings = {each["rule_kind"]: each for each in listed.json()["items"]}
    amounts = {kind: each["amount"] for kind, each in earnings.items()}
    assert {kind: (amount["amount"], amount["currency"]) for kind, amount in amounts.items()} == {
        "cpa": ("200.00", "EUR"),
        "revshare": ("3.75", "EUR"),
        "lot": ("3.00", "EUR"),
    }
    receipt = world.http.get(f"/earnings/{earnings['revshare']['id']}", headers=me)
    assert receipt.status_code == 200
    assert f"{client}-t1" in receipt.text
    assert client not in receipt.text.replace(f"{client}-", "")

    # and nobody else does
    other, _ = world.a_partner(DEAL, "Redwater Traffic")
    stranger = sign_in(world, world.a_login(other, Role.OWNER))
    refused = world.http.get(f"/earnings/{earnings['cpa']['id']}", headers=stranger)
    assert refused.status_code == 404
    assert refused.headers["Content-Type"].startswith("application/problem+json")
    assert world.http.get("/earnings", headers=JSON).status_code == 401

    # when the deposit is charged back, the cpa is taken back under its own key
    world.posts(an_event("chargeback", "c1", amount="250.00", currency="EUR", ref=f"{client}-d1"))
    world.applied(client, 5)
    assert sum(world.ledger.balance(partner).amounts.values()) == 675
    [clawback] = [each for each in world.ledger.all_journals(partner, month) if each.kind == "clawback"]
    assert (clawback.key.rule, clawback.amount) == ("cpa", -20_000)


def test_an_unknown_type_is_kept_where_staff_can_see_it(world: Scenario) -> None:
    # given a platform that reports something nobody agreed on
    event = {
        "event_id": "x1",
        "type": "bonus_claimed",
        "client_id": "4711",
        "occurred_at": rfc3339(world.stack.clock.now()),
        "email": "somebody@example.com",
    }
    # when it is posted
    answer = world.posts(event)
    # then it is taken, and stands in quarantine without personal data
    assert answer.status_code == 202
    assert answer.json()["receipts"][0]["status"] == "quarantined"
    staff = sign_in(world, world.a_login(None, Role.MANAGER))
    page = world.http.get("/desk/events", params={"source": world.source}, headers=staff)
    assert page.status_code == 200, page.text
    assert "bonus_claimed" in page.text
    assert "somebody@example.com" not in page.text
    assert "4711" not in page.text
    # and a partner does not see it
    partner, _ = world.a_partner(DEAL)
    assert world.http.get("/desk/events", headers=sign_in(world, world.a_login(partner, Role.OWNER))).status_code == 403


def test_calls_of_a_network_become_an_earning(world: Scenario) -> None:
    # given a network that can only fill in an address
    partner, code = world.a_partner(DEAL)
    click = world.click_id_of(world.clicks(code))
    name, token = f"n{secrets.token_hex(5)}", secrets.token_urlsafe(24)
    network = Source(
        source=name, brand=world.brand, dialect="s2s", status=Availability.ACTIVE, settings='{"currency": "EUR"}'
    )
    world.configuration.register_source(network, Change(by="system:test", at=world.stack.clock.now(), why="set up"))
    SourceSecrets(world.stack.client("secretsmanager"), world.stack.outputs["SourceSecretPrefix"]).create(name, token)

    def calls(**said: str) -> tuple[int, str]:
        answer = world.http.get(f"/postback/{name}", params={"token": token, "subid": click, **said})
        return answer.status_code, answer.text

    # when it calls, one call twice
    assert calls(goal="reg") == (200, "OK")
    assert calls(goal="kyc") == (200, "OK")
    assert calls(goal="ftd", sum="250.00", txid="T-1001") == (200, "OK")
    assert calls(goal="ftd", sum="250.00", txid="T-1001") == (200, "OK")
    assert calls(token="another", goal="reg")[0] == 401
    world.applied(click, 3)

    # then the partner of the click has earned the cpa
    state = world.clients.state(world.brand, world.client_key(click))
    assert state is not None
    assert {each.rule: amount for each, amount in state.posted.items()} == {"cpa": 20_000}
    assert sum(world.ledger.balance(partner).amounts.values()) == 20_000


def test_a_robot_is_sent_on_and_counted_apart(world: Scenario) -> None:
    partner, code = world.a_partner(DEAL)
    for agent in ("Googlebot/2.1 (+http://www.google.com/bot.html)", "WhatsApp/2.24", ""):
        assert world.clicks(code, agent=agent).status_code == 302
    assert world.http.head(f"/c/{code}", headers={"User-Agent": "Mozilla/5.0"}).status_code == 302
    person = world.clicks(code)
    assert person.status_code == 302

    me = sign_in(world, world.a_login(partner, Role.OWNER))

    def counted() -> bool:
        listed = world.http.get("/links", headers=me).json()["items"]
        return bool([each for each in listed if (each["clicks"], each["unique"], each["flagged"]) == (1, 1, 4)])

    eventually("link with one click and four flagged ones", counted)


def test_a_code_nobody_has_goes_to_the_brands_own_page(world: Scenario) -> None:
    answer = world.http.get("/c/nobodys1", headers={"Host": world.domain})
    assert answer.status_code == 302
    assert answer.headers["Location"] in (f"https://www.{world.domain}/welcome", "https://example.com/")
