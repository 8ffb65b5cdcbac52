"""`python -m tests.api.shapes`: writes down what every route of the portal answers, as the world of everything shows.

With `--odd` questions are asked that nobody thought of, with `--odd=15` fifteen times as many (five minutes); with
`--all` every test that speaks to the portal is watched as well. They know more of what may be null or missing. What was
written down before stays, unless it is `--anew`; a route that is gone, goes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.api.asking import asked, routes, status
from tests.api.fuzzing import Found, asked_oddly, asks, operations
from tests.api.recording import FOLDER, Recorder, Seen, joined, new, watched
from tests.support.everything import LOGINS, ROLES, Everything, as_it_was, everything
from tests.support.functions import ROOT
from tests.support.writes import WRITES

SHAPES = ROOT / "functions" / "portal" / "shapes.json"
WATCHED = ("tests/functions", "-k", "portal")


def looked_at(world: Everything) -> None:
    """Everybody asks every route, as a program, and as one that wants a table; one by one what is written is undone."""
    for page in routes(world):
        write = WRITES.get(page.path) if page.method == "POST" else None
        if page.method == "POST" and write is None:
            continue
        asked(world, page)
        login = write.login if write else LOGINS["admin" if page.path.startswith("/desk") else "owner"]
        status(world, page, "" if login == "stranger" else login, write, accept="*/*")
        if page.spec.columns and page.method == "GET":
            for login in LOGINS.values():
                with as_it_was(world):
                    world.machine(login, "text/csv").get(world.path(page.path))


def bodies(world: Everything) -> dict[str, Any]:
    """What each write is sent here: an example of it."""
    found = {}
    for page in routes(world):
        if page.method == "POST" and page.path in WRITES and not WRITES[page.path].content:
            with as_it_was(world):
                found[page.path] = WRITES[page.path].sent(world)
    return found


def oddly_asked(world: Everything, rounds: int) -> None:
    """What nobody thought of: as the tests ask it, and some more by whoever may, and by each of the others in turn."""
    found = Found()
    asked_oddly(world, found)
    for number in range(rounds):
        for operation in operations(world):
            likely = "admin" if operation.path.startswith("/desk") else "owner"
            roles = dict.fromkeys((likely, ROLES[number % len(ROLES)]))
            asks(world, operation, roles, found, examples=4, seed=number)


def record_world(*, odd: int = 0) -> tuple[dict[str, Seen], dict[str, Any]]:
    """What the world of everything shows, and what its writes are sent."""
    recorder = Recorder()
    patch = watched(recorder)
    try:
        with pytest.MonkeyPatch.context() as other, everything(other) as world:
            sent = bodies(world)
            looked_at(world)
            if odd:
                oddly_asked(world, odd)
    finally:
        patch.undo()
    return recorder.seen, sent


def record_tests() -> list[dict[str, Seen]]:
    """What the tests of the portal see."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.api.recording", "-n", "1", "--dist", "loadfile"]
        subprocess.run([*command, *WATCHED], cwd=ROOT, env=os.environ | {FOLDER: folder}, check=False)
        return [json.loads(path.read_text()) for path in sorted(Path(folder).glob("*.json"))]


def main(arguments: list[str]) -> None:
    kept: dict[str, Seen] = {}
    if SHAPES.exists() and "--anew" not in arguments:
        kept = json.loads(SHAPES.read_text("utf-8"))
    rounds = [int(each.partition("=")[2] or 1) for each in arguments if each.startswith(("--odd", "--all"))]
    seen, sent = record_world(odd=max(rounds, default=0))
    for found in (seen, *(record_tests() if "--all" in arguments else ())):
        for route, entry in found.items():
            kept[route] = joined({name: kept.get(route, new())[name] for name in new()}, entry)
    for path, body in sent.items():
        kept[f"POST {path}"]["example"] = body
    kept = {route: entry for route, entry in kept.items() if route in seen}
    lines = [f"{json.dumps(route)}:{json.dumps(kept[route], sort_keys=True)}" for route in sorted(kept)]
    SHAPES.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
