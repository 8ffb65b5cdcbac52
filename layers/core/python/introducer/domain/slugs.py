"""A partner's own slug: the name that a link has in place of its code, as in `/c/summer-deal`.

A slug is one for the whole installation, and for good: what somebody printed on a flyer must never lead to another
partner. One that is given up stays with the partner who had it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from introducer.domain.errors import Invalid

MOST_PER_LINK = 3
"""Own slugs that a link has at a time."""

_RESERVED = """
about abuse account accounts admin api app assets billing brand broker click clicks client clients code
contact desk docs help home introducer invoice leads link links login logout mail me new null official partner
partners password pay payment payments payout portal postback privacy register root secure security settings
signin signout signup static status support system terms undefined unsubscribe verify webhook
www
"""
RESERVED = frozenset(word.replace("-", "") for word in _RESERVED.split())
"""Words that would pass for the brand's own pages, wherever somebody puts hyphens into them."""

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])", re.ASCII)
_NOT_PLAIN = re.compile(r"[^a-z0-9]")


def checked(text: str, brands: Iterable[str] = ()) -> str:
    """The slug as it is kept: 3 to 40 small letters, digits and hyphens. `brands` are names under which the brand is
    known, which nobody else may use alone. Raises `Invalid`."""
    slug = text.strip().lower()
    if not _SLUG.fullmatch(slug) or "--" in slug:
        raise Invalid(
            "Use 3 to 40 letters, digits and single hyphens; begin and end with a letter or digit.",
            code="invalid_slug",
            field="slug",
        )
    own = {_NOT_PLAIN.sub("", name.lower()) for name in brands}
    if slug.replace("-", "") in RESERVED | own:
        raise Invalid(f"{slug} is reserved: choose another.", code="slug_reserved", field="slug")
    return slug
