"""Decisions of staff about clients and partners: one fact, one record, in one transaction."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import BEGINNING, DESK, Change, Parenting, parent_in
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import Event, EventType
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.moves import Moves
from tests.conftest import Tables
from tests.store.test_configuration import a_partner
from tests.support.builders import BRAND, CLIENT, an_event, at

NOW = at("2026-03-02 12:00")
CHANGE = Change(by="mem_1", at=NOW, why="The platform sent the wrong click", origin="test")


def a_move(name: str = "mov_1", when: datetime = NOW, **other: Any) -> Event:
    return replace(
        Event(
            brand=BRAND,
            source=DESK,
            client=CLIENT,
            event_id=name,
            type=EventType.MOVE,
            occurred_at=when,
            accepted_at=when,
            partner="par_q",
            starts_at=at("2026-02-01"),
        ),
        **other,
    )


@pytest.mark.pattern("moves_of_client")
class TestMovesOfClient:
    def test_a_decision_reads_as_it_was_written_and_is_on_record(self, tables: Tables) -> None:
        moves, books = Moves(tables.facts, tables.books), Configuration(tables.books)

        assert moves.decide(a_move(), "par_p", CHANGE) is None

        assert moves.of_client(BRAND, CLIENT) == [a_move()]
        assert Facts(tables.facts).events_of_client(BRAND, CLIENT) == [a_move()], "the engine's stream shows it"
        [record] = books.audit_of_subject(CLIENT).items
        assert (record.action, record.by, record.why) == ("move_client", "mem_1", CHANGE.why)
        assert json.loads(record.before or "") == {"partner": "par_p"}
        assert json.loads(record.after or "")["move"] == "mov_1"

    def test_they_come_in_the_order_in_which_they_were_decided_and_without_what_platforms_sent(
        self, tables: Tables
    ) -> None:
        moves, facts = Moves(tables.facts, tables.books), Facts(tables.facts)
        for source in ("mt5", "desk-two"):
            facts.put_event(an_event("deposit", NOW, amount="5.00", source=source))
        facts.put_event(replace(a_move(), client="client-2"))
        for name, minutes in (("mov_c", 1), ("mov_a", 2), ("mov_b", 2)):
            later = NOW + timedelta(minutes=minutes)
            moves.decide(a_move(name, later, starts_at=None), None, replace(CHANGE, at=later))

        found = moves.of_client(BRAND, CLIENT)

        assert [move.event_id for move in found] == ["mov_c", "mov_a", "mov_b"]
        assert found[0].starts_at is None

    def test_a_repeat_finds_what_was_decided_and_leaves_no_second_record(self, tables: Tables) -> None:
        moves, books = Moves(tables.facts, tables.books), Configuration(tables.books)
        moves.decide(a_move(), "par_p", CHANGE)

        later = NOW + timedelta(minutes=5)
        again = moves.decide(a_move(when=later, partner="par_r"), "par_q", replace(CHANGE, at=later))

        assert again == a_move()
        assert len(tables.items(tables.facts)) == 1
        assert len(books.audit_of_subject(CLIENT).items) == 1


def parenting(name: str, month: str, parent: str | None, when: datetime = NOW) -> Parenting:
    return Parenting(
        partner="par_1", parenting=name, month=month, parent=parent, reason="They met at a fair", decided_at=when
    )


@pytest.mark.pattern("parents_of_partner")
class TestParentsOfPartner:
    def test_registering_says_below_whom_from_the_beginning(self, tables: Tables) -> None:
        books = Configuration(tables.books)
        books.register_partner(a_partner(parent="par_0"), CHANGE)
        books.register_partner(a_partner("par_2"), CHANGE)

        [first], [other] = books.parentings("par_1"), books.parentings("par_2")

        assert (first.month, first.parent, first.reason, first.decided_at) == (BEGINNING, "par_0", CHANGE.why, NOW)
        assert other.parent is None
        assert books.parentings("par_3") == []

    def test_they_come_by_month_and_the_last_one_decided_for_a_month_counts(self, tables: Tables) -> None:
        books = Configuration(tables.books)
        books.register_partner(a_partner(parent="par_0"), CHANGE)
        decided = [("prt_c", "2026-05", "par_7"), ("prt_b", "2026-05", None), ("prt_a", "2026-06", "par_9")]
        before = "par_0"
        for minutes, (name, month, parent) in enumerate(decided, 1):
            when = NOW + timedelta(minutes=minutes)
            books.set_parent(parenting(name, month, parent, when), {"par_1": before}, replace(CHANGE, at=when))
            before = parent  # type: ignore[assignment]

        history = books.parentings("par_1")

        assert [each.parenting for each in history][1:] == ["prt_c", "prt_b", "prt_a"]
        months = ("2020-01", "2026-04", "2026-05", "2026-06", "2031-01")
        assert [parent_in(month, history) for month in months] == ["par_0", "par_0", None, "par_9", "par_9"]
        assert books.partner("par_1").parent == "par_9", "the profile names what was decided last"
        assert [record.action for record in books.audit_of_subject("par_1").items][:3] == ["set_parent"] * 3
        latest = books.audit_of_subject("par_1").items[0]
        assert "parent" not in json.loads(latest.before or "{}"), "nobody was above it before"
        assert json.loads(latest.after or "")["parent"] == "par_9"

    def test_nothing_of_a_decision_stands_when_somebody_above_was_moved_meanwhile(self, tables: Tables) -> None:
        books = Configuration(tables.books)
        for name, parent in (("par_0", None), ("par_1", None), ("par_2", "par_0")):
            books.register_partner(a_partner(name, parent=parent), CHANGE)

        with pytest.raises(Conflict):
            books.set_parent(parenting("prt_1", "2026-05", "par_2"), {"par_1": None, "par_2": None}, CHANGE)
        with pytest.raises(Conflict):
            books.set_parent(parenting("prt_1", "2026-05", "par_2"), {"par_1": "par_0", "par_2": "par_0"}, CHANGE)

        assert [each.month for each in books.parentings("par_1")] == [BEGINNING]
        assert books.partner("par_1").parent is None
        assert [record.action for record in books.audit_of_subject("par_1").items] == ["register_partner"]
        books.set_parent(parenting("prt_1", "2026-05", "par_2"), {"par_1": None, "par_2": "par_0"}, CHANGE)
        assert books.partner("par_1").parent == "par_2"

    def test_a_partner_there_is_not_gets_no_parent(self, tables: Tables) -> None:
        books = Configuration(tables.books)
        with pytest.raises(NotFound):
            books.set_parent(parenting("prt_1", "2026-05", None), {"par_1": None}, CHANGE)
        with pytest.raises(NotFound):
            books.partner("par_1")
