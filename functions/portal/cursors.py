"""Where the next page begins, sealed: whoever changes a cursor, or takes it to another list or partner, is told so.

A position is a sort key of ours, and may hold a client's keyed hash: it is encrypted as well as authenticated. AES-SIV
does both with one key and needs no randomness, so that the same position has the same cursor.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha512

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from introducer.domain.errors import Malformed

_LONGEST = 1_024


class Cursors:
    """Seals and opens cursors. `subject` says whose list it is and which: it goes into the seal, not into the text."""

    def __init__(self, secret: bytes) -> None:
        # A key of its own: the secret it comes from serves something else as well.
        self._seal = AESSIV(hmac.digest(secret, b"introducer portal cursors", sha512))

    def seal(self, subject: str, position: str) -> str:
        return urlsafe_b64encode(self._seal.encrypt(position.encode(), [subject.encode()])).decode().rstrip("=")

    def open(self, subject: str, text: str) -> str:
        """The position. Raises `Malformed` when the text is not one we sealed for this list."""
        try:
            if not text.isascii() or len(text) > _LONGEST:
                raise ValueError
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            # Base 64 readers skip letters outside the alphabet: a cursor must come back as it was written.
            if urlsafe_b64encode(raw).decode().rstrip("=") != text:
                raise ValueError
            return self._seal.decrypt(raw, [subject.encode()]).decode()
        except (ValueError, InvalidTag):
            raise Malformed("This cursor is not of this list: begin at the first page.", code="bad_cursor") from None
