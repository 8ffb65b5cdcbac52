"""A brand whose partners bring leads, all in this process: sales, links with forms, and the portal in front. KMS is a
stand-in that binds a data key to whom it was made for, as the real one does.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from introducer.domain.configuration import Change, Member, Role
from introducer.domain.identity import brand_key
from introducer.gateways.lead_vault import LeadVault
from introducer.services.create_campaign import create_campaign
from introducer.services.create_link import create_link
from introducer.services.lead_books import LeadBooks
from tests.browser.world import Answer, Visitor
from tests.support.payday import AUTHOR, BEGAN, HARBOUR, NOW, PIPS, Payday, a_payday

SALES, OTHER_SALES = "sales@broker", "second@broker"
PERSON = {"name": "Mara Quill", "email": "mara.quill@example.com", "phone": "+49 30 1234567"}
_SECRETS = (r"\bMara\b", "Quill", r"mara\.quill", "1234567")
"""What may stand nowhere in clear. Four letters alone would stand by chance within what is sealed, now and then."""


def in_clear(held: str) -> list[str]:
    """What of a lead's secrets stands there."""
    return [secret for secret in _SECRETS if re.search(secret, held)]


class Keys:
    """KMS: a data key opens for the context alone that it was made with."""

    def generate_data_key(self, **asked: Any) -> dict[str, bytes]:
        key = secrets.token_bytes(32)
        return {"Plaintext": key, "CiphertextBlob": key + json.dumps(asked["EncryptionContext"]).encode()}

    def decrypt(self, **asked: Any) -> dict[str, bytes]:
        blob = asked["CiphertextBlob"]
        if blob[32:] != json.dumps(asked["EncryptionContext"]).encode():
            raise ClientError({"Error": {"Code": "InvalidCiphertextException", "Message": ""}}, "Decrypt")
        return {"Plaintext": blob[:32]}


class Leading(Payday):
    """The portal, and a form for each of two partners."""

    codes: dict[str, str]

    @property
    def books(self) -> LeadBooks:  # type: ignore[override]
        found: LeadBooks = self.wiring.lead_books
        return found

    def sends(self, partner: str = HARBOUR, key: str = "", **other: Any) -> Answer:
        """A partner's own page sends its form."""
        sent: Mapping[str, Any] = PERSON | {"consent": True} | other
        headers = {"idempotency_key": key} if key else {}
        visitor = Visitor(self, {"accept": "application/json"})
        return visitor.post(f"/leads/{self.codes[partner]}", sent, as_json=True, **headers)

    def lead(self, partner: str = HARBOUR, **other: Any) -> str:
        """A new lead's id."""
        answer = self.sends(partner, **other)
        assert answer.status == 201, answer.body
        return str(answer.json["lead"])

    def does(self, who: str, lead: str, what: str, **sent: Any) -> Answer:
        """A step on the desk, by a program; with the version that the lead has."""
        if "version" not in sent and what != "notes":
            sent["version"] = self.books.leads.lead(lead).version
        return self.machine(who).post(f"/desk/leads/{lead}/{what}", sent, as_json=True)


@contextmanager
def a_leading(patch: pytest.MonkeyPatch) -> Iterator[Leading]:
    """Two of sales, two partners with a link; no lead came yet."""
    with a_payday(patch) as payday:
        payday.__class__ = Leading
        portal: Any = payday
        portal.wiring.lead_vault = LeadVault(Keys(), "key", random=secrets.token_bytes)
        portal.wiring.brand_key = lambda brand: brand_key(b"what people are hashed under", brand)
        change = Change(by="system:test", at=NOW, why="set up", origin="test")
        for name, shown in ((SALES, "Sol Vidal"), (OTHER_SALES, "Ines Prado")):
            portal.people[name] = Member(
                member=f"mem_{name.partition('@')[0]}", partner=None, brand=portal.brand, role=Role.SALES, name=shown,
                language="en",
            )  # fmt: skip
            portal.configuration.add_member(portal.people[name], change)
        made: dict[str, Any] = {"author": AUTHOR, "clock": lambda: BEGAN, "random": secrets.token_bytes}
        campaign = create_campaign(
            portal.configuration, brand=portal.brand, name="Open an account", landing_url="https://northgate.example/open",
            **made,
        ).campaign  # fmt: skip
        portal.codes = {
            name: create_link(portal.configuration, partner=portal.partners[name], campaign=campaign, **made).code
            for name in (HARBOUR, PIPS)
        }
        yield portal


def everything(portal: Leading) -> str:
    """All that both tables hold, as text."""
    found: list[str] = []
    for table in ("facts", "books"):
        for page in portal.dynamodb.get_paginator("scan").paginate(TableName=table):
            found += [json.dumps(item, ensure_ascii=False) for item in page["Items"]]
    return "\n".join(found)
