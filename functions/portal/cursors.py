"""Where the next page begins, sealed: whoever changes a cursor, or takes it to another list or partner, is told so."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from introducer.domain.errors import Malformed

_TAG = 12
_LONGEST = 1_024


class Cursors:
    """Seals and opens cursors. `subject` says whose list it is and which: it goes into the seal, not into the text."""

    def __init__(self, secret: bytes) -> None:
        # A key of its own: the secret it comes from serves something else as well.
        self._key = hmac.digest(secret, b"introducer portal cursors", sha256)

    def seal(self, subject: str, position: str) -> str:
        body = position.encode()
        return urlsafe_b64encode(self._tag(subject, body) + body).decode().rstrip("=")

    def open(self, subject: str, text: str) -> str:
        """The position. Raises `Malformed` when the text is not one we sealed for this list."""
        try:
            if not text.isascii() or len(text) > _LONGEST:
                raise ValueError
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            if urlsafe_b64encode(raw).decode().rstrip("=") != text:
                raise ValueError
            tag, body = raw[:_TAG], raw[_TAG:]
            if not hmac.compare_digest(tag, self._tag(subject, body)):
                raise ValueError
            return body.decode()
        except ValueError:
            raise Malformed("This cursor is not of this list: begin at the first page.", code="bad_cursor") from None

    def _tag(self, subject: str, body: bytes) -> bytes:
        return hmac.digest(self._key, subject.encode() + b"\0" + body, sha256)[:_TAG]
