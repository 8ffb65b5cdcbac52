"""The audit trail in a real browser: long reasons, digests and terms fit, on a phone and a desk, and can be read."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from playwright.sync_api import Browser, expect

from introducer.domain.configuration import Availability, Change, Role
from introducer.gateways.user_pool import UserPool
from introducer.services.chain_audit import chain_audit
from introducer.services.invite_member import invite_member
from introducer.store.audit_chain import AuditChain, recorded_of_image
from introducer_ops.localcloud import LocalCloud
from tests.browser.serving import MARKS
from tests.browser.window import DESK, WINDOWS, Window
from tests.browser.world import AUTHOR, NOW, PARTNER, PASSWORD, Portal, Visitor, a_portal

pytestmark = MARKS

COMPLIANCE = "compliance@broker.example"
WHY = "العميل طلب ذلك by phone, and a_word_that_does_not_end_" + "for_a_long_time_" * 6


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud) as world:
        cognito = boto3.client("cognito-idp")
        cognito.create_group(UserPoolId=world.pool_id, GroupName=Role.COMPLIANCE.value)
        invite_member(
            world.configuration, UserPool(cognito, world.pool_id), brand=world.brand, partner=None,
            role=Role.COMPLIANCE, email=COMPLIANCE, name="Noor Haddad", language="en", password=PASSWORD,
            author=AUTHOR, clock=lambda: NOW,
        )  # fmt: skip
        books = world.wiring.settings.books_table
        [link, *_] = world.configuration.links_of_partner(world.partners[PARTNER]).items
        change = Change(by="system:test", at=NOW, why=WHY, origin="portal")
        world.configuration.set_link_status(link.code, Availability.PAUSED, change)
        pages = world.dynamodb.get_paginator("scan").paginate(TableName=books)
        records = [recorded_of_image(item) for page in pages for item in page["Items"]]
        in_order = sorted((each for each in records if each is not None), key=lambda record: record.key.at)
        chain_audit(AuditChain(books), in_order, now=NOW, pause=lambda attempt: None)
        yield world


@pytest.fixture(scope="module")
def reader(portal: Portal) -> Visitor:
    """Somebody of compliance."""
    return portal.signed_in(COMPLIANCE)


@pytest.mark.parametrize(("width", "language", "theme"), WINDOWS)
def test_the_trail_and_what_is_on_record_fit_and_can_be_read(
    browser: Browser, address: str, portal: Portal, reader: Visitor, width: int, language: str, theme: str
) -> None:
    partner = portal.partners[PARTNER]
    clients = portal.module.server.wiring.portal.clients.of_partner(partner).items
    client = next(each for each in clients if each.posted)
    with Window(browser, address, width) as window:
        page = window.carries(reader.cookies, language=language, theme=theme)
        for path in ("", f"/partner/{partner}", f"/client/{client.client}"):
            page.goto(f"/desk/audit{path}")
            expect(page.locator("tbody tr").first).to_be_visible()
            for details in page.locator("main details").all()[:3]:
                details.locator("summary").click()
            assert (path, window.sideways(), window.barriers()) == (path, 0, [])


def test_from_a_change_one_gets_to_all_that_is_on_record(browser: Browser, address: str, portal: Portal) -> None:
    with Window(browser, address, DESK) as window:
        page = window.sign_in(COMPLIANCE)
        page.goto("/desk/audit")
        page.fill("[name=subject]", portal.partners[PARTNER])
        page.press("[name=subject]", "Enter")
        page.get_by_role("link", name="All that is on record about it").click()
        expect(page.get_by_role("heading", name="Terms of the deal")).to_be_visible()
        assert window.said == []
