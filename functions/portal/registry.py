"""Which page module answers which route. A module is imported when one of its routes is first asked for: a container
that shows one page does not read the sources of all.

`route_index.py` is written by `introducer generate`, and a test holds it fresh.
"""

from __future__ import annotations

from importlib import import_module

from route_index import ROUTES

_come: set[str] = set()


def ready(path: str, method: str) -> None:
    """Registers the route, if it is one of a page module."""
    module = ROUTES.get(path, {}).get(method)
    if module is not None:
        _bring(module)


def load_all() -> None:
    """Registers every route: for what looks at all of them, such as the API's description."""
    for module in sorted({each for methods in ROUTES.values() for each in methods.values()}):
        _bring(module)


def _bring(module: str) -> None:
    if module not in _come:
        import_module(f"pages.{module}")
        _come.add(module)
