"""Trades come before their exchange rates, and are paid when the rates come: through the real template."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from introducer_ops.localcloud import LocalCloud
from tests.support.bank import Server, a_bank
from tests.support.builders import revshare, terms
from tests.support.scenario import Scenario, eventually, moment, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

DAYS = {"2026-02-26": {"USD": "1.1802"}, "2026-02-27": {"USD": "1.1805"}}
MONDAY = {"2026-03-02": {"USD": "1.2000"}}


@pytest.fixture(scope="module")
def bank() -> Iterator[Server]:
    with a_bank() as bank:
        bank.publish(DAYS)
        yield bank


@pytest.fixture(scope="module")
def world(bank: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    # A cloud of its own: the others ask nobody for rates.
    with LocalCloud.start(tmp_path_factory.mktemp("cloud-of-rates"), log=lambda line: None) as cloud:
        stack = cloud.deploy(parameters={"EcbUrl": bank.url})
        with the_stacks_account(stack):
            stack.clock.set_to(moment("2026-02-27 09:00"))
            world = Scenario(stack, moment("2026-02-25 09:00"))
            world.rates(DAYS, "2026-02-26", "2026-02-26")
            yield world


def test_what_waited_for_a_days_rates_is_paid_when_these_come(world: Scenario, bank: Server) -> None:
    # given a client of Friday, and Tuesday's trade in dollars while Monday's rates are late
    clock = world.stack.clock
    partner, code = world.a_partner(terms(revshare("50"), net_revenue={"commission": "1"}))
    click = world.click_id_of(world.clicks(code))
    registered = clock.now() + timedelta(seconds=5)
    clock.set_to(registered + timedelta(minutes=1))
    given = {"client_id": "anna", "occurred_at": rfc3339(registered)}
    assert world.posts({"event_id": "r", "type": "registration", "click_id": click, **given}).status_code == 202
    world.applied("anna", 1)
    clock.set_to(moment("2026-03-03 09:00"))
    assert world.stack.invoke("RatesFunction", {})["complete_through"] == "2026-03-01"
    given["occurred_at"] = rfc3339(clock.now() - timedelta(minutes=5))
    money = {"currency": "USD", "spread": "0", "commission": "100.00", "swap": "0", "pnl": "0"}
    times = {"opened_at": rfc3339(clock.now() - timedelta(hours=1)), "closed_at": given["occurred_at"]}
    trade = {"event_id": "t", "type": "trade", "account": "1", "lots": "1", "symbol": "EURUSD", **given}
    assert world.posts(trade | money | times).status_code == 202
    [kept] = eventually(
        "quarantined trade", lambda: world.facts.quarantined(world.brand, world.source, "2026-03-03").items
    )
    assert kept.reason == "rate_missing"
    assert world.stack.invoke("RatesFunction", {})["replayed"] == 0

    # when they come, and the schedule fires
    bank.publish(DAYS | MONDAY)
    clock.set_to(moment("2026-03-03 09:15"))
    found = world.stack.invoke("RatesFunction", {})

    # then the partner has half of 100 dollars at 1.2
    assert found == {"complete_through": "2026-03-02", "new_days": 1, "changed_days": [], "replayed": 1}
    world.applied("anna", 2)
    assert sum(world.ledger.balance(partner).amounts.values()) == 4167
    assert world.stack.invoke("RatesFunction", {})["replayed"] == 0
