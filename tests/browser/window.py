"""A browser's window, as wide as a phone's or a desk's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.world import PARTNER, PASSWORD

PHONE, DESK = 390, 1440
WINDOWS = ((PHONE, "ar", "dark"), (DESK, "en", "light"))
"""As what pages are looked at: both widths, directions and themes, each once."""
HEIGHTS = {PHONE: 844, DESK: 900}


class Window:
    """A browser window that remembers what its console said."""

    def __init__(self, browser: Browser, address: str, width: int = DESK, **options: Any) -> None:
        self.address = address
        self.context: BrowserContext = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": HEIGHTS[width]},
            is_mobile=width == PHONE,
            has_touch=width == PHONE,
            **options,
        )
        self.said: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def sign_in(self, email: str = PARTNER, password: str = PASSWORD) -> Page:
        self.page.goto("/sign-in")
        # Typing before the browser has set the focus itself would make its console say so.
        expect(self.page.locator("[autofocus]")).to_be_focused()
        self.page.fill("[name=email]", email)
        self.page.fill("[name=password]", password)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url(lambda url: "/sign-in" not in url or "own-password" in url)
        return self.page

    def carries(self, cookies: Mapping[str, str], **wishes: str) -> Page:
        """Somebody's session, a language, a theme: as if signed in and chosen, where that itself is not looked at."""
        jar = dict(cookies) | {f"__Host-{name}": value for name, value in wishes.items()}
        # A browser takes such cookies over http from this machine alone, and playwright not even from there.
        url = self.address.replace("http:", "https:")
        self.context.add_cookies([
            {"name": name, "value": value, "url": url, "secure": True} for name, value in jar.items()
        ])  # fmt: skip
        return self.page

    def prefers(self, **wishes: str) -> Page:
        """Chooses a language or a theme before signing in."""
        self.page.goto("/sign-in")
        for name, value in wishes.items():
            with self.page.expect_navigation():
                self.page.click(f"button[name={name}][value={value}]")
        return self.page

    def sideways(self) -> int:
        """By how many pixels the page is wider than the window."""
        root = "document.documentElement"
        width: int = self.page.evaluate(f"Math.max(0, {root}.scrollWidth - {root}.clientWidth)")
        return width

    def barriers(self, *, colours: bool = False) -> list[str]:
        """What axe finds that keeps people out: serious and critical.

        Most of its time goes into contrast, though colours are the same tokens on all pages: `colours` judges it too,
        as `test_every_page` does of some pages, and `make shots` of all.
        """
        rules = {} if colours else {"color-contrast": {"enabled": False}}
        self.page.evaluate(AXE_SCRIPT)
        violations = self.page.evaluate(
            "rules => axe.run({ resultTypes: ['violations'], rules }).then(found => found.violations)", rules
        )
        return [
            f"{found['id']}: {node['html'][:120]}: {node['failureSummary'][:300]}"
            for found in violations
            if found["impact"] in ("serious", "critical")
            for node in found["nodes"]
        ]
