"""One page of a longer list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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


def every(page_at: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """The items of all pages, in their order. `page_at` reads the page that begins at a cursor, the first one at
    None."""
    cursor: str | None = None
    while True:
        page = page_at(cursor)
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return
