"""Keeps the cores awake while something is measured that waits for another process again and again.

A core with nothing to do halts. In a virtual machine it then belongs to somebody else, and whoever waited comes back to
cold caches: what a handler does before its put took 40 µs of CPU when it did not wait, 72 after giving up the core for
a moment, 85 to 125 after a pause. A process of idle priority on each core runs only where the core would have halted.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SPIN = "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0)); print(flush=True)\nwhile True: pass"


@contextmanager
def cores_awake() -> Iterator[None]:
    """Where the system knows no idle priority, nothing is done."""
    if not hasattr(os, "SCHED_IDLE"):
        yield
        return
    spinning = [
        subprocess.Popen([sys.executable, "-I", "-S", "-c", _SPIN], stdout=subprocess.PIPE)
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        for each in spinning:
            assert each.stdout is not None
            each.stdout.readline()
        yield
    finally:
        for each in spinning:
            each.kill()
            each.wait()
            assert each.stdout is not None
            each.stdout.close()
