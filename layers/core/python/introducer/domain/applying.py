"""The link by which an applicant shows that an address is theirs, and the code of a partner's recruiting link.

The first is signed, good for one application and for two days, and holds no address: a POST confirms, so that a mail
scanner that follows it changes nothing. The second is opaque, and always the same for a partner.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from typing import NamedTuple

from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import base32
from introducer.domain.signed import Signer

CODE_LENGTH = 10
_CODE = re.compile(rf"[0-9A-HJKMNP-TV-Z]{{{CODE_LENGTH}}}", re.ASCII)


class Confirming(NamedTuple):
    """Which application a link confirms, and until when."""

    brand: str
    application: str
    until: datetime


def key_of(secret: bytes) -> bytes:
    """The key that links are signed with, of the secret behind all keyed hashes."""
    return hmac.digest(secret, b"confirm application", "sha256")


def token(key: bytes, link: Confirming) -> str:
    """The link's last part, always the same for the same application and moment."""
    return _signer(key).token(f"{milliseconds(link.until)} {link.application} {link.brand}")


def read_token(key: bytes, text: str) -> Confirming | None:
    """What a link says; None for one that we did not write."""
    said = _signer(key).said(text)
    if said is None:
        return None
    until, application, brand = said.split(" ", 2)
    return Confirming(brand, application, from_milliseconds(int(until)))


def recruit_code(key: bytes, partner: str, number: int = 0) -> str:
    """A partner's code under its brand's key; the next `number` where another has it already."""
    said = f"{partner} {number}".encode()
    digest = hashlib.blake2b(said, key=key[:64], person=b"recruit code", digest_size=8).digest()
    return base32(int.from_bytes(digest, "big") >> 14, CODE_LENGTH)


def read_code(text: str) -> str:
    """A code as it was typed, in its one spelling; empty for what can be none."""
    code = text.strip().upper()
    return code if _CODE.fullmatch(code) else ""


def _signer(key: bytes) -> Signer:
    return Signer(key, b"confirm apply")
