"""Step Functions, by AWS's rules.

Ministack runs a Distributed Map in JSONPath alone, in the variables of the execution around it; it takes no expression
for a task's timeout, no Output of a Succeed state, payloads of any size and names of any kind; and a function that
fails with a task token leaves its state waiting until the timeout.

Besides, what waits here waits by the product's clock: who moves the clock of the local stage moves the deadlines of its
executions.

Not restored: HeartbeatSeconds, jitter, a machine's own TimeoutSeconds, a new token for each attempt of a task, and
ItemReader and ResultWriter of a Distributed Map in JSONata.
"""

from __future__ import annotations

import contextvars
import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ministack.core.responses import error_response_json, new_uuid, now_iso
from ministack.services import stepfunctions

from .clock import Clock

State = dict[str, Any]
Context = dict[str, Any]

_MOST_BYTES = 256 * 1024
"""Of an execution's input, and of what a state is given or hands on."""
_NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff]{1,80}")
_LABEL = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/.\x00-\x1f\x7f-\x9f]{1,40}")
_CHILDREN_AT_ONCE = 32
"""Where a map says nothing AWS runs thousands; here they would only wait for each other."""


def apply(clock: Clock) -> None:
    _start_at_once()
    _check_names_and_inputs()
    _limit_payloads()
    _give_succeed_its_output()
    _take_expressions_for_timeouts()
    _wait_by_the_clock(clock)
    _run_distributed_maps()


def _start_at_once() -> None:
    """Ministack waits 150 ms before the first state of each execution; AWS has nothing of the kind."""
    code = stepfunctions._run_execution.__code__
    if 0.15 not in code.co_consts:
        raise RuntimeError("this ministack's executions begin otherwise: see whether they still wait")
    quick = tuple(0 if constant == 0.15 else constant for constant in code.co_consts)
    stepfunctions._run_execution.__code__ = code.replace(co_consts=quick)


def _check_names_and_inputs() -> None:
    """AWS refuses what ministack takes: a name with a space or a slash, a name or an input that is too long."""
    start = stepfunctions._start_execution

    def checked(data: dict[str, Any]) -> Any:
        if "name" in data and not _NAME.fullmatch(data["name"]):
            return error_response_json("InvalidName", f"Invalid Name: '{data['name']}'", 400)
        if _size(data.get("input", "{}")) > _MOST_BYTES:
            return error_response_json("ValidationException", f"The input is longer than {_MOST_BYTES} bytes", 400)
        return start(data)

    stepfunctions._start_execution = checked


class _TooLarge(Exception):
    """A task's result is over the limit. No Catch stops it, so it is none of the errors that ministack catches."""


def _limit_payloads() -> None:
    """A state's input, a task's result and a state's output end the execution where they are over 256 KB."""
    add = stepfunctions._add_event

    def added(execution: dict[str, Any], kind: str, details: dict[str, Any] | None = None) -> Any:
        if kind.endswith(("StateEntered", "StateExited", "TaskSucceeded")):
            [shown] = (details or {}).values()
            if _size(shown.get("input", shown.get("output", ""))) > _MOST_BYTES:
                said = f"The state/task '{shown.get('name', shown.get('resource'))}' has more than {_MOST_BYTES} bytes."
                if kind == "TaskSucceeded":
                    raise _TooLarge(said)
                raise _too_large(said)
        return add(execution, kind, details)

    stepfunctions._add_event = added


def _too_large(said: object) -> Exception:
    error: Exception = stepfunctions._ExecutionError("States.DataLimitExceeded", str(said))
    return error


def _give_succeed_its_output() -> None:
    """`Output` of a Succeed state is what the execution ends with; ministack hands on its input."""
    applied = stepfunctions._apply_output_path

    def output(state: State, data: Any, context: Context | None = None) -> Any:
        if state.get("Type") == "Succeed" and _speaks_jsonata(state, context):
            return stepfunctions._apply_jsonata_output(state, data, context, default=data)
        return applied(state, data, context)

    stepfunctions._apply_output_path = output


