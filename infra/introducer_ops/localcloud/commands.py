"""`introducer up | deploy | down | reset`: the local cloud from the command line."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from .deploying import DeployError
from .mail_pages import MailPages
from .process import ROOT, CloudError, LocalCloud, forget, port_or_any
from .stack import Stack

PORTAL_PORT = 8080
_LOOK_AT_TEMPLATE_EVERY = 1.0
_console = Console(highlight=False)

StateDir = Annotated[Path, typer.Option(help="Where the cloud notes its ports, outputs, clock and logs.")]
STATE_DIR = ROOT / ".local"


def register(app: typer.Typer) -> None:
    for command in (up, deploy, down, reset):
        app.command()(command)


def up(
    state_dir: StateDir = STATE_DIR,
    port: Annotated[int, typer.Option(help="Port of the AWS services; 0 takes any.")] = 0,
    portal_port: Annotated[int, typer.Option(help="Port of the portal; another one if it is taken.")] = PORTAL_PORT,
    keep: Annotated[bool, typer.Option(help="Keep tables, queues, users and secrets over a stop.")] = False,
) -> None:
    """Start the local cloud, deploy template.yaml and stay: edits are live. Ctrl-C stops it."""
    try:
        cloud = LocalCloud.start(state_dir, port, port_or_any(portal_port), keep, log=_show)
    except CloudError as error:
        raise _failure(str(error)) from error
    with cloud, MailPages(state_dir) as mails:
        try:
            _follow(cloud, mails.url)
        except KeyboardInterrupt:
            _console.print("stopping")


def deploy(state_dir: StateDir = STATE_DIR) -> None:
    """Deploy template.yaml into the running local cloud. (Into AWS: `sam build && sam deploy --guided`.)"""
    cloud = LocalCloud.running(state_dir)
    if cloud is None:
        raise _failure("no local cloud is running: `introducer up`")
    if (stack := _deploy(cloud)) is None:
        raise typer.Exit(1)
    _describe(stack)


def down(state_dir: StateDir = STATE_DIR) -> None:
    """Stop the local cloud that runs with this state directory, wherever it was started."""
    cloud = LocalCloud.running(state_dir)
    if cloud is None:
        _console.print("no local cloud is running")
        return
    cloud.stop()
    _console.print(f"stopped (process {cloud.pid})")


def reset(state_dir: StateDir = STATE_DIR) -> None:
    """Stop the local cloud and forget everything it kept."""
    down(state_dir)
    forget(state_dir.resolve())


def _follow(cloud: LocalCloud, mails: str) -> None:
    """Deploy, and again whenever the template or the set of functions changes, until the cloud is gone.

    (Code needs no deploy: the emulator starts a worker anew when its sources have changed.)
    """
    deployed: object = None
    while cloud.alive:
        if (found := _deployable()) != deployed:
            if (stack := _deploy(cloud)) is not None:
                _describe(stack, mails)
            deployed = found
        time.sleep(_LOOK_AT_TEMPLATE_EVERY)
    _console.print("the local cloud has stopped")


def _deployable() -> tuple[float, list[Path]]:
    return (ROOT / "template.yaml").stat().st_mtime, sorted(ROOT.glob("functions/*/app.py"))


def _deploy(cloud: LocalCloud) -> Stack | None:
    try:
        return cloud.deploy(check=True)
    except DeployError as error:
        _console.print("[bold red]not deployed[/]")
        _console.print(str(error), markup=False)
        return None


def _describe(stack: Stack, mails: str = "") -> None:
    """Where everything is; `mails` is the page of the mails, where this process serves it."""
    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("portal", stack.portal_url),
        ("AWS_ENDPOINT_URL", stack.endpoint),
        ("mails", mails or str(stack.state_dir / "mails")),
        ("logs", str(stack.state_dir / "logs")),
        ("functions", ", ".join(function.name for function in stack.functions.values())),
    ):
        table.add_row(f"[bold]{name}[/]", value)
    _console.print(table)


def _show(line: str) -> None:
    _console.print(line, markup=False, soft_wrap=True)


def _failure(text: str) -> typer.Exit:
    _console.print(text, style="red", markup=False)
    return typer.Exit(1)
