"""A payout run through the real template: the state machine, its function, the clock, and the people who decide."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import PayoutStatus, RunStatus, execution_name
from introducer.gateways.schedules import Schedules
from introducer.services.creation import Author
from introducer.services.place_hold import place_hold
from introducer.services.schedule_runs import schedule_runs
from introducer.store import keys
from introducer.store.holds import Holds
from introducer_ops.localcloud import Stack
from tests.support.paying import SCHEDULE, Paying
from tests.support.scenario import Scenario, eventually, the_stacks_account

pytestmark = pytest.mark.cloud

HOUR = 3600


@pytest.fixture
def paying(stack: Stack) -> Iterator[Paying]:
    """A brand of some months ago; the stack's clock goes back afterwards."""
    before = stack.clock.offset
    with the_stacks_account(stack):
        try:
            yield Paying(Scenario(stack, stack.clock.now() - timedelta(days=70)))
        finally:
            stack.clock.set(before)


def balance(paying: Paying, partner: str) -> dict[str, int]:
    """What a partner has in euros, by bucket."""
    found: dict[str, int] = {}
    for (currency, bucket, _), amount in paying.world.ledger.balance(partner).amounts.items():
        if currency == "EUR" and amount:
            found[bucket] = found.get(bucket, 0) + amount
    return found


def test_a_run_pays_over_rails_in_several_currencies_and_reads_like_a_story(paying: Paying) -> None:
    # given three partners with money, and one with too little of it
    paying.ready(minimums={"EUR": 1_000})
    paying.pays_from(sepa={"name": "Northwind Markets", "iban": "NL91ABNA0417164300", "bic": "ABNANL2A"})
    sepa = paying.payee(25_000, RailKind.SEPA, name="Sepia")
    dollars = paying.payee(11_600, pays="USD", name="Dollar")
    held = paying.payee(9_900, name="Held")
    small = paying.payee(999, name="Small")

    # when the run is started
    started = paying.start()

    # then it waits, and everything of it is reserved
    waiting = paying.waits(started.run)
    assert waiting.payouts == 3
    assert dict(waiting.left_out) == {"below_minimum": 1}
    assert balance(paying, sepa) == {"reserved": 25_000}

    # when a hold comes, and the run is approved all the same
    place_hold(
        paying.world.configuration, Holds(paying.world.stack.outputs["BooksTableName"]), member=paying.checker,
        partner=held, why="Looks odd", clock=lambda: paying.now, random=secrets.token_bytes, pause=lambda _: None,
    )  # fmt: skip
    paying.decide(started.run, approve=True)

    # then what is held stays, and the rest is handed over: a file for the bank and a list for a person
    batches = {(each.rail, each.currency): each for each in paying.sent(started.run)}
    assert batches.keys() >= {(RailKind.SEPA, "EUR"), (RailKind.MANUAL, "USD")}
    assert paying.of_run(started.run)[held].status is PayoutStatus.SET_ASIDE
    assert balance(paying, held) == {"available": 9_900}
    file = paying.world.stack.client("s3").get_object(
        Bucket=paying.world.stack.outputs["SentFilesBucketName"], Key=batches[RailKind.SEPA, "EUR"].file
    )
    assert file["ServerSideEncryption"] == "aws:kms"
    assert b"DE89370400440532013000" in file["Body"].read()

    # when both were paid, and it is time to look again
    assert paying.confirm(started.run) == 2
    paying.world.stack.clock.advance(HOUR)

    # then the run is over, and says what it came to
    ended = paying.ended(started.execution.name)
    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output == {
        "brand": paying.world.brand,
        "run": started.run,
        "days": f"{started.period.first} to {started.period.through}",
        "status": "closed",
        "payouts": 3,
        "stand": {
            "paid": {"payouts": 2, "EUR": "250.00", "USD": "134.56"},
            "set_aside": {"payouts": 1, "EUR": "99.00"},
        },
        "left_out": {"below_minimum": 1},
        "page": f"/desk/runs/{started.run}",
    }
    assert balance(paying, dollars) == {"paid": 11_600}
    assert sum(balance(paying, small).values()) == 999
    assert paying.run(started.run).status is RunStatus.CLOSED

    # and its history reads like a story, in which nothing tells where the money went
    told = paying.told(started.execution.name)
    assert [name for at, name in enumerate(told) if name not in told[:at]] == STORY
    own = paying.events(started.execution.name)
    history = json.dumps([own, *children(paying, started.execution.name)], default=str)
    assert not [secret for secret in ("DE89", "3704", "12345678", "Northwind Markets") if secret in history]
    largest = max(len(json.dumps(event, default=str)) for event in own)
    assert largest < 4_000

    # and starting it again is harmless
    again = paying.workflows.start(f"{started.execution.name}-by-hand", given(paying, started.run))
    said = paying.ended(again.name).output
    assert said is not None and said.items() >= ended.output.items()


