"""Who may sign in for a partner, and who works for a brand: looked at, and decided by its owners, or by admins.

Nobody decides about themselves, and every decision holds only while whoever makes it still may (the transaction checks
it). So there is always an owner left, and an admin.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from introducer.domain.configuration import Change, Member, Role
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.gateways.user_pool import UserPool
from introducer.services.creation import now
from introducer.services.people import by_member
from introducer.store.configuration import Configuration
from introducer.store.paging import Page, every

OF_PARTNER = (Role.OWNER, Role.MEMBER)
OF_STAFF = tuple(role for role in Role if role.is_staff)
MOST_MEMBERS = 100
"""So many of a partner have or had a login. Each invitation is a mail of ours to any address that an owner writes."""
INVITED_AGAIN = timedelta(minutes=10)
"""Nobody is written to more often than that."""


@dataclass(frozen=True, slots=True)
class TeamBooks:
    """What a team is changed with."""

    configuration: Configuration
    logins: UserPool


def may_decide(member: Member) -> bool:
    """Whether this member decides who belongs to the team."""
    return member.role in (Role.OWNER, Role.ADMIN)


def roles_of(member: Member) -> tuple[Role, ...]:
    """Which roles there are in this member's house."""
    return OF_STAFF if member.role.is_staff else OF_PARTNER


def team_of(configuration: Configuration, member: Member, cursor: str | None, limit: int) -> Page[Member]:
    """A page of this member's house, by name within it. Those who were removed are left out."""
    if member.partner is None:
        found = configuration.staff_of_brand(member.brand, cursor, limit)
    else:
        found = configuration.members_of_partner(member.partner, cursor, limit)
    there = [each for each in found.items if each.removed_at is None]
    return Page(tuple(sorted(there, key=lambda each: (each.name.casefold(), each.member))), found.cursor)


def colleague(configuration: Configuration, member: Member, other: str) -> Member:
    """One of the same house, who may have been removed. Raises `NotFound`, for those of other houses too."""
    found = configuration.member(other)
    if (found.partner, found.brand) != (member.partner, member.brand):
        raise NotFound("There is no such member.")
    return found


def check_decides(member: Member) -> None:
    """Raises `Forbidden`."""
    if not may_decide(member):
        raise Forbidden("The team is the owner's, and an admin's, to change: ask one of them.", code="owner_only_team")


def check_role(member: Member, role: Role) -> None:
    """Raises `Invalid` for a role that there is not in this member's house."""
    if role not in roles_of(member):
        raise Invalid("There is no such role here: choose one of those listed.", code="invalid_role")


def change_role(books: TeamBooks, member: Member, other: str, role: Role, *, at: datetime) -> Member:
    """A colleague has another role from now on; the same again changes nothing. Raises `Forbidden`, `NotFound`,
    `Invalid`, and `Conflict` (`own_member`, `team_changed`)."""
    check_decides(member)
    check_role(member, role)
    before = _other(books, member, other)
    if before.removed_at is not None:
        raise NotFound("There is no such member.")
    if before.role is not role:
        why = f"made {role.value} of the team"
        books.configuration.change_role(before, role, member, by_member(member, _in_full(at), why))
    if role.is_staff and before.role is not role:
        # The books decide what somebody may; the pool's groups follow, for whoever looks there.
        books.logins.move_to_group(other, before.role.value, role.value)
    return books.configuration.member(other)


def remove_member(books: TeamBooks, member: Member, other: str, *, at: datetime, true_now: datetime) -> Member:
    """A colleague is none any more, and is signed out everywhere at once. May be repeated: the login is disabled then,
    if that failed. Raises as `change_role` does, and `Unavailable`."""
    check_decides(member)
    before = _other(books, member, other)
    if before.removed_at is None:
        change = by_member(member, _in_full(at), "removed from the team")
        books.configuration.remove_member(before, member, _in_full(true_now), change)
    # Even where this fails: who is removed is let in nowhere, whatever token they show.
    books.logins.disable(other)
    return books.configuration.member(other)


def check_room(configuration: Configuration, member: Member) -> None:
    """Raises `Conflict` (`team_full`) where a partner has as many members as it may have, with those who left."""
    if member.partner is None:
        return
    partner = member.partner
    found = every(lambda cursor: configuration.members_of_partner(partner, cursor))
    if sum(1 for _ in islice(found, MOST_MEMBERS)) >= MOST_MEMBERS:
        raise Conflict("There are as many logins as a partner may have: write to your manager.", code="team_full")


def invite_again(books: TeamBooks, member: Member, other: str, *, at: datetime) -> Member:
    """A colleague who has not come in yet is written to once more. Raises `Forbidden`, `NotFound`, `Conflict`
    (`signed_in_before`, `invited_lately`), `Unavailable`."""
    check_decides(member)
    found = colleague(books.configuration, member, other)
    if found.removed_at is not None:
        raise NotFound("There is no such member.")
    if found.signed_in_at is not None:
        raise Conflict(
            "They have chosen a password already: there is nothing to invite them to.", code="signed_in_before"
        )
    address = books.logins.login(other).email
    try:
        books.configuration.note_invitation(other, _in_full(at), INVITED_AGAIN)
    except Conflict as error:
        raise Conflict(
            "They were written to a moment ago: wait until that mail had time to come.", code="invited_lately"
        ) from error
    books.logins.invite_again(address)
    return found


def change_profile(configuration: Configuration, member: Member, *, name: str, language: str, at: datetime) -> Member:
    """A member's own name and language, as they are then. Raises `Conflict` when they are a member no more."""
    if (name, language) == (member.name, member.language):
        return member
    change: Change = by_member(member, _in_full(at), "changed their own profile")
    configuration.change_profile(member, name=name, language=language, change=change)
    return configuration.member(member.member)


def _other(books: TeamBooks, member: Member, other: str) -> Member:
    if other == member.member:
        raise Conflict("This is you: ask a colleague who may decide it.", code="own_member")
    return colleague(books.configuration, member, other)


def _in_full(at: datetime) -> datetime:
    return now(lambda: at)
