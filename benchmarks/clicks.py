"""CPU time of a click in the redirect's handler, and of the same handler on boto3: `python -m benchmarks.clicks`.

An interpreter of its own, with sockets and all: both speak to the same process on loopback, whose own time is not
counted. What is measured is the path of a container that has served before: link, route and agents are known, and a
click is one put. Rounds of the two take turns; medians are given.

Then how long a visitor waits when FACTS, or FACTS and the queue, take what is sent and never answer.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import amazon
from benchmarks.awake import cores_awake
from benchmarks.figures import percentile
from benchmarks.visitors import visits

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 15
CLICKS = 400
"""In a round."""
STALLED = 60
"""Clicks that wait in vain."""
DEADLINE_MS = 50.0
"""The product's own, which the CPU time is not measured under: a busy machine might miss it."""


def measure() -> dict[str, float]:
    """The figures of this process, which must have none of AWS's settings."""
    with (
        amazon.running() as port,
        amazon.running("PutItem") as no_facts,
        amazon.running("PutItem", "SendMessage") as nothing,
    ):
        os.environ.update(amazon.environment(port))
        sys.path.insert(0, str(ROOT / "functions" / "redirect"))
        import app

        events = itertools.cycle(visits(random.Random(1), amazon.EDGE))
        with cores_awake():
            found = _measured(app, events)
        for name, stalled in (("facts", no_facts), ("all", nothing)):
            times = _stalled(app, events, stalled)
            found |= {f"{name}_p50_ms": percentile(times, 0.5), f"{name}_p99_ms": percentile(times, 0.99)}
        return found


def _measured(app: Any, events: Iterator[dict[str, Any]]) -> dict[str, float]:
    from benchmarks.boto3_client import Boto3

    container = app._prepared()[0]
    clients = {"ours": container.aws, "boto3": Boto3()}
    found: dict[str, list[float]] = {"ours": [], "boto3": []}
    for number in range(ROUNDS + 1):
        for name, client in clients.items():
            container.aws = client
            micros = _round(app.handler, events)
            if isinstance(client, Boto3):
                micros -= client.reading_us()
            # The first round opens connections and reads links.
            if number:
                found[name].append(micros)
    puts, clicks = _puts(clients["ours"]), 2 * CLICKS * (ROUNDS + 1)
    if puts != clicks:
        raise RuntimeError(f"{clicks} clicks were {puts} puts")
    return {
        "ours": median(found["ours"]),
        "boto3": median(found["boto3"]),
        "ratio": median(ours / boto3 for ours, boto3 in zip(found["ours"], found["boto3"], strict=True)),
    }


def _round(handler: Callable[[dict[str, Any], object], dict[str, Any]], events: Iterator[dict[str, Any]]) -> float:
    """CPU microseconds of one click."""
    began = time.process_time_ns()
    for _ in range(CLICKS):
        answer = handler(next(events), None)
        if "click_id=" not in answer["headers"]["Location"]:
            raise RuntimeError(f"a click was not recorded: {answer}")
    return (time.process_time_ns() - began) / CLICKS / 1000


def _stalled(app: Any, events: Iterator[dict[str, Any]], port: int) -> list[float]:
    """Milliseconds that visitors waited for their redirect when AWS is at this port."""
    import aws

    container = app._prepared()[0]
    container.aws = aws.Aws(amazon.environment(port))
    container.deadline = DEADLINE_MS / 1000
    times = []
    # What is told of a click that nobody took is part of the path, and not of what is printed here.
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        for _ in range(STALLED):
            began = time.perf_counter()
            answer = app.handler(next(events), None)
            times.append((time.perf_counter() - began) * 1000)
            if answer["statusCode"] != 302:
                raise RuntimeError(f"a visitor was not sent on: {answer}")
    return times


def _puts(client: Any) -> int:
    """How many items the other process was given."""
    return int(client._call(client._tables, "Bench.Told", "{}", 5.0)["puts"])


if __name__ == "__main__":
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    print(json.dumps(measure()))
