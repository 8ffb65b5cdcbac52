"""Charts as numbers: where each bar stands. The template draws them; a table beside it says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HEIGHT = 100
"""Units of the drawing's height; its width is `SLOT` per bar, and the browser stretches it."""
SLOT = 10
_GAP = 2
TICK = 4


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


@dataclass(frozen=True, slots=True)
class Band:
    """Bars of a rate with the band in which it was expected, on one scale from zero."""

    width: int
    height: int
    bar_width: int
    bars: tuple[Bar, ...]
    """`negative` are those that left the band: they have the same colour as what falls below zero."""
    points: str
    """The band as the corners of a polygon: along its upper edge and back along the lower one."""
    highest: int
    """Index of the highest bar; -1 when there is nothing above zero."""


def band(rates: Sequence[int], low: Sequence[int], high: Sequence[int], rtl: bool = False) -> Band:
    """One bar per day and its band; all are shares in the same unit, none is below zero."""
    top = max([1, *rates, *high])

    def up(value: int) -> float:
        return round(HEIGHT * value / top, 2)

    def edge(values: Sequence[int]) -> list[str]:
        steps = enumerate(reversed(values) if rtl else values)
        return [f"{(place + side) * SLOT},{round(HEIGHT - up(value), 2)}" for place, value in steps for side in (0, 1)]

    drawn = []
    for index, (rate, least, most) in enumerate(zip(rates, low, high, strict=True)):
        place = len(rates) - 1 - index if rtl else index
        height = max(up(rate), 1.5) if rate else 0.0
        drawn.append(Bar(place * SLOT + _GAP // 2, HEIGHT - height, height, not least <= rate <= most))
    return Band(
        len(rates) * SLOT, HEIGHT, SLOT - _GAP, tuple(drawn), " ".join([*edge(high), *reversed(edge(low))]),
        rates.index(max(rates)) if any(rates) else -1,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    y: float
    """Of its upper end."""
    index: int
    """Of the moment that it stands for."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """What happened to each of a few clients, one lane for each, on one scale of time."""

    width: int
    height: int
    tick_width: int
    tick_height: float
    levels: tuple[float, ...]
    """Where the line of each lane runs."""
    ticks: tuple[Tick, ...]


MOST_LANES = 12


def lanes(times: Sequence[datetime], names: Sequence[str], rtl: bool = False) -> Lanes:
    """What happened when, the earliest first, and to whom; at most twelve lanes, of those who came first."""
    shown = list(dict.fromkeys(names))[:MOST_LANES]
    width, high = 600, HEIGHT / max(len(shown), 1)
    ticks = []
    for index, (at, name) in enumerate(zip(times, names, strict=True)):
        if name in shown:
            share = (at - times[0]) / ((times[-1] - times[0]) or timedelta(1))
            x = round((width - TICK) * (1 - share if rtl else share), 1)
            ticks.append(Tick(x, round(high * (shown.index(name) + 0.15), 2), index))
    levels = tuple(round(high * (place + 0.5), 2) for place in range(len(shown)))
    return Lanes(width, HEIGHT, TICK, round(high * 0.7, 2), levels, tuple(ticks))
