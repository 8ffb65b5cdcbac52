"""A short text that goes out in a link and comes back: signed, so that nobody but we can have written it.

It is to be read by whoever has the link: what must not be seen does not belong in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple

_BYTES = 18


class Signer(NamedTuple):
    """Signs links of one kind. Those of another kind are nobody's to it, under the same key too."""

    key: bytes
    kind: bytes
    """At most 16 bytes."""

    def token(self, said: str) -> str:
        """A link's last part: url-safe characters only, and always the same for the same text."""
        raw = said.encode()
        return f"{_text(raw)}.{_text(self._tag(raw))}"

    def said(self, token: str) -> str | None:
        """What a link says; None for one that we did not write."""
        text, _, tag = token.partition(".")
        try:
            raw, given = _raw(text), _raw(tag)
            return raw.decode() if hmac.compare_digest(given, self._tag(raw)) else None
        except (ValueError, binascii.Error):
            return None

    def _tag(self, raw: bytes) -> bytes:
        return hashlib.blake2b(raw, key=self.key[:64], person=self.kind, digest_size=_BYTES).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
