"""Writes `functions/portal/route_index.py`: which page module has which route of the portal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORTAL = ROOT / "functions" / "portal"
TARGET = PORTAL / "route_index.py"
_HEAD = '''"""Which page module has which route. Written by `introducer generate`: do not edit."""

from __future__ import annotations

from collections.abc import Mapping

ROUTES: Mapping[str, Mapping[str, str]] = {
'''
_ASKED = """
import importlib, json, pkgutil
import pages, server
for each in pkgutil.iter_modules(pages.__path__):
    importlib.import_module("pages." + each.name)
print(json.dumps([[page.path, page.method, page.view.__module__] for page in server.registered]))
"""


def routes() -> dict[str, dict[str, str]]:
    """By path and method the module below `pages`, as all modules register them."""
    # The portal's modules have plain names (`server`, `pages`), which belong into no other process.
    said = subprocess.run([sys.executable, "-c", _ASKED], cwd=PORTAL, capture_output=True, text=True, check=True).stdout
    found: dict[str, dict[str, str]] = {}
    for path, method, module in sorted(json.loads(said)):
        folder, _, name = module.rpartition(".")
        if folder == "pages":
            found.setdefault(path, {})[method] = name
    return found


def render() -> str:
    """The file's text."""
    lines = [f"    {json.dumps(path)}: {json.dumps(methods)},\n" for path, methods in sorted(routes().items())]
    return f"{_HEAD}{''.join(lines)}}}\n"


def write() -> Path:
    """Write it; its path."""
    TARGET.write_text(render(), "utf-8")
    return TARGET
