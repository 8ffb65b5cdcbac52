"""One request to a host that somebody else named, and no more of the answer than is wanted.

The address is checked and connected to in one go (`public_address`), TLS is made for the host's name and its
certificate checked, no redirect is followed, no proxy of the environment is used, nothing is unpacked, and the time and
the size of the whole exchange are bounded: a peer that sends a byte a second is cut off as one that sends nothing.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from introducer.domain.errors import Invalid, Unavailable
from introducer.gateways.public_address import Resolve, is_loopback, public_addresses

_LONGEST_HEAD = 32_768
"""Bytes of status line and headers that are read besides the body."""
_FORBIDDEN = re.compile(r"[^\x21-\x7e]")
"""What may stand nowhere in a URL that is sent: controls, spaces, and what is not ASCII."""
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_VALUE = re.compile(r"[\x20-\x7e\t]{0,4096}")
_OURS = {"host", "connection", "content-length", "transfer-encoding"}
"""Headers that are written here alone."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By name in lower case; of several with one name the last."""
    body: bytes
    """At most as many bytes as were wanted."""
    whole: bool
    """Whether the body ended within them."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how much: seconds to resolve and connect (with TLS), seconds for all, bytes of body."""

    connect: float = 5.0
    whole: float = 10.0
    body: int = 65_536


class Outside:
    """Sends to public addresses. `elapsed` counts seconds and never goes back.

    `loopback` is the local stage's exemption: this machine is let through, there also over plain HTTP and on any port.
    `resolve` stands in for the system's resolver in tests.
    """

    def __init__(
        self,
        elapsed: Callable[[], float],
        *,
        bounds: Bounds = Bounds(),
        loopback: bool = False,
        resolve: Resolve | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._elapsed = elapsed
        self._bounds = bounds
        self._loopback = loopback
        self._resolve = resolve
        self._context = context

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Send one request and read its answer, whatever its status; a redirect is an answer like others.

        Raises `Invalid` when the request may not be sent (`address_refused`, `url_refused`, `header_refused`), and
        `Unavailable` when no answer came: `name_unresolved`, `not_connected`, `tls_failed`, `timed_out`,
        `answer_broken`, `answer_too_large`.
        """
        if _FORBIDDEN.search(url):
            raise Invalid("The URL holds a character that must be encoded.", code="url_refused")
        for name, value in headers.items():
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name.lower() in _OURS:
                raise Invalid("A header holds what no header may.", code="header_refused")
        secure, host, port, path = _parts(url)
        left = _Left(self._elapsed, self._bounds.whole)
        connect = _Left(self._elapsed, self._bounds.connect)
        connection = _Pinned(host, port)
        connection.default_port = 443 if secure else 80
        with self._connected(host, port, secure, connect) as connected:
            connection.sock = _Timed(connected, left, self._bounds.body + _LONGEST_HEAD)
            return self._exchanged(connection, method, path, headers, body)

    def _exchanged(
        self, connection: _Pinned, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in {**headers, "Connection": "close"}.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            with connection.getresponse() as response:
                read = _read(response, self._bounds.body)
                found = {name.lower(): value for name, value in response.getheaders()}
                return Answer(response.status, found, read[: self._bounds.body], len(read) <= self._bounds.body)
        except _TooLong as error:
            raise Unavailable("The answer was longer than what is read.", code="answer_too_large") from error
        except TimeoutError as error:
            raise Unavailable(f"No answer came within {self._bounds.whole:g} seconds.", code="timed_out") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unavailable("The answer broke off, or was none of HTTP.", code="answer_broken") from error

    def _connected(self, host: str, port: int, secure: bool, connect: _Left) -> socket.socket:
        addresses = public_addresses(
            host, port, seconds=connect.seconds(), loopback=self._loopback, resolve=self._resolve
        )
        if not secure and not all(map(is_loopback, addresses)):
            raise Invalid("Plain HTTP is not spoken: write https://.", code="url_refused")
        try:
            bare = self._first(addresses, port, connect)
        except TimeoutError as error:
            raise Unavailable(
                f"{host} did not take the connection within {self._bounds.connect:g} seconds.", code="timed_out"
            ) from error
        except OSError as error:
            raise Unavailable(f"{host} did not take the connection.", code="not_connected") from error
        if not secure:
            return bare
        try:
            bare.settimeout(connect.seconds())
            return (self._context or _context()).wrap_socket(bare, server_hostname=host)
        except TimeoutError as error:
            bare.close()
            raise Unavailable(f"{host} did not finish TLS in time.", code="timed_out") from error
        except (OSError, ValueError) as error:
            bare.close()
            raise Unavailable(
                f"No TLS with {host}: see that its certificate is valid and made for this name.", code="tls_failed"
            ) from error

    def _first(self, addresses: tuple[str, ...], port: int, connect: _Left) -> socket.socket:
        """A connection to the first address that takes one; what none of them took is raised."""
        failed: OSError = OSError("no address")
        for address in addresses:
            try:
                # An address, not the name: nothing is resolved a second time.
                return socket.create_connection((address, port), timeout=connect.seconds())
            except TimeoutError:
                raise
            except OSError as error:
                failed = error
        raise failed


class _Left:
    """Seconds that are left of a bound."""

    def __init__(self, elapsed: Callable[[], float], whole: float) -> None:
        self._elapsed = elapsed
        self._until = elapsed() + whole

    def seconds(self) -> float:
        """More than none; raises TimeoutError when all are used."""
        left = self._until - self._elapsed()
        if left <= 0:
            raise TimeoutError
        return left


class _TooLong(Exception):
    """More came than is read."""


class _Pinned(http.client.HTTPConnection):
    """Speaks HTTP over the socket that it is given, and never opens one."""

    auto_open = 0
    default_port: int
    sock: Any

    def connect(self) -> None:
        raise http.client.NotConnected


class _Timed:
    """A socket of which each step has what is left of the time, and of which no more than `most` bytes are read."""

    def __init__(self, of: socket.socket, left: _Left, most: int) -> None:
        self._of = of
        self._left = left
        self._most = most

    def sendall(self, data: bytes) -> None:
        self._of.settimeout(self._left.seconds())
        self._of.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Raw(self._of, self._left, self._most))

    def close(self) -> None:
        """Left to whoever opened it: http.client closes before it has read the body."""


class _Raw(io.RawIOBase):
    """The reading side of `_Timed`."""

    def __init__(self, of: socket.socket, left: _Left, most: int) -> None:
        super().__init__()
        self._of = of
        self._left = left
        self._rest = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._rest <= 0:
            raise _TooLong
        self._of.settimeout(self._left.seconds())
        taken = self._of.recv_into(buffer)
        self._rest -= taken
        return taken


def _read(response: http.client.HTTPResponse, most: int) -> bytes:
    """The body, or a byte more than `most` of it."""
    read = bytearray()
    while len(read) <= most and (chunk := response.read(min(8192, most + 1 - len(read)))):
        read += chunk
    if len(read) <= most and response.length:
        raise http.client.IncompleteRead(bytes(read), response.length)
    return bytes(read)


def _parts(url: str) -> tuple[bool, str, int, str]:
    """Whether it is https, the host, the port, and path with query. Raises `Invalid`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Invalid("The URL cannot be read.", code="url_refused") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise Invalid("The URL must read https://host/path, without a user and a fragment.", code="url_refused")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    secure = parts.scheme == "https"
    return secure, parts.hostname, port or (443 if secure else 80), path


@cache
def _context() -> ssl.SSLContext:
    """Made once: reading the certificates of all authorities takes milliseconds."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
