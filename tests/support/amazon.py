"""An Amazon for tests, on loopback: it does with each request what its script says next, down to the bytes."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any
from zlib import crc32

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = 1_785_000_000
"""The moment at which Amazon answers, in seconds since 1970."""


@dataclass(frozen=True)
class Step:
    """What is done with one request."""

    pieces: tuple[bytes, ...] = ()
    """Sent one after the other."""
    closes: bool = False
    """Whether the connection is closed behind them, of which the answer says nothing."""
    between: Callable[[], None] = field(default=lambda: None)
    """Done before each piece."""


def answer(status: int = 200, content: object = None, *, at: int = NOW, **headers: str | None) -> bytes:
    """An answer as DynamoDB sends it; a header given as None is left out."""
    body = json.dumps({} if content is None else content).encode()
    usual = {
        "Server": "Server",
        "Date": formatdate(at, usegmt=True),
        "Content-Type": "application/x-amz-json-1.0",
        "Content-Length": str(len(body)),
        "Connection": "keep-alive",
        "x-amzn-RequestId": "4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG",
        "x-amz-crc32": str(crc32(body)),
    }
    usual |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}\r\n" for name, value in usual.items() if value is not None]
    return f"HTTP/1.1 {status} Whatever\r\n{''.join(lines)}\r\n".encode() + body


def well(content: object = None, **headers: str | None) -> Step:
    return Step((answer(200, content, **headers),))


def error(code: str, status: int = 400, at: int = NOW) -> Step:
    """AWS's own way to say that it did not do it."""
    content = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "Not so."}
    return Step((answer(status, content, at=at),))


def chunked(content: object, *sizes: int) -> Step:
    """The same answer in chunks of these sizes, and the rest in one."""
    body = json.dumps(content).encode()
    head = answer(200, content, **{"Content-Length": None, "Transfer-Encoding": "chunked"}).partition(b"\r\n\r\n")[0]
    parts = []
    for size in (*sizes, len(body)):
        part, body = body[:size], body[size:]
        if part:
            parts.append(b"%x;of=ours\r\n%b\r\n" % (len(part), part))
    return Step((head + b"\r\n\r\n", *parts, b"0\r\n\r\n"))


CLOSED = Step(closes=True)
"""The connection is closed, and nothing is said."""


@dataclass
class Request:
    line: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """The number of the connection that it came by, from 1."""

    @property
    def operation(self) -> str:
        return self.headers["x-amz-target"].rpartition(".")[2]


class Amazon:
    """A server for as long as the `with` lasts. A request beyond the script is answered with a status of 418."""

    def __init__(self, *script: Step, certificate: str = "") -> None:
        self._script = list(script)
        self.requests: list[Request] = []
        self.connections = 0
        self._tls: ssl.SSLContext | None = None
        if certificate:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Amazon:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def then(self, *script: Step) -> None:
        """What is done with the next requests."""
        self._script = list(script)

    def environment(self, scheme: str = "http", host: str = "127.0.0.1") -> dict[str, str]:
        """What a client is told to speak to it."""
        return {
            "AWS_ENDPOINT_URL": f"{scheme}://{host}:{self.port}",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_SESSION_TOKEN": "token",
        }

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(accepted)
            threading.Thread(target=self._converse, args=(accepted, self.connections), daemon=True).start()

    def _converse(self, accepted: socket.socket, number: int) -> None:
        with suppress(OSError):
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = self._tls.wrap_socket(accepted, server_side=True) if self._tls else accepted
            with stream, stream.makefile("rb") as reading:
                while line := reading.readline().decode().strip():
                    if not self._answer(stream, _request(line, reading, number)):
                        return

    def _answer(self, stream: socket.socket, request: Request) -> bool:
        """Whether the connection stays."""
        self.requests.append(request)
        step = self._script.pop(0) if self._script else Step((answer(418),))
        for piece in step.pieces:
            step.between()
            stream.sendall(piece)
        return not step.closes


def _request(line: str, reading: Any, number: int) -> Request:
    headers = {}
    while header := reading.readline().decode().strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    return Request(line, headers, reading.read(int(headers["content-length"])), number)


def self_signed(path: Path, name: str) -> Path:
    """Writes a key and a certificate for this host, signed by itself, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path
