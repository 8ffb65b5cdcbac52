"""A page of a contest's board: who stands where, a few seconds ago at most, and how far the next place is.

Whoever reads a snapshot that is getting old makes the next one, one reader at a time; nobody looks, and nothing is
written. A page takes one read of a part of the board, and one of the own entry for a participant: the part says of the
contest what the page needs. The own row stands in another part only where a division has more than `board.PART`
participants: then each further part that is looked through is one read more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from introducer.domain.board import (
    PAGE,
    PART,
    RENEWED,
    Distance,
    Row,
    Snapshot,
    live_rows,
    page_of,
    part_of,
    result_rows,
    snapshots,
)
from introducer.domain.configuration import Member
from introducer.domain.contest import Contest, ContestStatus, Entry
from introducer.domain.contest_prizes import Result
from introducer.domain.contest_score import score
from introducer.domain.errors import NotFound, Unavailable
from introducer.services.contest_books import ContestBooks
from introducer.services.join_contest import card_of, why_not_in
from introducer.store.boards import LEASE
from introducer.store.contests import LONGEST_ID
from introducer.store.paging import every

WAITS = tuple(timedelta(milliseconds=each) for each in (50, 50, 100, 100, 200, 200, 300, 500, 500, 500, 500, 500))
"""How long a reader waits, again and again, for the one whose turn it is: a little longer than a turn lasts in all."""
assert sum(WAITS, timedelta()) > LEASE

RESULTS = frozenset({ContestStatus.PROVISIONAL, ContestStatus.PAYING, ContestStatus.DONE})
"""From the provisional result on the board shows what the facts said."""

Pause = Callable[[float], None]
"""Waits so many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """A participant as the reader sees it."""

    rank: int
    """0 for whoever does not rank."""
    shown_as: str
    score: int
    """Hundredths."""
    own: bool = False
    partner: str = ""
    """For staff alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPlace:
    """Where the reader stands."""

    rank: int
    """0 while it does not rank."""
    score: int
    shown_as: str
    division: int
    page: int | None
    """On which page its row is; None where others are not shown so far down."""
    next: Distance | None
    """How far the next place up is; None at the top, and for whoever joined after the snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPage:
    contest: Contest
    """As it was with the snapshot."""
    division: int
    page: int
    """From 1."""
    pages: int
    """At least 1."""
    rows: tuple[BoardRow, ...]
    participants: int
    """In this division, shown or not."""
    ranked: int
    """How many of them rank."""
    built_at: datetime
    entry: Entry | None = None
    """The reader's own, where it has one."""
    own: OwnPlace | None = None
    """Of a participant that looks at its own division."""


