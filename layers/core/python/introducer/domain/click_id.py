"""The click id: exactly 32 url-safe characters that name their link and time and cannot be forged.

24 bytes in base 64: one byte of version (2 bits), key number (3), shard exponent (2) and flag (1); six of time in
milliseconds; six of link id; three random; eight of keyed BLAKE2 tag over all before. The id alone therefore gives
the click's key in FACTS, and a platform can hand it back without anybody looking anything up.

Standard library only and light to import: the redirect starts with it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import blake2b
from hmac import compare_digest

VERSION = 1
LENGTH = 32
_TAG = 8


class ClickId:
    """A click id taken apart. `shard` is the FACTS partition within its link and day."""

    __slots__ = ("at_ms", "flagged", "key_number", "link_id", "shard", "text")

    def __init__(self, text: str, key_number: int, flagged: bool, at_ms: int, link_id: str, shard: int) -> None:
        self.text = text
        self.key_number = key_number
        self.flagged = flagged
        self.at_ms = at_ms
        self.link_id = link_id
        self.shard = shard

    def __repr__(self) -> str:
        return f"ClickId({self.text})"


def mint(
    *,
    key_number: int,
    key: bytes,
    link_id: str,
    at_ms: int,
    random: bytes,
    flagged: bool = False,
    shard_exponent: int = 0,
) -> str:
    """A new click id. `link_id` is 8 url-safe characters (6 bytes), `random` 3 bytes, `shard_exponent` 0 to 3.

    A link's clicks of one day are spread over 4 ** shard_exponent partitions; the exponent is part of the id, so
    raising it for a hot link moves no older click.
    """
    head = VERSION << 6 | key_number << 3 | shard_exponent << 1 | flagged
    body = bytes((head,)) + at_ms.to_bytes(6, "big") + urlsafe_b64decode(link_id) + random
    return urlsafe_b64encode(body + blake2b(body, key=key, digest_size=_TAG).digest()).decode()


def read(text: str) -> ClickId | None:
    """Take an id apart without asking whether it is genuine; None when it has not the form of one."""
    if len(text) != LENGTH or not text.isascii():
        return None
    try:
        raw = urlsafe_b64decode(text)
    except ValueError:
        return None
    # Base 64 readers skip letters outside the alphabet: an id must come back as it was written.
    if len(raw) != 24 or urlsafe_b64encode(raw).decode() != text or raw[0] >> 6 != VERSION:
        return None
    shards = 4 ** (raw[0] >> 1 & 3)
    return ClickId(
        text,
        raw[0] >> 3 & 7,
        bool(raw[0] & 1),
        int.from_bytes(raw[1:7], "big"),
        urlsafe_b64encode(raw[7:13]).decode(),
        raw[13] % shards,
    )


def verify(text: str, keys: Mapping[int, bytes]) -> ClickId | None:
    """Take a genuine id apart; None when it is malformed, forged, or signed by a key we no longer hold."""
    click = read(text)
    if click is None or click.key_number not in keys:
        return None
    raw = urlsafe_b64decode(text)
    tag = blake2b(raw[:-_TAG], key=keys[click.key_number], digest_size=_TAG).digest()
    return click if compare_digest(tag, raw[-_TAG:]) else None
