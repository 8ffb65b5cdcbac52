"""Tables of what was found, for people, and the figures of `make bench`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.fraud.attacks import KINDS, SIZES
from benchmarks.fraud.evaluating import WARM_UP, Judgement, Outcome, Run

LISTED = 20
"""Of the attacks that escaped, those with the most money are named."""


@dataclass(frozen=True, slots=True)
class Found:
    """The figures of some worlds."""

    recall: float
    """Of attacks of at least the agreed size."""
    recall_all: float
    precision: float
    false_holds_per_1000: float
    in_time: float
    """Of the money of attacks that were found."""
    escaped: float
    """Of all money of attacks of at least the agreed size."""
    delay_days: float
    """The median, from the day on which what passes for suspicious was there."""


def figures(judgements: Sequence[Judgement]) -> Found:
    """What is to be said in numbers about some worlds."""
    outcomes = [each for judgement in judgements for each in judgement.outcomes]
    large = [each for each in outcomes if each.size >= 1]
    found = [each for each in outcomes if each.found is not None]
    right, wrong = _cases(judgements)
    held = [each for judgement in judgements for each in false_holds(judgement)]
    return Found(
        recall=_share(sum(each.found is not None for each in large), len(large)),
        recall_all=_share(len(found), len(outcomes)),
        precision=_share(right, right + wrong),
        false_holds_per_1000=1000 * _share(len(held), sum(each.honest_months for each in judgements)),
        in_time=_share(sum(each.in_time for each in found), sum(each.money for each in found)),
        escaped=_share(sum(each.escaped for each in large), sum(each.money for each in large)),
        delay_days=_median(_delay(each) for each in large),
    )


def false_holds(judgement: Judgement) -> list[Run]:
    """Cases about partners that do not attack, or not yet."""
    return [run for run in judgement.cases if not run.about]


def _cases(judgements: Iterable[Judgement]) -> tuple[int, int]:
    """Right cases and imprecise ones. The second right case about one partner is no further success."""
    right = {(each.seed, run.partner) for each in judgements for run in each.cases if run.right}
    return len(right), sum(not run.right for each in judgements for run in each.cases)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _median(values: Iterable[int | None]) -> float:
    known = [each for each in values if each is not None]
    return float(median(known)) if known else 0.0


def _delay(each: Outcome) -> int | None:
    """Days from when it could be seen; none of it was before that."""
    return None if each.found is None or each.ripe is None else max(0, each.found - each.ripe)


def show(console: Console, judgements: Sequence[Judgement]) -> None:
    """All tables."""
    outcomes = [each for judgement in judgements for each in judgement.outcomes]
    _worlds(console, judgements)
    _kinds(console, outcomes)
    _sizes(console, outcomes, "Found by size, by whichever detector", lambda each: each.found is not None)
    _sizes(
        console, outcomes, "Found by size, by the detector that is there for it", lambda each: each.by_own is not None
    )
    _detectors(console, judgements, outcomes)
    _false(console, judgements)
    _escaped(console, judgements)


def _table(console: Console, title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False, padding=(0, 2))
    for place, head in enumerate(heads):
        table.add_column(head, justify="left" if place == 0 else "right")
    for row in rows:
        table.add_row(*(str(each) for each in row))
    console.print(table)
    console.print()


def _worlds(console: Console, judgements: Sequence[Judgement]) -> None:
    def row(name: str, some: Sequence[Judgement]) -> list[object]:
        all_of = figures(some)
        right, wrong = _cases(some)
        return [
            name,
            sum(each.clients for each in some),
            sum(each.events for each in some),
            sum(len(each.outcomes) for each in some),
            f"{all_of.recall:.1%}",
            f"{all_of.recall_all:.1%}",
            f"{all_of.precision:.1%}",
            right,
            wrong,
            sum(len(false_holds(each)) for each in some),
            f"{all_of.false_holds_per_1000:.2f}",
            f"{all_of.in_time:.1%}",
            f"{sum(each.scoring_seconds for each in some) / max(1, sum(each.scorings for each in some)) * 1e6:.0f}",
            f"{sum(each.seconds for each in some):.0f}",
        ]

    heads = ("seed", "clients", "events", "attacks", "recall ≥ 1", "recall all", "precision", "right cases",
             "imprecise", "false holds", "per 1,000", "in time", "µs a score", "s")  # fmt: skip
    rows = [row(str(each.seed), [each]) for each in judgements]
    if len(judgements) > 1:
        rows.append(row("together", judgements))
    _table(console, "Worlds", heads, rows)
    months = sum(each.honest_months for each in judgements)
    before = sum(each.before for each in judgements)
    right = [run for each in judgements for run in each.cases if run.right]
    console.print(
        f"{months:,.0f} honest partner-months are judged. While warming up ({WARM_UP} days before) {before} cases were"
        " opened and decided; they are in no figure."
        f" Of {len(right)} right cases, {len(right) - _cases(judgements)[0]} are further ones about the same partners."
        f" Right cases name {sum(run.clients - run.labelled for run in right):,} honest clients beside"
        f" {sum(run.labelled for run in right):,} labelled ones.\n",
        soft_wrap=True,
    )


def _kinds(console: Console, outcomes: Sequence[Outcome]) -> None:
    def row(name: str, some: Sequence[Outcome]) -> list[object]:
        large = [each for each in some if each.size >= 1]
        found = [each for each in some if each.found is not None]
        money = sum(each.money for each in found)
        return [
            name,
            len(large),
            f"{_share(sum(each.found is not None for each in large), len(large)):.0%}",
            f"{_share(sum(each.by_own is not None for each in large), len(large)):.0%}",
            f"{_share(len(found), len(some)):.0%}",
            f"{_median(each.found for each in large):g}",
            f"{_median(_delay(each) for each in large):g}",
            f"{_share(sum(each.caught for each in large), sum(each.clients for each in large)):.0%}",
            _euros(sum(each.money for each in some)),
            _euros(sum(each.escaped for each in some)),
            f"{sum(each.in_time for each in found) / money:.0%}" if money else "–",
        ]

    heads = ("attack", "≥ 1", "found", "by its own", "found, all sizes", "days from first", "from ripe",
             "clients in cases", "€ in all", "€ escaped", "in time")  # fmt: skip
    rows = [row(kind, [each for each in outcomes if each.kind == kind]) for kind in KINDS]
    rows.append(row("pure", [each for each in outcomes if each.pure]))
    rows.append(row("among honest traffic", [each for each in outcomes if not each.pure]))
    _table(
        console,
        "Attacks (of at least the agreed size, where nothing else is said)",
        heads,
        [*rows, row("together", outcomes)],
    )


def _sizes(console: Console, outcomes: Sequence[Outcome], title: str, found: Callable[[Outcome], bool]) -> None:
    def row(name: str, some: Sequence[Outcome]) -> list[object]:
        cells: list[object] = [name]
        for size in SIZES:
            sized = [each for each in some if each.size == size]
            cells.append(f"{sum(found(each) for each in sized)}/{len(sized)}" if sized else "")
        return cells

    rows = [row(kind, [each for each in outcomes if each.kind == kind]) for kind in KINDS]
    _table(console, title, ("attack", *map(str, SIZES)), [*rows, row("together", outcomes)])


def _detectors(console: Console, judgements: Sequence[Judgement], outcomes: Sequence[Outcome]) -> None:
    rows = []
    names = sorted(
        {name for kind in KINDS.values() for name in kind.natural} | {n for e in judgements for n in e.findings}
    )
    for name in sorted(names):
        counts = [each.findings[name] for each in judgements if name in each.findings]
        right, wrong = sum(each.right for each in counts), sum(each.wrong for each in counts)
        own = [each for each in outcomes if name in KINDS[each.kind].natural]
        large = [each for each in own if each.size >= 1]
        rows.append(
            [
                name,
                f"{sum(each.by_own is not None for each in large)}/{len(large)}",
                f"{sum(each.by_own is not None for each in own)}/{len(own)}",
                f"{_median(each.by_own for each in large):g}",
                right,
                wrong,
                sum(each.on_honest for each in counts),
                f"{right / (right + wrong):.0%}" if right + wrong else "–",
            ]
        )
    heads = ("detector", "its kind ≥ 1", "all sizes", "days from first", "right", "wrong", "on honest", "precision")
    _table(console, "Detectors (by case)", heads, rows)


def _false(console: Console, judgements: Sequence[Judgement]) -> None:
    counted: Counter[str] = Counter()
    for judgement in judgements:
        for run in false_holds(judgement):
            counted[" + ".join(sorted(run.named))] += 1
    _table(console, "False holds, by what found them", ("detectors", "cases"), counted.most_common())
    missed = Counter(
        f"{run.about}: {' + '.join(sorted(run.named))}"
        for judgement in judgements
        for run in judgement.cases
        if run.about and not run.right
    )
    _table(console, "Imprecise cases about attackers", ("attack: detectors", "cases"), missed.most_common())


def _escaped(console: Console, judgements: Sequence[Judgement]) -> None:
    by_size: dict[float, list[Outcome]] = defaultdict(list)
    rows = []
    for judgement in judgements:
        for each in judgement.outcomes:
            by_size[each.size].append(each)
            if each.escaped > 0:
                rows.append((each.escaped, judgement.seed, each))
    rows.sort(key=lambda row: -row[0])
    _table(
        console,
        "What escapes, by size",
        ("size", "attacks", "not found", "€ in all", "€ escaped", "share"),
        [
            [
                size,
                len(some),
                sum(each.found is None for each in some),
                _euros(sum(each.money for each in some)),
                _euros(sum(each.escaped for each in some)),
                f"{_share(sum(each.escaped for each in some), sum(each.money for each in some)):.0%}",
            ]
            for size, some in sorted(by_size.items())
        ],
    )
    rest = sum(row[0] for row in rows[LISTED:])
    _table(
        console,
        f"What escapes: {len(rows)} attacks, the largest first"
        + (f" ({_euros(rest)} € in those not listed)" if rest else ""),
        ("attack", "variant", "size", "seed", "partner", "found", "clients in cases", "€ escaped"),
        [
            [
                each.kind,
                each.variant,
                each.size,
                seed,
                each.partner,
                "no" if each.found is None else f"day {each.found}",
                f"{each.caught}/{each.clients}",
                _euros(money),
            ]
            for money, seed, each in rows[:LISTED]
        ],
    )


def _euros(cents: int) -> str:
    return f"{cents / 100:,.0f}"
