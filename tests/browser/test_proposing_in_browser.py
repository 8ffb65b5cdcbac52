"""Writing a deal in a real browser: checked without a script, read in words, proposed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from introducer.domain.terms import parse_terms
from introducer_ops.localcloud import LocalCloud
from tests.browser.serving import MARKS
from tests.browser.window import PHONE, WINDOWS, Window
from tests.browser.world import STAFF, UNDEALT, Portal, Visitor, a_portal
from tests.support.builders import cpa, lot, revshare, terms
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
        for kind in ("cpa", "lot", "bonus", "override"):
            page.locator(f"details:has([value^=example-{kind}]) > summary").click()
            with page.expect_navigation():
                page.locator(f"[value^=example-{kind}]").first.click()
        page.evaluate("for (const fold of document.querySelectorAll('details.figures')) fold.open = true")
        assert (window.sideways(), window.barriers()) == (0, [])

        with page.expect_navigation():
            page.click("button[value=json]")
        page.fill("[name=terms]", json.dumps(EVERYTHING))
        with page.expect_navigation():
            page.click("button[formaction$='#words']")
        expect(page.locator(".clause")).to_have_count(len(EVERYTHING["rules"]) + 1)
        assert (window.sideways(), window.barriers()) == (0, [])

        page.fill("[name=terms]", json.dumps(terms(revshare("a"), name="x" * 60)))
        with page.expect_navigation():
            page.click("button[formaction$='#words']")
        expect(page.locator("#note-terms li")).to_have_count(2)
        assert (window.sideways(), window.barriers()) == (0, [])

        # what is wrong in fields stands at them, also in a part that was folded
        page.fill("[name=terms]", json.dumps(terms(cpa())))
        with page.expect_navigation():
            page.click("button[value=form]")
        page.fill("[name='terms.rules.0.amounts.0.amount']", "much")
        page.locator("details:has([name='terms.rules.0.tiers.by']) > summary").click()
        page.select_option("[name='terms.rules.0.tiers.by']", "lots")
        with page.expect_navigation():
            page.click("button[formaction$='#words']")
        expect(page.locator("[id='note-terms.rules.0.amounts.0.amount']")).to_be_visible()
        expect(page.locator("[id='note-terms.rules.0.tiers.mode']")).to_be_visible()
        assert (window.sideways(), window.barriers()) == (0, [])
        assert [each for each in window.said if not each.startswith(REFUSED)] == []


def test_terms_are_checked_and_proposed_without_scripts(browser: Browser, address: str, portal: Portal) -> None:
    prices = lot("3.00") | {"groups": [{"symbols": ["XAUUSD"], "amount": "9.00"}, {"symbols": [], "amount": "3.00"}]}
    wanted = terms(revshare("27", "carry"), prices, days=12, net_revenue={"spread": "1", "commission": "1"})
    with Window(browser, address, PHONE, java_script_enabled=False) as window:
        page = window.sign_in(STAFF)
        home = f"/desk/partners/{portal.partners[UNDEALT]}/deal"
        page.goto(home)
        page.get_by_role("link", name="Propose new terms").click()

        # when a rule is added and a price more, one field is wrong, and then right
        page.locator("details:has([value^=example-lot]) > summary").click()
        page.locator("[value=example-lot-0]").click()
        first, second = "terms.rules.0.", "terms.rules.1."
        page.fill(f"[name='{first}percent']", "27 per cent")
        page.fill("[name='terms.hold.days']", "12")
        for name in ("min_holding_seconds", "tiers.bands.0.from", "tiers.bands.0.add"):
            page.fill(f"[name='{second}{name}']", "")
        page.select_option(f"[name='{second}tiers.by']", "")
        page.select_option(f"[name='{second}tiers.mode']", "")
        page.get_by_role("button", name="Remove", exact=True).nth(1).click()
        page.get_by_role("button", name="Add a price").first.click()
        page.fill(f"[name='{second}groups.0.symbols']", "XAUUSD")
        page.fill(f"[name='{second}groups.1.amount']", "3.00")
        page.get_by_role("button", name="Check and show the words").click()
        expect(page.locator(f"[id='note-{first}percent']")).to_have_text("Write it like 25")
        page.fill(f"[name='{first}percent']", "27")
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
        assert parse_terms(json.loads(kept.terms)) == parse_terms(wanted)


def test_the_words_follow_what_is_typed(browser: Browser, address: str, portal: Portal, manager: Visitor) -> None:
    before = portal.configuration.deals(portal.partners[UNDEALT])
    with Window(browser, address) as window:
        page = window.carries(manager.cookies, language="en")
        page.goto(f"/desk/partners/{portal.partners[UNDEALT]}/deal/new")
        words = page.locator("#live-words")
        expect(words).to_contain_text("The words stand here after a check")

        percent = page.locator("[name='terms.rules.0.percent']")
        percent.fill("37")
        expect(words).to_contain_text("37%")
        percent.fill("a")
        expect(words).to_contain_text("1 field is to be filled in or corrected")

        # also while somebody stands in them; and what could not be asked for is said
        percent.fill("45")
        words.focus()
        expect(words).to_contain_text("45%")
        expect(words).to_be_focused()
        page.route("**/new/check", lambda route: route.abort())
        percent.fill("46")
        expect(words).to_contain_text("These words may not be up to date")
        page.unroute("**/new/check")
        percent.fill("47")
        expect(words).to_contain_text("47%")
        expect(words.locator("[data-stale]")).to_be_hidden()

        # the same as JSON
        with page.expect_navigation():
            page.get_by_role("button", name="Write them as JSON").click()
        page.fill("[name=terms]", json.dumps(terms(revshare("38", "carry"), days=12)))
        expect(words).to_contain_text("38%")
        page.fill("[name=terms]", json.dumps(terms(revshare("a"))))
        expect(words).to_contain_text("These terms cannot be read yet")

        # nothing was kept, nothing was left, and what is typed stays
        assert page.locator("[name=terms]").input_value() == json.dumps(terms(revshare("a")))
        assert portal.configuration.deals(portal.partners[UNDEALT]) == before
