"""The schedules of EventBridge Scheduler that start payout runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from introducer.domain.errors import Invalid, TooMany, Unavailable
from introducer.domain.payout_schedule import Cadence, PayoutSchedule
from introducer.gateways.schedules import Schedules, expression

GROUP, ROLE, MACHINE = (
    "introducer-test-payouts",
    "arn:aws:iam::123456789012:role/payouts",
    "arn:aws:states:eu-central-1:123456789012:stateMachine:payout_run",
)
MONTHLY = PayoutSchedule(
    brand="brd_01", schedule="monthly-EUR", cadence=Cadence.MONTHLY, time_zone="Europe/Berlin", days_after=2
)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in (("AWS_ACCESS_KEY_ID", "testing"), ("AWS_SECRET_ACCESS_KEY", "testing")):
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = boto3.client("scheduler", region_name="eu-central-1")
        client.create_schedule_group(Name=GROUP)
        yield client


def of(client: Any) -> Schedules:
    return Schedules(client, group=GROUP, role=ROLE, machine=MACHINE)


@pytest.mark.parametrize(
    ("cadence", "days_after", "cron"),
    [
        (Cadence.WEEKLY, 1, "cron(0 6 ? * MON *)"),
        (Cadence.WEEKLY, 7, "cron(0 6 ? * SUN *)"),
        (Cadence.WEEKLY, 10, "cron(0 6 ? * WED *)"),
        (Cadence.TWICE_MONTHLY, 2, "cron(0 6 2,17 * ? *)"),
        (Cadence.TWICE_MONTHLY, 14, "cron(0 6 * * ? *)"),
        (Cadence.MONTHLY, 28, "cron(0 6 28 * ? *)"),
        (Cadence.MONTHLY, 29, "cron(0 6 * * ? *)"),
        (Cadence.QUARTERLY, 5, "cron(0 6 5 1,4,7,10 ? *)"),
        (Cadence.QUARTERLY, 45, "cron(0 6 * * ? *)"),
    ],
)
def test_it_fires_on_the_days_after_a_period_and_daily_where_no_cron_says_which(
    cadence: Cadence, days_after: int, cron: str
) -> None:
    assert expression(replace(MONTHLY, cadence=cadence, days_after=days_after)) == cron


def test_a_schedule_starts_the_machine_with_brand_and_name_in_its_own_time_zone(client: Any) -> None:
    of(client).put(MONTHLY)

    made = client.get_schedule(GroupName=GROUP, Name="brd_01-monthly-EUR")
    assert (made["ScheduleExpression"], made["ScheduleExpressionTimezone"]) == ("cron(0 6 2 * ? *)", "Europe/Berlin")
    assert (made["Target"]["Arn"], made["Target"]["RoleArn"]) == (MACHINE, ROLE)
    assert json.loads(made["Target"]["Input"]) == {"brand": "brd_01", "schedule": "monthly-EUR"}
    assert made["State"] == "ENABLED"


def test_putting_it_again_changes_it_and_a_paused_one_does_not_fire(client: Any) -> None:
    of(client).put(MONTHLY)
    of(client).put(replace(MONTHLY, days_after=5, paused=True))

    made = client.get_schedule(GroupName=GROUP, Name="brd_01-monthly-EUR")
    assert (made["ScheduleExpression"], made["State"]) == ("cron(0 6 5 * ? *)", "DISABLED")
    assert len(client.list_schedules(GroupName=GROUP)["Schedules"]) == 1


def test_one_that_was_removed_is_gone_and_removing_it_again_is_harmless(client: Any) -> None:
    of(client).put(MONTHLY)
    of(client).remove("brd_01", "monthly-EUR")
    of(client).remove("brd_01", "monthly-EUR")

    assert client.list_schedules(GroupName=GROUP)["Schedules"] == []


class Failing:
    """A client whose every call fails in the same way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> None:
            raise self.error

        return call


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "UpdateSchedule")


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (refused("ValidationException"), Invalid),
        (refused("ThrottlingException"), TooMany),
        (refused("InternalServerException"), Unavailable),
        (refused("ConflictException"), Unavailable),
        (EndpointConnectionError(endpoint_url="x"), Unavailable),
    ],
)
def test_what_aws_says_is_told_in_our_own_words(error: Exception, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        of(Failing(error)).put(MONTHLY)


@pytest.mark.parametrize("error", [refused("InternalServerException"), EndpointConnectionError(endpoint_url="x")])
def test_a_removal_that_failed_says_so(error: Exception) -> None:
    with pytest.raises(Unavailable):
        of(Failing(error)).remove("brd_01", "monthly-EUR")
