"""Compliance and admins read who changed what, and all that is on record about a client, a partner or a payout."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from introducer.domain.configuration import Availability, Change, Role
from introducer.gateways.user_pool import UserPool
from introducer.services.chain_audit import chain_audit
from introducer.services.invite_member import invite_member
from introducer.store.audit_chain import AuditChain, recorded_of_image
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import AUTHOR, NOW, PARTNER, PASSWORD, STAFF, Portal, a_portal

pytestmark = pytest.mark.cloud

ROLES = {role: f"{role.value}@broker.example" for role in (Role.FINANCE, Role.SALES, Role.COMPLIANCE, Role.ADMIN)}
READER = ROLES[Role.COMPLIANCE]


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud) as world:
        logins = UserPool(boto3.client("cognito-idp"), world.pool_id)
        for role, email in ROLES.items():
            boto3.client("cognito-idp").create_group(UserPoolId=world.pool_id, GroupName=role.value)
            invite_member(
                world.configuration, logins, brand=world.brand, partner=None, role=role, email=email,
                name=f"{role.value.title()} Person", language="en", password=PASSWORD, author=AUTHOR,
                clock=lambda: NOW,
            )  # fmt: skip
        chains(world)
        yield world


def chains(portal: Portal) -> None:
    """As the outbox follows the stream."""
    books = portal.wiring.settings.books_table
    pages = portal.dynamodb.get_paginator("scan").paginate(TableName=books)
    found = (recorded_of_image(item) for page in pages for item in page["Items"])
    records = sorted((record for record in found if record is not None), key=lambda record: record.key.at)
    assert chain_audit(AuditChain(books), records, now=NOW, pause=lambda attempt: None).failed == {}


def everything(portal: Portal, path: str, limit: int) -> list[dict[str, Any]]:
    """A list, page after page."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        data = portal.machine(READER).get(f"{path}?limit={limit}{cursor}").json
        rows += data["items"]
        if not data["next"]:
            return rows
        cursor = f"&cursor={data['next']}"


def test_the_latest_changes_come_by_the_chain_a_page_at_a_time(portal: Portal) -> None:
    head = portal.machine(READER).get("/desk/audit").json["links"]
    rows = everything(portal, "/desk/audit", 20)
    assert [row["number"] for row in rows] == list(range(head, 0, -1))
    assert {"open_brand", "register_partner", "accept_deal", "create_link"} <= {row["action"] for row in rows}
    # All of them are of this brand: others have chains of their own.
    sources = {row["subject"] for row in rows if row["action"] == "register_source"}
    assert len(sources) == 3, "the fourth is another brand's"


def test_what_was_changed_about_one_thing_is_found_by_its_number(portal: Portal) -> None:
    [link, *_] = portal.configuration.links_of_partner(portal.partners[PARTNER]).items
    change = Change(by=portal.members[STAFF], at=NOW, why="The <landing page> is down", origin="portal")
    portal.configuration.set_link_status(link.code, Availability.PAUSED, change)

    data = portal.machine(READER).get(f"/desk/audit?subject={link.code}").json
    paused, created = data["items"]
    assert (paused["action"], paused["why"], paused["number"]) == ("set_link_status", change.why, None)
    assert (created["action"], created["number"] > 0) == ("create_link", True)
    page = portal.signed_in(READER).get(f"/desk/audit?subject={link.code}").body
    assert "The &lt;landing page&gt; is down" in page
    assert "not chained yet" in page
    chains(portal)
    assert portal.machine(READER).get("/desk/audit?limit=1").json["items"][0]["audit"] == paused["audit"]

    table = portal.machine(READER, "text/csv").get(f"/desk/audit?subject={link.code}").body
    assert [row["action"] for row in csv.DictReader(io.StringIO(table))] == ["set_link_status", "create_link"]


def test_a_number_that_nothing_has_finds_nothing_nor_does_another_brands(portal: Portal) -> None:
    for subject in ("par_none", "..", "%3Cscript%3E", "brd_other", "foreign-crm", "x" * 200):
        answer = portal.machine(READER).get(f"/desk/audit?subject={subject}")
        assert (answer.status, answer.json["items"]) == (200, []), subject
    assert "Nothing was changed about it" in portal.signed_in(READER).get("/desk/audit?subject=par_none").body


def test_all_that_is_on_record_about_a_partner_and_a_client(portal: Portal) -> None:
    partner = portal.partners[PARTNER]
    data = portal.machine(READER).get(f"/desk/audit/partner/{partner}").json
    assert [row["version"] for row in data["sections"]["terms"]] == [1]
    assert {row["action"] for row in data["sections"]["audit"]} >= {"register_partner", "accept_deal", "create_link"}
    clients = portal.module.server.wiring.portal.clients.of_partner(partner).items
    client = next(each for each in clients if each.posted)
    told = portal.machine(READER).get(f"/desk/audit/client/{client.client}").json["sections"]
    assert told["attribution"][-1]["partner"] == partner
    assert told["earnings"] and told["clicks"][0]["click"]
    browser = portal.signed_in(READER)
    for about, subject in (("partner", partner), ("client", client.client)):
        page = browser.get(f"/desk/audit/{about}/{subject}")
        assert page.status == 200
        titles = re.findall(r"<h2[^>]*>([^<]+)</h2>", page.body)
        assert len(titles) == len(set(titles)) > 8
    words = portal.module.server.rendering.words.WORDS
    for name, rows in (data["sections"] | told).items():
        assert name in words["audit_section"]
        assert name == "audit" or not rows or rows[0].keys() <= words["audit_column"].keys(), name
    # Whoever reads it learns no name of a person, nor of the client more than its hash.
    assert "Robin Vale" not in str(data) + str(told)


def test_only_compliance_and_admins_read_it_and_finance_what_is_about_payouts(portal: Portal) -> None:
    partner = portal.partners[PARTNER]
    paths = ("/desk/audit", f"/desk/audit/partner/{partner}", "/desk/audit/payout/pay_none")
    expected = {
        READER: [200, 200, 404], ROLES[Role.ADMIN]: [200, 200, 404], ROLES[Role.FINANCE]: [403, 403, 404],
        ROLES[Role.SALES]: [403] * 3, STAFF: [403] * 3, PARTNER: [403] * 3,
    }  # fmt: skip
    for email, statuses in expected.items():
        assert [portal.machine(email).get(path).status for path in paths] == statuses, email
    assert 'href="/desk/audit"' in portal.signed_in(READER).get("/desk/partners").body
    assert 'href="/desk/audit"' not in portal.signed_in(STAFF).get("/desk/partners").body


def test_what_there_is_no_dossier_of_is_not_found(portal: Portal) -> None:
    unknown = (
        "brand/brd_1",
        "client/nobody",
        "client/%23",
        "partner/par_none",
        "payout/par_none",
        f"payout/{'x' * 200}",
    )
    for path in unknown:
        assert portal.machine(READER).get(f"/desk/audit/{path}").status == 404, path
