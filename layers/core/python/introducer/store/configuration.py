"""Configuration in BOOKS: brands, campaigns, sources, partners, standings, deal versions, links and members.

Every write says its condition, and every change writes its audit record in the same transaction: a change that is not
on record did not happen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, asdict, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from pynamodb.attributes import UnicodeAttribute
from pynamodb.connection.base import Connection
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from introducer.domain.configuration import (
    BEGINNING,
    DEPLOYMENT,
    Attribution,
    AuditRecord,
    Availability,
    Brand,
    BrandHost,
    Campaign,
    Change,
    DealRecord,
    Link,
    Member,
    Parenting,
    Partner,
    PartnerCard,
    PartnerKind,
    Role,
    Source,
    Standing,
    Status,
)
from introducer.domain.contracts import LeadTerms
from introducer.domain.errors import NotFound
from introducer.domain.events import milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.lead import PREFIX as LEAD
from introducer.domain.sequence import Progress
from introducer.domain.statement import MonthClose
from introducer.store import keys
from introducer.store.items import (
    BooksItem,
    ByOwner,
    IntegerAttribute,
    MomentAttribute,
    TextsAttribute,
    bind,
    connection,
    translated,
)
from introducer.store.paging import Page, every
from introducer.store.wire import Wire, from_wire, reading

_T = TypeVar("_T")
_I = TypeVar("_I", bound=BooksItem)

_BATCH = 100
"""The most keys that one BatchGetItem takes."""
CARDS_AT_ONCE = 500
"""Partners in a line that are read with one query, where all are read."""


class BrandItem(BooksItem):
    brand = UnicodeAttribute()
    name = UnicodeAttribute()
    domain = UnicodeAttribute()
    base_currency = UnicodeAttribute()
    fallback_url = UnicodeAttribute()
    created = MomentAttribute()
    time_zone = UnicodeAttribute(null=True)


class BrandHostItem(BooksItem):
    host = UnicodeAttribute()
    brand = UnicodeAttribute()
    fallback_url = UnicodeAttribute()


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


class SourceItem(BooksItem):
    source = UnicodeAttribute()
    brand = UnicodeAttribute()
    dialect = UnicodeAttribute()
    status = UnicodeAttribute()


class PartnerItem(BooksItem):
    partner = UnicodeAttribute()
    brand = UnicodeAttribute()
    name = UnicodeAttribute()
    kind = UnicodeAttribute()
    status = UnicodeAttribute()
    parent = UnicodeAttribute(null=True)
    manager = UnicodeAttribute(null=True)
    country = UnicodeAttribute()
    language = UnicodeAttribute()
    currency = UnicodeAttribute()
    email_hash = UnicodeAttribute(null=True)
    created = MomentAttribute()
    status_since = MomentAttribute(null=True)


class CardItem(BooksItem):
    partner = UnicodeAttribute()
    brand = UnicodeAttribute()
    name = UnicodeAttribute()
    kind = UnicodeAttribute()
    status = UnicodeAttribute()
    country = UnicodeAttribute()
    manager = UnicodeAttribute(null=True)
    currency = UnicodeAttribute()
    status_since = MomentAttribute(null=True)


class StandingItem(BooksItem):
    partner = UnicodeAttribute()
    standing = UnicodeAttribute()
    since = MomentAttribute()
    status = UnicodeAttribute()
    reason = UnicodeAttribute()
    decided_at = MomentAttribute()
    decided_by = UnicodeAttribute(null=True)


class ParentingItem(BooksItem):
    partner = UnicodeAttribute()
    parenting = UnicodeAttribute()
    month = UnicodeAttribute()
    parent = UnicodeAttribute(null=True)
    reason = UnicodeAttribute()
    decided_at = MomentAttribute()


class DealItem(BooksItem):
    partner = UnicodeAttribute()
    version = IntegerAttribute()
    valid_from = MomentAttribute()
    accepted_at = MomentAttribute(null=True)
    terms = UnicodeAttribute()
    terms_hash = UnicodeAttribute()


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


class MemberItem(BooksItem):
    member = UnicodeAttribute()
    partner = UnicodeAttribute(null=True)
    brand = UnicodeAttribute()
    role = UnicodeAttribute()
    name = UnicodeAttribute()
    language = UnicodeAttribute()
    signed_out_at = MomentAttribute(null=True)


class WalkItem(BooksItem):
    brand = UnicodeAttribute()
    started_at = MomentAttribute()
    done = UnicodeAttribute()
    version = IntegerAttribute()


class MonthCloseItem(BooksItem):
    brand = UnicodeAttribute()
    month = UnicodeAttribute()
    began_at = MomentAttribute()
    began_by = UnicodeAttribute()
    closed_at = MomentAttribute(null=True)
    closed_by = UnicodeAttribute(null=True)
    partners = IntegerAttribute()
    entries = IntegerAttribute()
    sums = UnicodeAttribute(null=True)


class AuditItem(BooksItem):
    brand = UnicodeAttribute(default=DEPLOYMENT)  # records of the first version do not say whose they are
    subject = UnicodeAttribute()
    audit = UnicodeAttribute()
    at = MomentAttribute()
    by = UnicodeAttribute()
    action = UnicodeAttribute()
    why = UnicodeAttribute()
    origin = UnicodeAttribute()
    before = UnicodeAttribute(null=True)
    after = UnicodeAttribute(null=True)


# What a field of a record is made of, where the item holds it as plain text or list.
_READERS: Mapping[str, Any] = {
    "Attribution": Attribution,
    "Availability": Availability,
    "PartnerKind": PartnerKind,
    "Role": Role,
    "Status": Status,
    "tuple[str, ...]": tuple,
    "Mapping[str, int] | None": json.loads,
}


class Configuration:
    """Typed reads and conditional writes of configuration. `host` is the endpoint, None for the region's own."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        def bound(model: type[_I]) -> type[_I]:
            return bind(model, table, region, host)

        self._table = table
        self._connection = connection(table, region, host)
        self._brands = bound(BrandItem)
        self._hosts = bound(BrandHostItem)
        self._campaigns = bound(CampaignItem)
        self._sources = bound(SourceItem)
        self._partners = bound(PartnerItem)
        self._cards = bound(CardItem)
        self._standings = bound(StandingItem)
        self._parentings = bound(ParentingItem)
        self._deals = bound(DealItem)
        self._links = bound(LinkItem)
        self._members = bound(MemberItem)
        self._walks = bound(WalkItem)
        self._closes = bound(MonthCloseItem)
        self._audits = bound(AuditItem)

    # ------------------------------------------------------------------------------------------------------ reads

    def brand(self, brand: str) -> Brand:
        """Raises `NotFound`."""
        return _record(Brand, _get(self._brands, keys.key("brand", brand=brand), "brand"))

    def brands(self, cursor: str | None = None, limit: int = 100) -> Page[Brand]:
        """A page of all brands."""
        return self._owned(self._brands, Brand, keys.owner_partition("brand"), cursor, limit)

    def every_brand(self) -> Iterator[Brand]:
        """All brands of the installation."""
        return every(self.brands)

    def brand_host(self, host: str) -> BrandHost:
        """Raises `NotFound`."""
        return _record(BrandHost, _get(self._hosts, keys.key("brand_host", host=host), "host"))

    def campaign(self, brand: str, campaign: str) -> Campaign:
        """Raises `NotFound`."""
        key = keys.key("campaign", brand=brand, campaign=campaign)
        return _record(Campaign, _get(self._campaigns, key, "campaign"))

    def campaigns(self, brand: str) -> list[Campaign]:
        """All campaigns of a brand, oldest first."""
        found = _query_all(
            self._campaigns,
            keys.partition("campaign", brand=brand),
            self._campaigns.sk.startswith(keys.prefix("campaign")),
        )
        return sorted((_record(Campaign, item) for item in found), key=lambda c: (c.created, c.campaign))

    def source(self, source: str) -> Source:
        """Raises `NotFound`."""
        return _record(Source, _get(self._sources, keys.key("source", source=source), "source"))

    def sources_of_brand(self, brand: str, cursor: str | None = None, limit: int = 100) -> Page[Source]:
        """A page of those who post events for a brand."""
        return self._owned(self._sources, Source, keys.owner_partition("source", brand=brand), cursor, limit)

    def partner(self, partner: str) -> Partner:
        """Raises `NotFound`."""
        return _record(Partner, _get(self._partners, keys.key("partner", partner=partner), "partner"))

    def cards(self, brand: str, cursor: str | None = None, limit: int = 100) -> Page[PartnerCard]:
        """A page of a brand's partners, by id: the oldest first."""
        return _page(self._cards, PartnerCard, keys.partition("card", brand=brand), cursor, limit)

    def every_card(self, brand: str) -> Iterator[PartnerCard]:
        """All of a brand's partners, by id: one query, in as many pages as it takes."""
        return every(lambda cursor: self.cards(brand, cursor, CARDS_AT_ONCE))

    def deals(self, partner: str) -> list[DealRecord]:
        """All deal versions of a partner, the first one first; proposed ones are among them."""
        with translated("not a write"):
            # Consistently: what is read just after a midnight prices the day.
            found = list(self._deals.query(keys.partition("deal", partner=partner), consistent_read=True))
        return [_record(DealRecord, item) for item in found]

    def standings(self, partner: str) -> list[Standing]:
        """The history of a partner's standing, oldest first; empty for one that always was active."""
        with translated("not a write"):
            # Consistently: which later ones a decision covers is decided by it.
            found = list(self._standings.query(keys.partition("standing", partner=partner), consistent_read=True))
        return sorted((_record(Standing, item) for item in found), key=lambda s: (s.since, s.decided_at, s.standing))

    def parentings(self, partner: str) -> list[Parenting]:
        """Below whom a partner stands from which month on: by month, and those of one month in the order in which they
        were decided (the last one counts). The first one is of the registration; empty for an unknown partner."""
        with translated("not a write"):
            # Consistently: whether a change would close a circle is decided by it.
            found = list(self._parentings.query(keys.partition("parenting", partner=partner), consistent_read=True))
        return sorted((_record(Parenting, item) for item in found), key=lambda p: (p.month, p.decided_at, p.parenting))

    def link(self, code: str) -> Link:
        """Raises `NotFound`."""
        return _record(Link, _get(self._links, keys.key("link", code=code), "link"))

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

    def member(self, member: str) -> Member:
        """Raises `NotFound`."""
        return _record(Member, _get(self._members, keys.key("member", member=member), "member"))

    def members_of_partner(self, partner: str, cursor: str | None = None, limit: int = 100) -> Page[Member]:
        """A page of those who may sign in for a partner."""
        return self._owned(self._members, Member, keys.owner_partition("member", of=partner), cursor, limit)

    def every_member(self, partner: str) -> Iterator[Member]:
        """All who may sign in for a partner."""
        return every(lambda cursor: self.members_of_partner(partner, cursor))

    def staff_of_brand(self, brand: str, cursor: str | None = None, limit: int = 100) -> Page[Member]:
        """A page of the broker's staff who work for a brand."""
        return self._owned(self._members, Member, keys.owner_partition("member", of=brand), cursor, limit)

    def every_colleague(self, brand: str) -> Iterator[Member]:
        """All of the broker's staff who work for a brand."""
        return every(lambda cursor: self.staff_of_brand(brand, cursor))

    def begins(self, brand: str, sequence: str) -> bool:
        """Whether new partners of a brand begin this sequence: it is switched on. Raises `Unavailable`."""
        key = keys.key("sequence", brand=brand, sequence=sequence)
        with reading():
            answer = self._connection.get_item(
                self._table, key.pk, key.sk, consistent_read=True, attributes_to_get=["on"]
            )
        return bool(from_wire(answer.get("Item", {})).get("on"))

    def month_close(self, brand: str, month: str) -> MonthClose:
        """Read consistently. Raises `NotFound` when nobody began to close that month."""
        key = keys.key("month_close", brand=brand, month=month)
        return _record(MonthClose, _get(self._closes, key, "close", consistent=True))

    def months_of_brand(self, brand: str, cursor: str | None = None, limit: int = 100) -> Page[MonthClose]:
        """A page of the months that are closed or being closed, the newest first."""
        partition = keys.partition("month_close", brand=brand)
        return _page(self._closes, MonthClose, partition, cursor, limit, newest_first=True)

    def audit_of_subject(self, subject: str, cursor: str | None = None, limit: int = 100) -> Page[AuditRecord]:
        """A page of what was changed about a brand, campaign, source, partner, link or member, newest first."""
        partition = keys.partition("audit", subject=subject)
        return _page(self._audits, AuditRecord, partition, cursor, limit, newest_first=True)

    # ----------------------------------------------------------------------------------------------------- writes

    def open_brand(self, brand: Brand, change: Change) -> None:
        """A new brand and the host it answers under. Raises `Conflict` when either is taken."""
        host = BrandHost(host=brand.domain, brand=brand.brand, fallback_url=brand.fallback_url)
        self._create(
            brand.brand,
            brand.brand,
            "open_brand",
            change,
            brand,
            _item(
                self._brands,
                keys.key("brand", brand=brand.brand),
                brand,
                keys.owner_key("brand", brand=brand.brand),
            ),
            _item(self._hosts, keys.key("brand_host", host=host.host), host),
            refusal=f"The brand {brand.name} or its host {brand.domain} exists already.",
        )

    def create_campaign(self, campaign: Campaign, change: Change) -> None:
        """A new campaign. Raises `Conflict` when its id is taken."""
        key = keys.key("campaign", brand=campaign.brand, campaign=campaign.campaign)
        self._create(
            campaign.brand,
            campaign.campaign,
            "create_campaign",
            change,
            campaign,
            _item(self._campaigns, key, campaign),
            refusal=f"The campaign {campaign.name} exists already.",
        )

    def register_source(self, source: Source, change: Change) -> None:
        """A new source of events. Raises `Conflict` when its name is taken."""
        self._create(
            source.brand,
            source.source,
            "register_source",
            change,
            source,
            _item(
                self._sources,
                keys.key("source", source=source.source),
                source,
                keys.owner_key("source", brand=source.brand, source=source.source),
            ),
            refusal=f"The source {source.source} exists already.",
        )

    def register_partner(self, partner: Partner, change: Change, walk: Progress | None = None) -> None:
        """A new partner with its card, below its parent from the beginning; `walk` is the sequence that it begins.
        Raises `Conflict` when its id is taken."""
        card = PartnerCard(**{field.name: getattr(partner, field.name) for field in fields(PartnerCard)})
        parenting = Parenting(
            partner=partner.partner,
            parenting=derived_id("prt", partner.partner, BEGINNING),
            month=BEGINNING,
            parent=partner.parent,
            reason=change.why,
            decided_at=change.at,
        )
        self._create(
            partner.brand,
            partner.partner,
            "register_partner",
            change,
            # Without what names it: the audit trail is never edited, and outlives the partner's data.
            replace(partner, name="", email_hash=None),
            _item(self._partners, keys.key("partner", partner=partner.partner), partner),
            _item(self._cards, keys.key("card", brand=partner.brand, partner=partner.partner), card),
            _item(self._parentings, _parenting_key(parenting), parenting),
            *(() if walk is None else (self._walk(walk),)),
            refusal=f"The partner {partner.name} exists already.",
        )

    def propose_deal(self, deal: DealRecord, change: Change) -> None:
        """A new deal version. Raises `Conflict` when the partner has this version already."""
        self._create(
            self._brand_of(self._partners, keys.key("partner", partner=deal.partner)),
            deal.partner,
            "propose_deal",
            change,
            deal,
            _item(self._deals, _deal_key(deal.partner, deal.version), deal),
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

    def set_standing(
        self,
        standing: Standing,
        current: Status,
        change: Change,
        *,
        current_since: datetime | None = None,
        covers: Iterable[datetime] = (),
    ) -> None:
        """A new entry in a partner's standing; profile and card then say this status at once, also when the entry is
        for a moment to come. `covers` are later moments for which something else was decided: this holds there too.

        `current` and `current_since` are what the profile said when the caller read it: something else in the books is
        a `Conflict`. Without `current_since` the status alone is compared.
        """
        partner = self.partner(standing.partner)
        entries = [standing, *(replace(standing, since=since) for since in covers)]
        profile = self._partners(*keys.key("partner", partner=partner.partner))
        card = self._cards(*keys.key("card", brand=partner.brand, partner=partner.partner))
        unchanged = self._partners.status == current.value
        if current_since is not None:
            unchanged &= self._partners.status_since == current_since
        refusal = "The partner's standing was changed meanwhile: read it again."
        with translated(refusal), TransactWrite(connection=self._connection) as transaction:
            for entry in entries:
                item = _item(self._standings, _standing_key(entry), entry)
                transaction.save(item, condition=self._standings.pk.does_not_exist())
            transaction.update(
                profile,
                [
                    self._partners.status.set(standing.status.value),
                    self._partners.status_since.set(standing.since),
                ],
                condition=unchanged,
            )
            transaction.update(
                card,
                [self._cards.status.set(standing.status.value), self._cards.status_since.set(standing.since)],
                condition=self._cards.pk.exists(),
            )
            self._audit(
                transaction,
                partner.brand,
                partner.partner,
                "set_standing",
                change,
                {"status": current},
                _values(standing),
            )

    def set_parent(self, parenting: Parenting, lines: Mapping[str, str | None], change: Change) -> None:
        """A new entry in the history of a partner's parents; the profile then names this parent at once, also when the
        entry is for a month to come.

        `lines` are the partner and those above its new parent, each with the parent their profile named when they were
        read: where another decision came between, or the entry is there already, it is a `Conflict`. So no two
        decisions at once can close a circle.
        """
        own_key = keys.key("partner", partner=parenting.partner)
        own = self._partners(*own_key)
        item = _item(self._parentings, _parenting_key(parenting), parenting)
        name = self._partners.parent
        brand = self._brand_of(self._partners, own_key)
        before = lines[parenting.partner]
        refusal = "A parent was changed meanwhile: read it again."
        with translated(refusal), TransactWrite(connection=self._connection) as transaction:
            transaction.save(item, condition=self._parentings.pk.does_not_exist())
            for partner, parent in lines.items():
                unchanged = name.does_not_exist() if parent is None else name == parent
                unchanged = self._partners.pk.exists() & unchanged
                if partner == parenting.partner:
                    action = name.remove() if parenting.parent is None else name.set(parenting.parent)
                    transaction.update(own, [action], condition=unchanged)
                else:
                    key = keys.key("partner", partner=partner)
                    transaction.condition_check(self._partners, *key, condition=unchanged)
            after = _values(parenting)
            self._audit(transaction, brand, parenting.partner, "set_parent", change, {"parent": before}, after)

    def create_link(self, link: Link, change: Change) -> None:
        """A new link. Raises `Conflict` (code `code_taken`) when its code is taken."""
        owner = keys.owner_key("link", partner=link.partner, created=milliseconds(link.created), code=link.code)
        self._create(
            link.brand,
            link.code,
            "create_link",
            change,
            link,
            _item(self._links, keys.key("link", code=link.code), link, owner),
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

    def add_member(self, member: Member, change: Change) -> None:
        """A new login. Raises `Conflict` when the sub is known."""
        owner = keys.owner_key("member", of=member.partner or member.brand, member=member.member)
        self._create(
            member.brand,
            member.member,
            "add_member",
            change,
            # Without the name: the audit trail outlives the person's data.
            replace(member, name=""),
            _item(self._members, keys.key("member", member=member.member), member, owner),
            refusal="This login exists already.",
        )

    def sign_out(self, member: str, at: datetime, change: Change) -> None:
        """Refuses every token of a sign-in before this moment. Raises `Conflict` when there is no such login."""
        key = keys.key("member", member=member)
        self._change(
            self._brand_of(self._members, key),
            member,
            "sign_out",
            change,
            None,
            {"signed_out_at": at},
            self._members(*key),
            [self._members.signed_out_at.set(at)],
            self._members.pk.exists(),
            refusal="There is no such login.",
        )

    def begin_month_close(self, close: MonthClose, change: Change) -> None:
        """Somebody begins to close a brand's month. Raises `Conflict` when somebody did before."""
        self._create(
            close.brand,
            close.brand,
            "begin_month_close",
            change,
            close,
            _item(self._closes, keys.key("month_close", brand=close.brand, month=close.month), close),
            refusal=f"{close.month} is being closed already.",
        )

    def finish_month_close(self, close: MonthClose, change: Change) -> None:
        """A brand's month is closed. Raises `Conflict` when it was before, or when nobody began to close it."""
        assert close.closed_at is not None and close.closed_by is not None and close.sums is not None
        self._change(
            close.brand,
            close.brand,
            "close_month",
            change,
            {"month": close.month},
            {"month": close.month, "partners": close.partners, "entries": close.entries, "sums": _json(close.sums)},
            self._closes(*keys.key("month_close", brand=close.brand, month=close.month)),
            [
                self._closes.closed_at.set(close.closed_at),
                self._closes.closed_by.set(close.closed_by),
                self._closes.partners.set(close.partners),
                self._closes.entries.set(close.entries),
                self._closes.sums.set(_json(close.sums)),
            ],
            self._closes.pk.exists() & self._closes.closed_at.does_not_exist(),
            refusal=f"{close.month} is closed already, or nobody began to close it.",
        )

    # ------------------------------------------------------------------------------------------------------- parts

    def _owned(
        self,
        model: type[_I],
        record: type[_T],
        owner: str,
        cursor: str | None,
        limit: int,
    ) -> Page[_T]:
        """A page of what belongs to `owner`, newest first: keys by the index, then the items by their keys."""
        condition = None if cursor is None else ByOwner.owner_sk < cursor
        with translated("not a write"):
            found = list(
                model.by_owner.query(owner, condition, scan_index_forward=False, limit=limit + 1, page_size=limit + 1)
            )
            order = [(entry.pk, entry.sk) for entry in found[:limit]]
            items: dict[tuple[str, str], _I] = {}
            for start in range(0, len(order), _BATCH):
                for item in model.batch_get(order[start : start + _BATCH]):
                    items[(item.pk, item.sk)] = item
        return Page(
            # The index lags by moments behind the items: what is gone meanwhile is left out.
            items=tuple(_record(record, items[key]) for key in order if key in items),
            cursor=found[limit - 1].owner_sk if len(found) > limit else None,
        )

    def _walk(self, state: Progress) -> WalkItem:
        """The beginning of a sequence: `store.sequences` reads it and goes on from there."""
        owner = keys.owner_key(
            "walk", brand=state.brand, sequence=state.sequence, state="walking",
            started=milliseconds(state.started_at), partner=state.partner,
        )  # fmt: skip
        key = keys.key("walk", partner=state.partner, sequence=state.sequence)
        return self._walks(
            *key, True, brand=state.brand, started_at=state.started_at, done="[]", version=state.version, **owner
        )

    def _brand_of(self, model: type[_I], key: keys.Key) -> str:
        """Whose a thing is that is about to change. One that is not there is nobody's, and its change is refused."""
        with translated("not a write"):
            try:
                return str(model.get(*key, attributes_to_get=["brand"]).brand)  # type: ignore[attr-defined]
            except model.DoesNotExist:
                return DEPLOYMENT

    def _create(
        self,
        brand: str,
        subject: str,
        action: str,
        change: Change,
        after: object,
        *items: BooksItem,
        refusal: str,
        code: str = "conflict",
    ) -> None:
        with translated(refusal, code), TransactWrite(connection=self._connection) as transaction:
            for item in items:
                transaction.save(item, condition=type(item).pk.does_not_exist())
            self._audit(transaction, brand, subject, action, change, None, _values(after))

    def _change(
        self,
        brand: str,
        subject: str,
        action: str,
        change: Change,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any],
        item: BooksItem,
        actions: list[Action],
        condition: Condition,
        *,
        refusal: str,
    ) -> None:
        with translated(refusal), TransactWrite(connection=self._connection) as transaction:
            transaction.update(item, actions, condition=condition)
            self._audit(transaction, brand, subject, action, change, before, after)

    def _audit(
        self,
        transaction: TransactWrite,
        brand: str,
        subject: str,
        action: str,
        change: Change,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any],
    ) -> None:
        record = audit_record(subject, action, change, before, after, brand=brand)
        transaction.save(_item(self._audits, audit_key(record), record), condition=self._audits.pk.does_not_exist())