def read_board(
    books: ContestBooks,
    *,
    member: Member | None,
    contest: str,
    division: int | None,
    page: int,
    now: datetime,
    pause: Pause,
) -> BoardPage:
    """A page (from 1) of a division; None is the reader's own one, else the first. Staff see everybody; partners and,
    with no `member`, anybody see as many as the contest shows. `pause` waits while another reader makes the snapshot.

    Raises `NotFound`: no such contest, or none that this reader may see (a draft; without a member one that is not
    public; to a partner one that it neither may take part in nor does), no such division or page. `Unavailable`.
    """
    if len(contest) > LONGEST_ID:
        raise _none()
    partner = None if member is None else member.partner
    entry = None if partner is None else books.contests.entry(contest, partner)
    takes_part = entry is not None and entry.takes_part
    wanted = division if division is not None else entry.division if takes_part and entry is not None else 0
    if page < 1 or wanted < 0:
        raise _none()

    def check(found: Contest) -> None:
        _check_reader(books, found, member, entry, now)

    try:
        found = fresh_part(books, contest, wanted, part_of(page), now, pause, check)
    except NotFound:
        if division is not None or not wanted:
            raise
        # There are fewer divisions than when the reader joined: the start settles in which one it is.
        wanted = 0
        found = fresh_part(books, contest, wanted, part_of(page), now, pause, check)
    if found is None:
        raise _none()
    check(found.contest)
    staff = member is not None and member.partner is None
    visible = found.size if staff else found.visible
    pages = max(1, -(-visible // PAGE))
    if page > pages:
        raise _none()
    first = (page - 1) * PAGE - found.part * PART
    last = min(first + PAGE, visible - found.part * PART)
    own = None
    if takes_part and entry is not None and entry.division == wanted:
        own = own_place(books, found, entry, now, pause)
    return BoardPage(
        contest=found.contest,
        division=wanted,
        page=page,
        pages=pages,
        rows=tuple(_shown(row, partner, staff=staff) for row in found.rows[first:last]),
        participants=found.size,
        ranked=found.ranked,
        built_at=found.built_at,
        entry=entry,
        own=own,
    )


def own_place(books: ContestBooks, board: Snapshot, entry: Entry, now: datetime, pause: Pause) -> OwnPlace:
    """Where a participant of the board's division stands; the other parts are looked through where it is not in this
    one."""
    for part in (board.part, *(each for each in range(board.parts) if each != board.part)):
        found = board if part == board.part else fresh_part(books, entry.contest, entry.division, part, now, pause)
        row = None if found is None else found.place(entry.partner)
        if found is not None and row is not None:
            position = found.part * PART + found.rows.index(row)
            return OwnPlace(
                rank=row.rank,
                score=row.score,
                shown_as=row.shown_as,
                division=entry.division,
                page=page_of(position) if position < found.visible else None,
                next=found.distance(row),
            )
    contest = board.contest
    return OwnPlace(
        rank=0,
        score=score(contest.weights, contest.currency, entry.counted),
        shown_as=entry.shown_as,
        division=entry.division,
        page=None,
        next=None,
    )


def fresh_part(
    books: ContestBooks,
    contest: str,
    division: int,
    part: int,
    now: datetime,
    pause: Pause,
    check: Callable[[Contest], None] = lambda contest: None,
) -> Snapshot | None:
    """A part of a division's board, no older than `board.OLDEST`, made now where that is needed; None where the board
    has no such part. `check` looks at the contest before anything is made for a reader.

    Raises `NotFound` for a contest or division that there is not, `Unavailable` when whoever makes the snapshot does
    not come to an end.
    """
    at = now
    for wait in (*WAITS, None):
        found = books.boards.part(contest, division, part)
        if found is not None and found.is_good(at, RENEWED):
            return found
        # Nothing is written for what there is not, and for whom it is not.
        stands = _with_board(books, contest, division)
        check(stands)
        first = books.boards.part(contest, division) if part else None
        if first is not None and first.is_good(at, RENEWED) and part >= first.parts:
            return None
        if books.boards.take_turn(contest, division, at):
            made = build(books, contest, division, at)
            return made[part] if part < len(made) else None
        if found is not None and found.is_good(at):
            return found
        if wait is not None:
            pause(wait.total_seconds())
            at += wait
    raise Unavailable("The board is being made: try again.", code="board_busy")


def build(books: ContestBooks, contest: str, division: int, at: datetime) -> tuple[Snapshot, ...]:
    """Makes and keeps a new snapshot: from what the engine counted, or from the result once there is one. Raises
    `NotFound`."""
    found = _with_board(books, contest, division)
    entries = list(books.contests.entries(contest))
    if found.status in RESULTS:
        rows = result_rows(entries, _results(books, found, division))
    else:
        rows = live_rows(found, division, entries)
    made = snapshots(replace(found, token=""), division, rows, at)
    books.boards.write(made)
    return made


# --------------------------------------------------------------------------------------------------------------- parts


def _with_board(books: ContestBooks, contest: str, division: int) -> Contest:
    """The contest as it stands now. Raises `NotFound` for one that has no board of this division."""
    found = books.contests.contest(contest)
    if found.status is ContestStatus.DRAFT or division >= len(found.divisions):
        raise _none()
    return found


def _results(books: ContestBooks, contest: Contest, division: int) -> Iterator[Result]:
    return every(lambda cursor: books.results.results(contest, division, cursor, limit=1000))


def _check_reader(
    books: ContestBooks, contest: Contest, member: Member | None, entry: Entry | None, now: datetime
) -> None:
    """Raises `NotFound` for whom the board is not."""
    if member is None:
        if not contest.public:
            raise _none()
        return
    if member.brand != contest.brand:
        raise _none()
    if member.partner is None or (entry is not None and entry.joined_at is not None):
        return
    card = card_of(books.configuration.partner(member.partner))
    if why_not_in(books.configuration, contest, card, now):
        raise _none()


def _shown(row: Row, partner: str | None, *, staff: bool) -> BoardRow:
    return BoardRow(
        rank=row.rank,
        shown_as=row.shown_as,
        score=row.score,
        own=row.partner == partner,
        partner=row.partner if staff else "",
    )


def _none() -> NotFound:
    return NotFound("There is no such board.")
