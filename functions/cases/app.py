"""Cases: the steps of `fraud_case`, which hold money, decide by the clock, carry verdicts out, and give money back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import steps

from introducer.domain.events import day_of
from introducer.gateways import workflows
from introducer.runtime.clock import clock
from introducer.runtime.kinds import by_kind
from introducer.runtime.settings import settings
from introducer.services.case_books import CaseBooks
from introducer.store.rulings import Rulings

MET = frozenset({"books_changed", "case_changed", "scoring_changed", "engine_not_done", "not_done"})
"""Codes of a `Conflict` that only says that somebody else was quicker, or that it is a moment too early: the step is
tried again."""


@cache
def books() -> CaseBooks:
    """The books of this container."""
    return CaseBooks.of(
        settings.facts_table, settings.books_table, elapsed=clock.elapsed, today=lambda: day_of(clock.now())
    )


@cache
def rulings() -> Rulings:
    """What cases decided about clients."""
    return Rulings(settings.facts_table, settings.books_table)


@cache
def step_functions() -> Any:
    """The client of this container."""
    return workflows.new_client()


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """One step → what the state machine keeps of it. `given` is the execution's own input, or the case alone."""
    token = event.get("token", "")

    def wake(other: str, output: Mapping[str, Any]) -> bool:
        # A step without a token tells what it did by its result.
        return bool(other) and workflows.answer(step_functions(), other, output)

    tools = steps.Tools(books=books(), rulings=rulings(), now=clock.now(), wake=wake, token=token)
    step: Callable[..., dict[str, Any]] = steps.STEPS[event["step"]]
    with by_kind(MET):
        return step(tools, event["given"])
