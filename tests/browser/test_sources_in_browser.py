"""Sources in a browser: one with everything on it on a phone, read from right to left, and its settings at a desk."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from introducer.domain.events import milliseconds
from introducer.domain.pulling import Pull, begun, failed, read_on
from introducer.domain.source_file import SourceFile, done, file_id
from introducer.domain.source_file import failed as file_failed
from introducer.store.intake_days import IntakeDay, IntakeDays
from introducer.store.pulls import Pulls
from introducer.store.source_files import SourceFiles
from tests.browser.serving import MARKS
from tests.browser.test_payouts_in_browser import a_window
from tests.browser.window import DESK, PHONE
from tests.functions.test_portal_sources import Desk, a_desk
from tests.support.casework import Casework
from tests.support.payday import ADMIN

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""

SHOTS = os.environ.get("SCREENSHOTS", "")
"""A folder for pictures of what is looked at; none unless set."""


@pytest.fixture(scope="module")
def world() -> Iterator[Desk]:
    with a_desk() as found:
        yield found


@pytest.fixture(scope="module")
def portal(world: Desk) -> Casework:
    return world.portal


def _lives(world: Desk) -> None:
    """A source that was well and fails, with days and files; and others beside it."""
    world.source()
    world.source("crm", {}, "json")
    world.source("network-one", {"currency": "EUR"}, "s2s")
    now, pulls, files = milliseconds(world.portal.now), Pulls("books"), SourceFiles("books")
    run = begun(Pull(source="mt5-live"), now - 900_000)
    cursor = json.dumps({"begin": now - 900_000})
    read = read_on(
        run, cursor, {"accepted": 48_211, "duplicate": 907, "quarantined": 3, "ignored": 51_020}, now - 890_000,
        caught_up=True,
    )  # fmt: skip
    broken = failed(read, "platform_refused", "It does not accept our token (401).", now - 60_000, lasting=True)
    pulls.move(Pull(source="mt5-live"), run)
    pulls.move(run, read)
    pulls.move(read, broken)
    days = IntakeDays("books")
    for number in range(1, 6):
        day = IntakeDay("mt5-live", f"2026-04-0{number}")
        days.add(day, IntakeDay("mt5-live", day.day, 900 + number, 899, number % 3, "m"))
    names = ("deals-2026-03-31.csv", "a-rather-long-name-of-a-report-from-the-second-server-2026-03.csv", "broken.csv")
    for number, name in enumerate(names):
        key = f"sources/mt5-live/{name}"
        file = SourceFile(
            file=file_id(key, "v"), source="mt5-live", brand=world.portal.brand, key=key, object_version="v", size=99,
            at=now - number * 3_600_000, lines=1207, counts={"accepted": 1001, "duplicate": 200, "quarantined": 6},
        )  # fmt: skip
        files.create(file)
        no_header = file_failed(file, "no_header", "The first line must name the columns.", now)
        files.move(file, no_header if number == 2 else done(file, now))


def test_a_source_fits_and_keeps_nobody_out(browser: Browser, world: Desk, portal: Casework, address: str) -> None:
    _lives(world)
    looks = [(PHONE, "ar", "dark", "/mt5-live"), (DESK, "en", "light", "/mt5-live/edit")]
    if SHOTS:
        pages = ("", "/mt5-live", "/mt5-live/edit", "/new?dialect=ctrader", "/crm")
        looks += [(width, "en", "light", path) for width in (PHONE, DESK) for path in pages]
    for width, language, theme, path in looks:
        with a_window(browser, portal, address, ADMIN, width, language=language, theme=theme) as window:
            window.page.goto(f"/desk/sources{path}")
            for closed in window.page.locator("main details").all():
                closed.evaluate("each => each.open = true")
            if SHOTS:
                name = (path.partition("?")[0].strip("/") or "list").replace("/", "-")
                window.page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{language}.png", full_page=True)
            assert window.sideways() == 0, (path, width)
            assert window.barriers() == [], (path, width)
            assert window.said == []
