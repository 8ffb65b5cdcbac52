"""Workflow: the steps that the state machines call, save those that move money."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import steps

from introducer.gateways.workflows import Workflows, new_client
from introducer.runtime.clock import clock
from introducer.runtime.settings import settings
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.statements import Statements

SECONDS_FOR_ONE_MORE = 60
"""A step that has less time left begins no further partner."""


@cache
def books() -> tuple[Configuration, Ledger, Statements]:
    """The books of this container."""
    table = settings.books_table
    return Configuration(table), Ledger(table), Statements(table)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """One step → what the state machine keeps of it. `given` is the execution's own input."""

    def enough() -> bool:
        return bool(context.get_remaining_time_in_millis() < SECONDS_FOR_ONE_MORE * 1000)

    tools = steps.Tools(*books(), clock.now(), enough, lambda: Workflows(new_client(), event["machine"]))
    step: Callable[..., dict[str, Any]] = steps.STEPS[event["step"]]
    return step(tools, event["given"], event.get("progress", {}))
