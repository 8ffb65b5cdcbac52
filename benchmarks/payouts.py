"""One payout run of many partners, through the real template: `python -m benchmarks.payouts` prints JSON.

The books are seeded: one partner is made by the product's own services, the others are its items under other ids, each
with a payment profile sealed for itself. Then a person starts the run, another approves it, a third says that the lists
were paid. A small run before it goes through a relay that counts what it writes and reads, by AWS's rules.

State transitions and events are counted from the histories: AWS charges a transition for each state that is entered and
for each execution's start, children of a Distributed Map included; of a function's call it writes one event more than
the emulator (`LambdaFunctionStarted`), of one with a token two.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.meter import Meter, kind_of
from benchmarks.units import item_size
from introducer.domain.errors import Unavailable
from introducer.domain.ids import new_id
from introducer.domain.payment_profile import Destination, RailKind
from introducer.domain.payout import BatchStatus, RunStatus
from introducer.services.confirm_run import confirm_batch
from introducer.store.items import forget_connections
from introducer.store.payouts import Payouts
from introducer_ops.localcloud import LocalCloud, Stack
from tests.support.paying import Paying
from tests.support.scenario import Scenario, the_stacks_account

PARTNERS, METERED = 10_000, 100
PAYOUT = "PayoutFunction"
LISTENERS = ("SettleFunction", "OutboxFunction")
"""What listens to the books, and is held meanwhile: mails and settling are not what is measured."""
FOLDER = Path(__file__).resolve().parents[1] / "functions" / "payout"
CLONED = frozenset({"card", "partner", "balance", "deal", "verification", "payment_profile", "payment_profile_version"})
MOST_EVENTS = 25_000
"""AWS's limit of an execution's history."""
PATIENCE = 1_800.0
MEGABYTE = 1024 * 1024
MEMORY_MB = 1024
"""Of the payout function."""


@dataclass
class Found:
    """What was measured."""

    partners: int
    seconds: dict[str, float] = field(default_factory=dict)
    transitions: int = 0
    executions: int = 0
    events: int = 0
    """Of the run's own execution."""
    most_events_of_a_child: int = 0
    largest_event: int = 0
    """Bytes of the largest event of the run's own history, as its API sends it."""
    memory_before: float = 0
    """Megabytes: the largest resident size of a payout worker after the small run."""
    memory_peak: float = 0
    cpu_seconds: float = 0
    """Of all payout workers during the large run."""
    invocations: int = 0
    write_units: float = 0
    """Per payout, as the next three are: from the small run."""
    read_units: float = 0
    dynamodb_calls: float = 0
    by_kind: dict[str, float] = field(default_factory=dict)


# ------------------------------------------------------------------------------------------------------------- seeding


def seed(paying: Paying, partners: int) -> None:
    """So many partners who are owed money, verified, with terms and a payment profile for a list."""
    model = paying.payee(12_345)
    stack, table = paying.world.stack, paying.world.stack.outputs["BooksTableName"]
    client, vault = stack.client("dynamodb"), paying.vault
    pages = client.get_paginator("scan").paginate(TableName=table)
    items = [item for page in pages for item in page["Items"] if model in json.dumps(item) and kind_of(item) in CLONED]
    to = Destination(
        rail=RailKind.MANUAL, currency="EUR", holder="Amberfield Media", country="DE",
        instructions="Account 12345678 at Example Bank",
    )  # fmt: skip
    text = json.dumps(items)

    def put(number: int) -> None:
        partner = new_id("par", 1_750_000_000_000 + number, secrets.token_bytes(10))
        sealed, data_key = vault.seal(partner, 1, to)
        copies = json.loads(text.replace(model, partner))
        for copy in copies:
            if "sealed" in copy:
                # An account of its own: partners who share one are a case for compliance.
                copy |= {"sealed": {"S": sealed}, "data_key": {"S": data_key}, "fingerprint": {"S": partner}}
        client.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": copy}} for copy in copies]})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(partners - 1)))


# ------------------------------------------------------------------------------------------------------------- metering


