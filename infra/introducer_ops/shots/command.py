"""`introducer shots`: every page of the demo world's portal, for everybody and in all languages.

On a demo world that runs (`make run`), or on one that is built for it and closed again. See `docs/accessibility.md`.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from introducer_ops.localcloud.process import ROOT, LocalCloud

FOLDER = ROOT / "build" / "shots"
ORDER = ("owner", "newcomer", "admin", "manager", "finance", "compliance", "sales", "invited")
"""Who looks first keeps a page; the others keep what only they see."""
MINUTES = 40.0
_EXAMPLES = 3


def register(app: typer.Typer) -> None:
    app.command()(shots)


def shots(
    url: Annotated[str, typer.Option(help="A portal that runs elsewhere than in the state directory.")] = "",
    state_dir: Annotated[Path, typer.Option(help="Where the demo world's cloud notes its state.")] = ROOT / ".local",
    who: Annotated[str, typer.Option(help="Only as these, such as owner,admin,stranger.")] = "",
    only: Annotated[str, typer.Option(help="Only pages whose route has this in it.")] = "",
    show: Annotated[str, typer.Option(help="Only these: measure, and passes such as en-390,ar-1440,en-390-dark.")] = "",
    minutes: Annotated[float, typer.Option(help="After so long the rest is left out, and named.")] = MINUTES,
    folder: Annotated[Path, typer.Option(help="Where pictures, sheets and report.json go.")] = FOLDER,
    seed: Annotated[int, typer.Option(help="The demo world's number, when it is built for this.")] = 2026,
) -> None:
    """Look at every page in a browser: pictures, contact sheets, and a list of what is wrong."""
    from introducer_ops.demo.logins import noted_logins
    from introducer_ops.demo.running import run

    if url or (LocalCloud.running(state_dir) and noted_logins(state_dir)):
        good = look(url or _url(state_dir), state_dir, who, only, show, minutes, folder)
        raise typer.Exit(0 if good else 1)

    def then(portal: str) -> bool:
        return look(portal, state_dir, who, only, show, minutes, folder)

    raise typer.Exit(run(once=True, seed=seed, state_dir=state_dir, portal_port=0, then=then))


def _url(state_dir: Path) -> str:
    cloud = LocalCloud.running(state_dir)
    assert cloud is not None
    return f"http://127.0.0.1:{cloud.portal_port}"


def look(url: str, state_dir: Path, who: str, only: str, show: str, minutes: float, folder: Path) -> bool:
    """Whether nothing was found wrong."""
    from introducer_ops.demo.logins import noted_logins
    from introducer_ops.shots.crawl import STRANGER, Person, crawl, links_in_mails, registered_routes
    from introducer_ops.shots.looking import PASSES, Looker, document, write
    from introducer_ops.shots.sheets import lay_out

    console = Console(highlight=False)
    until = time.monotonic() + minutes * 60

    def say(line: str) -> None:
        console.print(line, style="dim", markup=False)

    routes = registered_routes()
    people = sorted((Person(*each) for each in noted_logins(state_dir)), key=lambda each: ORDER.index(each.role))
    people = [each for each in [*people, Person(STRANGER)] if not who or each.role in who.split(",")]
    starts = {STRANGER: links_in_mails(state_dir / "mails", routes)}
    found = crawl(url, people, starts=starts, routes=routes, say=say)
    say(f"{found.asked} addresses asked for, {len(found.places)} pages kept")
    places = [place for place in found.places if only in place.route]
    passes = [one for one in PASSES if not show or one.name in show.split(",")]
    if not who and not only and not show:
        shutil.rmtree(folder, ignore_errors=True)
    for one in passes:
        shutil.rmtree(folder / one.name, ignore_errors=True)
    looker = Looker(url, found.cookies, folder, until)
    if not show or "measure" in show.split(","):
        looker.measure(places, say)
    seen = looker.look(places, passes, say)
    sheets = lay_out(seen.pictures, folder)
    report = document(seen, places, found.broken, found.unreached)
    write(report, folder / "report.json")
    _tell(report, len(sheets), folder, console)
    return not report["defects"] and not report["broken_links"]


def _tell(report: dict[str, Any], sheets: int, folder: Path, console: Console) -> None:
    kinds = Counter(each["kind"] for each in report["defects"])
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for name in ("what is wrong", "found", "on pages", "for example"):
        table.add_column(name, overflow="fold")
    for kind, number in kinds.most_common():
        of_kind = [each for each in report["defects"] if each["kind"] == kind]
        table.add_row(kind, str(number), str(sum(each["pages"] for each in of_kind)), of_kind[0]["words"][:90])
    if kinds:
        console.print(table)
    _list(console, "links that lead nowhere", report["broken_links"])
    _list(console, "routes that no link leads to", report["unreached"])
    _list(console, "not looked at for want of time", report["unseen"])
    paint = report["largest_paint_median_ms"]
    console.print(
        f"{report['pages']} pages, {report['pictures']} pictures on {sheets} sheets in {folder};"
        f" {len(report['looks'])} things to look at",
        markup=False,
    )
    if paint is not None:
        console.print(
            f"largest paint: median {paint:.0f} ms, at most {report['largest_paint_max_ms']:.0f} ms;"
            f" a page weighs {report['bytes_median']:,.0f} bytes in the middle, {report['bytes_max']:,} at most",
            markup=False,
        )
    console.print("something is wrong" if kinds or report["broken_links"] else "nothing was found wrong")


def _list(console: Console, title: str, lines: Sequence[str]) -> None:
    if lines:
        console.print(f"{title}: {len(lines)}", style="yellow")
        for line in lines[: _EXAMPLES * 6]:
            console.print(f"  {line}", markup=False)
