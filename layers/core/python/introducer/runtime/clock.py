"""The one clock. Everything that asks for the time asks here, or is told.

On the local stage the clock may be ahead or behind: the file `CLOCK_FILE` holds the offset in seconds, as text, and the
demo and tests change it while functions run. Anywhere else the file is not even looked for.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from introducer.runtime.settings import Settings, settings


class Clock:
    """The system's time, plus the local stage's offset."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._offset = timedelta()

    def now(self) -> datetime:
        """The product's time, aware, UTC."""
        return self.true_now() + self._current_offset()

    def true_now(self) -> datetime:
        """The system's own time: only for what outsiders stamp by it, such as Cognito's tokens."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Seconds since some beginning; never goes back and no offset moves it. For ages of what is kept in memory."""
        return time.monotonic()

    def _current_offset(self) -> timedelta:
        if not self._settings.is_local or (path := self._settings.clock_file) is None:
            return timedelta()
        try:
            self._offset = timedelta(seconds=float(Path(path).read_text("ascii")))
        except FileNotFoundError:
            self._offset = timedelta()
        except (ValueError, OverflowError):
            # Somebody is just writing it: time must not jump back to the system's for a moment.
            pass
        return self._offset


clock = Clock(settings)
"""This process's clock."""
