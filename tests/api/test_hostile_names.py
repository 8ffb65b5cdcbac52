"""What people and things are called may be a formula or a script: no table runs the one, no page the other."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.api.asking import routes
from tests.browser.world import Answer
from tests.support.everything import LOGINS, Everything, everything
from tests.support.payday import HARBOUR

pytestmark = pytest.mark.in_memory

FORMULA = '=HYPERLINK("https://evil.example","x")'
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def hostile() -> Iterator[Everything]:
    """The same world, where everybody and everything is called by what means no good."""
    with pytest.MonkeyPatch.context() as patch, everything(patch) as found:
        _rename(found)
        yield found


def _rename(world: Everything) -> None:
    """Every name, subject, note and reason in the books is a formula and a script."""
    memory = world.dynamodb._memory
    table = memory.tables[world.table]
    for place, item in list(table.items.items()):
        new = {name: {"S": FORMULA + SCRIPT} if _is_said(name, value) else value for name, value in item.items()}
        table.items[place] = new


def _is_said(name: str, value: Any) -> bool:
    return name in _SAID and set(value) == {"S"} and not value["S"].startswith(("{", "["))


_SAID = frozenset({"name", "note", "why", "reason", "subject", "text", "detail", "description", "shown_as", "title"})
"""Attributes that somebody types."""


def looker(path: str) -> str:
    return LOGINS["admin" if path.startswith("/desk") else "owner"]


class Tags(HTMLParser):
    """The tags of a page that could run something, or fetch it from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.harmful: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        source = given.get("src", "/")
        own = tag != "script" or re.fullmatch(r"/static/portal\.\w+\.js", given.get("src", ""))
        if not own or source == "x" or any(name.startswith("on") or name == "style" for name in given):
            self.harmful.append(f"{tag} {given}")


def test_no_table_has_a_cell_that_a_spreadsheet_would_run(hostile: Everything) -> None:
    looked = told = 0
    for page in [each for each in routes(hostile) if each.method == "GET" and each.spec.columns]:
        answer = hostile.machine(looker(page.path), "text/csv").get(hostile.path(page.path))
        assert answer.status == 200, (page.path, answer.body[:300])
        for row in csv.reader(io.StringIO(answer.body)):
            for cell in row:
                dangerous = cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not re.fullmatch(r"-?\d+(\.\d+)?", cell)
                assert not dangerous, (page.path, cell)
                told += cell.startswith("'=")
        looked += 1
    assert looked > 60 and told > 20


def test_no_page_runs_what_somebody_is_called(hostile: Everything) -> None:
    looked = told = 0
    for page in routes(hostile):
        if page.method != "GET" or not page.spec.template or page.path.startswith(("/api", "/sign-in")):
            continue
        login = looker(page.path)
        shown: Answer = hostile.signed_in(login, accept="text/html").get(hostile.path(page.path))
        assert shown.status == 200, (page.path, shown.body[:300])
        tags = Tags()
        tags.feed(shown.body)
        assert not tags.harmful, (page.path, tags.harmful)
        assert "script-src 'self'" in shown.headers["content-security-policy"], page.path
        told += shown.body.count("&lt;script&gt;alert(1)")
        looked += 1
    assert looked > 90 and told > 100


def test_names_stay_what_they_are_in_json(hostile: Everything) -> None:
    found = hostile.machine(HARBOUR).get("/links").json["items"]
    assert [each["name"] for each in found] == [FORMULA + SCRIPT]
