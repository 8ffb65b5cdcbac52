"""Deal versions, as they are stored."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pynamodb.attributes import UnicodeAttribute

from introducer.domain.configuration import Change, DealRecord
from introducer.domain.events import milliseconds
from introducer.store import keys
from introducer.store.items import BooksItem, IntegerAttribute, MomentAttribute, translated
from introducer.store.paging import Page
from introducer.store.partners import Partners
from introducer.store.records import as_item, as_record

PROPOSED, ACCEPTED = "proposed", "accepted"
"""How a brand lists its deals."""


class DealItem(BooksItem):
    partner = UnicodeAttribute()
    version = IntegerAttribute()
    valid_from = MomentAttribute()
    accepted_at = MomentAttribute(null=True)
    terms = UnicodeAttribute()
    terms_hash = UnicodeAttribute()


class Deals(Partners):
    """Typed reads and conditional writes of partners' deal versions."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        super().__init__(table, region, host)
        self._deals = self._bound(DealItem)

    def deals(self, partner: str) -> list[DealRecord]:
        """All deal versions of a partner, the first one first; proposed ones are among them."""
        with translated("not a write"):
            # Consistently: what is read just after a midnight prices the day.
            found = list(self._deals.query(keys.partition("deal", partner=partner), consistent_read=True))
        return [as_record(DealRecord, item) for item in found]

    def deals_of_brand(
        self, brand: str, *, accepted: bool, cursor: str | None = None, limit: int = 100
    ) -> Page[DealRecord]:
        """A page of what a brand's partners have accepted, what begins last first; else of what was proposed to them,
        the newest first. A proposal stays there when a later version was accepted. The index lags by moments."""
        state = ACCEPTED if accepted else PROPOSED
        page = self._owned(
            self._deals, DealRecord, keys.owner_partition("deal", brand=brand, state=state), cursor, limit
        )
        return Page(tuple(each for each in page.items if (each.accepted_at is not None) is accepted), page.cursor)

    def propose_deal(self, deal: DealRecord, change: Change) -> None:
        """A new deal version. Raises `Conflict` when the partner has this version already."""
        brand = self._brand_of(self._partners, keys.key("partner", partner=deal.partner))
        self._create(
            brand,
            deal.partner,
            "propose_deal",
            change,
            deal,
            as_item(
                self._deals,
                _deal_key(deal.partner, deal.version),
                deal,
                _listed(brand, PROPOSED, change.at, deal.partner, deal.version),
            ),
            refusal=f"Version {deal.version} of this deal exists already: read the deals again.",
        )

    def accept_deal(
        self,
        partner: str,
        version: int,
        terms_hash: str,
        accepted_at: datetime,
        valid_from: datetime,
        change: Change,
    ) -> None:
        """Marks a proposed version accepted; from `valid_from` on it prices.

        Raises `Conflict` when it is accepted already, or when its terms are not those that were read (`terms_hash`).
        """
        item = self._deals(*_deal_key(partner, version))
        brand = self._brand_of(self._partners, keys.key("partner", partner=partner))
        listed = _listed(brand, ACCEPTED, valid_from, partner, version)
        self._change(
            brand,
            partner,
            "accept_deal",
            change,
            {"version": version, "accepted_at": None},
            {
                "version": version,
                "accepted_at": accepted_at,
                "valid_from": valid_from,
                "terms_hash": terms_hash,
            },
            item,
            [
                self._deals.accepted_at.set(accepted_at),
                self._deals.valid_from.set(valid_from),
                self._deals.owner_pk.set(listed[keys.OWNER_PK]),
                self._deals.owner_sk.set(listed[keys.OWNER_SK]),
            ],
            self._deals.pk.exists() & self._deals.accepted_at.does_not_exist() & (self._deals.terms_hash == terms_hash),
            refusal=f"Version {version} of this deal cannot be accepted: it has been, or is another than you read.",
        )


def deal_to_item(deal: DealRecord, brand: str) -> dict[str, Any]:
    """An accepted deal version as a plain item, for transactions that are not made of models."""
    moments = {"valid_from": milliseconds(deal.valid_from)}
    if deal.accepted_at is not None:
        moments["accepted_at"] = milliseconds(deal.accepted_at)
    return {
        **_deal_key(deal.partner, deal.version).item(),
        **_listed(brand, ACCEPTED, deal.valid_from, deal.partner, deal.version),
        **asdict(deal),
        "accepted_at": None,
        **moments,
    }


def _listed(brand: str, state: str, since: datetime, partner: str, version: int) -> dict[str, str]:
    """Where the brand lists a version."""
    return keys.owner_key(
        "deal", brand=brand, state=state, since=f"{milliseconds(since):013d}", partner=partner, version=f"{version:06d}"
    )


def _deal_key(partner: str, version: int) -> keys.Key:
    # Padded, so that version 10 sorts after version 9.
    return keys.key("deal", partner=partner, version=f"{version:06d}")