def member_from_wire(item: Wire) -> Member:
    """The member of an item that was read with others."""
    return _record(Member, MemberItem.from_raw_data(dict(item)))


def partner_from_wire(item: Wire) -> Partner:
    """The partner of an item that was read with others."""
    return _record(Partner, PartnerItem.from_raw_data(dict(item)))


def lead_terms_from_item(item: Mapping[str, Any]) -> LeadTerms:
    """By which link a lead counts, and since when."""
    return LeadTerms(item["counts_in"], item["counts_by"], item["counts_from"], item.get("counts_again", 0))


def audit_record(
    subject: str,
    action: str,
    change: Change,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    *,
    brand: str,
) -> AuditRecord:
    """The record of a change. `brand` is whose trail it stands in, `DEPLOYMENT` for what belongs to no brand."""
    # Derived, so that two changes of one kind in one millisecond are two records only when they differ.
    audit = derived_id("aud", subject, action, milliseconds(change.at), change.by, _json(after))
    return AuditRecord(
        brand=brand,
        subject=subject,
        audit=audit,
        at=change.at,
        by=change.by,
        action=action,
        why=change.why,
        origin=change.origin,
        before=None if before is None else _json(before),
        after=_json(after),
    )


def audit_key(record: AuditRecord) -> keys.Key:
    """Where the record of a change stands."""
    return keys.key("audit", subject=record.subject, at=milliseconds(record.at), audit=record.audit)


