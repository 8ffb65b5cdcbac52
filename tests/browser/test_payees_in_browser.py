"""Payment and documents in a real browser: without scripts, straight to the bucket and back, and readable."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from playwright.sync_api import Browser, expect

from introducer.domain.configuration import Role
from introducer.gateways.user_pool import UserPool
from introducer.services.invite_member import invite_member
from introducer_ops.localcloud import LocalCloud
from tests.browser.serving import MARKS
from tests.browser.window import DESK, PHONE, Window
from tests.browser.world import AUTHOR, NOW, OTHER, PASSWORD, Portal, a_portal

pytestmark = MARKS

COMPLIANCE = "compliance@broker.example"


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world, pytest.MonkeyPatch.context() as patch:
        bucket = f"documents-{secrets.token_hex(5)}"
        boto3.client("s3").create_bucket(Bucket=bucket)
        boto3.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        patch.setenv("PAYMENT_KEY", boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])
        patch.setenv("DOCUMENTS_BUCKET", bucket)
        cognito = boto3.client("cognito-idp")
        cognito.create_group(UserPoolId=world.pool_id, GroupName=Role.COMPLIANCE.value)
        invite_member(
            world.configuration, UserPool(cognito, world.pool_id), brand=world.brand, partner=None,
            role=Role.COMPLIANCE, email=COMPLIANCE, name="Noor Haddad", language="en", password=PASSWORD,
            author=AUTHOR, clock=lambda: NOW,
        )  # fmt: skip
        yield world


def test_a_partner_is_paid_and_verified_without_scripts(
    browser: Browser, address: str, portal: Portal, tmp_path: Path
) -> None:
    file = tmp_path / "me.pdf"
    file.write_bytes(b"%PDF-1.7 made up")
    there = f"/desk/payees/{portal.partners[OTHER]}"
    with Window(browser, address, PHONE, java_script_enabled=False) as window:
        page = window.page
        page.goto("/sign-in")
        page.fill("[name=email]", OTHER)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        # given a slip in the account number: what was typed besides stays
        page.goto("/settings/payment?rail=sepa")
        page.fill("[name=holder]", "Robin Q. Vale")
        page.fill("[name=iban]", "DE89 3704 0044 0532 0130 01")
        page.press("[name=iban]", "Enter")
        expect(page.locator("#note-iban")).to_contain_text("A character of this IBAN is wrong")
        expect(page.locator("[name=holder]")).to_have_value("Robin Q. Vale")
        expect(page.locator("[name=iban]")).to_have_value("")
        page.fill("[name=iban]", "DE89 3704 0044 0532 0130 00")
        page.press("[name=iban]", "Enter")
        expect(page.get_by_role("status")).to_contain_text("Payouts go there from 20 Apr 2026")

        # when the documents are sent, the browser comes back from the bucket by itself
        page.goto("/settings/verification")
        for kind in ("identity", "address"):
            page.set_input_files(f"#file-{kind}", file)
            page.locator("form", has=page.locator(f"#file-{kind}")).locator("button").click()
            expect(page.get_by_role("status")).to_contain_text("Uploaded")
        page.get_by_role("button", name="Hand in these documents").click()
        expect(page.get_by_role("status")).to_contain_text("Handed in")
        assert [each for each in window.said if "422" not in each] == []

    # then compliance approves them, and holds the payouts all the same
    with Window(browser, address, DESK) as window:
        page = window.sign_in(COMPLIANCE)
        page.goto("/desk/payees")
        page.get_by_role("link", name="Pips & Coffee").click()
        page.wait_for_url(f"**{there}")
        page.fill("[name=why]", "All is there")
        page.get_by_role("button", name="Approve the documents").click()
        page.wait_for_url("**?decided=1")
        page.fill("[name=reason]", "Its clients look alike")
        page.get_by_role("button", name="Hold all payouts").click()
        page.wait_for_url("**?held=*")
        expect(page.locator("tr.fresh")).to_contain_text("Its clients look alike")
        assert (window.sideways(), window.barriers(), window.said) == (0, [], [])


def test_the_pages_about_payees_fit_and_can_be_read(browser: Browser, address: str, portal: Portal) -> None:
    staff = ("/desk/payees", f"/desk/payees/{portal.partners[OTHER]}")
    own = ("/settings/verification", *(f"/settings/payment?rail={rail}" for rail in ("sepa", "paypal", "manual")))
    with Window(browser, address, PHONE) as window:
        for email, paths in ((COMPLIANCE, staff), (OTHER, own)):
            page = window.carries(portal.signed_in(email).cookies, language="ar", theme="dark")
            for path in paths:
                page.goto(path)
                assert (path, window.sideways(), window.barriers(), window.said) == (path, 0, [], [])
