"""DynamoDB streams to Lambda, by AWS's rules of failure.

Ministack sends a batch again for ever when the function raises, and takes a partial answer for a whole
success, so the records named in it are lost. It knows no bisecting, no retry limit, no on-failure
destination, no batching window, and serves all mappings in one thread. This is our own reader instead, one
thread per mapping while there is work.

Not restored: ParallelizationFactor (one batch at a time), and shards (a table has one).
"""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import _request_account_id, _request_region
from ministack.services import dynamodb, lambda_svc

from . import filters

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
"""AWS waits up to minutes between retries; nobody wants to wait for that at a desk."""
_FULL_CHECK_EVERY = 0.05


def apply() -> None:
    lambda_svc._poll_dynamodb_streams = _poll
    shown = lambda_svc._esm_response

    def response(mapping: dict[str, Any]) -> dict[str, Any]:
        # As on AWS: Disabling until the batch in hand is done.
        answer: dict[str, Any] = shown(mapping)
        if not mapping.get("Enabled", True) and lambda_svc._esm_inflight.get(mapping["UUID"]):
            answer["State"] = "Disabling"
        return answer

    lambda_svc._esm_response = response


@dataclass
class _Batch:
    records: list[dict[str, Any]]
    failures: int = 0


@dataclass
class _Reader:
    """What is left of the records that a mapping works on, and the position in the stream after them."""

    pending: deque[_Batch] = field(default_factory=deque)
    end: int = 0


_readers: dict[str, _Reader] = {}
"""By mapping id. Lost with the cloud: what is pending comes again then, the noted position is before it."""


def _poll() -> bool:
    """Start a thread for every mapping that has something to read and none at work."""
    started = False
    for account, region, mapping in lambda_svc._iter_all_esms():
        if not mapping.get("Enabled", True) or lambda_svc._esm_inflight.get(mapping["UUID"]):
            continue
        if ":dynamodb:" not in mapping.get("EventSourceArn", ""):
            continue
        tokens = _request_account_id.set(account), _request_region.set(region)
        try:
            if _position(mapping) < dynamodb.stream_end_position(_table(mapping)):
                lambda_svc._dispatch_esm_batch(mapping["UUID"], _read, account, region, mapping)
                started = True
        finally:
            _request_account_id.reset(tokens[0])
            _request_region.reset(tokens[1])
    return started


def _read(account: str, region: str, mapping: dict[str, Any]) -> None:
    """Deliver until nothing is left, or the mapping is disabled or deleted."""
    _request_account_id.set(account)
    _request_region.set(region)
    reader = _readers.setdefault(mapping["UUID"], _Reader())
    while mapping.get("Enabled", True) and lambda_svc._esms.get(mapping["UUID"]) is mapping:
        if not reader.pending:
            records, reader.end = _collect(mapping)
            if records:
                reader.pending.append(_Batch(records))
            elif reader.end == _position(mapping):
                break
        elif not _deliver(mapping, reader.pending):
            break
        if not reader.pending:
            _advance(mapping, reader.end)


