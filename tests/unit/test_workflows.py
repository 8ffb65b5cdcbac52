"""Starting executions by name: what AWS answers, and what becomes of it. (The rest is tried in tests/machines.)"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from introducer.domain.errors import Conflict, Invalid, TooMany, Unavailable
from introducer.gateways.workflows import TRIES, Execution, Workflows

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:introducer-prod-period_close"
RUNS = "arn:aws:states:eu-west-1:123456789012:execution:introducer-prod-period_close:"
NAME = "2026-10-close-brd_01J00000000000000000000000"


class StepFunctions:
    """AWS, with its rules on names. `fails` makes every call end so."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.fails = fails
        self.hidden: set[str] = set()

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        assert stateMachineArn == MACHINE
        if self.fails:
            raise self.fails
        if RUNS + name in self.runs:
            raise refused("ExecutionAlreadyExists")
        self.runs[RUNS + name] = {"status": "RUNNING", "input": input}
        return {}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:
        if self.fails:
            raise self.fails
        if executionArn not in self.runs or executionArn in self.hidden:
            raise refused("ExecutionDoesNotExist")
        return self.runs[executionArn]

    def ends(self, name: str, status: str, **more: str) -> None:
        self.runs[RUNS + name] |= {"status": status, **more}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "StartExecution")


def test_a_thing_runs_once_and_again_only_after_it_failed() -> None:
    aws = StepFunctions()
    workflows = Workflows(aws, MACHINE)
    assert workflows.latest(NAME) is None

    assert workflows.start(NAME, {"month": "2026-10"}) == Execution(NAME, "RUNNING")
    assert workflows.start(NAME, {"month": "2026-10"}) == Execution(NAME, "RUNNING")
    assert len(aws.runs) == 1

    for number, status in ((2, "FAILED"), (3, "TIMED_OUT"), (4, "ABORTED")):
        before = NAME if number == 2 else f"{NAME}-r{number - 1}"
        aws.ends(before, status, cause="a sentence")
        assert workflows.latest(NAME) == Execution(before, status, "a sentence")
        assert workflows.start(NAME, {"month": "2026-10"}).name == f"{NAME}-r{number}"

    aws.ends(f"{NAME}-r4", "SUCCEEDED", output='{"partners": 3}')
    done = workflows.start(NAME, {"month": "2026-10"})
    assert (done.name, done.status, done.output) == (f"{NAME}-r4", "SUCCEEDED", {"partners": 3})
    assert workflows.latest(NAME) == done
    assert len(aws.runs) == 4


def test_what_is_not_described_yet_runs() -> None:
    aws = StepFunctions()
    workflows = Workflows(aws, MACHINE)
    workflows.start(NAME, {})
    aws.hidden.add(RUNS + NAME)

    assert workflows.start(NAME, {}).is_running
    assert len(aws.runs) == 1


def test_what_fails_always_is_not_started_for_ever() -> None:
    aws = StepFunctions()
    workflows = Workflows(aws, MACHINE)
    for _ in range(TRIES):
        aws.ends(workflows.start(NAME, {}).name, "FAILED")
    with pytest.raises(Conflict, match=f"failed {TRIES} times"):
        workflows.start(NAME, {})


def test_the_last_try_of_the_longest_name_is_one_that_aws_takes() -> None:
    aws = StepFunctions()
    workflows = Workflows(aws, MACHINE)
    longest = "n" * 76
    for _ in range(TRIES):
        aws.ends(workflows.start(longest, {}).name, "FAILED")
    assert max(len(arn.removeprefix(RUNS)) for arn in aws.runs) == 80


@pytest.mark.parametrize("name", ["", "n" * 77, "2026-10 close", "a:b", "ü"])
def test_a_name_that_aws_would_refuse_is_refused_here(name: str) -> None:
    aws = StepFunctions()
    with pytest.raises(Invalid):
        Workflows(aws, MACHINE).start(name, {})
    assert aws.runs == {}


def test_an_input_that_aws_would_refuse_is_refused_here() -> None:
    aws = StepFunctions()
    room = 256 * 1024 - len(json.dumps({"why": ""}))
    Workflows(aws, MACHINE).start("fits", {"why": "x" * room})
    with pytest.raises(Invalid):
        Workflows(aws, MACHINE).start("does-not", {"why": "x" * (room + 1)})


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (refused("ThrottlingException"), TooMany),
        (refused("ExecutionLimitExceeded"), TooMany),
        (refused("StateMachineDoesNotExist"), Unavailable),
        (refused("AccessDeniedException"), Unavailable),
        (EndpointConnectionError(endpoint_url="https://states"), Unavailable),
    ],
)
def test_what_aws_raises_becomes_one_of_ours(error: Exception, ours: type[Exception]) -> None:
    workflows = Workflows(StepFunctions(error), MACHINE)
    with pytest.raises(ours):
        workflows.start(NAME, {})
    with pytest.raises(ours):
        workflows.latest(NAME)
