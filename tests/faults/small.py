"""Smaller numbers of the product for a while: so that little takes many steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def small(small: Mapping[tuple[Any, str], int]) -> Iterator[None]:
    """The product's numbers of modules are these for a while."""
    before = {(module, name): getattr(module, name) for module, name in small}
    for (module, name), value in small.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name), value in before.items():
            setattr(module, name, value)
