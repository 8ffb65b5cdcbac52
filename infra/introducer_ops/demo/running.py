"""The demo from start to end: build, live, settle, verify, tell."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from introducer.services.read_contracts import click_keys
from introducer.services.verify.report import Report
from introducer.services.verify_books import verify_books
from introducer.store.scans import Scans
from introducer_ops.agents import patterns
from introducer_ops.browsers import BROWSERS
from introducer_ops.demo import rates
from introducer_ops.demo.building import World, build_world
from introducer_ops.demo.plan import make_plan
from introducer_ops.demo.script import HISTORY_DAYS, Script, make_script
from introducer_ops.demo.sending import Sender, Sent
from introducer_ops.demo.summary import Outcome, read_figures, show, show_portal, write_run
from introducer_ops.demo.waiting import NotSettled, Standing, wait_until_settled
from introducer_ops.localcloud import CloudError, DeployError, LocalCloud, Stack
from introducer_ops.localcloud.process import ROOT, port_or_any

RUN_FILE = ROOT / "build" / "run.json"
_SHOWN_TROUBLES = 5


def run(*, once: bool, seed: int, state_dir: Path, portal_port: int) -> int:
    """Everything; returns the exit code."""
    console = Console(highlight=False)
    # A polite kill ends like Ctrl-C, also where a shell has told its background jobs to ignore that: in good order.
    for polite in (signal.SIGINT, signal.SIGTERM):
        signal.signal(polite, signal.default_int_handler)
    said: list[str] = []
    watch = _Watch()
    try:
        with watch.phase("start"), console.status("starting the local cloud"):
            cloud = LocalCloud.start(state_dir, portal_port=port_or_any(portal_port), log=said.append)
        with cloud:
            outcome = _run(cloud, seed, watch, console)
            write_run(outcome, RUN_FILE)
            good = _judge(outcome, console)
            if said:
                console.print(f"The functions had {len(said)} lines for a person, the last ones:", style="yellow")
                console.print("\n".join(said[-_SHOWN_TROUBLES:]), markup=False, style="dim")
            if once:
                return 0 if good else 1
            show_portal(outcome, console)
            _stay(cloud)
            console.print("closing")
            return 0 if good else 1
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    except (CloudError, DeployError, NotSettled) as error:
        console.print(str(error), style="red", markup=False)
        console.print("\n".join(said[-20:]), markup=False, style="dim")
        return 1


class _Watch:
    """Seconds of each phase."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began

    def total(self) -> dict[str, float]:
        return {**self.seconds, "total": time.monotonic() - self.began}


def _run(cloud: LocalCloud, seed: int, watch: _Watch, console: Console) -> Outcome:
    with watch.phase("deploy"), console.status("deploying template.yaml"):
        stack = cloud.deploy()
    # The product's own stores and services run in this process too, against the local cloud.
    os.environ.update(stack.environment)
    day = date.fromisoformat(rates.newest_day())
    plan = make_plan(seed)
    script = make_script(plan, day, BROWSERS, crawler_agents())
    first_day = day - timedelta(days=HISTORY_DAYS)
    with watch.phase("world"), console.status("building the world") as status:
        stack.clock.set_to(script.built_at)
        world = build_world(stack, plan, first_day, day, lambda what: status.update(f"building the world: {what}"))
    sent, standing = _live(stack, world, script, watch, console)
    with watch.phase("verify"), console.status("recomputing everything from the facts") as status:
        report = _verify(stack, lambda table, items: status.update(f"verifying {table}: {items:,} items"))
    with watch.phase("summary"):
        months = _months(first_day, day)
        figures = read_figures(stack.outputs["BooksTableName"], world, months, day.isoformat())
    outcome = Outcome(world, day, sent, standing, figures, report, watch.total(), stack.portal_url)
    show(outcome, console, rates.published(day.isoformat())[day.isoformat()])
    return outcome


