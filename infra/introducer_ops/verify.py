"""`introducer verify`: recompute the books from the facts, in the local cloud or in AWS, and show each difference.

    report = verify_stack(stack)        # a running local cloud (`LocalCloud.attach`)
    report = verify_installation(...)   # any two tables, such as ones restored to a point in time

Exit code 0: nothing differs. 1: something does. 2: it could not be found out.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from introducer.domain.errors import IntroducerError
from introducer.domain.money import decimal_string
from introducer_ops.installation import STATE_DIR, NotFoundHere, StackOption, StateDirOption, attach, find_in_aws

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from introducer.services.verify.report import Difference, Report
    from introducer_ops.localcloud import Stack

Progress = Callable[[str, int], None]
"""Told now and then: `FACTS` or `BOOKS`, and how many of its items were read."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where the tables are, who reads them, and what time it is there."""

    dynamodb: Any
    secrets: Any
    facts: str
    books: str
    click_key_secret: str
    now: datetime
    click_days: int | None = None
    """Days that raw clicks are kept; None is what the template says unless told otherwise."""


def verify_stack(stack: Stack, progress: Progress | None = None) -> Report:
    """Verify a stack of the local cloud. Raises `Unavailable` when its tables or its click key cannot be read."""
    return verify_installation(_of_stack(stack), progress)


def verify_installation(installation: Installation, progress: Progress | None = None) -> Report:
    """Verify any installation. Raises `Unavailable` when its tables or its click key cannot be read."""
    from introducer.gateways.secrets import Secrets
    from introducer.services.read_contracts import click_keys
    from introducer.services.verify_books import CLICK_DAYS, verify_books

    secrets = Secrets(installation.secrets, elapsed=time.monotonic)
    return verify_books(
        _scans(installation),
        click_keys=click_keys(secrets.document(installation.click_key_secret)),
        now=installation.now,
        elapsed=time.monotonic,
        click_days=installation.click_days or CLICK_DAYS,
        progress=progress or (lambda table, items: None),
    )


def register(app: typer.Typer) -> None:
    """Add `verify` to the command line."""
    app.command()(verify)


def verify(
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
    facts_table: Annotated[str, typer.Option(help="FACTS by its name, with --books-table: restored copies, say.")] = "",
    books_table: Annotated[str, typer.Option(help="BOOKS by its name.")] = "",
    click_key_secret: Annotated[str, typer.Option(help="The secret that signs click ids.")] = "",
    click_days: Annotated[int, typer.Option(help="Days that raw clicks are kept; 0 takes the stack's own.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON on standard output.")] = False,
) -> None:
    """Recompute the books from the facts: states, amounts, settled and closed months, balances and counters.

    Names every difference. Exit code 0: there is none. 1: there is one. 2: it could not be found out.
    """
    from rich.console import Console

    errors = Console(stderr=True, highlight=False)
    try:
        found = _find(state_dir, stack, facts_table, books_table, click_key_secret, click_days)
        with _shown_progress(found, errors) as progress:
            report = verify_installation(found, progress)
    except (NotFoundHere, IntroducerError) as error:
        errors.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    if as_json:
        print(json.dumps(report.document(), indent=2, ensure_ascii=False))
    else:
        show(report, Console(highlight=False))
    raise typer.Exit(0 if report.good else 1)


# ------------------------------------------------------------------------------------------------- finding the tables


def _find(state_dir: Path, stack: str, facts: str, books: str, secret: str, click_days: int) -> Installation:
    """Tables that are named, else a stack in AWS, else the local cloud."""
    named = [facts, books, secret]
    if stack or any(named):
        import boto3

        place = find_in_aws(stack) if stack else None
        outputs = place.outputs if place else {}
        days = place.parameters.get("ClickTtlDays") if place else None
        facts = facts or outputs.get("FactsTableName", "")
        books = books or outputs.get("BooksTableName", "")
        secret = secret or outputs.get("ClickKeySecretName", "")
        if not (facts and books and secret):
            raise NotFoundHere("Name --facts-table, --books-table and --click-key-secret, or a --stack that has them.")
        return Installation(
            boto3.client("dynamodb"),
            boto3.client("secretsmanager"),
            facts,
            books,
            secret,
            datetime.now(UTC),
            click_days or (int(days) if days else None),
        )
    local = _of_stack(attach(state_dir))
    return Installation(
        local.dynamodb, local.secrets, local.facts, local.books, local.click_key_secret, local.now, click_days or None
    )


