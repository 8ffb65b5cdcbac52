"""`introducer explain EARNING`: how an entry of the books came about, in the words of the partner's own page.

Events, the arithmetic line by line, rates, what the deal's version says; and, for operators, the ledger's legs. The
entry is found by its number alone, among the partners of a brand, or faster with `--partner`.

Exit code 0: shown. 1: the installation does not answer just now. 2: there is no such earning, or no installation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from introducer.domain.errors import IntroducerError, NotFound, TooMany, Unavailable
from introducer.domain.money import Money, decimal_string
from introducer.locale import CODES, DEFAULT
from introducer_ops.installation import STATE_DIR, NotFoundHere, Place, StackOption, StateDirOption, find

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from introducer.domain.ledger import Journal
    from introducer.locale import Language
    from introducer.store.configuration import Configuration
    from introducer.wording.receipts import Step, Told

Spoken = StrEnum("Spoken", [(code, code) for code in CODES])
"""The languages that we speak."""

_LOGINS = 60
"""How many logins are asked for their brand, where none is named: the most that Cognito tells at once."""


def register(app: typer.Typer) -> None:
    """Add `explain` to the command line."""
    app.command()(explain)


def explain(
    earning: Annotated[str, typer.Argument(help="The entry's number, jrn_…: it stands at the foot of its page.")],
    partner: Annotated[str, typer.Option(help="Whose it is; found among the brand's partners if not said.")] = "",
    brand: Annotated[
        str, typer.Option(help="Whose partners to look among; the brands of the logins if not said.")
    ] = "",
    language: Annotated[Spoken, typer.Option(help="In which language.")] = Spoken(DEFAULT),  # noqa: B008
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="All of it as JSON on standard output.")] = False,
) -> None:
    """Show how an earning came about: events, arithmetic line by line, rates, and what the deal says."""
    from rich.console import Console

    from introducer.locale import language as spoken

    errors = Console(stderr=True, highlight=False)
    try:
        with find(state_dir, stack).account() as place:
            journal, told = told_of(place, earning, spoken(language.value), partner=partner, brand=brand)
    except (NotFoundHere, IntroducerError) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1 if isinstance(error, Unavailable | TooMany) else 2) from error
    if as_json:
        print(json.dumps(document(journal, told), indent=2, ensure_ascii=False))
    else:
        show(journal, told, spoken(language.value), Console(highlight=False))


def told_of(
    place: Place, earning: str, language: Language, *, partner: str = "", brand: str = ""
) -> tuple[Journal, Told]:
    """The journal with this number, and what is said of it. Within `place.account()`. Raises `Invalid`, `NotFound`."""
    from introducer.services.read_earnings_of_partner import (
        as_read,
        clause_of,
        entry_of,
        naming_below,
        naming_those_below,
        posted_instead,
        subject_of,
    )
    from introducer.store.configuration import Configuration
    from introducer.store.ledger import Ledger
    from introducer.wording.receipts import tell

    books = place.output("BooksTableName")
    configuration = Configuration(books)
    journal = as_read(_found(place, configuration, earning, partner, brand))
    subject = subject_of(journal)
    clause = clause_of(configuration, journal)
    [entry] = naming_those_below(configuration, [entry_of(journal)])
    told = naming_below(journal, entry.below_name)
    below = entry.below_name or subject.below
    instead = posted_instead(Ledger(books), journal)
    return journal, tell(language, told, client=subject.client, below=below, clause=clause, instead=instead)


# ------------------------------------------------------------------------------------------------------------ finding


def _found(place: Place, configuration: Configuration, earning: str, partner: str, brand: str) -> Journal:
    from introducer.services.find_journal import check_journal_id, find_journal
    from introducer.store.journal_search import JournalSearch
    from introducer.store.ledger import Ledger

    books = place.output("BooksTableName")
    check_journal_id(earning)
    if partner:
        found = Ledger(books).journal(partner, earning)
        if found is None:
            raise NotFound(f"{partner} has no earning {earning}: leave --partner out to look among all partners.")
        return found
    search, looked = JournalSearch(books), []
    for each in [brand] if brand else _brands(place, configuration):
        try:
            return find_journal(configuration, search, brand=each, journal=earning)
        except NotFound:
            looked.append(each)
    where = f"No partner of {', '.join(looked)} has" if looked else "No login names a brand whose partners could have"
    hint = "check the number" if brand else "check the number, or say --partner or --brand"
    raise NotFound(f"{where} an earning {earning}: {hint}.")


def _brands(place: Place, configuration: Configuration) -> Iterator[str]:
    """The brands that people sign in for, each once, as they are needed: brands themselves are listed nowhere."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = place.client("cognito-idp").list_users(UserPoolId=place.output("UserPoolId"), Limit=_LOGINS)
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"The logins could not be listed: say --partner or --brand. ({error})") from error
    seen = set()
    for user in answer["Users"]:
        sub = next((each["Value"] for each in user["Attributes"] if each["Name"] == "sub"), user["Username"])
        try:
            brand = configuration.member(sub).brand
        except NotFound:
            continue
        if brand not in seen:
            seen.add(brand)
            yield brand


