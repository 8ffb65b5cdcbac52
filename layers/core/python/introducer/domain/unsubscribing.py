"""The link by which mail about a topic is switched off: signed, so that it works without signing in, and for nothing
else. It holds a member's id and a topic, no address."""

from __future__ import annotations

import hmac
from typing import NamedTuple

from introducer.domain.mail_topics import Topic
from introducer.domain.signed import Signer


class Unsubscribing(NamedTuple):
    """Who does not want mail about what."""

    member: str
    topic: Topic


def key_of(secret: bytes) -> bytes:
    """The key that links are signed with, of the secret behind all keyed hashes."""
    return hmac.digest(secret, b"unsubscribe", "sha256")


def token(key: bytes, wish: Unsubscribing) -> str:
    """The wish as it stands in a link, always the same for the same wish."""
    return _signer(key).token(f"{wish.topic.value} {wish.member}")


def read_token(key: bytes, text: str) -> Unsubscribing | None:
    """The wish that a link says; None for one that we did not write."""
    said = _signer(key).said(text)
    if said is None:
        return None
    topic, _, member = said.partition(" ")
    # A link stays in a mailbox for longer than some topics are written about.
    return Unsubscribing(member, Topic(topic)) if topic in set(Topic) else None


def _signer(key: bytes) -> Signer:
    return Signer(key, b"unsubscribe")
