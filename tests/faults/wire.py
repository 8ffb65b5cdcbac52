"""Between the stores' code and DynamoDB: where requests go wrong, and where one worker waits while another goes on.

A worker runs in a thread of its own, but only one thread runs at a time: before each of its calls to AWS a worker gives
way, and the schedule says who goes on. So a schedule is the same each time it is run.
"""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, NamedTuple, Protocol, TypeVar

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.support.memory import Place, Record, cancelled, refusal

T = TypeVar("T")

ATTEMPTS = 3
"""How often botocore sends a request before it gives up, as `store.wire.connect` asks it to."""

BEFORE, AFTER = "before send", "after commit"
WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
_THROTTLED = {"ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"}


class Crash(BaseException):
    """The function's process ends here: nothing in the product catches it."""


class Store(Protocol):
    """A DynamoDB: in memory, or on the local cloud."""

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]: ...

    def stream(self, table: str) -> list[Record]:
        """Every committed change of a table since the schedule began, in order."""
        ...

    def items(self, table: str) -> dict[Place, Mapping[str, Any]]:
        """What stands in a table, in DynamoDB's form; what was there before the schedule began may be left out."""
        ...


class Fault(NamedTuple):
    """What goes wrong with a call: `kind`, and for how many of its attempts."""

    kind: str
    attempts: int = 1


class Target(NamedTuple):
    """Crash at the `nth` call of a call site."""

    site: str
    moment: str
    nth: int


@dataclass
class Trouble:
    """Which calls of a schedule go wrong. `rate` is how many of a hundred; `target` is one crash in any case."""

    chance: random.Random
    rate: float = 0.0
    target: Target | None = None
    lead: Target | None = None
    """What goes wrong before that crash, without which its call site would hardly be met."""
    seen: Counter[str] = field(default_factory=Counter)
    crashed: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    over: bool = False
    """From now on nothing goes wrong."""
    refused: Place | None = None
    """No transaction with this item is ever taken, trouble or not."""

    def plan(self, site: str, operation: str) -> Fault | None:
        """What goes wrong with this call."""
        if self.over:
            return None
        self.seen[site] += 1
        for target in (self.lead, self.target):
            if target and target.site == site and target.nth == self.seen[site]:
                return Fault(target.moment)
        if self.chance.random() * 100 >= self.rate:
            return None
        kinds = [BEFORE, AFTER, "not sent", "answer lost", "throttled"]
        if operation == "TransactWriteItems":
            kinds += ["conflict", "conflict", "throttled inside"]
        elif operation in WRITES:
            kinds.append("conflict")
        elif operation == "BatchGetItem":
            kinds.append("in part")
        elif operation == "Query":
            kinds.append("short page")
        return Fault(self.chance.choice(kinds), self.chance.randint(1, ATTEMPTS))


class Actor:
    """A job that gives way before each of its calls. `advance` lets it go on; `over` says that it has ended."""

    def __init__(self, job: Callable[[], Any]) -> None:
        self.over = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.next = ""
        """The operation it is about to call, while it waits."""
        self.cut_off = False
        """Its time is up: it makes no further call."""
        self._job = job
        self._calls = 0
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def advance(self, calls: int) -> None:
        """Let it make so many calls, or end before."""
        self._calls = calls
        self._go.release()
        self._stopped.acquire()

    def give_way(self, operation: str) -> None:
        """Called by the wire, in the job's thread, before a call."""
        self.next = operation
        if self._calls <= 0:
            self._stopped.release()
            self._go.acquire()
        if self.cut_off:
            raise Crash
        self._calls -= 1

    def _run(self) -> None:
        self._go.acquire()
        _here.actor = self
        try:
            self.result = self._job()
        except BaseException as error:
            self.error = error
        self.over = True
        self._stopped.release()


_here = threading.local()


def _alone(put: Mapping[str, Any]) -> dict[str, Any]:
    """A put of a transaction as a call of its own."""
    return {name: value for name, value in put.items() if name != "ReturnValuesOnConditionCheckFailure"}