def _take_expressions_for_timeouts() -> None:
    """`TimeoutSeconds` may be an expression: how long an approval is waited for, the run says."""
    execute = stepfunctions._execute_task

    def executed(state: State, given: Any, execution: dict[str, Any], context: Context) -> Any:
        def attempt() -> Any:
            if not isinstance(state.get("TimeoutSeconds"), str):
                return execute(state, given, execution, context)
            seconds = stepfunctions._jsonata_state_field(state, "TimeoutSeconds", "number", given, context)
            return execute({**state, "TimeoutSeconds": seconds}, given, execution, context)

        try:
            # The task's own Catch has been asked before; here it is for an expression that fails.
            return stepfunctions._with_retry_and_catch({**state, "Retry": []}, given, context, attempt)
        except _TooLarge as error:
            raise _too_large(error) from None

    stepfunctions._execute_task = executed


# ----------------------------------------------------------------------------------------------------------- waiting


def _wait_by_the_clock(clock: Clock) -> None:
    """Wait states, pauses before retries, and the timeouts of tasks that wait for a token. And where a function fails
    that was to pass a token on, AWS fails the task with that error, at once."""
    scale = stepfunctions._SFN_WAIT_SCALE
    with_callback = stepfunctions._invoke_with_callback

    add_event = stepfunctions._add_event
    entered = threading.local()

    def noted(execution: dict[str, Any], event: str, details: Any = None) -> Any:
        # A wait begins when it is seen to begin: whoever moves the clock then must not move it past the beginning.
        if event == "WaitStateEntered":
            entered.at = clock.now()
        return add_event(execution, event, details)

    def sleep(seconds: float) -> None:
        since = clock.now() - entered.__dict__.pop("at", clock.now())
        clock.after(seconds * scale - since)(threading.Event())

    def sleep_until(moment: str) -> None:
        entered.__dict__.pop("at", None)
        sleep(datetime.fromisoformat(moment).timestamp() - clock.now())

    def waiting(resource: str, given: Any, token: str, state: State) -> Any:
        service = resource.replace(".waitForTaskToken", "")
        if "states:::lambda:invoke" not in service:
            return with_callback(resource, given, token, state)
        waiter: dict[str, Any] = {"event": threading.Event(), "result": None, "error": None, "heartbeat": None}
        stepfunctions._task_tokens[token] = waiter
        in_time = clock.after(state.get("TimeoutSeconds", 99_999_999))
        try:
            stepfunctions._invoke_resource(service, given)
            if not in_time(waiter["event"]):
                raise stepfunctions._ExecutionError("States.Timeout", "")
        finally:
            stepfunctions._task_tokens.pop(token, None)
        if error := waiter["error"]:
            raise stepfunctions._ExecutionError(error["Error"], error["Cause"])
        return json.loads(waiter["result"])

    stepfunctions._add_event = noted
    stepfunctions._scaled_sleep = sleep
    stepfunctions._sleep_until = sleep_until
    stepfunctions._invoke_with_callback = waiting


# --------------------------------------------------------------------------------------------------- distributed maps