def _of_stack(stack: Stack) -> Installation:
    return Installation(
        stack.client("dynamodb"),
        stack.client("secretsmanager"),
        stack.outputs["FactsTableName"],
        stack.outputs["BooksTableName"],
        stack.outputs["ClickKeySecretName"],
        stack.clock.now(),
    )


def _scans(installation: Installation) -> Any:
    from introducer.store.scans import Scans

    return Scans(installation.dynamodb, facts=installation.facts, books=installation.books)


# ------------------------------------------------------------------------------------------------------------ showing

MEANINGS = {
    "client_state": "the state is not what the client's applied events make",
    "client_missing": "applied events without a state",
    "client_without_events": "a state without applied events",
    "client_listing": "the client stands in the wrong list",
    "target": "posted is not what the deals say of the events",
    "posted": "the state says another amount was posted",
    "journal_sum": "the journals of a key do not add up to what is owed",
    "journal": "the journal contradicts itself",
    "row": "the row is not what the client is in that month",
    "unsettled": "settling is behind: the month was settled from other rows",
    "settled": "posted or handed on is not what the month's rows make",
    "adjustment": "its status, its journals and who decided it do not go together",
    "statement": "the statement is not what the journals of its month make",
    "payout": "the payout is not what its journals, rates, batch and run make of it",
    "batch": "the batch is not what the payouts in it come to",
    "run": "the closed run is not what its payouts come to",
    "contest": "the contest's window, result or archive is not what was decided and counted",
    "score": "what is counted of the partner in a contest that runs is not what the events make",
    "recount": "what was counted for good is not what the events make that were accepted in time",
    "prize": "the prize is not what the result says, or not what its journal pays",
    "hold": "the balance counts other holds than stand",
    "case": "the case, its journals, what the balance holds and the scoring do not go together",
    "invoice": "the invoice is not its payout's, or a number is missing",
    "balance": "the balance is not the sum of the journals",
    "event_count": "the counter is not what the events make",
    "click_count": "the counter is not what the clicks make",
    "campaign_count": "the campaign's caps count other clicks than it had",
    "trace": "what detectors see of the client is not what its events make",
    "person": "other clients are counted for one e-mail, phone or device than registered with it",
    "click": "the click is not the one its id names",
    "not_applied": "accepted, neither in the books nor in quarantine",
    "intake": "the source's daily count is not the number of its events",
    "deal": "the terms are not those that were accepted",
    "not_recomputable": "the client's events cannot be folded",
    "unreadable": "the item has not the form of its kind",
    "unknown_item": "the key belongs to no kind of item",
}


