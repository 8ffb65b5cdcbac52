"""Read a platform's file from the bucket: a hundred rows at a time, each of which is an event, a kept row, or nothing.

How far it is stands in the books after each hundred. So a reader may be cut off anywhere, and the next one goes on
there; what was taken and not yet written down is taken again, as duplicates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice

from introducer.domain.configuration import Availability, Source
from introducer.domain.errors import Conflict, Invalid, Malformed, TooLarge, Unavailable
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.source_file import (
    CHUNK,
    LARGEST,
    FileStatus,
    SourceFile,
    begun,
    done,
    failed,
    file_id,
    left,
    once_more,
    place_of,
    read_on,
)
from introducer.gateways.source_files import SourceBucket
from introducer.services.accept_events import Intake
from introducer.services.accept_rows import accept_rows, settings_of
from introducer.sources.dialects.model import Dialect, Line
from introducer.store.source_files import SourceFiles


class Outcome(StrEnum):
    """How a reading ended."""

    DONE = "done"
    MORE = "more"
    """The time is used: it goes on in the next run."""
    FAILED = "failed"
    KNOWN = "known"
    """It was read before, or could not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReader:
    """What reading files needs."""

    intake: Intake
    files: SourceFiles
    bucket: SourceBucket
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    end_within: float = 780.0
    """Seconds from the beginning after which no further hundred rows are begun."""


def take_file(reader: FileReader, *, key: str, version: str) -> tuple[Outcome, SourceFile]:
    """Read a version of an object; what became of it is written down.

    Raises `Invalid` and `NotFound` for what is no source's file or is not there; `Unavailable` when it must be tried
    again: the store failed, or another reader has it.
    """
    place = place_of(key)
    sender = reader.intake.sources.source(place.source)
    found = reader.bucket.find(key, version)
    file = _known(reader, sender, key, version, found.size, milliseconds(found.at))
    if file.status is not FileStatus.READING:
        return Outcome.KNOWN, file
    now = milliseconds(reader.now())
    if file.busy_until > now:
        raise Unavailable("Another reader has this file.", code="file_busy")
    reading = _Reading(reader, sender, file)
    reading.move(begun(file, now))
    try:
        finished = reading.whole(found.size)
    except (Invalid, Malformed, TooLarge) as error:
        reading.move(failed(reading.file, error.code, error.detail, milliseconds(reader.now())))
        return Outcome.FAILED, reading.file
    except Unavailable:
        reading.move(left(reading.file))
        raise
    if not finished:
        reading.move(left(reading.file))
        return Outcome.MORE, reading.file
    reading.move(done(reading.file, milliseconds(reader.now())))
    return Outcome.DONE, reading.file


def read_again(files: SourceFiles, file: SourceFile) -> SourceFile:
    """A file that is to be read once more from its first row, such as after its source's settings were corrected.

    Raises `Conflict` (`file_busy`) while it is being read, and when somebody else was faster.
    """
    if file.status is FileStatus.READING:
        raise Conflict("This file is being read, or about to be.", code="file_busy")
    after = once_more(file)
    if not files.move(file, after):
        raise Conflict("This file changed meanwhile: look again.", code="file_busy")
    return after


class _Reading:
    def __init__(self, reader: FileReader, sender: Source, file: SourceFile) -> None:
        self._reader, self._sender, self.file = reader, sender, file
        self._begun_at = reader.elapsed()

    def move(self, after: SourceFile) -> None:
        """Raises `Unavailable` when somebody else moved it."""
        if not self._reader.files.move(self.file, after):
            raise Unavailable("Another reader has this file.", code="file_busy")
        self.file = after

    def whole(self, size: int) -> bool:
        """Whether it was read to the end; else the time is used."""
        if self._sender.status != Availability.ACTIVE:
            raise Invalid("The source is paused: resume it, and read the file again.", code="source_paused")
        if size > LARGEST:
            raise TooLarge(
                f"The file has {size} bytes; {LARGEST} are read: cut it into smaller ones.", code="file_too_large"
            )
        dialect, lines = self._lines()
        while chunk := list(islice(lines, CHUNK)):
            taken = accept_rows(
                self._reader.intake, self._sender, chunk, dialect=dialect, now=self._reader.now(), where=self.file.name
            )
            counts = Counter(str(receipt.status) for receipt in taken.receipts)
            self.move(read_on(self.file, len(chunk), counts))
            if self._reader.elapsed() - self._begun_at >= self._reader.end_within:
                return False
        return True

    def _lines(self) -> tuple[Dialect, Iterator[Line]]:
        """The rows that are not dealt with yet. An object's version never changes, nor when it came."""
        dialect, settings = settings_of(self._sender)
        body = self._reader.bucket.read(self.file.key, self.file.object_version)
        lines = dialect.each(body, source=settings, received_at=from_milliseconds(self.file.at))
        return dialect, islice(lines, self.file.lines, None)


def _known(reader: FileReader, sender: Source, key: str, version: str, size: int, at: int) -> SourceFile:
    new = SourceFile(
        file=file_id(key, version),
        source=sender.source,
        brand=sender.brand,
        key=key,
        object_version=version,
        size=size,
        at=at,
    )
    if reader.files.create(new):
        return new
    return reader.files.file(sender.source, at, new.file)
