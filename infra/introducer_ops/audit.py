"""`introducer audit`: verify the trail's chains, mend what has no link, export what is on record.

    introducer audit verify                        # every chain against its records, its head and the heads kept daily
    introducer audit export client CLIENT          # everything on record about a client, a partner or a payout
    introducer audit mend --yes                    # records without a link get one, after somebody has looked at them

Exit code 0: done, and nothing is wrong. 1: something is wrong with the trail. 2: it could not be found out.
"""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from introducer.domain.errors import IntroducerError
from introducer_ops.installation import STATE_DIR, NotFoundHere, Place, StackOption, StateDirOption, find

if TYPE_CHECKING:
    from rich.console import Console

    from introducer.domain.audit_chain import Finding
    from introducer.gateways.audit_heads import Kept
    from introducer.services.read_dossier import About, Dossier
    from introducer.services.verify_audit import AuditReport

audit_app = typer.Typer(
    help="The audit trail: verify its chains, mend them, export what is on record.", no_args_is_help=True
)
BY = "system:operator"
WHY = "chained by an operator"

BrandOption = Annotated[str, typer.Option(help="Only this brand's; all if not said.")]
JsonOption = Annotated[bool, typer.Option("--json", help="All of it as JSON on standard output.")]


def register(app: typer.Typer) -> None:
    """Add `audit` to the command line."""
    app.add_typer(audit_app, name="audit")


# ------------------------------------------------------------------------------------------------------------- verify


