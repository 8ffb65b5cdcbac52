"""`introducer erase client|partner` and `introducer export client|partner`: what is held of somebody, and its end.

    introducer export client brd_… 10234 > ann.json
    introducer erase client brd_… 10234 --dry-run
    introducer erase partner par_…

docs/privacy.md says what erasing does and what stays. Exit code 0: done, or nothing was left to do. 1: something did
not answer, or is on its way: the same command again goes on where it stopped. 2: it cannot be, and what to do first.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from introducer.domain.errors import Conflict, IntroducerError, Invalid, TooMany, Unavailable
from introducer.domain.events import in_full_ms
from introducer_ops.installation import STATE_DIR, NotFoundHere, Place, StackOption, StateDirOption, find

if TYPE_CHECKING:
    from introducer.domain.configuration import Change
    from introducer.domain.erasing import Erasure
    from introducer.services import erase_client, erase_partner

BY = "system:operator"
_AGAIN = {"being_applied", "counted_meanwhile", "erased_meanwhile"}
"""Codes of conflicts that pass by themselves."""

erase_app = typer.Typer(
    help="Erase a client or a partner; totals and the audit trail stay as they are.", no_args_is_help=True
)
export_app = typer.Typer(help="Show everything that is held of a client or a partner.", no_args_is_help=True)


class Form(StrEnum):
    """How an export is written."""

    JSON = "json"
    TEXT = "text"


Brand = Annotated[str, typer.Argument(help="The brand's id.")]
PlatformId = Annotated[str, typer.Argument(help="The trader's id at the platform; not needed with --hash.")]
Hash = Annotated[str, typer.Option("--hash", help="The client's keyed hash, in place of the platform's id.")]
Partner = Annotated[str, typer.Argument(help="The partner's id.")]
Why = Annotated[str, typer.Option(help="The reason that the audit trail keeps. Name nobody in it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Look only: what would be erased, and what stays.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")]
Everywhere = Annotated[
    bool, typer.Option("--look-everywhere", help="Read both tables whole afterwards: is it still named anywhere?")
]
AsJson = Annotated[bool, typer.Option("--json", help="What came of it, as JSON on standard output.")]
As = Annotated[Form, typer.Option("--as", help="Data, or text to read.")]


def register(app: typer.Typer) -> None:
    """Add `erase` and `export` to the command line."""
    app.add_typer(erase_app, name="erase")
    app.add_typer(export_app, name="export")


@erase_app.command("client")
def erase_a_client(
    brand: Brand,
    platform_id: PlatformId = "",
    client_hash: Hash = "",
    why: Why = "asked for by the client",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
) -> None:
    """Take what says who a client is out of facts, clicks, traces and messages. What was earned by it stays.

    Nobody can undo it. Given again it goes on where it stopped, and erases what came since.
    """
    from introducer.services.erase_client import erase_client

    def run(place: Place) -> tuple[Erasure, list[str] | None]:
        client = _client(place, brand, platform_id, client_hash)
        _sure(f"the client {client} of {brand}", dry_run or yes)
        done = erase_client(
            client_books(place), brand=brand, client=client, change=_change(place, why), now=place.now(),
            dry_run=dry_run,
        )  # fmt: skip
        return done, None

    _erase(run, as_json, state_dir, stack)


@erase_app.command("partner")
def erase_a_partner(
    partner: Partner,
    why: Why = "asked for by the partner",
    dry_run: DryRun = False,
    yes: Yes = False,
    look_everywhere: Everywhere = False,
    as_json: AsJson = False,
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
) -> None:
    """Take a partner's name, people, logins, accounts, documents and tax details away. Its books and invoices stay.

    Refused while it may earn, is owed money, or has a payout or a case open. Nobody can undo it; given again it goes on
    where it stopped.
    """
    from introducer.services.erase_partner import erase_partner, names_of
    from introducer.services.find_named import find_named
    from introducer.store.scans import Scans

    def run(place: Place) -> tuple[Erasure, list[str] | None]:
        books = partner_books(place)
        names = names_of(books, partner, place.now()) if look_everywhere else []
        _sure(f"the partner {partner}", dry_run or yes)
        done = erase_partner(books, partner=partner, change=_change(place, why), now=place.now(), dry_run=dry_run)
        if not look_everywhere or dry_run:
            return done, None
        tables = {"facts": place.output("FactsTableName"), "books": place.output("BooksTableName")}
        return done, list(find_named(Scans(place.client("dynamodb"), **tables), names))

    _erase(run, as_json, state_dir, stack)


@erase_app.command("traits")
def erase_old_traits(
    older_than: Annotated[int, typer.Option(help="Days since the events were accepted; 1095 at least.")] = 1095,
    why: Why = "kept long enough",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
) -> None:
    """Let go of what old events say of who their clients are: e-mail, phone, device, address, account. Reads FACTS
    whole."""
    from introducer.services.erase_traits import erase_traits
    from introducer.store.clients import Clients
    from introducer.store.erasing import Erasing
    from introducer.store.scans import Scans

    def run(place: Place) -> tuple[Erasure, list[str] | None]:
        facts, books = place.output("FactsTableName"), place.output("BooksTableName")
        _sure(f"what events of {older_than} days ago and earlier say of their clients", dry_run or yes)
        done = erase_traits(
            Scans(place.client("dynamodb"), facts=facts, books=books), Clients(books), Erasing(facts, books),
            older_than=older_than, change=_change(place, why), now=place.now(), dry_run=dry_run,
        )  # fmt: skip
        return done, None

    _erase(run, as_json, state_dir, stack)


@export_app.command("client")
def export_a_client(
    brand: Brand,
    platform_id: PlatformId = "",
    client_hash: Hash = "",
    form: As = Form.JSON,
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
) -> None:
    """Everything that is held of a client: events, state, trace, clicks, messages, audit records."""
    from introducer.services.export_subject import export_client

    def run(place: Place) -> dict[str, Any]:
        client = _client(place, brand, platform_id, client_hash)
        return export_client(client_books(place), brand=brand, client=client, now=place.now())

    _export(run, form, state_dir, stack)


@export_app.command("partner")
def export_a_partner(
    partner: Partner, form: As = Form.JSON, state_dir: StateDirOption = STATE_DIR, stack: StackOption = ""
) -> None:
    """Everything that is held of a partner and its people; account numbers stay sealed."""
    from introducer.services.export_subject import export_partner

    def run(place: Place) -> dict[str, Any]:
        return export_partner(partner_books(place), partner=partner, now=place.now())

    _export(run, form, state_dir, stack)


# --------------------------------------------------------------------------------------------------------------- parts


def client_books(place: Place) -> erase_client.Books:
    """What is read and written of a client. Within `place.account()`."""
    from introducer.services.erase_client import Books
    from introducer.store.clients import Clients
    from introducer.store.configuration import Configuration
    from introducer.store.erasing import Erasing
    from introducer.store.holdings import Holdings

    facts, books = place.output("FactsTableName"), place.output("BooksTableName")
    return Books(
        clients=Clients(books),
        configuration=Configuration(books),
        holdings=Holdings(facts, books),
        erasing=Erasing(facts, books),
    )


def partner_books(place: Place) -> erase_partner.Books:
    """What is read and written of a partner. Within `place.account()`."""
    from introducer.gateways.documents import Documents
    from introducer.gateways.user_pool import UserPool
    from introducer.services.erase_partner import Books
    from introducer.store.configuration import Configuration
    from introducer.store.erasing import Erasing
    from introducer.store.holdings import Holdings
    from introducer.store.ledger import Ledger
    from introducer.store.person_index import PersonIndex

    facts, books = place.output("FactsTableName"), place.output("BooksTableName")
    return Books(
        configuration=Configuration(books),
        ledger=Ledger(books),
        holdings=Holdings(facts, books),
        persons=PersonIndex(books),
        erasing=Erasing(facts, books),
        logins=UserPool(place.client("cognito-idp"), place.output("UserPoolId")),
        documents=Documents(place.client("s3"), place.output("DocumentsBucketName")),
    )


def _client(place: Place, brand: str, platform_id: str, given: str) -> str:
    from introducer.domain.identity import brand_key
    from introducer.gateways.secrets import Secrets
    from introducer.services.erase_client import client_hash

    if bool(platform_id) == bool(given):
        raise Invalid("Name the client by the platform's id, or by --hash.", code="missing")
    if given:
        return given
    secrets = Secrets(place.client("secretsmanager"), elapsed=time.monotonic)
    key = brand_key(secrets.text(place.output("IdentityKeySecretName")).encode(), brand)
    return client_hash(key, platform_id)


def _change(place: Place, why: str) -> Change:
    from introducer.domain.configuration import Change

    return Change(by=BY, at=in_full_ms(place.now()), why=why, origin="introducer erase")


def _sure(what: str, sure: bool) -> None:
    if not sure:
        typer.confirm(f"Erase {what}? Nobody can undo it.", abort=True, err=True)


def _erase(run: Callable[[Place], tuple[Erasure, list[str] | None]], as_json: bool, state_dir: Any, stack: str) -> None:
    from rich.console import Console

    errors, console = Console(stderr=True, highlight=False), Console(highlight=False)
    try:
        with find(state_dir, stack).account() as place:
            done, named = run(place)
    except (NotFoundHere, IntroducerError) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        again = isinstance(error, Unavailable | TooMany) or (isinstance(error, Conflict) and error.code in _AGAIN)
        raise typer.Exit(1 if again else 2) from error
    told = told_of(done, named)
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    for line in lines_of(told):
        console.print(line, markup=False, soft_wrap=True)


def told_of(done: Erasure, named: list[str] | None) -> dict[str, Any]:
    """What came of it, as data."""
    told: dict[str, Any] = {
        "subject": done.subject,
        "brand": done.brand,
        "dry_run": done.dry,
        "erased_before": done.before.isoformat() if done.before else None,
        "done": dict(done.done),
        "stays": [asdict(each) for each in done.stays],
    }
    return told if named is None else told | {"still_named": named}


def lines_of(told: Mapping[str, Any]) -> list[str]:
    """The same, for a person."""
    would = "would be erased" if told["dry_run"] else "erased"
    before = f" (first on {told['erased_before'][:10]})" if told["erased_before"] else ""
    number = ", ".join(f"{what}: {count}" for what, count in told["done"].items()) or "nothing is left to erase"
    lines = [f"{told['subject']} of {told['brand']}{before}", f"  {would}: {number}", "  What stays:"]
    for each in told["stays"]:
        lines += [f"  - {each['what']}", f"      why: {each['why']}", f"      until: {each['until']}"]
    if "still_named" in told:
        lines.append(f"  Still named in: {', '.join(told['still_named']) or 'nothing'}")
    return lines


def _export(run: Callable[[Place], dict[str, Any]], form: Form, state_dir: Any, stack: str) -> None:
    from rich.console import Console

    from introducer.services.export_subject import readable

    try:
        with find(state_dir, stack).account() as place:
            document = run(place)
    except (NotFoundHere, IntroducerError) as error:
        Console(stderr=True, highlight=False).print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1 if isinstance(error, Unavailable | TooMany) else 2) from error
    if form is Form.TEXT:
        print(readable(document), end="")
    else:
        print(json.dumps(document, indent=2, ensure_ascii=False))
