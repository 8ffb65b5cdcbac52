"""`introducer replay`: what was recorded elsewhere comes in again.

`replay access-log FILE` makes a web server's log into clicks on the running local cloud. Every line is a GET of a
tracking link (a HEAD stays one), with the log's address, referer and agent. Several requests are under way at a time,
but those of one address keep their order.

`replay events` sends accepted events to the engine again.
"""

from __future__ import annotations

import http.client
import itertools
import os
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, Full, Queue
from statistics import quantiles
from threading import Event, Thread
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from introducer.store import keys
from introducer.store.clicks import key_of
from introducer.store.facts import Facts
from introducer_ops.access_log import Request, read_access_log
from introducer_ops.localcloud import LocalCloud, Stack
from introducer_ops.localcloud.process import ROOT

AT_ONCE = 6
"""Requests under way at a time: two cores do no more."""
LINKS = 50
"""How many of the stack's links take turns, unless some are named."""
_AHEAD = 100
_PATIENCE_SECONDS = 30.0
_NAMED = 10

replay_app = typer.Typer(help="Send recorded traffic to the running local cloud.", no_args_is_help=True)


class NotReplayed(Exception):
    """The replay could not begin, or broke off; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Link:
    """A tracking link that takes clicks."""

    code: str
    click_parameter: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one line."""

    line: int
    status: int
    click: str
    """The click id in the address that the visitor is sent to; empty when there is none."""
    seconds: float


@dataclass(slots=True)
class Summary:
    """What was sent, what was answered, and what stands in FACTS."""

    answers: list[Answer] = field(default_factory=list)
    damaged: list[Request] = field(default_factory=list)
    """Lines that are not whole; those of them that name no request were not sent."""
    seconds: float = 0.0
    recorded: int = 0
    flagged: int = 0
    """Recorded clicks with one flag at least."""
    flags: Counter[str] = field(default_factory=Counter)
    """Recorded clicks by flag; one may have several."""
    agents: Counter[str] = field(default_factory=Counter)
    """Recorded clicks by class of agent."""

    @property
    def sent(self) -> int:
        return len(self.answers)

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    @property
    def good(self) -> bool:
        """Every answer was a redirect, and every one is recorded."""
        return all(answer.status == 302 for answer in self.answers) and self.recorded == self.sent

    def milliseconds(self, percent: int) -> float:
        """How long this part of the answers took at most."""
        times = [answer.seconds * 1000 for answer in self.answers]
        return quantiles(times, n=100, method="inclusive")[percent - 1] if len(times) > 1 else sum(times)


def register(app: typer.Typer) -> None:
    app.add_typer(replay_app, name="replay")


@replay_app.command("access-log")
def access_log(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A log in Apache's combined format.")],
    limit: Annotated[int, typer.Option(min=0, help="Only so many lines; 0 is all.")] = 0,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests under way at a time.")] = AT_ONCE,
    link: Annotated[list[str] | None, typer.Option(help="Codes to click; several take turns.")] = None,
    state_dir: Annotated[Path, typer.Option(help="Where the local cloud notes its state.")] = ROOT / ".local",
) -> None:
    """Replay a web server's log as clicks. Exit code 1 when an answer was no redirect or a click was not recorded."""
    console = Console(highlight=False)
    try:
        found = LocalCloud.attach(state_dir)
        if found is None:
            raise NotReplayed("No local cloud is running: start one with `introducer up` or `make run`.")
        stack = found[1]
        with file.open("rb") as lines, _progress(console) as progress:
            task = progress.add_task("clicks", total=limit or _count(file))
            summary = replay(
                stack,
                itertools.islice(lines, limit or None),
                links_of(stack, link or ()),
                concurrency,
                done=lambda: progress.advance(task),
            )
        with console.status("reading FACTS"):
            read_back(stack, summary)
    except NotReplayed as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    show(summary, console)
    raise typer.Exit(0 if summary.good else 1)


@replay_app.command("events")
def events(
    facts_table: Annotated[str, typer.Option(help="The FACTS table in your AWS account; else the local one.")] = "",
    older_than: Annotated[int, typer.Option(min=0, help="Only events accepted so many minutes ago.")] = 15,
    state_dir: Annotated[Path, typer.Option(help="Where the local cloud notes its state.")] = ROOT / ".local",
) -> None:
    """Send accepted events that are not in the books to the engine again. What is applied meanwhile is not touched."""
    console = Console(highlight=False)
    now = datetime.now(UTC)
    if not facts_table:
        found = LocalCloud.attach(state_dir)
        if found is None:
            console.print("No local cloud is running: name a table with --facts-table.", style="red")
            raise typer.Exit(2)
        facts_table, now = found[1].outputs["FactsTableName"], found[1].clock.now()
        os.environ.update(found[1].environment)
    seen, sent = resend(Facts(facts_table), now - timedelta(minutes=older_than))
    console.print(f"{seen} events read, {sent} sent to the engine again")