def crawler_agents() -> tuple[str, ...]:
    """Real agents of crawlers, as far as they can stand in a header."""
    agents = (agent.strip() for entry in patterns() for agent in entry.get("instances", ()))
    return tuple(agent for agent in agents if agent.isascii() and agent.isprintable())


def _live(stack: Stack, world: World, script: Script, watch: _Watch, console: Console) -> tuple[Sent, Standing]:
    """Send the script and wait until it is in the books."""
    secret = stack.client("secretsmanager").get_secret_value(SecretId=stack.outputs["EdgeSecretName"])["SecretString"]
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<22}"),
        BarColumn(40),
        MofNCompleteColumn(),
        TextColumn("{task.fields[what]:<22}", style="dim"),
        TimeElapsedColumn(),
    )
    parts = (("history", "Six weeks before", False), ("day", "The trading day", True))
    with Progress(*columns, console=console) as progress, Sender(stack, world, secret) as sender:
        for phase, title, busy in parts:
            slots = [slot for slot in script.slots if slot.busy == busy]
            size = sum(len(slot.clicks) + sum(len(post.messages) for post in slot.posts) for slot in slots)
            task = progress.add_task(title, total=size, what="")
            with watch.phase(phase):
                for slot in slots:
                    when = slot.at.strftime("%H:%M" if busy else "%-d %B")
                    progress.update(task, what=when)
                    sender.send(slot, lambda some, more, task=task: progress.advance(task, some + more))
            progress.update(task, what="")
        settled = progress.add_task("Into the books", total=script.distinct, what="events applied")
        with watch.phase("settle"):
            standing = wait_until_settled(
                stack,
                world.plan.source,
                clicks=sender.sent.clicks,
                events=sender.sent.accepted,
                seen=lambda now: progress.update(settled, completed=now.applied),
            )
    return sender.sent, standing


def _judge(outcome: Outcome, console: Console) -> bool:
    """Whether everything is as it must be; says what is not."""
    sent, standing = outcome.sent, outcome.standing
    wrong = list(sent.troubles)
    if standing.clicks != sent.clicks:
        wrong.append(f"{sent.clicks} clicks were sent, {standing.clicks} are recorded.")
    if standing.flagged < sent.crawlers:
        wrong.append(f"{sent.crawlers} clicks were crawlers', only {standing.flagged} are flagged.")
    if standing.applied != sent.accepted:
        wrong.append(f"{sent.accepted} events were accepted, {standing.applied} are applied.")
    wrong += [
        f"{each.kind}: {each.what}: {each.expected} expected, {each.found} found ({each.where})"
        for each in outcome.report.differences
    ]
    for sentence in wrong[:_SHOWN_TROUBLES]:
        console.print(sentence, style="red", markup=False)
    if len(wrong) > _SHOWN_TROUBLES:
        console.print(f"and {len(wrong) - _SHOWN_TROUBLES} more", style="red")
    return not wrong


def _stay(cloud: LocalCloud) -> None:
    """Until Ctrl-C, or until the cloud is gone."""
    try:
        while cloud.alive:
            time.sleep(0.5)
    except KeyboardInterrupt:
        return


def _months(first: date, last: date) -> list[str]:
    """The months that journals and counters of these days can stand in."""
    months, day = [], first.replace(day=1)
    while day <= last:
        months.append(day.strftime("%Y-%m"))
        day = (day + timedelta(days=32)).replace(day=1)
    return months


def _verify(stack: Stack, progress: Callable[[str, int], None]) -> Report:
    secret = stack.client("secretsmanager").get_secret_value(SecretId=stack.outputs["ClickKeySecretName"])
    tables = Scans(
        stack.client("dynamodb"), facts=stack.outputs["FactsTableName"], books=stack.outputs["BooksTableName"]
    )
    return verify_books(
        tables,
        click_keys=click_keys(json.loads(secret["SecretString"])),
        now=stack.clock.now(),
        elapsed=time.monotonic,
        progress=progress,
    )
