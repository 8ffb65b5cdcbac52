"""CPU time of a click under Lambda's own runtime client, `awslambdaric`: `python -m benchmarks.runtime` prints JSON.

Three processes run its loop against a Runtime API on loopback, as in Lambda: one with the redirect, one with the same
handler on boto3, one with a handler that does nothing. Each tells its own CPU time before and after a round, so that
of whoever stands in for Lambda and AWS is counted to nobody. Rounds take turns; medians are given.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import amazon
from benchmarks.awake import cores_awake
from benchmarks.figures import percentile
from benchmarks.visitors import visits

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 9
EVENTS = 400
"""In a round."""
PATIENCE = 60.0
"""Seconds until a function that does not answer is given up on."""

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class RuntimeApi:
    """Lambda's side: hands out events one by one, and takes the answers."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[bytes, bytes]] = queue.SimpleQueue()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def invoke(self, event: bytes) -> Any:
        """The function's answer. Raises `RuntimeError` when it failed, or has ended."""
        self._events.put(event)
        try:
            path, body = self._answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise RuntimeError("the function does not answer") from None
        if not path.endswith(b"/response"):
            raise RuntimeError(f"{path.decode()}: {body.decode()[:2000]}")
        return json.loads(body)

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                accepted = self._listening.accept()[0]
            except OSError:
                return
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._converse, args=(accepted,), daemon=True).start()

    def _converse(self, accepted: socket.socket) -> None:
        received, number = b"", 0
        with accepted:
            while piece := accepted.recv(65_536):
                received += piece
                head, mark, body = received.partition(b"\r\n\r\n")
                length = _LENGTH.search(head)
                if not mark or len(body) < (int(length[1]) if length else 0):
                    continue
                received = b""
                method, path, _ = head.split(b" ", 2)
                if method == b"GET":
                    number += 1
                    accepted.sendall(_next(self._events.get(), number))
                else:
                    accepted.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
                    self._answers.put((path, body))


def _next(event: bytes, number: int) -> bytes:
    """An invocation, with the headers that Lambda sends."""
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-{number:012x}\r\n"
        "Lambda-Runtime-Deadline-Ms: 1893456000000\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:redirect\r\n"
        "Lambda-Runtime-Trace-Id: Root=1-69b1c2d3-0a1b2c3d4e5f60718293a4b5;Parent=9a9197af755a6419;Sampled=0\r\n"
        f"Content-Length: {len(event)}\r\n\r\n"
    )
    return head.encode() + event


@contextmanager
def function(handler: str, **environment: str) -> Iterator[RuntimeApi]:
    """A process that runs the loop with a handler of `benchmarks.handlers`."""
    api = RuntimeApi()
    path = [str(ROOT / "functions" / "redirect"), str(ROOT / "layers/core/python"), str(ROOT)]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    own |= {"AWS_LAMBDA_RUNTIME_API": api.address, "PYTHONPATH": os.pathsep.join(path), **environment}
    command = [sys.executable, "-m", "awslambdaric", f"benchmarks.handlers.{handler}"]
    with subprocess.Popen(command, cwd=ROOT, env=own) as process:
        try:
            yield api
        finally:
            process.kill()
            api.close()


def measure() -> dict[str, float]:
    """CPU microseconds of one click in each process, and how long one waited for its answer."""
    events = [json.dumps(each).encode() for each in visits(random.Random(1), amazon.EDGE)]
    with ExitStack() as stack:
        settings = dict(amazon.environment(stack.enter_context(amazon.running())))
        functions = {
            "ours": stack.enter_context(function("redirect", BENCH_CLIENT="ours", **settings)),
            "boto3": stack.enter_context(function("redirect", BENCH_CLIENT="boto3", **settings)),
            "empty": stack.enter_context(function("empty")),
        }
        stack.enter_context(cores_awake())
        return _measured(functions, itertools.cycle(events))


def _measured(functions: Mapping[str, RuntimeApi], events: Iterator[bytes]) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in functions}
    times: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(ROUNDS + 1):
        for name, api in functions.items():
            before, took = _told(api), []
            for _ in range(EVENTS):
                began = time.perf_counter()
                answer = api.invoke(next(events))
                took.append(time.perf_counter() - began)
                if answer["statusCode"] != 302 or (
                    name != "empty" and "click_id=" not in answer["headers"]["Location"]
                ):
                    raise RuntimeError(f"{name}: a click was not recorded: {answer}")
            # The first round opens connections and reads links.
            if number:
                found[name].append((_told(api) - before) / EVENTS / 1000)
                times[name] += took
    return {name: median(each) for name, each in found.items()} | {
        "p50_us": percentile(times["ours"], 0.5) * 1e6,
        "p99_us": percentile(times["ours"], 0.99) * 1e6,
    }


def _told(api: RuntimeApi) -> int:
    return int(api.invoke(b'{"told": true}'))


if __name__ == "__main__":
    print(json.dumps(measure()))
