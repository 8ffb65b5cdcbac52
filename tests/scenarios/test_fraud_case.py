"""From a platform's postbacks to a verdict, over HTTP: what detectors see opens a case, and both sides walk it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from introducer.domain.configuration import Role
from introducer_ops.localcloud import LocalCloud, Stack
from introducer_ops.verify import verify_stack
from tests.scenarios.test_moving_clients import sign_in
from tests.support.builders import cpa, terms
from tests.support.scenario import Scenario, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

DEAL = terms(cpa("100.00", min_deposit="150.00", within_hours=24), days=30)
RING, HONEST = 10, 6


@pytest.fixture(name="stack", scope="module")
def _stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    # A cloud of its own: the clock goes on by days.
    with LocalCloud.start(tmp_path_factory.mktemp("fraud")) as cloud:
        stack = cloud.deploy()
        with the_stacks_account(stack):
            yield stack


@dataclass
class Affair:
    """A partner with honest clients and a ring of others, two days later."""

    scenario: Scenario
    partner: str
    ring: set[str]
    """As the books call them."""
    manager: dict[str, str]
    compliance: dict[str, str]
    owner: dict[str, str]

    def asks(self, path: str, who: dict[str, str]) -> dict[str, Any]:
        answer = self.scenario.http.get(path, headers=who)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    def says(self, path: str, who: dict[str, str], **said: Any) -> httpx.Response:
        key = {"Idempotency-Key": secrets.token_hex(8)}
        answer = self.scenario.http.post(path, json=said, headers=who | key)
        assert answer.status_code in (200, 201), answer.text
        return answer

    def balance(self) -> dict[str, int]:
        """Minor units by bucket."""
        found: dict[str, int] = {}
        for (_, bucket, _), amount in self.scenario.ledger.balance(self.partner).amounts.items():
            found[bucket] = found.get(bucket, 0) + amount
        return {bucket: amount for bucket, amount in found.items() if amount}


@pytest.fixture
def affair(stack: Stack) -> Affair:
    scenario = Scenario(stack, stack.clock.now() - timedelta(days=3))
    partner, code = scenario.a_partner(DEAL, "Northgate Traffic")

    def program(of: str | None, role: Role) -> dict[str, str]:
        return sign_in(scenario, scenario.a_login(of, role))

    clicks = [scenario.click_id_of(scenario.clicks(code)) for _ in range(RING + HONEST)]
    clicked = stack.clock.now()
    stack.clock.advance(2 * 86_400)
    mark = secrets.token_hex(4)
    for number, click in enumerate(clicks):
        came = clicked + timedelta(minutes=7 * number + number * number % 11 + 1)
        events = a_ring_member(number, came) if number < RING else an_honest_client(number, came)
        given = {"client_id": f"{mark}-{number}"}
        events[0] |= {"click_id": click, "country": "DE"}
        answer = scenario.posts(*(given | event for event in events))
        assert answer.status_code == 202, answer.text
    for number in range(RING + HONEST):
        scenario.applied(f"{mark}-{number}", 2)
    return Affair(
        scenario,
        partner,
        {scenario.client_key(f"{mark}-{number}") for number in range(RING)},
        manager=program(None, Role.MANAGER),
        compliance=program(None, Role.COMPLIANCE),
        owner=program(partner, Role.OWNER),
    )


def a_ring_member(number: int, came: datetime) -> list[dict[str, Any]]:
    """One network, throw-away addresses, the least that a cpa asks for, and drawn the same evening."""
    return [
        an_event("registration", came, email=f"{secrets.token_hex(5)}@mailinator.com", ip=f"198.51.100.{number + 9}"),
        an_event("deposit", came + timedelta(hours=1), amount="150.00", currency="EUR"),
        an_event("withdrawal", came + timedelta(hours=9), amount="149.00", currency="EUR"),
    ]


def an_honest_client(number: int, came: datetime) -> list[dict[str, Any]]:
    return [
        an_event("registration", came, email=f"{secrets.token_hex(5)}@example.org", ip=f"203.0.{number}.{number + 50}"),
        an_event("deposit", came + timedelta(hours=3 * number), amount=f"{300 + 7 * number}.00", currency="EUR"),
    ]


def an_event(kind: str, when: datetime, **more: Any) -> dict[str, Any]:
    return {"type": kind, "event_id": f"{kind}-1", "occurred_at": rfc3339(when), **more}


def the_case(affair: Affair) -> dict[str, Any]:
    """The partner's case, once its execution waits for a verdict."""

    def found() -> dict[str, Any] | None:
        cases = affair.asks("/desk/cases", affair.manager)["items"]
        return next((case for case in cases if case["partner"] == affair.partner), None)

    case = eventually("case", found)
    eventually("held money of all of the ring", lambda: affair.balance().get("held") == RING * 100_00)
    path = f"/desk/cases/{affair.partner}/{case['case']}"
    waiting: dict[str, Any] = eventually(
        "execution", lambda: (page := affair.asks(path, affair.manager))["execution"] and page
    )
    return waiting


