"""`introducer source`: what has to do with sources of events. `introducer source try` shows what a file of a platform's
would become, without storing anything; for a dialect's name it needs no installation.

Exit code 0: shown, whatever the rows are. 1: the installation does not answer just now. 2: there is no such source or
dialect, or the file or the settings cannot be read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from introducer.domain.errors import IntroducerError, Invalid, TooMany, Unavailable
from introducer.sources import dialects
from introducer.sources.dialects.model import Dialect, Ignored, Line, Read, SourceSettings
from introducer.sources.events import ROWS, UnknownType, read_event
from introducer.sources.strict_json import read_object
from introducer_ops.installation import STATE_DIR, NotFoundHere, StackOption, StateDirOption, find

if TYPE_CHECKING:
    from rich.console import Console

group = typer.Typer(name="source", help="Sources of events: trading platforms and networks.", no_args_is_help=True)
"""The commands about sources; other modules add theirs."""

_SOURCE = "source:"
"""Put before a source's name where a dialect is called the same."""


class Becomes(StrEnum):
    """What a row would become."""

    EVENT = "event"
    DUPLICATE = "duplicate"
    """It is in this file before."""
    IGNORED = "ignored"
    KEPT = "kept"
    """It would be kept for a person, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A row, and what it would become."""

    line: int
    becomes: Becomes
    event: Mapping[str, Any] | None = None
    code: str | None = None
    detail: str | None = None


def register(app: typer.Typer) -> None:
    """Add `source` to the command line."""
    app.add_typer(group)


@group.command("try")
def try_file(
    what: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE_OR_DIALECT",
            help=f"A dialect ({', '.join(dialects.names())}), or a source: source:mt5 where it is called as a dialect.",
        ),
    ],
    file: Annotated[Path, typer.Argument(help="A page, a report, a file of calls, as the platform gives it.")],
    settings: Annotated[
        Path | None, typer.Option(help="What the dialect is told, as JSON; in place of the source's own.")
    ] = None,
    only: Annotated[Becomes | None, typer.Option(help="Show only rows that would become this.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="How many rows to show; all are counted.")] = 100,
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="All rows as JSON on standard output.")] = False,
) -> None:
    """Show what a file would become, line by line, without storing it."""
    from rich.console import Console

    errors = Console(stderr=True, highlight=False)
    try:
        dialect, source, now = _told(what, settings, state_dir, stack)
        outcomes = list(tried(dialect, source, _bytes(file), now))
    except (NotFoundHere, IntroducerError) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1 if isinstance(error, Unavailable | TooMany) else 2) from error
    shown = [outcome for outcome in outcomes if only in (None, outcome.becomes)]
    if as_json:
        print(json.dumps(document(outcomes, shown), indent=2, ensure_ascii=False, default=str))
    else:
        show(outcomes, shown, rows, Console(highlight=False))


def tried(dialect: Dialect, source: SourceSettings, body: bytes, now: datetime) -> Iterator[Outcome]:
    """What each row of a body would become. Raises `Malformed` or `TooLarge` for what is none of this dialect's."""
    known: dict[_Identity, Mapping[str, Any]] = {}
    for line in dialect.each(body, source=source, received_at=now):
        yield _outcome(line, known, now)


_Identity = tuple[str, str]


def _outcome(line: Line, known: dict[_Identity, Mapping[str, Any]], now: datetime) -> Outcome:
    if isinstance(line, Ignored):
        return Outcome(line=line.line, becomes=Becomes.IGNORED, code=line.reason, detail=line.detail)
    if not isinstance(line, Read):
        return Outcome(line=line.line, becomes=Becomes.KEPT, code=line.reason, detail=line.detail)
    try:
        posted = read_event(line.event, now, ROWS)
    except (Invalid, UnknownType) as error:
        return Outcome(line=line.line, becomes=Becomes.KEPT, event=line.event, code=error.code, detail=error.detail)
    identity = (posted.client_id, posted.event_id)
    said = posted.model_dump(exclude=set(line.assumed))
    if known.setdefault(identity, said) != said:
        detail = "This id is in the file before and says something else there: what comes first stands."
        return Outcome(line=line.line, becomes=Becomes.KEPT, event=line.event, code="event_conflict", detail=detail)
    if line.stands_unless is not None and (posted.client_id, line.stands_unless) in known:
        detail = "The file takes it back before, and says here that it stands: it stays taken back."
        return Outcome(line=line.line, becomes=Becomes.KEPT, event=line.event, code="taken_back", detail=detail)
    becomes = Becomes.DUPLICATE if known[identity] is not said else Becomes.EVENT
    return Outcome(line=line.line, becomes=becomes, event=line.event)


