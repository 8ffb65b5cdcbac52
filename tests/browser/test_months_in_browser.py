"""Closed months in a real browser: on a phone and at a desk, in both directions, and writing the statements of one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from introducer_ops.localcloud import LocalCloud
from tests.browser.months import FINANCE, MARCH, Executions, a_portal_with_a_closed_month
from tests.browser.serving import MARKS
from tests.browser.window import PHONE, WINDOWS, Window
from tests.browser.world import PARTNER, Portal, Visitor

pytestmark = MARKS

PAGES = (
    (PARTNER, ("/statements", f"/statements/{MARCH}", "/settings/tax")),
    (FINANCE, ("/desk/months", "/desk/months?close=2026-02", "/desk/invoices")),
)


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal_with_a_closed_month(cloud) as world:
        yield world


@pytest.fixture(scope="module")
def people(portal: Portal) -> dict[str, Visitor]:
    """Who looks, signed in."""
    return {email: portal.signed_in(email) for email, _ in PAGES}


@pytest.mark.parametrize(("width", "language", "theme"), WINDOWS)
def test_pages_fit_their_window_and_keep_nobody_out(
    browser: Browser, address: str, people: dict[str, Visitor], width: int, language: str, theme: str
) -> None:
    with Window(browser, address, width) as window:
        for email, paths in PAGES:
            page = window.carries(people[email].cookies, language=language, theme=theme)
            for path in paths:
                page.goto(path)
                expect(page.locator("html")).to_have_attribute("lang", language)
                expect(page.locator("html")).to_have_attribute("data-theme", theme)
                expect(page.locator("h1")).to_be_visible()
                assert window.sideways() == 0, path
                assert window.barriers() == [], path
        assert window.said == []


def test_finance_writes_a_month_s_statements_with_two_clicks_and_a_reason(
    portal: Portal, browser: Browser, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    executions = Executions()
    monkeypatch.setitem(portal.wiring.__dict__, "closes", executions)
    with Window(browser, address, PHONE) as window:
        page = window.sign_in(FINANCE)
        page.goto("/desk/months")

        # when she asks for the form, and sends it without and then with a reason
        page.get_by_role("link", name="Write its statements February 2026").click()
        page.get_by_role("button", name="Write its statements").click()
        assert executions.started == {}
        page.get_by_label("Reason").fill("All platforms have reported")
        page.get_by_role("button", name="Write its statements").click()

        # then it runs, and the page says so
        expect(page.get_by_role("status")).to_contain_text("February 2026 is being closed")
        assert list(executions.started) == [f"2026-02-close-{portal.brand}"]