def resend(facts: Facts, accepted_before: datetime) -> tuple[int, int]:
    """Make the stream show every event again that was accepted before this and is not applied: read, and sent again."""
    seen = sent = 0
    for event in facts.scan_events():
        seen += 1
        if event.applied_at is None and (event.accepted_at is None or event.accepted_at <= accepted_before):
            facts.mark_for_retry(event.brand, event.client, event.source, event.event_id)
            sent += 1
    return seen, sent


def links_of(stack: Stack, codes: Iterable[str] = ()) -> list[Link]:
    """The links of these codes, or the first active ones of the stack. Raises `NotReplayed` when there are none."""
    client, table = stack.client("dynamodb"), stack.outputs["BooksTableName"]
    codes = list(codes)
    if codes:
        wanted = [{name: {"S": value} for name, value in keys.key("link", code=code).item().items()} for code in codes]
        items = [client.get_item(TableName=table, Key=key).get("Item") for key in wanted]
        if missing := [code for code, item in zip(codes, items, strict=True) if item is None]:
            raise NotReplayed(f"There is no link {', '.join(missing)}.")
    else:
        # Operator commands may scan.
        pages = client.get_paginator("scan").paginate(
            TableName=table,
            FilterExpression="begins_with(pk, :link)",
            ExpressionAttributeValues={":link": {"S": keys.ITEMS["link"].pk.split("{")[0]}},
        )
        items = sorted((item for page in pages for item in page["Items"]), key=lambda item: str(item["code"]["S"]))
    active = [item for item in items if item is not None and item["status"]["S"] == "active"]
    if not active:
        raise NotReplayed("There is no active link to click: build the demo world with `make run`.")
    return [Link(item["code"]["S"], item["click_parameter"]["S"]) for item in (active if codes else active[:LINKS])]


def replay(
    stack: Stack,
    lines: Iterable[bytes],
    links: list[Link],
    concurrency: int = AT_ONCE,
    done: Callable[[], None] = lambda: None,
) -> Summary:
    """Send every line as a click and gather the answers. Raises `NotReplayed` when the cloud stops answering."""
    summary = Summary()
    edge = stack.client("secretsmanager").get_secret_value(SecretId=stack.outputs["EdgeSecretName"])["SecretString"]
    stop = Event()
    workers = [_Worker(stack.portal_url, edge, stop, done) for _ in range(concurrency)]
    began = time.monotonic()
    try:
        for request, link in zip(_sendable(lines, summary, done), itertools.cycle(links), strict=False):
            # One address always meets the same worker, which takes its lines in order.
            workers[zlib.crc32(request.address.encode()) % concurrency].put(request, link)
    finally:
        for worker in workers:
            worker.close()
    summary.seconds = time.monotonic() - began
    summary.answers = sorted((answer for worker in workers for answer in worker.answers), key=lambda each: each.line)
    for worker in workers:
        if worker.error is not None:
            raise NotReplayed(f"The local cloud stopped answering: {worker.error}") from worker.error
    return summary


def read_back(stack: Stack, summary: Summary) -> None:
    """Count the clicks that FACTS holds of those answered. Clicks that took the queue are waited for."""
    client, table = stack.client("dynamodb"), stack.outputs["FactsTableName"]
    missing = {answer.click for answer in summary.answers if answer.click}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while missing:
        found = 0
        for item in _batches(client, table, sorted(missing)):
            missing.discard(item["click"]["S"])
            found += 1
            flags = [flag["S"] for flag in item.get("flags", {}).get("L", ())]
            summary.recorded += 1
            summary.flagged += bool(flags)
            summary.flags.update(flags)
            summary.agents[item["agent"]["S"]] += 1
        if missing and not found:
            if time.monotonic() > deadline:
                return
            time.sleep(0.5)


