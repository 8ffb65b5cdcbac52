"""EventBridge Scheduler on the local cloud: by the product's clock, in the schedule's time zone."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from introducer_ops.localcloud import LocalCloud, Stack
from tests.support.scenario import eventually

pytestmark = pytest.mark.cloud

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def local(cloud: LocalCloud) -> Iterator[Stack]:
    """The cloud's account; its clock goes back afterwards."""
    here = Stack(cloud.endpoint, cloud.portal_url, {}, {}, cloud.state_dir)
    before = here.clock.offset
    yield here
    here.clock.set(before)


@pytest.fixture
def machine(local: Stack) -> str:
    """The ARN of a machine of one state."""
    role = {"RoleName": f"any-{secrets.token_hex(4)}", "AssumeRolePolicyDocument": "{}"}
    made: str = local.client("stepfunctions").create_state_machine(
        name=f"started-{secrets.token_hex(4)}", roleArn=local.client("iam").create_role(**role)["Role"]["Arn"],
        definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
    )["stateMachineArn"]  # fmt: skip
    return made


def test_a_schedule_fires_when_the_clock_has_come_to_its_hour_in_its_time_zone(local: Stack, machine: str) -> None:
    # given schedules for six in the morning of Berlin and for five to six, and a clock an hour before that
    morning = (local.clock.now().astimezone(BERLIN) + timedelta(days=1)).replace(hour=5, minute=0, second=0)
    local.clock.set_to(morning)
    scheduler, states = local.client("scheduler"), local.client("stepfunctions")
    names = {}
    for what, cron in (("six", "cron(0 6 * * ? *)"), ("five to six", "cron(55 5 * * ? *)")):
        names[what] = f"daily-{secrets.token_hex(4)}"
        scheduler.create_schedule(
            Name=names[what], ScheduleExpression=cron, ScheduleExpressionTimezone="Europe/Berlin",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": machine, "RoleArn": "arn:aws:iam::000000000000:role/any", "Input": json.dumps(what)},
        )  # fmt: skip

    def started() -> list[str]:
        found = states.list_executions(stateMachineArn=machine)["executions"]
        return sorted(json.loads(states.describe_execution(executionArn=one["executionArn"])["input"]) for one in found)

    try:
        # when the hour of the one has come, and then that of both
        local.clock.set_to(morning.replace(minute=56))
        assert eventually("execution", started) == ["five to six"]
        local.clock.set_to(morning.replace(hour=6, minute=1))

        # then each has fired once
        assert eventually("second execution", lambda: len(started()) > 1 and started()) == ["five to six", "six"]
    finally:
        for name in names.values():
            scheduler.delete_schedule(Name=name)
