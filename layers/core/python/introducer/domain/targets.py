"""A link's own deep link: which addresses it may lead to, by the rules by which the redirect reads a visit's `to`.

The redirect has these rules in `functions/redirect/target.py`, where nothing of `domain` is imported; one table of
cases holds both to the same answers (`tests/support/targets.py`). Here a refusal has a reason, there the visitor is
simply sent to the campaign's page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from introducer.domain.errors import Invalid

LONGEST = 1024
"""Characters of a deep link at most."""
MACRO = re.compile(r"\{(?:campaign|partner|link|code|sub[1-5]|click_id)\}", re.ASCII)
"""What the redirect fills in page addresses and UTM values."""

_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*", re.ASCII)
_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*", re.ASCII)
_ADDRESS = re.compile(r"https://([A-Za-z0-9.-]{1,253})(/.*)?", re.ASCII)
_ODD_ESCAPE = re.compile(r"%(?:2f|5c|2e|25|7f|[01][0-9a-f]|(?![0-9a-f]{2}))", re.IGNORECASE)
_ODD_IN_QUERY = re.compile(r"%(?:7f|[01][0-9a-f]|(?![0-9a-f]{2}))", re.IGNORECASE)
_ODD_PATH = re.compile(r"//|/\.{1,2}(?:/|$)")


def deep_link(text: str, hosts: Iterable[str]) -> str:
    """The deep link as it is kept: a path (`/en/start?x=1`), taken under the landing page's own host, or an `https`
    address whose host is one of the campaign's. Raises `Invalid`."""
    if len(text) > LONGEST:
        raise _refused(f"Write at most {LONGEST} characters.")
    rest, address = text, ""
    if not text.startswith("/"):
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise _refused("Write a path such as /en/start, or an address that begins with https://.")
        host = match[1].lower()
        if host not in {each.lower() for each in hosts}:
            raise Invalid(
                f"{host[:80]} is none of the campaign's hosts: a deep link stays below them.",
                code="host_not_allowed",
                field="path",
            )
        rest, address = match[2] or "/", f"https://{host}"
    path, _, query = rest.partition("?")
    if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
        raise _refused("A path has letters, digits and the usual signs: write others in percent, as %C3%A4.")
    if _ODD_PATH.search(path) or _ODD_ESCAPE.search(path) or _ODD_IN_QUERY.search(query):
        raise _refused("A path has no //, no /../ and no slash written in percent.")
    return address + rest


def leads(text: str, hosts: Iterable[str]) -> bool:
    """Whether the redirect follows a deep link that was allowed once: a campaign may lose hosts."""
    try:
        deep_link(text, hosts)
    except Invalid:
        return False
    return True


def _refused(detail: str) -> Invalid:
    return Invalid(detail, code="invalid_path", field="path")
