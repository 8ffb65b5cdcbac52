"""The rows of a body: JSON as platforms answer it, JSON line by line, and CSV as their reports are saved.

Numbers are read as exact decimals. A body as a whole is refused only where no row can be told from the next; else a row
that cannot be read is `Broken` by itself.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from introducer.domain.errors import Malformed, TooLarge
from introducer.sources.dialects.model import Broken, RawLine
from introducer.sources.strict_json import read_value

LARGEST = 50 * 2**20
"""Bytes of one body. What is posted is bounded more closely before it comes here."""
_LONGEST_LINE = 256 * 1024
_DELIMITERS = ",;\t"
_MOST_COLUMNS = 200


def json_rows(
    *paths: str, refused: Callable[[Any], str | None] = lambda reply: None
) -> Callable[[bytes], Iterator[RawLine]]:
    """Rows of JSON: a list, an object that holds one at one of these paths (`data.deals`), a row by itself, or one
    object per line.

    `refused` says what a platform wrote in place of rows, where it refused: that is `Malformed` (`platform_refused`),
    so that a refusal is never taken for a page without rows.
    """

    def rows(body: bytes) -> Iterator[RawLine]:
        try:
            whole = read_value(body, LARGEST)
        except Malformed:
            lines = _lines(body)
            if len(lines) < 2:
                raise
            yield from _line_by_line(lines)
            return
        if why := refused(whole):
            raise Malformed(f"The platform refused: {why[:200]}.", code="platform_refused")
        yield from listed(within(whole, paths))

    return rows


def within(whole: Any, paths: Sequence[str]) -> Any:
    """What stands at the first of these paths that is there; else the whole."""
    for path in paths:
        at = whole
        for step in path.split("."):
            at = at.get(step) if isinstance(at, Mapping) else None
        if at is not None:
            return at
    return whole


def listed(found: Any) -> Iterator[RawLine]:
    """The rows of a list, numbered from 1; an object is the only row."""
    for number, row in enumerate(found if isinstance(found, list) else [found], 1):
        yield (number, row) if isinstance(row, Mapping) else no_object(number, row)


def _lines(body: bytes) -> list[tuple[int, bytes]]:
    """The filled lines of a text with one object per line; empty where it is no such text. Any line may be broken, the
    first one too. A list over several lines that breaks off is none: its rows end in commas."""
    lines = [(number, line.strip()) for number, line in enumerate(body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1)]
    filled = [(number, line) for number, line in lines if line]
    whole = sum(line.startswith(b"{") and line.endswith(b"}") for _, line in filled)
    return filled if whole and whole * 2 >= len(filled) and not filled[0][1].startswith(b"[") else []


def _line_by_line(lines: Sequence[tuple[int, bytes]]) -> Iterator[RawLine]:
    for number, line in lines:
        try:
            row = read_value(line, _LONGEST_LINE)
        except (Malformed, TooLarge) as error:
            text = line[:_LONGEST_LINE].decode("utf-8", "replace")
            yield Broken(line=number, reason=error.code, detail=error.detail, raw={"text": text})
            continue
        yield (number, row) if isinstance(row, Mapping) else no_object(number, row)


def no_object(number: int, row: Any) -> Broken:
    """What stands where a row should."""
    return Broken(
        line=number, reason="not_an_object", detail="A row is a JSON object.", raw={"text": str(row)[:_LONGEST_LINE]}
    )


def csv_rows(body: bytes) -> Iterator[RawLine]:
    """Rows of a CSV with a header, by the names in it: comma, semicolon or tab; UTF-8, or UTF-16 with its mark.

    Raises `Malformed` (`not_utf8`, `no_header`, `same_column_twice`).
    """
    lines = _text(body).split("\n")
    begin = next((number for number, line in enumerate(lines) if line.strip()), None)
    if begin is None:
        return
    delimiter = max(_DELIMITERS, key=lines[begin].count)
    header = [name.strip() for name in _values(lines[begin], delimiter) or ()]
    if len(header) < 2 or len(header) > _MOST_COLUMNS or not all(header):
        raise Malformed("The first line must name the columns.", code="no_header")
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise Malformed(f"Two columns are called {twice[:40]!a}: which one counts?", code="same_column_twice")
    for number, line in enumerate(lines[begin + 1 :], begin + 2):
        if not line.strip():
            continue
        values = _values(line, delimiter)
        if values is None:
            text = line[:_LONGEST_LINE]
            yield Broken(line=number, reason="not_csv", detail="This line is no CSV.", raw={"text": text})
            continue
        row = {name: value.strip() for name, value in zip(header, values, strict=False)}
        if len(values) != len(header):
            detail = f"This line has {len(values)} columns; the first one names {len(header)}."
            # Beyond the last name: withheld as all that has no name, but it tells two lines apart.
            rest = {"": values[len(header) :]} if len(values) > len(header) else {}
            yield Broken(line=number, reason="wrong_columns", detail=detail, raw=row | rest)
            continue
        yield number, row


def _values(line: str, delimiter: str) -> list[str] | None:
    """A line's columns. Each line is read by itself: a quotation mark that nobody closes spoils no other."""
    try:
        return next(csv.reader([line.rstrip("\r")], delimiter=delimiter))
    except (csv.Error, StopIteration):
        return None


def _text(body: bytes) -> str:
    encoding = "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        raise Malformed(f"The file is not {encoding[:6].upper()} (byte {error.start}).", code="not_utf8") from None


def looks_like_json(body: bytes) -> bool:
    """Whether a body begins as JSON does."""
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")
