"""Charts as numbers: where each bar stands. The template draws them; a table beside it says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 100
"""Units of the drawing's height; its width is `SLOT` per bar, and the browser stretches it."""
SLOT = 10
_GAP = 2


@dataclass(frozen=True, slots=True)
class Bar:
    x: int
    y: float
    height: float
    negative: bool


@dataclass(frozen=True, slots=True)
class Bars:
    """`width` by `HEIGHT`, the baseline at zero."""

    width: int
    height: int
    bar_width: int
    zero: float
    bars: tuple[Bar, ...]
    highest: int
    """Index of the highest value; -1 when there is nothing above zero."""
    empty: bool


def bars(values: Sequence[int], slots: int, rtl: bool = False) -> Bars:
    """One bar per value, of at least `slots` places; time runs from right to left when `rtl`."""
    places = max(len(values), slots)
    top, bottom = max([0, *values]), min([0, *values])
    span = (top - bottom) or 1
    zero = round(HEIGHT * top / span, 2) if values and (top or bottom) else float(HEIGHT)
    drawn = []
    for index, value in enumerate(values):
        height = round(HEIGHT * abs(value) / span, 2)
        # A value that is not nothing is seen.
        height = max(height, 1.5) if value else 0.0
        place = places - 1 - index if rtl else index
        drawn.append(Bar(place * SLOT + _GAP // 2, zero - height if value > 0 else zero, height, value < 0))
    highest = values.index(top) if values and top > 0 else -1
    return Bars(places * SLOT, HEIGHT, SLOT - _GAP, zero, tuple(drawn), highest, not any(values))
