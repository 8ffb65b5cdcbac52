"""Onboarding: the step of `onboarding`, which writes to new partners what their brand's sequence says; and once a day
the executions of partners whose step is late.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import steps

from introducer.gateways import workflows
from introducer.runtime.clock import clock
from introducer.runtime.kinds import by_kind
from introducer.runtime.settings import settings
from introducer.services.onboarding_books import OnboardingBooks
from introducer.services.start_onboarding import sweep_onboarding


@cache
def books() -> OnboardingBooks:
    """The books of this container."""
    return OnboardingBooks.of(settings.books_table)


@cache
def step_functions() -> Any:
    """The client of this container."""
    return workflows.new_client()


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """One step → what the state machine keeps of it. `given` is the partner and the sequence; `machine` is the state
    machine itself, for the sweep."""
    if "step" not in event:
        # The schedule.
        def start(name: str, given: Mapping[str, str]) -> str:
            return workflows.Workflows(step_functions(), event["machine"]).start(name, given).name

        return {"executions": sweep_onboarding(books(), start, now=clock.now())}
    step: Callable[..., dict[str, Any]] = steps.STEPS[event["step"]]
    with by_kind():
        return step(steps.Tools(books=books(), now=clock.now()), event["given"])
