"""`introducer recover-clicks`: clicks that the redirect could write into its log only come into FACTS.

A line of that log holds the click whole, so it comes with its own id and its own time, and counts on its own day. A
click that is there already is left as it is: doing it twice changes nothing. Lines may come as the function wrote
them, with what a log service puts before or around them, or straight from a log group of CloudWatch.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from introducer.domain.errors import IntroducerError, Malformed, TooLarge
from introducer.services.restore_clicks import Restorable, restore_click
from introducer.sources.strict_json import read_value
from introducer.store.clicks import Clicks
from introducer_ops.localcloud import LocalCloud
from introducer_ops.localcloud.process import ROOT

UNWRITTEN = "click_unwritten"
"""What the redirect logs, with the whole item, when neither FACTS nor the queue took a click."""
LONGEST = 16 << 20
"""Bytes of a line at most: services wrap many messages into one."""
_WRAPPED = ("message", "@message", "events", "logEvents", "results", "value")
"""Where log services put what a function wrote."""
_NAMED = 10


@dataclass(slots=True)
class Recovered:
    """What became of the lines."""

    restored: int = 0
    known: int = 0
    """FACTS had the click already."""
    broken: list[str] = field(default_factory=list)
    """Which lines could not be read, and why."""


def register(app: typer.Typer) -> None:
    app.command("recover-clicks")(recover_clicks)


def recover_clicks(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Lines of the redirect's log; also .gz, as CloudWatch exports them. - reads from a pipe."),
    ] = None,
    log_group: Annotated[str, typer.Option(help="Read this log group of CloudWatch instead of a file.")] = "",
    since_hours: Annotated[int, typer.Option(min=1, help="How far back to read the log group.")] = 24,
    facts_table: Annotated[str, typer.Option(help="The FACTS table in your AWS account; else the local one.")] = "",
    state_dir: Annotated[Path, typer.Option(help="Where the local cloud notes its state.")] = ROOT / ".local",
) -> None:
    """Put clicks into FACTS that only the redirect's log holds. They keep their id and time; twice changes nothing."""
    console = Console(highlight=False, soft_wrap=True)
    if bool(files) == bool(log_group):
        console.print("Name files of log lines (or - for a pipe), or a log group with --log-group.", style="red")
        raise typer.Exit(2)
    if not facts_table:
        found = LocalCloud.attach(state_dir)
        if found is None:
            console.print("No local cloud is running: name a table with --facts-table.", style="red")
            raise typer.Exit(2)
        facts_table = found[1].outputs["FactsTableName"]
        os.environ.update(found[1].environment)
    try:
        if log_group:
            since = datetime.now(UTC) - timedelta(hours=since_hours)
            recovered = recover(of_log_group(boto3.client("logs"), log_group, since), Clicks(facts_table))
        else:
            recovered = recover(_lines(files or []), Clicks(facts_table))
    except (OSError, EOFError, BotoCoreError, ClientError, IntroducerError) as error:
        console.print(f"{error} What was put until then stays; begin again.", style="red", markup=False)
        raise typer.Exit(2) from error
    console.print(
        f"{recovered.restored} clicks restored, {recovered.known} were there already, "
        f"{len(recovered.broken)} lines are broken"
    )
    for sentence in recovered.broken[:_NAMED]:
        console.print(sentence, style="red", markup=False)
    raise typer.Exit(1 if recovered.broken else 0)


def recover(lines: Iterable[str], clicks: Restorable) -> Recovered:
    """Put the clicks of these lines; those of another message are passed over. Raises `Unavailable`."""
    recovered = Recovered()
    for number, line in enumerate(lines, 1):
        if UNWRITTEN not in line:
            continue
        try:
            for item in lost_clicks(line):
                new = restore_click(json.dumps(item, default=str), clicks)
                recovered.restored += new
                recovered.known += not new
        except (Malformed, TooLarge, ValueError) as error:
            recovered.broken.append(f"line {number}: {error}")
    return recovered


def lost_clicks(line: str) -> list[Any]:
    """The items in a line. Raises `Malformed`, `TooLarge` or `ValueError` when no JSON can be read from it.

    A line is JSON, perhaps between times and a stream's name; or a line of the pretty output of `aws logs
    filter-log-events`, of `get-query-results` or of Logs Insights; or one of a CSV file of Logs Insights, where each
    quote is written twice.
    """
    text = line.strip()
    if text.startswith(('"message"', '"@message"', '"value"')):
        text = "{" + text.rstrip(",") + "}"
    elif text.startswith("[{"):
        text = '{"events": ' + text + "}"
    elif '{""' in text:
        text = text[text.index('{""') : text.rindex("}") + 1].replace('""', '"')
    return list(_items(_read(text)))


def _items(value: Any) -> Iterator[Any]:
    if isinstance(value, str):
        # A message within a message.
        value = _read(value) if UNWRITTEN in value and "{" in value else None
    if isinstance(value, list):
        for each in value:
            yield from _items(each)
    elif isinstance(value, dict):
        if value.get("message") == UNWRITTEN:
            yield value.get("item")
        else:
            for name in _WRAPPED:
                yield from _items(value.get(name))


def _read(text: str) -> Any:
    return read_value(text[text.index("{") : text.rindex("}") + 1].encode(), LONGEST)


def of_log_group(client: Any, group: str, since: datetime) -> Iterator[str]:
    """What a log group holds of lost clicks. `client` is boto3's of CloudWatch Logs, and raises its errors."""
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group, startTime=int(since.timestamp() * 1000), filterPattern=f'"{UNWRITTEN}"'
    )
    for page in pages:
        for event in page["events"]:
            yield event["message"]


def _lines(files: Iterable[Path]) -> Iterator[str]:
    """The lines of all files, one after the other."""
    for file in files:
        if str(file) == "-":
            yield from sys.stdin
            continue
        opened = gzip.open if file.suffix == ".gz" else open
        with opened(file, "rt", encoding="utf-8", errors="replace") as lines:
            yield from lines
