"""A brand with campaigns, links and slugs, made by the services."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from introducer.domain.configuration import Brand, Campaign, Link, Partner, PartnerKind
from introducer.services.change_campaign import change_campaign
from introducer.services.choose_slug import choose_slug, give_up_slug
from introducer.services.create_campaign import create_campaign
from introducer.services.create_link import create_link
from introducer.services.creation import Author
from introducer.services.open_brand import open_brand
from introducer.services.register_partner import register_partner
from introducer.store import keys
from introducer.store.campaign_counts import CampaignCounts
from introducer.store.configuration import Configuration
from tests.support.builders import at

HOST = "www.quillmark.example"
PAGE = f"https://{HOST}/live"
NOON = at("2026-03-02 12:00")


@dataclass
class Campaigning:
    """The services with a clock that is moved by what changes something, and randomness that repeats."""

    client: Any
    table: str = "books"
    now: datetime = NOON
    random: random.Random = field(default_factory=lambda: random.Random(1))

    def __post_init__(self) -> None:
        self.books = Configuration(self.table)
        self.counts = CampaignCounts(self.table)
        self.brand: Brand = open_brand(
            self.books, name="Quillmark", domain="quillmark.example", base_currency="EUR",
            fallback_url=f"https://{HOST}/", random=self.random.randbytes, **self.given,
        )  # fmt: skip

    @property
    def given(self) -> dict[str, Any]:
        return {"author": Author(by="sub-manager", why="as planned", origin="test"), "clock": lambda: self.now}

    def campaign(self, **other: Any) -> Campaign:
        settings = {name: other.pop(name) for name in tuple(other) if name not in ("name", "landing_url", "hosts",
                    "countries", "request", "window_days", "click_parameter")}  # fmt: skip
        given = {"name": "Live account", "landing_url": PAGE} | other
        return create_campaign(
            self.books, brand=self.brand.brand, settings=settings, random=self.random.randbytes, **self.given, **given
        )

    def changed(self, campaign: Campaign, *, version: int | None = None, **changes: Any) -> Campaign:
        self.now += timedelta(seconds=1)
        return change_campaign(
            self.books, self.counts, brand=campaign.brand, campaign=campaign.campaign, changes=changes,
            version=version, **self.given,
        )  # fmt: skip

    def partner(self, name: str = "Amberfield Media") -> Partner:
        return register_partner(
            self.books, brand=self.brand.brand, name=name, kind=PartnerKind.AFFILIATE, country="DE", language="en",
            currency="EUR", random=self.random.randbytes, **self.given,
        )  # fmt: skip

    def link(self, partner: Partner, campaign: Campaign, **other: Any) -> Link:
        return create_link(
            self.books, partner=partner.partner, campaign=campaign.campaign, random=self.random.randbytes,
            **self.given, **other,
        )  # fmt: skip

    def slug(self, link: Link, slug: str, partner: str = "") -> Link:
        self.now += timedelta(seconds=1)
        return choose_slug(self.books, partner=partner or link.partner, code=link.code, slug=slug, **self.given)

    def without_slug(self, link: Link, slug: str) -> Link:
        return give_up_slug(self.books, partner=link.partner, code=link.code, slug=slug, **self.given)

    def item(self, kind: str, **values: Any) -> dict[str, Any]:
        """As DynamoDB has it."""
        key = {name: {"S": value} for name, value in keys.key(kind, **values).item().items()}
        found: dict[str, Any] = self.client.get_item(TableName=self.table, Key=key).get("Item", {})
        return found

    def audited(self, subject: str) -> list[str]:
        """What was done to it, the first first."""
        return [record.action for record in self.books.audit_of_subject(subject).items][::-1]
