"""Boards: a contest's standings as they were at a moment, by division, and what somebody sees of them.

A snapshot is cut into parts of so many rows, in the order of ranks: a page never lies across two parts, and whoever
stands in a part finds its own row and the next place up in it. Each part says of the contest what a page needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from introducer.domain.contest import Contest, Entry
from introducer.domain.contest_prizes import Result, least_to_rank
from introducer.domain.contest_score import score

PART = 5_000
"""Rows of a part: a hundred pages. The largest names make such a part three quarters of what an item holds."""
PAGE = 50
"""Rows of a page."""
OLDEST = timedelta(seconds=5)
"""How old a board may be that somebody sees while anything of it may change."""
RENEWED = timedelta(seconds=4)
"""From this age on whoever looks makes a new one, and the others still see this one meanwhile."""


class Row(NamedTuple):
    """A participant on a board."""

    rank: int
    """From 1; those with one score have one rank, and the next one leaves room for them: 1, 2, 2, 4. 0 for whoever has
    not reached what is needed to rank."""
    partner: str
    shown_as: str
    score: int
    """Hundredths."""


class Distance(NamedTuple):
    """How far the next place up is."""

    place: int
    """The rank of whoever stands there."""
    missing: int
    """Hundredths of the score to draw level with it, or to rank at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A part of a division's standings at a moment."""

    contest: Contest
    """As it was then; what wakes it is left out."""
    division: int
    part: int = 0
    built_at: datetime
    """All that was counted until then is in it."""
    size: int = 0
    """Participants of the division."""
    ranked: int = 0
    """How many of them rank."""
    visible: int = 0
    """How many of them others see."""
    entry_rank: int = 1
    """The rank of whoever reaches just what is needed to rank."""
    above: Row | None = None
    """The last one before this part who has a higher score than its first row; its name is left out."""
    rows: tuple[Row, ...] = ()

    @property
    def parts(self) -> int:
        """How many parts there are; an empty board has one."""
        return max(1, -(-self.size // PART))

    def place(self, partner: str) -> Row | None:
        """The partner's row, if it stands in this part."""
        return next((row for row in self.rows if row.partner == partner), None)

    def distance(self, own: Row) -> Distance | None:
        """How far the next place up is for somebody of this part; None for whoever has nobody above, or was set
        aside."""
        if not own.rank:
            missing = least_to_rank(self.contest) - own.score
            return Distance(self.entry_rank, missing) if missing > 0 else None
        higher = [row for row in self.rows if row.rank and row.score > own.score]
        aim = higher[-1] if higher else self.above
        return None if aim is None else Distance(aim.rank, aim.score - own.score)

    def is_good(self, at: datetime, age: timedelta = OLDEST) -> bool:
        """Whether it may be shown at this moment: it is no older than `age`, or nothing of it changes any more."""
        return self.contest.status.is_over or self.built_at >= at - age


def part_of(page: int) -> int:
    """In which part a page (from 1) stands."""
    return (page - 1) * PAGE // PART


def page_of(position: int) -> int:
    """On which page (from 1) the row at a position (from 0) of the whole board stands."""
    return position // PAGE + 1


def live_rows(contest: Contest, division: int, entries: Iterable[Entry]) -> list[Row]:
    """Who stands where by what the engine has counted: those of the division who take part, by score, and those of one
    score by id; whoever does not rank yet comes last."""
    least = least_to_rank(contest)
    scored = sorted(
        (
            (score(contest.weights, contest.currency, entry.counted), entry)
            for entry in entries
            if entry.takes_part and entry.division == division
        ),
        key=lambda each: (-each[0], each[1].partner),
    )
    rows: list[Row] = []
    for position, (reached, entry) in enumerate(scored, 1):
        rank = 0 if reached < least else rows[-1].rank if rows and rows[-1].score == reached else position
        rows.append(Row(rank, entry.partner, entry.shown_as, reached))
    return rows


def result_rows(entries: Iterable[Entry], results: Iterable[Result]) -> list[Row]:
    """Who stands where by the facts, under the names that the entries have; `results` are a division's. Whoever was set
    aside stands with those who do not rank."""
    names = {entry.partner: entry.shown_as for entry in entries}
    rows = [Row(each.rank, each.partner, names.get(each.partner, ""), each.score) for each in results]
    return sorted(rows, key=lambda row: (not row.rank, row.rank, -row.score, row.partner))


def snapshots(contest: Contest, division: int, rows: Sequence[Row], built_at: datetime) -> tuple[Snapshot, ...]:
    """The parts of a board; `rows` in the order of ranks, those without one last."""
    ranked = sum(1 for row in rows if row.rank)
    visible = len(rows) if not contest.shown else sum(1 for row in rows if 0 < row.rank <= contest.shown)
    least = least_to_rank(contest)
    entry_rank = sum(1 for row in rows if row.rank and row.score > least) + 1
    found = []
    for part in range(max(1, -(-len(rows) // PART))):
        first = part * PART
        above = None
        if part and first < ranked:
            above = next((row for row in reversed(rows[:first]) if row.score > rows[first].score), None)
        found.append(
            Snapshot(
                contest=contest,
                division=division,
                part=part,
                built_at=built_at,
                size=len(rows),
                ranked=ranked,
                visible=visible,
                entry_rank=entry_rank,
                above=None if above is None else above._replace(shown_as=""),
                rows=tuple(rows[first : first + PART]),
            )
        )
    return tuple(found)
