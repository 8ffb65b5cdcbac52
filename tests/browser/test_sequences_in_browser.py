"""The pages of what new partners are written, in a browser: on a phone and on a desk, read both ways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.serving import MARKS
from tests.browser.test_payouts_in_browser import a_window
from tests.browser.window import DESK, PHONE
from tests.support.payday import HARBOUR, MANAGER, Payday, a_payday

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""

THERE = "/desk/sequences/onboarding"


@pytest.fixture(scope="module")
def portal() -> Iterator[Payday]:
    with pytest.MonkeyPatch.context() as patch, a_payday(patch) as world:
        yield world


def test_a_sequence_is_looked_at_on_a_phone_and_keeps_nobody_out(
    browser: Browser, portal: Payday, address: str
) -> None:
    paths = (f"{THERE}/preview?partner={portal.partners[HARBOUR]}", f"{THERE}/steps/terms", THERE)
    with a_window(browser, portal, address, MANAGER, PHONE, language="ar", theme="dark") as window:
        for path in paths:
            window.page.goto(path)
            assert window.sideways() == 0, path
            assert (path, window.barriers(), window.said) == (path, [], [])


def test_a_step_is_written_and_the_sequence_switched_on(browser: Browser, portal: Payday, address: str) -> None:
    with a_window(browser, portal, address, MANAGER, DESK, language="en") as window:
        page = window.page
        page.goto(f"{THERE}/steps/terms")
        assert window.sideways() == 0
        page.fill("[name=subject_en]", "Your terms, {nme}")
        page.fill("#field-why", "Shorter")
        page.get_by_role("button", name="Set the step").click()
        expect(page.get_by_text("A name in braces stands for nothing")).to_be_visible()
        page.fill("[name=subject_en]", "Your terms, {name}")
        page.get_by_role("button", name="Set the step").click()
        expect(page.get_by_role("link", name="Your terms, {name}")).to_be_visible()
        page.select_option("[name=on]", "yes")
        page.fill("#field-why", "Read by all of us")
        page.get_by_role("button", name="Save the changes").click()
        expect(page.get_by_text("It is off")).not_to_be_visible()
        expect(page.get_by_text("Set. Who had a step does not get it again.")).to_be_visible()
