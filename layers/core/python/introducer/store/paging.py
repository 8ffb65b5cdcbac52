"""One page of a longer list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and where the next ones begin.

    `cursor` is the sort key of the last item within its partition, or None after the last page. It is plain: what
    leaves the house is wrapped at the edge.
    """

    items: tuple[T, ...]
    cursor: str | None = None
