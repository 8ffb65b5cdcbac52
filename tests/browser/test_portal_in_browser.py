"""The portal in a real browser: phone and desk, light and dark, both directions, with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from introducer.services.propose_deal import propose_deal
from introducer_ops.localcloud import LocalCloud
from tests.browser.serving import MARKS
from tests.browser.window import DESK, PHONE, WINDOWS, Window
from tests.browser.world import (
    AUTHOR,
    CALM,
    DEALT,
    NEWCOMER,
    PARTNER,
    SOURCE,
    STAFF,
    UNDEALT,
    Portal,
    a_portal,
)
from tests.support.builders import revshare, terms

pytestmark = MARKS

PARTNER_PAGES = ("/", "/links", "/clients", "/earnings", "/earnings/{journal}", "/deal")


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud) as world:
        yield world


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_signing_in_leads_to_what_was_earned(browser: Browser, address: str, width: int) -> None:
    with Window(browser, address, width) as window:
        page = window.sign_in()

        expect(page.locator("h1")).to_have_text("What you earned")
        hero = page.locator(".hero").first
        expect(hero).to_be_in_viewport()
        expect(hero).to_contain_text("EUR")
        assert window.said == []


@pytest.mark.parametrize(("width", "language", "theme"), WINDOWS)
def test_signing_in_is_open_to_everybody_and_fits(
    browser: Browser, address: str, width: int, language: str, theme: str
) -> None:
    with Window(browser, address, width) as window:
        root = window.prefers(language=language, theme=theme).locator("html")
        expect(root).to_have_attribute("lang", language)
        expect(root).to_have_attribute("data-theme", theme)
        expect(root).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
        assert (window.barriers(colours=True), window.sideways(), window.said) == ([], 0, [])


@pytest.mark.parametrize(("width", "language", "theme"), WINDOWS)
def test_a_deal_in_every_phase_fits(
    browser: Browser, address: str, portal: Portal, width: int, language: str, theme: str
) -> None:
    with Window(browser, address, width) as window:
        page = window.carries(portal.signed_in(DEALT).cookies, language=language, theme=theme)
        for path in ("/deal", "/deal?version=1", "/deal?version=5"):
            page.goto(path)
            assert (window.barriers(), window.sideways(), window.said) == ([], 0, []), path


def test_a_barrier_and_an_overflow_would_be_found(browser: Browser, address: str) -> None:
    """Else the test above could not fail."""
    with Window(browser, address, PHONE) as window:
        window.page.goto("/sign-in")
        window.page.evaluate(
            """() => {
                const button = document.createElement("button");
                document.querySelector("main").append(button);
                button.animate([{ minWidth: "900px" }], { fill: "forwards" });
            }"""
        )
        window.page.wait_for_timeout(100)
        assert any("button-name" in barrier for barrier in window.barriers())
        assert window.sideways() > 0


def test_from_the_month_down_to_the_facts_and_back(browser: Browser, address: str) -> None:
    with Window(browser, address, PHONE) as window:
        page = window.sign_in()

        page.locator(".hero a").click()
        expect(page.locator("h1")).to_have_text("What was posted")
        page.locator("tbody tr").first.click()
        expect(page.locator("h1")).to_have_text("How this earning came about")
        expect(page.get_by_text("This entry: the difference")).to_be_visible()
        page.locator(".crumb a").click()
        expect(page.locator("h1")).to_have_text("What was posted")
        assert window.said == []


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_the_deal_is_found_read_and_accepted(browser: Browser, address: str, portal: Portal, width: int) -> None:
    with Window(browser, address, width) as window:
        # given an owner to whom other terms were proposed
        partner = portal.partners[UNDEALT]
        proposal = propose_deal(
            portal.configuration,
            partner=partner,
            terms=terms(revshare("31" if width == PHONE else "32")),
            author=AUTHOR,
            clock=portal.wiring.now,
        )

        # when the page is opened by its place: in the rail, or on a phone under "More"
        page = window.sign_in(UNDEALT)
        if width == PHONE:
            expect(page.get_by_role("link", name="Deal")).to_have_count(0)
            page.locator(".more summary").click()
        page.get_by_role("link", name="Deal").click()
        expect(page.locator("h1")).to_have_text("What you are paid for")
        expect(page.locator("main .code", has_text=proposal.terms_hash[:12])).to_be_visible()
        page.get_by_role("button", name="Accept these terms").click()

        # then the page says from when on they hold, and asks no more
        expect(page.get_by_role("status")).to_contain_text(f"You accepted version {proposal.version}")
        expect(page.get_by_role("button", name="Accept these terms")).to_have_count(0)
        assert (window.barriers(), window.sideways(), window.said) == ([], 0, [])


def test_from_a_receipt_to_the_words_it_was_paid_by(browser: Browser, address: str, portal: Portal) -> None:
    with Window(browser, address, PHONE) as window:
        page = window.sign_in()
        page.goto(f"/earnings/{portal.first_journal()}")
        page.get_by_role("link", name="Version 1").click()

        expect(page.locator("h1")).to_have_text("Version 1")
        expect(page.locator(".clause").first).to_contain_text("For each client who qualifies: 200.00")
        assert window.said == []


def test_tables_are_cards_on_a_phone_and_tables_on_a_desk(browser: Browser, address: str) -> None:
    for width, shown in ((PHONE, "flex"), (DESK, "table-row")):
        with Window(browser, address, width) as window:
            window.sign_in().goto("/clients")
            row = window.page.locator("tbody tr").first
            assert row.evaluate("row => getComputedStyle(row).display") == shown
            assert row.get_attribute("role") == "row", "a reader still hears a table"


def test_a_link_is_made_and_copied(browser: Browser, address: str) -> None:
    with Window(browser, address, PHONE, permissions=["clipboard-read", "clipboard-write"]) as window:
        page = window.sign_in()
        page.goto("/links")
        page.get_by_text("Create a link").click()
        page.get_by_role("button", name="Create the link").click()

        notice = page.get_by_role("status")
        expect(notice).to_contain_text("is ready")
        notice.get_by_role("button").click()
        expect(notice.get_by_role("button")).to_have_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == notice.locator(".code").inner_text()
        assert window.said == []


def test_a_new_login_chooses_its_password(browser: Browser, address: str) -> None:
    with Window(browser, address, PHONE) as window:
        page = window.sign_in(NEWCOMER, "First-word-1")
        expect(page.locator("h1")).to_have_text("Choose your own password")
        assert (window.barriers(), window.sideways()) == ([], 0)

        page.fill("[name=password]", "Own-word-22-xy")
        page.fill("[name=again]", "Own-word-22-xy")
        page.press("[name=again]", "Enter")

        expect(page.locator("h1")).to_have_text("What you earned")


def test_a_wrong_password_keeps_the_address(browser: Browser, address: str) -> None:
    with Window(browser, address) as window:
        page = window.page
        page.goto("/sign-in")
        page.fill("[name=email]", PARTNER)
        page.fill("[name=password]", "wrong")
        page.press("[name=password]", "Enter")

        expect(page.get_by_role("alert")).to_have_text("E-mail and password do not belong together.")
        expect(page.locator("[name=email]")).to_have_value(PARTNER)
        expect(page.locator("[name=password]")).to_have_value("")
        assert window.barriers() == []


def test_everything_works_without_scripts(browser: Browser, address: str, portal: Portal) -> None:
    # given a browser that runs no scripts
    with Window(browser, address, PHONE, java_script_enabled=False) as window:
        # when it signs in, changes theme and language, makes a link and looks around
        page = window.sign_in()
        page.locator(".more summary").click()
        page.locator(".panel button[value=dark]").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.locator(".more summary").click()
        page.locator(".panel button[value=pl]").click()
        expect(page.locator("h1")).to_have_text("Ile zarabiasz")
        page.goto("/links")
        page.locator("main summary.primary").click()
        page.locator("main form button").click()

        # then all of it is there to read, and no button is shown that would do nothing
        expect(page.get_by_role("status")).to_be_visible()
        assert page.locator("[data-copy]:visible").count() == 0
        for path in PARTNER_PAGES:
            page.goto(path.format(journal=portal.first_journal()))
            expect(page.locator("h1")).to_be_visible()
        page.goto("/")
        page.locator(".figures summary").first.click()
        expect(page.locator(".figures table").first).to_be_visible()
        page.locator(".more summary").click()
        expect(page.locator(".panel form[action='/sign-out'] button")).to_be_visible()


def test_the_device_decides_the_theme_unless_told(browser: Browser, address: str) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        with Window(browser, address, color_scheme=scheme) as window:
            window.page.goto("/sign-in")
            grounds[scheme] = _ground(window.page)
            window.prefers(theme="light")
            grounds[f"{scheme}, told light"] = _ground(window.page)

    assert grounds["light"] != grounds["dark"]
    assert grounds["light"] == grounds["light, told light"] == grounds["dark, told light"]


def test_the_desk_is_walked_by_keys(browser: Browser, address: str) -> None:
    with Window(browser, address) as window:
        page = window.sign_in()
        page.goto("/earnings")

        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 1
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("How this earning came about")

        window.context.clear_cookies()
        page = window.sign_in(STAFF)
        page.goto("/desk/events")
        page.keyboard.press("/")
        expect(page.locator("[name=source]")).to_be_focused()


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_day_that_needs_a_person_is_seen_first_and_leads_to_its_messages_and_back(
    browser: Browser, address: str, width: int
) -> None:
    with Window(browser, address, width) as window:
        page = window.sign_in(STAFF)
        page.goto("/desk/events")

        first = page.locator("tbody tr").first
        expect(first).to_be_in_viewport()
        expect(first).to_contain_text("17 Apr 2026")
        expect(first).to_contain_text("Needs a person")
        first.click()
        expect(page.locator("article h2")).to_contain_text(["An exchange rate is missing"])
        expect(page.get_by_label("Source")).to_have_value(SOURCE)
        expect(page.get_by_label("Day", exact=True)).to_have_value("2026-04-17")
        page.locator(".crumb a").click()
        expect(page).to_have_url(f"{address}/desk/events")
        assert window.said == []


def test_a_source_is_chosen_and_not_typed(browser: Browser, address: str) -> None:
    with Window(browser, address, PHONE) as window:
        page = window.sign_in(STAFF)
        page.goto("/desk/events")
        page.get_by_label("Source").select_option(CALM)
        page.get_by_role("button", name="Show").click()

        expect(page.locator(".empty")).to_contain_text("Everything this source sent on that day was applied.")
        assert window.said == []


def test_the_keyboard_reaches_the_content_first(browser: Browser, address: str) -> None:
    with Window(browser, address) as window:
        page = window.sign_in()
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        expect(page.locator(".skip")).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()


def test_the_menu_of_the_desk_opens_and_closes(browser: Browser, address: str) -> None:
    with Window(browser, address) as window:
        page = window.sign_in()
        page.locator(".menu summary").click()
        expect(page.locator(".menu button[value=ar]")).to_be_visible()
        assert window.barriers() == []
        page.keyboard.press("Escape")
        expect(page.locator(".menu button[value=ar]")).to_be_hidden()


def _ground(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour
