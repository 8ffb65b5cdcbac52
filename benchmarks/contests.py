"""Contests of many partners: `python -m benchmarks.contests` measures, prints the table and writes what it found into
`build/bench.json`, under `contests`.

Here it is done in this process: the engine's handler counts, by records of a stream as Lambda gets them, on tables in
memory; and on a local cloud of its own in `contest_stream`. In both a contest takes everybody, all metrics score, some
postbacks come late, and some deposits are charged back. What the board shows at the end must be what the count from the
facts says, to the last partner.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from rich.console import Console

from benchmarks.crowd import BEGINS, BOOKS, BRAND, ENDS, FACTS, Crowd, a_crowd
from benchmarks.figures import Figures
from benchmarks.units import item_size
from introducer.domain.board import PART, Row
from introducer.domain.configuration import Member, Role
from introducer.domain.contest import Contest, Division, Metric, Prize, PrizeKind
from introducer.domain.deal import PERCENT_ONE
from introducer.domain.events import day_of
from introducer.services.approve_contest import approve_contest
from introducer.services.contest_books import ContestBooks
from introducer.services.draft_contest import draft_contest
from introducer.services.freeze_contest import freeze_contest
from introducer.services.publish_result import publish_result
from introducer.services.read_board import BoardPage, read_board
from introducer.services.recount_contest import recount_batch, recount_batches
from introducer.services.start_contest import start_contest
from introducer.store import keys
from introducer.store.event_counts import count_key
from introducer.store.wire import to_wire
from tests.support.builders import CLICK_KEY

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "bench.json"
HANDLER_PARTNERS, HANDLER_EVENTS = 5_000, 200_000
STREAM_PARTNERS, STREAM_EVENTS = 1_000, 20_000
"""Events that score; registrations and approvals come beside them."""
SCORING = 10
"""Events of each client that score; a partner has as many clients as it takes."""
SEED = 20260302
LATE, LAST = 5, 3
"""Of so many clients one has its last ones told after the end: so many."""
WEIGHTS = (
    (Metric.DEPOSITS, 10),
    (Metric.FTD, 50_000),
    (Metric.LOTS, 2_500),
    (Metric.NET_REVENUE, 1_000),
    (Metric.QFTD, 100_000),
)
"""Thousandths of a point: all of them, so that each deposit, chargeback and trade scores."""
GROWN = 3
"""Clients from which on a partner is in the upper division."""
BOARDS = 5
"""How often a board is made to say how long it takes: the median."""
AT_ONCE = 500
"""Clients whose events wait for the handler at a time."""
POOL = 1_000_000
"""Minor units, of each division."""


@dataclass
class Found:
    """What was measured."""

    partners: int
    events: int
    """That score."""
    events_per_s: float = 0
    """All events, those that do not score too."""
    board_ms: float = 0
    """To make the board of the larger division from all entries."""
    board_rows: int = 0
    board_bytes: int = 0
    """What that board is, packed."""
    build_reads: int = 0
    """Requests that read, to make it."""
    pages: int = 0
    """Pages read, each by staff and by a participant."""
    page_reads: int = 0
    """The most requests that a page took, own place and distance included."""
    recount_s: float = 0
    ranked: int = 0
    """Participants who rank by the facts."""
    differences: int = 0
    """Participants whose counts, score or place are others on the board than by the facts."""


def a_contest(brand: str, starts_at: datetime, ends_at: datetime) -> Contest:
    """Everybody takes part, in two divisions; all that can score does."""
    prizes = tuple(
        Prize(kind=PrizeKind.SHARE, first=place, last=place, share=percent * PERCENT_ONE // 100)
        for place, percent in enumerate((50, 30, 20), 1)
    )
    return Contest(
        contest="",
        brand=brand,
        name="Everybody counts",
        weights=WEIGHTS,
        currency="EUR",
        time_zone="UTC",
        starts_at=starts_at,
        ends_at=ends_at,
        opt_in=False,
        divisions=(
            Division(name="Rising", pool=POOL, prizes=prizes),
            Division(name="Grown", from_size=GROWN, pool=POOL, prizes=prizes),
        ),
        drafted_by="",
        drafted_at=starts_at,
    )


def check(found: Found) -> None:
    """Raises unless everybody scored: what is nowhere is equal."""
    if found.ranked < found.partners:
        raise RuntimeError(f"{found.ranked} of {found.partners} partners rank: the others' events are not counted")


def differences(books: ContestBooks, contest: Contest, board: Mapping[int, list[Row]]) -> int:
    """Participants whose rows on the board are others than their results, or whom the engine counted otherwise than the
    facts do; `board` is what all pages showed when the last event was in the books."""
    by_partner = {row.partner: (division, row.rank, row.score) for division, rows in board.items() for row in rows}
    counted = {
        entry.partner: {metric: value for metric, value in entry.counted.items() if value}
        for entry in books.contests.entries(contest.contest)
    }
    results = {each.partner: each for each in books.results.all_results(contest)}
    wrong = {
        partner
        for partner, each in results.items()
        if by_partner.get(partner) != (each.division, each.rank, each.score)
        or counted[partner] != {metric: value for metric, value in each.counted.items() if value}
    }
    return len(wrong | (by_partner.keys() ^ results.keys()))


# ------------------------------------------------------------------------------------------------------ in this process


def by_the_handler(
    partners: int = HANDLER_PARTNERS,
    events: int = HANDLER_EVENTS,
    tell: Callable[[str], None] = lambda text: None,
    *,
    scattered: bool = False,
    before_the_board: Callable[[Crowd, str], None] = lambda crowd, contest: None,
) -> Found:
    """A contest whose events the engine's handler counts, on tables in this process. Events come client by client, or
    `scattered`: in any order, and each batch twice. `before_the_board` may still do something to crowd and contest."""
    found = Found(partners, events)
    with a_crowd(partners) as crowd:
        books = ContestBooks.of(
            FACTS, BOOKS, elapsed=lambda: 0.0, today=lambda: day_of(crowd.now), click_keys=lambda: {0: CLICK_KEY}
        )
        contest = _planned(books, crowd)
        _grow(crowd)
        _started(books, crowd, contest)
        tell(f"the engine counts {events:,} events of {partners:,} partners")
        _live(crowd, events // partners // SCORING, found, scattered)
        before_the_board(crowd, contest)
        # All events are held in this process: what follows is not to wait until they are looked through for rubbish.
        gc.collect()
        gc.freeze()
        board = _board(books, contest, crowd, found)
        tell("counting them from the facts")
        crowd.now = ENDS + timedelta(hours=25)
        freeze_contest(books, contest=contest, now=crowd.now)
        began = time.process_time()
        for batch in recount_batches(books, contest=contest):
            recount_batch(books, contest=contest, batch=batch)
        found.recount_s = time.process_time() - began
        published = publish_result(books, contest=contest, now=crowd.now)
        found.ranked = sum(bool(each.rank) for each in books.results.all_results(published))
        found.differences = differences(books, published, board)
    gc.unfreeze()
    check(found)
    return found


def _member(role: Role, partner: str | None = None) -> Member:
    return Member(member=f"mem_{role.value}", partner=partner, brand=BRAND, role=role, name="", language="en")


def _no_execution(name: str, given: Mapping[str, str]) -> str:
    """In the place of an execution: what it would do is done here."""
    return name


def _planned(books: ContestBooks, crowd: Crowd) -> str:
    draft = a_contest(BRAND, BEGINS, ENDS)
    drafted = draft_contest(books, member=_member(Role.MANAGER), draft=draft, now=crowd.now)
    return approve_contest(
        books,
        _no_execution,
        member=_member(Role.FINANCE),
        contest=drafted.contest,
        version=drafted.version,
        now=crowd.now,
    ).contest


def _grow(crowd: Crowd) -> None:
    """Every fourth partner brought clients before."""
    day = (BEGINS - timedelta(days=9)).date().isoformat()
    for partner in crowd.partners[::4]:
        crowd.put_book(to_wire({**count_key(partner, day, "before").item(), "ftd": GROWN}))


def _started(books: ContestBooks, crowd: Crowd, contest: str) -> None:
    crowd.now, cursor = BEGINS, None
    while True:
        started = start_contest(books, _no_execution, contest=contest, cursor=cursor, now=crowd.now)
        cursor = started.cursor
        if cursor is None:
            return


def _live(crowd: Crowd, clients: int, found: Found, scattered: bool) -> None:
    """All events are accepted and applied, some of them after the end."""
    chance = random.Random(SEED)
    in_time, late = [], []
    for number, life in enumerate(crowd.lives(clients, SCORING, chance)):
        cut = LAST if number % LATE == 0 else 0
        in_time.append(life[: len(life) - cut])
        late += life[len(life) - cut :]
    if scattered:
        all_of_them = [[event] for life in in_time for event in life]
        chance.shuffle(all_of_them)
        chance.shuffle(late)
        in_time = all_of_them
    crowd.now = ENDS - timedelta(minutes=1)
    seconds = 0.0
    for start in range(0, len(in_time), AT_ONCE):
        for life in in_time[start : start + AT_ONCE]:
            crowd.put(life)
        seconds += crowd.work(2 if scattered else 1)
    crowd.now = ENDS + timedelta(hours=1)
    crowd.put(late)
    seconds += crowd.work(2 if scattered else 1)
    found.events_per_s = (sum(map(len, in_time)) + len(late)) / seconds


def _board(books: ContestBooks, contest: str, crowd: Crowd, found: Found) -> dict[int, list[Row]]:
    """What all pages of all divisions show, and what making and reading them took."""
    rows: dict[int, list[Row]] = {}
    for division in range(2):
        seconds = []
        for _ in range(BOARDS):
            crowd.now, crowd.reads = crowd.now + timedelta(minutes=1), 0
            began = time.process_time()
            first = read_page(books, contest, division, 1, _member(Role.MANAGER), crowd.now)
            seconds.append(time.process_time() - began)
        if first.participants > found.board_rows:
            found.board_rows = first.participants
            found.board_ms = median(seconds) * 1000
            found.build_reads = crowd.reads
            found.board_bytes = sum(
                item_size(crowd.book(keys.key("board", contest=contest, division=division, part=part)))
                for part in range(-(-first.participants // PART))
            )
        partners = [partner for partner in crowd.partners if _division(books, contest, partner) == division]
        rows[division] = []
        for page in range(1, first.pages + 1):
            for member in (_member(Role.MANAGER), _member(Role.OWNER, partners[page * 17 % len(partners)])):
                crowd.reads = 0
                shown = read_page(books, contest, division, page, member, crowd.now)
                found.page_reads = max(found.page_reads, crowd.reads)
                if member.partner is None:
                    found.pages += 1
                    rows[division] += [Row(row.rank, row.partner, row.shown_as, row.score) for row in shown.rows]
                elif shown.own is None:
                    raise RuntimeError(f"{member.partner} does not see its own place")
    return rows


def _division(books: ContestBooks, contest: str, partner: str) -> int:
    entry = books.contests.entry(contest, partner)
    assert entry is not None
    return entry.division


def read_page(books: ContestBooks, contest: str, division: int, page: int, member: Member, now: datetime) -> BoardPage:
    """A page as somebody sees it; nobody else makes a board meanwhile."""
    return read_board(books, member=member, contest=contest, division=division, page=page, now=now, pause=_alone)


def _alone(seconds: float) -> None:
    raise RuntimeError("somebody else makes the board")


# -------------------------------------------------------------------------------------------------------------- figures


def add(figures: Figures, way: str, found: Found, what: str) -> None:
    """What was found, as figures whose names begin with the way of counting."""
    both = (
        f"a contest that takes {found.partners:,} partners in two divisions, with {found.events:,} events that score"
        " (deposits, chargebacks, trades; a tenth of the clients with a chargeback, a fifth with events told after the"
        f" end), counted by all five metrics; {what}"
    )
    figures.add(f"{way}_partners", found.partners, "partners", both)
    figures.add(f"{way}_events", found.events, "events", both)
    figures.add(
        f"{way}_events_per_s",
        found.events_per_s,
        "events/s",
        f"All events, registrations and approvals too, until the engine has applied the last: {both}",
    )
    figures.add(
        f"{way}_differences",
        found.differences,
        "partners",
        "Participants whose counts by any metric, score or place are others on the board, all pages of it, when the"
        f" last event was in the books, than by the count from the facts after the freeze; of {found.ranked:,} who"
        f" rank: {both}",
        goal=0,
    )
    figures.add(
        f"{way}_reads_per_page",
        found.page_reads,
        "requests",
        f"The most of {found.pages} pages, each read by staff and by a participant with the own place and the distance"
        f" to the next: {both}",
        goal=2,
    )
    figures.add(
        f"{way}_board_ms",
        found.board_ms,
        "ms",
        f"To make the board of a division of {found.board_rows:,} from all entries, {found.build_reads} requests that"
        f" read, and to show its first page; median of {BOARDS}: {both}",
    )
    figures.add(f"{way}_board_bytes", found.board_bytes, "bytes", f"That board as it is kept, packed: {both}")
    figures.add(f"{way}_recount_s", found.recount_s, "s", f"The count from the facts of all clients: {both}")


def measure(figures: Figures, tell: Callable[[str], None]) -> None:
    """Both, as figures."""
    # On a cloud it runs in the product's functions: nothing of it is imported for the small one in the tests.
    from benchmarks.contest_stream import by_the_stream

    add(
        figures,
        "handler",
        by_the_handler(tell=tell),
        "the engine's handler and all else in one process on tables in memory, in CPU time, without waiting for"
        " DynamoDB",
    )
    add(
        figures,
        "stream",
        by_the_stream(tell=tell),
        "posted by HTTP to the local cloud, counted by stream and engine, walked by the state machine to its prizes;"
        " emulator, functions and the sender share this machine's cores",
    )


def main() -> int:
    """Exit code 1 when a goal is missed: the board is another than the count, or a page takes too much."""
    console, figures = Console(), Figures()
    with console.status("contests") as status:
        measure(figures.part("contests"), status.update)
    figures.write(OUTPUT, beside=True)
    figures.print(console)
    return 1 if figures.missed else 0


if __name__ == "__main__":
    sys.exit(main())
