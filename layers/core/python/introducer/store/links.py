"""Links, and by which one a lead came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pynamodb.attributes import UnicodeAttribute

from introducer.domain.configuration import Availability, Change, Link
from introducer.domain.contracts import LeadTerms
from introducer.domain.events import milliseconds
from introducer.domain.lead import PREFIX as LEAD
from introducer.store import keys
from introducer.store.items import BooksItem, IntegerAttribute, MomentAttribute, TextsAttribute
from introducer.store.paging import Page
from introducer.store.records import Part, as_item, as_record, got
from introducer.store.wire import from_wire, reading


class LinkItem(BooksItem):
    code = UnicodeAttribute()
    link_id = UnicodeAttribute()
    partner = UnicodeAttribute()
    brand = UnicodeAttribute()
    campaign = UnicodeAttribute()
    landing_url = UnicodeAttribute()
    hosts = TextsAttribute()
    click_parameter = UnicodeAttribute()
    fallback_url = UnicodeAttribute()
    status = UnicodeAttribute()
    shard_exponent = IntegerAttribute()
    created = MomentAttribute()


class Links(Part):
    """Typed reads and conditional writes of links."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        super().__init__(table, region, host)
        self._links = self._bound(LinkItem)

    def link(self, code: str) -> Link:
        """Raises `NotFound`."""
        return as_record(Link, got(self._links, keys.key("link", code=code), "link"))

    def links_of_partner(self, partner: str, cursor: str | None = None, limit: int = 100) -> Page[Link]:
        """A page of a partner's links, the newest first."""
        return self._owned(self._links, Link, keys.owner_partition("link", partner=partner), cursor, limit)

    def lead_terms(self, lead: str) -> LeadTerms | None:
        """By which link a lead came, for telling whose client somebody is; None where there is no such lead. Raises
        `Unavailable`."""
        if not lead.startswith(f"{LEAD}_"):
            return None
        key = keys.key("lead_place", lead=lead)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        if "Item" not in answer:
            return None
        return lead_terms_from_item(from_wire(answer["Item"]))

    def create_link(self, link: Link, change: Change) -> None:
        """A new link. Raises `Conflict` (code `code_taken`) when its code is taken."""
        owner = keys.owner_key("link", partner=link.partner, created=milliseconds(link.created), code=link.code)
        self._create(
            link.brand,
            link.code,
            "create_link",
            change,
            link,
            as_item(self._links, keys.key("link", code=link.code), link, owner),
            refusal=f"The code {link.code} is taken.",
            code="code_taken",
        )

    def set_link_status(self, code: str, status: Availability, change: Change) -> None:
        """Pauses a link or takes it up again. Raises `Conflict` when it has that status or does not exist."""
        other = Availability.PAUSED if status is Availability.ACTIVE else Availability.ACTIVE
        key = keys.key("link", code=code)
        self._change(
            self._brand_of(self._links, key),
            code,
            "set_link_status",
            change,
            {"status": other},
            {"status": status},
            self._links(*key),
            [self._links.status.set(status.value)],
            self._links.status == other.value,
            refusal=f"The link {code} is {status.value} already, or there is no such link.",
        )


def lead_terms_from_item(item: Mapping[str, Any]) -> LeadTerms:
    """By which link a lead counts, and since when."""
    return LeadTerms(item["counts_in"], item["counts_by"], item["counts_from"], item.get("counts_again", 0))
