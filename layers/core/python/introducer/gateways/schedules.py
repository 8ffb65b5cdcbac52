"""EventBridge Scheduler: one schedule for each payout schedule of a brand, in its time zone.

It fires on the days on which a run is due, at six in the morning, and starts the payout machine with the brand and the
name of the payout schedule alone: which period that is, the machine looks up. Firing once too often is harmless, since
a run is named after its period.
"""

from __future__ import annotations

import json
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.errors import Invalid, TooMany, Unavailable
from introducer.domain.payout_schedule import Cadence, PayoutSchedule

CONFIG = Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
HOUR = 6
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LAST_SURE_DAY = 28
"""Every month has it."""
_DAILY = f"cron(0 {HOUR} * * ? *)"
_TRIES = 3


def expression(schedule: PayoutSchedule) -> str:
    """When it fires: on the days that come `days_after` after a period's last one. Where a cron cannot say which days
    those are (the 30th of every month), every day: on the others nothing new is due."""
    after = schedule.days_after
    match schedule.cadence:
        case Cadence.WEEKLY:
            return f"cron(0 {HOUR} ? * {_WEEKDAYS[after % 7]} *)"
        case Cadence.TWICE_MONTHLY if 15 + after <= _LAST_SURE_DAY:
            return f"cron(0 {HOUR} {after},{15 + after} * ? *)"
        case Cadence.MONTHLY if after <= _LAST_SURE_DAY:
            return f"cron(0 {HOUR} {after} * ? *)"
        case Cadence.QUARTERLY if after <= _LAST_SURE_DAY:
            return f"cron(0 {HOUR} {after} 1,4,7,10 ? *)"
    return _DAILY


class Schedules:
    """The schedules of a group. They start a state machine with a role; all three by name or ARN."""

    def __init__(self, client: Any, *, group: str, role: str, machine: str) -> None:
        self._client = client
        self._group = group
        self._role = role
        self._machine = machine

    def put(self, schedule: PayoutSchedule) -> None:
        """Makes it fire as this schedule says, or not at all while it is paused. Again changes nothing.

        Raises `Invalid` for a time zone that AWS does not know, `TooMany` and `Unavailable`.
        """
        given = self._given(schedule)
        for _ in range(_TRIES):
            for call in (self._client.update_schedule, self._client.create_schedule):
                try:
                    call(**given)
                    return
                except ClientError as error:
                    # Not there to be updated; or made by somebody else in between.
                    if _code(error) not in ("ResourceNotFoundException", "ConflictException"):
                        raise _translated(error) from error
                except BotoCoreError as error:
                    raise _unavailable() from error
        raise _unavailable()

    def remove(self, brand: str, schedule: str) -> None:
        """It fires no more; one that is not there is removed already. Raises `TooMany` and `Unavailable`."""
        try:
            self._client.delete_schedule(GroupName=self._group, Name=name(brand, schedule))
        except ClientError as error:
            if _code(error) != "ResourceNotFoundException":
                raise _translated(error) from error
        except BotoCoreError as error:
            raise _unavailable() from error

    def _given(self, schedule: PayoutSchedule) -> dict[str, Any]:
        return {
            "GroupName": self._group,
            "Name": name(schedule.brand, schedule.schedule),
            "Description": f"Starts payout runs of {schedule.brand}: {schedule.schedule}, {schedule.cadence.value}.",
            "ScheduleExpression": expression(schedule),
            "ScheduleExpressionTimezone": schedule.time_zone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "DISABLED" if schedule.paused else "ENABLED",
            "Target": {
                "Arn": self._machine,
                "RoleArn": self._role,
                "Input": json.dumps({"brand": schedule.brand, "schedule": schedule.schedule}),
                # Six in the morning is early enough to still start it by noon.
                "RetryPolicy": {"MaximumRetryAttempts": 20, "MaximumEventAgeInSeconds": 6 * 3600},
            },
        }


def name(brand: str, schedule: str) -> str:
    """What the schedule is called; AWS takes 64 characters."""
    return f"{brand}-{schedule}"


def new_client(endpoint_url: str | None = None) -> Any:
    """A client of the region; `endpoint_url` is the local cloud's."""
    import boto3  # costs a quarter of a second: only those who change a schedule pay it

    return boto3.client("scheduler", endpoint_url=endpoint_url, config=CONFIG)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _translated(error: ClientError) -> Exception:
    if _code(error) == "ValidationException":
        return Invalid("AWS does not take this schedule: check its time zone.", code="invalid_schedule")
    if _code(error) in ("ThrottlingException", "ServiceQuotaExceededException"):
        return TooMany("Too many schedules are changed at once: wait a minute.")
    return _unavailable()


def _unavailable() -> Unavailable:
    return Unavailable("EventBridge Scheduler did not answer: try again in a minute.", code="scheduler_unavailable")
