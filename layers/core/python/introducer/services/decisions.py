"""What decisions of staff have in common: a reason, and an order that no clock can turn round."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from introducer.domain.errors import Invalid

LONGEST_REASON = 500


def after(at: datetime, earlier: Iterable[datetime]) -> datetime:
    """The moment of a decision that knows of earlier ones: now, and later than all of them, whatever clocks say. Their
    order decides which one counts."""
    return max([at, *(each + timedelta(milliseconds=1) for each in earlier)])


def reason(text: str) -> str:
    """Why something is decided, in a person's words. Raises `Invalid`."""
    text = text.strip()
    if not 3 <= len(text) <= LONGEST_REASON:
        raise Invalid(f"Say why, in 3 to {LONGEST_REASON} characters: it stays on record.", code="reason_needed")
    return text
