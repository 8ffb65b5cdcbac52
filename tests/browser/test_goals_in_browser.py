"""Goals in a real browser: what is offered, runs and is over fits and can be read; the keyboard alone accepts one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from introducer.domain.goal import Wish
from introducer.services.answer_goal import accept_goal
from introducer.services.offer_goal import offer_goal
from introducer_ops.localcloud import LocalCloud
from tests.browser.serving import MARKS
from tests.browser.window import PHONE, WINDOWS, Window
from tests.browser.world import NOW, PARTNER, STAFF, Portal, Visitor, a_portal
from tests.functions.test_portal_goals import qualified, settle

pytestmark = MARKS

LATER = datetime(2026, 4, 27, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    """A partner with goals of every kind: paid, running, to come, on offer, declined in silence."""
    with a_portal(cloud, lively=False) as world, pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.wiring, "now", lambda: NOW)
        partner = world.configuration.partner(world.partners[PARTNER])
        offer(world, clients="9", last="2026-04-20", answer_by="2026-04-17")
        for clients, more in (("2", {}), ("10", {"note": "عشرة عملاء until the end of April, مبروك!"}),
                              ("20", {"first": "2026-05-04", "last": "2026-06-30"})):  # fmt: skip
            goal = offer(world, clients=clients, **more)
            shown = next(each for each in world.machine(PARTNER).get("/goals").json["items"] if each["goal"] == goal)
            accept_goal(
                world.configuration, world.wiring.goals, partner=partner, goal=goal,
                member=world.configuration.member(world.members[PARTNER]),
                terms_hash=shown["acceptance"]["terms_hash"], clock=lambda: NOW,
            )  # fmt: skip
        for number in range(4):
            qualified(world, partner.partner, f"client-{number}", f"2026-04-2{number}")
        patch.setattr(world.wiring, "now", lambda: LATER)
        settle(world, partner.partner)
        offer(world, clients="5", first="2026-05-01", last="2026-05-31", note="May is yours")
        yield world


def offer(portal: Portal, **other: Any) -> str:
    wish = {"by": "qftd", "first": "2026-04-19", "last": "2026-04-30", "amount": "1500.00", "currency": "EUR"} | other
    made = offer_goal(
        portal.configuration, portal.wiring.goals, member=portal.configuration.member(portal.members[STAFF]),
        partner=portal.partners[PARTNER], wish=Wish(**wish), clock=portal.wiring.now,
        random=lambda size: bytes(range(int(other["clients"]), int(other["clients"]) + size)),
    )  # fmt: skip
    return made.goal


@pytest.fixture(scope="module")
def owner(portal: Portal) -> Visitor:
    return portal.signed_in(PARTNER)


@pytest.fixture(scope="module")
def manager(portal: Portal) -> Visitor:
    return portal.signed_in(STAFF)


@pytest.mark.parametrize(("width", "language", "theme"), WINDOWS)
def test_goals_fit_and_can_be_read(
    browser: Browser, address: str, portal: Portal, owner: Visitor, manager: Visitor, width: int, language: str,
    theme: str,
) -> None:  # fmt: skip
    for visitor, path in ((owner, "/goals"), (manager, f"/desk/partners/{portal.partners[PARTNER]}/goals")):
        with Window(browser, address, width) as window:
            page = window.carries(visitor.cookies, language=language, theme=theme)
            page.goto(path)
            expect(page.locator("progress")).to_have_count(2)
            assert (window.sideways(), window.barriers()) == (0, [])


def test_the_keyboard_alone_accepts_a_goal(browser: Browser, address: str, portal: Portal, owner: Visitor) -> None:
    with Window(browser, address, PHONE) as window:
        page = window.carries(owner.cookies)
        page.goto("/goals")
        page.get_by_role("button", name="Accept this goal").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("You accepted the goal")
        assert window.said == []
