"""Cases in a browser: looked at on any screen and read both ways, decided and answered without scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.serving import MARKS
from tests.browser.window import DESK, PHONE, Window
from tests.support.casework import CLIENTS, COMPLIANCE, Casework, a_casework, a_cluster
from tests.support.payday import GULF, HARBOUR

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""


@pytest.fixture(scope="module")
def portal() -> Iterator[Casework]:
    """A case about nine of Harbour's clients is open."""
    with pytest.MonkeyPatch.context() as patch, a_casework(patch) as world:
        world.opened()
        yield world


def test_a_case_is_looked_at_on_any_screen_and_keeps_nobody_out(
    browser: Browser, portal: Casework, address: str
) -> None:
    case = portal.case_books.cases.of_partner(portal.harbour)[0]
    desk, own = f"/desk/cases/{case.partner}/{case.case}", f"/cases/{case.case}"
    for who, paths in ((COMPLIANCE, ("/desk/cases", f"/desk/cases/{case.partner}", desk)), (HARBOUR, ("/cases", own))):
        with Window(browser, address, PHONE) as window:
            page = window.carries(portal.signed_in(who).cookies, language="ar", theme="dark")
            for path in paths:
                page.goto(path)
                page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
                assert (path, window.sideways()) == (path, 0)
            assert (window.barriers(colours=who == COMPLIANCE), window.said) == ([], [])


def test_two_clients_are_ticked_and_disallowed_without_scripts(
    browser: Browser, portal: Casework, address: str
) -> None:
    case = portal.finds(a_cluster(CLIENTS[:4]), partner=GULF)
    with Window(browser, address, DESK, java_script_enabled=False) as window:
        page = window.carries(portal.signed_in(COMPLIANCE).cookies)
        page.goto(f"/desk/cases/{case.partner}/{case.case}")
        page.fill("[name=text]", "The photos are of one room")
        page.get_by_role("button", name="Keep as a note").click()
        expect(page.locator(".message")).to_contain_text("Note, for staff alone")
        for client in CLIENTS[1:3]:
            page.check(f"input[value='{client}']")
        page.select_option("[name=which]", "ticked")
        page.select_option("[name=code]", "fake_registrations")
        page.fill("[name=why]", "They share one room")
        page.get_by_role("button", name="Disallow", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("Disallowed: the books take it back")
    verdict = portal.case(case).verdict
    assert verdict is not None and verdict.clients == CLIENTS[1:3]
