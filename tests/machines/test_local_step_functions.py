"""AWS's rules of Step Functions on the local cloud, one small machine for each. Where the rule comes from: the Amazon
States Language and the developer guide's pages on Distributed Map, JSONata, quotas and task tokens."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from introducer_ops.localcloud import LocalCloud, Stack, expanding
from tests.support.scenario import eventually

pytestmark = pytest.mark.cloud

ROLE = "arn:aws:iam::000000000000:role/rules"
TOKEN = "{% $states.context.Task.Token %}"
Definition = dict[str, Any]

FUNCTION = """
import boto3, json


def handler(event, context):
    if "fails" in event:
        raise ValueError(event["fails"])
    if "answer" in event:
        boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output=json.dumps(event["answer"]))
    return event
"""


@dataclass
class Machines:
    """Makes machines and runs them."""

    client: Any

    def start(self, definition: Definition, given: Any = None, name: str | None = None) -> str:
        """The ARN of an execution of a new machine."""
        made = self.client.create_state_machine(
            name=f"rule-{secrets.token_hex(5)}", definition=json.dumps({"QueryLanguage": "JSONata", **definition}),
            roleArn=ROLE,
        )  # fmt: skip
        started: str = self.client.start_execution(
            stateMachineArn=made["stateMachineArn"], name=name or secrets.token_hex(5), input=json.dumps(given or {})
        )["executionArn"]
        return started

    def ended(self, execution: str) -> dict[str, Any]:
        """An execution, when it has ended; its output is read."""
        found: dict[str, Any] = eventually(
            "end of the execution",
            lambda: (e := self.client.describe_execution(executionArn=execution))["status"] != "RUNNING" and e,
        )
        return found | {"output": json.loads(found.get("output") or "null")}

    def run(self, definition: Definition, given: Any = None) -> dict[str, Any]:
        return self.ended(self.start(definition, given))

    def events(self, execution: str) -> list[str]:
        return [event["type"] for event in self.client.get_execution_history(executionArn=execution)["events"]]


@pytest.fixture(scope="module")
def local(cloud: LocalCloud) -> Stack:
    """The cloud's account, without need of a stack; with a role that may answer to tokens."""
    here = Stack(cloud.endpoint, cloud.portal_url, {}, {}, cloud.state_dir)
    anybody = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    answers = {"Effect": "Allow", "Action": "states:SendTaskSuccess", "Resource": "*"}
    iam, version = here.client("iam"), {"Version": "2012-10-17"}
    iam.create_role(RoleName="rules", AssumeRolePolicyDocument=json.dumps({**version, "Statement": [anybody]}))
    iam.put_role_policy(
        RoleName="rules", PolicyName="answer", PolicyDocument=json.dumps({**version, "Statement": [answers]})
    )
    return here


@pytest.fixture(scope="module")
def machines(local: Stack) -> Machines:
    return Machines(local.client("stepfunctions"))


