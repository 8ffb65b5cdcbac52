"""One kept HTTP/1.1 connection to a service. It is opened ahead of use, and whoever waits for it waits within a budget.

Whatever waits (for the name, the connection, TLS, each piece of the answer) is given what is left of the call's
deadline and no more. A connection after which anything is unclear is never used again: what is still on its way would
be taken for the answer to the next request.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from functools import cache
from threading import Lock, Thread
from typing import Any, NamedTuple

from clock import Deadline
from errors import Broken, TimedOut, Unreachable

PIECE = 16_384
"""Bytes that are read at once: a TLS record holds no more."""
LONGEST_HEAD = 32_768
LONGEST_BODY = 3_000_000
"""Bytes of an answer at most: an item has 400 KB, and JSON may write six letters for one byte."""

_NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Answer(NamedTuple):
    status: int
    headers: dict[bytes, bytes]
    """By lower-case name."""
    body: bytes


class _Silent(Broken):
    """The other side closed the connection and had said nothing."""


class Connection:
    """The way to one host and port: at most one connection at a time, for one caller at a time."""

    def __init__(self, host: str, port: int, tls: bool) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._socket: Any = None
        self._session: Any = None
        self._addresses: list[Any] = []
        self._busy = Lock()

    def open(self, deadline: Deadline) -> None:
        """Connects now, so that a request need not. Raises `Unreachable` and `TimedOut`."""
        with self._busy:
            if self._socket is None:
                self._connect(deadline)

    def exchange(self, request: bytes, deadline: Deadline) -> Answer:
        """Sends a request and reads the whole answer. Raises `Unreachable`, `TimedOut` and `Broken`.

        When the other side has closed a kept connection meanwhile, a new one is opened and the request sent again:
        nobody has answered it.
        """
        if not self._busy.acquire(timeout=_left(deadline)):
            raise TimedOut("the connection is still being opened")
        try:
            if self._socket is not None:
                with suppress(_Silent):
                    return self._once(request, deadline)
            self._connect(deadline)
            return self._once(request, deadline)
        finally:
            self._busy.release()

    def _connect(self, deadline: Deadline) -> None:
        failed: Exception | None = None
        for family, kind, protocol, _, address in self._look_up(deadline):
            opened = socket.socket(family, kind, protocol)
            try:
                opened.setsockopt(*_NO_DELAY)
                opened.settimeout(_left(deadline))
                opened.connect(address)
                if self._tls:
                    opened.settimeout(_left(deadline))
                    opened = _tls().wrap_socket(opened, server_hostname=self._host, session=self._session)
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

    def _once(self, request: bytes, deadline: Deadline) -> Answer:
        """One request and its answer. Unless all went well the connection is gone afterwards."""
        stays = False
        try:
            self._socket.settimeout(_left(deadline))
            try:
                self._socket.sendall(request)
            except (BrokenPipeError, ConnectionResetError) as error:
                raise _Silent("closed before the request") from error
            answer, stays = self._read(deadline)
            return answer
        except TimeoutError as error:
            raise TimedOut("the answer took too long") from error
        except OSError as error:
            raise Broken(_words(error)) from error
        finally:
            if not stays:
                self._close()

    def _read(self, deadline: Deadline) -> tuple[Answer, bool]:
        """The answer, and whether the connection may be used again."""
        received = self._receive(deadline, first=True)
        while (head_ends := received.find(b"\r\n\r\n")) < 0:
            if len(received) > LONGEST_HEAD:
                raise Broken("the answer's head does not end")
            received += self._receive(deadline)
        status, headers = _head(received[:head_ends])
        body = received[head_ends + 4 :]
        if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            body, rest = self._chunks(body, deadline)
        else:
            length = _number(headers.get(b"content-length", b""), 10)
            if len(body) < length:
                pieces, missing = [body], length - len(body)
                while missing > 0:
                    pieces.append(self._receive(deadline))
                    missing -= len(pieces[-1])
                body = b"".join(pieces)
            body, rest = body[:length], body[length:]
        stays = not rest and headers.get(b"connection", b"").lower() != b"close"
        return Answer(status, headers, body), stays

    def _chunks(self, received: bytes, deadline: Deadline) -> tuple[bytes, bytes]:
        """A chunked body put together, and what came behind it. What follows the last chunk is not looked at."""
        body = b""
        while True:
            while (line_ends := received.find(b"\r\n")) < 0:
                received += self._receive(deadline)
            length = _number(received[:line_ends].partition(b";")[0].strip(), 16)
            ends = line_ends + 2 + length
            while len(received) < ends + 2:
                received += self._receive(deadline)
            body += received[line_ends + 2 : ends]
            if len(body) > LONGEST_BODY or received[ends : ends + 2] != b"\r\n":
                raise Broken("the answer's chunks are not right")
            received = received[ends + 2 :]
            if not length:
                return body, received

    def _receive(self, deadline: Deadline, first: bool = False) -> bytes:
        """What has come; something always has. Raises when the connection ends here."""
        self._socket.settimeout(_left(deadline))
        try:
            piece: bytes = self._socket.recv(PIECE)
        except ConnectionResetError:
            piece = b""
        if not piece:
            raise (_Silent if first else Broken)("closed before the answer" if first else "closed within the answer")
        return piece

    def _close(self) -> None:
        if self._tls:
            # It shortens the next handshake.
            self._session = self._socket.session or self._session
        self._socket.close()
        self._socket = None


@cache
def _tls() -> ssl.SSLContext:
    """How we speak TLS: the machine's authorities, which are read once; the name in a certificate is checked."""
    return ssl.create_default_context()


def _left(deadline: Deadline) -> float:
    """Seconds for what waits next; a socket takes 0 for "do not wait" and fails otherwise than when time runs out."""
    left = deadline.left()
    if left <= 0:
        raise TimedOut("no time left")
    return left


def _head(head: bytes) -> tuple[int, dict[bytes, bytes]]:
    line, *lines = head.split(b"\r\n")
    if not line.startswith(b"HTTP/1.") or not line[9:12].isdigit():
        raise Broken("the answer is not HTTP")
    headers = {}
    for each in lines:
        name, _, value = each.partition(b":")
        headers[name.lower()] = value.strip()
    return int(line[9:12]), headers


def _number(digits: bytes, base: int) -> int:
    """A length. An answer that does not say it cannot be known to be whole."""
    try:
        length = int(digits, base)
    except ValueError:
        raise Broken("the answer does not say its length") from None
    if not 0 <= length <= LONGEST_BODY:
        raise Broken("the answer is too long")
    return length


def _words(error: Exception | None) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
