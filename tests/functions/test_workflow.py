"""The workflow function: a step by its name, with the time that is left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from introducer.domain.configuration import Brand, Change, Partner, PartnerKind, Status
from introducer.domain.errors import Invalid
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from tests.conftest import create_table, in_memory
from tests.support import functions

NOW = datetime(2026, 4, 5, 2, tzinfo=UTC)
CHANGE = Change(by="system:test", at=NOW, why="set up")
GIVEN = {"brand": "brd_1", "month": "2026-03", "by": "mem_finance", "why": "March is done"}


class Context:
    """Lambda's, with so many seconds left."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return self.seconds * 1000


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The handler, over books in this process: a brand with two partners."""
    monkeypatch.setenv("BOOKS_TABLE", "books")
    with in_memory() as client:
        create_table(client, "books", index=True)
        books = Configuration("books")
        books.open_brand(
            Brand(
                brand="brd_1", name="One", domain="one.example", base_currency="EUR",
                fallback_url="https://one.example/", created=datetime(2026, 3, 31, tzinfo=UTC),
            ),
            CHANGE,
        )  # fmt: skip
        for name in ("par_a", "par_b"):
            books.register_partner(
                Partner(
                    partner=name, brand="brd_1", name=name, kind=PartnerKind.IB, status=Status.ACTIVE, parent=None,
                    manager=None, country="DE", language="en", currency="EUR", email_hash=None, created=NOW,
                ),
                CHANGE,
            )  # fmt: skip
        module = functions.load("workflow")
        monkeypatch.setattr(module, "clock", type("Stopped", (), {"now": staticmethod(lambda: NOW)}))
        yield module


def call(function: ModuleType, step: str, seconds: int = 300, **more: Any) -> Any:
    return function.handler({"step": step, "given": GIVEN, **more}, Context(seconds))


def test_the_steps_of_a_close_hand_on_how_far_they_came(function: ModuleType) -> None:
    begun = call(function, "begin_close")
    assert begun == {"partners": 0, "entries": 0, "sums": {}, "more": True}
    done = call(function, "close_partners", progress=begun)
    assert done == {"partners": 2, "entries": 0, "sums": {}, "after": "par_b", "more": False}
    assert call(function, "finish_close", progress=done) == {
        "brand": "brd_1", "month": "2026-03", "partners": 2, "entries": 0, "sums": {}, "page": "/desk/months",
    }  # fmt: skip
    assert Configuration("books").month_close("brd_1", "2026-03").closed_by == "mem_finance"


def test_a_step_that_runs_out_of_time_leaves_the_rest_to_the_next(function: ModuleType) -> None:
    begun = call(function, "begin_close")
    first = call(function, "close_partners", seconds=59, progress=begun)
    assert (first["after"], first["more"]) == ("par_a", True)
    assert Ledger("books").balance("par_b").frozen_through is None
    second = call(function, "close_partners", seconds=59, progress=first)
    assert (second["after"], second["more"], second["partners"]) == ("par_b", False, 2)


def test_what_is_wrong_with_the_input_is_said(function: ModuleType) -> None:
    for given in ({}, {"brand": "brd_1"}, {"brand": "brd_1", "month": 202603}, {"brand": "brd_1", "month": "2026-04"}):
        with pytest.raises(Invalid):
            function.handler({"step": "begin_close", "given": given}, Context(300))
