"""Somebody gets a login: for a partner, or as the broker's staff."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from introducer.domain import forms
from introducer.domain.configuration import Change, Member, Role
from introducer.domain.errors import Invalid, NotFound
from introducer.gateways.user_pool import PARTNERS, UserPool
from introducer.services.creation import Author, Clock, create_once, now
from introducer.store.configuration import Configuration


def invite_member(
    configuration: Configuration,
    logins: UserPool,
    *,
    brand: str,
    partner: str | None,
    role: Role,
    email: str,
    name: str,
    language: str,
    password: str | None = None,
    author: Author,
    clock: Clock,
    noted: Callable[[Member, str], object] | None = None,
) -> Member:
    """The new member. Cognito invites by e-mail, unless a lasting `password` is given.

    Raises `Invalid` for what cannot be, `NotFound` for an unknown brand or partner, `Conflict` when the address has a
    login with another role or for another partner. A try that was cut off can be made again. Somebody who was removed
    from here comes back, with the password they had. `noted` is told of a partner's member and the address: what the
    member is known by from now on (`remember_member`).
    """
    configuration.brand(brand)
    if role.is_staff != (partner is None):
        raise Invalid("Staff belong to no partner, owners and members to one: check the role.", code="invalid_role")
    if partner is not None and configuration.partner(partner).brand != brand:
        raise NotFound("There is no such partner.")
    address = forms.email(email)
    shown, spoken = forms.name(name, "member"), forms.language(language)
    at = now(clock)
    sub = logins.create_user(address, send_invitation=password is None)
    member = Member(
        member=sub, partner=partner, brand=brand, role=role, name=shown, language=spoken, signed_out_at=None
    )
    change = Change(by=author.by, at=at, why=author.why, origin=author.origin)
    created = create_once(
        lambda: configuration.add_member(member, change),
        lambda: _comes_back(configuration, logins, member, change),
        lambda existing: replace(existing, signed_out_at=None, signed_in_at=None) == member,
        member,
    )
    # Only now: whoever has the address already for something else keeps the password and gets no new group.
    if password is not None:
        logins.set_password(address, password)
    logins.add_to_group(address, role.value if role.is_staff else PARTNERS)
    if noted is not None and not role.is_staff:
        noted(created, address)
    return created


def _comes_back(configuration: Configuration, logins: UserPool, member: Member, change: Change) -> Member:
    """The member that is there already; one of the same house who was removed is there again."""
    existing = configuration.member(member.member)
    if existing.removed_at is None or (existing.partner, existing.brand) != (member.partner, member.brand):
        return existing
    logins.enable(member.member)
    configuration.restore_member(existing, member, change)
    return replace(member, signed_out_at=existing.signed_out_at, signed_in_at=existing.signed_in_at)
