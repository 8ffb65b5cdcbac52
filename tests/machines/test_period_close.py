"""Closing a month through the real template: the state machine, its function, the engine beside it, and the portal."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from introducer.domain.calendar import plus_months
from introducer.domain.configuration import Role
from introducer.domain.errors import Invalid
from introducer.gateways.workflows import Execution, Workflows
from introducer.services.close_month import execution_name, start_close
from introducer.services.creation import Author
from introducer.store import keys
from introducer.store.statements import Statements
from introducer_ops.localcloud import Stack
from tests.support.builders import revshare, terms
from tests.support.scenario import Scenario, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

FINANCE = Author(by="mem_finance", why="October is done", origin="test")


@pytest.fixture
def world(stack: Stack) -> Iterator[Scenario]:
    """A brand of two months ago; the stack's clock stands where a test puts it, and goes back afterwards."""
    before = stack.clock.offset
    with the_stacks_account(stack):
        try:
            yield Scenario(stack, month_start(stack.clock.now(), -1) + timedelta(days=1))
        finally:
            stack.clock.set(before)


def month_start(moment: datetime, months: int) -> datetime:
    month = plus_months(moment.strftime("%Y-%m"), months)
    return datetime.fromisoformat(f"{month}-01").replace(tzinfo=moment.tzinfo)


def workflows(world: Scenario) -> Workflows:
    return Workflows(world.stack.client("stepfunctions"), world.stack.outputs["PeriodCloseMachineArn"])


def ended(world: Scenario, month: str) -> Execution:
    """The execution that closes the month, when it has ended."""
    found: Execution = eventually(
        "ended execution",
        lambda: (
            (latest := workflows(world).latest(execution_name(world.brand, month))) and not latest.is_running and latest
        ),
    )
    return found


def close(world: Scenario, month: str, author: Author = FINANCE) -> Execution:
    """Close a month, and wait until that is done."""
    _, execution = start_close(
        world.configuration, workflows(world), brand=world.brand, month=month, author=author,
        now=world.stack.clock.now(),
    )  # fmt: skip
    assert execution is not None, f"{month} was closed before"
    return ended(world, month)


def item(world: Scenario, kind: str, **values: str) -> Any:
    """An item as DynamoDB has it."""
    client, table = world.stack.client("dynamodb"), world.stack.outputs["BooksTableName"]
    key = {name: {"S": part} for name, part in keys.key(kind, **values).item().items()}
    return client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")


class Trader:
    """A client who registered on the third of the month before, and brings revenue on days of that month."""

    def __init__(self, world: Scenario, code: str) -> None:
        self.world, self.name, self.sent = world, f"c-{secrets.token_hex(4)}", 1
        clock = world.stack.clock
        self.start = month_start(clock.now(), -1) + timedelta(days=2)
        now = clock.now()
        clock.set_to(self.start)
        click = world.click_id_of(world.clicks(code))
        registered = clock.now() + timedelta(seconds=5)
        clock.set_to(now)
        self._post("registration", registered, click_id=click, country="DE")

    def brings(self, commission: str, day: int = 10) -> None:
        """Revenue on a day of the month before, known now."""
        at = self.start.replace(day=day, hour=12)
        money = {"currency": "EUR", "spread": "0", "commission": commission, "swap": "0", "pnl": "0"}
        times = {"opened_at": rfc3339(at - timedelta(hours=1)), "closed_at": rfc3339(at)}
        self.sent += 1
        self._post("trade", at, account="1", lots="1", symbol="EURUSD", **money, **times)

    def _post(self, kind: str, at: datetime, **fields: str) -> None:
        event = {"event_id": f"{self.name}-{self.sent}", "type": kind, "client_id": self.name}
        answer = self.world.posts(event | {"occurred_at": rfc3339(at)} | fields)
        assert answer.status_code == 202, answer.text
        self.world.applied(self.name, self.sent)


SHARE = terms(revshare("50"), net_revenue={"commission": "1"})


