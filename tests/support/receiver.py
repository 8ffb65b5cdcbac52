"""A host of somebody else's, on this machine: it answers, hangs, drips, breaks off, redirects, as a test says."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple


class Request(NamedTuple):
    """What came."""

    line: str
    headers: dict[str, str]
    body: bytes


Script = Callable[[socket.socket, Request], None]
"""What is done with a connection once its request was read."""


@dataclass
class Receiver:
    """Within `a_receiver`. `does` is what it does with every connection."""

    port: int
    does: Script
    requests: list[Request] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    """What hangs, hangs until then."""

    def url(self, path: str = "/p") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def answers(status: int = 200, body: bytes = b"OK", *headers: str) -> Script:
    """A whole answer."""

    def script(connection: socket.socket, request: Request) -> None:
        head = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *headers, "", ""]
        connection.sendall("\r\n".join(head).encode() + body)

    return script


def says(text: bytes) -> Script:
    """These bytes, and the end."""
    return lambda connection, request: connection.sendall(text)


@contextmanager
def a_receiver(
    does: Script | None = None, context: ssl.SSLContext | None = None, *, reads: bool = True
) -> Iterator[Receiver]:
    """A receiver that listens; with `context` it speaks TLS. One that reads nothing does its part at once."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Receiver(listening.getsockname()[1], does or answers())
        ends = threading.Event()

        def serve(connection: socket.socket) -> None:
            with contextlib.suppress(OSError, ValueError), connection:
                spoken = context.wrap_socket(connection, server_side=True) if context else connection
                with spoken:
                    spoken.settimeout(30)
                    request = _read(spoken) if reads else Request("", {}, b"")
                    found.requests.append(request)
                    found.does(spoken, request)

        def listen() -> None:
            while not ends.is_set():
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        try:
            yield found
        finally:
            ends.set()
            found.released.set()
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def _read(connection: socket.socket) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65_536)
        if not more:
            raise ValueError("no request came")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65_536)
    return Request(line, headers, body)