def show(report: Report, console: Console) -> None:
    """The report as a person reads it: figures, what waits, each difference, the verdict."""
    from rich.table import Table

    figures = Table.grid(padding=(0, 2), pad_edge=False)
    figures.add_column(style="bold")
    for name, value in (
        ("events", f"{report.events:,} accepted, {report.applied:,} applied"),
        ("clicks", f"{report.clicks:,}, {report.flagged:,} of them flagged"),
        ("clients", f"{report.clients:,}"),
        ("journals", f"{report.journals:,} of {report.partners:,} partners, {report.adjustments:,} adjusted by hand"),
        ("months", f"{report.months:,} settled over all clients, {report.statements:,} closed with a statement"),
        *_of_payouts(report),
        ("owed in all", ", ".join(_amount(*each) for each in report.sums.items()) or "nothing"),
        ("state hash", report.state_hash),
        ("books hash", report.books_hash),
    ):
        figures.add_row(name, value)
    console.print(figures)
    console.print()
    console.print(_completeness(report))
    for waiting in report.waiting:
        # Ids come from platforms: never read them as markup.
        text = f"in quarantine: event {waiting.event_id} of {waiting.source}, client {waiting.client}: {waiting.reason}"
        console.print(text, style="yellow", markup=False, soft_wrap=True)
    by_kind: dict[str, list[Difference]] = defaultdict(list)
    for difference in report.differences:
        by_kind[difference.kind].append(difference)
    for kind, differences in by_kind.items():
        console.print()
        console.print(f"[bold red]{kind}[/]  {MEANINGS[kind]}  [dim]({len(differences)})[/]")
        for each in differences:
            console.print(f"  {each.what}", markup=False, soft_wrap=True)
            console.print(
                f"    expected {each.expected}, found {each.found}\n    {each.where}",
                style="dim",
                markup=False,
                soft_wrap=True,
            )
    console.print()
    _verdict(report, console)


def _of_payouts(report: Report) -> Iterator[tuple[str, str]]:
    """What was paid, where anything was."""
    totals = report.payouts
    if not totals.payouts:
        return
    stand = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in totals.by_status.items())
    yield "payouts", f"{totals.payouts:,} in {totals.runs:,} runs and {totals.batches:,} batches: {stand}"
    held, paid = (", ".join(_amount(*each) for each in sums.items()) for sums in (totals.paid_held, totals.paid))
    yield "paid", f"{held or 'nothing'}, as {paid or 'nothing'}; {totals.invoices:,} invoices and credit notes"
    if totals.clearing:
        between = ", ".join(_amount(*each) for each in totals.clearing.items())
        left = ", ".join(f"{text} {currency}" for currency, text in totals.rounding.items())
        yield "in clearing", f"{between}: at the payouts' rates {left or 'nothing'}, by rounding"
    yield "money", f"{report.money_differences:,} partners and currencies are not what was earned"


def _completeness(report: Report) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("source")
    for name in ("accepted", "applied", "quarantined", "complete"):
        table.add_column(name, justify="right")
    for each in report.intake:
        complete = f"{each.applied / each.accepted:.2%}" if each.accepted else "–"
        numbers = (f"{number:,}" for number in (each.accepted, each.applied, each.quarantined))
        table.add_row(each.source, *numbers, complete)
    return table


def _verdict(report: Report, console: Console) -> None:
    took = f"[dim]{report.seconds:.1f} s[/]"
    if report.good:
        console.print(f"[bold green]The books are what the facts make them.[/] No difference. {took}")
    else:
        number = len(report.differences)
        console.print(f"[bold red]{number:,} difference{'s' if number > 1 else ''}[/] between facts and books. {took}")
    if report.unsettled:
        months = f"{len(report.unsettled):,} month{'s are' if len(report.unsettled) > 1 else ' is'}"
        console.print(
            f"{months} behind: `introducer settle` sends {'them' if len(report.unsettled) > 1 else 'it'} to settling"
            " again. docs/verify.md says when it is wise.",
            style="yellow",
        )
    if report.moved:
        console.print(
            f"{report.moved:,} facts came in or were applied while the tables were read: a difference may be theirs."
            " Verify again when the stream is quiet, or verify restored copies.",
            style="yellow",
        )


def _amount(currency: str, minor: int) -> str:
    return f"{decimal_string(minor, currency)} {currency}"


@contextmanager
def _shown_progress(installation: Installation, console: Console) -> Iterator[Progress]:
    """A bar per table while it is read, on standard error. The totals are DynamoDB's estimates."""
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    sizes = _scans(installation).sizes()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(table: str, items: int) -> None:
            if table not in tasks:
                tasks[table] = bars.add_task(f"reading {table}", total=sizes.get(table) or None)
            bars.update(tasks[table], completed=items, total=max(items, sizes.get(table, 0)))

        yield tell
