"""API keys: what a program shows in the place of a person's sign-in.

A key is a partner's, made by one of its owners, or a brand's, made by an admin for the broker's own systems. It may do
what its scopes name, and never more than whoever made it: it is good for as long as its maker could make it.

The text is `ink_`, the key's id, a secret and a checksum, of letters and digits alone: a double click takes all of it,
a secret scanner knows it by its form, and a slip of the pen is told from a key that is gone. We keep a hash of the
secret; the text itself is shown once.
"""

from __future__ import annotations

import hmac
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from introducer.domain.configuration import Role
from introducer.domain.errors import Invalid

PREFIX = "ink_"
ID_PREFIX = "key"
MOST_STANDING = 20
"""So many keys of one owner stand at once."""
LONGEST_NAME = 60
LONGEST_LIFE = timedelta(days=3_653)

READ, WRITE = "read", "write"
EVERY_DESK = "desk"
"""`desk:read` stands for reading in every area of the desk."""

AREAS_OF_PARTNER: Mapping[str, bool] = {
    "overview": False,
    "links": True,
    "clients": False,
    "leads": False,
    "earnings": False,
    "payouts": False,
    "deal": False,
    "reports": True,
    "network": False,
    "contests": True,
    "messages": True,
    "postbacks": True,
    "cases": False,
}
"""What a partner's key may be for; True where it may also write. To accept a deal or to answer a case is a person's."""

AREAS_OF_DESK: Mapping[str, bool] = {
    "desk.work": True,
    "desk.partners": True,
    "desk.applications": False,
    "desk.clients": False,
    "desk.leads": True,
    "desk.deals": False,
    "desk.money": False,
    "desk.contests": False,
    "desk.messages": True,
    "desk.campaigns": True,
    "desk.events": True,
    "desk.cases": False,
    "desk.audit": False,
    "desk.reports": True,
    "desk.settings": False,
}
"""The same of a brand's key. What takes a second person (money, cases, deals, contests) is read alone: a key must not
be the second pair of eyes of whoever made it."""

ROLES = tuple(role for role in Role if role.is_staff)
"""What a brand's key may be: no more than its maker, who is an admin."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID, _SECRET, _CHECK = 26, 32, 6
SECRET_BYTES = 24
"""So much chance is in a secret: 190 bits, which nobody tries through. A fast hash of it is therefore enough."""
_TEXT = re.compile(
    rf"{PREFIX}([0-9A-HJKMNP-TV-Z]{{{_ID}}})([0-9A-Za-z]{{{_SECRET}}})([0-9A-Za-z]{{{_CHECK}}})", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as we keep it."""

    key: str
    """`key_01J…`"""
    of: str
    """Whose it is: a partner, or a brand."""
    brand: str
    partner: str | None
    """None for a key of the broker's own systems."""
    role: Role
    """As what it comes in. A partner's is an owner's, bounded by its scopes."""
    name: str
    scopes: tuple[str, ...]
    secret_hash: str
    created: datetime
    created_by: str
    """The member who made it."""
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def stands(self, now: datetime) -> bool:
        """Whether it is neither revoked nor past its last moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def may(self, scope: str) -> bool:
        """Whether it was given this scope."""
        area, _, deed = scope.partition(":")
        every = f"{EVERY_DESK}:{READ}"
        return scope in self.scopes or (deed == READ and area in AREAS_OF_DESK and every in self.scopes)


def text_of(key: str, secret: str) -> str:
    """What its owner keeps."""
    body = PREFIX + key.removeprefix(f"{ID_PREFIX}_") + secret
    return body + _checksum(body)


def secret_of(chance: bytes) -> str:
    """A secret from this much chance (`SECRET_BYTES`)."""
    return _in_digits(int.from_bytes(chance, "big"), _SECRET)


def read_text(text: str) -> tuple[str, str] | None:
    """Id and secret of a key's text; None for what cannot be one: another form, or a slip that the checksum finds."""
    found = _TEXT.fullmatch(text)
    if found is None or not hmac.compare_digest(_checksum(text[:-_CHECK]), found[3]):
        return None
    return f"{ID_PREFIX}_{found[1]}", found[2]


def hash_of(secret: str) -> str:
    """What we keep of a secret."""
    return sha256(secret.encode()).hexdigest()


def is_secret(secret: str, key: ApiKey) -> bool:
    """Whether it is the key's, told in the same time whatever is wrong with it."""
    return hmac.compare_digest(hash_of(secret).encode(), key.secret_hash.encode())


def scopes_for(*, staff: bool) -> tuple[str, ...]:
    """All scopes that a key of the broker, or of a partner, may have."""
    areas = AREAS_OF_DESK if staff else AREAS_OF_PARTNER
    found = [f"{EVERY_DESK}:{READ}"] if staff else []
    for area, writes in areas.items():
        found += [f"{area}:{READ}", f"{area}:{WRITE}"] if writes else [f"{area}:{READ}"]
    return tuple(found)


def checked_scopes(scopes: Iterable[str], *, staff: bool) -> tuple[str, ...]:
    """The scopes in their order, each once. Raises `Invalid` (`key_scopes`) for none, and for one that is none."""
    wanted, known = set(scopes), scopes_for(staff=staff)
    if not wanted:
        raise Invalid("Choose at least one thing that the key may do.", code="key_scopes")
    if foreign := sorted(wanted - set(known)):
        raise Invalid(f"There is no scope {foreign[0][:40]!r}: choose of those listed.", code="key_scopes")
    return tuple(scope for scope in known if scope in wanted)


def _checksum(body: str) -> str:
    return _in_digits(zlib.crc32(body.encode()), _CHECK)


def _in_digits(number: int, length: int) -> str:
    found = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        found.append(_DIGITS[digit])
    return "".join(reversed(found))
