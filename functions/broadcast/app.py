"""Broadcasts: the steps of `broadcast`, which freeze whom one goes to and hand its mails over; and once an hour the
executions of broadcasts that are late.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import steps

from introducer.gateways import mail as mail_gateway
from introducer.gateways import workflows
from introducer.runtime.clock import clock
from introducer.runtime.kinds import by_kind
from introducer.runtime.settings import settings
from introducer.services.broadcast_books import BroadcastBooks
from introducer.services.sweep_broadcasts import sweep_broadcasts

MET = frozenset({"broadcast_changed", "not_scheduled"})
"""Codes of a `Conflict` that only says that somebody else was quicker: the step is tried again, and looks anew."""


@cache
def books() -> BroadcastBooks:
    """The books of this container."""
    return BroadcastBooks.of(settings.books_table)


@cache
def mailer() -> mail_gateway.Mailer:
    """Says how fast mail may go. It sends nothing here."""
    return mail_gateway.Mailer(mail_gateway.new_client(), "")


@cache
def step_functions() -> Any:
    """The client of this container."""
    return workflows.new_client()


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """One step → what the state machine keeps of it. `given` is the execution's own input; `machine` is the state
    machine itself, for the sweep."""
    if "step" not in event:
        # The schedule.
        def start(name: str, given: Mapping[str, str]) -> str:
            return workflows.Workflows(step_functions(), event["machine"]).start(name, given).name

        return {"executions": sweep_broadcasts(books(), start, now=clock.now(), brand=event.get("brand"))}
    tools = steps.Tools(
        books=books(),
        now=clock.now,
        sleep=time.sleep,
        per_second=lambda: mailer().per_second(),
        # Others take permits too: full jitter.
        pause=lambda attempt: time.sleep(random.uniform(0, 0.02 * 2**attempt)),
    )
    step: Callable[..., dict[str, Any]] = steps.STEPS[event["step"]]
    with by_kind(MET):
        return step(tools, event["given"])