def judges(affair: Affair, case: dict[str, Any], who: dict[str, str], what: str, **verdict: Any) -> None:
    """Somebody of staff looks at the case and decides; looks again where the execution took a step meanwhile."""
    path = f"/desk/cases/{affair.partner}/{case['case']}"

    def taken() -> bool:
        said = {"version": affair.asks(path, who)["version"], **verdict}
        answer = affair.scenario.http.post(f"{path}/{what}", json=said, headers=who)
        assert answer.status_code in (200, 201) or answer.json()["code"] == "case_changed", answer.text
        return answer.status_code != 409

    eventually("decision", taken)


def decided(affair: Affair, case: dict[str, Any], **verdict: Any) -> None:
    """The manager decides, and the money is where it belongs."""
    judges(affair, case, affair.manager, "decision", **verdict)
    eventually("end of the hold", lambda: "held" not in affair.balance())


def test_what_a_ring_earned_is_held_alone_and_goes_free_when_the_manager_says_so(affair: Affair) -> None:
    # given what the platform reported; then the case names the ring, and holds what it earned, and that alone
    case = the_case(affair)
    assert affair.balance() == {"pending": HONEST * 100_00, "held": RING * 100_00}
    assert {client["client"] for client in case["clients"]} == affair.ring
    assert {finding["detector"] for finding in case["findings"]} >= {"deposit_and_withdraw", "registration_cluster"}
    assert case["execution"].startswith("northgate-traffic-")
    # and the partner reads what is looked at, how much is held and until when: no rule, no number to stay below
    path = f"/cases/{case['case']}"
    seen = affair.asks(path, affair.owner)
    assert [money["amount"] for money in seen["held"]] == ["1000.00"]
    told = str(seen)
    assert not [word for word in ("threshold", "measured", "parameters", *affair.ring) if word in told]
    # when the partner answers, and the manager is satisfied
    affair.says(f"{path}/answers", affair.owner, text="They came to our trade fair, and tried it out.")
    decided(affair, case, verdict="release", why="The fair is on record")
    # then all of it is the partner's again, and the same clients are not suspected again
    assert affair.balance() == {"pending": (RING + HONEST) * 100_00}
    after = eventually(
        "closed case", lambda: (found := affair.asks(path, affair.owner))["status"] == "released" and found
    )
    assert after["held"] == []
    swept(affair)
    assert all(case["partner"] != affair.partner for case in affair.asks("/desk/cases", affair.manager)["items"])
    sound(affair)


def test_a_ring_that_is_disallowed_earns_nothing_and_the_receipts_say_why(affair: Affair) -> None:
    # given the case; when compliance asks for nothing more and the manager disallows the ring
    case = the_case(affair)
    decided(affair, case, verdict="disallow", code="deposit_and_withdraw", why="All drew the same night", which="all")
    # then what it earned is taken back, to the cent, and nobody else's
    assert affair.balance() == {"pending": HONEST * 100_00}
    month = affair.scenario.ledger.all_journals(affair.partner, case["opened_at"][:7])
    before = affair.scenario.ledger.all_journals(affair.partner, rfc3339(affair.scenario.today)[:7])
    journals = {journal.id: journal for journal in (*month, *before)}.values()
    clawbacks = [journal for journal in journals if journal.kind == "clawback"]
    assert {journal.key.scope for journal in clawbacks} == affair.ring
    assert {line.step for journal in clawbacks for line in journal.receipt.lines} == {"disallowed"}
    receipt = affair.asks(f"/earnings/{clawbacks[0].id}", affair.owner)
    assert "Money paid in and drawn at once" in str(receipt)
    # when the partner appeals, and compliance grants it
    path = f"/cases/{case['case']}"
    eventually("right to appeal", lambda: affair.asks(path, affair.owner)["may_appeal"])
    affair.says(f"{path}/appeal", affair.owner, why="The platform was down that night: they all left")
    desk = f"/desk/cases/{affair.partner}/{case['case']}"
    judges(affair, case, affair.compliance, "appeal", verdict="overturn", why="The outage is on record")
    # then the earnings are back
    eventually("earnings", lambda: affair.balance() == {"pending": (RING + HONEST) * 100_00})
    eventually("closed case", lambda: affair.asks(desk, affair.manager)["closed_at"])
    sound(affair)


def swept(affair: Affair) -> None:
    """The daily sweep of scoring, to its end."""
    stack = affair.scenario.stack
    answer = stack.invoke("ScoringFunction", {"brand": affair.scenario.brand})
    assert answer == {"partners": 1}
    queue = {"QueueUrl": stack.outputs["ScoreQueueUrl"]}
    counted = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    sqs = stack.client("sqs")

    def is_empty() -> bool:
        left = sqs.get_queue_attributes(**queue, AttributeNames=list(counted))["Attributes"]
        return not any(int(left[name]) for name in counted)

    eventually("swept partner", is_empty)


def sound(affair: Affair) -> None:
    """Facts, books and cases say the same."""
    eventually("sound stack", lambda: verify_stack(affair.scenario.stack).good)