def test_a_late_event_posts_into_the_open_month_and_says_which_month_it_is_for(world: Scenario) -> None:
    # given a partner who earned 50.00 in a month that is over, and one who never earned anything
    partner, code = world.a_partner(SHARE)
    idle, _ = world.a_partner(SHARE, "Quiet Corner")
    month = plus_months(world.stack.clock.now().strftime("%Y-%m"), -1)
    following = plus_months(month, 1)
    trader = Trader(world, code)
    trader.brings("100.00")

    # when finance closes it
    execution = close(world, month)

    # then the execution says what it came to, small enough to be read at a glance
    assert execution.status == "SUCCEEDED", execution.cause
    assert execution.output == {
        "brand": world.brand, "month": month, "partners": 2, "entries": 1, "sums": {"EUR": "50.00"},
        "page": "/desk/months",
    }  # fmt: skip
    closed = world.configuration.month_close(world.brand, month)
    assert (closed.closed_by, closed.partners, closed.sums) == (FINANCE.by, 2, {"EUR": 5_000})
    assert world.ledger.balance(idle).frozen_through == month

    # when an event of that month comes afterwards
    stood, page = item(world, "statement", partner=partner, month=month), statement_page(world, partner, month)
    trader.brings("30.00", day=20)

    # then it is posted into the open month, and its line names the other
    late = [each for each in world.ledger.all_journals(partner, following) if each.key.earn_month == month]
    assert [(each.amount, each.post_month, each.key.earn_month) for each in late] == [(1_500, following, month)]
    assert [each.amount for each in world.ledger.all_journals(partner, month)] == [5_000]

    # and the statement is what it was, byte for byte
    assert item(world, "statement", partner=partner, month=month) == stood
    assert statement_page(world, partner, month) == page
    assert item(world, "statement", partner=idle, month=month) is not None

    # when the open month is over and closed as well
    world.stack.clock.set_to(month_start(world.stack.clock.now(), 1) + timedelta(days=4))
    assert close(world, following).output["sums"] == {"EUR": "15.00"}  # type: ignore[index]

    # then its statement opens where the one before ended, and sets apart what was for it
    found = Statements(world.stack.outputs["BooksTableName"]).get(partner, following)
    assert found is not None
    [euros] = found.totals
    assert (euros.opening, euros.rules, euros.closing) == (5_000, (), 6_500)
    assert [(total.of, total.amount, total.entries) for total in euros.earlier] == [(month, 1_500, 1)]


def statement_page(world: Scenario, partner: str, month: str) -> bytes:
    """What the partner's program reads."""
    email, password = world.a_login(partner, Role.OWNER)
    program = {"Accept": "application/json"}
    signed_in = world.http.post("/sign-in", json={"email": email, "password": password}, headers=program)
    program["Authorization"] = f"Bearer {signed_in.json()['access_token']}"
    answer = world.http.get(f"/statements/{month}", headers=program)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_closing_twice_is_harmless(world: Scenario) -> None:
    # given a month that is closed
    partner, code = world.a_partner(SHARE)
    month = plus_months(world.stack.clock.now().strftime("%Y-%m"), -1)
    Trader(world, code).brings("100.00")
    name = execution_name(world.brand, month)
    given = {"brand": world.brand, "month": month}
    assert close(world, month).name == name
    stood = [item(world, "statement", partner=partner, month=month),
             item(world, "month_close", brand=world.brand, month=month)]  # fmt: skip

    # when it is closed again: through the service, under its name, and under another one in AWS's console
    again = start_close(
        world.configuration, workflows(world), brand=world.brand, month=month,
        author=Author(by="mem_other", why="to be sure"), now=world.stack.clock.now(),
    )  # fmt: skip
    assert again[0].closed_by == FINANCE.by and again[1] is None
    assert workflows(world).start(name, given) == ended(world, month)
    other = f"{name}-by-hand"
    workflows(world).start(other, given)
    done = eventually("second run", lambda: (e := workflows(world).latest(other)) and not e.is_running and e)

    # then nothing has changed
    assert done.status == "SUCCEEDED", done.cause
    assert stood == [item(world, "statement", partner=partner, month=month),
                     item(world, "month_close", brand=world.brand, month=month)]  # fmt: skip