@audit_app.command()
def verify(
    brand: BrandOption = "",
    without_heads: Annotated[
        bool, typer.Option("--without-heads", help="Do not compare with the heads that were kept each day.")
    ] = False,
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Walk the chains: edited, removed, inserted, moved and cut records are named, one by one.

    Reads all of BOOKS. Exit code 0: the trail is whole. 1: it is not. 2: it could not be found out.
    """
    from rich.console import Console

    errors = Console(stderr=True, highlight=False)
    try:
        with find(state_dir, stack).account() as place:
            report = verified(place, brand or None, heads=not without_heads)
    except (NotFoundHere, IntroducerError) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    if as_json:
        print(json.dumps(report.document(), indent=2, ensure_ascii=False))
    else:
        show(report, Console(highlight=False))
    raise typer.Exit(0 if report.good else 1)


def verified(place: Place, brand: str | None = None, *, heads: bool = True) -> AuditReport:
    """What is wrong with the trail of an installation. Within `place.account()`. Raises `Unavailable`."""
    from introducer.gateways.audit_heads import AuditHeads
    from introducer.services.verify_audit import verify_audit
    from introducer.store.audit_chain import AuditChain
    from introducer.store.scans import Scans

    books = place.output("BooksTableName")
    kept: Iterable[Kept] = ()
    if heads:
        kept = AuditHeads(place.client("s3"), place.output("AuditHeadsBucketName")).kept(brand)
    scans = Scans(place.client("dynamodb"), facts=place.output("FactsTableName"), books=books)
    return verify_audit(scans, AuditChain(books), kept, now=place.now(), brand=brand)


def show(report: AuditReport, console: Console) -> None:
    """The report as a person reads it: the chains, each finding, the verdict."""
    from rich.table import Table

    from introducer.domain.audit_chain import MEANINGS

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("chain")
    for name in ("links", "of them mended", "waiting", "heads kept", "last kept", "links since"):
        table.add_column(name, justify="right")
    table.add_column("last digest")
    for chain in report.chains:
        numbers = (f"{each:,}" for each in (chain.links, chain.mended, chain.waiting, chain.kept))
        table.add_row(chain.brand, *numbers, chain.last_kept or "–", f"{chain.after_kept:,}", chain.digest[:16])
    console.print(table)
    by_damage: dict[Any, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        by_damage[finding.damage].append(finding)
    for damage, findings in by_damage.items():
        console.print()
        console.print(f"[bold red]{damage.value}[/]  {MEANINGS[damage]}  [dim]({len(findings)})[/]")
        for each in findings:
            console.print(f"  {each.brand}: {each.what}", markup=False, soft_wrap=True)
    console.print()
    if report.good:
        console.print("[bold green]The audit trail is whole.[/]")
    else:
        number = len(report.findings)
        console.print(f"[bold red]{number:,} finding{'s' if number > 1 else ''}[/] in the audit trail.")
    if report.unchained:
        console.print(
            f"{len(report.unchained):,} of the records have no link. Where they are ours, `introducer audit mend`"
            " chains them: docs/audit-trail.md says how to tell.",
            style="yellow",
        )


# --------------------------------------------------------------------------------------------------------------- mend


@audit_app.command()
def mend(
    brand: BrandOption = "",
    yes: Annotated[bool, typer.Option("--yes", help="Chain them: somebody has looked at each.")] = False,
    why: Annotated[str, typer.Option(help="The reason that the audit trail keeps.")] = WHY,
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
) -> None:
    """Show the records that have no link; with --yes, chain them behind all others, as mended.

    Exit code 0: there are none, or they have a link now. 1: there are some, and --yes was not said. 2: not found out.
    """
    from rich.console import Console

    from introducer.domain.configuration import Change
    from introducer.domain.events import from_milliseconds
    from introducer.services.mend_audit import mend_audit
    from introducer.store.audit_chain import AuditChain

    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    try:
        with find(state_dir, stack).account() as place:
            chain = AuditChain(place.output("BooksTableName"))
            unchained = verified(place, brand or None, heads=False).unchained
            if not unchained:
                console.print("Every record has its link: there is nothing to mend.")
                raise typer.Exit(0)
            items = chain.items([record.key for record in unchained])
            for record in unchained:
                # As it stands: one that was slipped in need not have all that ours have.
                said = items[record.key]
                told = [from_milliseconds(record.key.at).isoformat(timespec="seconds"), record.brand, str(record.key)]
                told += [str(said.get(name, "–")) for name in ("action", "by", "why")]
                console.print("  ".join(told), markup=False, soft_wrap=True)
            if not yes:
                console.print(f"{len(unchained):,} records have no link. Look at each, then say --yes.", style="yellow")
                raise typer.Exit(1)
            change = Change(by=BY, at=place.now(), why=why, origin="introducer audit mend")
            mended = mend_audit(chain, unchained, change, pause=_pause)
            console.print(f"{mended:,} records are chained now.")
    except (NotFoundHere, IntroducerError) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error


def _pause(attempt: int) -> None:
    time.sleep(random.uniform(0, 0.02 * 2**attempt))


# ------------------------------------------------------------------------------------------------------------- export

export_app = typer.Typer(
    help="Everything on record about a client, a partner or a payout. Nothing in it names a person.",
    no_args_is_help=True,
)
audit_app.add_typer(export_app, name="export")

MostOption = Annotated[int, typer.Option(help="The most rows of one kind.")]
EVERYTHING = 1_000_000


# A keyed hash may begin with a hyphen, and is no option then.
@export_app.command(context_settings={"ignore_unknown_options": True})
def client(
    client: Annotated[str, typer.Argument(help="Its keyed hash: the address of its page, /desk/clients/…, ends so.")],
    brand: Annotated[str, typer.Option(help="Whose client it is.")],
    most: MostOption = EVERYTHING,
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Clicks and which one counted, terms in force, changes of attribution, rulings, earnings, audit records."""
    from introducer.services.read_dossier import About

    _export(About.CLIENT, client, brand, most, find_options=(state_dir, stack), as_json=as_json)


@export_app.command()
def partner(
    partner: Annotated[str, typer.Argument(help="Its number, par_….")],
    most: MostOption = EVERYTHING,
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Standing, terms, links, where it is paid (masked), holds, cases, adjustments, payouts, audit records."""
    from introducer.services.read_dossier import About

    _export(About.PARTNER, partner, "", most, find_options=(state_dir, stack), as_json=as_json)


@export_app.command()
def payout(
    payout: Annotated[str, typer.Argument(help="Its number, pay_….")],
    most: MostOption = EVERYTHING,
    state_dir: StateDirOption = STATE_DIR,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Amount and rates, who approved it, how it was sent, what it moved in the books, its invoices, audit records."""
    from introducer.services.read_dossier import About

    _export(About.PAYOUT, payout, "", most, find_options=(state_dir, stack), as_json=as_json)


def _export(about: About, subject: str, brand: str, most: int, *, find_options: Any, as_json: bool) -> None:
    from rich.console import Console

    errors = Console(stderr=True, highlight=False)
    try:
        with find(*find_options).account() as place:
            dossier = dossier_of(place, about, subject, brand, most)
    except (NotFoundHere, IntroducerError) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    print(json_of(dossier) if as_json else "\n".join(lines_of(dossier)))


def dossier_of(place: Place, about: About, subject: str, brand: str = "", most: int = EVERYTHING) -> Dossier:
    """What is on record. Within `place.account()`. Without a brand, it is the subject's own. Raises `NotFound`."""
    from introducer.services.read_dossier import About, Shelves, read_dossier

    shelves = Shelves(place.output("FactsTableName"), place.output("BooksTableName"))
    if not brand:
        brand = (
            shelves.configuration.partner(subject).brand
            if about is About.PARTNER
            else shelves.payouts.by_id(subject).brand
        )
    return read_dossier(shelves, about, subject, brand=brand, now=place.now(), most=most)


def json_of(dossier: Dossier) -> str:
    """As a program reads it: amounts as decimal strings with their currency, moments in RFC 3339."""
    from introducer.services.read_dossier import text_of

    def plain(value: Any) -> Any:
        return value if value is None or isinstance(value, bool | int | str) else text_of(value)

    said = dossier.document()
    said["sections"] = {
        name: [{column: plain(value) for column, value in row.items()} for row in rows]
        for name, rows in said["sections"].items()
    }
    return json.dumps(said | {"at": text_of(dossier.at)}, indent=2, ensure_ascii=False)


def lines_of(dossier: Dossier) -> Iterable[str]:
    """As a person reads it: each row as a paragraph, what is empty left out."""
    from introducer.services.read_dossier import text_of

    yield f"{dossier.about.value} {dossier.id} of {dossier.brand}, as on record {text_of(dossier.at)}"
    for section in dossier.sections:
        yield ""
        yield section.name.replace("_", " ").upper() + (f"  (the first {len(section.rows):,})" if section.cut else "")
        if not section.rows:
            yield "  none"
        for row in section.items:
            told = [(name, text_of(value)) for name, value in row.items()]
            first, *others = [(name, text) for name, text in told if text] or [("", "–")]
            yield f"  {first[1]}"
            yield from (f"    {name.replace('_', ' ')}: {text}" for name, text in others)
