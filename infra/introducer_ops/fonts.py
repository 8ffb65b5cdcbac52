"""The static fonts of documents in a working copy: made once, by the same script that makes those of the layer."""

from __future__ import annotations

import fcntl
import runpy
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "layers" / "documents" / "instance_fonts.py"
FOLDER = ROOT / "build" / "fonts"


def folder() -> Path:
    """Where they are; they are made first when they are not there, which takes ten seconds."""
    if not FOLDER.exists():
        FOLDER.parent.mkdir(exist_ok=True)
        # Whoever comes meanwhile waits for these.
        with FOLDER.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not FOLDER.exists():
                made = FOLDER.with_suffix(".new")
                shutil.rmtree(made, ignore_errors=True)
                runpy.run_path(str(SCRIPT))["instance"](made)
                made.rename(FOLDER)
    return FOLDER