def test_a_month_that_has_not_ended_is_not_closed_and_the_execution_says_when_it_can_be(world: Scenario) -> None:
    # given the current month
    partner, _ = world.a_partner(SHARE)
    month = world.stack.clock.now().strftime("%Y-%m")

    # when somebody starts the machine for it by hand
    workflows(world).start(execution_name(world.brand, month), {"brand": world.brand, "month": month})
    execution = ended(world, month)

    # then it fails with a sentence, and nothing is frozen
    assert execution.status == "FAILED"
    assert execution.cause.startswith(f"{month} has not ended: its last day (UTC) is ")
    assert plus_months(month, 1) in execution.cause
    assert world.ledger.balance(partner).frozen_through is None
    with pytest.raises(Invalid, match="has not ended"):
        start_close(world.configuration, workflows(world), brand=world.brand, month=month, author=FINANCE,
                    now=world.stack.clock.now())  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"brand": "brd_nobody", "month": "2026-01"}, "There is no such brand."),
        ({"brand": "brd_nobody", "month": "January"}, "'January' is no month"),
        ({"brand": "brd_nobody"}, "Start it with a brand and a month"),
    ],
)
def test_an_execution_with_a_wrong_input_fails_with_a_sentence(
    world: Scenario, given: dict[str, str], said: str
) -> None:
    name = f"wrong-{secrets.token_hex(5)}"
    workflows(world).start(name, given)
    found = eventually("failure", lambda: (e := workflows(world).latest(name)) and not e.is_running and e)
    assert (found.status, found.cause[: len(said)]) == ("FAILED", said)


def test_what_broke_in_the_middle_is_repaired_by_starting_again(world: Scenario) -> None:
    # given two partners with earnings, the second with an entry that cannot be read
    first, code = world.a_partner(SHARE, "First")
    second, other_code = world.a_partner(SHARE, "Second")
    first, second = sorted((first, second))
    month = plus_months(world.stack.clock.now().strftime("%Y-%m"), -1)
    traders = [Trader(world, code), Trader(world, other_code)]
    for trader in traders:
        trader.brings("100.00")
    client, table = world.stack.client("dynamodb"), world.stack.outputs["BooksTableName"]
    broken = keys.key("journal", partner=second, month=month.replace("-", ""), journal="jrn_broken").item()
    client.put_item(TableName=table, Item={name: {"S": part} for name, part in broken.items()})

    # when the month is closed
    execution = close(world, month)

    # then it stopped between the two: the month is frozen for both, one has its statement, and no month is closed
    assert (execution.status, execution.name) == ("FAILED", execution_name(world.brand, month))
    assert execution.cause.startswith("Start it again: it goes on where it stopped.")
    stood = item(world, "statement", partner=first, month=month)
    assert stood is not None
    assert item(world, "statement", partner=second, month=month) is None
    assert world.configuration.month_close(world.brand, month).closed_at is None

    # when a late event comes meanwhile, the entry is put right, and the close is started again
    for trader in traders:
        trader.brings("20.00", day=11)
    client.delete_item(TableName=table, Key={name: {"S": part} for name, part in broken.items()})
    assert workflows(world).start(execution_name(world.brand, month), {"brand": world.brand, "month": month})
    execution = ended(world, month)

    # then it is closed, as if nothing had happened
    assert (execution.status, execution.name) == ("SUCCEEDED", f"{execution_name(world.brand, month)}-r2")
    assert execution.output is not None
    assert execution.output["sums"] == {"EUR": "100.00"}
    assert item(world, "statement", partner=first, month=month) == stood
    late = world.ledger.journals(second, plus_months(month, 1)).items
    assert [(each.amount, each.key.earn_month) for each in late] == [(1_000, month)]


def test_the_schedule_closes_the_month_before_for_every_brand(world: Scenario) -> None:
    # given a brand, and one that was opened this month
    world.a_partner(SHARE)
    young = Scenario(world.stack, world.stack.clock.now())
    month = plus_months(world.stack.clock.now().strftime("%Y-%m"), -1)

    # when the schedule starts the machine
    name = f"scheduled-{secrets.token_hex(5)}"
    workflows(world).start(name, {})
    found = eventually("end", lambda: (e := workflows(world).latest(name)) and not e.is_running and e)

    # then each brand of that month has an execution of its own, in nobody's name
    assert found.status == "SUCCEEDED", found.cause
    assert execution_name(world.brand, month) in found.output["started"]
    assert execution_name(young.brand, month) not in found.output["started"]
    assert ended(world, month).status == "SUCCEEDED"
    assert world.configuration.month_close(world.brand, month).closed_by == "system:period_close"
    actions = [record.action for record in world.configuration.audit_of_subject(world.brand).items]
    assert actions == ["close_month", "begin_month_close", "open_brand"]
