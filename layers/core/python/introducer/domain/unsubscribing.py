"""The link by which mail about a topic is switched off: signed, so that it works without signing in, and for nothing
else. It holds a member's id and a topic, no address."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple

from introducer.domain.mail_topics import Topic

_BYTES = 18


class Unsubscribing(NamedTuple):
    """Who does not want mail about what."""

    member: str
    topic: Topic


def key_of(secret: bytes) -> bytes:
    """The key that links are signed with, of the secret behind all keyed hashes."""
    return hmac.digest(secret, b"unsubscribe", "sha256")


def token(key: bytes, wish: Unsubscribing) -> str:
    """The wish as it stands in a link: url-safe characters only, and always the same for the same wish."""
    said = f"{wish.topic.value} {wish.member}".encode()
    return f"{_text(said)}.{_text(_tag(key, said))}"


def read_token(key: bytes, text: str) -> Unsubscribing | None:
    """The wish that a link says; None for one that we did not write."""
    said, dot, tag = text.partition(".")
    try:
        raw = base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))
        given = base64.urlsafe_b64decode(tag + "=" * (-len(tag) % 4))
        topic, _, member = raw.decode().partition(" ")
        if not dot or not member or not hmac.compare_digest(given, _tag(key, raw)):
            return None
        return Unsubscribing(member, Topic(topic))
    except (ValueError, UnicodeDecodeError, binascii.Error):
        return None


def _tag(key: bytes, said: bytes) -> bytes:
    return hashlib.blake2b(said, key=key[:64], person=b"unsubscribe", digest_size=_BYTES).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
