"""The redirect's own reading of the one clock: the system's time, plus an offset that only the local stage accepts."""

from __future__ import annotations

import os
import time
from pathlib import Path


def now_ms() -> int:
    """Milliseconds since 1970."""
    at_ms = time.time_ns() // 1_000_000
    return at_ms if os.environ.get("STAGE") != "local" else at_ms + _offset_ms()


def _offset_ms() -> int:
    # Read each time: demo and tests move the clock while containers live.
    try:
        return round(float(Path(os.environ["CLOCK_FILE"]).read_text("ascii") or 0) * 1000)
    except (KeyError, OSError, ValueError):
        return 0


class Deadline:
    """How much of the time that recording may take is left. It measures durations, so no clock moves it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = time.monotonic()

    def allows(self, share: float) -> bool:
        """Whether a call that may take this share of the whole can still end in time."""
        return time.monotonic() - self._began <= self._seconds * (1 - share)
