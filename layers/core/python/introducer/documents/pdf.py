"""A document as PDF, by fpdf2 with HarfBuzz: shaped, so that Arabic joins and Thai marks stand where they belong.

Lines are broken here, and everything that is drawn is measured first: text that would leave its place raises
`DoesNotFit` instead of being drawn over something else. A character that no font has is replaced by one that says so;
nothing is left out in silence. fpdf2 and what it needs are loaded when the first document is rendered: they are large.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from introducer.documents.page import (
    Cell,
    Column,
    Document,
    Facts,
    Heading,
    Paragraph,
    Parties,
    Party,
    Row,
    Table,
    runs_left,
)

WIDTH, HEIGHT = 210.0, 297.0
"""A4. All measures are millimetres, sizes of type points."""
MARGIN, TOP, BOTTOM = 18.0, 16.0, 20.0
INNER = WIDTH - 2 * MARGIN
LOWEST = HEIGHT - BOTTOM
"""Nothing but the foot of the page stands below."""

TITLE, HEADING, BODY, SMALL = 18.0, 11.5, 9.0, 7.5
GAP = 4.0
"""Between columns."""
PAD = 1.1
"""Above and below the text of a row."""
NARROWEST = 24.0
"""A column of words is never narrower."""
TOLERANCE = 0.01

INK, QUIET, RULE, ACCENT = (26, 32, 38), (92, 100, 110), (205, 211, 217), (0, 104, 110)
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

FAMILIES = {"sans": "NotoSans", "arabic": "NotoSansArabic", "thai": "NotoSansThai"}
WEIGHTS = {"": "Regular", "B": "Bold"}
_POINT = 25.4 / 72
_LINE = {"sans": 1.4, "arabic": 1.65, "thai": 1.65}
"""The height of a line, of the size of its type."""
_IN: dict[str, Callable[[str], bool]] = {
    "arabic": lambda each: "\u0600" <= each <= "\u06ff" or "\u0750" <= each <= "\u077f" or "\ufb50" <= each <= "\ufefc",
    "thai": lambda each: "\u0e00" <= each <= "\u0e7f",
}
"""Whether a character is of a script that has a font of its own."""


class DoesNotFit(Exception):
    """Something would not have stood within its place. A mistake of ours: layouts are made so that all texts fit."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A file, and what is to be known of it."""

    content: bytes
    pages: int
    replaced: frozenset[str]
    """Characters that no font has; each was replaced."""


def render(document: Document, fonts: Path) -> Rendered:
    """The document's pages. `fonts` is the folder of the static fonts. Raises `DoesNotFit`."""
    return _Press(document, fonts).print()


@dataclass(frozen=True, slots=True)
class _Style:
    size: float
    strong: bool = False
    colour: tuple[int, int, int] = INK
    upright: bool = False


class _Set(NamedTuple):
    """A line of text at its place."""

    line: str
    style: _Style
    x: float
    y: float
    wide: float
    height: float


class _Rule(NamedTuple):
    """A rule from margin to margin."""

    y: float
    colour: tuple[int, int, int]
    width: float


_Mark = _Set | _Rule


