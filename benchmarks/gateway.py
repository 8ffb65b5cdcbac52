"""Requests through the local gateway over a few keep-alive connections, timed one by one."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

CONNECTIONS = 4


class Request(NamedTuple):
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    expected: int
    """The status it must be answered with."""


@dataclass
class Sample:
    """What one or several rounds measured."""

    rates: list[float] = field(default_factory=list)
    """Requests per second, by round."""
    rounds: list[list[float]] = field(default_factory=list)
    """Seconds of each request, by round."""

    @property
    def times(self) -> list[float]:
        """Seconds of all requests."""
        return [each for times in self.rounds for each in times]


def send(address: str, requests: Sequence[Request], sample: Sample) -> None:
    """One round: all requests, as fast as the connections carry them. Raises when one is answered otherwise."""
    where = urlsplit(address)
    times: list[list[float]] = [[] for _ in range(CONNECTIONS)]
    wrong: list[str] = []
    ready = threading.Barrier(CONNECTIONS + 1)

    def work(number: int) -> None:
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        connection.connect()
        ready.wait()
        for request in requests[number::CONNECTIONS]:
            began = time.perf_counter()
            connection.request(request.method, request.target, request.body or None, request.headers)
            answer = connection.getresponse()
            content = answer.read()
            times[number].append(time.perf_counter() - began)
            if answer.status != request.expected:
                wrong.append(f"{request.method} {request.target[:60]}: {answer.status} {content[:200]!r}")
        connection.close()

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    done = [each for part in times for each in part]
    if wrong or len(done) != len(requests):
        raise RuntimeError(f"{len(requests) - len(done) + len(wrong)} requests failed: " + "; ".join(wrong[:3]))
    sample.rates.append(len(requests) / seconds)
    sample.rounds.append(done)
