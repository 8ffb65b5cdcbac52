"""Configuration in BOOKS: brands, campaigns, sources, partners, standings, deal versions, links and members.

Every write says its condition, and every change writes its audit record in the same transaction: a change that is not
on record did not happen. What a subject's items are, and how they are read and written, stands in the module of that
subject; this one joins them.
"""

from __future__ import annotations

from introducer.domain.configuration import AuditRecord
from introducer.store import keys
from introducer.store.api_keys import ApiKeys
from introducer.store.attribution_decisions import AttributionDecisions
from introducer.store.brands import Brands
from introducer.store.campaigns import Campaigns
from introducer.store.deals import Deals
from introducer.store.links import Links
from introducer.store.members import Members
from introducer.store.month_closes import MonthCloses
from introducer.store.paging import Page
from introducer.store.promo_codes import PromoCodes
from introducer.store.records import page_of
from introducer.store.sources import Sources


class Configuration(
    Brands, Campaigns, Sources, Deals, Links, Members, MonthCloses, PromoCodes, AttributionDecisions, ApiKeys
):
    """Typed reads and conditional writes of configuration. `host` is the endpoint, None for the region's own."""

    def audit_of_subject(self, subject: str, cursor: str | None = None, limit: int = 100) -> Page[AuditRecord]:
        """A page of what was changed about a brand, campaign, source, partner, link or member, newest first."""
        partition = keys.partition("audit", subject=subject)
        return page_of(self._audits, AuditRecord, partition, cursor, limit, newest_first=True)
