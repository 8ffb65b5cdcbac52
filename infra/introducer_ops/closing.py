"""`introducer close`: closes a month of the books, for one brand or for all, and waits until that is done."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from introducer.domain.errors import Conflict, IntroducerError, NotFound, TooMany, Unavailable
from introducer_ops.installation import STATE_DIR, NotFoundHere, Place, StackOption, StateDirOption, find

if TYPE_CHECKING:
    from introducer.domain.statement import MonthClose
    from introducer.gateways.workflows import Workflows
    from introducer.store.configuration import Configuration

BY = "system:operator"
_SECONDS_TO_WAIT = 3 * 3600
_LOOK_EVERY = 1.0


def register(app: typer.Typer) -> None:
    """Add `close` to the command line."""
    app.command()(close)


def close(
    month: Annotated[str, typer.Argument(help="The month, such as 2026-10. It must have ended in UTC.")],
    brand: Annotated[list[str] | None, typer.Option(help="A brand's id; all brands without.")] = None,
    why: Annotated[str, typer.Option(help="The reason that the audit trail keeps.")] = "closed by an operator",
    wait: Annotated[bool, typer.Option(help="Wait until it is done.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="What came of it, as JSON on standard output.")] = False,
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
) -> None:
    """Close a month of the books: nothing is posted into it any more, and each partner gets a statement of it.

    Closing it again is harmless; after a failure it goes on where it stopped. Exit code 0: it is closed, or started
    with --no-wait. 1: something did not answer, or the close stopped: try again. 2: it cannot be closed, and why.
    """
    from rich.console import Console

    errors = Console(stderr=True, highlight=False)
    try:
        with find(state_dir, stack).account() as place:
            told = _close(place, month, brand or [], why, wait)
    except (NotFoundHere, IntroducerError) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1 if isinstance(error, Unavailable | TooMany | Conflict) else 2) from error
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for each in told:
        console.print(_sentence(each), markup=False, soft_wrap=True)
    console.print(f"In {place.name}: {place.url}/desk/months", style="dim", markup=False, soft_wrap=True)


def _close(place: Place, month: str, brands: list[str], why: str, wait: bool) -> list[dict[str, Any]]:
    """What came of it, per brand."""
    from introducer.domain.statement import check_over
    from introducer.gateways.workflows import Workflows
    from introducer.services.close_month import start_close
    from introducer.services.creation import Author
    from introducer.store.configuration import Configuration

    check_over(month, place.now())
    configuration = Configuration(place.output("BooksTableName"))
    workflows = Workflows(place.client("stepfunctions"), place.output("PeriodCloseMachineArn"))
    author = Author(by=BY, why=why, origin="introducer close")
    begun = [
        start_close(configuration, workflows, brand=brand, month=month, author=author, now=place.now())
        for brand in brands or _brands_of(configuration, month)
    ]
    return [
        _told(
            began if execution is None or not wait else _wait(configuration, workflows, began),
            before=execution is None,
        )
        for began, execution in begun
    ]


def _brands_of(configuration: Configuration, month: str) -> list[str]:
    """Every brand there was in the month. Raises `NotFound` when there was none."""
    found = [brand.brand for brand in configuration.every_brand() if brand.created.strftime("%Y-%m") <= month]
    if not found:
        raise NotFound(f"There was no brand in {month}: name one with --brand.")
    return found


def _wait(configuration: Configuration, workflows: Workflows, close: MonthClose) -> MonthClose:
    """The close when it is done. Raises `Conflict` with the cause when it stopped."""
    from introducer.services.close_month import execution_name

    name = execution_name(close.brand, close.month)
    deadline = time.monotonic() + _SECONDS_TO_WAIT
    while time.monotonic() < deadline:
        execution = workflows.latest(name)
        if execution is not None and execution.failed:
            raise Conflict(f"{execution.name} stopped: {execution.cause}", code="close_stopped")
        if execution is not None and not execution.is_running:
            return configuration.month_close(close.brand, close.month)
        time.sleep(_LOOK_EVERY)
    raise Unavailable(f"{name} still runs: see in AWS Step Functions how far it is.")


def _told(close: MonthClose, *, before: bool) -> dict[str, Any]:
    from introducer.domain.money import decimal_string

    return {
        "brand": close.brand,
        "month": close.month,
        "closed_at": close.closed_at.isoformat() if close.closed_at else None,
        "closed_by": close.closed_by,
        "closed_before": before,
        "partners": close.partners,
        "entries": close.entries,
        "sums": {currency: decimal_string(amount, currency) for currency, amount in (close.sums or {}).items()},
    }


def _sentence(told: Mapping[str, Any]) -> str:
    name = f"{told['month']} of {told['brand']}"
    if told["closed_at"] is None:
        return f"{name} is being closed."
    sums = ", ".join(f"{amount} {currency}" for currency, amount in told["sums"].items()) or "nothing"
    when = f" since {told['closed_at'][:16].replace('T', ' ')} UTC" if told["closed_before"] else ""
    partners = f"{told['partners']} partner{'' if told['partners'] == 1 else 's'}"
    entries = f"{told['entries']} entr{'y' if told['entries'] == 1 else 'ies'}"
    return f"{name} is closed{when}: {partners}, {entries}, {sums}."
