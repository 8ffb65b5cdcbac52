"""Moments that people type. A form's own field has no zone: what says none is in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

LAST_YEAR = 9998
"""Later ones cannot be counted on from."""


def moment_in_utc(text: str) -> datetime:
    """The moment, in UTC. Raises `ValueError` for what is none."""
    moment = datetime.fromisoformat(text)
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("no such year") from error
    if moment.year > LAST_YEAR:
        raise ValueError("no such year")
    return moment
