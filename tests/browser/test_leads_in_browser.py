"""A partner's form in a browser: on a phone and read both ways, sent without scripts; and what both sides see after.
Whose client somebody is, and by what, is looked at there too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.serving import MARKS
from tests.browser.window import DESK, PHONE, Window
from tests.support.evidencing import Evidencing, an_evidencing
from tests.support.leading import PERSON, Leading
from tests.support.payday import HARBOUR, MANAGER, PIPS

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""


@pytest.fixture(scope="module")
def portal() -> Iterator[Evidencing]:
    with pytest.MonkeyPatch.context() as patch, an_evidencing(patch) as world:
        yield world


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
def test_the_form_fits_a_phone_and_keeps_nobody_out(
    browser: Browser, portal: Leading, address: str, language: str, theme: str
) -> None:
    with Window(browser, address, PHONE, locale=language) as window:
        asked: list[str] = []
        window.page.on("request", lambda request: asked.append(request.url))
        page = window.carries({}, theme=theme)
        page.goto(f"/leads/{portal.codes[HARBOUR]}")
        expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
        assert (window.sideways(), window.barriers(), window.said) == (0, [], [])
        # wrong in every field, and still within the screen
        page.evaluate("document.querySelector('main form').noValidate = true")
        page.fill("[name=name]", "م" * 100)
        page.fill("[name=email]", "no")
        page.fill("[name=phone]", "030")
        with page.expect_navigation():
            page.click("main form button.primary")
        expect(page.locator("[aria-invalid=true]")).to_have_count(1)
        assert (window.sideways(), window.barriers(colours=False)) == (0, [])
        assert {url.startswith(address) for url in asked} == {True}, "no other host is asked"


def test_the_form_is_sent_without_scripts(browser: Browser, portal: Leading, address: str) -> None:
    with Window(browser, address, PHONE, java_script_enabled=False) as window:
        page = window.page
        page.goto(f"/leads/{portal.codes[PIPS]}")
        for name, value in PERSON.items():
            page.fill(f"[name={name}]", value)
        expect(page.locator("[name=website]")).not_to_be_in_viewport()
        page.check("[name=consent]")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("status")).to_contain_text("somebody will contact you soon")
    assert len(portal.machine(PIPS).get("/leads").json["items"]) == 1


def test_leads_are_looked_at_on_any_screen_and_worked_by_a_manager(
    browser: Browser, portal: Leading, address: str
) -> None:
    lead = portal.lead(HARBOUR, name="مارا Quill of the very long name that wants to break", email="x@example.com",
                       phone="+971501234567", key="shown")  # fmt: skip
    portal.does(MANAGER, lead, "notes", text="اتصل بعد السادسة, after six")
    seller = portal.books.leads.lead(lead).salesperson
    with Window(browser, address, PHONE) as window:
        page = window.carries(portal.signed_in(HARBOUR).cookies, language="ar")
        page.goto("/leads")
        assert (window.sideways(), window.barriers(), window.said) == (0, [], [])
    with Window(browser, address, PHONE) as window:
        page = window.carries(portal.signed_in(MANAGER).cookies, language="ar")
        for path in (f"/desk/leads?salesperson={seller}", f"/desk/leads/{lead}"):
            page.goto(path)
            page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
            assert (path, window.sideways(), window.barriers(), window.said) == (path, 0, [], [])
    with Window(browser, address, DESK) as window:
        page = window.carries(portal.signed_in(MANAGER).cookies)
        page.goto(f"/desk/leads?salesperson={seller}")
        page.get_by_role("link", name="Quill of the very long").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Quill")
        page.select_option("[name=stage]", "contacted")
        page.get_by_role("button", name="Move it").click()
        expect(page.get_by_role("status")).to_contain_text("Moved.")
        assert (window.sideways(), window.barriers(), window.said) == (0, [], [])


def test_evidence_and_promo_codes_are_looked_at_on_a_phone_read_from_the_right(
    browser: Browser, portal: Evidencing, address: str
) -> None:
    # given a client with a recorded click, a code of the longest kind and a decision with a reason in two scripts
    click, code, campaign = portal.clicked(), "W" * 32, portal.configuration.campaigns(portal.brand)[0].campaign
    portal.records(click)
    given = {"code": code, "reason": "مجلة الربيع, in print"}
    codes = f"/desk/partners/{portal.partners[HARBOUR]}/codes"
    assert portal.machine(MANAGER).post(codes, given, as_json=True).status == 201
    client = portal.a_client(
        {"click_id": click, "promo_code": code}, {"click_id": portal.clicked(PIPS, before=timedelta(days=2))}
    )
    wish = {"partner": portal.partners[PIPS], "since": "beginning", "reason": "التقينا في المعرض, at our own fair"}
    assert portal.machine(MANAGER).post(f"/desk/clients/{client}", wish, as_json=True).status == 201
    portal.follow(client)
    # then nothing leaves the screen, and nobody is kept out
    with Window(browser, address, PHONE) as window:
        page = window.carries(portal.signed_in(MANAGER).cookies, language="ar", theme="dark")
        for path in (
            f"/desk/clients/{client}/evidence", codes, f"/desk/codes?code={code}",
            f"/desk/campaigns/{campaign}/attribution",
        ):  # fmt: skip
            page.goto(path)
            assert (path, window.sideways(), window.barriers(), window.said) == (path, 0, [], [])
    with Window(browser, address, PHONE) as window:
        page = window.carries(portal.signed_in(HARBOUR).cookies, language="ar")
        for path in ("/codes", "/clients"):
            page.goto(path)
            assert (path, window.sideways(), window.barriers(), window.said) == (path, 0, [], [])
