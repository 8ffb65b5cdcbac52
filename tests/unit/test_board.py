"""Boards: who stands where, what others see, and how far the next place is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from introducer.domain.board import (
    OLDEST,
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
from introducer.domain.contest import Contest, ContestStatus, Entry, Metric, Tie
from introducer.domain.contest_prizes import ranked
from tests.support.builders import at
from tests.support.contest_builders import a_contest, standing

NOW = at("2026-11-05 09:00")


def an_entry(partner: str, clients: int, division: int = 0, **more: object) -> Entry:
    given: dict[str, object] = {"joined_at": NOW, "shown_as": partner.upper(), "counted": {Metric.FTD: clients}}
    return Entry(contest="ctt_1", partner=partner, division=division, **given | more)  # type: ignore[arg-type]


def a_board(contest: Contest, **clients: int) -> Snapshot:
    rows = live_rows(contest, 0, [an_entry(partner, count) for partner, count in clients.items()])
    [board] = snapshots(contest, 0, rows, NOW)
    return board


def test_those_with_one_score_have_one_rank_and_the_next_leaves_room_for_them() -> None:
    board = a_board(a_contest(), a=3, d=1, b=2, c=2, e=0)
    assert board.rows == (
        Row(1, "a", "A", 300), Row(2, "b", "B", 200), Row(2, "c", "C", 200), Row(4, "d", "D", 100), Row(0, "e", "E", 0)
    )  # fmt: skip
    assert (board.size, board.ranked, board.visible) == (5, 4, 5)


def test_whoever_takes_no_part_or_is_in_another_division_is_not_on_it() -> None:
    entries = [
        an_entry("in", 1),
        an_entry("scorer", 9, joined_at=None),
        an_entry("left", 9, left_at=NOW),
        an_entry("large", 9, division=1),
    ]
    assert [row.partner for row in live_rows(a_contest(), 0, entries)] == ["in"]
    assert [row.partner for row in live_rows(a_contest(), 1, entries)] == ["large"]


def test_whoever_has_less_than_the_minimum_has_no_rank() -> None:
    board = a_board(a_contest(minimum=200), a=2, b=1, c=-1)
    assert [(row.rank, row.score) for row in board.rows] == [(1, 200), (0, 100), (0, -100)]
    assert board.distance(board.rows[1]) == Distance(1, 100)
    assert board.distance(board.rows[2]) == Distance(1, 300)


def test_the_board_ranks_as_the_result_does_where_ties_share() -> None:
    contest = a_contest(minimum=100)
    clients = {"a": 3, "b": 2, "c": 2, "d": 1, "e": 0, "f": 2}
    results = ranked(contest, [standing(partner, count) for partner, count in clients.items()])
    live = [(row.rank, row.partner, row.score) for row in a_board(contest, **clients).rows]
    assert live == [(each.rank, each.partner, each.score) for each in results]
    assert live == [(row.rank, row.partner, row.score) for row in result_rows([], results)]


def test_a_results_board_keeps_the_places_that_the_facts_gave() -> None:
    contest = a_contest(tie=Tie.FIRST)
    # given two with one score, and one who is set aside
    standings = [standing("late", 2, 50), standing("early", 2, 10), standing("bad", 9, aside="case")]
    rows = result_rows([an_entry("late", 9), an_entry("early", 0)], reversed(ranked(contest, standings)))
    assert rows == [Row(1, "early", "EARLY", 200), Row(2, "late", "LATE", 200), Row(0, "bad", "", 900)]
    [board] = snapshots(contest, 0, rows, NOW)
    assert board.distance(rows[2]) is None, "no score brings it back"


@pytest.mark.parametrize(
    ("minimum", "lowest"),
    [
        (0, [Distance(5, 100), Distance(7, 100)]),
        (200, [Distance(5, 100), Distance(5, 200)]),
        (800, [Distance(2, 700), Distance(2, 800)]),
    ],
)
def test_the_next_place_is_drawing_level_with_it_or_ranking_at_all(minimum: int, lowest: list[Distance]) -> None:
    board = a_board(a_contest(minimum=minimum), a=9, b=7, c=7, d=4, e=2, f=2, g=1, h=0)
    found = [board.distance(row) for row in board.rows]
    assert found[0] is None, "nobody stands above"
    assert found[-2:] == lowest
    if not minimum:
        level = [Distance(1, 200), Distance(1, 200), Distance(2, 300), Distance(4, 200), Distance(4, 200)]
        assert found[1:-2] == level


def test_the_first_to_rank_takes_the_first_place() -> None:
    board = a_board(a_contest(minimum=400), a=0)
    assert board.distance(board.rows[0]) == Distance(1, 400)
    lots = a_board(a_contest(weights=((Metric.LOTS, 1000),)), a=0)
    assert lots.distance(lots.rows[0]) == Distance(1, 1), "the least that lots can score"


def test_others_see_as_many_as_the_contest_shows_and_those_who_tie_with_the_last() -> None:
    clients = {"a": 3, "b": 2, "c": 2, "d": 1, "e": 0}
    assert [a_board(a_contest(shown=shown), **clients).visible for shown in (0, 1, 2, 3, 4, 99)] == [5, 1, 3, 3, 4, 4]


def test_a_large_board_has_parts_and_each_knows_who_stands_above_it() -> None:
    # given 5,003 participants, of whom the last three have a score that two in the first part have too
    rows = [Row(place, f"par_{place:04d}", "x", 10_000 - place) for place in range(1, PART - 1)]
    rows += [Row(PART - 1, f"par_{place:04d}", "x", 50) for place in range(PART - 1, PART + 3)]
    rows.append(Row(0, "par_last", "x", 0))
    contest = a_contest(shown=PART + 1)
    first, second = snapshots(contest, 0, rows, NOW)
    # then
    assert (len(first.rows), len(second.rows), first.parts, second.parts) == (PART, 3, 2, 2)
    assert (first.above, second.above) == (None, Row(PART - 2, f"par_{PART - 2:04d}", "", 10_000 - (PART - 2)))
    own = second.place(f"par_{PART + 2:04d}")
    assert own == Row(PART - 1, f"par_{PART + 2:04d}", "x", 50)
    assert second.distance(own) == Distance(PART - 2, 10_000 - (PART - 2) - 50)
    assert second.distance(second.rows[-1]) == first.distance(second.rows[-1])
    assert {(each.size, each.ranked, each.visible) for each in (first, second)} == {(PART + 3, PART + 2, PART + 2)}
    # and those who rank alone have nobody above them in a part of those who do not
    assert snapshots(a_contest(), 0, [row._replace(rank=0) for row in rows], NOW)[1].above is None


def test_no_page_lies_across_two_parts() -> None:
    assert PART % PAGE == 0
    assert (part_of(1), part_of(PART // PAGE), part_of(PART // PAGE + 1)) == (0, 0, 1)
    assert (page_of(0), page_of(PAGE - 1), page_of(PAGE)) == (1, 1, 2)


def test_an_empty_board_has_one_part() -> None:
    [board] = snapshots(a_contest(), 0, [], NOW)
    assert (board.parts, board.rows, board.size) == (1, (), 0)


def test_a_board_is_good_for_five_seconds_and_for_good_once_nothing_changes() -> None:
    board = a_board(a_contest(status=ContestStatus.RUNNING), a=1)
    moment = timedelta(milliseconds=1)
    assert board.is_good(NOW + OLDEST)
    assert not board.is_good(NOW + OLDEST + moment)
    assert not board.is_good(NOW + RENEWED + moment, RENEWED)
    for status in (ContestStatus.DONE, ContestStatus.CANCELLED):
        assert a_board(a_contest(status=status), a=1).is_good(NOW + timedelta(days=99))
