"""The figures of a run: collected, printed as a table, written as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    value: float
    unit: str
    how: str
    """How it was measured, in words that stand alone."""
    goal: float | None = None
    """At most this; None when there is none."""

    @property
    def missed(self) -> bool:
        return self.goal is not None and self.value > self.goal


class Figures:
    """Figures by name, in the order in which they were measured."""

    def __init__(self) -> None:
        self._figures: dict[str, Figure] = {}
        self._parts: dict[str, Figures] = {}

    def part(self, name: str) -> Figures:
        """Figures that stand under a name of their own; after the others."""
        return self._parts.setdefault(name, Figures())

    def add(self, name: str, value: float, unit: str, how: str, goal: float | None = None) -> None:
        """Add a figure. Raises `ValueError` for a second one of the name, and for a value that is no number."""
        if name in self._figures:
            raise ValueError(f"{name} was measured before")
        if not math.isfinite(value):
            raise ValueError(f"{name} is {value}")
        # A goal is held by what was measured, not by what is shown.
        self._figures[name] = Figure(value, unit, " ".join(how.split()), goal)

    def __getitem__(self, name: str) -> Figure:
        return self._figures[name]

    def __contains__(self, name: str) -> bool:
        return name in self._figures

    @property
    def missed(self) -> list[str]:
        """The names of figures that miss their goal."""
        return [name for name, figure in self._all() if figure.missed]

    def document(self) -> dict[str, Any]:
        """As it is written: `{"name": {"value": …, "unit": …, "how": …}}`, and a part as such an object under its
        name."""
        own = {
            name: {"value": shown(figure.value), "unit": figure.unit, "how": figure.how}
            for name, figure in self._figures.items()
        }
        return own | {name: part.document() for name, part in self._parts.items()}

    def write(self, path: Path, *, beside: bool = False) -> None:
        """Write the file, whole or not at all; `beside` keeps what else is in it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        before = json.loads(path.read_text()) if beside and path.exists() else {}
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(before | self.document(), indent=2, ensure_ascii=False) + "\n")
        draft.replace(path)

    def _all(self) -> Iterator[tuple[str, Figure]]:
        yield from self._figures.items()
        for part, figures in self._parts.items():
            yield from ((f"{part}.{name}", figure) for name, figure in figures._all())

    def print(self, console: Console) -> None:
        """The table for people."""
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2))
        table.add_column("figure")
        table.add_column("value", justify="right")
        table.add_column("unit")
        table.add_column("goal", justify="right")
        table.add_column("")
        for name, figure in self._all():
            verdict = "" if figure.goal is None else ("[red]missed[/]" if figure.missed else "[green]met[/]")
            goal = "" if figure.goal is None else f"≤ {figure.goal:g}"
            table.add_row(name, f"{shown(figure.value):,}", figure.unit, goal, verdict)
        console.print(table)


def shown(value: float) -> float:
    """Four significant digits; more would only be noise. Whole numbers stay whole."""
    if value == 0 or float(value).is_integer():
        return int(value)
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() else rounded


def percentile(times: list[float], share: float) -> float:
    """The smallest of the times that at least this share of them do not exceed (nearest rank)."""
    return sorted(times)[max(0, math.ceil(share * len(times)) - 1)]
