"""Forms that configured texts must have. Each check gives the text back in its one spelling, or says what is wrong."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from introducer.domain.errors import Invalid

_HOST = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2}", re.ASCII)
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}", re.ASCII)
_SLUG = re.compile(r"[a-z][a-z0-9-]{1,39}", re.ASCII)
_EMAIL = re.compile(r"[^\s@<>\",;:\\]{1,64}@([^\s@<>\",;:\\]+)", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


def name(text: str, what: str) -> str:
    """1 to 120 characters on one line. Raises `Invalid`."""
    text = text.strip()
    if not 1 <= len(text) <= 120 or _CONTROL.search(text):
        raise Invalid(f"The {what} needs a name of 1 to 120 characters on one line.", code="invalid_name")
    return text


def host(text: str, what: str) -> str:
    """A host name without port, in small letters. Raises `Invalid`."""
    text = text.strip().lower().removesuffix(".")
    if not _HOST.fullmatch(text):
        raise Invalid(f"{text[:80]!r} is no host for the {what}: say one such as go.example.com.", code="invalid_host")
    return text


def https_url(text: str, what: str) -> str:
    """An absolute https address without user or fragment. Raises `Invalid`."""
    try:
        parts = urlsplit(text)
        clean = (
            parts.scheme == "https"
            and bool(parts.hostname and _HOST.fullmatch(parts.hostname))
            and parts.username is None
            and not parts.fragment
            and parts.port is None
            and len(text) <= 2000
            and text.isascii()
            and not any(character.isspace() for character in text)
        )
    except ValueError:
        clean = False
    if not clean:
        raise Invalid(
            f"{text[:80]!r} is no address for the {what}: say one such as https://www.example.com/start.",
            code="invalid_url",
        )
    return text


def host_of(url: str) -> str:
    """The host of an address that `https_url` let through."""
    return urlsplit(url).hostname or ""


def country(text: str) -> str:
    """An ISO 3166 alpha-2 code, by its form. Raises `Invalid`."""
    if not _COUNTRY.fullmatch(text):
        raise Invalid(f"{text[:20]!r} is no country code: send two capital letters such as DE.", code="invalid_country")
    return text


def language(text: str) -> str:
    """An ISO 639-1 code, by its form. Raises `Invalid`."""
    if not _LANGUAGE.fullmatch(text):
        raise Invalid(f"{text[:20]!r} is no language code: send two letters such as en.", code="invalid_language")
    return text


def parameter(text: str) -> str:
    """The name of a query parameter. Raises `Invalid`."""
    if not _PARAMETER.fullmatch(text):
        raise Invalid(
            f"{text[:50]!r} is no parameter name: use letters, digits and _ . -, at most 40.",
            code="invalid_parameter",
        )
    return text


def slug(text: str, what: str) -> str:
    """A name that stands in addresses: small letters, digits and hyphens. Raises `Invalid`."""
    if not _SLUG.fullmatch(text):
        raise Invalid(
            f"{text[:50]!r} is no name for a {what}: use 2 to 40 small letters, digits and hyphens.",
            code="invalid_name",
        )
    return text


def email(text: str) -> str:
    """An e-mail address, by its form. Raises `Invalid`, without repeating the address."""
    text = text.strip()
    match = _EMAIL.fullmatch(text)
    if match is None or not _HOST.fullmatch(match[1].lower()):
        raise Invalid("That is no e-mail address: send one such as name@example.com.", code="invalid_email")
    return text
