"""Staff block a partner, lift it and suspend it, over HTTP: what clients do meanwhile earns nothing, or earns on."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Role, Status
from introducer.domain.errors import Forbidden
from introducer.services.create_link import create_link
from introducer_ops.localcloud import LocalCloud, Stack
from introducer_ops.verify import verify_stack
from tests.support.builders import cpa, revshare, terms
from tests.support.scenario import AUTHOR, Scenario, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

DEAL = terms(cpa("100.00", min_deposit="100.00", within_hours=720), revshare("30"), net_revenue={"commission": "1"})
DAY = timedelta(days=1).total_seconds()


@pytest.fixture(name="stack", scope="module")
def _stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    # A cloud of its own: the clock goes on by days.
    with LocalCloud.start(tmp_path_factory.mktemp("standing")) as cloud:
        stack = cloud.deploy()
        with the_stacks_account(stack):
            yield stack


class House:
    """A partner with clients, and staff."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.scenario = Scenario(stack, stack.clock.now() - timedelta(days=3))
        self.partner, self.code = self.scenario.a_partner(DEAL)
        self.events: dict[str, int] = {}
        self.owner = self.sign_in(self.scenario.a_login(self.partner, Role.OWNER))
        self.manager = self.sign_in(self.scenario.a_login(None, Role.MANAGER))
        self.compliance = self.sign_in(self.scenario.a_login(None, Role.COMPLIANCE))

    def sign_in(self, login: tuple[str, str]) -> dict[str, str]:
        email, password = login
        answer = self.scenario.http.post(
            "/sign-in", json={"email": email, "password": password}, headers={"Accept": "application/json"}
        )
        assert answer.status_code == 200, answer.text
        return {"Accept": "application/json", "Authorization": f"Bearer {answer.json()['access_token']}"}

    def reports(self, client: str, kind: str, **fields: object) -> None:
        """The platform reports what a client does now, and the books follow."""
        now = rfc3339(self.stack.clock.now())
        event = {"event_id": secrets.token_hex(6), "type": kind, "client_id": client, "occurred_at": now} | fields
        answer = self.scenario.posts(event)
        assert answer.status_code == 202, answer.text
        self.events[client] = self.events.get(client, 0) + 1
        self.scenario.applied(client, self.events[client])

    def registers(self) -> str:
        client = f"client-{secrets.token_hex(4)}"
        click = self.scenario.clicks(self.code)
        assert click.status_code == 302
        assert click.headers["Location"].startswith(f"https://www.{self.scenario.domain}/live"), "links lead on"
        self.reports(client, "registration", click_id=self.scenario.click_id_of(click), country="DE")
        return client

    def deposits(self, client: str) -> None:
        self.reports(client, "deposit", amount="250.00", currency="EUR")

    def trades(self, client: str, commission: str) -> None:
        now = rfc3339(self.stack.clock.now())
        self.reports(
            client, "trade", account="1", currency="EUR", lots="1", symbol="EURUSD", opened_at=now, closed_at=now,
            spread="0", commission=commission, swap="0", pnl="0",
        )  # fmt: skip

    def earned(self) -> str:
        return f"{sum(self.scenario.ledger.balance(self.partner).amounts.values()) / 100:.2f}"

    def decides(self, by: dict[str, str], status: str, **wish: str) -> dict[str, Any]:
        """Decides the standing, and lets a day pass: it holds, and every engine has seen it."""
        fields = {"status": status, "reason": "A case of compliance"} | wish
        answer = self.scenario.http.post(f"/desk/partners/{self.partner}/standing", json=fields, headers=by)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        assert made["status"] == status
        self.stack.clock.advance(DAY)
        return made

    def sees_the_overview(self) -> tuple[int, str]:
        answer = self.scenario.http.get("/", headers=self.owner)
        return answer.status_code, answer.json().get("code", "")


def test_what_happens_during_a_block_earns_nothing_and_all_else_does(stack: Stack) -> None:
    # given clients who registered before, one of whom deposits and trades
    house = House(stack)
    early, during, late = house.registers(), house.registers(), house.registers()
    house.deposits(early)
    house.trades(early, "10.00")
    assert house.earned() == "103.00"
    assert house.sees_the_overview() == (200, "")

    # when compliance blocks the partner, which a manager cannot
    path = f"/desk/partners/{house.partner}/standing"
    wish = {"status": "blocked", "reason": "They click themselves"}
    refused = house.scenario.http.post(path, json=wish, headers=house.manager)
    assert (refused.status_code, refused.json()["code"]) == (403, "block_role")
    house.decides(house.compliance, "blocked")

    # then what clients do is kept and earns nothing, and nobody of the partner comes in
    house.deposits(during)
    house.trades(early, "50.00")
    meanwhile = house.registers()
    house.deposits(meanwhile)
    assert house.earned() == "103.00"
    assert house.sees_the_overview() == (403, "partner_blocked")
    with pytest.raises(Forbidden):
        create_link(
            house.scenario.configuration, partner=house.partner, campaign=house.scenario.campaign, author=AUTHOR,
            clock=stack.clock.now, random=secrets.token_bytes,
        )  # fmt: skip

    # when the block is lifted, what comes after it earns again
    house.decides(house.compliance, "active")
    assert house.earned() == "103.00", "lifting a block pays nothing for the time of it"
    house.deposits(late)
    house.trades(early, "40.00")
    house.deposits(meanwhile)
    assert house.earned() == "215.00", "the one who registered during the block never brings a CPA"
    assert house.sees_the_overview() == (200, "")

    # and a suspended partner earns, though nobody comes in
    house.decides(house.manager, "suspended")
    house.trades(late, "20.00")
    assert house.earned() == "221.00"
    assert house.sees_the_overview() == (403, "partner_suspended")
    shown = house.scenario.http.get(path, headers=house.manager).json()
    assert [each["status"] for each in shown["items"]] == ["suspended", "active", "blocked"]
    assert shown["status"] == "suspended"

    # and facts and books agree
    eventually("sound stack", lambda: verify_stack(stack).good)
    report = verify_stack(stack)
    assert report.differences == () and report.waiting == ()


def test_a_block_decided_ahead_begins_at_its_moment(stack: Stack) -> None:
    # given a block from tomorrow on
    house = House(stack)
    client, other = house.registers(), house.registers()
    # (in the middle of a minute: a whole minute would begin as it is, any other at the next)
    begins = (stack.clock.now() + timedelta(hours=20)).replace(second=30, microsecond=0)
    made = house.decides(house.compliance, "blocked", since=rfc3339(begins))
    assert house.scenario.configuration.partner(house.partner).status is Status.BLOCKED

    # when two events arrive after its beginning, of which one happened before it
    for each, hours in ((client, -1), (other, 1)):
        when = rfc3339(begins + timedelta(hours=hours))
        house.reports(each, "deposit", amount="250.00", currency="EUR", occurred_at=when)

    # then the one before it earns
    assert made["since"].startswith((begins + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M"))
    assert house.earned() == "100.00"
    eventually("sound stack", lambda: verify_stack(stack).good)