class _Press:
    """One document on its way to paper. All of it is set first, page by page: how many pages there are stands on each.
    Then it is drawn."""

    def __init__(self, document: Document, fonts: Path) -> None:
        from fpdf import FPDF

        self._document = document
        self._rtl = document.direction == "rtl"
        self._replaced: set[str] = set()
        self._y = TOP
        self._pages: list[list[_Mark]] = []
        pdf = FPDF(format="A4", unit="mm")
        pdf.set_auto_page_break(False)
        pdf.set_margins(0, 0, 0)
        pdf.c_margin = 0
        pdf.set_creation_date(document.dated)
        pdf.set_title(document.title)
        pdf.set_author(document.brand)
        pdf.set_creator("Introducer")
        pdf.set_lang(document.language)
        # Opening a font costs some 10 ms: most documents need one script.
        said = "".join(_texts(document))
        families = [family for family in FAMILIES if family == "sans" or any(map(_IN[family], said))]
        for family in families:
            for style, weight in WEIGHTS.items():
                pdf.add_font(family, style, fonts / f"{FAMILIES[family]}-{weight}.ttf")
        pdf.set_fallback_fonts(families, exact_match=True)
        self._pdf = pdf
        self._known: set[int] = set().union(*(pdf.fonts[family].cmap for family in families))  # type: ignore[union-attr]
        # One for the whole document, so that all that stands in a row has one baseline.
        self._leading = max(_LINE[family] for family in families)
        self._widths_of: dict[tuple[str, _Style], float] = {}
        self._lines_of: dict[tuple[str, _Style, float], list[str]] = {}

    def print(self) -> Rendered:
        document = self._document
        self._turn()
        for block in document.blocks:
            match block:
                case Heading():
                    self._heading(block)
                case Paragraph():
                    self._paragraph(block)
                case Facts():
                    self._facts(block)
                case Parties():
                    self._parties(block)
                case Table():
                    self._table(block)
        if self._replaced:
            self._paragraph(Paragraph(document.unprintable, small=True))
        for number, marks in enumerate(self._pages, start=1):
            self._foot(number, marks)
            self._pdf.add_page()
            for mark in marks:
                self._draw(mark)
        return Rendered(bytes(self._pdf.output()), len(self._pages), frozenset(self._replaced))

    # -------------------------------------------------------------------------------------------------------- pages

    def _turn(self) -> None:
        """A new page. The first one has the title, the others say what they belong to."""
        self._pages.append([])
        document, first = self._document, len(self._pages) == 1
        self._y = TOP
        self._put(document.brand, _Style(10, strong=True, colour=ACCENT), MARGIN, INNER)
        if first:
            self._y += 3
            self._put(document.title, _Style(TITLE, strong=True), MARGIN, INNER)
            if document.subtitle:
                self._put(document.subtitle, _Style(10.5, colour=QUIET), MARGIN, INNER)
        else:
            self._put(self._of_what(), _Style(SMALL, colour=QUIET), MARGIN, INNER)
        self._y += 3
        self._rule(self._y, ACCENT, 0.5)
        self._y += 5

    def _of_what(self) -> str:
        document = self._document
        return f"{document.title} · {document.subtitle}" if document.subtitle else document.title

    def _foot(self, page: int, marks: list[_Mark]) -> None:
        style, y = _Style(SMALL, colour=QUIET), LOWEST + 6.5
        said = self._document.page_of % {"page": page, "pages": len(self._pages)}
        width = self._measure(said, style)
        near, far = (WIDTH - MARGIN - width, MARGIN) if not self._rtl else (MARGIN, MARGIN + width + GAP)
        marks.append(_Rule(LOWEST + 5, RULE, 0.2))
        marks.append(self._set(said, style, near, width, y))
        named = self._printable(f"{self._document.brand} · {self._document.title}")
        marks.append(self._set(self._lines(named, style, INNER - width - GAP)[0], style, far, INNER - width - GAP, y))

    def _room(self, height: float) -> None:
        """Turns the page unless so much is left of it."""
        if self._y + height > LOWEST:
            self._turn()

    # ------------------------------------------------------------------------------------------------------- blocks

    def _heading(self, block: Heading) -> None:
        style = _Style(HEADING, strong=True)
        # A heading does not stand alone at the foot of a page.
        self._room(5 + self._height(block.text, style, INNER) + 22)
        self._y += 5
        self._put(block.text, style, MARGIN, INNER)
        self._y += 1.5

    def _paragraph(self, block: Paragraph) -> None:
        style = _Style(
            SMALL if block.small else BODY, block.strong, QUIET if block.small else INK, upright=block.upright
        )
        for line in self._lines(block.text, style, INNER):
            self._room(self._line_height(style))
            self._put_lines([line], style, MARGIN, INNER)
        self._y += 1.8

    def _facts(self, block: Facts) -> None:
        label, value = _Style(BODY, colour=QUIET), _Style(BODY)
        widest = min(max(self._measure(self._printable(each), label) for each, _ in block.pairs) + 0.1, INNER * 0.45)
        rest = INNER - widest - GAP
        near, far = (MARGIN, MARGIN + widest + GAP) if not self._rtl else (WIDTH - MARGIN - widest, MARGIN)
        for said, cell in block.pairs:
            style = _Style(BODY, upright=cell.upright)
            height = max(self._height(said, label, widest), self._cell_height(cell, value, rest))
            self._room(height)
            top = self._y
            self._put(said, label, near, widest)
            self._y = top
            self._put(cell.text, style, far, rest)
            for note in cell.notes:
                self._put(note, _Style(SMALL, colour=QUIET, upright=cell.upright), far, rest)
            self._y = top + height + 0.6
        self._y += 2

    def _parties(self, block: Parties) -> None:
        width = (INNER - 2 * GAP) / 2
        sides = [MARGIN, MARGIN + width + 2 * GAP]
        if self._rtl:
            sides.reverse()
        height = max(self._party_height(each, width) for each in (block.first, block.second))
        self._room(height)
        top, lowest = self._y, self._y
        for party, x in zip((block.first, block.second), sides, strict=True):
            self._y = top
            self._put(party.label, _Style(SMALL, colour=QUIET), x, width)
            self._put(party.name, _Style(10, strong=True), x, width)
            for line in party.lines:
                self._put(line, _Style(BODY), x, width)
            lowest = max(lowest, self._y)
        self._y = lowest + 4

    def _party_height(self, party: Party, width: float) -> float:
        return (
            self._height(party.label, _Style(SMALL), width)
            + self._height(party.name, _Style(10, strong=True), width)
            + sum(self._height(line, _Style(BODY), width) for line in party.lines)
        )

    # ------------------------------------------------------------------------------------------------------- tables

    def _table(self, block: Table) -> None:
        widths = self._widths(block)
        places: list[tuple[float, float]] = []
        x = MARGIN
        for width in widths:
            places.append((x if not self._rtl else WIDTH - x - width, width))
            x += width + GAP
        head = self._head_height(block.columns, widths)
        first = self._row_height(block.rows[0], block.columns, widths) if block.rows else 0
        self._room(head + first)
        self._head(block.columns, places, head)
        for row in block.rows:
            height = self._row_height(row, block.columns, widths)
            if self._y + height > LOWEST:
                self._turn()
                self._head(block.columns, places, head)
            self._row(row, block.columns, places, height)
        self._y += 2.5

    def _widths(self, block: Table) -> list[float]:
        """As wide as its widest for a column of figures; the rest is shared."""
        natural = [0.0] * len(block.columns)
        for place, column in enumerate(block.columns):
            if column.figures:
                natural[place] = self._measure(self._printable(column.label), _Style(SMALL)) + 0.1
                for row in block.rows:
                    cell = row.cells[place]
                    texts = [(cell.text, BODY, row.strong), *((note, SMALL, False) for note in cell.notes)]
                    for text, size, strong in texts:
                        wide = self._measure(self._printable(text), _Style(size, strong, upright=True)) + 0.1
                        natural[place] = max(natural[place], wide)
        shares = sum(column.share for column in block.columns if not column.figures)
        rest = INNER - sum(natural) - GAP * (len(block.columns) - 1)
        widths = [
            width if column.figures else rest * column.share / shares
            for width, column in zip(natural, block.columns, strict=True)
        ]
        if any(width < NARROWEST and not column.figures for width, column in zip(widths, block.columns, strict=True)):
            raise DoesNotFit(f"the figures of a table leave no room for its words: {[round(each) for each in widths]}")
        return widths

    def _head_height(self, columns: Sequence[Column], widths: Sequence[float]) -> float:
        style = _Style(SMALL)
        heights = [self._height(each.label, style, width) for each, width in zip(columns, widths, strict=True)]
        return max(heights) + 2 * PAD

    def _head(self, columns: Sequence[Column], places: Sequence[tuple[float, float]], height: float) -> None:
        top = self._y
        for column, (x, width) in zip(columns, places, strict=True):
            self._y = top + PAD
            self._put(column.label, _Style(SMALL, colour=QUIET), x, width, far=column.figures)
        self._y = top + height
        self._rule(self._y, QUIET, 0.25)

    def _row_height(self, row: Row, columns: Sequence[Column], widths: Sequence[float]) -> float:
        heights = [
            self._cell_height(cell, _Style(BODY, row.strong, upright=cell.upright or column.figures), width)
            for cell, column, width in zip(row.cells, columns, widths, strict=True)
        ]
        return max(heights) + 2 * PAD

    def _cell_height(self, cell: Cell, style: _Style, width: float) -> float:
        small = _Style(SMALL, upright=style.upright)
        return self._height(cell.text, style, width) + sum(self._height(note, small, width) for note in cell.notes)

    def _row(self, row: Row, columns: Sequence[Column], places: Sequence[tuple[float, float]], height: float) -> None:
        top = self._y
        if row.strong:
            self._rule(top, INK, 0.25)
        for cell, column, (x, width) in zip(row.cells, columns, places, strict=True):
            straight = cell.upright or column.figures
            self._y = top + PAD
            self._put(cell.text, _Style(BODY, row.strong, upright=straight), x, width, far=column.figures)
            for note in cell.notes:
                self._put(note, _Style(SMALL, colour=QUIET, upright=straight), x, width, far=column.figures)
        self._y = top + height
        if not row.strong:
            self._rule(self._y, RULE, 0.15)

    # -------------------------------------------------------------------------------------------------------- texts

    def _put(self, text: str, style: _Style, x: float, width: float, *, far: bool = False) -> None:
        """A text in lines, from where the pen stands downwards; `far` is where lines end."""
        self._put_lines(self._lines(text, style, width), style, x, width, far=far)

    def _put_lines(self, lines: Sequence[str], style: _Style, x: float, width: float, *, far: bool = False) -> None:
        for line in lines:
            self._pages[-1].append(self._set(line, style, x, width, self._y, far=far))
            self._y += self._line_height(style)

    def _set(self, line: str, style: _Style, x: float, width: float, y: float, *, far: bool = False) -> _Set:
        """One line at its place. Raises `DoesNotFit` when it is wider, or would leave the page."""
        wide, height = self._measure(line, style), self._line_height(style)
        lowest = HEIGHT if y > LOWEST else LOWEST
        if (
            wide > width + TOLERANCE
            or x < MARGIN - TOLERANCE
            or x + width > WIDTH - MARGIN + TOLERANCE
            or y + height > lowest + TOLERANCE
        ):
            raise DoesNotFit(f"{line[:60]!r} is {wide:.1f} by {height:.1f} mm at {x:.1f}, {y:.1f}; {width:.1f} wide")
        return _Set(line, style, x + width - wide if far != self._rtl else x, y, wide, height)

    def _rule(self, y: float, colour: tuple[int, int, int], width: float) -> None:
        self._pages[-1].append(_Rule(y, colour, width))

    def _draw(self, mark: _Mark) -> None:
        match mark:
            case _Set(line, style, x, y, wide, height):
                self._font(line, style)
                self._pdf.set_text_color(*style.colour)
                self._pdf.set_xy(x, y)
                self._pdf.cell(w=wide, h=height, text=line)
            case _Rule(y, colour, width):
                self._pdf.set_draw_color(*colour)
                self._pdf.set_line_width(width)
                self._pdf.line(MARGIN, y, WIDTH - MARGIN, y)

    def _height(self, text: str, style: _Style, width: float) -> float:
        return len(self._lines(text, style, width)) * self._line_height(style)

    def _line_height(self, style: _Style) -> float:
        return style.size * _POINT * self._leading

    def _lines(self, text: str, style: _Style, width: float) -> list[str]:
        """A text in lines that fit: broken at spaces, in Thai between words, and within a word only where it must."""
        asked = (text, style, width)
        if asked not in self._lines_of:
            self._lines_of[asked] = self._broken(text, style, width)
        return self._lines_of[asked]

    def _broken(self, text: str, style: _Style, width: float) -> list[str]:
        lines: list[str] = []
        line = ""
        for piece in _pieces(self._printable(text)):
            if self._measure((line + piece).rstrip(), style) <= width:
                line += piece
                continue
            if line.strip():
                lines.append(line.rstrip())
            line = ""
            for part in self._cut(piece, style, width):
                if line:
                    lines.append(line)
                line = part
        return [*lines, line.rstrip()] if line.strip() or not lines else lines

    def _cut(self, piece: str, style: _Style, width: float) -> list[str]:
        """A piece that cannot be broken, in parts that fit: usually one."""
        if self._measure(piece.rstrip(), style) <= width:
            return [piece]
        parts, part = [], ""
        for cluster in _clusters(piece):
            if part and self._measure(part + cluster, style) > width:
                parts.append(part)
                part = ""
            part += cluster
        return [*parts, part]

    def _measure(self, text: str, style: _Style) -> float:
        asked = (text, style)
        if text and asked not in self._widths_of:
            self._font(text, style)
            self._widths_of[asked] = float(self._pdf.get_string_width(text))
        return self._widths_of[asked] if text else 0.0

    def _font(self, text: str, style: _Style) -> None:
        # A run from right to left must be of one font: the order of its parts would be lost. The Arabic and the Thai
        # font have Latin letters and figures too.
        self._pdf.set_font(_family(text), "B" if style.strong else "", style.size)
        # A line without a letter that runs to the left is somebody's Latin name, address or id.
        direction = "rtl" if self._rtl and not style.upright and runs_left(text) else "ltr"
        self._pdf.set_text_shaping(True, direction=direction)

    def _printable(self, text: str) -> str:
        """The text on one line, with what no font has replaced."""
        shown = []
        for each in unicodedata.normalize("NFC", text):
            if unicodedata.category(each) in ("Cc", "Zl", "Zp"):
                shown.append(" ")
            elif ord(each) in self._known:
                shown.append(each)
            else:
                self._replaced.add(each)
                shown.append(REPLACEMENT)
        return "".join(shown)


def _family(text: str) -> str:
    """The font a line is set in: that of its script."""
    if text.isascii():
        return "sans"
    return next((family for family, has in _IN.items() if any(map(has, text))), "sans")


def _texts(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _texts(getattr(value, field.name))


def _pieces(text: str) -> list[str]:
    """A text in pieces between which a line may end; a space belongs to what stands before it."""
    pieces: list[str] = []
    for word in text.split(" "):
        if pieces:
            pieces[-1] += " "
        pieces += _words(word) if _family(word) == "thai" else [word]
    return pieces


def _clusters(text: str) -> list[str]:
    """A text in characters with the marks that belong to them."""
    clusters: list[str] = []
    for each in text:
        if clusters and (unicodedata.combining(each) or unicodedata.category(each) in ("Mn", "Mc", "Me")):
            clusters[-1] += each
        else:
            clusters.append(each)
    return clusters


@lru_cache(maxsize=1000)
def _words(text: str) -> Sequence[str]:
    """The words of a Thai text."""
    return tuple(_thai().parse(text))


@lru_cache(maxsize=1)
def _thai() -> Any:
    """Thai has no spaces between words: a trained model says where one ends."""
    import budoux

    return budoux.load_default_thai_parser()
