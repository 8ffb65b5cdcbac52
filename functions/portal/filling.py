"""Sentences that are filled in with the values of a finding, in their reader's language. It needs no services: whatever
a page is made with may use it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from introducer.locale import Language

DAYS = frozenset({"first", "through"})
"""The places that are days: any other may have a name, and a partner may be called like a day."""
_DAY = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)


def filled(language: Language, text: str, values: Mapping[str, str]) -> str:
    """A detector's sentence with the values of what it found, days as people write them; a dash for a value that
    nothing is known of. It takes any values."""
    said = {name: _day(language, value) if name in DAYS else value for name, value in values.items()}
    return language.text(text).format_map(defaultdict(lambda: "\N{EN DASH}", said))


def _day(language: Language, value: str) -> str:
    """A day as people write it; what is none, as it is."""
    try:
        return language.day(value) if _DAY.fullmatch(value) else value
    except ValueError:
        return value