def brand_of_partner(connection: Connection, table: str, partner: str) -> str | None:
    """The brand of a partner, for the record of a change; None where there is no such partner."""
    key = keys.key("partner", partner=partner)
    with reading():
        answer = connection.get_item(table, key.pk, key.sk, attributes_to_get=["brand"])
    return from_wire(answer["Item"]).get("brand") if "Item" in answer else None


def audit_to_item(record: AuditRecord) -> dict[str, Any]:
    """The record as a plain item, for transactions that are not made of models."""
    return {**audit_key(record).item(), **asdict(record), "at": milliseconds(record.at)}


def deal_to_item(deal: DealRecord) -> dict[str, Any]:
    """A deal version as a plain item, for transactions that are not made of models."""
    moments = {"valid_from": milliseconds(deal.valid_from)}
    if deal.accepted_at is not None:
        moments["accepted_at"] = milliseconds(deal.accepted_at)
    return {**_deal_key(deal.partner, deal.version).item(), **asdict(deal), "accepted_at": None, **moments}


def _item(model: type[_I], key: keys.Key, record: object, owner: Mapping[str, str] | None = None) -> _I:
    values: dict[str, Any] = {**_values(record), **(owner or {})}
    return model(*key, True, **values)


def _standing_key(standing: Standing) -> keys.Key:
    since = {"from": milliseconds(standing.since)}
    return keys.key("standing", partner=standing.partner, id=standing.standing, **since)


