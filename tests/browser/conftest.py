"""Fixtures that tests in a browser share; each file has a `portal` of its own, and a process one browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.serving import ARGUMENTS, CHROMIUM, served
from tests.browser.world import Portal


@pytest.fixture(scope="module")
def address(portal: Portal) -> Iterator[str]:
    """Where the file's portal answers."""
    with served(portal) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()
