"""What is wrong with the shape of something that people write, as pydantic found it, in our own codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CODES = {
    "missing": "missing",
    "too_short": "missing",
    "string_too_short": "missing",
    "union_tag_not_found": "missing",
    "extra_forbidden": "unknown",
    "literal_error": "choice",
    "union_tag_invalid": "choice",
    "string_pattern_mismatch": "written",
    "string_type": "text",
    "int_type": "number",
    "int_from_float": "number",
    "bool_type": "yes_or_no",
    "list_type": "list",
    "greater_than_equal": "range",
    "less_than_equal": "range",
    "string_too_long": "range",
}
"""By pydantic's kind of error; what is not here needs an object."""


def bounds(about: Mapping[str, Any]) -> list[str]:
    """The limits that a value is outside of, such as `≤ 100`, from what pydantic says about an error."""
    return [f"{sign} {about[name]}" for name, sign in (("ge", "≥"), ("le", "≤"), ("max_length", "≤")) if name in about]
