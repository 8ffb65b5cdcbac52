"""The static fonts of documents in a working copy: made once, by the same script that makes those of the layer."""

from __future__ import annotations

import os
import runpy
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "layers" / "documents" / "instance_fonts.py"
FOLDER = ROOT / "build" / "fonts"


def folder() -> Path:
    """Where they are; they are made first when they are not there, which takes ten seconds."""
    if not FOLDER.exists():
        made = FOLDER.with_name(f"fonts.{os.getpid()}")
        runpy.run_path(str(SCRIPT))["instance"](made)
        try:
            made.rename(FOLDER)
        except OSError:
            # Somebody else was faster: theirs are the same.
            shutil.rmtree(made)
    return FOLDER
