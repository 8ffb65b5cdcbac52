"""Clocks of platforms. A trade server's clock often is no country's: it runs some hours ahead of New York, so that a
trading day ends when New York closes, summer and winter. Such a clock is written `America/New_York+7`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UTC_ALONE = "UTC"
_NAME = re.compile(r"[A-Za-z0-9_/+-]{1,40}", re.ASCII)
_AHEAD = re.compile(r"(.+)([+-]\d{1,2})", re.ASCII)


class Clock(NamedTuple):
    """A zone, and how far ahead of it the clock runs."""

    zone: ZoneInfo
    ahead: timedelta


@lru_cache(maxsize=64)
def zone(name: str) -> Clock:
    """The clock of this name. Raises `ValueError`."""
    # A zone's own name comes first: Etc/GMT+2 is one, and lies west of Greenwich.
    known = _zone(name)
    if known is not None:
        return Clock(known, timedelta())
    parts = _AHEAD.fullmatch(name)
    known = _zone(parts[1]) if parts else None
    if known is None or parts is None:
        raise ValueError(f"{name[:40]!a} is no time zone: write Europe/Nicosia, UTC, or America/New_York+7")
    return Clock(known, timedelta(hours=int(parts[2])))


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if _NAME.fullmatch(name) else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # by what is wrong with it: a folder's name is an OSError
        return None


def utc(shown: datetime, clock: Clock) -> datetime:
    """The moment at which the clock shows this (naive). An hour that it shows twice, when summer ends, is the first one
    of both: it cannot be told apart."""
    return (shown - clock.ahead).replace(tzinfo=clock.zone).astimezone(UTC)


def on_the_clock(moment: datetime, clock: Clock) -> datetime:
    """What the clock shows at a moment, dressed as UTC: so do platforms count seconds of their own time from 1970."""
    return (moment.astimezone(clock.zone) + clock.ahead).replace(tzinfo=UTC)
