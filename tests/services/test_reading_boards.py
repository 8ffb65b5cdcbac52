"""A page of a board: from a snapshot of a few seconds ago at most, in two reads, made by one reader at a time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.board import OLDEST, PAGE, PART, RENEWED, Distance, Row, snapshots
from introducer.domain.configuration import Member
from introducer.domain.contest import Conditions, Contest, ContestStatus, Division
from introducer.domain.contest_prizes import concluded
from introducer.domain.errors import NotFound, Unavailable
from introducer.services.read_board import BoardPage, BoardRow, read_board
from introducer.store.boards import LEASE
from introducer.store.contests import Joining
from tests.conftest import Tables
from tests.support.contest_builders import an_owner, standing
from tests.support.planning import MANAGER, STRANGER, Planning

pytestmark = pytest.mark.in_memory

SIZES = (Division(name="Small"), Division(name="Large", from_size=5))


class Boarding(Planning):
    """Who reads boards, and how often the books were asked for it."""

    def reads(self, contest: Contest, who: Member | None, **other: Any) -> BoardPage:
        given: dict[str, Any] = {"division": None, "page": 1, "now": self.now, "pause": self.waits}
        return read_board(self.books, member=who, contest=contest.contest, **given | other)

    def waits(self, seconds: float) -> None:
        self.later(seconds=seconds)

    def takes_part(self, contest: Contest, **clients: int) -> None:
        """Partners join and score."""
        for partner, count in clients.items():
            self.joins(contest, self.somebody(partner), partner.upper())
            if count:
                self.scores(contest, partner, ftd=count)

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """The requests that are made meanwhile, by operation."""
        memory, calls = self.tables.client._memory, Counter[str]()
        call = memory.call

        def counting(operation: str, arguments: Any) -> Any:
            calls[operation] += 1
            return call(operation, arguments)

        memory.call = counting
        try:
            yield calls
        finally:
            memory.call = call


@pytest.fixture
def boarding(tables: Tables) -> Boarding:
    return Boarding(tables)


def ranks(page: BoardPage) -> list[tuple[int, str, int]]:
    return [(row.rank, row.shown_as, row.score) for row in page.rows]


class TestWhatIsSeen:
    def test_ranks_and_the_own_place_with_the_distance_to_the_next(self, boarding: Boarding) -> None:
        running = boarding.running()
        boarding.takes_part(running, par_a=5, par_b=3, par_c=3, par_d=0)
        page = boarding.reads(running, an_owner("par_c"))
        assert ranks(page) == [(1, "PAR_A", 500), (2, "PAR_B", 300), (2, "PAR_C", 300), (0, "PAR_D", 0)]
        assert [row.own for row in page.rows] == [False, False, True, False]
        assert (page.participants, page.ranked, page.pages, page.built_at) == (4, 3, 1, boarding.now)
        assert page.own is not None
        assert (page.own.rank, page.own.score, page.own.page, page.own.next) == (2, 300, 1, Distance(1, 200))
        assert page.contest == boarding.found(running)
        last = boarding.reads(running, an_owner("par_d")).own
        assert last is not None
        assert (last.rank, last.next) == (0, Distance(4, 100))

    def test_each_division_has_its_board_and_the_own_one_comes_first(self, boarding: Boarding) -> None:
        running = boarding.running(divisions=SIZES)
        boarding.brought("par_b", "2026-10-30", ftd=7)
        boarding.takes_part(running, par_a=1, par_b=2)
        own = boarding.reads(running, an_owner("par_b"))
        assert (own.division, ranks(own)) == (1, [(1, "PAR_B", 200)])
        assert own.own is not None
        other = boarding.reads(running, an_owner("par_b"), division=0)
        assert (ranks(other), other.own) == ([(1, "PAR_A", 100)], None)
        assert boarding.reads(running, MANAGER).division == 0

    def test_who_is_who_only_staff_see(self, boarding: Boarding) -> None:
        running = boarding.running(public=True)
        boarding.takes_part(running, par_a=2, par_b=1)
        assert [row.partner for row in boarding.reads(running, MANAGER).rows] == ["par_a", "par_b"]
        for reader in (an_owner("par_a"), None):
            page = boarding.reads(running, reader)
            assert "par_" not in repr(page.rows)
        anybody = boarding.reads(running, None)
        assert anybody.rows == (
            BoardRow(rank=1, shown_as="PAR_A", score=200),
            BoardRow(rank=2, shown_as="PAR_B", score=100),
        )
        assert (anybody.entry, anybody.own) == (None, None)

    def test_others_see_the_top_and_everybody_the_own_place(self, boarding: Boarding) -> None:
        running = boarding.running(shown=1)
        boarding.takes_part(running, par_a=2, par_b=1)
        page = boarding.reads(running, an_owner("par_b"))
        assert (ranks(page), page.participants) == ([(1, "PAR_A", 200)], 2)
        assert page.own is not None
        assert (page.own.rank, page.own.page, page.own.next) == (2, None, Distance(1, 100))
        assert len(boarding.reads(running, MANAGER).rows) == 2

    def test_whoever_left_or_only_scores_is_not_on_it(self, boarding: Boarding) -> None:
        running = boarding.running()
        boarding.takes_part(running, par_a=2)
        scorer = boarding.somebody("par_scorer")
        boarding.scores(running, "par_scorer", ftd=9)
        page = boarding.reads(running, scorer)
        assert (ranks(page), page.own) == ([(1, "PAR_A", 200)], None)

    def test_who_joined_since_has_a_place_with_the_next_snapshot(self, boarding: Boarding) -> None:
        running = boarding.running()
        boarding.takes_part(running, par_a=2)
        boarding.reads(running, MANAGER)
        boarding.takes_part(running, par_b=3)
        own = boarding.reads(running, an_owner("par_b")).own
        assert own is not None
        assert (own.rank, own.score, own.next) == (0, 300, None)
        boarding.later(seconds=5)
        own = boarding.reads(running, an_owner("par_b")).own
        assert own is not None
        assert own.rank == 1


class TestForWhomItIs:
    def test_a_board_that_is_not_for_the_reader_is_none(self, boarding: Boarding) -> None:
        running = boarding.running(conditions=Conditions(countries=frozenset({"PL"})))
        german, pole = boarding.somebody("par_de"), boarding.somebody("par_pl", country="PL")
        far = boarding.somebody("par_far", brand="brd_far")
        for reader in (None, german, far, STRANGER):
            with boarding.counted() as calls, pytest.raises(NotFound):
                boarding.reads(running, reader)
            assert calls.keys() <= {"GetItem", "Query"}, "nothing is made for whom it is not"
        assert boarding.reads(running, pole).rows == ()
        # nor once it is made
        for reader in (None, german, far, STRANGER):
            with pytest.raises(NotFound):
                boarding.reads(running, reader)

    def test_who_took_part_sees_it_though_it_left(self, boarding: Boarding) -> None:
        running = boarding.running(conditions=Conditions(countries=frozenset({"PL"})))
        boarding.joins(running, boarding.somebody("par_pl", country="PL"))
        [entry] = boarding.books.contests.entries("ctt_1")
        left = Joining(entry=replace(entry, left_at=boarding.now), before=entry)
        assert boarding.books.contests.enter(boarding.found(running), left, boarding.change(), "leave_contest")
        assert boarding.reads(running, an_owner("par_pl")).own is None

    def test_there_is_no_board_of_what_there_is_not(self, boarding: Boarding) -> None:
        draft, running = boarding.drafted(contest="ctt_2"), boarding.running()
        boarding.reads(running, MANAGER)
        with boarding.counted() as calls:
            for contest, more in (
                (draft, {}),
                (replace(running, contest="ctt_none"), {}),
                (replace(running, contest="x" * 3000), {}),
                (running, {"division": 1}),
                (running, {"division": -1}),
                (running, {"division": 10**40}),
                (running, {"division": 1, "page": 1000}),
                (running, {"page": 0}),
                (running, {"page": 2}),
                (running, {"page": 1000}),
                (running, {"page": 10**40}),
            ):
                with pytest.raises(NotFound):
                    boarding.reads(contest, MANAGER, **more)
        assert calls.keys() == {"GetItem"}, "and nothing is written"


class TestHowOld:
    def test_a_snapshot_lasts_four_seconds_and_then_whoever_looks_makes_the_next(self, boarding: Boarding) -> None:
        running = boarding.running()
        boarding.takes_part(running, par_a=1)
        first = boarding.reads(running, MANAGER)
        boarding.scores(running, "par_a", ftd=1)
        boarding.later(seconds=RENEWED.total_seconds())
        with boarding.counted() as calls:
            assert boarding.reads(running, MANAGER) == first
        assert calls == {"GetItem": 1}, "staff need no entry"
        boarding.later(milliseconds=1)
        second = boarding.reads(running, MANAGER)
        assert (ranks(second), second.built_at) == ([(1, "PAR_A", 200)], boarding.now)

    def test_nobody_looks_and_nothing_is_written(self, boarding: Boarding) -> None:
        running = boarding.running()
        boarding.takes_part(running, par_a=1)
        assert boarding.books.boards.part("ctt_1", 0) is None

    def test_what_a_contest_came_to_stands_for_good(self, boarding: Boarding) -> None:
        running = boarding.running()
        boarding.takes_part(running, par_a=1, par_b=2)
        boarding.reads(running, MANAGER)
        # given a count that knows better than the engine did
        results = concluded(
            running, [standing("par_a", 9, shown_as="PAR_A"), standing("par_b", 2, aside="case")]
        ).results
        boarding.books.results.keep_results("edn_1", results)
        provisional = boarding.moves(running, ContestStatus.PROVISIONAL, edition="edn_1")
        boarding.later(seconds=5)
        page = boarding.reads(provisional, MANAGER)
        assert [(row.rank, row.partner, row.score) for row in page.rows] == [(1, "par_a", 900), (0, "par_b", 200)]
        # when it is over
        boarding.moves(provisional, ContestStatus.DONE)
        boarding.later(days=1)
        done = boarding.reads(provisional, MANAGER)
        assert (done.contest.status, done.rows) == (ContestStatus.DONE, page.rows)
        # then the last snapshot is never made again
        boarding.later(days=400)
        with boarding.counted() as calls:
            assert boarding.reads(provisional, MANAGER) == done
        assert calls == {"GetItem": 1}


class TestHowManyReads:
    @pytest.mark.parametrize("many", [1, 1_000, PART])
    def test_any_page_with_the_own_place_takes_two_reads(self, boarding: Boarding, many: int) -> None:
        running = boarding.running()
        boarding.takes_part(running, par_own=1)
        rows = [Row(place, f"par_{place:05d}", f"P{place}", (many - place) * 100 + 100) for place in range(1, many)]
        rows.append(Row(many, "par_own", "PAR_OWN", 100))
        boarding.books.boards.write(snapshots(running, 0, rows, boarding.now))
        pages = -(-many // PAGE)
        for page in {1, (pages + 1) // 2, pages}:
            with boarding.counted() as calls:
                found = boarding.reads(running, an_owner("par_own"), page=page)
            assert calls == {"GetItem": 2}
            assert found.own is not None
            assert (found.own.rank, found.own.page, found.pages) == (many, pages, pages)
            assert found.own.next == (None if many == 1 else Distance(many - 1, 100))
            assert len(found.rows) == (PAGE if page < pages else many - PAGE * (pages - 1))

    def test_beyond_five_thousand_the_own_place_may_take_one_more_for_each_part(self, boarding: Boarding) -> None:
        running = boarding.running()
        boarding.takes_part(running, par_own=1)
        many = 2 * PART + 10
        rows = [Row(place, f"par_{place:05d}", f"P{place}", (many - place) * 100 + 100) for place in range(1, many)]
        rows.append(Row(many, "par_own", "PAR_OWN", 100))
        boarding.books.boards.write(snapshots(running, 0, rows, boarding.now))
        for page, reads in ((1, 4), (PART // PAGE + 1, 4), (2 * PART // PAGE + 1, 2)):
            with boarding.counted() as calls:
                found = boarding.reads(running, an_owner("par_own"), page=page)
            assert calls == {"GetItem": reads}
            assert found.rows[0].rank == (page - 1) * PAGE + 1
            assert found.own is not None
            assert (found.own.rank, found.own.next) == (many, Distance(many - 1, 100))

    def test_a_new_snapshot_takes_eight_queries_and_no_scan(self, boarding: Boarding) -> None:
        running = boarding.running()
        boarding.takes_part(running, par_a=1)
        with boarding.counted() as calls:
            boarding.reads(running, MANAGER)
        assert (calls["Query"], calls["Scan"], calls["PutItem"]) == (8, 0, 2)


class TestOneAtATime:
    def test_meanwhile_others_see_the_last_one_while_it_is_no_older_than_five_seconds(self, boarding: Boarding) -> None:
        running = boarding.running()
        boarding.takes_part(running, par_a=1)
        first = boarding.reads(running, MANAGER)
        boarding.later(seconds=4.5)
        # given somebody who makes the next one
        assert boarding.books.boards.take_turn("ctt_1", 0, boarding.now)
        before = boarding.now
        assert boarding.reads(running, MANAGER) == first
        assert boarding.now == before, "without waiting"
        # when it is older than that
        boarding.now = first.built_at + OLDEST
        assert boarding.reads(running, MANAGER) == first
        boarding.later(milliseconds=1)
        page = boarding.reads(running, MANAGER)
        # then it was waited until the turn was over, and made
        assert page.built_at > first.built_at + OLDEST
        assert boarding.now >= before + LEASE

    def test_who_waits_sees_what_the_other_made(self, boarding: Boarding) -> None:
        running = boarding.running()
        boarding.takes_part(running, par_a=1)
        started = boarding.now
        assert boarding.books.boards.take_turn("ctt_1", 0, started)

        def finishes(seconds: float) -> None:
            boarding.books.boards.write(snapshots(running, 0, [Row(1, "par_a", "MADE", 100)], started))

        assert ranks(boarding.reads(running, MANAGER, pause=finishes)) == [(1, "MADE", 100)]

    def test_one_turn_after_another_ends_some_time(self, boarding: Boarding, monkeypatch: pytest.MonkeyPatch) -> None:
        running = boarding.running()
        monkeypatch.setattr(boarding.books.boards, "take_turn", lambda *given: False)
        started = boarding.now
        with pytest.raises(Unavailable):
            boarding.reads(running, MANAGER)
        assert LEASE < boarding.now - started < timedelta(seconds=5)

    def test_of_many_who_look_at_once_one_makes_it(self, boarding: Boarding, monkeypatch: pytest.MonkeyPatch) -> None:
        running = boarding.running()
        boarding.takes_part(running, par_a=2, par_b=1)
        made, memory, lock = [], boarding.tables.client._memory, threading.Lock()
        call, entries, looking = memory.call, boarding.books.contests.entries, threading.Barrier(8)

        def one_by_one(operation: str, arguments: Any) -> Any:
            with lock:
                return call(operation, arguments)

        def making(contest: str) -> Any:
            made.append(contest)
            return entries(contest)

        monkeypatch.setattr(memory, "call", one_by_one)
        monkeypatch.setattr(boarding.books.contests, "entries", making)
        now, pauses = boarding.now, threading.Event()

        def reads(number: int) -> BoardPage:
            looking.wait()
            return boarding.reads(running, MANAGER, now=now, pause=lambda seconds: pauses.wait(seconds) and None)

        with ThreadPoolExecutor(8) as readers:
            pages = list(readers.map(reads, range(8)))
        assert len(made) == 1
        assert {page.rows for page in pages} == {pages[0].rows}
        assert ranks(pages[0]) == [(1, "PAR_A", 200), (2, "PAR_B", 100)]
