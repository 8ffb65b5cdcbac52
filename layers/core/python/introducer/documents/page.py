"""A document as plain data: blocks of texts that are translated and formatted already, from top to bottom."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

LEFT_TO_RIGHT_MARK = "\N{LEFT-TO-RIGHT MARK}"


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place of a table, or beside a label."""

    text: str
    notes: Sequence[str] = ()
    """Smaller, each in lines of its own below."""
    upright: bool = False
    """Whether it reads from left to right in every language: amounts, ids, digests."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. A column of figures is as wide as its widest, on the far side; the others share the rest."""

    label: str
    figures: bool = False
    share: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table. A strong one is a sum: a rule stands above it."""

    cells: Sequence[Cell]
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    strong: bool = False
    small: bool = False
    upright: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels with what they say, a line each."""

    pairs: Sequence[tuple[str, Cell]]


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody a document is between: a label (`Supplier`), a name, and lines such as an address."""

    label: str
    name: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Parties:
    """Two of them, side by side."""

    first: Party
    second: Party


@dataclass(frozen=True, slots=True)
class Table:
    """Breaks over pages between its rows; its head is repeated on each."""

    columns: Sequence[Column]
    rows: Sequence[Row]


Block = Heading | Paragraph | Facts | Parties | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """All that a renderer needs. The same document makes the same file, whenever and wherever it is rendered."""

    title: str
    brand: str
    """Who it comes from: at the head of every page."""
    subtitle: str = ""
    language: str
    """A language's code, such as `ar`."""
    direction: str
    """`ltr` or `rtl`."""
    dated: datetime
    """The moment the file says it was made: one that belongs to what it shows."""
    blocks: Sequence[Block]
    page_of: str
    """Stands at the foot of every page, with places for `%(page)s` and `%(pages)s`."""
    unprintable: str
    """A sentence for the end, when characters had to be replaced because no font has them."""


def runs_left(text: str) -> bool:
    """Whether a text has letters that are written from right to left."""
    return any(unicodedata.bidirectional(each) in ("R", "AL") for each in text)


def upright(text: str, direction: str) -> str:
    """A figure or an id within a sentence: it stays together and is not turned round where text runs from right to
    left."""
    return f"{LEFT_TO_RIGHT_MARK}{text}{LEFT_TO_RIGHT_MARK}" if direction == "rtl" else text
