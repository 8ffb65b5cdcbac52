"""Forms with files, as browsers send them: multipart/form-data (RFC 7578). One whole body, in memory."""

from __future__ import annotations

import re
from dataclasses import dataclass

from introducer.domain.errors import Malformed

MOST_PARTS = 20
_LONGEST_HEAD = 4_096
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]", re.ASCII)
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a form, or a file in it."""

    name: str
    filename: str | None
    """What the sender calls its file, without a path; None for a plain field."""
    content: bytes


def parts(body: bytes, content_type: str) -> list[Part]:
    """The parts of a body, in its order. Raises `Malformed`."""
    between = b"\r\n--" + _boundary(content_type)
    pieces = (b"\r\n" + body).split(between, MOST_PARTS + 2)
    if len(pieces) > MOST_PARTS + 2:
        raise _unreadable()
    # What stands before the first boundary and after the last is nobody's. A form that was cut off has no last one.
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise _unreadable()
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, blank, content = piece.partition(b"\r\n\r\n")
    if not blank or not head.lstrip(b" \t").startswith(b"\r\n") or len(head) > _LONGEST_HEAD:
        raise _unreadable()
    lines = head.decode("utf-8", "replace").split("\r\n")
    said = next((line for line in lines if line.lower().startswith("content-disposition:")), "")
    name = _parameter(said, "name")
    if name is None:
        raise _unreadable()
    filename = _parameter(said, "filename")
    return Part(name, None if filename is None else _plain(filename), content)


def _boundary(content_type: str) -> bytes:
    found = _parameter(content_type, "boundary")
    if found is None or not _BOUNDARY.fullmatch(found):
        raise _unreadable()
    return found.encode()


def _parameter(header: str, name: str) -> str | None:
    """A parameter of a header, quoted or bare. Browsers write a quote in a name as %22."""
    found = re.search(rf';\s*{name}=(?:"([^"]*)"|([^\s;"]+))', header, re.IGNORECASE)
    return None if found is None else found[1] if found[1] is not None else found[2]


def _plain(filename: str) -> str:
    """A file's name without its path, and without what cannot be seen."""
    name = re.split(r"[/\\]", filename)[-1]
    return "".join(each for each in name if each.isprintable())[:_LONGEST_NAME]


def _unreadable() -> Malformed:
    return Malformed("The body cannot be read.", code="unreadable_body")
