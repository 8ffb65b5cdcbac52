"""Contact sheets: the pages of a pass beside each other, small enough to be seen at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from introducer_ops.shots.crawl import Place
from introducer_ops.shots.looking import PHONE, Pass

PER_SHEET = 12
_ROW = {PHONE: 6}
"""Phones in a row; desks stand in threes."""
_DESKS = 3
_WIDE = {PHONE: 300}
_WIDE_DESK = 620
_TALLEST = 1.9
"""How much taller than wide a desk's picture is on the sheet at most; a phone's may be 3.2 times as tall."""
_TALLEST_PHONE = 3.2
_GROUND, _LABEL = "#7a7a7a", "#ffffff"


def lay_out(pictures: Sequence[tuple[Pass, Place, Path]], folder: Path) -> list[Path]:
    """Writes the sheets of all passes and returns them."""
    made: list[Path] = []
    for one in dict.fromkeys(one for one, _, _ in pictures):
        of_pass = sorted((place.route, path) for found, place, path in pictures if found == one)
        for number, first in enumerate(range(0, len(of_pass), PER_SHEET), 1):
            path = folder / f"sheet-{one.name}-{number:02d}.png"
            _sheet([path for _, path in of_pass[first : first + PER_SHEET]], one, path)
            made.append(path)
    return made


def _sheet(paths: Sequence[Path], one: Pass, target: Path) -> None:
    from PIL import Image, ImageDraw

    in_row = _ROW.get(one.width, _DESKS)
    wide = _WIDE.get(one.width, _WIDE_DESK)
    tallest = int(wide * (_TALLEST_PHONE if one.width == PHONE else _TALLEST))
    small = []
    for path in paths:
        with Image.open(path) as picture:
            whole = picture.convert("RGB")
        scaled = whole.resize((wide, max(1, whole.height * wide // whole.width)), Image.Resampling.LANCZOS)
        small.append((path.stem, scaled.crop((0, 0, wide, min(scaled.height, tallest)))))
    rows = [small[first : first + in_row] for first in range(0, len(small), in_row)]
    heights = [max(picture.height for _, picture in row) + 24 for row in rows]
    sheet = Image.new("RGB", (in_row * (wide + 8) + 8, sum(heights) + 8), _GROUND)
    pen, y = ImageDraw.Draw(sheet), 0
    for row, height in zip(rows, heights, strict=True):
        for column, (name, picture) in enumerate(row):
            x = 8 + column * (wide + 8)
            pen.text((x, y + 6), name[: wide // 6], fill=_LABEL)
            sheet.paste(picture, (x, y + 20))
        y += height
    sheet.save(target)
