"""Links in a browser: what a partner hands on, on a phone and read from right to left; a banner that staff add by
form is seen where the partner takes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.serving import MARKS
from tests.browser.window import DESK, PHONE, Window
from tests.support.payday import HARBOUR, MANAGER
from tests.support.pictures import drawn
from tests.support.promoting import OPEN, Promoting, a_promoting

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""


@pytest.fixture(scope="module")
def portal() -> Iterator[Promoting]:
    with pytest.MonkeyPatch.context() as patch, a_promoting(patch) as world:
        for language, said in (("en", "Trade with {brand}: {link}"), ("ar", "{campaign} عند {brand}\n{link}")):
            assert world.adds_text(language=language, text=said).status == 201
        assert world.adds_text(kind="text_link", name="Line", text="Open at {brand} " + "x" * 120).status == 201
        for size in ((728, 90), (160, 600)):
            assert world.adds_banner(drawn(*size), name="Spring" + "y" * 90, language="ar").status == 201
        yield world


def test_what_is_handed_on_fits_a_phone_and_keeps_nobody_out(browser: Browser, portal: Promoting, address: str) -> None:
    link = f"/links/{portal.codes[HARBOUR]}"
    with Window(browser, address, PHONE) as window:
        page = window.carries(portal.signed_in(HARBOUR).cookies, language="ar", theme="dark")
        for path in (f"{link}?sub1={'z' * 100}", f"{link}/materials"):
            page.goto(path)
            assert (window.sideways(), window.barriers(), window.said) == (0, [], []), path
            for picture in page.locator("main img").all():
                picture.scroll_into_view_if_needed()
                expect(picture).not_to_have_js_property("naturalWidth", 0)


def test_a_banner_that_staff_add_is_taken_by_a_partner_without_scripts(
    browser: Browser, portal: Promoting, address: str
) -> None:
    # given staff who choose a file
    with Window(browser, address, DESK) as window:
        page = window.carries(portal.signed_in(MANAGER).cookies)
        page.goto(portal.materials_path())
        assert (window.sideways(), window.barriers()) == (0, [])
        file = {"name": "Autumn_sale.png", "mimeType": "image/png", "buffer": drawn(468, 60)}
        page.set_input_files("[name=file]", [file])  # type: ignore[list-item]
        page.get_by_role("button", name="Add the banner").click()
        expect(page.get_by_role("status")).to_contain_text("Added")
        expect(page.locator("tr.fresh img")).to_have_attribute("alt", "Autumn sale")

    # when a partner whose browser runs no scripts puts in where it will stand
    with Window(browser, address, PHONE, java_script_enabled=False) as window:
        page = window.carries(portal.signed_in(HARBOUR).cookies)
        page.goto(f"/links/{portal.codes[HARBOUR]}")
        page.locator("summary").filter(has_text="Put in what you want to know again").click()
        page.fill("[name=sub1]", "blog & co")
        page.get_by_role("button", name="Put it in").click()
        page.get_by_role("link", name="Banners and texts with your link").click()
        page.get_by_text("Show some of them").click()
        page.select_option("[name=size]", "468x60")
        page.get_by_role("button", name="Show").click()

        # then its HTML has both
        html = page.locator("textarea").input_value()
        assert "?sub1=blog%20%26%20co" in html and 'alt="Autumn sale"' in html
        expect(page.locator("textarea")).to_have_count(1)


def test_a_campaign_gets_a_page_more_on_a_phone_without_scripts(
    browser: Browser, portal: Promoting, address: str
) -> None:
    path = f"/desk/campaigns/{portal.campaigns[OPEN]}"
    with Window(browser, address, PHONE, java_script_enabled=False) as window:
        page = window.carries(portal.signed_in(MANAGER).cookies)
        page.goto(f"{path}/edit")
        page.get_by_text("Add a page").click()
        page.locator("[name='pages.1.url']").fill("https://northgate.example/" + "long-" * 30)
        page.locator("[name='pages.1.devices']").select_option("mobile tablet")
        page.locator("[name=why]").fill("Phones have a page of their own")
        page.get_by_role("button", name="Save the changes").click()
        expect(page.get_by_role("status")).to_contain_text("Changed")
    with Window(browser, address, PHONE) as window:
        page = window.carries(portal.signed_in(MANAGER).cookies, language="ar", theme="dark")
        for asked in (f"{path}?country=DE&device=mobile", f"{path}/edit"):
            page.goto(asked)
            assert (window.sideways(), window.barriers(), window.said) == (0, [], []), asked
