"""Moments that people type. A form's own field has no zone: what says none is in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from visit import N_, FormRefused

from introducer.domain.errors import Invalid

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


def moment_of_field(name: str, text: str, typed: dict[str, Any], code: str) -> datetime | None:
    """What a form's field says; None when it is empty. Raises `FormRefused`, with this code of the error."""
    if not text:
        return None
    try:
        return moment_in_utc(text)
    except ValueError as error:
        cause = Invalid(f"{name} is a moment, such as 2026-04-02T09:30Z, or nothing.", code=code)
        raise FormRefused({name: N_("Say the day and the time, in UTC.")}, typed, cause) from error
