"""Links, and by which one a lead came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from introducer.domain.configuration import Availability, Change, Link
from introducer.domain.contracts import LeadTerms
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import milliseconds
from introducer.domain.lead import PREFIX as LEAD
from introducer.store import keys
from introducer.store.items import BooksItem, IntegerAttribute, MomentAttribute, TextsAttribute, translated
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
    page = UnicodeAttribute(null=True)
    path = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    note = UnicodeAttribute(null=True)
    slugs = TextsAttribute(null=True)
    given_up = MomentAttribute(null=True)


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
            # Without the partner's words: the audit trail is never edited.
            replace(link, name="", note=""),
            as_item(self._links, keys.key("link", code=link.code), link, owner),
            refusal=f"The code {link.code} is taken.",
            code="code_taken",
        )

    def set_link_status(self, code: str, status: Availability, change: Change) -> None:
        """Pauses a link with all its slugs, or takes it up again. Raises `Conflict` when it has that status or does not
        exist."""
        refusal = f"The link {code} is {status.value} already, or there is no such link."
        try:
            link = self.link(code)
        except NotFound:
            raise Conflict(refusal) from None
        other = Availability.PAUSED if status is Availability.ACTIVE else Availability.ACTIVE
        with translated(refusal), TransactWrite(connection=self._connection) as transaction:
            transaction.update(
                self._links(*keys.key("link", code=code)),
                [self._links.status.set(status.value)],
                condition=(self._links.status == other.value) & self._slugs_are(link),
            )
            for slug in link.slugs:
                self._set_slug(transaction, slug, [self._links.status.set(status.value)])
            self._audit(transaction, link.brand, code, "set_link_status", change, {"status": other}, {"status": status})

    def choose_slug(self, link: Link, slug: str, change: Change) -> None:
        """A link can be reached by this slug too. Raises `Conflict` (code `slug_taken`) when somebody has or had it who
        is not this partner, when another link of the partner has it, or when the link was changed meanwhile."""
        # Without the partner's words: they stand once, where erasing the partner finds them.
        named = replace(link, code=slug, created=change.at, slugs=(), given_up=None, name="", note="")
        own = (self._links.partner == link.partner) & self._links.given_up.exists()
        refusal = f"{slug} is taken: choose another."
        with translated(refusal, "slug_taken"), TransactWrite(connection=self._connection) as transaction:
            transaction.save(
                as_item(self._links, keys.key("link", code=slug), named),
                condition=self._links.pk.does_not_exist() | own,
            )
            self._have_slugs(transaction, link, (*link.slugs, slug))
            self._audit(transaction, link.brand, link.code, "choose_slug", change, None, {"slug": slug})

    def give_up_slug(self, link: Link, slug: str, change: Change) -> None:
        """A slug leads nowhere from now on; it stays its partner's. Raises `Conflict` when the link was changed
        meanwhile."""
        refusal = "The link was changed meanwhile: look at it again."
        with translated(refusal), TransactWrite(connection=self._connection) as transaction:
            ended = [self._links.given_up.set(change.at), self._links.status.set(Availability.PAUSED.value)]
            self._set_slug(transaction, slug, ended)
            self._have_slugs(transaction, link, tuple(each for each in link.slugs if each != slug))
            self._audit(transaction, link.brand, link.code, "give_up_slug", change, {"slug": slug}, {})

    def _set_slug(self, transaction: TransactWrite, slug: str, actions: Sequence[Action]) -> None:
        item = self._links(*keys.key("link", code=slug))
        transaction.update(
            item, list(actions), condition=self._links.pk.exists() & self._links.given_up.does_not_exist()
        )

    def _have_slugs(self, transaction: TransactWrite, link: Link, slugs: tuple[str, ...]) -> None:
        """The link has these slugs, if it still is what was read: a slug of a paused link is paused."""
        transaction.update(
            self._links(*keys.key("link", code=link.code)),
            [self._links.slugs.set(list(slugs))],
            condition=(self._links.status == link.status.value) & self._slugs_are(link),
        )

    def _slugs_are(self, link: Link) -> Condition:
        """The link has the slugs that were read."""
        same: Condition = self._links.slugs == list(link.slugs)
        # Links from before there were slugs have no list.
        return same if link.slugs else self._links.slugs.does_not_exist() | same


def lead_terms_from_item(item: Mapping[str, Any]) -> LeadTerms:
    """By which link a lead counts, and since when."""
    return LeadTerms(item["counts_in"], item["counts_by"], item["counts_from"], item.get("counts_again", 0))
