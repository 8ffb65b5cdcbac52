"""Members: the logins of partners and of the brand's staff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from pynamodb.attributes import UnicodeAttribute

from introducer.domain.configuration import Change, Member
from introducer.store import keys
from introducer.store.items import BooksItem, MomentAttribute
from introducer.store.paging import Page, every
from introducer.store.records import Part, as_item, as_record, got
from introducer.store.wire import Wire


class MemberItem(BooksItem):
    member = UnicodeAttribute()
    partner = UnicodeAttribute(null=True)
    brand = UnicodeAttribute()
    role = UnicodeAttribute()
    name = UnicodeAttribute()
    language = UnicodeAttribute()
    signed_out_at = MomentAttribute(null=True)


class Members(Part):
    """Typed reads and conditional writes of logins."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        super().__init__(table, region, host)
        self._members = self._bound(MemberItem)

    def member(self, member: str) -> Member:
        """Raises `NotFound`."""
        return as_record(Member, got(self._members, keys.key("member", member=member), "member"))

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
            as_item(self._members, keys.key("member", member=member.member), member, owner),
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


def member_from_wire(item: Wire) -> Member:
    """The member of an item that was read with others."""
    return as_record(Member, MemberItem.from_raw_data(dict(item)))