def _collect(mapping: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """The next records that pass the filter, at most a batch, and the position after them.

    Waits for a full batch as long as the batching window, counted from the first record.
    """
    size = int(mapping.get("BatchSize", 100))
    deadline = time.monotonic() + int(mapping.get("MaximumBatchingWindowInSeconds", 0))
    records: list[dict[str, Any]] = []
    position = _position(mapping)
    while True:
        for record in list(dynamodb.stream_records_since(_table(mapping), position, 10 * size)):
            if len(records) == size:
                break
            position += 1
            if filters.passes(record, mapping.get("FilterCriteria")):
                if not records:
                    deadline = time.monotonic() + int(mapping.get("MaximumBatchingWindowInSeconds", 0))
                records.append(record)
        wait = deadline - time.monotonic()
        if not records or len(records) == size or wait <= 0 or not mapping.get("Enabled", True):
            return records, position
        time.sleep(min(wait, _FULL_CHECK_EVERY))


def _deliver(mapping: dict[str, Any], pending: deque[_Batch]) -> bool:
    """One invocation with the first pending batch, and what follows. False: there is no function."""
    function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
    if function is None:
        return False
    batch = pending.popleft()
    result = lambda_svc._execute_function(function, {"Records": batch.records})
    done = len(batch.records) if not result.get("error") else 0
    if done and "ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or []):
        done = _first_failure(batch.records, result.get("body"))
    if done == len(batch.records):
        mapping["LastProcessingResult"] = f"OK - {done} records"
        return True

    mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
    # A checkpoint moved, so what is left is another batch, with retries of its own.
    left = _Batch(batch.records[done:], 1 if done else batch.failures + 1)
    if _give_up(mapping, function, left, result):
        return True
    if result.get("error") and mapping.get("BisectBatchOnFunctionError") and len(left.records) > 1:
        # Splitting uses up no retry; so a poison record ends alone, and is retried then.
        middle = len(left.records) // 2
        pending.extendleft([_Batch(left.records[middle:]), _Batch(left.records[:middle])])
    else:
        pending.appendleft(left)
    time.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (left.failures - 1)))
    return True


def _first_failure(records: list[dict[str, Any]], body: Any) -> int:
    """How many records a partial answer says are done: all before the lowest sequence number that it names.

    No answer, or no failures in it, is a success; a name that is not in the batch makes all of it a failure.
    """
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return 0
    failures = (body or {}).get("batchItemFailures") if isinstance(body, dict | None) else [{}]
    if not failures:
        return len(records)
    places = {record["dynamodb"]["SequenceNumber"]: place for place, record in enumerate(records)}
    return min(places.get(str(failure.get("itemIdentifier")), 0) for failure in failures)


def _give_up(mapping: dict[str, Any], function: dict[str, Any], batch: _Batch, result: dict[str, Any]) -> bool:
    """Past its retries or its age, a batch is discarded: its place in the stream goes to a queue."""
    retries = int(mapping.get("MaximumRetryAttempts", -1))
    oldest = min(float(record["dynamodb"]["ApproximateCreationDateTime"]) for record in batch.records)
    age = int(mapping.get("MaximumRecordAgeInSeconds", -1))
    alone = len(batch.records) == 1 or not (result.get("error") and mapping.get("BisectBatchOnFunctionError"))
    if retries >= 0 and alone and batch.failures > retries:
        condition = "RetryAttemptsExhausted"
    elif 0 < age < time.time() - oldest:
        condition = "MaxRecordAgeExceeded"
    else:
        return False
    print(f"{mapping['FunctionName']}: {condition}, {len(batch.records)} records discarded", flush=True)
    lambda_svc._send_ddb_stream_failure_record(
        mapping, function, batch.records, mapping["EventSourceArn"], result, condition
    )
    return True


def _table(mapping: dict[str, Any]) -> str:
    name: str = mapping["EventSourceArn"].split("/stream/")[0].rsplit("/", 1)[1]
    return name


def _position(mapping: dict[str, Any]) -> int:
    """Where in its table's stream a mapping stands; ministack keeps it, over a restart too."""
    with lambda_svc._dynamodb_stream_positions_lock:
        positions = lambda_svc._dynamodb_stream_positions
        horizon = dynamodb.stream_start_position(_table(mapping))
        if mapping["UUID"] not in positions:
            latest = mapping.get("StartingPosition", "LATEST") == "LATEST"
            positions[mapping["UUID"]] = dynamodb.stream_end_position(_table(mapping)) if latest else horizon
        position: int = max(positions[mapping["UUID"]], horizon)
        return position


def _advance(mapping: dict[str, Any], position: int) -> None:
    with lambda_svc._dynamodb_stream_positions_lock:
        if mapping["UUID"] in lambda_svc._dynamodb_stream_positions:
            lambda_svc._dynamodb_stream_positions[mapping["UUID"]] = position