class Wire:
    """What every connection of the stores speaks to. Calls that no actor makes go straight to the store."""

    _request_signer = None

    def __init__(self) -> None:
        self.store: Store | None = None
        self.trouble: Trouble | None = None

    def _make_api_call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        assert self.store is not None
        actor: Actor | None = getattr(_here, "actor", None)
        if actor is None or self.trouble is None:
            return self._send(operation, arguments)
        actor.give_way(operation)
        site = call_site(operation)
        fault = self.trouble.plan(site, operation)
        if fault is None:
            return self._send(operation, arguments)
        self.trouble.faults[fault.kind] += 1
        return self._troubled(site, operation, arguments, fault)

    def outside(self, operation: str, act: Callable[[], T], fails: Callable[[str], Exception]) -> T:
        """A call to something else than DynamoDB, at which a worker gives way and which goes wrong as any other does.
        `fails` makes the error of a kind of fault; the client of that something tries no second time."""
        actor: Actor | None = getattr(_here, "actor", None)
        if actor is None or self.trouble is None:
            return act()
        actor.give_way(operation)
        site = call_site(operation)
        fault = self.trouble.plan(site, operation)
        if fault is None:
            return act()
        self.trouble.faults[fault.kind] += 1
        if fault.kind in (BEFORE, AFTER):
            self.trouble.crashed[site, fault.kind] += 1
        if fault.kind in (AFTER, "answer lost"):
            with suppress(Exception):
                act()
        if fault.kind in (BEFORE, AFTER):
            raise Crash
        raise fails(fault.kind)

    def _troubled(self, site: str, operation: str, arguments: dict[str, Any], fault: Fault) -> dict[str, Any]:
        """A call with a fault, tried again as botocore's standard mode does."""
        assert self.trouble is not None
        if fault.kind in (BEFORE, AFTER):
            self.trouble.crashed[site, fault.kind] += 1
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if attempt > fault.attempts:
                    return self._send(operation, arguments)
                return self._fails(operation, arguments, fault.kind)
            except (ConnectionClosedError, ReadTimeoutError):
                if attempt == ATTEMPTS:
                    raise
            except ClientError as error:
                if attempt == ATTEMPTS or error.response["Error"]["Code"] not in _THROTTLED:
                    raise
        raise AssertionError("not reached")

    def _send(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        assert self.store is not None
        if operation == "TransactWriteItems" and self.trouble is not None and self.trouble.refused:
            reasons = [{"Code": self._verdict(action, self.trouble.refused)} for action in arguments["TransactItems"]]
            if any(reason["Code"] != "None" for reason in reasons):
                raise cancelled(operation, reasons)
        return self.store.call(operation, arguments)

    @staticmethod
    def _verdict(action: Mapping[str, Any], refused: Place) -> str:
        key = action.get("Update", {}).get("Key", {})
        return "ValidationError" if tuple(value["S"] for value in key.values()) == refused else "None"

    def _fails(self, operation: str, arguments: dict[str, Any], kind: str) -> dict[str, Any]:
        """One attempt with its fault."""
        match kind:
            case "before send":
                raise Crash
            case "after commit":
                self._send(operation, arguments)
                raise Crash
            case "not sent":
                raise ConnectionClosedError(endpoint_url="https://dynamodb")
            case "answer lost":
                self._send(operation, arguments)
                raise ReadTimeoutError(endpoint_url="https://dynamodb")
            case "throttled":
                raise refusal(operation, "ProvisionedThroughputExceededException", "The level of throughput")
            case "rival first":
                # Somebody else puts the first item of the transaction, so that it is refused by its condition.
                self._send("PutItem", _alone(arguments["TransactItems"][0]["Put"]))
                return self._send(operation, arguments)
            case "conflict" if operation in WRITES:
                raise refusal(operation, "TransactionConflictException", "Transaction is ongoing for the item")
            case "conflict":
                raise self._cancelled(operation, arguments, "TransactionConflict")
            case "throttled inside":
                raise self._cancelled(operation, arguments, "ThrottlingError")
            case "in part":
                return self._in_part(operation, arguments)
        # A page that ends before its time, as a megabyte of items makes it.
        limit = min(arguments.get("Limit", 2), 2)
        return self._send(operation, {**arguments, "Limit": limit})

    def _cancelled(self, operation: str, arguments: Mapping[str, Any], code: str) -> ClientError:
        assert self.trouble is not None
        reasons = [{"Code": "None"} for _ in arguments["TransactItems"]]
        self.trouble.chance.choice(reasons)["Code"] = code
        return cancelled(operation, reasons)

    def _in_part(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """A batch of which only the first key of each table is read."""
        asked = arguments["RequestItems"]
        answer = self._send(
            operation,
            {"RequestItems": {table: {**request, "Keys": request["Keys"][:1]} for table, request in asked.items()}},
        )
        left = {
            table: {**request, "Keys": request["Keys"][1:]} for table, request in asked.items() if request["Keys"][1:]
        }
        return {**answer, "UnprocessedKeys": left}


_layers: dict[Any, tuple[str, str]] = {}


def call_site(operation: str) -> str:
    """Which line of business makes this call: `GetItem Facts.event < Engine._still_waiting`."""
    asked = asking = ""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        found = _layers.get(code)
        if found is None:
            parts = PurePath(code.co_filename).parts
            product = "introducer" in parts and "site-packages" not in parts
            found = _layers[code] = (parts[-2] if product else "", code.co_qualname.split(".<locals>")[0])
        layer, name = found
        if layer == "store":
            asked = name
        elif layer == "services":
            asking = name
            break
        frame = frame.f_back
    return f"{operation} {asked}" + (f" < {asking}" if asking else "")
