"""The clock of the local stage: an offset in seconds in a file that every function reads."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path


class Clock:
    """Moves the time of a local stack. Functions see a change at their next reading."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def offset(self) -> float:
        """Seconds that the stack is ahead of real time (negative: behind)."""
        try:
            return float(self.path.read_text() or 0)
        except FileNotFoundError:
            return 0.0

    def set(self, offset_seconds: float) -> None:
        """Put the stack's time at real time plus this."""
        # A rename, so that no function ever reads half a number.
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        draft.write_text(f"{offset_seconds:.3f}")
        draft.replace(self.path)

    def set_to(self, moment: datetime) -> None:
        """Put the stack's time at this moment now."""
        self.set((moment - datetime.now(UTC)).total_seconds())

    def advance(self, seconds: float) -> None:
        self.set(self.offset + seconds)

    def now(self) -> datetime:
        """What the functions take for the present, aware, UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.offset)
