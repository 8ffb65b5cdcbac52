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
from introducer.store.partners import Partners
from introducer.store.records import as_item, as_record


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

    def propose_deal(self, deal: DealRecord, change: Change) -> None:
        """A new deal version. Raises `Conflict` when the partner has this version already."""
        self._create(
            self._brand_of(self._partners, keys.key("partner", partner=deal.partner)),
            deal.partner,
            "propose_deal",
            change,
            deal,
            as_item(self._deals, _deal_key(deal.partner, deal.version), deal),
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
        self._change(
            self._brand_of(self._partners, keys.key("partner", partner=partner)),
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
            [self._deals.accepted_at.set(accepted_at), self._deals.valid_from.set(valid_from)],
            self._deals.pk.exists() & self._deals.accepted_at.does_not_exist() & (self._deals.terms_hash == terms_hash),
            refusal=f"Version {version} of this deal cannot be accepted: it has been, or is another than you read.",
        )


def deal_to_item(deal: DealRecord) -> dict[str, Any]:
    """A deal version as a plain item, for transactions that are not made of models."""
    moments = {"valid_from": milliseconds(deal.valid_from)}
    if deal.accepted_at is not None:
        moments["accepted_at"] = milliseconds(deal.accepted_at)
    return {**_deal_key(deal.partner, deal.version).item(), **asdict(deal), "accepted_at": None, **moments}


def _deal_key(partner: str, version: int) -> keys.Key:
    # Padded, so that version 10 sorts after version 9.
    return keys.key("deal", partner=partner, version=f"{version:06d}")
