"""Partners with their cards, and the histories of their standing and of their parents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import datetime

from pynamodb.attributes import UnicodeAttribute
from pynamodb.connection.base import Connection
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from introducer.domain.configuration import BEGINNING, Change, Parenting, Partner, PartnerCard, Standing, Status
from introducer.domain.errors import Conflict
from introducer.domain.events import milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.sequence import Progress
from introducer.store import keys
from introducer.store.items import BooksItem, IntegerAttribute, MomentAttribute, translated
from introducer.store.paging import Page, every
from introducer.store.records import Part, as_item, as_record, got, page_of, values_of
from introducer.store.wire import Wire, from_wire, reading

CARDS_AT_ONCE = 500
"""Partners in a line that are read with one query, where all are read."""


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


class WalkItem(BooksItem):
    brand = UnicodeAttribute()
    started_at = MomentAttribute()
    done = UnicodeAttribute()
    version = IntegerAttribute()


class Partners(Part):
    """Typed reads and conditional writes of partners."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        super().__init__(table, region, host)
        self._partners = self._bound(PartnerItem)
        self._cards = self._bound(CardItem)
        self._standings = self._bound(StandingItem)
        self._parentings = self._bound(ParentingItem)
        self._walks = self._bound(WalkItem)

    def partner(self, partner: str) -> Partner:
        """Raises `NotFound`."""
        return as_record(Partner, got(self._partners, keys.key("partner", partner=partner), "partner"))

    def cards(self, brand: str, cursor: str | None = None, limit: int = 100) -> Page[PartnerCard]:
        """A page of a brand's partners, by id: the oldest first."""
        return page_of(self._cards, PartnerCard, keys.partition("card", brand=brand), cursor, limit)

    def every_card(self, brand: str) -> Iterator[PartnerCard]:
        """All of a brand's partners, by id: one query, in as many pages as it takes."""
        return every(lambda cursor: self.cards(brand, cursor, CARDS_AT_ONCE))

    def standings(self, partner: str) -> list[Standing]:
        """The history of a partner's standing, oldest first; empty for one that always was active."""
        with translated("not a write"):
            # Consistently: which later ones a decision covers is decided by it.
            found = list(self._standings.query(keys.partition("standing", partner=partner), consistent_read=True))
        return sorted((as_record(Standing, item) for item in found), key=lambda s: (s.since, s.decided_at, s.standing))

    def parentings(self, partner: str) -> list[Parenting]:
        """Below whom a partner stands from which month on: by month, and those of one month in the order in which they
        were decided (the last one counts). The first one is of the registration; empty for an unknown partner."""
        with translated("not a write"):
            # Consistently: whether a change would close a circle is decided by it.
            found = list(self._parentings.query(keys.partition("parenting", partner=partner), consistent_read=True))
        return sorted(
            (as_record(Parenting, item) for item in found), key=lambda p: (p.month, p.decided_at, p.parenting)
        )

    def begins(self, brand: str, sequence: str) -> bool:
        """Whether new partners of a brand begin this sequence: it is switched on. Raises `Unavailable`."""
        key = keys.key("sequence", brand=brand, sequence=sequence)
        with reading():
            answer = self._connection.get_item(
                self._table, key.pk, key.sk, consistent_read=True, attributes_to_get=["on"]
            )
        return bool(from_wire(answer.get("Item", {})).get("on"))

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
            as_item(self._partners, keys.key("partner", partner=partner.partner), partner, _below(partner)),
            as_item(self._cards, keys.key("card", brand=partner.brand, partner=partner.partner), card),
            as_item(self._parentings, _parenting_key(parenting), parenting),
            *(() if walk is None else (self._walk(walk),)),
            refusal=f"The partner {partner.name} exists already.",
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
                item = as_item(self._standings, _standing_key(entry), entry)
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
                values_of(standing),
            )

    def set_manager(self, partner: Partner, manager: str | None, change: Change) -> None:
        """Another member of staff looks after the partner, or nobody does; profile and card say so. `partner` is as it
        was read: where somebody else decided meanwhile it is a `Conflict`."""
        profile = self._partners(*keys.key("partner", partner=partner.partner))
        card = self._cards(*keys.key("card", brand=partner.brand, partner=partner.partner))
        name = self._partners.manager
        unchanged = name.does_not_exist() if partner.manager is None else name == partner.manager

        def named(attribute: UnicodeAttribute) -> Action:
            return attribute.remove() if manager is None else attribute.set(manager)

        refusal = "The partner's manager was changed meanwhile: read it again."
        with translated(refusal), TransactWrite(connection=self._connection) as transaction:
            transaction.update(profile, [named(name)], condition=self._partners.pk.exists() & unchanged)
            transaction.update(card, [named(self._cards.manager)], condition=self._cards.pk.exists())
            self._audit(
                transaction,
                partner.brand,
                partner.partner,
                "set_manager",
                change,
                {"manager": partner.manager},
                {"manager": manager},
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
        item = as_item(self._parentings, _parenting_key(parenting), parenting)
        name = self._partners.parent
        known = self.partner(parenting.partner)
        brand = known.brand
        before = lines[parenting.partner]
        refusal = "A parent was changed meanwhile: read it again."
        with translated(refusal), TransactWrite(connection=self._connection) as transaction:
            transaction.save(item, condition=self._parentings.pk.does_not_exist())
            for partner, parent in lines.items():
                unchanged = name.does_not_exist() if parent is None else name == parent
                unchanged = self._partners.pk.exists() & unchanged
                if partner == parenting.partner:
                    transaction.update(own, self._moved(known, parenting.parent), condition=unchanged)
                else:
                    key = keys.key("partner", partner=partner)
                    transaction.condition_check(self._partners, *key, condition=unchanged)
            after = values_of(parenting)
            self._audit(transaction, brand, parenting.partner, "set_parent", change, {"parent": before}, after)

    def children(self, partner: str, cursor: str | None = None, limit: int = 100) -> Page[Partner]:
        """A page of those who stand directly below a partner, as decided last, the newest first. The index lags by
        moments: who stands elsewhere by now is left out."""
        page = self._owned(self._partners, Partner, keys.owner_partition("partner", parent=partner), cursor, limit)
        return Page(tuple(each for each in page.items if each.parent == partner), page.cursor)

    def list_below(self, partner: Partner) -> bool:
        """Lists a partner under its parent, as registering does; whether it was not listed. Whoever moved since it was
        read is listed where it stands."""
        item = self._partners
        unlisted = item.owner_pk.does_not_exist() & (item.parent == partner.parent)
        try:
            with translated("It is listed already."):
                own = item(*keys.key("partner", partner=partner.partner))
                own.update(actions=self._moved(partner, partner.parent), condition=unlisted)
        except Conflict:
            return False
        return True

    def _moved(self, partner: Partner, parent: str | None) -> list[Action]:
        """What puts a profile below another parent, in the list of children too."""
        item = self._partners
        if parent is None:
            return [item.parent.remove(), item.owner_pk.remove(), item.owner_sk.remove()]
        place = _below(replace(partner, parent=parent))
        return [
            item.parent.set(parent),
            item.owner_pk.set(place[keys.OWNER_PK]),
            item.owner_sk.set(place[keys.OWNER_SK]),
        ]

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


def _below(partner: Partner) -> dict[str, str]:
    """Where a partner is listed under its parent."""
    if partner.parent is None:
        return {}
    created = f"{milliseconds(partner.created):013d}"
    return keys.owner_key("partner", parent=partner.parent, created=created, partner=partner.partner)


def partner_from_wire(item: Wire) -> Partner:
    """The partner of an item that was read with others."""
    return as_record(Partner, PartnerItem.from_raw_data(dict(item)))


def brand_of_partner(connection: Connection, table: str, partner: str) -> str | None:
    """The brand of a partner, for the record of a change; None where there is no such partner."""
    key = keys.key("partner", partner=partner)
    with reading():
        answer = connection.get_item(table, key.pk, key.sk, attributes_to_get=["brand"])
    return from_wire(answer["Item"]).get("brand") if "Item" in answer else None


def _standing_key(standing: Standing) -> keys.Key:
    since = {"from": milliseconds(standing.since)}
    return keys.key("standing", partner=standing.partner, id=standing.standing, **since)


def _parenting_key(parenting: Parenting) -> keys.Key:
    return keys.key("parenting", partner=parenting.partner, month=parenting.month, id=parenting.parenting)
