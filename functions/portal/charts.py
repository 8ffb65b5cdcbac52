"""Charts as numbers: where each bar stands. The template draws them; a table beside it says the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

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
class Block:
    """A bar, or the part of it that one series has."""

    x: float
    y: float
    width: float
    height: float
    series: int
    place: int
    """Of the row that it is of."""
    negative: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """Up to `MOST_SERIES` series over the same places: bars beside or upon each other, or lines."""

    width: int
    height: int
    zero: float
    blocks: tuple[Block, ...]
    lines: tuple[tuple[int, str], ...]
    """Series and points; a line with a gap is two."""
    order: tuple[int, ...]
    """The series as their names stand beside the drawing: the highest line or the uppermost part first."""
    empty: bool


MOST_SERIES = 5
KINDS = ("stacked", "grouped", "line")
Row = Sequence[int | Decimal | None]


def plot(kind: str, rows: Sequence[Row], slots: int = 0, rtl: bool = False) -> Plot:
    """Each row is a place, with a value per series; None where nothing is known. At least `slots` places wide.

    Raises `ValueError` for a kind that there is not, and for more series than one can tell apart.
    """
    series = max(map(len, rows), default=0)
    if kind not in KINDS or series > MOST_SERIES:
        raise ValueError(f"{kind} of {series} series: {', '.join(KINDS)}, of at most {MOST_SERIES}")
    upper, lower = zip(*(_reach(kind, row) for row in rows), strict=True) if rows else ((0,), (0,))
    top, bottom = max(0, *upper), min(0, *lower)
    places, span = max(len(rows), slots), (top - bottom) or 1

    def up(value: int | Decimal) -> float:
        return round(float(HEIGHT * value / span), 2)

    zero = up(top) if top or bottom else float(HEIGHT)
    blocks: list[Block] = []
    for place, row in enumerate(rows):
        left = (places - 1 - place if rtl else place) * SLOT + _GAP // 2
        blocks += _blocks(kind, row, place, float(left), zero, up, rtl) if kind != "line" else []
    lines = []
    if kind == "line":
        for number in range(series):
            run: list[str] = []
            for place, row in [*enumerate(rows), (len(rows), ())]:
                value = row[number] if number < len(row) else None
                if value is not None:
                    centre = ((places - 1 - place if rtl else place) + 0.5) * SLOT
                    run.append(f"{centre:g},{round(zero - up(value), 2):g}")
                elif run:
                    # A single point is drawn as a short dash: a line needs two.
                    lines.append((number, " ".join(run if len(run) > 1 else run * 2)))
                    run = []
    last = rows[-1] if rows else ()
    order = list(range(series))
    if kind == "line":
        order.sort(key=lambda number: -(last[number] or 0) if number < len(last) else 0)
    elif kind == "stacked":
        order.reverse()
    return Plot(
        places * SLOT, HEIGHT, zero, tuple(blocks), tuple(lines), tuple(order),
        not any(value for row in rows for value in row),
    )  # fmt: skip


def _reach(kind: str, row: Row) -> tuple[int | Decimal, int | Decimal]:
    """How far a row goes above and below zero."""
    known = [value for value in row if value is not None]
    if kind == "stacked":
        return sum(value for value in known if value > 0), sum(value for value in known if value < 0)
    return max([0, *known]), min([0, *known])


def _blocks(
    kind: str, row: Row, place: int, left: float, zero: float, up: Callable[[int | Decimal], float], rtl: bool
) -> list[Block]:
    full = float(SLOT - _GAP)
    width = full if kind == "stacked" else round(full / max(len(row), 1), 2)
    drawn = []
    above = below = zero
    for number, value in enumerate(row):
        if not value:
            continue
        # A value that is not nothing is seen.
        height = max(abs(up(value)), 1.5)
        x = left if kind == "stacked" else left + width * (len(row) - 1 - number if rtl else number)
        if value > 0:
            y = above - height if kind == "stacked" else zero - height
            above -= height
        else:
            y = below if kind == "stacked" else zero
            below += height
        drawn.append(Block(round(x, 2), round(y, 2), width, height, number, place, value < 0))
    return drawn


def spark(values: Sequence[int | Decimal], rtl: bool = False) -> str:
    """The points of a small line in a table, 100 by 20, its lowest edge at zero or at what lies below it."""
    top, bottom = max([0, *values]), min([0, *values])
    span, last = (top - bottom) or 1, max(len(values) - 1, 1)
    points = []
    for place, value in enumerate(values):
        x = 100 * (last - place if rtl else place) / last
        points.append(f"{round(x, 1):g},{round(float(20 - 20 * (value - bottom) / span), 1):g}")
    return " ".join(points)


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