@dataclass
class _MapRun:
    """One run of a Distributed Map: its children are executions of their own, which see nothing but their input."""

    parent: dict[str, Any]
    label: str
    concurrency: int
    tolerated: Callable[[int], bool]
    """Whether so many failed items do not fail the map."""
    items: int
    inputs: list[tuple[Any, int]]
    """What each child gets, and how many items that are."""
    record: dict[str, Any] = field(init=False)
    """What DescribeMapRun shows."""
    children: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        region, account, machine = (self.parent["stateMachineArn"].split(":")[part] for part in (3, 4, 6))
        self.name = f"{machine}/{self.label}"
        self.prefix = f"arn:aws:states:{region}:{account}"
        arn = f"{self.prefix}:mapRun:{self.name}:{new_uuid()}"
        states = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total", "resultsWritten",
                  "failuresNotRedrivable", "pendingRedrive")  # fmt: skip
        # Two maps of one label may run at once; each reads its own definition.
        self.machine = f"{self.prefix}:stateMachine:{self.name}:{arn.rsplit(':', 1)[1]}"
        self.record = {
            "mapRunArn": arn, "executionArn": self.parent["executionArn"], "status": "RUNNING", "startDate": now_iso(),
            "maxConcurrency": self.concurrency, "toleratedFailurePercentage": 0.0, "toleratedFailureCount": 0,
            "itemCounts": dict.fromkeys(states, 0) | {"total": self.items, "pending": self.items},
            "executionCounts": dict.fromkeys(states, 0) | {"total": len(self.inputs), "pending": len(self.inputs)},
            "redriveCount": 0, "_stateMachineArn": f"{self.prefix}:stateMachine:{self.name}",
        }  # fmt: skip

    def run(self, definition: dict[str, Any]) -> list[Any]:
        """What the children ended with, in the order of the items."""
        stepfunctions._map_runs[self.record["mapRunArn"]] = self.record
        stepfunctions._state_machines[self.machine] = {
            "name": self.name, "definition": json.dumps(definition), "roleArn": "",
        }  # fmt: skip
        stepfunctions._add_event(self.parent, "MapRunStarted", {"mapRunStartedEventDetails": self._named()})
        try:
            with ThreadPoolExecutor(min(self.concurrency or _CHILDREN_AT_ONCE, len(self.inputs) or 1)) as pool:
                # A pool's threads do not know whose account it is.
                running = [pool.submit(contextvars.copy_context().run, self._child, *given) for given in self.inputs]
                results = [future.result() for future in running]
        finally:
            del stepfunctions._state_machines[self.machine]
        failed = not self._is_tolerable
        self.record |= {"status": "FAILED" if failed else "SUCCEEDED", "stopDate": now_iso()}
        if failed:
            stepfunctions._add_event(self.parent, "MapRunFailed")
            raise stepfunctions._ExecutionError(
                "States.ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded"
            )
        stepfunctions._add_event(self.parent, "MapRunSucceeded")
        return [json.loads(child["output"]) for child in results if child and child["status"] == "SUCCEEDED"]

    def _named(self) -> dict[str, str]:
        return {"mapRunArn": self.record["mapRunArn"]}

    @property
    def _is_tolerable(self) -> bool:
        return self.tolerated(self.record["itemCounts"]["failed"])

    def _child(self, given: Any, items: int) -> dict[str, Any] | None:
        """One child, unless the map has failed or was stopped before its turn."""
        if not self._is_tolerable or self.parent["status"] != "RUNNING":
            self._counts(items, "pending", "aborted")
            return None
        name, text, now = new_uuid(), json.dumps(given), now_iso()
        started = {"id": 1, "type": "ExecutionStarted", "timestamp": now,
                   "executionStartedEventDetails": {"input": text, "roleArn": ""}}  # fmt: skip
        child = {
            "executionArn": f"{self.prefix}:execution:{self.name}:{name}", "stateMachineArn": self.machine,
            "name": name, "status": "RUNNING", "startDate": now, "stopDate": None, "input": text, "output": None,
            "mapRunArn": self.record["mapRunArn"], "events": [started], "testCase": "", "mockAttempts": {},
        }  # fmt: skip
        stepfunctions._executions[child["executionArn"]] = child
        self._counts(items, "pending", "running")
        with self.lock:
            self.children.append(child)
        stepfunctions._run_execution(child["executionArn"])
        self._counts(items, "running", {"SUCCEEDED": "succeeded", "FAILED": "failed"}.get(child["status"], "aborted"))
        if not self._is_tolerable:
            with self.lock:
                for other in self.children:
                    if other["status"] == "RUNNING":
                        other["status"] = "ABORTED"
        return child

    def _counts(self, items: int, before: str, after: str) -> None:
        with self.lock:
            for counts, number in ((self.record["itemCounts"], items), (self.record["executionCounts"], 1)):
                counts[before] -= number
                counts[after] += number


