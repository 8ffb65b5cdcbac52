"""One kept HTTP/1.1 connection to a service. It is opened ahead of use, and whoever waits for it waits within a budget.

Whatever waits (for the name, the connection, TLS, each piece of the answer) is given what is left of the call's
deadline. A connection after which anything is unclear is never used again: what is still on its way would be taken
for the answer to the next request.
"""

from __future__ import annotations

import socket
import ssl
from functools import cache
from threading import Lock, Thread
from typing import Any, NamedTuple

from clock import Deadline
from errors import Broken, Closed, TimedOut, Unreachable

LONGEST = 3_000_000
"""Bytes of an answer at most: an item has 400 KB, and JSON may write six letters for one byte."""
STEP = 0.00025
"""Seconds to which a wait is rounded."""


class Answer(NamedTuple):
    status: int
    headers: dict[bytes, bytes]
    """By lower-case name."""
    body: bytes
    last: bool
    """Whether the connection may not be used again."""


class Connection:
    """The way to one host and port: at most one connection at a time, for one caller at a time."""

    def __init__(self, host: str, port: int, tls: bool) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._addresses: list[Any] = []
        self._socket: Any = None
        self._session: Any = None
        self._busy = Lock()

    def open(self, deadline: Deadline) -> None:
        """Connects now, so that a request need not. Raises `Unreachable` and `TimedOut`."""
        with self._busy:
            if self._socket is None:
                self._connect(deadline)

    def exchange(self, request: bytes, deadline: Deadline) -> Answer:
        """Sends a request and reads the whole answer. Raises `Unreachable`, `TimedOut` and `Broken`.

        When the other side has closed a kept connection meanwhile, the request is sent again by a new one.
        """
        if not self._busy.acquire(blocking=False) and not self._busy.acquire(timeout=_left(deadline)):
            raise TimedOut("the connection is still being opened")
        try:
            kept = self._socket is not None
            try:
                return self._once(request, deadline)
            except Closed:
                if not kept:
                    raise
            return self._once(request, deadline)
        finally:
            self._busy.release()

    def _once(self, request: bytes, deadline: Deadline) -> Answer:
        if self._socket is None:
            self._connect(deadline)
        answer = None
        try:
            _allow(self._socket, deadline)
            self._socket.sendall(request)
            answer = _read(self._socket, deadline)
            return answer
        except TimeoutError as error:
            raise TimedOut("the answer took too long") from error
        except OSError as error:
            raise Closed(_words(error)) from error
        finally:
            if answer is None or answer.last:
                self._close()

    def _connect(self, deadline: Deadline) -> None:
        """Tries the host's addresses in turn."""
        failed: Exception | None = None
        for family, kind, protocol, _, address in self._look_up(deadline):
            opened = socket.socket(family, kind, protocol)
            try:
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _allow(opened, deadline)
                opened.connect(address)
                if self._tls:
                    _allow(opened, deadline)
                    opened = _trust().wrap_socket(opened, server_hostname=self._host, session=self._session)
                self._socket = opened
                return
            except (OSError, TimedOut) as error:
                opened.close()
                failed = error
        # Other addresses may have been given out meanwhile.
        self._addresses = []
        if isinstance(failed, (TimeoutError, TimedOut)):
            raise TimedOut("connecting took too long") from failed
        raise Unreachable(_words(failed)) from failed

    def _look_up(self, deadline: Deadline) -> list[Any]:
        """The host's addresses, asked for once. A resolver knows no deadline, so another thread waits for it."""
        failed: list[OSError] = []

        def ask() -> None:
            try:
                self._addresses = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            except OSError as error:
                failed.append(error)

        if not self._addresses:
            asking = Thread(target=ask, daemon=True)
            asking.start()
            asking.join(_left(deadline))
            if failed:
                raise Unreachable(_words(failed[0]))
            if not self._addresses:
                raise TimedOut("the host's name took too long")
        return self._addresses

    def _close(self) -> None:
        if self._tls:
            # It shortens the next handshake.
            self._session = self._socket.session or self._session
        self._socket.close()
        self._socket = None


@cache
def _trust() -> ssl.SSLContext:
    """Whom TLS believes: the machine's authorities, which are read once; the name in a certificate is checked."""
    return ssl.create_default_context()


def _left(deadline: Deadline) -> float:
    """Seconds for what waits next. A socket would take 0 for "do not wait"."""
    if (left := deadline.left()) <= 0:
        raise TimedOut("no time left")
    return left


def _allow(source: socket.socket, deadline: Deadline) -> None:
    """Gives what waits next the time that is left, rounded down to a step: telling a socket its time is a system call,
    and most often it has been told."""
    left = _left(deadline)
    if source.gettimeout() != (allowed := int(left / STEP) * STEP or left):
        source.settimeout(allowed)


def _read(source: socket.socket, deadline: Deadline) -> Answer:
    """The whole answer. Raises `Broken` for one that is no HTTP, is cut off, or does not say how long it is."""
    received = _more(source, deadline, b"")
    while (ends := received.find(b"\r\n\r\n")) < 0:
        received = _more(source, deadline, received)
    first, *lines = received[:ends].split(b"\r\n")
    if not first.startswith(b"HTTP/1.") or not first[9:12].isdigit():
        raise Broken("the answer is not HTTP")
    headers = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    received = received[ends + 4 :]
    try:
        if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            body, rest = _chunks(source, deadline, received)
        else:
            body, rest = _exactly(source, deadline, received, int(headers[b"content-length"]))
    except (KeyError, ValueError) as error:
        raise Broken("the answer does not say its length") from error
    # What is left over belongs to no request of ours.
    return Answer(int(first[9:12]), headers, body, bool(rest) or headers.get(b"connection", b"").lower() == b"close")


def _exactly(source: socket.socket, deadline: Deadline, received: bytes, length: int) -> tuple[bytes, bytes]:
    """So many bytes, and what came behind them."""
    if not 0 <= length <= LONGEST:
        raise Broken("the answer is too long")
    if len(received) < length:
        whole = bytearray(received)
        while len(whole) < length:
            whole += _more(source, deadline, b"", begun=True)
        received = bytes(whole)
    return received[:length], received[length:]


def _chunks(source: socket.socket, deadline: Deadline, received: bytes) -> tuple[bytes, bytes]:
    """A body in chunks, put together, and what came behind it. Trailers are not for us: they count as behind it."""
    body, length = b"", -1
    while length:
        while (ends := received.find(b"\r\n")) < 0:
            received = _more(source, deadline, received, begun=True)
        length = int(received[:ends].partition(b";")[0], 16)
        chunk, received = _exactly(source, deadline, received[ends + 2 :], length + 2)
        body += chunk[:-2]
        if len(body) > LONGEST:
            raise Broken("the answer is too long")
    return body, received


def _more(source: socket.socket, deadline: Deadline, received: bytes, begun: bool = False) -> bytes:
    """What was received, and what comes next behind it. Raises `Closed` when nothing comes, `Broken` when no more."""
    _allow(source, deadline)
    try:
        piece = source.recv(16_384)
    except ConnectionError:
        piece = b""
    if not piece:
        raise Broken("closed within the answer") if received or begun else Closed("closed before the answer")
    if len(received) > LONGEST:
        raise Broken("the answer is too long")
    return received + piece if received else piece


def _words(error: Exception | None) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
