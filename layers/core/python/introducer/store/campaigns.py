"""Campaigns: what partners promote."""

from __future__ import annotations

from pynamodb.attributes import UnicodeAttribute

from introducer.domain.configuration import Campaign, Change
from introducer.store import keys
from introducer.store.items import BooksItem, IntegerAttribute, MomentAttribute, TextsAttribute
from introducer.store.records import Part, as_item, as_record, every_item, got


class CampaignItem(BooksItem):
    campaign = UnicodeAttribute()
    brand = UnicodeAttribute()
    name = UnicodeAttribute()
    landing_url = UnicodeAttribute()
    hosts = TextsAttribute()
    click_parameter = UnicodeAttribute()
    window_days = IntegerAttribute()
    attribution = UnicodeAttribute()
    countries = TextsAttribute()
    status = UnicodeAttribute()
    created = MomentAttribute()


class Campaigns(Part):
    """Typed reads and conditional writes of campaigns."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        super().__init__(table, region, host)
        self._campaigns = self._bound(CampaignItem)

    def campaign(self, brand: str, campaign: str) -> Campaign:
        """Raises `NotFound`."""
        key = keys.key("campaign", brand=brand, campaign=campaign)
        return as_record(Campaign, got(self._campaigns, key, "campaign"))

    def campaigns(self, brand: str) -> list[Campaign]:
        """All campaigns of a brand, oldest first."""
        found = every_item(
            self._campaigns,
            keys.partition("campaign", brand=brand),
            self._campaigns.sk.startswith(keys.prefix("campaign")),
        )
        return sorted((as_record(Campaign, item) for item in found), key=lambda c: (c.created, c.campaign))

    def create_campaign(self, campaign: Campaign, change: Change) -> None:
        """A new campaign. Raises `Conflict` when its id is taken."""
        key = keys.key("campaign", brand=campaign.brand, campaign=campaign.campaign)
        self._create(
            campaign.brand,
            campaign.campaign,
            "create_campaign",
            change,
            campaign,
            as_item(self._campaigns, key, campaign),
            refusal=f"The campaign {campaign.name} exists already.",
        )