def document(outcomes: list[Outcome], shown: list[Outcome]) -> dict[str, Any]:
    """All of it as data."""
    counts = Counter(str(outcome.becomes) for outcome in outcomes)
    lines = [{name: value for name, value in asdict(each).items() if value is not None} for each in shown]
    return {"rows": len(outcomes), "counts": {str(each): counts[str(each)] for each in Becomes}, "lines": lines}


def show(outcomes: list[Outcome], shown: list[Outcome], most: int, console: Console) -> None:
    """All of it as a table."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("line", justify="right")
    table.add_column("becomes")
    table.add_column("event, or why there is none", overflow="fold")
    for each in shown[:most]:
        kind = str((each.event or {}).get("type", "")) if each.becomes in (Becomes.EVENT, Becomes.DUPLICATE) else ""
        name = f"{kind} (again)" if each.becomes is Becomes.DUPLICATE else kind or str(each.becomes)
        table.add_row(str(each.line), Text(name, style=_STYLES[each.becomes]), Text(_said(each)))
    console.print(table)
    if len(shown) > most:
        console.print(f"… and {len(shown) - most} more rows: say --rows {len(shown)}.", markup=False)
    counts = Counter(outcome.becomes for outcome in outcomes)
    said = ", ".join(f"{counts[each]} {_COUNTED[each]}" for each in Becomes if counts[each])
    console.print(f"{len(outcomes)} rows: {said or 'nothing'}. Nothing was stored.", markup=False)


_STYLES = {Becomes.EVENT: "green", Becomes.DUPLICATE: "cyan", Becomes.IGNORED: "dim", Becomes.KEPT: "red"}
_COUNTED = {
    Becomes.EVENT: "would be events",
    Becomes.DUPLICATE: "are in the file before",
    Becomes.IGNORED: "are not counted",
    Becomes.KEPT: "would be kept for a person",
}


def _said(outcome: Outcome) -> str:
    if outcome.code is not None:
        return f"{outcome.code}: {outcome.detail}"
    return "  ".join(f"{name}={value}" for name, value in (outcome.event or {}).items() if name != "type")


def _told(what: str, settings: Path | None, state_dir: Path, stack: str) -> tuple[Dialect, SourceSettings, datetime]:
    """The dialect, what it is told, and the time where it is told it. Raises `NotFoundHere`, `NotFound`, `Invalid`,
    `Unavailable`."""
    values = read_settings(settings)
    if not what.startswith(_SOURCE) and what in dialects.names():
        dialect = dialects.of(what)
        return dialect, dialect.settings(what, "", values or {}), datetime.now(UTC)

    from introducer.store.configuration import Configuration

    try:
        installed = find(state_dir, stack)
    except NotFoundHere as error:
        names = ", ".join(dialects.names())
        raise NotFoundHere(f"{what} is no dialect ({names}), and no source can be looked up. {error}") from error
    with installed.account() as place:
        found, now = Configuration(place.output("BooksTableName")).source(what.removeprefix(_SOURCE)), place.now()
    dialect = dialects.of(found.dialect)
    own = json.loads(found.settings) if values is None else values
    return dialect, dialect.settings(found.source, found.brand, own), now


def read_settings(file: Path | None) -> dict[str, Any] | None:
    """What a dialect is told, in a file. Raises `Invalid`."""
    if file is None:
        return None
    try:
        return read_object(_bytes(file))
    except IntroducerError as error:
        raise Invalid(f"{file.name} cannot be read as settings. {error.detail}", code=error.code) from error


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror or error}.", code="no_such_file") from error
