"""Who may ask what: every route, asked by everybody, about one's own and about another's, as docs/access.md says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.asking import DOCUMENT, Row, asked, documented, is_somebodys, routes, table
from tests.api.recording import Recorder, joined, new, watched
from tests.api.shapes import SHAPES, looked_at
from tests.support.everything import ROLES, Everything, everything

pytestmark = pytest.mark.in_memory

TABLE = documented()
ANEW = "what is answered has changed: `python -m tests.api.shapes` writes it down"
REFUSED = ("401", "403", "404")
REMOVES_NOTHING = "/settings/verification/documents/{document}/removal"
"""Its folder is the asker's own: nothing of this name is in it, and removing what is not there changes nothing."""


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """What is answered meanwhile."""
    found = Recorder()
    patch = watched(found)
    yield found
    patch.undo()


@pytest.fixture(scope="module")
def world(recorder: Recorder) -> Iterator[Everything]:
    with pytest.MonkeyPatch.context() as patch, everything(patch) as found:
        yield found


@pytest.fixture(scope="module")
def registered(world: Everything) -> dict[tuple[str, str], Any]:
    return {(page.method, page.path): page for page in routes(world)}


@pytest.fixture(scope="module")
def known(registered: dict[tuple[str, str], Any]) -> list[tuple[Any, Row]]:
    """Routes with their rows; what has none, one test says."""
    return [(page, TABLE[route]) for route, page in registered.items() if route in TABLE]


def test_every_route_stands_in_the_table_and_nothing_else_does(
    world: Everything, registered: dict[tuple[str, str], Any]
) -> None:
    missing = [registered[route] for route in registered if route not in TABLE]
    rows = [asked(world, page).text() for page in missing]
    assert not rows, f"add to {DOCUMENT.name}, if this is what should be:\n" + "\n".join(rows)
    gone = [row.text() for route, row in TABLE.items() if route not in registered]
    assert not gone, f"take out of {DOCUMENT.name}, these routes are gone:\n" + "\n".join(gone)


@pytest.mark.parametrize("row", TABLE.values(), ids=lambda row: f"{row.method} {row.path}")
def test_everybody_is_answered_as_the_table_says(
    world: Everything, registered: dict[tuple[str, str], Any], row: Row
) -> None:
    assert asked(world, registered[row.method, row.path]).text() == row.text()


def test_nobody_reaches_what_is_anothers(known: list[tuple[Any, Row]]) -> None:
    looked = 0
    for page, row in known:
        if not is_somebodys(page) or page.path == REMOVES_NOTHING:
            continue
        for cell in row.cells[1:]:
            _, dot, others = cell.partition(" · ")
            assert dot and others in REFUSED, row.text()
            looked += 1
    assert looked > len(ROLES) * 150


def test_strangers_are_asked_to_sign_in_wherever_a_page_is_not_for_anybody(known: list[tuple[Any, Row]]) -> None:
    for page, row in known:
        assert (row.cells[0] == "401") == (page.spec.who.value != "anyone"), row.text()


def test_each_route_is_open_to_somebody(known: list[tuple[Any, Row]]) -> None:
    for _, row in known:
        assert {"200", "201", "303"} & {cell.partition(" ")[0] for cell in row.cells}, row.text()


def test_what_everybody_was_answered_is_what_the_description_says(
    world: Everything, recorder: Recorder, registered: dict[tuple[str, str], Any]
) -> None:
    if len(recorder.seen) < len(registered):
        # This test was asked for alone.
        looked_at(world)
    shapes = json.loads(SHAPES.read_text("utf-8"))
    missing = sorted(f"{method} {path}" for method, path in registered if f"{method} {path}" not in shapes)
    assert not missing, ANEW
    for route, seen in recorder.seen.items():
        known = {name: shapes[route][name] for name in new()}
        assert joined(known, seen) == known, f"{route}: {ANEW}"


def test_the_table_says_its_columns() -> None:
    assert table([]).splitlines()[0] in DOCUMENT.read_text("utf-8")