# ------------------------------------------------------------------------------------------------------------ showing


def show(journal: Journal, told: Told, language: Language, console: Console) -> None:
    """The entry as a person reads it, from the amount down to the evidence."""
    from rich.padding import Padding
    from rich.text import Text

    from introducer.wording import receipts
    from introducer.wording.sentences import shown

    def section(heading: str, *parts: RenderableType) -> None:
        console.print()
        console.print(Text(language.text(heading), style="bold cyan"))
        for part in parts:
            console.print(Padding(part, (0, 0, 0, 2)))

    console.print(Text.assemble((shown(language, told.amount), "bold"), "  ", told.rule, "  ", (told.kind, "dim")))
    facts = [(fact.label, fact.value) for fact in told.facts]
    facts += [
        (language.text(receipts.PARTNER), journal.key.partner),
        (language.text(receipts.ENTRY), journal.id),
    ]
    console.print(_labelled(facts))
    if told.note:
        console.print(Text(told.note, style="yellow"))
    if told.over:
        console.print(Text(told.over))
    if told.events or told.largest:
        section(receipts.WHAT_HAPPENED, *([_events(told, language)] if told.events else []))
    if told.more_events:
        console.print(Text(f"  {told.more_events}", style="dim"))
    if told.largest:
        console.print(Padding(_lines(told.largest), (0, 0, 0, 2)))
    section(receipts.HOW_COMPUTED, _lines(told.steps, strong=len(told.steps) - 1))
    if told.rates:
        section(
            receipts.AT_WHICH_RATE, *(Text.assemble(each.rate, "  ", (each.published, "dim")) for each in told.rates)
        )
    section(receipts.LEGS, _legs(journal, language))
    if told.deal:
        section(receipts.WHAT_DEAL_SAYS, *(Text(f"• {sentence}") for sentence in told.deal))


def _labelled(facts: list[tuple[str, str]]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for label, value in facts:
        table.add_row(label, Text(value))
    return table


def _events(told: Told, language: Language) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    from introducer.wording import receipts

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in (receipts.WHEN, receipts.EVENT, receipts.NUMBER, receipts.SOURCE):
        table.add_column(language.text(heading), overflow="fold")
    table.add_column(language.text(receipts.BROUGHT), justify="right", no_wrap=True)
    for event in told.events:
        # Ids come from platforms: never read them as markup.
        table.add_row(*(Text(each) for each in (event.when, event.type, event.event, event.source, event.value or "–")))
    return table


def _lines(steps: tuple[Step, ...], strong: int = -1) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for number, step in enumerate(steps):
        style = "bold" if number == strong else ""
        table.add_row(Text(step.words, style=style), Text(step.outcome, style=style))
    return table


def _legs(journal: Journal, language: Language) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    from introducer.wording.sentences import Exact, shown

    def amount(minor: int, *, signed: bool = False) -> Text:
        return Text(shown(language, Exact(decimal_string(minor, currency), currency, signed)))

    currency = journal.key.currency
    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for leg in journal.legs:
        table.add_row(Text(leg.account), amount(leg.amount, signed=True))
    rest = sum(leg.amount for leg in journal.legs)
    table.add_row("=", amount(rest), style="bold red" if rest else "dim")
    return table


# ------------------------------------------------------------------------------------------------------- for programs


def document(journal: Journal, told: Told) -> dict[str, Any]:
    """The entry for programs: what the partner's page has as JSON, whose it is, and the legs."""
    from introducer.services.read_earnings_of_partner import entry_with_receipt

    currency = journal.key.currency
    legs = [{"account": leg.account, "amount": decimal_string(leg.amount, currency)} for leg in journal.legs]
    data: dict[str, Any] = _plain(entry_with_receipt(journal))
    return {"partner": journal.key.partner, **data, "legs": legs, "told": _plain(told)}


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return {"amount": decimal_string(value.minor, value.currency), "currency": value.currency}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value
