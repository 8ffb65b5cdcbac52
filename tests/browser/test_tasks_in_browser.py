"""The day's work in a browser: a hundred partners on a page, by keyboard, on a phone and on a desk, read both ways."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.serving import MARKS
from tests.browser.test_payouts_in_browser import a_window
from tests.browser.window import DESK, WINDOWS
from tests.support.payday import GULF, HARBOUR, MANAGER, PIPS
from tests.support.queueing import Queueing, a_queue

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""

SHOTS = os.environ.get("SCREENSHOTS", "")
"""A folder for pictures of what is looked at; none unless set."""


@pytest.fixture(scope="module")
def portal() -> Iterator[Queueing]:
    with pytest.MonkeyPatch.context() as patch, a_queue(patch) as world:
        world.many(110)
        yield world


def the_path(portal: Queueing, name: str) -> str:
    [task, *_] = [each for each in portal.tasks.open_of_brand(portal.brand) if each.name == name]
    return f"/desk/tasks/{task.partner}/{task.task}"


@pytest.mark.parametrize(("width", "language", "theme"), WINDOWS)
def test_the_queue_and_a_task_fit_and_keep_nobody_out(
    browser: Browser, portal: Queueing, address: str, width: int, language: str, theme: str
) -> None:
    paths = {
        "queue": "/desk?limit=20", "kind": "/desk?whose=all&kind=documents_wait", "task": the_path(portal, GULF),
        "partner": f"/desk/partners/{portal.partners[HARBOUR]}/tasks",
    }  # fmt: skip
    with a_window(browser, portal, address, MANAGER, width, language=language, theme=theme) as window:
        for name, path in paths.items():
            window.page.goto(path)
            if SHOTS:
                window.page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{language}-{theme}.png")
            assert window.sideways() == 0, path
            assert window.barriers() == [], path
        assert window.said == []


def test_the_keyboard_alone_walks_the_queue_and_opens_what_is_first(
    browser: Browser, portal: Queueing, address: str
) -> None:
    with a_window(browser, portal, address, MANAGER, DESK) as window:
        page = window.page
        page.goto("/desk")
        expect(page.locator("tbody tr")).to_have_count(100)
        assert window.sideways() == 0
        page.keyboard.press("j")
        expect(page.get_by_role("link", name=HARBOUR)).to_be_focused()
        page.keyboard.press("j")
        expect(page.get_by_role("link", name=PIPS)).to_be_focused()
        page.keyboard.press("k")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text(HARBOUR)
        assert window.said == []


def test_a_task_is_put_off_and_another_done_without_a_script(browser: Browser, portal: Queueing, address: str) -> None:
    with a_window(browser, portal, address, MANAGER, DESK) as window:
        window.page.route("**/*.js", lambda route: route.abort())
        page = window.page
        page.goto("/desk?whose=all&kind=documents_wait")
        page.get_by_role("row", name=GULF).get_by_role("button").click()
        expect(page.get_by_role("status")).to_contain_text("Put off")
        page.goto(the_path(portal, PIPS))
        page.select_option("[name=outcome]", "spoke")
        page.fill("[name=note]", "She plans a new page")
        page.get_by_role("button", name="Mark as done").click()
        expect(page.get_by_role("status")).to_contain_text("Done.")
        expect(page.get_by_role("link", name=PIPS)).to_have_count(0)
