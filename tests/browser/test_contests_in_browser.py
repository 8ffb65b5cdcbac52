"""Contests in a browser: on any screen and read both ways, joined without scripts, counted on while one looks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from introducer.domain.contest import Contest
from tests.browser.serving import MARKS
from tests.browser.window import DESK, PHONE, Window
from tests.support.contest_pages import SPRING, ContestPages, contest_pages
from tests.support.payday import GULF, HARBOUR, PIPS

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""


@pytest.fixture(scope="module")
def portal() -> Iterator[ContestPages]:
    with pytest.MonkeyPatch.context() as patch, contest_pages(patch) as world:
        yield world


@pytest.fixture(scope="module")
def spring(portal: ContestPages) -> Contest:
    """It runs, with sixty who take part, Harbour among the last."""
    contest = portal.running(public=True)
    portal.crowd(contest, 60)
    portal.enters(contest, HARBOUR)
    portal.enters(contest, GULF, GULF)
    portal.scores(contest, HARBOUR, ftd=3)
    portal.scores(contest, GULF, ftd=200)
    return contest


def test_contests_are_looked_at_on_any_screen_and_keep_nobody_out(
    browser: Browser, portal: ContestPages, address: str, spring: Contest
) -> None:
    result = portal.running("The last one")
    portal.enters(result, HARBOUR)
    portal.scores(result, HARBOUR, ftd=3)
    portal.counted(result)
    with Window(browser, address, PHONE) as window:
        page = window.carries(portal.signed_in(HARBOUR).cookies, language="ar", theme="dark")
        for path in ("/contests", *(f"/contests/{each.contest}" for each in (result, spring))):
            page.goto(path)
            page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
            assert (path, window.sideways()) == (path, 0)
        assert (window.barriers(), window.said) == ([], [])
    with Window(browser, address, PHONE, locale="ar") as window:
        window.page.goto(f"/public/contests/{spring.contest}")
        assert (window.sideways(), window.barriers(), window.said) == (0, [], [])
        expect(window.page.locator("html")).to_have_attribute("dir", "rtl")


def test_a_contest_is_joined_without_scripts(browser: Browser, portal: ContestPages, address: str) -> None:
    contest = portal.planned("The next one")
    with Window(browser, address, DESK, java_script_enabled=False) as window:
        page = window.carries(portal.signed_in(PIPS).cookies)
        page.goto("/contests")
        page.get_by_role("link", name="The next one").click()
        page.get_by_role("link", name="Read the rules and join").click()
        page.fill("[name=shown_as]", "Coffee first")
        page.get_by_role("button", name="Accept the rules and join").click()
        expect(page.get_by_role("status")).to_contain_text("You take part")
    entry = portal.contests.entry(contest.contest, portal.partners[PIPS])
    assert entry is not None and (entry.takes_part, entry.shown_as) == (True, "Coffee first")


def test_the_board_follows_what_is_counted_while_one_looks(
    browser: Browser, portal: ContestPages, address: str, spring: Contest
) -> None:
    with Window(browser, address, PHONE) as window:
        window.page.clock.install()
        page = window.carries(portal.signed_in(HARBOUR).cookies)
        page.goto(f"/contests/{spring.contest}")
        expect(page.get_by_role("heading", name=SPRING)).to_be_visible()
        expect(page.locator(".hero")).to_have_text("61 of 62")
        # when somebody types a name while the engine counts on
        page.fill("[name=shown_as]", "Half a na")
        portal.scores(spring, HARBOUR, ftd=500)
        portal.now = portal.now.replace(second=30)
        page.clock.run_for(11_000)
        expect(page.locator(".hero")).to_have_text("1 of 62")
        expect(page.locator("tr.fresh")).to_contain_text("500")
        expect(page.locator("[name=shown_as]")).to_have_value("Half a na")
