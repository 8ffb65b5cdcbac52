"""Ids: a prefix that says what the thing is, and 26 characters of Crockford base 32.

Time and randomness are passed in. Where a step can be retried, the id is derived from its inputs, so that the second
try meets the first one's item.
"""

from __future__ import annotations

import hashlib

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def base32(number: int, length: int) -> str:
    """The number in Crockford base 32, left-padded to `length` characters."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def ulid(at_ms: int, random: bytes) -> str:
    """A ULID of this millisecond and ten random bytes: sorts by time."""
    return base32(at_ms, 10) + base32(int.from_bytes(random[:10], "big"), 16)


def new_id(prefix: str, at_ms: int, random: bytes) -> str:
    """`par_01J…`: an id for something that is created once, by one call that is not retried blindly."""
    return f"{prefix}_{ulid(at_ms, random)}"


def derived_id(prefix: str, *parts: object) -> str:
    """An id that depends on its inputs alone."""
    return f"{prefix}_{base32(int.from_bytes(_digest(parts, 17), 'big') >> 6, 26)}"


def derived_ulid(at_ms: int, *parts: object) -> str:
    """A ULID of this millisecond whose random part is derived: sorts by time, and a retry makes the same one."""
    return base32(at_ms, 10) + base32(int.from_bytes(_digest(parts, 10), "big"), 16)


def _digest(parts: tuple[object, ...], size: int) -> bytes:
    digest = hashlib.blake2b(digest_size=size)
    for part in parts:
        text = str(part).encode()
        # The length goes in first, so that ("ab", "c") and ("a", "bc") differ.
        digest.update(len(text).to_bytes(4, "big") + text)
    return digest.digest()
