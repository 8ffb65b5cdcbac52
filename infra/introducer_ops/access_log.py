"""Reads access logs in Apache's combined format, also where a line is damaged.

A combined line is `address ident user [time] "request" status bytes "referer" "agent"`; quotes and what cannot be
printed stand escaped inside the quoted parts. Real logs hold lines that were cut: what can still be read of them is
used, and what is wrong is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_QUOTED = rb'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(rb"(\S+) \S+ .*?\[[^\]]+\] " + _QUOTED + rb" \d{3} (?:\d+|-) " + _QUOTED + rb" " + _QUOTED + rb"\s*")
_ESCAPE = re.compile(rb'\\(x[0-9a-fA-F]{2}|[\\"bnrtvf])')
_PLAIN = {b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"f": b"\f"}
_UNSENDABLE = re.compile(rb"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Request:
    """One line. What stood there as `-` is empty: the client had not sent it."""

    number: int
    """Of the line in its file, from 1."""
    address: str
    method: str
    referer: bytes
    agent: bytes
    problem: str = ""
    """What is wrong with the line, in words; empty when it is whole."""


def read_access_log(lines: Iterable[bytes]) -> Iterator[Request]:
    """The requests of a log, in its order; blank lines are passed over.

    A line without an address or a request cannot be replayed: it comes with an empty `method`.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _read(number, line.rstrip(b"\r\n"))


def _read(number: int, line: bytes) -> Request:
    whole = _LINE.fullmatch(line)
    if whole is not None:
        address, request, referer, agent = whole.groups()
        problem = "" if request.split() else "the request is empty"
    else:
        # Quotes part what is quoted, whatever else is damaged; the last may be missing.
        parts = [*re.split(rb'(?<!\\)"', line), b"", b"", b"", b"", b""][:6]
        head = parts[0].split()
        address, request, referer, agent = (head[0] if head else b""), parts[1], parts[3], parts[5]
        problem = _problem(line, address, request, referer, agent)
    words = request.split()
    method = _text(words[0]).upper() if words and address else ""
    return Request(number, _text(address), method, _header(referer), _header(agent), problem)


def _problem(line: bytes, address: bytes, request: bytes, referer: bytes, agent: bytes) -> str:
    if not address:
        return "there is no address"
    if not request.strip():
        return "there is no request"
    if len(re.findall(rb'(?<!\\)"', line)) % 2:
        return "a quote is missing"
    return "it ends early" if not (referer and agent) else "it is not in the combined format"


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace")


def _header(value: bytes) -> bytes:
    """A logged header as it may be sent."""
    if value == b"-":
        return b""
    value = _ESCAPE.sub(_unescaped, value)
    return _UNSENDABLE.sub(b" ", value).strip()


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes.fromhex(code[1:].decode()) if code[:1] == b"x" else _PLAIN.get(code, code)
