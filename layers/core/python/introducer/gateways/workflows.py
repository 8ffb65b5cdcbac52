"""AWS Step Functions: starting an execution under a name of our own, and asking how it goes.

A name says what the execution is for, so that starting it twice starts it once. AWS keeps names for 90 days; what must
happen once happens once by the steps themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.errors import Conflict, Invalid, TooMany, Unavailable

RUNNING, SUCCEEDED = "RUNNING", "SUCCEEDED"
_NOT_WAITING = {"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"}

TRIES = 50
"""How often one thing may be started again after a failure."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,76}", re.ASCII)
"""AWS takes 80 characters; four are left for `-r50`."""
_MOST_BYTES = 256 * 1024
_BUSY = {"ThrottlingException", "TooManyRequestsException", "ExecutionLimitExceeded"}


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a state machine."""

    name: str
    status: str
    """AWS's word: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
    cause: str = ""
    """Why it failed, in the machine's own sentence."""
    output: Mapping[str, Any] | None = None
    """What it ended with."""

    @property
    def is_running(self) -> bool:
        return self.status in (RUNNING, "PENDING_REDRIVE")

    @property
    def failed(self) -> bool:
        return not self.is_running and self.status != SUCCEEDED


class Workflows:
    """The executions of one state machine, named by its ARN."""

    def __init__(self, client: Any, machine: str) -> None:
        self._client = client
        self._machine = machine

    def start(self, name: str, given: Mapping[str, Any]) -> Execution:
        """Starts an execution, unless one of that name runs or has succeeded: then that one is returned. After a
        failure the next one is called `<name>-r2`, and so on.

        Raises `Conflict` when it failed too often, `Invalid` for a name or an input that AWS would not take, `TooMany`
        and `Unavailable`.
        """
        text = json.dumps(given, ensure_ascii=False)
        if not _NAME.fullmatch(name) or len(text.encode()) > _MOST_BYTES:
            raise Invalid("The name or the input of this execution is longer than AWS takes.", code="invalid_execution")
        for tried in _names(name):
            try:
                self._client.start_execution(stateMachineArn=self._machine, name=tried, input=text)
            except ClientError as error:
                if _code(error) != "ExecutionAlreadyExists":
                    raise _translated(error) from error
            except BotoCoreError as error:
                raise _unavailable() from error
            else:
                return Execution(tried, RUNNING)
            # AWS may know a name some moments before it can describe what runs under it.
            before = self._described(tried) or Execution(tried, RUNNING)
            if not before.failed:
                return before
        raise Conflict(f"{name} failed {TRIES} times: see in AWS Step Functions why.", code="failed_too_often")

    def latest(self, name: str) -> Execution | None:
        """The last execution that was started under this name; None when there is none."""
        latest = None
        for tried in _names(name):
            found = self._described(tried)
            if found is None:
                break
            latest = found
        return latest

    def _described(self, name: str) -> Execution | None:
        arn = f"{self._machine.replace(':stateMachine:', ':execution:')}:{name}"
        try:
            found = self._client.describe_execution(executionArn=arn)
        except ClientError as error:
            if _code(error) == "ExecutionDoesNotExist":
                return None
            raise _translated(error) from error
        except BotoCoreError as error:
            raise _unavailable() from error
        output = found.get("output") if found["status"] == SUCCEEDED else None
        return Execution(name, found["status"], found.get("cause", ""), json.loads(output) if output else None)


def answer(client: Any, token: str, output: Mapping[str, Any]) -> bool:
    """Wakes the execution that waits with this token. Whether it did: False when nobody waits with it any more, because
    it was answered before or its time ran out. Raises `TooMany` and `Unavailable`."""
    try:
        client.send_task_success(taskToken=token, output=json.dumps(output))
    except ClientError as error:
        if _code(error) in _NOT_WAITING:
            return False
        raise _translated(error) from error
    except BotoCoreError as error:
        raise _unavailable() from error
    return True


def new_client(endpoint_url: str | None = None) -> Any:
    """A client of the region; `endpoint_url` is the local cloud's."""
    import boto3  # costs a quarter of a second: only those who start something pay it

    return boto3.client("stepfunctions", endpoint_url=endpoint_url)


def _names(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-r{number}" for number in range(2, TRIES + 1))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _translated(error: ClientError) -> Exception:
    if _code(error) in _BUSY:
        return TooMany("Too much is started at once: wait a minute.")
    return _unavailable()


def _unavailable() -> Unavailable:
    return Unavailable("AWS Step Functions did not answer: try again in a minute.")
