"""The cases function: a step by its name, what people read of it, and errors by the kinds that the machine knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from introducer.domain.case import Answer, Case, CasePolicy, CaseStatus, ReasonCode, Verdict
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unavailable
from tests.support import functions

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
CASE = Case(
    case="cas_1", brand="brd_1", partner="par_1", name="Amberfield", status=CaseStatus.OPEN, opened_at=NOW,
    opened_by="system:scoring", why="12 of 15 clients", detectors=("registration_cluster",), clients=("c1", "c2"),
    decide_by=NOW + timedelta(days=7), escalate_by=NOW + timedelta(days=14), held={("EUR", "2026-12-10"): 12_34},
    answers=(Answer(at=NOW, by="mem_1", side="partner", text="We had a stand"),),
)  # fmt: skip
GIVEN = {"partner": "par_1", "case": "cas_1"}
DISALLOWED = replace(
    CASE, status=CaseStatus.DISALLOWED,
    verdict=Verdict(at=NOW, by="mem_2", disallowed=True, code=ReasonCode.SELF_REFERRAL, why="Seen", clients=("c1",)),
)  # fmt: skip


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The handler, with books that hold the one case and its brand's policy."""
    module = functions.load("cases")
    cases = SimpleNamespace(case=lambda partner, case: CASE, policy=lambda brand: CasePolicy())
    monkeypatch.setattr(module, "books", lambda: SimpleNamespace(cases=cases))
    monkeypatch.setattr(module, "rulings", lambda: None)
    monkeypatch.setattr(module, "clock", SimpleNamespace(now=lambda: NOW + timedelta(hours=1)))
    return module


def call(function: ModuleType, step: str, token: str | None = None, **given: Any) -> Any:
    return function.handler({"step": step, "given": given} | ({"token": token} if token else {}), None)


def does(function: ModuleType, monkeypatch: pytest.MonkeyPatch, service: str, answer: Any) -> list[dict[str, Any]]:
    """A service of cases (`asking.ask_for_verdict`) answers this, or raises it; how it was called."""
    called: list[dict[str, Any]] = []

    def done(*positional: Any, **given: Any) -> Any:
        called.append(given)
        if isinstance(answer, Exception):
            raise answer
        return answer

    module, name = service.split(".")
    monkeypatch.setattr(getattr(function.steps, module), name, done)
    return called


@pytest.mark.parametrize("given", [{}, {"partner": "par_1"}, {"partner": "par_1", "case": 7}])
def test_an_input_that_names_no_case_is_refused_with_a_sentence(function: ModuleType, given: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="case must be texts: start it with brand, partner, case and name"):
        call(function, "hold_money", **given)


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (Conflict("Somebody was quicker.", code="books_changed"), Unavailable),
        (Conflict("Somebody was quicker.", code="case_changed"), Unavailable),
        (Conflict("Not yet.", code="engine_not_done"), Unavailable),
        (Conflict("It is not done yet.", code="not_done"), Unavailable),
        (Conflict("This case is not decided.", code="not_decided"), Conflict),
        (NotFound("There is no such case."), NotFound),
        (Forbidden("Not you."), Forbidden),
        (TooMany("Slow down."), TooMany),
    ],
)
def test_errors_are_raised_as_the_kinds_that_the_state_machine_knows(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch, raised: Any, told: type[Exception]
) -> None:
    does(function, monkeypatch, "closing.close_case", raised)
    with pytest.raises(told) as found:
        call(function, "close_case", **GIVEN)
    assert type(found.value) is told
    assert (found.value.detail, found.value.code) == (raised.detail, raised.code)  # type: ignore[attr-defined]


def test_the_console_shows_how_a_case_stands_and_nothing_that_people_wrote(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    does(function, monkeypatch, "holding.hold_money", CASE)
    does(function, monkeypatch, "asking.seconds_until_next", 7200)
    kept = call(function, "hold_money", **GIVEN)
    assert (kept["stage"], kept["wait"]) == ("verdict", 7200)
    told = kept["told"]
    assert (told["name"], told["found_by"], told["clients"], told["holds"]) == (
        "Amberfield", ["registration_cluster"], 2, {"EUR": "12.34"},
    )  # fmt: skip
    assert told["page"] == "/desk/cases/par_1/cas_1"
    text = json.dumps(kept)
    assert not [secret for secret in ("c1", "stand", "15 clients") if secret in text]


def test_who_may_appeal_is_waited_for_until_the_day_and_no_longer(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = replace(DISALLOWED, held={}, freed_at=NOW, appeal_by=NOW + timedelta(days=14))
    does(function, monkeypatch, "freeing.free_money", free)
    kept = call(function, "free_money", since=NOW.isoformat(), **GIVEN)
    assert (kept["done"], kept["stage"], kept["wait"]) == (True, "may_appeal", 14 * 86400 - 3600)
    assert kept["told"]["reason"] == "self_referral"


def test_a_payout_and_the_engine_are_waited_for_and_not_for_ever(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given money that still stands in a payout, and an engine that is not done
    does(function, monkeypatch, "freeing.free_money", replace(DISALLOWED, stop="hld_1"))
    does(function, monkeypatch, "carrying.engine_is_done", False)
    for step, said in (("free_money", "neither sent nor set aside"), ("look_at_engine", "has not posted")):
        # then it is looked again, the later the longer it takes
        kept = call(function, step, since=NOW.isoformat(), **GIVEN)
        assert (kept["done"], kept["wait"]) == (False, 450)
        # and after thirty days a person is told
        with pytest.raises(Conflict, match=said):
            call(function, step, since=(NOW - timedelta(days=31)).isoformat(), **GIVEN)


def test_a_step_that_passes_no_token_on_wakes_nobody(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[str] = []

    def answer(client: Any, token: str, output: Any) -> bool:
        woken.append(token)
        return True

    monkeypatch.setattr(function, "step_functions", lambda: None)
    monkeypatch.setattr(function.workflows, "answer", answer)

    def asked(books: Any, wake: Callable[..., bool], *, token: str, **given: Any) -> Case:
        wake(token, {"decision": "disallowed"})
        return DISALLOWED

    monkeypatch.setattr(function.steps.asking, "ask_for_verdict", asked)
    assert call(function, "decide_by_clock", **GIVEN)["told"]["status"] == "disallowed"
    assert woken == []
    call(function, "ask_for_verdict", token="t1", **GIVEN)
    assert woken == ["t1"]


def test_the_clock_decides_nothing_before_its_time_and_is_asked_again(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    does(function, monkeypatch, "asking.ask_for_verdict", CASE)
    with pytest.raises(Unavailable, match="not time yet"):
        call(function, "decide_by_clock", **GIVEN)