def _parenting_key(parenting: Parenting) -> keys.Key:
    return keys.key("parenting", partner=parenting.partner, month=parenting.month, id=parenting.parenting)


def _deal_key(partner: str, version: int) -> keys.Key:
    # Padded, so that version 10 sorts after version 9.
    return keys.key("deal", partner=partner, version=f"{version:06d}")


def _get(model: type[_I], key: keys.Key, what: str, *, consistent: bool = False) -> _I:
    with translated("not a write"):
        try:
            return model.get(*key, consistent_read=consistent)
        except model.DoesNotExist:
            raise NotFound(f"There is no such {what}.") from None


def _query_all(model: type[_I], partition: str, condition: Condition | None = None) -> list[_I]:
    with translated("not a write"):
        return list(model.query(partition, condition))


def _page(
    model: type[_I],
    record: type[_T],
    partition: str,
    cursor: str | None,
    limit: int,
    newest_first: bool = False,
) -> Page[_T]:
    condition = None if cursor is None else model.sk < cursor if newest_first else model.sk > cursor
    with translated("not a write"):
        # One more than asked for tells whether there is a next page.
        found = list(
            model.query(
                partition,
                condition,
                scan_index_forward=not newest_first,
                limit=limit + 1,
                page_size=limit + 1,
            )
        )
    return Page(
        items=tuple(_record(record, item) for item in found[:limit]),
        cursor=found[limit - 1].sk if len(found) > limit else None,
    )


def _record(record: type[_T], item: BooksItem) -> _T:
    values: dict[str, Any] = {}
    for field in fields(record):  # type: ignore[arg-type]
        value = getattr(item, field.name)
        reader = _READERS.get(str(field.type))
        if value is None and field.default is not MISSING:
            continue  # written before there was such a field
        values[field.name] = reader(value) if reader is not None and value is not None else value
    return record(**values)


def _values(record: object) -> dict[str, Any]:
    """The fields as an item takes them: enumerations as their words, tuples as lists."""
    return {
        name: list(value) if isinstance(value, tuple) else getattr(value, "value", value)
        for name, value in asdict(record).items()  # type: ignore[call-overload]
    }


def _json(values: Mapping[str, Any]) -> str:
    def plain(value: object) -> object:
        return milliseconds(value) if isinstance(value, datetime) else str(value)

    return json.dumps({k: v for k, v in values.items() if v is not None}, default=plain, sort_keys=True)
