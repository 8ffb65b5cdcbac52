"""Writing a deal in a real browser: checked without a script, read in words, proposed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from introducer_ops.localcloud import LocalCloud
from tests.browser.serving import MARKS
from tests.browser.window import PHONE, WINDOWS, Window
from tests.browser.world import STAFF, UNDEALT, Portal, Visitor, a_portal
from tests.support.builders import lot, revshare, terms
from tests.support.deals import PARTNER as EVERYTHING

pytestmark = MARKS

REFUSED = "error: Failed to load resource: the server responded with a status of 422"


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        yield world


@pytest.fixture(scope="module")
def manager(portal: Portal) -> Visitor:
    return portal.signed_in(STAFF)


@pytest.mark.parametrize(("width", "language", "theme"), WINDOWS)
def test_the_form_the_words_and_what_is_wrong_fit_and_can_be_read(
    browser: Browser, address: str, portal: Portal, manager: Visitor, width: int, language: str, theme: str
) -> None:
    with Window(browser, address, width) as window:
        page = window.carries(manager.cookies, language=language, theme=theme)
        page.goto(f"/desk/partners/{portal.partners[UNDEALT]}/deal/new")
        for summary in page.locator("details.figures summary").all():
            summary.click()
        assert (window.sideways(), window.barriers()) == (0, [])

        page.fill("[name=terms]", json.dumps(EVERYTHING))
        page.click("button[formaction]")
        expect(page.locator(".clause")).to_have_count(len(EVERYTHING["rules"]) + 1)
        assert (window.sideways(), window.barriers()) == (0, [])

        page.fill("[name=terms]", json.dumps(terms(revshare("a"), name="x" * 60)))
        page.click("button[formaction]")
        expect(page.locator("#note-terms li")).to_have_count(2)
        assert (window.sideways(), window.barriers()) == (0, [])
        assert [each for each in window.said if not each.startswith(REFUSED)] == []


def test_terms_are_checked_and_proposed_without_scripts(browser: Browser, address: str, portal: Portal) -> None:
    wanted = terms(revshare("27", "carry"), lot("3.00"), days=12)
    with Window(browser, address, PHONE, java_script_enabled=False) as window:
        page = window.sign_in(STAFF)
        home = f"/desk/partners/{portal.partners[UNDEALT]}/deal"
        page.goto(home)
        page.get_by_role("link", name="Propose new terms").click()

        # when the terms are wrong, and then right
        page.fill("[name=terms]", json.dumps(wanted).replace('"27"', "27"))
        page.get_by_role("button", name="Check and show the words").click()
        expect(page.locator("#note-terms")).to_contain_text("rules[0].percent")
        page.fill("[name=terms]", json.dumps(wanted))
        page.get_by_role("button", name="Check and show the words").click()

        # then the words stand there, nothing is kept, and what was typed is proposed
        expect(page.get_by_role("status")).to_contain_text("These terms can be proposed.")
        expect(page.locator(".clause").first).to_contain_text("27% of each client's net revenue of a month.")
        assert portal.configuration.deals(portal.partners[UNDEALT]) == []
        page.fill("[name=reason]", "Agreed on the phone")
        page.get_by_role("button", name="Propose these terms").click()
        page.wait_for_url(lambda url: "proposed=1" in url)
        expect(page.get_by_role("status")).to_contain_text("The partner reads these words and accepts them.")
        [kept] = portal.configuration.deals(portal.partners[UNDEALT])
        assert json.loads(kept.terms) == wanted


def test_the_words_follow_what_is_typed(browser: Browser, address: str, portal: Portal, manager: Visitor) -> None:
    before = portal.configuration.deals(portal.partners[UNDEALT])
    with Window(browser, address) as window:
        page = window.carries(manager.cookies, language="en")
        page.goto(f"/desk/partners/{portal.partners[UNDEALT]}/deal/new")
        words = page.locator("#live-words")
        expect(words).to_contain_text("The words stand here after a check")

        page.fill("[name=terms]", json.dumps(terms(revshare("37", "carry"), days=12)))
        expect(words).to_contain_text("37%")
        page.fill("[name=terms]", json.dumps(terms(revshare("a"))))
        expect(words).to_contain_text("These terms cannot be read yet")

        # nothing was kept, nothing was left, and what is typed stays
        assert page.locator("[name=terms]").input_value() == json.dumps(terms(revshare("a")))
        assert portal.configuration.deals(portal.partners[UNDEALT]) == before
