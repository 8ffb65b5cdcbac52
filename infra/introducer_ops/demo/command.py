"""`introducer demo`: the local cloud, the demo world, a trading day, a check of the books, and a look around."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from introducer_ops.agents import patterns
from introducer_ops.browsers import BROWSERS
from introducer_ops.demo import rates
from introducer_ops.demo.building import World, build_world
from introducer_ops.demo.plan import make_plan
from introducer_ops.demo.script import HISTORY_DAYS, Script, make_script
from introducer_ops.demo.sending import Sender, Sent
from introducer_ops.demo.summary import Outcome, read_figures, show, show_portal, write_run
from introducer_ops.demo.waiting import NotSettled, Standing, clients, wait_until_settled
from introducer_ops.localcloud import CloudError, DeployError, LocalCloud, Stack
from introducer_ops.localcloud.process import ROOT, port_or_any

PORTAL_PORT = 8080
SEED = 2026
RUN_FILE = ROOT / "build" / "run.json"
_SHOWN_TROUBLES = 5


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the summary: 0 if all is well.")] = False,
    seed: Annotated[int, typer.Option(help="The world of this number: the same one each time.")] = SEED,
    state_dir: Annotated[Path, typer.Option(help="Where the local cloud notes its state.")] = ROOT / ".local",
    portal_port: Annotated[int, typer.Option(help="Port of the portal; another one if it is taken.")] = PORTAL_PORT,
) -> None:
    """Build the demo world on the local cloud, replay one trading day over HTTP, verify the books, open the portal."""
    console = Console(highlight=False)
    # A polite kill ends like Ctrl-C: the cloud is stopped in good order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
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
                console.print(f"{len(said)} lines in the functions' logs, the last ones:", style="yellow")
                console.print("\n".join(said[-_SHOWN_TROUBLES:]), markup=False, style="dim")
            if once:
                raise typer.Exit(0 if good else 1)
            show_portal(outcome, console)
            _stay(cloud)
            console.print("closing")
    except KeyboardInterrupt:
        console.print("closed")
        raise typer.Exit(130) from None
    except (CloudError, DeployError, NotSettled) as error:
        console.print(str(error), style="red", markup=False)
        console.print("\n".join(said[-20:]), markup=False, style="dim")
        raise typer.Exit(1) from error


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
    with watch.phase("verify"), console.status("recomputing everything from the facts"):
        differences, state_hash = _verify(stack)
    with watch.phase("summary"):
        months = _months(first_day, day)
        figures = read_figures(stack.outputs["BooksTableName"], world, months, day.isoformat())
        known = clients(stack)
    outcome = Outcome(
        world, day, sent, standing, figures, known, differences, state_hash, watch.total(), stack.portal_url
    )
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
    if standing.applied != sent.accepted:
        wrong.append(f"{sent.accepted} events were accepted, {standing.applied} are applied.")
    if outcome.differences:
        wrong.append(f"The books differ from the facts in {outcome.differences} places.")
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


def _verify(stack: Stack) -> tuple[int, str]:
    raise NotImplementedError
