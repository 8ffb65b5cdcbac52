"""Boards in the table: a snapshot reads as it was written, is small, and one reader at a time makes the next."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.board import PART, Row, Snapshot, snapshots
from introducer.domain.contest import ContestStatus, Division, Prize, PrizeKind
from introducer.domain.contest_rules import LONGEST_SHOWN
from introducer.domain.ids import derived_id
from introducer.services.join_contest import MOST_BYTES
from introducer.store.boards import LEASE, Boards, snapshot_from_wire, snapshot_to_wire
from tests.conftest import Tables
from tests.support.builders import at
from tests.support.contest_builders import a_contest, fixed

pytestmark = pytest.mark.in_memory

NOW = at("2026-11-05 09:00")
CONTEST = a_contest(fixed(1, 500), status=ContestStatus.RUNNING, description="«All»")
ROWS = [
    Row(1, "par_1", "One", 1_050),
    Row(2, "par_2", "«Two»", 300),
    Row(2, "par_3", "Three", 300),
    Row(0, "p", "", -5),
]


@pytest.fixture
def boards(tables: Tables) -> Boards:
    return Boards(tables.books)


def a_board(rows: list[Row] = ROWS, seconds: int = 0, division: int = 0) -> tuple[Snapshot, ...]:
    return snapshots(CONTEST, division, rows, NOW + timedelta(seconds=seconds))


def a_crowd(many: int, alphabet: str) -> list[Row]:
    """As many as there may be, with names that nothing packs well."""
    chance = random.Random(1)
    length = min(LONGEST_SHOWN, MOST_BYTES // len(alphabet[0].encode()))
    names = ["".join(chance.choice(alphabet) for _ in range(length)) for _ in range(many)]
    scores = sorted((chance.randrange(10**9) for _ in range(many)), reverse=True)
    return [Row(place, derived_id("par", place), names[place], scores[place]) for place in range(many)]


def test_a_part_is_in_its_item_whole() -> None:
    for part in (*a_board(), *a_board([]), *a_board(a_crowd(PART + 7, "abcdefghij"))):
        assert snapshot_from_wire(snapshot_to_wire(part)) == part


def test_what_wakes_the_contest_is_not_on_its_board() -> None:
    [part] = a_board()
    woken = replace(part, contest=replace(part.contest, token="secret"))
    assert "secret" not in str(snapshot_to_wire(woken))


@pytest.mark.parametrize(
    "alphabet",
    [
        "0123456789ABCDEFGHJKMNPQRSTVWXYZ",
        "".join(map(chr, range(0x4E00, 0x9FFF))),
        "".join(map(chr, range(0x20000, 0x2A6DF))),
    ],
    ids=["latin", "chinese", "rare chinese"],
)
def test_five_thousand_with_the_longest_names_fit_into_an_item(alphabet: str) -> None:
    [part] = a_board(a_crowd(PART, alphabet))
    assert len(snapshot_to_wire(part)["rows"]["B"]) < 350_000


def test_five_thousand_with_neutral_names_take_a_third_of_an_item() -> None:
    crowd = [row._replace(shown_as=f"Partner {row.shown_as[:4]}") for row in a_crowd(PART, "0123456789ABCDEFGHJKMNPQ")]
    [part] = a_board(crowd)
    assert len(snapshot_to_wire(part)["rows"]["B"]) < 400 * 1024 // 3


@pytest.mark.pattern("board_of_division")
class TestBoardOfDivision:
    def test_a_part_reads_as_it_was_written(self, boards: Boards) -> None:
        assert boards.part("ctt_1", 0) is None
        [other] = a_board(ROWS[:1], division=1)
        [part] = a_board()
        boards.write([part, other])
        assert boards.part("ctt_1", 0) == part
        assert boards.part("ctt_1", 1) == other
        assert boards.part("ctt_1", 0, 1) is None

    def test_a_newer_one_stays(self, boards: Boards) -> None:
        [old], [new] = a_board(ROWS[:2]), a_board(seconds=4)
        boards.write([new])
        boards.write([old])
        assert boards.part("ctt_1", 0) == new

    def test_one_at_a_time_makes_the_next(self, boards: Boards) -> None:
        assert boards.take_turn("ctt_1", 0, NOW)
        for later in (timedelta(), LEASE - timedelta(milliseconds=1)):
            assert not boards.take_turn("ctt_1", 0, NOW + later)
        assert boards.take_turn("ctt_1", 1, NOW), "each division has its own turn"
        # when whoever had it never came to an end
        assert boards.take_turn("ctt_1", 0, NOW + LEASE)
        assert not boards.take_turn("ctt_1", 0, NOW + LEASE)

    def test_whose_turn_it_is_is_no_part(self, boards: Boards) -> None:
        boards.take_turn("ctt_1", 0, NOW)
        assert boards.part("ctt_1", 0) is None


def test_the_longest_settings_take_no_place_from_the_names() -> None:
    prizes = tuple(
        Prize(kind=PrizeKind.GIFT, first=place, last=place, gift=f"A weekend in Lisbon for two, number {place}")
        for place in range(1, 201)
    )
    divisions = tuple(Division(name=f"Division {number}", from_size=number, prizes=prizes) for number in range(10))
    [plain] = a_board(a_crowd(PART, "".join(map(chr, range(0x4E00, 0x9FFF)))))
    large = replace(plain, contest=replace(plain.contest, divisions=divisions, description="A race. " * 200))
    added = len(snapshot_to_wire(large)["rows"]["B"]) - len(snapshot_to_wire(plain)["rows"]["B"])
    assert added < 20_000
