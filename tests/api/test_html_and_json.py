"""A page and its JSON carry the same data: one view makes both, no template reads anything beside it, and what is an
amount, a name or a large number in the data stands on the page."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jinja2 import Environment, nodes

from introducer.locale import MINUS, language
from introducer.wording.sentences import figure
from tests.api.asking import routes
from tests.support.everything import LOGINS, Everything, as_it_was, everything
from tests.support.functions import ROOT

pytestmark = pytest.mark.in_memory

NOT_SHOWN = {
    ("/contests/{contest}", "rules.[].name"): "a section's own word, for programs: its heading is shown",
    ("/public/contests/{contest}", "rules.[].name"): "as above",
    ("/desk/contests/{contest}", "rules.[].name"): "as above",
    ("/earnings/{journal}", "told.facts.[].name"): "a figure's own word, for programs: its label is shown",
    ("/desk/sequences/{sequence}/steps/{step}", "placeholders.name"): "what it stands for is shown in the preview",
    ("/desk/sources", "dialects.[].title"): "what may be added stands on the page that adds",
    ("/desk/partners/bulk", "managers.[].name"): "whom it can be handed to is asked for when that is chosen",
    ("/desk/partners/{partner}/adjustments", "items.[].decided.name"): "the adjustment's own page says it",
    ("/desk/runs/{run}/batches/{batch}", "to_confirm"): "stands beside the button, for whoever may press it",
    ("/desk/invoices", "items.[].out_of"): "the invoice itself says it",
    ("/desk/partners/{partner}/tasks", "items.[].evidence.amount"): "the task itself says it",
    ("/desk/partners/{partner}", "tasks.[].evidence.amount"): "the task itself says it",
}
"""What the data has and the page does not say, and why."""
FRESH = {"/settings/verification": "forms"}
"""What is made anew whenever it is looked at: forms that are signed for one upload."""
NAMES = frozenset({"name", "subject", "title"})
OTHERWISE = frozenset({"size", "most_bytes", "heights", "wait_hours", "longest", "shares"})
"""Numbers that a page says in another unit: bytes as kilobytes, hours as days."""
LARGE = 100
"""Smaller numbers stand on every page somewhere."""
_FORBIDDEN = re.compile(r"portal|request|authenticator|configuration")


@pytest.fixture(scope="module")
def world() -> Iterator[Everything]:
    with pytest.MonkeyPatch.context() as patch, everything(patch) as found:
        yield found


def shown_pages(world: Everything) -> list[Any]:
    return [
        page
        for page in routes(world)
        if page.method == "GET" and page.spec.template and not page.path.startswith(("/api", "/sign-in"))
    ]


def leaves(value: Any, name: str = "", path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Each single thing in the data, with its name and place; an amount is one."""
    if isinstance(value, dict):
        if set(value) == {"amount", "currency"}:
            yield path, "money", value
            return
        for key, each in value.items():
            yield from leaves(each, key, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each, name, f"{path}.[]")
    else:
        yield path, name, value


def plain_text(page: str) -> str:
    """What a page says, its attributes too: a field's value is shown as well."""
    words = html.unescape(re.sub(r"</?(?:bdi|small|span|strong|b)[^>]*>", "", page))
    return re.sub(r"[\s\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}]+", " ", words).replace(MINUS, "-")


def as_shown(path: str, name: str, value: Any) -> list[str]:
    """How a page may write this; nothing where it need not."""
    if OTHERWISE & set(path.split(".")):
        return []
    english = language("en")
    if name == "money":
        return [figure(english, value["amount"]).replace(MINUS, "-"), value["amount"]]
    if name in NAMES and isinstance(value, str) and value:
        return [plain_text(html.escape(value)), value]
    if isinstance(value, int) and not isinstance(value, bool) and value >= LARGE and not name.endswith("_ms"):
        return [english.number(value), str(value)]
    return []


def test_every_page_is_made_of_what_its_json_says_and_says_it(world: Everything) -> None:
    given: list[Any] = []
    missing: list[str] = []
    looked = {"money": 0, "names": 0, "numbers": 0}
    rendering = world.module.server.rendering
    with pytest.MonkeyPatch.context() as patch:
        render = rendering.render
        patch.setattr(
            rendering, "render", lambda template, visit, data: (given.append(data), render(template, visit, data))[1]
        )
        for page in shown_pages(world):
            login = LOGINS["admin" if page.path.startswith("/desk") else "owner"]
            with as_it_was(world):
                data = world.asks(login, "GET", world.path(page.path))
            assert data.status == 200, (page.path, data.body)
            with as_it_was(world):
                shown = world.signed_in(login, accept="text/html").get(world.path(page.path))
            assert shown.status == 200, (page.path, shown.body)
            rendered = json.loads(json.dumps(world.module.server.plain(given[-1])))
            fresh = FRESH.get(page.path)
            assert rendered.pop(fresh, None) is None or fresh, page.path
            said = {name: value for name, value in data.json.items() if name != fresh}
            assert rendered == said, page.path
            words = plain_text(shown.body)
            for path, name, value in leaves(said):
                wanted = as_shown(path, name, value)
                if wanted:
                    looked["money" if name == "money" else "names" if isinstance(value, str) else "numbers"] += 1
                    if (page.path, path) not in NOT_SHOWN and not any(each in words for each in wanted):
                        missing.append(f"{page.path}: {path} = {value}")
    assert not missing, "\n".join(missing)
    assert looked["money"] > 200 and looked["names"] > 300 and looked["numbers"] > 20, looked


def test_no_template_reads_what_its_route_did_not_return() -> None:
    looked = 0
    for path in sorted((ROOT / "functions" / "portal" / "templates").glob("*.html")):
        parsed = Environment(extensions=["jinja2.ext.i18n"]).parse(path.read_text("utf-8"))
        for each in parsed.find_all(nodes.Getattr):
            if isinstance(each.node, nodes.Name) and each.node.name == "visit":
                looked += 1
                assert not _FORBIDDEN.fullmatch(each.attr), f"{path.name} reads visit.{each.attr}"
    assert looked > 30
