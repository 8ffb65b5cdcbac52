"""statemachines/*.asl.json: read by people in AWS's console, and without a way to fail in silence."""

from __future__ import annotations

import importlib.util
import json
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from introducer.store import keys
from introducer_ops.localcloud import checking, expanding

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "statemachines").glob("*.asl.json"))
MACHINES = {
    name: one["Properties"]
    for name, one in expanding.read(ROOT / "template.yaml")["Resources"].items()
    if one["Type"] == "AWS::Serverless::StateMachine"
}
TEMPLATE = (ROOT / "template.yaml").read_text()


def states_of(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All states, those inside maps and branches included."""
    found: dict[str, dict[str, Any]] = {}
    for name, state in definition["States"].items():
        found[name] = state
        for inner in [state.get("ItemProcessor"), *state.get("Branches", [])]:
            if inner:
                found |= states_of(inner)
    return found


def following(state: dict[str, Any]) -> set[str]:
    """The states that may come after one."""
    ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {way[name] for way in ways for name in ("Next", "Default") if name in way}


def test_every_file_is_a_machine_of_the_template_and_every_machine_has_its_file() -> None:
    named = re.findall(r"DefinitionUri: (statemachines/\S+)", TEMPLATE)
    assert sorted(named) == [str(path.relative_to(ROOT)) for path in FILES]
    assert len(MACHINES) == len(FILES) > 0


def test_every_machine_is_what_aws_takes() -> None:
    """By cfn-lint's schema of the language, which the template hides from it: there definitions are texts."""
    resources = {}
    for path in FILES:
        definition = json.loads(path.read_text())
        for state in states_of(definition).values():
            if isinstance(state.get("TimeoutSeconds"), str):
                # AWS takes an expression, the schema does not know it yet.
                state["TimeoutSeconds"] = 60
        name = re.sub(r"\W|_", "", path.name)
        names = set(re.findall(r"\$\{(\w+)\}", path.read_text()))
        given = dict.fromkeys(sorted(names), "arn:aws:lambda:us-east-1:123456789012:function:steps")
        properties = {"RoleArn": "arn:aws:iam::123456789012:role/machine", "Definition": definition}
        properties["DefinitionSubstitutions"] = given
        resources[name] = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    assert checking.lint(json.dumps({"Resources": resources})) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.partition(".")[0])
class TestEachMachine:
    def test_speaks_jsonata_and_says_what_it_is_for(self, path: Path) -> None:
        definition = json.loads(path.read_text())
        assert definition["QueryLanguage"] == "JSONata"
        assert len(definition["Comment"]) > 40
        assert all("QueryLanguage" not in state for state in states_of(definition).values())

    def test_has_names_for_people(self, path: Path) -> None:
        for name in states_of(json.loads(path.read_text())):
            assert re.fullmatch(r"[A-Z][a-z]*( \S+)+", name), name
            assert len(name) <= 80, "AWS takes no longer ones"

    def test_names_no_resource_by_itself(self, path: Path) -> None:
        text = path.read_text()
        assert "arn:" not in text
        wanted = set(re.findall(r"\$\{(\w+)\}", text))
        [given] = [one["DefinitionSubstitutions"] for one in MACHINES.values() if one["Definition"] == json.loads(text)]
        assert wanted == given.keys()

    def test_every_task_ends_in_time_and_tries_again_what_can_be_tried_again(self, path: Path) -> None:
        tasks = {name: s for name, s in states_of(json.loads(path.read_text())).items() if s["Type"] == "Task"}
        assert tasks
        for name, task in tasks.items():
            # How long a person is waited for, only the run knows.
            assert isinstance(task["TimeoutSeconds"], str if waits_for_a_token(task) else int), name
            assert task["Retry"], name
            for retry in task["Retry"]:
                assert retry["JitterStrategy"] == "FULL", name
                assert {"IntervalSeconds", "BackoffRate", "MaxAttempts", "MaxDelaySeconds"} <= retry.keys(), name
                assert not {"States.ALL", "States.TaskFailed"} & set(retry["ErrorEquals"]), name

    def test_what_fails_ends_in_a_fail_that_says_why(self, path: Path) -> None:
        states = states_of(json.loads(path.read_text()))
        for name, state in states.items():
            if state["Type"] in ("Task", "Map", "Parallel"):
                assert "States.ALL" in state["Catch"][-1]["ErrorEquals"], name
                for caught in state["Catch"]:
                    # Nobody answered in time, or something will be there later: the machine itself goes on with that.
                    # Or people changed what it is about: then it looks again.
                    expected = {"States.Timeout"} if waits_for_a_token(state) else {"Unavailable", "TooMany"}
                    expected |= {"ContestChanged"}
                    if not set(caught["ErrorEquals"]) <= expected:
                        assert states[caught["Next"]]["Type"] == "Fail", name
            if state["Type"] == "Fail":
                assert state["Error"], name
                assert "{%" in state["Cause"], name

    def test_every_state_is_reached_and_leads_to_an_end(self, path: Path) -> None:
        definition = json.loads(path.read_text())
        states, reached, ahead = definition["States"], set(), {definition["StartAt"]}
        while ahead:
            reached |= ahead
            ahead = {name for each in ahead for name in following(states[each])} - reached
        assert reached == states.keys()
        ends = {name for name, state in states.items() if state["Type"] in ("Succeed", "Fail") or state.get("End")}
        assert {"Succeed", "Fail"} <= {states[name]["Type"] for name in ends}
        assert all(following(state) for name, state in states.items() if name not in ends)

    def test_a_step_waits_longer_than_the_function_that_does_it(self, path: Path) -> None:
        resources = expanding.read(ROOT / "template.yaml")["Resources"]
        for name, state in states_of(json.loads(path.read_text())).items():
            function = FUNCTIONS.get(state.get("Resource", ""))
            if function:
                assert state["TimeoutSeconds"] > resources[function]["Properties"]["Timeout"], name

    def test_calls_steps_that_there_are(self, path: Path) -> None:
        called = calls(json.loads(path.read_text()))
        assert called
        for function, step in called:
            assert step in steps_of(function)