class Reads(Meter):
    """Counts what is read as well: a unit for each begun 4 KB of an item or a page, half where it may be stale."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self.read_units = 0.0
        self.calls: Counter[str] = Counter()

    def _relay(self, function: str, operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        status, headers, answer = super()._relay(function, operation, body)
        self.calls[operation] += 1
        if status == 200:
            self.read_units += _read_units(operation, json.loads(body), json.loads(answer))
        return status, headers, answer


def _read_units(operation: str, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    def units(size: int, consistent: Any) -> float:
        return max(1, -(-size // 4096)) * (1 if consistent else 0.5)

    if operation == "GetItem":
        return units(item_size(answer.get("Item", {})), asked.get("ConsistentRead"))
    if operation == "Query":
        return units(sum(map(item_size, answer["Items"])), asked.get("ConsistentRead"))
    if operation == "BatchGetItem":
        return sum(
            units(item_size(item), asked["RequestItems"][table].get("ConsistentRead"))
            for table, items in answer["Responses"].items()
            for item in items
        )
    return 0.0


@contextmanager
def through(meter: Meter) -> Iterator[None]:
    """What this process does on the desk goes through the meter too."""
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = f"http://127.0.0.1:{meter._server.server_port}/Desk"
    forget_connections()
    try:
        yield
    finally:
        del os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
        forget_connections()


# -------------------------------------------------------------------------------------------------------------- running


def run(paying: Paying, found: Found, tell: Callable[[str], None], desk: Any = None) -> str:
    """A whole run of the brand's partners, to paid; the name of its execution."""

    def phase(name: str, began: float) -> float:
        found.seconds[name] = time.monotonic() - began
        tell(f"{found.partners} partners: {name} took {found.seconds[name]:.1f} s")
        return time.monotonic()

    began = time.monotonic()
    started = paying.start()
    _until(lambda: paying.started(started.run) and _stands(paying, started.run, RunStatus.WAITING))
    waiting = paying.run(started.run)
    assert waiting.payouts == found.partners, waiting
    began = phase("reserve", began)
    paying.decide(started.run, approve=True)
    _until(lambda: _all_sent(paying, started.run))
    began = phase("send", began)
    with desk or _nothing():
        _confirm(paying, started.run)
    began = phase("confirm", began)
    paying.world.stack.clock.advance(6 * 3600)
    _until(lambda: (e := paying.workflows.latest(started.execution.name)) and not e.is_running)
    ended = paying.workflows.latest(started.execution.name)
    assert ended is not None and ended.status == "SUCCEEDED", ended
    assert ended.output is not None and ended.output["stand"]["paid"]["payouts"] == found.partners, ended.output
    phase("close", began)
    return started.execution.name


def _stands(paying: Paying, run: str, status: RunStatus) -> bool:
    found = paying.run(run)
    return found.status is status and bool(found.token or status is not RunStatus.WAITING)


def _all_sent(paying: Paying, run: str) -> bool:
    batches = paying.payouts.batches(paying.world.brand, run)
    return (
        bool(batches) and all(each.status is BatchStatus.SENT for each in batches)
        and paying.run(run).status is RunStatus.CONFIRMING
    )  # fmt: skip


