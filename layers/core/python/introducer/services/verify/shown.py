"""Values as a difference shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_LONGEST = 300
"""Characters of a value that are shown."""


def shown(value: Any) -> str:
    """A value as JSON, cut where it is long."""
    text = "nothing" if value is None or value in ([], {}) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def lists_apart(expected: Any, found: Any) -> tuple[str, str]:
    """Two values, of lists only the entries that the other has not."""
    if isinstance(expected, list | None) and isinstance(found, list | None):
        should, says = expected or [], found or []
        if any(isinstance(entry, list) for entry in [*should, *says]):
            return shown([e for e in should if e not in says]), shown([e for e in says if e not in should])
    return shown(expected), shown(found)


def fields_apart(expected: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, str]:
    """Two groups of fields, only the fields that differ."""
    names = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    should, says = ({name: side[name] for name in names if name in side} for side in (expected, found))
    return shown(should), shown(says)
