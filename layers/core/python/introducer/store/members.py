"""Members: the logins of partners and of the brand's staff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.transactions import TransactWrite

from introducer.domain.configuration import Change, Member, Role
from introducer.store import keys
from introducer.store.items import BooksItem, MomentAttribute, translated
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
    signed_in_at = MomentAttribute(null=True)
    removed_at = MomentAttribute(null=True)
    invited_at = MomentAttribute(null=True)
    """When an invitation was sent again."""


class Members(Part):
    """Typed reads and conditional writes of logins."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        super().__init__(table, region, host)
        self._members = self._bound(MemberItem)

    def member(self, member: str) -> Member:
        """Raises `NotFound`."""
        return as_record(Member, got(self._members, keys.key("member", member=member), "member"))

    def members_of_partner(self, partner: str, cursor: str | None = None, limit: int = 100) -> Page[Member]:
        """A page of those who may sign in for a partner, or might once (`removed_at`)."""
        return self._owned(self._members, Member, keys.owner_partition("member", of=partner), cursor, limit)

    def every_member(self, partner: str) -> Iterator[Member]:
        """All who may sign in for a partner."""
        return _there(every(lambda cursor: self.members_of_partner(partner, cursor)))

    def staff_of_brand(self, brand: str, cursor: str | None = None, limit: int = 100) -> Page[Member]:
        """A page of the broker's staff who work for a brand, or did (`removed_at`)."""
        return self._owned(self._members, Member, keys.owner_partition("member", of=brand), cursor, limit)

    def every_colleague(self, brand: str) -> Iterator[Member]:
        """All of the broker's staff who work for a brand."""
        return _there(every(lambda cursor: self.staff_of_brand(brand, cursor)))

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

    def note_sign_in(self, member: str, at: datetime) -> None:
        """When somebody signed in last. No change of anything that was decided, and so on no record. Raises `Conflict`
        when there is no such login."""
        item = self._members(*keys.key("member", member=member))
        with translated("There is no such login."):
            item.update([self._members.signed_in_at.set(at)], condition=self._members.pk.exists())

    def note_invitation(self, member: str, at: datetime, pause: timedelta) -> None:
        """When somebody is written to once more. Raises `Conflict` within `pause` of the last time."""
        item = self._members(*keys.key("member", member=member))
        free = self._members.invited_at.does_not_exist() | (self._members.invited_at <= at - pause)
        with translated("They were written to a moment ago."):
            item.update([self._members.invited_at.set(at)], condition=self._members.pk.exists() & free)

    def change_profile(self, before: Member, *, name: str, language: str, change: Change) -> None:
        """A member is called so, and reads in this language. Raises `Conflict` when they are none any more."""
        # Without the name, as above: only that it changed.
        told_before, told_after = {"language": before.language}, {"language": language}
        if name != before.name:
            told_after["name"] = "changed"
        self._change(
            before.brand,
            before.member,
            "change_profile",
            change,
            told_before,
            told_after,
            self._members(*keys.key("member", member=before.member)),
            [self._members.name.set(name), self._members.language.set(language)],
            self._members.pk.exists() & self._members.removed_at.does_not_exist(),
            refusal="There is no such login any more.",
        )

    def change_role(self, before: Member, role: Role, by: Member, change: Change) -> None:
        """A member has another role. Raises `Conflict` (`team_changed`) when it, or that of whoever decides, changed
        meanwhile: so two who act on each other at once never leave a house without anybody to open it."""
        self._decide(
            before,
            by,
            "change_role",
            change,
            {"role": before.role.value},
            {"role": role.value},
            [self._members.role.set(role.value)],
            self._is(before),
        )

    def remove_member(self, before: Member, by: Member, at: datetime, change: Change) -> None:
        """A member is none any more, and every session of theirs from before `at` (the true time) ends for good. Raises
        `Conflict` as `change_role` does."""
        self._decide(
            before,
            by,
            "remove_member",
            change,
            {"role": before.role.value, "removed_at": None},
            {"role": before.role.value, "removed_at": change.at.isoformat()},
            [self._members.removed_at.set(change.at), self._members.signed_out_at.set(at)],
            self._is(before),
        )

    def restore_member(self, before: Member, after: Member, change: Change) -> None:
        """Somebody who was removed is a member again. Raises `Conflict` when they are already."""
        self._change(
            before.brand,
            before.member,
            "restore_member",
            change,
            {"role": before.role.value, "removed_at": before.removed_at.isoformat() if before.removed_at else None},
            {"role": after.role.value, "removed_at": None},
            self._members(*keys.key("member", member=before.member)),
            [
                self._members.role.set(after.role.value),
                self._members.name.set(after.name),
                self._members.language.set(after.language),
                self._members.removed_at.remove(),
            ],
            self._members.removed_at.exists(),
            refusal="This login exists already.",
        )

    def _decide(
        self,
        before: Member,
        by: Member,
        action: str,
        change: Change,
        told_before: dict[str, Any],
        told_after: dict[str, Any],
        actions: list[Any],
        condition: Any,
    ) -> None:
        refusal = "The team changed meanwhile: look at it again."
        with (
            translated(refusal, "team_changed"),
            TransactWrite(connection=self._connection) as transaction,
        ):
            item = self._members(*keys.key("member", member=before.member))
            transaction.update(item, actions, condition=condition)
            key = keys.key("member", member=by.member)
            transaction.condition_check(self._members, key.pk, key.sk, condition=self._is(by))
            self._audit(transaction, before.brand, before.member, action, change, told_before, told_after)

    def _is(self, member: Member) -> Any:
        return (self._members.role == member.role.value) & self._members.removed_at.does_not_exist()


def _there(members: Iterator[Member]) -> Iterator[Member]:
    return (each for each in members if each.removed_at is None)


def member_from_wire(item: Wire) -> Member:
    """The member of an item that was read with others."""
    return as_record(Member, MemberItem.from_raw_data(dict(item)))
