"""What scripts add to every page, in a real browser: keys, questions as dialogs, parts that go on by themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from introducer_ops.localcloud import LocalCloud
from tests.browser.serving import MARKS
from tests.browser.window import PHONE, Window
from tests.browser.world import DEALT, PARTNER, STAFF, Portal, a_portal

pytestmark = MARKS


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        yield world


def test_keys_walk_through_lists_open_fields_and_say_what_they_do(browser: Browser, address: str) -> None:
    with Window(browser, address) as window:
        page = window.sign_in(STAFF)
        page.goto("/desk/partners")
        names = page.locator("tbody .title a")
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(names.nth(1)).to_be_focused()
        page.keyboard.press("k")
        expect(names.nth(0)).to_be_focused()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("Down and up in a list")
        assert window.barriers() == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        # a chip opens into its choices, and gives the focus back
        chip = page.locator(".filter summary").first
        chip.press("Enter")
        expect(page.locator(".filter ul").first).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(page.locator(".filter ul").first).to_be_hidden()
        expect(chip).to_be_focused()
        assert window.said == []


def test_what_cannot_be_undone_is_asked_in_a_dialog_and_in_a_fold_without_scripts(
    browser: Browser, address: str, portal: Portal
) -> None:
    question = "Remove Robin Vale?"
    for scripts in (True, False):
        with Window(browser, address, PHONE, java_script_enabled=scripts) as window:
            page = window.carries(portal.signed_in(DEALT).cookies)
            page.goto("/settings/team")
            page.locator("summary", has_text="Change").click()
            page.locator(".ask summary").click()
            place = page.get_by_role("dialog", name=question) if scripts else page.get_by_role("region", name=question)
            expect(place.get_by_role("button", name="Remove")).to_be_visible()
            if scripts:
                assert (window.barriers(), window.sideways()) == ([], 0)
                place.get_by_role("button", name="Close").click()
                expect(page.locator(".ask summary")).to_be_focused()
                page.keyboard.press("Enter")
                page.keyboard.press("Escape")
                expect(place).to_have_count(0)
                # a browser gives the focus back before it says that a dialog closed: who is quick asks again by then
                page.keyboard.press("Enter")
                page.evaluate("""() => {
                    document.querySelector('dialog[open] button[type=button]').click();
                    document.activeElement.click();
                }""")
                expect(place.get_by_role("button", name="Remove")).to_be_visible()
                expect(page.locator("dialog[open]")).to_have_count(1)
                page.keyboard.press("Escape")
                expect(place).to_have_count(0)
                expect(page.locator(".ask summary")).to_be_focused()
            assert window.said == []


ROUNDS = """
    window.rounds = -1;
    const later = window.setTimeout;
    window.setTimeout = (what, after, ...more) => {
        if (after >= 5000) window.rounds += 1;
        return later(what, after, ...more);
    };
"""
"""A page says how many rounds of looking again are over: each ends with the wait for the next one."""


def looks_again(page: Page, address: str, rounds: int) -> int:
    """A minute goes by. The status of what the page asked for; it has done with the answer what it does."""
    with page.expect_response(lambda response: response.url == f"{address}/") as heard:
        page.clock.fast_forward(61_000)
    for _ in range(400):
        if page.evaluate("window.rounds") == rounds:
            return heard.value.status
        page.wait_for_timeout(25)
    raise AssertionError("The page did not go on.")


def test_a_part_that_goes_on_by_itself_is_sent_when_there_is_news(
    browser: Browser, address: str, portal: Portal
) -> None:
    with Window(browser, address) as window:
        page = window.carries(portal.signed_in(PARTNER).cookies)
        page.clock.install()
        page.add_init_script(ROUNDS)
        page.goto("/")
        for rounds, status in enumerate((200, 304, 304), 1):
            assert looks_again(page, address, rounds) == status

        # A part that somebody stood in when there was news is not forgotten.
        page.goto("/")
        part = page.locator("[data-again]", has=page.locator("a:visible")).first
        part.evaluate("part => part.append('of yesterday')")
        for rounds, (stands, status) in enumerate(((True, 200), (False, 200), (False, 304)), 1):
            link = part.locator("a:visible").first
            link.focus() if stands else page.evaluate("document.activeElement.blur()")
            assert looks_again(page, address, rounds) == status
            expect(part.get_by_text("of yesterday")).to_have_count(1 if stands else 0)
        assert window.said == []