def show(summary: Summary, console: Console) -> None:
    """Print what happened, for a person."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_row("lines sent", f"{summary.sent:,}")
    for status, number in sorted(summary.statuses.items()):
        table.add_row(f"answered {status}", f"{number:,}", style="" if status == 302 else "red")
    table.add_row("recorded", f"{summary.recorded:,}", style="" if summary.recorded == summary.sent else "red")
    table.add_row("of these, by people", f"{summary.recorded - summary.flagged:,}")
    table.add_row("of these, flagged", f"{summary.flagged:,}")
    for flag, number in summary.flags.most_common():
        table.add_row(f"  {flag}", f"{number:,}")
    table.add_row("answer, half of them within", f"{summary.milliseconds(50):.1f} ms")
    table.add_row("answer, 99 % within", f"{summary.milliseconds(99):.1f} ms")
    table.add_row("clicks a second", f"{summary.sent / summary.seconds:,.0f}" if summary.seconds else "-")
    console.print(table)
    for request in summary.damaged[:_NAMED]:
        sent = "sent with what could be read" if request.method else "not sent"
        console.print(f"line {request.number} is damaged: {request.problem}; {sent}", style="yellow", markup=False)
    if len(summary.damaged) > _NAMED:
        console.print(f"… and {len(summary.damaged) - _NAMED} more damaged lines", style="yellow")
    for answer in [answer for answer in summary.answers if answer.status != 302][:_NAMED]:
        console.print(f"line {answer.line} was answered {answer.status}", style="red")


class _Worker:
    """One connection, kept open, that sends what it is given in order."""

    def __init__(self, url: str, edge: str, stop: Event, done: Callable[[], None]) -> None:
        self.answers: list[Answer] = []
        self.error: Exception | None = None
        self._address = urlsplit(url)
        self._edge = edge
        self._stop = stop
        self._done = done
        self._work: Queue[tuple[Request, Link] | None] = Queue(_AHEAD)
        self._thread = Thread(target=self._run, name="replay", daemon=True)
        self._thread.start()

    def put(self, request: Request, link: Link) -> None:
        while not self._stop.is_set():
            try:
                return self._work.put((request, link), timeout=0.2)
            except Full:
                continue
        raise NotReplayed("The local cloud stopped answering.") from self.error

    def close(self) -> None:
        """Let the worker finish what it has."""
        while self._thread.is_alive() and not self._stop.is_set():
            try:
                self._work.put(None, timeout=0.2)
                break
            except Full:
                continue
        self._thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=30)
        with closing(connection):
            while not self._stop.is_set():
                try:
                    work = self._work.get(timeout=0.2)
                except Empty:
                    continue
                if work is None:
                    return
                try:
                    self.answers.append(self._send(connection, *work))
                except (OSError, http.client.HTTPException) as error:
                    self.error = error
                    self._stop.set()
                    return
                self._done()

    def _send(self, connection: http.client.HTTPConnection, request: Request, link: Link) -> Answer:
        began = time.perf_counter()
        # Header by header: what the log's client did not send is not sent here.
        connection.putrequest(
            "HEAD" if request.method == "HEAD" else "GET", f"/c/{link.code}", skip_accept_encoding=True
        )
        connection.putheader("Introducer-Edge", self._edge)
        connection.putheader("X-Forwarded-For", request.address)
        if request.agent:
            connection.putheader("User-Agent", request.agent)
        if request.referer:
            connection.putheader("Referer", request.referer)
        connection.endheaders()
        response = connection.getresponse()
        response.read()
        seconds = time.perf_counter() - began
        query = parse_qs(urlsplit(response.getheader("Location") or "").query)
        return Answer(request.number, response.status, query.get(link.click_parameter, [""])[-1], seconds)


def _sendable(lines: Iterable[bytes], summary: Summary, done: Callable[[], None]) -> Iterator[Request]:
    for request in read_access_log(lines):
        if request.problem:
            summary.damaged.append(request)
        if request.method:
            yield request
        else:
            done()


def _batches(client: Any, table: str, clicks: list[str]) -> Iterator[dict[str, Any]]:
    """The recorded ones of these clicks."""
    for start in range(0, len(clicks), 100):
        wanted = [key_of(click).item() for click in clicks[start : start + 100]]
        pending: dict[str, Any] = {
            table: {
                "Keys": [{name: {"S": value} for name, value in key.items()} for key in wanted],
                "ConsistentRead": True,
            }
        }
        while pending:
            answer = client.batch_get_item(RequestItems=pending)
            yield from answer["Responses"].get(table, [])
            pending = answer.get("UnprocessedKeys") or {}


def _count(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for line in lines if line.strip())


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