def _confirm(paying: Paying, run: str) -> None:
    """Somebody says of each list that it was paid."""
    payouts = Payouts(paying.world.stack.outputs["BooksTableName"])

    def paid(batch: str) -> None:
        confirm_batch(payouts, member=paying.checker, run=run, batch=batch, why="Paid by hand", now=paying.now)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(paid, [each.batch for each in payouts.batches(paying.world.brand, run)]))


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _until(answer: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        # An emulator that is busy with the run may not answer in time who only looks.
        with suppress(Unavailable):
            if answer():
                return
        if time.monotonic() > deadline:
            raise RuntimeError("the run does not come on")
        time.sleep(0.5)


# ------------------------------------------------------------------------------------------------------------- counting


def histories(paying: Paying, name: str, found: Found) -> None:
    """Transitions and events of an execution and of all its children."""
    own = paying.events(name)
    found.events = _events_of_aws(own)
    found.largest_event = max(len(json.dumps(event, default=str)) for event in own)
    found.transitions, found.executions = 1 + _entered(own), 1
    found.invocations = _calls(own)
    arn = paying.world.stack.outputs["PayoutRunMachineArn"].replace(":stateMachine:", ":execution:") + f":{name}"
    for each in paying.states.list_map_runs(executionArn=arn)["mapRuns"]:
        described = paying.states.describe_map_run(mapRunArn=each["mapRunArn"])
        assert described["status"] == "SUCCEEDED", described
        children = [
            child
            for page in paying.states.get_paginator("list_executions").paginate(mapRunArn=each["mapRunArn"])
            for child in page["executions"]
        ]
        assert len(children) == described["executionCounts"]["succeeded"]
        for child in children:
            events = paying.states.get_execution_history(executionArn=child["executionArn"])["events"]
            found.executions += 1
            found.transitions += 1 + _entered(events)
            found.invocations += _calls(events)
            found.most_events_of_a_child = max(found.most_events_of_a_child, _events_of_aws(events))


def _entered(events: list[dict[str, Any]]) -> int:
    return sum(event["type"].endswith("StateEntered") for event in events)


def _calls(events: list[dict[str, Any]]) -> int:
    return sum(event["type"] == "TaskScheduled" for event in events)


def _events_of_aws(events: list[dict[str, Any]]) -> int:
    tokens = sum(
        ".waitForTaskToken" in event.get("taskScheduledEventDetails", {}).get("resource", "") for event in events
    )
    return len(events) + _calls(events) + tokens


class Workers:
    """The processes that run the payout function: their memory and CPU time, from /proc."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._used: dict[int, float] = {}
        self.peak = 0.0
        self._stop = threading.Event()

    def __enter__(self) -> Workers:
        threading.Thread(target=self._watch, name="memory", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def memory(self) -> float:
        """Megabytes of the largest one now."""
        return max((self._resident(pid) for pid in self._pids()), default=0.0)

    def cpu(self) -> float:
        """Seconds that all have used, those that have ended too."""
        return sum(self._used.values())

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            for pid in self._pids():
                self.peak = max(self.peak, self._resident(pid))
                self._used[pid] = max(self._used.get(pid, 0.0), self._seconds(pid))

    @staticmethod
    def _seconds(pid: int) -> float:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _pids(self) -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self._cloud.pid and (path / "cwd").resolve() == FOLDER:
                    found.append(int(path.name))
            except (OSError, IndexError):
                continue  # it has just ended
        return found

    @staticmethod
    def _resident(pid: int) -> float:
        try:
            return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MEGABYTE
        except OSError:
            return 0.0


def measure(partners: int = PARTNERS, tell: Callable[[str], None] = lambda text: None) -> Found:
    """Both runs, on a cloud of their own."""
    found, small = Found(partners), Found(METERED)
    with tempfile.TemporaryDirectory() as folder, LocalCloud.start(Path(folder)) as cloud:
        stack = cloud.deploy()
        with the_stacks_account(stack), Workers(cloud) as workers:
            hold_listeners(stack)
            with Reads(stack) as meter:
                meter.attach(PAYOUT)
                paying = _brand(stack)
                seed(paying, METERED)
                with meter.counting() as writes:
                    run(paying, small, tell, through(meter))
            kinds: Counter[str] = Counter()
            for write in writes:
                kinds[write.kind] += write.units
            found.write_units = sum(kinds.values()) / METERED
            found.by_kind = {kind: units / METERED for kind, units in kinds.most_common()}
            found.read_units = meter.read_units / METERED
            found.dynamodb_calls = sum(meter.calls.values()) / METERED
            _detach(stack)
            # The same small run without the relay: what the workers hold after it, they hold before the large one.
            paying = _brand(stack)
            seed(paying, METERED)
            run(paying, small, tell)
            found.memory_before = workers.memory()
            paying = _brand(stack)
            tell(f"seeding {partners} partners")
            seed(paying, partners)
            cpu, workers.peak = workers.cpu(), 0.0
            name = run(paying, found, tell)
            found.cpu_seconds = workers.cpu() - cpu
            found.memory_peak = workers.peak
            histories(paying, name, found)
    return found


def hold_listeners(stack: Stack) -> None:
    """Nothing listens to the books meanwhile."""
    client = stack.client("lambda")
    for listener in LISTENERS:
        found = client.list_event_source_mappings(FunctionName=stack.functions[listener].name)
        for mapping in found["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def _brand(stack: Stack) -> Paying:
    now: datetime = stack.clock.now()
    paying = Paying(Scenario(stack, now - timedelta(days=70)))
    paying.ready()
    return paying


def _detach(stack: Stack) -> None:
    """The function reaches DynamoDB directly again."""
    client, name = stack.client("lambda"), stack.functions[PAYOUT].name
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    variables.pop("AWS_ENDPOINT_URL_DYNAMODB")
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


if __name__ == "__main__":
    from dataclasses import asdict

    count = int(sys.argv[1]) if len(sys.argv) > 1 else PARTNERS
    print(json.dumps(asdict(measure(count, lambda text: print(text, file=sys.stderr)))))
