"""Payout: the steps of `payout_run`, which move money."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import steps

from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound, TooMany, Unavailable
from introducer.gateways import vault, workflows
from introducer.runtime.clock import clock
from introducer.runtime.settings import settings
from introducer.services.reserve_run import Books
from introducer.services.send_run import Sending
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts
from introducer.store.rates import RateStore
from introducer.store.verifications import Verifications

SECONDS_FOR_ONE_MORE = 300
"""A step that has less time left begins no further batch."""
KINDS: tuple[type[IntroducerError], ...] = (Invalid, NotFound, Conflict, Forbidden, TooMany, Unavailable)
"""What the state machine knows errors by."""
MET = frozenset({"books_changed", "run_changed", "batch_changed"})
"""Codes of a `Conflict` that only says that somebody else was quicker: the step is tried again."""


@cache
def books() -> Books:
    """The books of this container."""
    table = settings.books_table
    return Books(
        configuration=Configuration(table),
        ledger=Ledger(table),
        payouts=Payouts(table),
        schedules=PayoutSchedules(table),
        profiles=PaymentProfiles(table),
        verifications=Verifications(table),
        rates=RateStore(table),
    )


@cache
def sending() -> Sending:
    """What only the steps need that send: the key of payment profiles, and the rails."""
    return Sending(
        configuration=books().configuration,
        ledger=books().ledger,
        payouts=books().payouts,
        profiles=books().profiles,
        vault=vault.Vault(vault.new_client(), settings.payment_key, random=os.urandom),
        rails={},
    )


@cache
def step_functions() -> Any:
    """The client of this container."""
    return workflows.new_client()


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """One step → what the state machine keeps of it. `given` is the execution's own input, or the run and a part."""

    def enough() -> bool:
        return bool(context.get_remaining_time_in_millis() < SECONDS_FOR_ONE_MORE * 1000)

    tools = steps.Tools(
        books=books(),
        now=clock.now(),
        enough=enough,
        sending=sending,
        workflows=lambda: workflows.Workflows(step_functions(), event["machine"]),
        wake=lambda token, output: workflows.answer(step_functions(), token, output),
        token=event.get("token", ""),
    )
    step: Callable[..., dict[str, Any]] = steps.STEPS[event["step"]]
    try:
        return step(tools, event["given"])
    except IntroducerError as error:
        # Lambda reports the name of a class, and the state machine asks for the kind.
        kind = Unavailable if error.code in MET else next((each for each in KINDS if isinstance(error, each)), None)
        if kind is None or kind is type(error):
            raise
        raise kind(error.detail, code=error.code) from error
