"""A platform's file, and how far it is read.

Which file it is follows from the object's name and version, so that a file which is told of twice is read once. It is
read by hundreds of rows, and where it stands is kept after each: whoever reads on begins there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from introducer.domain.errors import Invalid
from introducer.domain.ids import derived_id
from introducer.domain.pulling import LONGEST_DETAIL, added

BEGINNING = "sources/"
"""What the names of all objects begin with; the source's follows."""
LARGEST = 50 * 2**20
"""Bytes of a file."""
CHUNK = 100
"""Rows after which it is kept how far the file is."""
KEPT = timedelta(days=90)
LEASE_MS = 930_000
"""For so long a reader has the file for itself: longer than any function runs."""
_PLACE = re.compile(r"sources/([a-z0-9][a-z0-9_-]{0,39})/(.{1,500})", re.DOTALL)


class FileStatus(StrEnum):
    """How far a file is."""

    READING = "reading"
    DONE = "done"
    FAILED = "failed"
    """It cannot be read, or not to the end: `error` says why. What was taken stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A version of a file. Moments are in milliseconds, 0 for never."""

    file: str
    source: str
    brand: str
    key: str
    """The object's whole name, and its version."""
    object_version: str
    size: int
    at: int
    """When it came."""
    status: FileStatus = FileStatus.READING
    lines: int = 0
    """Rows that are dealt with."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What became of them, by `pulling.STATUSES`."""
    error: str = ""
    detail: str = ""
    busy_until: int = 0
    finished: int = 0
    version: int = 1

    @property
    def name(self) -> str:
        """What people call it."""
        return self.key.removeprefix(f"{BEGINNING}{self.source}/")


class Place(NamedTuple):
    """What an object's name says."""

    source: str
    name: str


def place_of(key: str) -> Place:
    """Whose file an object is. Raises `Invalid` (`no_source_file`)."""
    found = _PLACE.fullmatch(key)
    if found is None:
        raise Invalid(
            f"A source's file is put below {BEGINNING}, the source's name and a slash.", code="no_source_file"
        )
    return Place(found[1], found[2])


def file_id(key: str, object_version: str) -> str:
    """The id of a file's version."""
    return derived_id("fil", key, object_version)


def begun(file: SourceFile, now: int) -> SourceFile:
    """A reader has it from now on."""
    return replace(file, busy_until=now + LEASE_MS, version=file.version + 1)


def read_on(file: SourceFile, lines: int, counts: Mapping[str, int]) -> SourceFile:
    """So many more rows are dealt with."""
    return replace(file, lines=file.lines + lines, counts=added(file.counts, counts), version=file.version + 1)


def left(file: SourceFile) -> SourceFile:
    """The reader leaves it to the next one."""
    return replace(file, busy_until=0, version=file.version + 1)


def done(file: SourceFile, now: int) -> SourceFile:
    """It is read to the end."""
    return replace(file, status=FileStatus.DONE, busy_until=0, finished=now, version=file.version + 1)


def failed(file: SourceFile, code: str, detail: str, now: int) -> SourceFile:
    """It cannot be read further."""
    return replace(
        file,
        status=FileStatus.FAILED,
        error=code,
        detail=detail[:LONGEST_DETAIL],
        busy_until=0,
        finished=now,
        version=file.version + 1,
    )


def once_more(file: SourceFile) -> SourceFile:
    """It is to be read again, from its first row."""
    return replace(
        file,
        status=FileStatus.READING,
        lines=0,
        counts={},
        error="",
        detail="",
        busy_until=0,
        finished=0,
        version=file.version + 1,
    )
