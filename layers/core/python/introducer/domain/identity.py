"""Names without names: keyed hashes that stand for a person's id, e-mail, phone, address or device.

A hash is `base64url(HMAC-SHA256(brand key, kind + ":" + normalised value))[:22]`, 132 bits; the brand key is
`HMAC-SHA256(identity secret, brand id)`. The same person therefore has other hashes at another brand, an e-mail never
equals a device, and nobody without the secret can try values. The redirect hashes addresses by the same rule.

Normalising comes first, so that one address written in two ways is one hash. The functions below raise `Invalid`
when the text is not such a thing; their sentences never repeat it.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from base64 import urlsafe_b64encode
from ipaddress import IPv6Address, ip_address, ip_network

from introducer.domain.errors import Invalid

CLIENT, EMAIL, PHONE, ADDRESS, DEVICE = "client", "email", "phone", "address", "device"
"""The kinds of personal values."""
PREFIX, PATTERN = "prefix", "pattern"
"""What is made of an address and of an e-mail, to see that many are of one make."""

HASH_LENGTH = 22
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")
_DIGITS = re.compile(r"[0-9]+")
_LEAST_LETTERS = 3
"""Of an e-mail's own part: numbers alone, as some providers give them to everybody, are no pattern."""
_DOTLESS = frozenset({"gmail.com", "googlemail.com"})
"""Providers to whom dots in an address mean nothing."""
_PHONE_MARKS = re.compile(r"[\s().\-/]+")
_PHONE = re.compile(r"\+?[0-9]{5,20}")


def brand_key(secret: bytes, brand: str) -> bytes:
    """The 32 bytes under which a brand's people are hashed."""
    return hmac.digest(secret, brand.encode(), "sha256")


def keyed_hash(key: bytes, kind: str, value: str) -> str:
    """22 url-safe characters for an already normalised value of this kind."""
    digest = hmac.digest(key, f"{kind}:{value}".encode(), "sha256")
    return urlsafe_b64encode(digest).decode()[:HASH_LENGTH]


def normal_email(text: str) -> str:
    """Lower case, compatibility characters unified, no space around."""
    value = unicodedata.normalize("NFKC", text).strip().casefold()
    if not _EMAIL.fullmatch(value) or not value.isprintable():
        raise Invalid("This is not an e-mail address.", code="invalid_email")
    return value


def normal_phone(text: str) -> str:
    """Digits, after a plus sign when the number is international (`00` is read as `+`)."""
    value = _PHONE_MARKS.sub("", unicodedata.normalize("NFKC", text))
    value = "+" + value[2:] if value.startswith("00") else value
    if not _PHONE.fullmatch(value):
        raise Invalid("This is not a phone number: send 5 to 20 digits, best as +49…", code="invalid_phone")
    return value


def normal_address(text: str) -> str:
    """An IP address in its shortest form; an IPv4 address mapped into IPv6 is that IPv4 address."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        raise Invalid("This is not an IP address.", code="invalid_ip") from None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        # A zone names an interface of the sender's own machine, not the visitor.
        return IPv6Address(int(address)).compressed
    return str(address)


def normal_device(text: str) -> str:
    """A device fingerprint: opaque, only trimmed."""
    value = text.strip()
    if not 1 <= len(value) <= 200 or not value.isprintable():
        raise Invalid("A device is 1 to 200 printable characters.", code="invalid_device")
    return value


def network(address: str) -> str:
    """The network that a normalised address lies in: /24, or /48 of IPv6."""
    width = 48 if isinstance(ip_address(address), IPv6Address) else 24
    return str(ip_network(f"{address}/{width}", strict=False))


def email_pattern(email: str) -> str | None:
    """What a normalised e-mail address looks like: numbers are `0`, tags are dropped, and dots where the provider
    ignores them. None where so little is left that honest addresses would look alike."""
    own, _, domain = email.rpartition("@")
    own = own.partition("+")[0]
    if domain in _DOTLESS:
        own = own.replace(".", "")
    if sum(letter.isalpha() for letter in own) < _LEAST_LETTERS:
        return None
    return f"{_DIGITS.sub('0', own)}@{domain}"
