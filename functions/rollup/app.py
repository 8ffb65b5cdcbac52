"""Rollup: the FACTS stream becomes counters."""

from __future__ import annotations

from functools import cache
from typing import Any

from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.count_clicks import count_facts
from introducer.services.fill_campaigns import CampaignFiller
from introducer.store.campaign_counts import CampaignCounts
from introducer.store.campaigns import Campaigns
from introducer.store.click_counts import ClickCounts
from introducer.store.intake_days import IntakeDays


@cache
def counters() -> tuple[ClickCounts, IntakeDays, CampaignFiller]:
    """The counters of this container, and what closes campaigns that are full."""
    books = settings.books_table
    filler = CampaignFiller(Campaigns(books), CampaignCounts(books), clock.elapsed)
    return ClickCounts(books), IntakeDays(books), filler


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of stream records → the one from which they must come again, if any."""
    outcome = count_facts(event["Records"], *counters())
    count("ClicksCounted", outcome.clicks)
    count("EventsCounted", outcome.events)
    publish()
    if outcome.failed is None:
        return {"batchItemFailures": []}
    logger().error("batch not counted", extra={"detail": outcome.error.detail if outcome.error else ""})
    return {"batchItemFailures": [{"itemIdentifier": outcome.failed}]}