FUNCTIONS = {
    "${WorkflowFunctionArn}": "WorkflowFunction",
    "${PayoutFunctionArn}": "PayoutFunction",
    "${CasesFunctionArn}": "CasesFunction",
    "${ContestsFunctionArn}": "ContestsFunction",
    "${OnboardingFunctionArn}": "OnboardingFunction",
    "${BroadcastFunctionArn}": "BroadcastFunction",
}


def waits_for_a_token(state: dict[str, Any]) -> bool:
    return bool(state.get("Resource") == "${InvokeAndWait}")


def calls(definition: dict[str, Any]) -> set[tuple[str, str]]:
    """Which steps of which functions a machine calls."""
    found = set()
    for state in states_of(definition).values():
        if state["Type"] != "Task":
            continue
        if waits_for_a_token(state):
            arguments = state["Arguments"]
            found.add((FUNCTIONS[arguments["FunctionName"]], arguments["Payload"]["step"]))
        else:
            found.add((FUNCTIONS[state["Resource"]], state["Arguments"]["step"]))
    return found


@pytest.mark.parametrize("function", FUNCTIONS.values())
def test_every_step_is_called_by_some_machine(function: str) -> None:
    called = {step for path in FILES for of, step in calls(json.loads(path.read_text())) if of == function}
    assert called == steps_of(function).keys()


@cache
def steps_of(function: str) -> dict[str, Any]:
    """The steps of a function, by name."""
    folder = expanding.read(ROOT / "template.yaml")["Resources"][function]["Properties"]["CodeUri"]
    spec = importlib.util.spec_from_file_location("steps_of_a_function", ROOT / folder / "steps.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    steps: dict[str, Any] = module.STEPS
    return steps


def test_the_schedule_is_the_parameters_and_stands_still_on_the_local_stage() -> None:
    [event] = MACHINES["PeriodCloseMachine"]["Events"].values()
    properties = event["Properties"]
    assert properties["ScheduleExpression"] == {"Ref": "CloseSchedule"}
    assert properties["ScheduleExpressionTimezone"] == {"Ref": "CloseTimeZone"}
    assert properties["State"] == {"Fn::If": ["IsLocal", "DISABLED", "ENABLED"]}
    assert json.loads(properties["Input"]) == {}


def test_children_are_told_whatever_they_ask_for() -> None:
    """A child of a Distributed Map sees no variable from outside."""
    for path in FILES:
        for state in json.loads(path.read_text())["States"].values():
            if state["Type"] == "Map":
                child = json.dumps(state["ItemProcessor"]["States"])
                assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
                assert not set(re.findall(r"\$(?!states\b)[a-z]\w*(?!\w*\()", child)) - {"$parse"}
                assert re.fullmatch(r"[A-Za-z]{1,40}", state["Label"])
                assert state["MaxConcurrency"] > 0


def test_the_workflow_function_puts_statements_closed_months_and_audit_records_and_nothing_else() -> None:
    [policy] = expanding.read(ROOT / "template.yaml")["Resources"]["WorkflowRole"]["Properties"]["Policies"]
    statements = {one["Sid"]: one for one in policy["PolicyDocument"]["Statement"]}
    leading = statements["WriteStatementsAndMonths"]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    allowed = {item.name for item in keys.ITEMS.values() if any(fnmatchcase(item.pk, each) for each in leading)}
    assert {item for item in allowed if keys.ITEMS[item].table == keys.BOOKS} == {"statement", "month_close", "audit"}
