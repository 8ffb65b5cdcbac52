"""`introducer settle`: partners' months go to settling again, and the command waits until they are settled."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from introducer.domain.errors import IntroducerError, Invalid, Unavailable
from introducer_ops.installation import STATE_DIR, NotFoundHere, Place, StackOption, StateDirOption, find
from introducer_ops.verify import Installation, verify_installation

if TYPE_CHECKING:
    from introducer.store.settlements import Settlements

MonthOf = tuple[str, str]
"""A partner and a month (`2026-03`)."""

_SECONDS_TO_WAIT = 120.0
_LOOK_EVERY = 0.5


def register(app: typer.Typer) -> None:
    """Add `settle` to the command line."""
    app.command()(settle)


def settle(
    partner: Annotated[str, typer.Option(help="Only this partner's months.")] = "",
    month: Annotated[list[str] | None, typer.Option(help="These months of the partner, without verifying.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until they are settled.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="What came of it, as JSON on standard output.")] = False,
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
) -> None:
    """Settle partners' months again: all that a verification finds unsettled, or those that are named.

    A partner whose settled months say other amounts than the journals is left alone: settling would post those.

    Exit code 0: all are settled, or sent with --no-wait. 1: some are not, or were left alone. 2: nothing could be sent.
    """
    from rich.console import Console

    errors = Console(stderr=True, highlight=False)
    try:
        with find(state_dir, stack).account() as place:
            told = _settle(place, partner, month or [], wait)
    except (NotFoundHere, IntroducerError) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1 if isinstance(error, Unavailable) else 2) from error
    if as_json:
        print(json.dumps(told, indent=2))
    else:
        console = Console(highlight=False)
        for each in told:
            console.print(_sentence(each), markup=False, soft_wrap=True)
        if not told:
            console.print("Every month is settled: nothing was sent.")
    raise typer.Exit(1 if any(each["outcome"] in _NOT_DONE for each in told) else 0)


_SENT, _DONE, _WAITS, _LEFT = "sent", "settled", "waits", "left_alone"
_NOT_DONE = {_WAITS, _LEFT}


def _settle(place: Place, partner: str, months: list[str], wait: bool) -> list[dict[str, Any]]:
    """What came of each month, the earliest first."""
    from introducer.domain.statement import check_month
    from introducer.gateways.queue import Queue
    from introducer.store.settlements import Settlements

    if months and not partner:
        raise Invalid("Whose month is it? Name the partner as well: --partner par_…", code="partner_needed")
    queue = Queue(place.client("sqs"), place.output("SettleQueueUrl"))
    if months:
        outcomes = {(partner, check_month(each)): _SENT for each in months}
    else:
        found = verify_installation(_installation(place)).unsettled
        outcomes = {
            (each.partner, each.month): _SENT if each.sound else _LEFT
            for each in found
            if partner in ("", each.partner)
        }
    wanted: dict[str, list[str]] = defaultdict(list)
    for (whose, each), outcome in outcomes.items():
        if outcome == _SENT:
            wanted[whose].append(each)
    for whose, those in wanted.items():
        queue.send(json.dumps({"partner": whose, "months": sorted(those)}))
    if wait:
        settlements = Settlements(place.output("BooksTableName"))
        waiting = {month_of for month_of, outcome in outcomes.items() if outcome == _SENT}
        left = _wait(settlements, waiting)
        outcomes |= {month_of: _WAITS if month_of in left else _DONE for month_of in waiting}
    return [
        {"partner": whose, "month": each, "outcome": outcome}
        for (whose, each), outcome in sorted(outcomes.items(), key=lambda one: one[0][::-1])
    ]


def _wait(settlements: Settlements, waiting: set[MonthOf]) -> set[MonthOf]:
    """The months that are not settled after some time."""
    deadline = time.monotonic() + _SECONDS_TO_WAIT
    while (waiting := {each for each in waiting if not _is_settled(settlements, *each)}) and (
        time.monotonic() < deadline
    ):
        time.sleep(_LOOK_EVERY)
    return waiting


def _is_settled(settlements: Settlements, partner: str, month: str) -> bool:
    """Whether a month follows its rows and the month before, as they are now."""
    from introducer.services.settle_partner import unfinished

    rows = settlements.rows(partner, month)
    settled = settlements.heads(partner)
    return month in settled and settled[month].seen == rows.digest and month not in unfinished(settled)


def _installation(place: Place) -> Installation:
    return Installation(
        place.client("dynamodb"),
        place.client("secretsmanager"),
        place.output("FactsTableName"),
        place.output("BooksTableName"),
        place.output("ClickKeySecretName"),
        place.now(),
    )


def _sentence(told: Mapping[str, Any]) -> str:
    name = f"{told['partner']} in {told['month']}"
    return {
        _SENT: f"{name} was sent to settling.",
        _DONE: f"{name} is settled.",
        _WAITS: f"{name} is not settled yet: the log of the settle function says what it waits for.",
        _LEFT: f"{name} was left alone: what this partner's settled months say was posted is not what the journals say."
        " See `introducer verify`.",
    }[told["outcome"]]
