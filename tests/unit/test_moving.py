"""Decisions about clients and partners, by themselves: their order, what they cover, and which name is theirs."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from introducer.domain.client import ClientState, Move, Segment
from introducer.domain.configuration import BEGINNING, Parenting, parent_in
from introducer.domain.errors import Invalid
from introducer.domain.events import milliseconds
from introducer.services.change_parent import months_to_come
from introducer.services.creation import Author
from introducer.services.decisions import after, reason
from introducer.services.move_client import belongings
from introducer.services.register_source import register_source
from tests.support.builders import BRAND, CLIENT, an_event, at

NOW = at("2026-03-02 12:00")
BY_CLICK = Segment(0, "P", "AAAAAAAA", "cmp_1", "click")


def a_move(partner: str, starts_at: str | None, name: str = "mov_1") -> Any:
    start = None if starts_at is None else at(starts_at)
    return an_event("move", NOW, partner=partner, starts_at=start, source="desk", event_id=name)


def held(*segments: Segment) -> list[tuple[int, str]]:
    return [(segment.start, segment.partner) for segment in segments]


def test_a_decision_on_its_way_paints_over_what_begins_later() -> None:
    state = ClientState(BRAND, CLIENT, timeline=(BY_CLICK, Segment(milliseconds(at("2026-02-10")), "Q", "", "", "")))

    later = belongings(state, [a_move("R", "2026-02-20")])
    earlier = belongings(state, [a_move("R", "2026-02-01")])
    corrected = belongings(state, [a_move("R", "2026-02-01"), a_move("S", None, "mov_2")])

    assert [partner for _, partner in held(*later)] == ["P", "Q", "R"]
    assert [partner for _, partner in held(*earlier)] == ["P", "R"]
    assert held(*corrected) == [(0, "S")]


def test_a_decision_that_the_books_follow_is_not_painted_twice() -> None:
    known = a_move("Q", "2026-02-01")
    moves = {known.key: Move(milliseconds(NOW), milliseconds(at("2026-02-01")), "Q")}
    timeline = (BY_CLICK, Segment(milliseconds(at("2026-02-15")), "R", "", "", ""))

    assert belongings(ClientState(BRAND, CLIENT, moves=moves, timeline=timeline), [known]) == timeline


def test_a_client_of_nobody_can_be_given_to_somebody() -> None:
    assert held(*belongings(ClientState(BRAND, CLIENT), [a_move("Q", None)])) == [(0, "Q")]


def test_a_decision_is_later_than_all_that_it_knows_of() -> None:
    assert after(NOW, []) == NOW
    assert after(NOW, [NOW - timedelta(days=1)]) == NOW
    assert after(NOW, [NOW, NOW + timedelta(seconds=5)]) == NOW + timedelta(seconds=5, milliseconds=1)


@pytest.mark.parametrize("text", ["", "  ", "no", " ab ", "x" * 501])
def test_a_reason_says_something(text: str) -> None:
    with pytest.raises(Invalid):
        reason(text)
    assert reason(" why not ") == "why not"


def test_months_to_come_begin_with_the_next_one() -> None:
    months = months_to_come(at("2026-12-31 23:40"))
    assert (months[0], months[-1], len(months)) == ("2027-01", "2027-12", 12)
    # by midnight not every engine would know, and an event of the new month may be applied already
    assert months_to_come(at("2026-12-31 23:59"))[0] == "2027-02"


def test_the_parent_of_a_month_is_the_last_one_that_holds_then() -> None:
    def a_parenting(month: str, parent: str | None) -> Parenting:
        return Parenting(partner="C", parenting="prt", month=month, parent=parent, reason="Why not", decided_at=NOW)

    history = [a_parenting(BEGINNING, "A"), a_parenting("2026-05", "B"), a_parenting("2026-05", None)]

    assert [parent_in(month, history) for month in ("1999-01", "2026-04", "2026-05", "2027-01")] == [
        "A", "A", None, None,
    ]  # fmt: skip
    assert parent_in("2026-05", []) is None


def test_no_platform_has_the_name_of_the_desk() -> None:
    configuration, kept = Mock(), Mock()
    with pytest.raises(Invalid):
        register_source(
            configuration, kept, brand=BRAND, source="desk", author=Author(by="system:test", why="a test"),
            clock=lambda: NOW, random=secrets.token_bytes,
        )  # fmt: skip
    configuration.register_source.assert_not_called()
