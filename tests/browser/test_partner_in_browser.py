"""A partner on one page in a browser: on a phone and on a desk, read both ways, with nothing about it and with all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.serving import MARKS
from tests.browser.test_payouts_in_browser import a_window
from tests.browser.window import PHONE, WINDOWS
from tests.support.at_once import FRESH, AtOnce, at_once
from tests.support.payday import HARBOUR, MANAGER

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""

SHOTS = os.environ.get("SCREENSHOTS", "")
"""A folder for pictures of what is looked at; none unless set."""


@pytest.fixture(scope="module")
def portal() -> Iterator[AtOnce]:
    with pytest.MonkeyPatch.context() as patch, at_once(patch) as world:
        yield world


@pytest.mark.parametrize(("width", "language", "theme"), WINDOWS)
def test_a_partner_fits_on_one_page_and_keeps_nobody_out(
    browser: Browser, portal: AtOnce, address: str, width: int, language: str, theme: str
) -> None:
    with a_window(browser, portal, address, MANAGER, width, language=language, theme=theme) as window:
        for name in (HARBOUR, FRESH):
            window.page.goto(portal.page(name))
            if SHOTS:
                shot = f"{'harbour' if name == HARBOUR else 'fresh'}-{width}-{language}-{theme}.png"
                window.page.screenshot(path=Path(SHOTS) / shot, full_page=True)
            assert window.sideways() == 0
            assert window.barriers() == []
        assert window.said == [], "a name runs nothing"


def test_a_manager_goes_from_the_list_to_the_partner_and_writes_to_it(
    browser: Browser, portal: AtOnce, address: str
) -> None:
    with a_window(browser, portal, address, MANAGER, PHONE, language="en") as window:
        window.page.route("**/*.js", lambda route: route.abort())
        page = window.page
        page.goto("/desk/partners")
        page.get_by_role("link", name=HARBOUR).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"How {HARBOUR} is doing")
        page.get_by_text("Write to the partner").click()
        page.fill("[name=subject]", "Your new page")
        page.fill("[name=text]", "It looks well.")
        page.get_by_role("button", name="Send to the partner").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your new page")
        page.get_by_role("link", name=HARBOUR).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"How {HARBOUR} is doing")
        expect(page.get_by_role("link", name="Your new page")).to_be_visible()