STORY = [
    "For one run?", "Open the run", "Opened before?", "Take the rates", "Select the partners",
    "Reserve for each group of partners", "Add up what is reserved", "Anything to pay?", "Ask for approval",
    "Was it approved?", "Approve each group", "Plan the batches", "Send each batch", "Add up what is sent",
    "Look up what was paid", "All heard of?", "Wait for confirmations", "Settle the run", "Write the statements",
    "Close the run", "Run closed",
]  # fmt: skip


def given(paying: Paying, run: str) -> dict[str, str]:
    """What an execution of a run is started with."""
    found = paying.run(run)
    return {
        "brand": found.brand,
        "schedule": found.schedule,
        "run": run,
        "first": found.first,
        "through": found.through,
    }


def children(paying: Paying, name: str) -> list[Any]:
    """The histories of the groups and batches of an execution."""
    arn = paying.world.stack.outputs["PayoutRunMachineArn"].replace(":stateMachine:", ":execution:") + f":{name}"
    return [
        paying.states.get_execution_history(executionArn=child["executionArn"])["events"]
        for run in paying.states.list_map_runs(executionArn=arn)["mapRuns"]
        for child in paying.states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    ]


def test_approvers_are_reminded_and_after_the_deadline_all_is_released(paying: Paying) -> None:
    # given a run that waits
    paying.ready(remind_hours=5, deadline_hours=12)
    partner = paying.payee(5_000)
    started = paying.start()
    first = paying.waits(started.run)
    assert first.reminders == 0

    # when nobody decides for five hours, and then until the deadline
    paying.world.stack.clock.advance(5 * HOUR + 60)
    eventually("reminder", lambda: paying.run(started.run).reminders == 1)
    assert paying.run(started.run).token != first.token
    paying.world.stack.clock.advance(5 * HOUR)
    eventually("second reminder", lambda: paying.run(started.run).reminders == 2)
    paying.world.stack.clock.advance(2 * HOUR)

    # then it lapses, and the money is available again
    ended = paying.ended(started.execution.name)
    assert (ended.status, paying.run(started.run).status) == ("SUCCEEDED", RunStatus.LAPSED)
    assert paying.of_run(started.run)[partner].status is PayoutStatus.REJECTED
    assert balance(paying, partner) == {"available": 5_000}
    assert paying.told(started.execution.name).count("Time to remind") == 3


def test_a_rejected_run_releases_everything_and_a_repeated_start_is_the_same_run(paying: Paying) -> None:
    paying.ready()
    partner = paying.payee(5_000)
    started = paying.start()
    paying.waits(started.run)

    # when it is started again while it waits, and under another name in AWS's console
    assert paying.start().execution.name == started.execution.name
    other = paying.workflows.start(f"{started.execution.name}-by-hand", given(paying, started.run))
    eventually("second question", lambda: "Ask for approval" in paying.told(other.name))
    assert len(paying.of_run(started.run)) == 1

    # when it is rejected
    token = eventually("token of the second", lambda: (r := paying.run(started.run)).version > 3 and r.token)
    assert token
    paying.decide(started.run, approve=False, why="Wrong month")
    paying.world.stack.clock.advance(25 * HOUR)

    # then both end, and the money is there for the next run
    for name in (started.execution.name, other.name):
        assert paying.ended(name).status == "SUCCEEDED"
    assert paying.run(started.run).status is RunStatus.REJECTED
    assert balance(paying, partner) == {"available": 5_000}


