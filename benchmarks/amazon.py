"""A process of its own that answers in AWS's place on loopback, so that its CPU time is counted to nobody.

It answers what the redirect asks: secrets, a link, its campaign's route, puts. `python -m benchmarks.amazon` says its
port on the first line and runs until its input ends. Operations named behind that are taken and never answered.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from zlib import crc32

ROOT = Path(__file__).resolve().parents[1]
EDGE = "the-edge-secret"
SECRETS = {
    "click-key": json.dumps({"current": "0", "0": "k" * 64}),
    "identity-key": "i" * 64,
    "edge": EDGE,
}


_CAMPAIGN = "cmp_01K0X3V6Q2M8T4S9C7B5N1H3FE"
_LANDING = "https://www.broker.example/live?lang=en"


def link(code: str) -> dict[str, Any]:
    """A link's item."""
    texts = {
        "code": code,
        "link_id": code,
        "partner": "par_01K0X3V6Q2M8T4S9C7B5N1H3FD",
        "brand": "brd_01K0X3V6Q2M8T4S9C7B5",
        "campaign": _CAMPAIGN,
        "landing_url": _LANDING,
        "click_parameter": "click_id",
        "fallback_url": "https://www.broker.example/",
        "status": "active",
    }
    return {name: {"S": text} for name, text in texts.items()} | {"shard_exponent": {"N": "0"}}


def route() -> dict[str, Any]:
    """Its campaign's: two pages by weight, and UTM parameters that name the campaign and the partner."""
    pages = [("a", _LANDING, "70"), ("b", "https://www.broker.example/demo", "30")]
    utm = [("utm_source", "partners"), ("utm_campaign", "{campaign}"), ("utm_content", "{sub1}")]
    return {
        "campaign": {"S": _CAMPAIGN},
        "status": {"S": "active"},
        "hosts": {"L": [{"S": "www.broker.example"}]},
        "click_parameter": {"S": "click_id"},
        "pages": {
            "L": [
                {"M": {"page": {"S": page}, "url": {"S": url}, "weight": {"N": weight}}} for page, url, weight in pages
            ]
        },
        "utm": {"L": [{"M": {"name": {"S": name}, "value": {"S": value}}} for name, value in utm]},
    }


class Answers:
    """What is answered to each operation, and what was put."""

    def __init__(self, silent: list[bytes]) -> None:
        self.puts = 0
        self.put = b""
        self._done = _answer({})
        self._silent = silent

    def to(self, operation: bytes, body: bytes) -> bytes:
        if operation in self._silent:
            return b""
        if operation == b"PutItem":
            # This is what is measured: the less is done here, the less a machine of few cores has to share.
            self.puts += 1
            self.put = body
            return self._done
        return _answer(self._other(operation, json.loads(body)))

    def _other(self, operation: bytes, asked: dict[str, Any]) -> dict[str, Any]:
        if operation == b"GetItem":
            key = asked["Key"]
            if key["sk"]["S"] == "link":
                return {"Item": {**key, **link(key["pk"]["S"].rpartition("#")[2])}}
            return {"Item": {**key, **route()}} if key["sk"]["S"] == "route" else {}
        if operation == b"GetSecretValue":
            return {"SecretString": SECRETS[asked["SecretId"]]}
        if operation == b"Told":
            return {"puts": self.puts, "put": json.loads(self.put)["Item"]}
        return {}


def _answer(content: dict[str, Any]) -> bytes:
    """With the headers that DynamoDB sends."""
    body = json.dumps(content).encode()
    head = (
        "HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Fri, 30 Jan 2026 09:00:00 GMT\r\n"
        f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\nConnection: keep-alive\r\n"
        "x-amzn-RequestId: 4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
        f"x-amz-crc32: {crc32(body)}\r\n\r\n"
    )
    return head.encode() + body


def _serve(silent: list[str]) -> None:
    answers = Answers([operation.encode() for operation in silent])
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            accepted = listening.accept()[0]
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_converse, args=(accepted, answers), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_OPERATION = re.compile(rb"\r\nx-amz-target: *[A-Za-z0-9_]+\.([A-Za-z]+)", re.IGNORECASE)


def _converse(accepted: socket.socket, answers: Answers) -> None:
    received = b""
    # Whoever gives up waiting may close the connection however it likes.
    with accepted, suppress(ConnectionError):
        while piece := accepted.recv(65_536):
            received += piece
            head, mark, body = received.partition(b"\r\n\r\n")
            if not mark:
                continue
            length, operation = _LENGTH.search(head), _OPERATION.search(head)
            assert length and operation
            # One request at a time: nobody sends the next one before this is answered.
            if len(body) == int(length[1]):
                accepted.sendall(answers.to(operation[1], body))
                received = b""


@contextmanager
def running(*silent: str) -> Iterator[int]:
    """Such a process, by its port."""
    command = [sys.executable, "-m", "benchmarks.amazon", *silent]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def environment(port: int) -> Mapping[str, str]:
    """What a redirect needs to be told to speak to it."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLE00",
        "AWS_SECRET_ACCESS_KEY": "example",
        # As long as those of Lambda.
        "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjE" + "Ab0/" * 250,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "STAGE": "bench",
        "FACTS_TABLE": "facts",
        "BOOKS_TABLE": "books",
        "CLICK_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/1/clicks",
        "CLICK_KEY_SECRET": "click-key",
        "IDENTITY_KEY_SECRET": "identity-key",
        "EDGE_SECRET": "edge",
        "FALLBACK_URL": "https://example.com/",
        "CLICK_DEADLINE_MS": "5000",
        "CLICK_TTL_DAYS": "400",
    }


if __name__ == "__main__":
    _serve(sys.argv[1:])
