"""The payout function: a step by its name, and errors by the kinds that the state machine knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound, RateMissing, TooMany, Unavailable
from introducer.gateways.rails.protocol import Refused, Unsure
from introducer.gateways.vault import SealBroken
from tests.conftest import create_table, in_memory
from tests.support import functions

NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The handler, over empty books in this process."""
    monkeypatch.setenv("BOOKS_TABLE", "books")
    with in_memory() as client:
        create_table(client, "books", index=True)
        module = functions.load("payout")
        monkeypatch.setattr(module, "clock", type("Stopped", (), {"now": staticmethod(lambda: NOW)}))
        yield module


def call(function: ModuleType, step: str, **given: Any) -> Any:
    return function.handler({"step": step, "given": given}, Context())


def test_what_is_not_there_is_told_in_a_sentence(function: ModuleType) -> None:
    with pytest.raises(NotFound, match=r"There is no such run\."):
        call(function, "close_run", brand="brd_1", run="2026-10-monthly")
    with pytest.raises(Invalid, match="first, through must be texts"):
        call(function, "open_run", brand="brd_1", schedule="monthly", run="2026-10-monthly")


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (SealBroken("It does not open."), Conflict),
        (Unsure("No answer."), Unavailable),
        (Conflict("Somebody was quicker.", code="books_changed"), Unavailable),
        (Conflict("Somebody was quicker.", code="run_changed"), Unavailable),
        (Conflict("Somebody was quicker.", code="batch_changed"), Unavailable),
        (Conflict("It is decided.", code="decided_already"), Conflict),
        (Forbidden("Not you."), Forbidden),
        (TooMany("Slow down."), TooMany),
    ],
)
def test_errors_are_raised_as_the_kinds_that_the_state_machine_knows(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch, raised: Exception, told: type[Exception]
) -> None:
    def step(tools: Any, given: Any) -> None:
        raise raised

    monkeypatch.setattr(function.steps, "STEPS", {"breaks": step})
    with pytest.raises(told) as found:
        call(function, "breaks")
    assert type(found.value) is told
    assert (found.value.detail, found.value.code) == (raised.detail, raised.code)  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [Refused("Not that."), RateMissing("None for that day.")])
def test_an_error_of_no_such_kind_stays_what_it_is(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def step(tools: Any, given: Any) -> None:
        raise error

    monkeypatch.setattr(function.steps, "STEPS", {"breaks": step})
    with pytest.raises(type(error)):
        call(function, "breaks")