def test_a_run_without_anything_to_pay_is_closed_at_once(paying: Paying) -> None:
    paying.ready()
    started = paying.start()
    ended = paying.ended(started.execution.name)
    assert (ended.status, ended.output and ended.output["payouts"]) == ("SUCCEEDED", 0)


def test_what_broke_in_the_middle_goes_on_when_it_is_started_again(paying: Paying) -> None:
    # given a run that waits, whose schedule cannot be read any more
    paying.ready()
    partner = paying.payee(5_000)
    started = paying.start()
    paying.waits(started.run)
    client, table = paying.world.stack.client("dynamodb"), paying.world.stack.outputs["BooksTableName"]
    key = {
        name: {"S": part}
        for name, part in keys.key("payout_schedule", brand=paying.world.brand, schedule=SCHEDULE).item().items()
    }
    schedule = client.get_item(TableName=table, Key=key)["Item"]
    client.delete_item(TableName=table, Key=key)

    # when it is approved
    paying.decide(started.run, approve=True)

    # then it stops, and says why
    ended = paying.ended(started.execution.name)
    assert (ended.status, ended.cause) == ("FAILED", "There is no such payout schedule.")

    # when that is put right, and the run is started again
    client.put_item(TableName=table, Item=schedule)
    again = paying.start()
    assert again.execution.name == f"{execution_name(paying.world.brand, started.run)}-r2"

    # then it does not ask again, and pays
    paying.sent(started.run)
    paying.confirm(started.run)
    paying.world.stack.clock.advance(HOUR)
    assert paying.ended(started.execution.name).status == "SUCCEEDED"
    assert balance(paying, partner) == {"paid": 5_000}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"brand": "brd_nobody", "schedule": "monthly"}, "There is no such payout schedule."),
        ({"brand": "brd_nobody"}, "schedule must be texts"),
        ({"run": "2026-10-monthly"}, "brand, schedule, first, through must be texts"),
    ],
)
def test_an_execution_with_a_wrong_input_fails_with_a_sentence(
    paying: Paying, wrong: dict[str, str], said: str
) -> None:
    name = f"wrong-{paying.world.brand}"
    paying.workflows.start(name, wrong)
    found = paying.ended(name)
    assert (found.status, found.cause[: len(said)]) == ("FAILED", said)


def test_days_that_have_not_ended_are_not_paid(paying: Paying) -> None:
    paying.ready()
    today = paying.now.date().isoformat()
    name = f"early-{paying.world.brand}"
    paying.workflows.start(
        name, {"brand": paying.world.brand, "schedule": SCHEDULE, "run": "early", "first": today, "through": today}
    )
    assert f"This range ends on {today}" in paying.ended(name).cause


def test_the_clock_starts_the_run_that_is_due(paying: Paying) -> None:
    # given a schedule that pays on the second day after the month, and an early morning of such a day
    stack = paying.world.stack
    morning = (paying.now.replace(day=1) + timedelta(days=32)).replace(day=2, hour=5, minute=0)
    stack.clock.set_to(morning)
    schedule = paying.ready(days_after=2)
    clockwork = Schedules(
        stack.client("scheduler"), group=stack.outputs["PayoutScheduleGroup"],
        role=stack.outputs["PayoutScheduleRoleArn"], machine=stack.outputs["PayoutRunMachineArn"],
    )  # fmt: skip
    schedule_runs(
        paying.schedules, clockwork, schedule, author=Author(by="mem_finance", why="monthly"), clock=lambda: paying.now
    )
    try:
        # when it is six
        stack.clock.set_to(morning.replace(hour=6, minute=1))

        # then the run of the month before has its execution, in nobody's name
        run = f"{paying.month}-{SCHEDULE}"
        eventually("run", lambda: paying.started(run))
        assert paying.run(run).started_by == "system:payout_schedule"
        assert paying.ended(execution_name(paying.world.brand, run)).status == "SUCCEEDED"
    finally:
        clockwork.remove(paying.world.brand, SCHEDULE)
