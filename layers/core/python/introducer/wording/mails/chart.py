"""A letter's chart as a picture: a few bars on a light card, which stands well in a dark mail too. Small and crisp:
every edge lies on a pixel, two of them to one of the mail's, and the palette is short.

Pillow stands in the layer of documents; where it is not, the letter goes without a picture and says the same.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from introducer.wording.mails.reports import Chart

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

WIDTH, HEIGHT = 400, 160
"""In the mail's pixels. On a phone it shrinks to three quarters, and its figures are still read."""
LARGEST = 20_000
"""Bytes of a picture."""
_SCALE = 2
_SMALLEST = 9
"""The mail's pixels of the smallest figures: those of seven digits under eight bars."""
_PAPER, _EDGE, _BASE = (0xF7, 0xFA, 0xFA), (0xDB, 0xE1, 0xE2), (0xA0, 0xAA, 0xAC)
_BAR, _NOW, _INK, _QUIET = (0xA9, 0xCF, 0xCF), (0x00, 0x79, 0x79), (0x1A, 0x23, 0x27), (0x55, 0x60, 0x63)
_COLOURS = 32


def draw(chart: Chart, fonts: Path) -> bytes:
    """The picture as PNG. The same chart is the same bytes. Raises `ImportError` where there is no Pillow, `OSError`
    without the font."""
    from PIL import Image, ImageDraw, ImageFont

    width, height, unit = WIDTH * _SCALE, HEIGHT * _SCALE, _SCALE
    picture = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 0, width - 1, height - 1), 8 * unit, fill=_PAPER, outline=_EDGE, width=unit)

    left, right, top, base = 8 * unit, width - 8 * unit, 34 * unit, height - 34 * unit
    slot = (right - left) // len(chart.bars)

    def font(weight: str, size: int, texts: Iterable[str]) -> FreeTypeFont:
        """The font, as much smaller as it must be for no two of these to run into each other."""
        # Read here: by its path Pillow would take a system's font of this name instead. Figures need no shaping.
        file = (fonts / f"NotoSans-{weight}.ttf").read_bytes()

        def of(pixels: int) -> FreeTypeFont:
            return ImageFont.truetype(io.BytesIO(file), pixels, layout_engine=ImageFont.Layout.BASIC)

        made = of(size * unit)
        widest = max(map(made.getlength, texts))
        return made if widest <= slot - unit else of(max(_SMALLEST * unit, int(size * unit * (slot - unit) / widest)))

    plain = font("Regular", 13, (bar.below for bar in chart.bars))
    above = font("Regular", 13, (bar.top for bar in chart.bars))
    strong = font("Bold", 15, (bar.top for bar in chart.bars))
    thick = min(slot * 5 // 8, 40 * unit)
    most = max(1, *(bar.number for bar in chart.bars))
    for place, bar in enumerate(chart.bars):
        last = place == len(chart.bars) - 1
        at = len(chart.bars) - 1 - place if chart.mirrored else place
        middle = left + at * slot + slot // 2
        tall = (base - top) * max(bar.number, 0) // most
        if tall:
            x = middle - thick // 2
            pen.rectangle((x, base - tall, x + thick - 1, base - 1), fill=_NOW if last else _BAR)
        pen.text((middle, base - tall - 4 * unit), bar.top, fill=_INK if last else _QUIET,
                 font=strong if last else above, anchor="ms")  # fmt: skip
        pen.text((middle, base + 20 * unit), bar.below, fill=_INK if last else _QUIET, font=plain, anchor="ms")
    pen.rectangle((left, base, right - 1, base + unit - 1), fill=_BASE)
    made = io.BytesIO()
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
    return made.getvalue()
