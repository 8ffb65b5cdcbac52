"""Suspending and blocking in a real browser: the choices fit and can be read, and the keyboard alone decides."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from playwright.sync_api import Browser, expect

from introducer.domain.configuration import Role, Status
from introducer.gateways.user_pool import UserPool
from introducer.services.invite_member import invite_member
from introducer_ops.localcloud import LocalCloud
from tests.browser.serving import MARKS
from tests.browser.window import DESK, PHONE, Window
from tests.browser.world import AUTHOR, NOW, OTHER, PASSWORD, UNDEALT, Portal, Visitor, a_portal

pytestmark = MARKS

COMPLIANCE = "compliance@broker.example"


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        cognito = boto3.client("cognito-idp")
        cognito.create_group(UserPoolId=world.pool_id, GroupName=Role.COMPLIANCE.value)
        invite_member(
            world.configuration, UserPool(cognito, world.pool_id), brand=world.brand, partner=None,
            role=Role.COMPLIANCE, email=COMPLIANCE, name="Noor Haddad", language="en", password=PASSWORD,
            author=AUTHOR, clock=lambda: NOW,
        )  # fmt: skip
        yield world


@pytest.fixture(scope="module")
def officer(portal: Portal) -> Visitor:
    """Somebody of compliance."""
    return portal.signed_in(COMPLIANCE)


@pytest.mark.parametrize(
    ("width", "language", "theme"),
    [(PHONE, "ar", "dark"), (PHONE, "ru", "light"), (DESK, "ar", "light"), (DESK, "th", "dark")],
)
def test_the_standing_of_a_partner_fits_and_can_be_read(
    browser: Browser, address: str, portal: Portal, officer: Visitor, width: int, language: str, theme: str
) -> None:
    with Window(browser, address, width) as window:
        page = window.carries(officer.cookies, language=language, theme=theme)
        page.goto(f"/desk/partners/{portal.partners[UNDEALT]}/standing")
        expect(page.locator("[name=status]")).to_have_count(3)
        assert (window.sideways(), window.barriers()) == (0, [])


def test_the_keyboard_alone_blocks_a_partner(browser: Browser, address: str, portal: Portal) -> None:
    partner = portal.partners[OTHER]
    with Window(browser, address, PHONE) as window:
        page = window.sign_in(COMPLIANCE)
        page.goto(f"/desk/partners/{partner}/standing")
        page.focus("[name=status][value=active]")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.focus("[name=reason]")
        page.keyboard.type("They click on their own links")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Decided: Blocked from")
        assert (window.sideways(), window.barriers()) == (0, [])
    [made] = portal.configuration.standings(partner)
    assert (made.status, made.reason) == (Status.BLOCKED, "They click on their own links")
