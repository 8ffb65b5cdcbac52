"""A partner's reports in a real browser: they fit a phone, light and dark and mirrored, and so does the letter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from introducer_ops.localcloud import LocalCloud
from tests.browser.serving import MARKS
from tests.browser.window import WINDOWS, Window
from tests.browser.world import PARTNER, Portal, Visitor, a_portal

pytestmark = MARKS


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud) as world:
        yield world


@pytest.fixture(scope="module")
def owner(portal: Portal) -> Visitor:
    return portal.signed_in(PARTNER)


@pytest.mark.parametrize(("width", "language", "theme"), WINDOWS)
def test_the_report_and_its_letter_fit(
    browser: Browser, address: str, owner: Visitor, width: int, language: str, theme: str
) -> None:
    with Window(browser, address, width) as window:
        page = window.carries(owner.cookies, language=language, theme=theme)
        for path in ("/reports?rows=link&against=before&metrics=clicks,lots,earnings,epc,ecpa", "/reports/value"):
            page.goto(path)
            assert page.locator("main table").count() > 0
            assert window.sideways() == 0
        page.goto("/reports/summary")
        assert window.sideways() == 0
        assert window.barriers() == []
        page.locator("main a[href^='/reports/letter']").click()
        page.wait_for_url("**/reports/letter**")
        assert page.locator("h1").count() == 1
        picture = page.locator("img")
        assert picture.evaluate("one => one.complete && one.naturalWidth > 0")
        assert window.sideways() == 0
