"""The pages that lead everywhere lead nobody to a page that is closed to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from introducer_ops.shots.crawl import links_of
from tests.support.everything import ROLES, Everything, everything

pytestmark = pytest.mark.in_memory

EVERYBODYS = ("/desk/settings", "/desk/partners")
HUBS = dict.fromkeys(ROLES, ("/desk?whose=all", *EVERYBODYS))
HUBS |= {"owner": ("/", "/settings"), "member": ("/", "/settings"), "sales": ("/desk/leads", *EVERYBODYS)}
"""Where each begins."""


@pytest.fixture(scope="module")
def world() -> Iterator[Everything]:
    with pytest.MonkeyPatch.context() as patch, everything(patch) as found:
        yield found


@pytest.mark.parametrize("role", HUBS)
def test_nobody_is_led_to_a_page_that_is_closed_to_them(world: Everything, role: str) -> None:
    visitor = world.machine(world.login(role), accept="text/html")

    closed, looked = [], 0
    for hub in HUBS[role]:
        page = visitor.get(hub)
        assert page.status in (200, 303), hub
        for path in links_of(page.body):
            if path.startswith("/") and not path.startswith("/static/"):
                looked += 1
                if visitor.get(path.partition("#")[0]).status not in (200, 303):
                    closed.append(f"{path}, from {hub}")

    assert closed == []
    assert looked > 10
