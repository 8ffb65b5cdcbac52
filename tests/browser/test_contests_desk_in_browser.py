"""Contests on the desk in a browser: on any screen and read both ways; the designer adds up while one types."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from introducer.domain.contest import ContestStatus
from tests.browser.serving import MARKS
from tests.browser.window import DESK, PHONE, Window
from tests.support.contest_pages import ContestPages, contest_pages
from tests.support.payday import CHECKER, GULF, HARBOUR, MANAGER, NOW, PIPS

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""


@pytest.fixture(scope="module")
def portal() -> Iterator[ContestPages]:
    with pytest.MonkeyPatch.context() as patch, contest_pages(patch) as world:
        yield world


def test_contests_are_planned_on_any_screen_and_keep_nobody_out(
    browser: Browser, portal: ContestPages, address: str
) -> None:
    draft = portal.planned(
        "The draft", status=ContestStatus.DRAFT, starts_at=NOW + timedelta(days=9), ends_at=NOW + timedelta(days=20)
    )
    result = portal.running("The result", starts_at=NOW - timedelta(days=30), ends_at=NOW - timedelta(days=4))
    for place, partner in enumerate((HARBOUR, PIPS, GULF)):
        portal.enters(result, partner)
        portal.scores(result, partner, ftd=9 - place)
    portal.counted(result)
    over = f"/desk/contests/{result.contest}"
    for who, paths in (
        (MANAGER, ("/desk/contests/new", f"/desk/contests/{draft.contest}/edit", f"{over}/participants")),
        (CHECKER, ("/desk/contests", over, f"/desk/contests/{draft.contest}", f"{over}/result")),
    ):
        with Window(browser, address, PHONE) as window:
            page = window.carries(portal.signed_in(who).cookies, language="ar", theme="dark")
            for path in paths:
                page.goto(path)
                page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
                assert (path, window.sideways()) == (path, 0)
            assert (window.barriers(colours=who == MANAGER), window.said) == ([], [])


def test_the_pool_adds_up_while_one_types_and_enter_keeps_nothing(
    browser: Browser, portal: ContestPages, address: str
) -> None:
    with Window(browser, address, DESK) as window:
        page = window.carries(portal.signed_in(MANAGER).cookies)
        page.goto("/desk/contests/new")
        page.select_option("[name='divisions.0.prizes.0.kind']", "share")
        page.fill("[name='divisions.0.prizes.0.last']", "4")
        page.fill("[name='divisions.0.prizes.0.worth']", "30")
        total = page.locator("[data-total]")
        expect(total).to_have_text("Shared out: 120% of the pool")
        expect(total).to_have_class("wrong")
        page.fill("[name='divisions.0.prizes.0.worth']", "25")
        expect(total).to_have_text("Shared out: 100% of the pool")
        expect(total).to_have_class("strong")
        page.fill("[name=first_day]", "2026-05-01")
        page.fill("[name=last_day]", "2026-05-31")
        page.fill("[name='divisions.0.pool']", "400")
        page.fill("[name=name]", "By the keyboard")
        page.press("[name=name]", "Enter")
        expect(page.get_by_role("status").first).to_contain_text("Nothing was kept yet")
        expect(page.locator("[name=name]")).to_have_value("By the keyboard")
        assert window.said == []
    assert "By the keyboard" not in portal.machine(MANAGER).get("/desk/contests").body
