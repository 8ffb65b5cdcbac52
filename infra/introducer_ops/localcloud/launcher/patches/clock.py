"""The product's time on this cloud: the real one, and the offset that the local stage keeps in a file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

_LOOK_EVERY = 0.05


class Clock:
    """Reads the file anew whenever it is asked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> float:
        """Seconds since 1970."""
        try:
            return time.time() + float(self._path.read_text() or 0)
        except FileNotFoundError:
            return time.time()

    def after(self, seconds: float) -> Callable[[threading.Event], bool]:
        """What waits until so much time has passed from now on, and says whether it was woken before. A clock that is
        put back makes nobody wait longer than really so long."""
        until, really = self.now() + seconds, time.monotonic() + seconds

        def wait(woken: threading.Event) -> bool:
            while (left := min(until - self.now(), really - time.monotonic())) > 0:
                if woken.wait(min(left, _LOOK_EVERY)):
                    return True
            return woken.is_set()

        return wait
