"""The redirect's own reading of the one clock: the system's time, plus an offset that only the local stage accepts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path


def now_ms() -> int:
    """Milliseconds since 1970."""
    at_ms = time.time_ns() // 1_000_000
    return at_ms + _offset_ms() if _is_local() else at_ms


@cache
def _is_local() -> bool:
    return os.environ.get("STAGE") == "local"


def _offset_ms() -> int:
    # Read each time: demo and tests move the clock while containers live.
    try:
        return round(float(Path(os.environ["CLOCK_FILE"]).read_text("ascii") or 0) * 1000)
    except (KeyError, OSError, ValueError):
        return 0


def monotonic() -> float:
    """Seconds since some moment: what durations are measured by, and what tests play. No offset moves it."""
    return time.monotonic()


class Deadline:
    """How much of the time that something may take is left."""

    __slots__ = ("_elapsed", "_ends", "seconds")

    def __init__(self, seconds: float, elapsed: Callable[[], float] = monotonic) -> None:
        self.seconds = seconds
        """The whole."""
        self._elapsed = elapsed
        self._ends = elapsed() + seconds

    def restart(self) -> None:
        """All of the time is left again."""
        self._ends = self._elapsed() + self.seconds

    def left(self, keep: float = 0.0) -> float:
        """Seconds until the end, less this share of the whole that is kept for what comes after; negative when over."""
        return self._ends - self._elapsed() - self.seconds * keep
