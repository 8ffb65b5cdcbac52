"""`introducer source list`, `show`, `pull`, `pause`, `resume`, `set`, `token`, `secret` and `file`: working with the
sources of an installation. What is changed has an audit record with the reason. A new source is made by
`introducer setup source`.

Exit code 0: done or shown. 1: the installation does not answer just now. 2: what was asked for cannot be.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from introducer.domain.errors import IntroducerError, Invalid, TooMany, Unavailable
from introducer_ops import sources
from introducer_ops.installation import STATE_DIR, NotFoundHere, Place, StackOption, StateDirOption

if TYPE_CHECKING:
    from introducer.domain.configuration import Availability, Source
    from introducer.domain.pulling import Pull
    from introducer.gateways.source_secrets import SourceSecrets
    from introducer.services.creation import Author
    from introducer.store.configuration import Configuration
    from introducer.store.pulls import Pulls

NameArgument = Annotated[str, typer.Argument(help="The source's name.")]
WhyOption = Annotated[str, typer.Option("--why", help="For the audit trail.")]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON on standard output.")]
BY = "system:introducer"


@dataclass
class Work:
    """An installation, in the name of whoever types."""

    place: Place

    @cached_property
    def configuration(self) -> Configuration:
        from introducer.store.configuration import Configuration

        return Configuration(self.place.output("BooksTableName"))

    @cached_property
    def pulls(self) -> Pulls:
        from introducer.store.pulls import Pulls

        return Pulls(self.place.output("BooksTableName"))

    @cached_property
    def secrets(self) -> SourceSecrets:
        from introducer.gateways.source_secrets import SourceSecrets

        return SourceSecrets(self.place.client("secretsmanager"), self.place.output("SourceSecretPrefix"))

    def author(self, why: str) -> Author:
        from introducer.services.creation import Author

        return Author(by=BY, why=why, origin="introducer source")

    def fetch(self, source: str) -> None:
        """Names it to the queue of those that are to be fetched."""
        from introducer.gateways.queue import Queue

        queue = Queue(self.place.client("sqs"), self.place.output("PullQueueUrl"))
        queue.send(json.dumps({"source": source, "asked": True}))


@contextmanager
def _work(state_dir: Path, stack: str) -> Iterator[Work]:
    """The installation; what it refuses is said in a sentence, with the exit code."""
    from rich.console import Console

    try:
        with sources.find(state_dir, stack).account() as place:
            yield Work(place)
    except (NotFoundHere, IntroducerError) as error:
        Console(stderr=True, highlight=False).print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1 if isinstance(error, Unavailable | TooMany) else 2) from error


def list_sources(
    brand: Annotated[str, typer.Option(help="The brand's id; all brands without.")] = "",
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """The sources, and how each goes."""
    from introducer.services.read_intake_of_brand import read_sources_of_brand

    with _work(state_dir, stack) as work:
        brands = [brand] if brand else [each.brand for each in work.configuration.every_brand()]
        rows = [_row(work, source) for each in brands for source in read_sources_of_brand(work.configuration, each)]
    if as_json:
        print(json.dumps(rows, indent=2, default=str))
        return
    for row in rows:
        print(f"{row['source']:<24} {row['dialect']:<10} {row['standing']:<12} {row['said']}".rstrip())
    if not rows:
        print("No source yet: introducer setup source makes one.")


def show_source(
    name: NameArgument, state_dir: StateDirOption = STATE_DIR, stack: StackOption = "", as_json: JsonOption = False
) -> None:
    """One source: what it is told, how fetching goes, and its last files."""
    from introducer.store.source_files import SourceFiles

    with _work(state_dir, stack) as work:
        source = work.configuration.source(name)
        row = _row(work, source)
        files = SourceFiles(work.place.output("BooksTableName")).files(name, limit=10).items
        url = f"{work.place.url}/postback/{name}"
    settings = json.loads(source.settings)
    if as_json:
        shown = [asdict(file) | {"name": file.name} for file in files]
        print(json.dumps(row | {"settings": settings, "postback_url": url, "files": shown}, indent=2, default=str))
        return
    print(f"{row['source']} ({row['dialect']}) of {row['brand']}: {row['standing']}. {row['said']}".rstrip())
    print(f"  posts to    {url}")
    if row["read_until"]:
        print(f"  read until  {row['read_until']:%Y-%m-%d %H:%M:%S} UTC")
    for key, value in settings.items():
        print(f"  {key:<18} {json.dumps(value, ensure_ascii=False)}")
    for file in files:
        counts = ", ".join(f"{number} {status}" for status, number in file.counts.items() if number)
        print(f"  file {file.name}: {file.status}, {file.lines} rows{f' ({counts})' if counts else ''}. {file.detail}")


def pull_source(
    name: NameArgument,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Read again from the beginning of this UTC day.")
    ] = None,
    wait: Annotated[int, typer.Option(min=0, help="Seconds to wait for the run to end.")] = 60,
    why: WhyOption = "asked for",
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
) -> None:
    """Fetch a source now, though it is not due; with --since once more from a day on."""
    from introducer.services.edit_source import fetch_from
    from introducer.services.pull_source import is_pulled

    with _work(state_dir, stack) as work:
        if not is_pulled(work.configuration.source(name)):
            raise Invalid(f"The source {name} is not fetched: it has no url in its settings.", code="not_pulled")
        if since is not None:
            day: date = since.date()
            fetch_from(
                work.configuration, work.pulls, source=name, day=day, author=work.author(why), clock=work.place.now
            )
        before = work.pulls.pull(name)
        work.fetch(name)
        after = _ended(work.pulls, before, wait)
        if after is None:
            print(f"{name} is named to be fetched: introducer source show {name} says how it went.")
            return
        print(f"{name}: {_said(after) or 'caught up.'}")
        more = {status: after.counts.get(status, 0) - before.counts.get(status, 0) for status in after.counts}
        print("  " + ", ".join(f"{number} {status}" for status, number in more.items()))
        if after.failures:
            raise typer.Exit(1)


def _ended(pulls: Pulls, before: Pull, wait: int, sleep: Callable[[float], None] | None = None) -> Pull | None:
    """The state after the run; None when it did not end in time."""
    for _ in range(wait):
        found = pulls.pull(before.source)
        if found.version > before.version and not found.busy_until:
            return found
        (sleep or time.sleep)(1)
    return None


def pause_source(
    name: NameArgument, why: WhyOption = "paused", state_dir: StateDirOption = STATE_DIR, stack: StackOption = ""
) -> None:
    """Take nothing more of a source, and do not fetch it."""
    from introducer.domain.configuration import Availability

    _status(name, Availability.PAUSED, why, state_dir, stack)


def resume_source(
    name: NameArgument, why: WhyOption = "resumed", state_dir: StateDirOption = STATE_DIR, stack: StackOption = ""
) -> None:
    """Take up a paused source again."""
    from introducer.domain.configuration import Availability

    _status(name, Availability.ACTIVE, why, state_dir, stack)


def _status(name: str, status: Availability, why: str, state_dir: Path, stack: str) -> None:
    from introducer.services.edit_source import set_source_status

    with _work(state_dir, stack) as work:
        set_source_status(work.configuration, source=name, status=status, author=work.author(why), clock=work.place.now)
    print(f"{name} is {status}.")


def set_source(
    name: NameArgument,
    settings: Annotated[Path, typer.Argument(help="What the dialect is told: a file with a JSON object.")],
    even_so: Annotated[
        bool, typer.Option("--even-so", help="Though rows were accepted, and this decides how a row is kept.")
    ] = False,
    why: WhyOption = "changed",
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
) -> None:
    """Tell a source something else, in place of all that it is told."""
    from introducer.services.edit_source import change_source
    from introducer.store.intake_days import IntakeDays

    with _work(state_dir, stack) as work:
        change_source(
            work.configuration,
            IntakeDays(work.place.output("BooksTableName")),
            source=name,
            settings=sources.read_settings(settings) or {},
            even_so=even_so,
            author=work.author(why),
            clock=work.place.now,
        )
    print(f"{name} is told this from now on.")


def keep_token(
    name: NameArgument,
    why: WhyOption = "token of the platform",
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
) -> None:
    """Keep what the platform knows us by. It is read from standard input, or asked for without showing it."""
    from introducer.services.edit_source import keep_platform_token

    stream = typer.get_text_stream("stdin")
    token = typer.prompt("Token", hide_input=True) if stream.isatty() else stream.readline()
    with _work(state_dir, stack) as work:
        keep_platform_token(
            work.configuration,
            work.secrets,
            source=name,
            token=token.strip(),
            author=work.author(why),
            clock=work.place.now,
        )
    print("Kept. It is used within five minutes.")


def make_secret(
    name: NameArgument,
    end_previous: Annotated[bool, typer.Option("--end-previous", help="End the one before; make none.")] = False,
    why: WhyOption = "rotated",
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
) -> None:
    """Make another secret for what a source signs, and show it this once. The one before is good until it is ended."""
    from introducer.services.edit_source import end_previous_secret, rotate_source_secret

    with _work(state_dir, stack) as work:
        configuration, secrets, author = work.configuration, work.secrets, work.author(why)
        if end_previous:
            end_previous_secret(configuration, secrets, source=name, author=author, clock=work.place.now)
            print("One secret is good now; within five minutes everywhere.")
            return
        text = rotate_source_secret(
            configuration,
            secrets,
            source=name,
            replaces=secrets.known(name).fingerprint,
            author=author,
            clock=work.place.now,
            random=os.urandom,
        )
    print(text)


def put_file(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(help="A report or a page, as the platform gives it.")],
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
) -> None:
    """Put a file of a source into the bucket: it is read within a minute. Try it before: introducer source try."""
    from introducer.domain.source_file import BEGINNING, LARGEST, place_of
    from introducer.gateways.source_files import SourceBucket

    with _work(state_dir, stack) as work:
        work.configuration.source(name)
        try:
            body = file.read_bytes()
        except OSError as error:
            raise Invalid(f"{file} cannot be read: {error.strerror or error}.", code="no_such_file") from error
        if len(body) > LARGEST:
            raise Invalid(f"{file} has {len(body)} bytes; {LARGEST} are read: cut it.", code="file_too_large")
        key = f"{BEGINNING}{name}/{file.name}"
        place_of(key)
        SourceBucket(work.place.client("s3"), work.place.output("SourceFilesBucketName")).put(key, body)
    print(f"{file.name} is there: introducer source show {name} says what became of it.")


_COMMANDS: dict[str, Callable[..., Any]] = {
    "list": list_sources,
    "show": show_source,
    "pull": pull_source,
    "pause": pause_source,
    "resume": resume_source,
    "set": set_source,
    "token": keep_token,
    "secret": make_secret,
    "file": put_file,
}


def register(app: typer.Typer) -> None:
    """Add these commands to `introducer source`, which `sources` adds to the command line."""
    there = {command.name for command in sources.group.registered_commands}
    for name, command in _COMMANDS.items():
        if name not in there:
            sources.group.command(name)(command)


def _row(work: Work, source: Source) -> dict[str, Any]:
    from introducer.services.pull_source import is_pulled
    from introducer.sources.dialects.pulling import reached

    pulled = is_pulled(source)
    pull = work.pulls.pull(source.source)
    standing = str(source.status) if not pulled or source.status != "active" else "fetched"
    return {
        "source": source.source,
        "brand": source.brand,
        "dialect": source.dialect,
        "status": str(source.status),
        "standing": standing,
        "said": _said(pull) if pulled else "",
        "read_until": reached(pull.cursor) if pulled else None,
        "failures": pull.failures,
        "error": pull.error or None,
        "counts": dict(pull.counts),
    }


def _said(pull: Pull) -> str:
    """What a person should know of fetching; nothing when all is well."""
    if not pull.failures:
        return "" if pull.tried else "Not asked yet."
    return f"{pull.error}: {pull.detail} ({pull.failures} in a row)"
