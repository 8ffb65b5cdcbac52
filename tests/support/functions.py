"""Loads a function's handler module the way Lambda does: its own folder first on the path."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "functions"


def load(name: str, module: str = "app") -> ModuleType:
    """A fresh copy of functions/<name>/app.py, or of another module there, with fresh copies of its siblings."""
    folder = FUNCTIONS / name
    siblings = {path.stem for path in folder.glob("*.py")} | {
        path.name for path in folder.iterdir() if path.is_dir() and any(path.glob("*.py"))
    }
    kept = {key: sys.modules.pop(key) for key in list(sys.modules) if key.split(".")[0] in siblings}
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location(f"introducer_function_{name}", folder / f"{module}.py")
        assert spec is not None and spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        if hasattr(loaded, "registry"):
            # Pages that come later would come from the path that this folder is no longer on.
            loaded.registry.load_all()
            loaded.pages = sys.modules["pages"]  # type: ignore[attr-defined]
        return loaded
    finally:
        sys.path.remove(str(folder))
        for key in list(sys.modules):
            if key.split(".")[0] in siblings:
                del sys.modules[key]
        sys.modules.update(kept)
