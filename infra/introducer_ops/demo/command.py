"""`introducer demo`: the local cloud, the demo world, a trading day, a closed month, a check of the books, a look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from introducer_ops.localcloud.process import ROOT

PORTAL_PORT = 8080
SEED = 2026


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the summary: 0 if all is well.")] = False,
    seed: Annotated[int, typer.Option(help="The world of this number: the same one each time.")] = SEED,
    state_dir: Annotated[Path, typer.Option(help="Where the local cloud notes its state.")] = ROOT / ".local",
    portal_port: Annotated[int, typer.Option(help="Port of the portal; another one if it is taken.")] = PORTAL_PORT,
) -> None:
    """Build the demo world on the local cloud, replay a trading day, close a month, verify all, open the portal."""
    # Half the product is needed for it, and for no other command.
    from introducer_ops.demo.running import run

    raise typer.Exit(run(once=once, seed=seed, state_dir=state_dir, portal_port=portal_port))