@pytest.fixture(scope="module")
def function(local: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The ARN of a function that fails, or answers to a token, as its event says."""
    folder = tmp_path_factory.mktemp("function")
    (folder / "app.py").write_text(FUNCTION)
    code = expanding.package(expanding.Source("app.handler", Path(folder), ()), sys.executable)
    made = local.client("lambda").create_function(
        FunctionName=f"rule-{secrets.token_hex(5)}", Runtime="provided.al2023", Handler="app.handler",
        Role=ROLE, Code={"ZipFile": code}, Timeout=20,
    )  # fmt: skip
    yield made["FunctionArn"]
    local.client("lambda").delete_function(FunctionName=made["FunctionName"])


def one_state(**state: Any) -> Definition:
    return {"StartAt": "Only", "States": {"Only": {"End": True, **state}}}


def a_map(states: Definition, **fields: Any) -> Definition:
    """A machine that keeps `a` as a variable, and then maps."""
    return {
        "StartAt": "Keep",
        "States": {
            "Keep": {"Type": "Pass", "Assign": {"a": "{% $states.input.a %}", "n": 2}, "Next": "Each"},
            "Each": {
                "Type": "Map", "End": True,
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Child", "States": states,
                },
                **fields,
            },
        },
    }  # fmt: skip


ECHO: Definition = {"Child": {"Type": "Pass", "End": True}}
FAILS_AT_3: Definition = {
    "Child": {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $states.input = 3 %}", "Next": "No"}],
        "Default": "Yes",
    },
    "No": {"Type": "Fail", "Error": "Three", "Cause": "It is three."},
    "Yes": {"Type": "Succeed"},
}
INPUT = {"a": "outer", "list": [1, 2, 3, 4, 5]}


class TestDistributedMap:
    def test_items_are_selected_and_batched_by_expressions_that_see_the_maps_variables(
        self, machines: Machines
    ) -> None:
        done = machines.run(
            a_map(
                ECHO,
                Items="{% $states.input.list %}",
                ItemSelector={"of": "{% $a %}", "at": "{% $states.context.Map.Item.Index %}",
                              "value": "{% $states.context.Map.Item.Value * 10 %}"},
                ItemBatcher={"MaxItemsPerBatch": "{% $n %}", "BatchInput": {"all": "{% $count($states.input.list) %}"}},
                MaxConcurrency="{% $n %}",
                Label="Each",
                Output={"sum": "{% $sum($states.result.Items.value) %}", "batches": "{% $states.result %}"},
            ),
            INPUT,
        )  # fmt: skip
        assert done["status"] == "SUCCEEDED", done
        assert done["output"]["sum"] == 150
        assert [len(batch["Items"]) for batch in done["output"]["batches"]] == [2, 2, 1]
        assert done["output"]["batches"][1]["BatchInput"] == {"all": 5}
        assert done["output"]["batches"][2]["Items"] == [{"of": "outer", "at": 4, "value": 50}]

    def test_a_batch_ends_where_the_next_item_would_make_it_too_long(self, machines: Machines) -> None:
        items = ["x" * 30] * 3
        done = machines.run(a_map(ECHO, Items=items, ItemBatcher={"MaxInputBytesPerBatch": 70}), INPUT)
        assert [len(batch["Items"]) for batch in done["output"]] == [2, 1]

    def test_children_see_their_own_input_and_no_variable_from_outside(self, machines: Machines) -> None:
        looks = {"Type": "Pass", "End": True,
                 "Output": {"a": "{% $exists($a) %}", "own": "{% $states.context.Execution.Input %}"}}  # fmt: skip
        done = machines.run(a_map({"Child": looks}, Items="{% $states.input.list[[0..1]] %}"), INPUT)
        assert done["output"] == [{"a": False, "own": 1}, {"a": False, "own": 2}]

    def test_each_child_is_an_execution_with_a_history_of_its_own_and_the_map_run_counts_them(
        self, machines: Machines
    ) -> None:
        execution = machines.start(
            a_map(ECHO, Items="{% $states.input.list %}", ItemBatcher={"MaxItemsPerBatch": 2}), INPUT
        )
        machines.ended(execution)
        [run] = machines.client.list_map_runs(executionArn=execution)["mapRuns"]
        counts = machines.client.describe_map_run(mapRunArn=run["mapRunArn"])
        assert (counts["status"], counts["itemCounts"]["succeeded"], counts["executionCounts"]["succeeded"]) == (
            "SUCCEEDED", 5, 3,
        )  # fmt: skip
        [child, *_] = machines.client.list_executions(mapRunArn=run["mapRunArn"])["executions"]
        assert machines.events(child["executionArn"]) == [
            "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded",
        ]  # fmt: skip
        assert machines.events(execution).count("MapRunSucceeded") == 1

    def test_one_child_that_fails_fails_the_map_and_what_had_not_begun_does_not_begin(self, machines: Machines) -> None:
        execution = machines.start(a_map(FAILS_AT_3, Items="{% $states.input.list %}", MaxConcurrency=1), INPUT)
        done = machines.ended(execution)
        assert (done["status"], done["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")
        [run] = machines.client.list_map_runs(executionArn=execution)["mapRuns"]
        counts = machines.client.describe_map_run(mapRunArn=run["mapRunArn"])["executionCounts"]
        assert [counts[each] for each in ("succeeded", "failed", "aborted", "pending")] == [2, 1, 2, 0]

    @pytest.mark.parametrize(
        "tolerance",
        [{"ToleratedFailureCount": "{% $n - 1 %}"}, {"ToleratedFailurePercentage": 20},
         {"ToleratedFailureCount": 1, "ToleratedFailurePercentage": "{% $n * 50 %}"}],
    )  # fmt: skip
    def test_failures_within_the_tolerated_number_do_not_fail_it(
        self, machines: Machines, tolerance: dict[str, Any]
    ) -> None:
        done = machines.run(a_map(FAILS_AT_3, Items="{% $states.input.list %}", **tolerance), INPUT)
        assert (done["status"], done["output"]) == ("SUCCEEDED", [1, 2, 4, 5])

    def test_no_item_is_no_child(self, machines: Machines) -> None:
        assert machines.run(a_map(ECHO, Items=[]), INPUT)["output"] == []


class TestWaiting:
    def test_a_timeout_may_be_an_expression_and_ends_a_wait_for_a_token(
        self, machines: Machines, local: Stack, function: str
    ) -> None:
        # given a task that waits a day for its token
        execution = machines.start(
            {
                "StartAt": "Ask",
                "States": {
                    "Ask": {
                        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "End": True,
                        "Arguments": {"FunctionName": function, "Payload": {"token": TOKEN}},
                        "TimeoutSeconds": "{% $states.input.seconds %}",
                        "Catch": [{"ErrorEquals": ["States.Timeout"], "Output": "late", "Next": "Late"}],
                    },
                    "Late": {"Type": "Succeed"},
                },
            },
            {"seconds": 86_400},
        )  # fmt: skip
        eventually("wait", lambda: "TaskScheduled" in machines.events(execution))
        assert machines.client.describe_execution(executionArn=execution)["status"] == "RUNNING"

        # when the product's clock has moved on by a day
        before = local.clock.offset
        try:
            local.clock.advance(86_401)
            assert machines.ended(execution)["output"] == "late"
        finally:
            local.clock.set(before)

    def test_a_function_that_fails_with_a_token_fails_its_state_with_its_own_error_at_once(
        self, machines: Machines, function: str
    ) -> None:
        done = machines.run(
            one_state(
                Type="Task", Resource="arn:aws:states:::lambda:invoke.waitForTaskToken", TimeoutSeconds=86_400,
                Arguments={"FunctionName": function, "Payload": {"fails": "No such run."}},
            )
        )  # fmt: skip
        assert (done["status"], done["error"]) == ("FAILED", "ValueError")
        assert json.loads(done["cause"])["errorMessage"] == "No such run."

    def test_a_function_may_answer_its_own_token(self, machines: Machines, function: str) -> None:
        payload = {"token": TOKEN, "answer": {"approved": True}}
        done = machines.run(
            one_state(
                Type="Task", Resource="arn:aws:states:::lambda:invoke.waitForTaskToken", TimeoutSeconds=60,
                Arguments={"FunctionName": function, "Payload": payload},
            )
        )  # fmt: skip
        assert (done["status"], done["output"]) == ("SUCCEEDED", {"approved": True})

    def test_a_wait_of_so_many_seconds_by_expression_is_over_when_the_clock_says_so(
        self, machines: Machines, local: Stack
    ) -> None:
        execution = machines.start(one_state(Type="Wait", Seconds="{% $states.input.hours * 3600 %}"), {"hours": 2})
        eventually("wait", lambda: "WaitStateEntered" in machines.events(execution))
        before = local.clock.offset
        try:
            local.clock.advance(7_201)
            assert machines.ended(execution)["status"] == "SUCCEEDED"
        finally:
            local.clock.set(before)


def test_an_execution_ends_with_the_output_of_its_succeed_state(machines: Machines) -> None:
    end = {"Type": "Succeed", "Output": {"was": "{% $states.input.a %}"}}
    done = machines.run({"StartAt": "End", "States": {"End": end}}, {"a": 1})
    assert done["output"] == {"was": 1}


@pytest.mark.parametrize("name", ["with space", "a/b", "a:b", "x" * 81])
def test_a_name_that_aws_would_not_take_is_refused(machines: Machines, name: str) -> None:
    with pytest.raises(ClientError, match="InvalidName"):
        machines.client.start_execution(
            stateMachineArn=machines.client.create_state_machine(
                name="names", definition=json.dumps(one_state(Type="Pass")), roleArn=ROLE
            )["stateMachineArn"],
            name=name,
        )


def test_an_input_and_what_states_hand_on_have_at_most_256_kilobytes(machines: Machines, function: str) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        machines.start(one_state(Type="Pass"), {"long": "x" * 262_144})

    grows = machines.run(one_state(Type="Pass", Output="{% $pad('', 262145, 'x') %}"))
    assert grows["error"] == "States.DataLimitExceeded"

    # a result over the limit is caught by nothing
    done = machines.run(
        {
            "StartAt": "Ask",
            "States": {
                "Ask": {
                    "Type": "Task", "Resource": function, "Arguments": {"a": "{% $pad('', 262145, 'x') %}"},
                    "Output": "small", "End": True, "TimeoutSeconds": 20,
                    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
                },
                "Caught": {"Type": "Succeed"},
            },
        }
    )  # fmt: skip
    assert (done["status"], done["error"]) == ("FAILED", "States.DataLimitExceeded")
