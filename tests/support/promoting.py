"""A brand whose partners promote campaigns, all in this process: two campaigns, links to one, the portal in front. The
bucket of pictures is a stand-in."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from introducer.domain.errors import NotFound
from introducer.services.create_campaign import create_campaign
from introducer.services.create_link import create_link
from tests.browser.world import Answer, an_http_event
from tests.support.payday import AUTHOR, BEGAN, HARBOUR, MANAGER, PIPS, Payday, a_payday

OPEN, DEMO = "Open an account", "Free <i>demo</i>"


class Pictures:
    """The bucket, as far as the portal asks it."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def keep(self, material: str, content: bytes, content_type: str) -> None:
        self.kept[material] = content

    def content(self, material: str) -> bytes:
        if material not in self.kept:
            raise NotFound("There is no such picture.")
        return self.kept[material]

    def remove(self, material: str) -> None:
        self.kept.pop(material, None)


class Promoting(Payday):
    """The portal, two campaigns by their names, and a link of two partners each to the first."""

    campaigns: dict[str, str]
    codes: dict[str, str]
    pictures: Pictures

    def materials_path(self, campaign: str = OPEN) -> str:
        return f"/desk/campaigns/{self.campaigns[campaign]}/materials"

    def adds_text(self, who: str = MANAGER, campaign: str = OPEN, **other: Any) -> Answer:
        said = {"kind": "share", "name": "For chats", "language": "en", "text": "Trade with {brand}: {link}"} | other
        return self.machine(who).post(self.materials_path(campaign), said, as_json=True)

    def adds_banner(
        self, content: bytes, who: str = MANAGER, campaign: str = OPEN, name: str = "Spring", language: str = "en"
    ) -> Answer:
        """A program sends a picture as it is."""
        path = f"{self.materials_path(campaign)}/banners?name={name}&language={language}"
        return self.sends(path, content, who)

    def sends(self, path: str, content: bytes, who: str, kind: str = "application/octet-stream") -> Answer:
        """Bytes, as the gateway hands them over."""
        headers = {"host": "portal.example", "accept": "application/json", "content-type": kind}
        event = an_http_event("POST", path, b64encode(content).decode(),
                              headers | {"authorization": f"Bearer {who.encode().hex()}"}, [])  # fmt: skip
        return as_answer(self.handle(event | {"isBase64Encoded": True}))


def as_answer(answer: Mapping[str, Any]) -> Answer:
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return Answer(answer["statusCode"], headers, answer["cookies"], answer["body"])


@contextmanager
def a_promoting(patch: pytest.MonkeyPatch) -> Iterator[Promoting]:
    with a_payday(patch) as payday:
        payday.__class__ = Promoting
        portal: Any = payday
        portal.pictures = portal.wiring.pictures = Pictures()
        made: dict[str, Any] = {"author": AUTHOR, "clock": lambda: BEGAN, "random": secrets.token_bytes}
        portal.campaigns = {
            name: create_campaign(
                portal.configuration, brand=portal.brand, name=name, landing_url=f"https://northgate.example/{path}",
                **made,
            ).campaign
            for name, path in ((OPEN, "open"), (DEMO, "demo"))
        }  # fmt: skip
        portal.codes = {
            name: create_link(
                portal.configuration, partner=portal.partners[name], campaign=portal.campaigns[OPEN], **made
            ).code
            for name in (HARBOUR, PIPS)
        }
        yield portal
