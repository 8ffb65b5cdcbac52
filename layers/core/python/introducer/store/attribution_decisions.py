"""How campaigns attribute: what was decided about each since it was made. Append-only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute

from introducer.domain.attribution_decision import AttributionDecision
from introducer.domain.configuration import Attribution, Change
from introducer.domain.events import from_milliseconds
from introducer.store import keys
from introducer.store.items import BooksItem, IntegerAttribute, MomentAttribute, translated
from introducer.store.records import Part, as_item, as_record


class AttributionItem(BooksItem):
    campaign = UnicodeAttribute()
    brand = UnicodeAttribute()
    number = IntegerAttribute()
    since = MomentAttribute()
    window_days = IntegerAttribute()
    attribution = UnicodeAttribute()
    promo_first = BooleanAttribute()
    reason = UnicodeAttribute()
    decided_at = MomentAttribute()
    decided_by = UnicodeAttribute()
    request = UnicodeAttribute()


class AttributionDecisions(Part):
    """Typed reads and conditional writes of how campaigns attribute."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        super().__init__(table, region, host)
        self._attributions = self._bound(AttributionItem)

    def attributions(self, brand: str, campaign: str) -> list[AttributionDecision]:
        """What was decided about a campaign, oldest first; empty where it attributes as it was made."""
        partition, begin = keys.partition("attribution", brand=brand), keys.prefix("attribution", campaign=campaign)
        with translated("not a write"):
            # Consistently: whose client somebody is is decided by it, and what the next decision may be.
            condition = self._attributions.sk.startswith(begin)
            found = list(self._attributions.query(partition, condition, consistent_read=True))
        return [as_record(AttributionDecision, item) for item in found]

    def decide_attribution(self, decision: AttributionDecision, change: Change) -> None:
        """The next decision about a campaign. Raises `Conflict` when somebody was quicker."""
        key = keys.key("attribution", brand=decision.brand, campaign=decision.campaign, number=f"{decision.number:06d}")
        self._create(
            decision.brand,
            decision.campaign,
            "decide_attribution",
            change,
            decision,
            as_item(self._attributions, key, decision),
            refusal="Somebody else decided about this campaign meanwhile: read it again.",
        )


def attribution_from_item(item: Mapping[str, Any]) -> AttributionDecision:
    """The decision of a plain item, as a scan reads it."""
    campaign, number = keys.parts(item[keys.SK])
    return AttributionDecision(
        campaign=campaign,
        brand=keys.parts(item[keys.PK])[1],
        number=int(number),
        since=from_milliseconds(item["since"]),
        window_days=int(item["window_days"]),
        attribution=Attribution(item["attribution"]),
        promo_first=item["promo_first"] is True,
        reason=item["reason"],
        decided_at=from_milliseconds(item["decided_at"]),
        decided_by=item["decided_by"],
        request=item.get("request", ""),
    )
