"""A cap, tiers over all clients, a goal and an override above, from a platform's events to the books, over HTTP."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Role
from introducer.domain.events import month_of
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, revshare, terms
from tests.support.scenario import Scenario, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

DEAL = terms(
    cpa("100.00", min_deposit="200.00", within_hours=720) | {"caps": [{"per": "total", "clients": 2}]},
    revshare("20")
    | {
        "pooled": True,
        "tiers": {"by": "net_revenue", "mode": "retroactive", "bands": [{"from": "1000.00", "percent": "30"}]},
    },
    {"type": "bonus", "id": "three", "by": "qftd", "goal": "3", "amount": "50.00"},
    days=30,
    net_revenue={"spread": "1"},
)
ABOVE = terms(
    {
        "type": "override",
        "id": "net",
        "levels": [{"level": 1, "percent": "10", "of": ["cpa", "revshare", "bonus"]}],
    },
    days=30,
)


class Network:
    """A partner below another, both with their deals since before this month, and clients of the lower one."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.parent, _ = scenario.a_partner(ABOVE, "Redwater Group")
        self.child, code = scenario.a_partner(DEAL, parent=self.parent)
        self.names = {each: f"{each}-{secrets.token_hex(4)}" for each in ("first", "second", "third")}
        self.clicked = scenario.click_id_of(scenario.clicks(code))
        self.now = scenario.stack.clock.now()

    def event(self, client: str, kind: str, name: str, later: int = 0, **fields: object) -> dict[str, object]:
        when = rfc3339(self.now + timedelta(seconds=later))
        named = self.names[client]
        return {"event_id": f"{named}-{name}", "type": kind, "client_id": named, "occurred_at": when} | fields

    def registered(self, client: str, later: int) -> list[dict[str, object]]:
        """A registration from the link, and the deposit that qualifies, so many seconds later."""
        registration = self.event(client, "registration", "r", click_id=self.clicked, country="DE")
        return [registration, self.event(client, "deposit", "d", later, amount="250.00", currency="EUR")]

    def trade(self, client: str, spread: str) -> dict[str, object]:
        fields: dict[str, Any] = {
            "account": "1",
            "currency": "EUR",
            "lots": "1",
            "symbol": "EURUSD",
            "opened_at": rfc3339(self.now - timedelta(minutes=10)),
            "closed_at": rfc3339(self.now),
            "spread": spread,
            "commission": "0",
            "swap": "0",
            "pnl": "0",
        }
        return self.event(client, "trade", "t", **fields)

    def owed(self) -> dict[tuple[str, str], int]:
        """What the journals of the month hold, by partner and rule."""
        sums: dict[tuple[str, str], int] = {}
        for partner in (self.parent, self.child):
            for journal in self.scenario.ledger.all_journals(partner, month_of(self.now), consistent=True):
                sums[partner, journal.key.rule] = sums.get((partner, journal.key.rule), 0) + journal.amount
        return {key: minor for key, minor in sums.items() if minor}

    def posts(self, what: str, *events: dict[str, object], owed: dict[tuple[str, str], int]) -> None:
        """The platform posts, and the books follow to what is owed."""
        answer = self.scenario.posts(*events)
        assert answer.status_code == 202, answer.text
        began = time.monotonic()
        try:
            eventually(what, lambda: self.owed() == owed)
        except AssertionError:
            assert self.owed() == owed
        print(f"\n{what}: settled {time.monotonic() - began:.2f} s after it was accepted")


@pytest.fixture
def network(stack: Stack) -> Iterator[Network]:
    with the_stacks_account(stack):
        # Forty days ago: terms that look at all clients are in force since a month's beginning.
        yield Network(Scenario(stack, stack.clock.now() - timedelta(days=40)))


def sign_in(scenario: Scenario, partner: str) -> dict[str, str]:
    """Headers of a program of the partner's owner."""
    email, password = scenario.a_login(partner, Role.OWNER)
    answer = scenario.stack.client("cognito-idp").initiate_auth(
        ClientId=scenario.stack.outputs["UserPoolClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    return {"Accept": "application/json", "Authorization": f"Bearer {answer['AuthenticationResult']['AccessToken']}"}


def test_a_month_of_many_clients_is_settled_and_so_is_the_parents(network: Network) -> None:
    child, parent = network.child, network.parent

    # given the client that qualified last, whose events come first: a place, and 20 % of 400.00
    network.posts(
        "a first client",
        *network.registered("third", later=3),
        network.trade("third", "400.00"),
        owed={(child, "cpa"): 10_000, (child, "rev"): 8_000, (parent, "net"): 1_800},
    )

    # when the two before it come: they take the places, three qualified, and 400 + 700 - 100 reaches the tier
    network.posts(
        "two clients more",
        *network.registered("first", later=1),
        *network.registered("second", later=2),
        network.trade("first", "700.00"),
        network.trade("second", "-100.00"),
        owed={(child, "cpa"): 20_000, (child, "rev"): 30_000, (child, "three"): 5_000, (parent, "net"): 5_500},
    )
    keys = {name: network.scenario.client_key(each) for name, each in network.names.items()}
    journals = list(network.scenario.ledger.all_journals(child, month_of(network.now)))
    places = {name: sum(j.amount for j in journals if j.key.scope == key) for name, key in keys.items()}
    assert places == {"first": 10_000, "second": 10_000, "third": 0}

    # then both see it in the portal, the parent without a word of the clients
    listed = network.scenario.http.get("/earnings", headers=sign_in(network.scenario, child))
    assert listed.status_code == 200, listed.text
    assert listed.json()["earned"] == [{"amount": "550.00", "currency": "EUR"}]
    assert listed.json()["settling"] == []
    seen = network.scenario.http.get("/earnings", headers=sign_in(network.scenario, parent))
    whose = {(each["rule_kind"], each["below"], each["below_name"], each["client"]) for each in seen.json()["items"]}
    assert whose == {("override", child, "Amberfield Media", None)}
    assert not any(key in seen.text for key in (*keys.values(), *network.names.values()))

    # and when the third client's trade never happened: 20 % of 600.00 again, and the second keeps its place
    network.posts(
        "a trade cancelled",
        network.event("third", "cancel", "x", ref=network.event("third", "trade", "t")["event_id"]),
        owed={(child, "cpa"): 20_000, (child, "rev"): 12_000, (child, "three"): 5_000, (parent, "net"): 3_700},
    )
    # the deposit of the first is charged back: the third takes the place that is free, and the goal is missed
    network.posts(
        "a deposit charged back",
        network.event("first", "chargeback", "c", amount="250.00", currency="EUR", ref=f"{network.names['first']}-d"),
        owed={(child, "cpa"): 20_000, (child, "rev"): 12_000, (parent, "net"): 3_200},
    )
    for partner, earned in ((child, 32_000), (parent, 3_200)):
        balance = network.scenario.ledger.balance(partner)
        assert sum(balance.amounts.values()) == earned == sum(balance.earned.values())