def _run_distributed_maps() -> None:
    """Items, ItemSelector, ItemBatcher, MaxConcurrency, the tolerated failures, Label, Output and Assign in JSONata. A
    child sees its own input and no variable from outside; when too many failed, what has not begun does not begin."""
    jsonpath = stepfunctions._run_distributed_map

    def run(
        state: State, given: Any, effective: Any, processor: State, execution: dict[str, Any], context: Context
    ) -> Any:
        if not _speaks_jsonata(state, context):
            return jsonpath(state, given, effective, processor, execution, context)

        def number(of: State, name: str) -> int | None:
            if name not in of:
                return None
            return int(stepfunctions._jsonata_state_field(of, name, "number", given, context))

        if "ItemReader" in state or "ResultWriter" in state:
            raise stepfunctions._ExecutionError(
                "States.Runtime", "The local cloud has no ItemReader and no ResultWriter"
            )
        items = (
            stepfunctions._jsonata_state_field(state, "Items", "array", given, context) if "Items" in state else given
        )
        label = state.get("Label") or new_uuid()
        if not isinstance(items, list) or not _LABEL.fullmatch(label):
            raise stepfunctions._ExecutionError(
                "States.Runtime", "The map needs an array of items and a label of 40 signs"
            )
        inputs = [_selected(state, index, item, given, context) for index, item in enumerate(items)]
        count, percentage = number(state, "ToleratedFailureCount"), number(state, "ToleratedFailurePercentage")

        def tolerated(failed: int) -> bool:
            if count is None and percentage is None:
                return not failed
            return failed <= (failed if count is None else count) and (
                percentage is None or failed * 100 <= percentage * len(items)
            )

        batches: list[tuple[Any, int]] = [(one, 1) for one in inputs]
        if batcher := state.get("ItemBatcher"):
            most, most_bytes = number(batcher, "MaxItemsPerBatch"), number(batcher, "MaxInputBytesPerBatch")
            common = {
                name: stepfunctions._apply_jsonata_template(batcher[name], given, context)
                for name in ("BatchInput",)
                if name in batcher
            }
            batches = [({**common, "Items": batch}, len(batch)) for batch in _batches(inputs, most, most_bytes)]
        ran = _MapRun(execution, label, number(state, "MaxConcurrency") or 0, tolerated, len(items), batches)
        definition = {"QueryLanguage": "JSONata", "StartAt": processor["StartAt"], "States": processor["States"]}
        results = ran.run(definition)
        output = stepfunctions._apply_jsonata_output(state, given, context, result=results, default=results)
        stepfunctions._apply_state_assign(state, given, context, result=results)
        return output, stepfunctions._next_or_end(state)

    stepfunctions._run_distributed_map = run


def _selected(state: State, index: int, item: Any, given: Any, context: Context) -> Any:
    """An item as ItemSelector makes it; in the map's own variables."""
    if "ItemSelector" not in state:
        return item
    seen = {**context, "Map": {"Item": {"Index": index, "Value": item}}}
    return stepfunctions._apply_jsonata_template(state["ItemSelector"], given, seen)


def _batches(items: list[Any], most: int | None, most_bytes: int | None) -> Iterator[list[Any]]:
    """Items in batches of so many, or as many as fit."""
    batch: list[Any] = []
    size = 0
    for item in items:
        length = _size(json.dumps(item))
        if batch and (len(batch) == most or size + length > (most_bytes or _MOST_BYTES)):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        yield batch


def _speaks_jsonata(state: State, context: Context | None) -> bool:
    return bool(stepfunctions._state_query_language(state, context) == "JSONata")


def _size(text: str) -> int:
    return len(text.encode())
