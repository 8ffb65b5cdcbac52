"""What a dialect is, and what it makes of what a platform sends.

Reading is pure: bytes and the source's settings in, one `Line` for each row out. A line says an event in our own words
(`Read`), why the row is none (`Ignored`: an opened position, a pending conversion), or why it cannot be read
(`Broken`). An event depends on nothing but its own row and the settings, so a row that is read again, in another page
or another file, is the same event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from introducer.domain.errors import Invalid
from introducer.sources.dialects.refusals import refused


class Signature(StrEnum):
    """How what is sent to us in a dialect proves who sent it. What we fetch ourselves needs no proof."""

    SIGNED = "signed"
    """The header `Introducer-Signature` over the body (`domain.signatures`)."""
    TOKEN = "token"
    """The source's secret itself, as the parameter `token`: for networks that can no more than fill in an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A row that says an event: a message as docs/postback.md has it, not yet checked."""

    line: int
    """1-based: the line of a text, the place in a list."""
    event: dict[str, Any]
    assumed: frozenset[str] = frozenset()
    """Fields that the row did not say and we filled in, from the clock: said again later they are others, and it still
    is the same event."""
    stands_unless: str | None = None
    """The row says that the event stands now. The id of the event that takes it back: what is taken back stays so, and
    where that was accepted before, a person has to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A row that is well and says nothing that we count."""

    line: int
    reason: str
    """A stable code."""
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A row that cannot be read: to be kept for a person."""

    line: int
    reason: str
    """A stable code."""
    detail: str
    raw: Mapping[str, Any]
    """The row as it came; `Dialect.plain` says what of it may be kept in clear."""


Line = Read | Ignored | Broken


class Parameters(BaseModel):
    """What a source of this dialect is told. Every field says in its description what it means: a message of the
    catalogues (`refusals.N_`) without a full stop, with code between backticks."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """A source, and its parameters as they were checked."""

    source: str
    brand: str
    parameters: Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """What to ask the platform."""

    url: str
    headers: Mapping[str, str]
    method: str = "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Where to go on after a page whose events are stored."""

    cursor: str
    """Opaque text, to be given to the next `request`."""
    more: bool
    """Whether there is more to ask at once; else the source is caught up with."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the platform's, and what is known around it."""

    line: int
    said: Mapping[str, Any]
    source: SourceSettings
    received_at: datetime


RawLine = tuple[int, Mapping[str, Any]] | Broken
"""A row as the body has it, or the reason why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One platform's language."""

    name: str
    title: str
    """For people: a message of the catalogues."""
    signature: Signature
    parameters: type[Parameters]
    rows: Callable[[bytes], Iterator[RawLine]]
    """The rows of a body. Raises `Malformed` or `TooLarge` for a body as a whole."""
    says: Callable[[Row], Line]
    """What a row says. Raises `Invalid` for one that cannot be read."""
    plain: frozenset[str] = frozenset()
    """Fields of a row that name nobody: all others are hashed before a broken row is kept."""
    identity: frozenset[str] = frozenset()
    """Parameters that decide under which client, id, time or amount a row is kept. When one changes after rows were
    accepted, rows that are read again become other events, or contradict the ones there are."""
    address: Callable[[Parameters], str] | None = None
    """The address of a page with places to fill (`pulling.PLACES`); None for what is never fetched."""

    @property
    def pulls(self) -> bool:
        """Whether sources of this dialect can be fetched."""
        return self.address is not None

    def settings(self, source: str, brand: str, values: Mapping[str, Any]) -> SourceSettings:
        """The source with these parameters. Raises `Invalid` (`invalid_settings`) with `errors`, one for each field
        that is wrong: `field`, `code`, `detail`."""
        try:
            checked = self.parameters.model_validate(dict(values))
        except ValidationError as error:
            raise refused(error) from None
        return SourceSettings(source=source, brand=brand, parameters=checked)

    def each(self, body: bytes, *, source: SourceSettings, received_at: datetime) -> Iterator[Line]:
        """The lines of a body, one after the other. Raises `Malformed` or `TooLarge` for a body that is none of this
        dialect's at all: before the first line, save for a text that breaks off."""
        for raw in self.rows(body):
            if isinstance(raw, Broken):
                yield raw
                continue
            number, said = raw
            try:
                yield self.says(Row(number, said, source, received_at))
            except Invalid as error:
                yield Broken(line=number, reason=error.code, detail=error.detail, raw=said)
            except ArithmeticError:
                yield Broken(line=number, reason="invalid_number", detail="A number is out of range.", raw=said)

    def read(self, body: bytes, *, source: SourceSettings, received_at: datetime) -> list[Line]:
        """All lines of a body. Raises as `each`."""
        return list(self.each(body, source=source, received_at=received_at))

    def request(self, source: SourceSettings, cursor: str | None, *, secret: str, now: datetime) -> PullRequest:
        """The page that begins at this cursor; None is the beginning. `secret` is what the platform knows us by.

        Raises `Invalid` (`not_pulled`, `invalid_settings`) for a source that cannot be fetched as it is set up.
        """
        from introducer.sources.dialects import pulling

        return pulling.request(self, source, cursor, secret, now)

    def next_cursor(self, source: SourceSettings, cursor: str | None, lines: int, *, now: datetime) -> Step:
        """Where to go on when this many lines of the page at `cursor` are dealt with. `now` is the moment that the page
        was asked for with. Raises as `request`."""
        from introducer.sources.dialects import pulling

        return pulling.step(self, source, cursor, lines, now)
