"""Settings, team and API keys in a browser, on a phone and on a desk, read both ways; a key is made by hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.serving import MARKS
from tests.browser.test_payouts_in_browser import a_window
from tests.browser.window import DESK, PHONE, WINDOWS
from tests.support.access import Access, an_access_world
from tests.support.payday import ADMIN, HARBOUR, Payday

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""

SHOTS = os.environ.get("SCREENSHOTS", "")
"""A folder for pictures of what is looked at; none unless set."""


@pytest.fixture(scope="module")
def world() -> Iterator[Access]:
    with pytest.MonkeyPatch.context() as patch, an_access_world(patch) as found:
        yield found


@pytest.fixture(scope="module")
def portal(world: Access) -> Payday:
    return world.portal


def test_settings_team_and_keys_fit_and_keep_nobody_out(
    browser: Browser, world: Access, portal: Payday, address: str
) -> None:
    # given keys of each standing
    world.makes_key("links:read", "links:write", "earnings:read", name="مسابقة spreadsheet")
    gone = world.makes_key("clients:read", name="Old tracker")
    world.posts(f"/settings/keys/{gone['key']}/revoke", {})
    world.makes_key("desk:read", name="Data warehouse", who=ADMIN, role="manager", expires_on="2026-12-31")
    looks = {
        PHONE: [(HARBOUR, "/settings/keys"), (HARBOUR, "/settings/team"), (HARBOUR, "/settings")],
        DESK: [(ADMIN, "/desk/settings"), (ADMIN, "/desk/settings/brand"), (ADMIN, "/desk/settings/keys"),
               (ADMIN, "/desk/settings/staff")],
    }  # fmt: skip
    for width, language, theme in WINDOWS:
        for who, path in looks[width]:
            with a_window(browser, portal, address, who, width, language=language, theme=theme) as window:
                window.page.goto(path)
                for closed in window.page.locator("main details").all():
                    closed.evaluate("each => each.open = true")
                if SHOTS:
                    name = path.strip("/").replace("/", "-")
                    window.page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{language}.png", full_page=True)
                assert window.sideways() == 0, (path, width)
                assert window.barriers() == [], (path, width)
                assert window.said == []


def test_an_owner_makes_a_key_by_hand(browser: Browser, world: Access, portal: Payday, address: str) -> None:
    with a_window(browser, portal, address, HARBOUR, PHONE) as window:
        page = window.page
        page.goto("/settings/keys")
        page.get_by_label("Name", exact=True).fill("Tracker import")
        page.get_by_label("Read: Clients and clicks").check()
        page.get_by_role("button", name="Make the key").press("Enter")
        expect(page.get_by_text("It is shown this once")).to_be_visible()
        key = page.locator("[data-copy]").first.get_attribute("data-copy") or ""
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / "key-made.png", full_page=True)
        assert world.as_program(key).get("/clients").status == 200
        assert window.sideways() == 0 and window.barriers() == []
        page.get_by_role("link", name="I have kept it").click()
        expect(page.get_by_text("Tracker import").first).to_be_visible()
        assert key not in page.content()
