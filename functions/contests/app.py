"""Contests: the steps of `contest_close`, which start contests, count them from the facts, and pay their prizes; and
once an hour the executions of contests that are late.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import steps

from introducer.domain.contest import ContestStatus
from introducer.domain.errors import Conflict
from introducer.domain.events import day_of
from introducer.gateways import contest_archive, secrets, workflows
from introducer.runtime.clock import clock
from introducer.runtime.kinds import by_kind
from introducer.runtime.settings import settings
from introducer.services.contest_books import ContestBooks
from introducer.services.read_contracts import click_keys
from introducer.services.sweep_contests import sweep_contests

MET = frozenset({"books_changed", "contest_changed", "engine_behind"})
"""Codes of a `Conflict` that only says that somebody else was quicker, or that it is a moment too early: the step is
tried again."""
LATER = frozenset({"counts_later", "objections_open"})
"""Codes of a `Conflict` that says that it is not time for this step any more: somebody has just given it more."""


class ContestChanged(Conflict):
    """A step is not to be done, because people changed the contest meanwhile: the state machine looks at it again."""


@cache
def books() -> ContestBooks:
    """The books of this container."""
    return ContestBooks.of(
        settings.facts_table,
        settings.books_table,
        elapsed=clock.elapsed,
        today=lambda: day_of(clock.now()),
        click_keys=lambda: click_keys(known_secrets().document(settings.click_key_secret)),
    )


@cache
def known_secrets() -> secrets.Secrets:
    """The keys of click ids: whose a client is, is looked at anew when it is counted."""
    import boto3  # costs a quarter of a second: only the steps that count pay it

    return secrets.Secrets(boto3.client("secretsmanager", config=secrets.CONFIG), elapsed=clock.elapsed)


@cache
def archive() -> contest_archive.ContestArchive:
    """Where results go for good."""
    return contest_archive.ContestArchive(contest_archive.new_client(), settings.contest_archive_bucket)


@cache
def step_functions() -> Any:
    """The client of this container."""
    return workflows.new_client()


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """One step → what the state machine keeps of it. `given` is the execution's own input, or the contest and a part
    of the work; `machine` is the state machine itself, for the steps that start another execution."""

    def start(name: str, given: Mapping[str, str]) -> str:
        return workflows.Workflows(step_functions(), event["machine"]).start(name, given).name

    if "step" not in event:
        # The schedule.
        return {"executions": sweep_contests(books(), start, now=clock.now())}
    tools = steps.Tools(
        books=books(),
        now=clock.now(),
        start=start,
        wake=lambda token, output: workflows.answer(step_functions(), token, output),
        archive=archive,
        # What two containers do to one partner's books must not meet again at once: full jitter.
        pause=lambda attempt: time.sleep(random.uniform(0, 0.05 * 2**attempt)),
        token=event.get("token", ""),
    )
    step: Callable[..., dict[str, Any]] = steps.STEPS[event["step"]]
    with by_kind(MET, ContestChanged):
        try:
            return step(tools, event["given"])
        except Conflict as error:
            if error.code in LATER or _is_cancelled(event["given"]):
                raise ContestChanged(error.detail, code=error.code) from error
            raise


def _is_cancelled(given: Mapping[str, Any]) -> bool:
    return books().contests.contest(given["contest"]).status is ContestStatus.CANCELLED
