"""API keys are made and revoked, and whoever shows one is let in.

A partner's keys are its owners' to make, a brand's its admins'. A key is good for as long as its maker could make it:
it goes with them when they leave, or are owner no more, for they may have kept a copy.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.api_key import (
    ID_PREFIX,
    LONGEST_LIFE,
    LONGEST_NAME,
    MOST_STANDING,
    ROLES,
    SECRET_BYTES,
    ApiKey,
    checked_scopes,
    hash_of,
    is_secret,
    read_text,
    secret_of,
    text_of,
)
from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from introducer.services.creation import Clock, Randomness, make_id, now
from introducer.services.people import by_member
from introducer.services.team import may_decide
from introducer.store.configuration import Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A key as it is to be. `role` is for a brand's keys alone."""

    name: str
    scopes: tuple[str, ...]
    role: Role | None = None
    expires_at: datetime | None = None


def create_api_key(
    configuration: Configuration,
    member: Member,
    wish: Wish,
    *,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> tuple[ApiKey, str]:
    """The new key, and its text, which nobody can show again.

    Raises `Forbidden`; `Invalid` (`key_name`, `key_scopes`, `key_role`, `key_expires`); `Conflict`: `key_name_taken`,
    `too_many_keys`, and `key_shown` for a repeated request, whose answer would have to be shown again.
    """
    check_keeper(member)
    at, of = now(clock), member.partner or member.brand
    name = " ".join(wish.name.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid(f"Give it a name of 1 to {LONGEST_NAME} characters.", code="key_name")
    scopes = checked_scopes(wish.scopes, staff=member.role.is_staff)
    if wish.expires_at is not None and not at < wish.expires_at <= at + LONGEST_LIFE:
        raise Invalid("Choose a day to come, within ten years, or none.", code="key_expires")
    key = make_id(ID_PREFIX, request, at, random, of, member.member)
    standing = [each for each in configuration.standing_api_keys(of) if each.stands(at)]
    if any(each.key == key for each in standing):
        raise _shown_before()
    if any(each.name == name for each in standing):
        raise Conflict("There is a key of this name: choose another, or revoke that one.", code="key_name_taken")
    if len(standing) >= MOST_STANDING:
        raise Conflict(f"There are {MOST_STANDING} keys: revoke one first.", code="too_many_keys")
    secret = secret_of(random(SECRET_BYTES))
    made = ApiKey(
        key=key, of=of, brand=member.brand, partner=member.partner, role=_role(member, wish.role), name=name,
        scopes=scopes, secret_hash=hash_of(secret), created=at, created_by=member.member, expires_at=wish.expires_at,
    )  # fmt: skip
    try:
        configuration.add_api_key(made, by_member(member, at, "API key made"))
    except Conflict as error:
        raise _shown_before() from error
    return made, text_of(key, secret)


def revoke_api_key(configuration: Configuration, member: Member, key: str, *, clock: Clock) -> ApiKey:
    """The key, which is good for nothing any more. Repeating it changes nothing. Raises `Forbidden`, `NotFound`."""
    check_keeper(member)
    found = key_of(configuration, member, key)
    if found.revoked_at is None:
        # Somebody else may do it meanwhile.
        with suppress(Conflict):
            configuration.revoke_api_key(found, by_member(member, now(clock), "API key revoked"))
        found = configuration.api_key(key)
    return found


def key_of(configuration: Configuration, member: Member, key: str) -> ApiKey:
    """A key of this member's house. Raises `NotFound`, for those of other houses too."""
    found = configuration.api_key(key)
    if found.of != (member.partner or member.brand):
        raise NotFound("There is no such key.", code="no_such_key")
    return found


def check_keeper(member: Member) -> None:
    """Raises `Forbidden` for who may not make and revoke keys."""
    if not may_decide(member):
        raise Forbidden("API keys are the owner's, and an admin's: ask one of them.", code="owner_only_keys")


def admitted_key(configuration: Configuration, text: str, now: datetime) -> ApiKey:
    """The key of this text. Raises `Unauthenticated` (`bad_api_key`) whatever is wrong with it; only of a slip, which
    the checksum finds without asking anybody, it says so."""
    read = read_text(text)
    if read is None:
        raise Unauthenticated("This is no API key: copy it whole, from ink_ to its last character.", code="bad_api_key")
    name, secret = read
    try:
        key = configuration.api_key(name)
    except NotFound:
        raise _refused() from None
    # The secret first: who has none learns nothing of when a key was revoked.
    if not is_secret(secret, key) or not key.stands(now) or not is_kept(configuration, key):
        raise _refused()
    return key


def acting(key: ApiKey, language: str = "en") -> Member:
    """Who acts when a program does: in every record it is the key that did it, not its maker."""
    return Member(member=key.key, partner=key.partner, brand=key.brand, role=key.role, name=key.name, language=language)


def is_kept(configuration: Configuration, key: ApiKey) -> bool:
    """Whether its maker could still make it: they are there, and decide for the same house."""
    try:
        maker = configuration.member(key.created_by)
    except NotFound:
        return False
    of = maker.partner or maker.brand
    return maker.removed_at is None and may_decide(maker) and of == key.of


def _role(member: Member, wish: Role | None) -> Role:
    if member.partner is not None:
        if wish is not None:
            raise Invalid("A partner's key has no role: its scopes say what it may do.", code="key_role")
        return Role.OWNER
    if wish not in ROLES:
        raise Invalid("Choose as whom the key comes in.", code="key_role")
    return wish


def _shown_before() -> Conflict:
    return Conflict("This key was made and shown before: revoke it and make another, if it is lost.", code="key_shown")


def _refused() -> Unauthenticated:
    return Unauthenticated("This API key is not good, or not any more: make another one.", code="bad_api_key")
