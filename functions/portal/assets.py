"""The stylesheet, the script and the icon: named by their content, so that a browser keeps them for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def served() -> dict[str, Path]:
    """Every file by the name it is served under: `portal.css` as `portal.3f9a2c11d0.css`."""
    found = {}
    for path in sorted(STATIC.iterdir()):
        if path.suffix in KINDS:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
            found[f"{path.stem}.{digest}{path.suffix}"] = path
    return found


@cache
def asset(name: str) -> str:
    """The address of a file. Raises `StopIteration` for one that does not exist: a mistake in a template."""
    return "/static/" + next(served_as for served_as, path in served().items() if path.name == name)
