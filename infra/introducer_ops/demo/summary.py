"""What came out: read from the books, shown to a person, written to `build/run.json`."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from rich.align import Align
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from introducer.domain.ledger import PENDING
from introducer.domain.money import decimal_string, decimals
from introducer.store.click_counts import ClickCounts
from introducer.store.event_counts import EventCounts
from introducer.store.ledger import Ledger
from introducer_ops.demo.building import World
from introducer_ops.demo.sending import Sent
from introducer_ops.demo.waiting import Standing

_BAR = 34
_TOP = 5


@dataclass(slots=True)
class Figures:
    """The world's figures, over all partners and days."""

    funnel: Counter[str] = field(default_factory=Counter)
    earned: Counter[str] = field(default_factory=Counter)
    """Minor units per currency."""
    pending: Counter[str] = field(default_factory=Counter)
    by_partner: dict[str, dict[str, int]] = field(default_factory=dict)
    by_kind: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Minor units per kind of rule (and `clawback`) and currency."""
    journals: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything the summary is made of."""

    world: World
    day: date
    sent: Sent
    standing: Standing
    figures: Figures
    clients: int
    differences: int
    state_hash: str
    seconds: Mapping[str, float]
    portal_url: str


def read_figures(table: str, world: World, months: list[str], today: str) -> Figures:
    """Read every partner's counters, balance and journals of these months."""
    figures = Figures()
    clicks, events, ledger = ClickCounts(table), EventCounts(table), Ledger(table)
    for partner in world.partners:
        for month in months:
            for click_count in clicks.month(partner.partner, month):
                figures.funnel["clicks"] += click_count.clicks
                figures.funnel["unique"] += click_count.unique
            for event_count in events.month(partner.partner, month):
                figures.funnel.update(event_count.counts)
            for journal in ledger.all_journals(partner.partner, month):
                kind = journal.kind if journal.kind == "clawback" else journal.receipt.rule_kind
                figures.by_kind[kind][journal.key.currency] += journal.amount
                figures.journals += 1
        balance = ledger.balance(partner.partner)
        totals: Counter[str] = Counter()
        for (currency, _), amount in balance.earned.items():
            totals[currency] += amount
        figures.by_partner[partner.partner] = dict(totals)
        figures.earned.update(totals)
        for currency in balance.currencies():
            figures.pending[currency] += balance.bucket(currency, PENDING, today)
    return figures


def run_document(outcome: Outcome) -> dict[str, object]:
    """`build/run.json`."""
    sent, standing = outcome.sent, outcome.standing
    return {
        "clicks_sent": sent.clicks,
        "clicks_recorded": standing.clicks,
        "clicks_flagged": standing.flagged,
        "events_sent": sent.events,
        "events_accepted": sent.statuses["accepted"],
        "events_duplicate": sent.statuses["duplicate"],
        "events_applied": standing.applied,
        "events_quarantined": len(standing.quarantined),
        "partners": len(outcome.world.partners),
        "clients": outcome.clients,
        "ftd": outcome.figures.funnel["ftd"],
        "earnings": {
            currency: decimal_string(amount, currency) for currency, amount in sorted(outcome.figures.earned.items())
        },
        "verify_differences": outcome.differences,
        "state_hash": outcome.state_hash,
        "seconds": {phase: round(seconds, 2) for phase, seconds in outcome.seconds.items()},
        "portal_url": outcome.portal_url,
    }


def write_run(outcome: Outcome, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run_document(outcome), indent=2) + "\n")


def show(outcome: Outcome, console: Console, per_euro: Mapping[str, str]) -> None:
    """Print the summary. `per_euro` only ranks partners of different currencies."""
    console.print()
    console.print(Text(f"{outcome.world.brand.name} · {outcome.day:%A %-d %B %Y}", style="bold cyan"))
    console.print(Text("six weeks of light history, then one trading day up to the New York close", style="dim"))
    console.print()
    console.print(Padding(_funnel(outcome.figures.funnel), (0, 0, 1, 2)))
    console.print(
        Padding(Group(_earnings(outcome.figures), Text(), _kinds(outcome.figures)), (0, 0, 1, 2)),
    )
    console.print(Padding(_top_partners(outcome, per_euro), (0, 0, 1, 2)))
    for line in _facts(outcome):
        console.print(Padding(line, (0, 0, 0, 2)))
    console.print()


def show_portal(outcome: Outcome, console: Console) -> None:
    """Where to look next, and as whom."""
    table = Table.grid(padding=(0, 3))
    for login in outcome.world.logins:
        table.add_row(Text(login.role.value, style="bold"), login.email, Text(login.password, style="cyan"))
    console.print(Text.assemble(("The portal is open at ", "bold"), (outcome.portal_url, "bold underline cyan")))
    console.print(Padding(table, (1, 0, 1, 2)))
    console.print(Text("Ctrl-C closes it.", style="dim"))


def _funnel(funnel: Mapping[str, int]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="left")
    table.add_column(justify="right")
    stages = (
        ("clicks by people", "clicks"),
        ("different ones that day", "unique"),
        ("registrations", "registrations"),
        ("identity checked", "kyc"),
        ("first deposits", "ftd"),
        ("qualified", "qftd"),
    )
    most = max((funnel.get(name, 0) for _, name in stages), default=0) or 1
    before: int | None = None
    for words, name in stages:
        number = funnel.get(name, 0)
        bar = Text("█" * max(1 if number else 0, round(number / most * _BAR)), style="cyan")
        share = "" if not before else f"{number / before:.0%}"
        table.add_row(words, f"{number:,}", bar, Text(share, style="dim"))
        before = number
    return table


def _earnings(figures: Figures) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("earned")
    table.add_column("amount", justify="right")
    table.add_column("still pending", justify="right")
    table.add_column("partners", justify="right")
    for currency, amount in sorted(figures.earned.items(), key=lambda entry: entry[0]):
        partners = sum(1 for totals in figures.by_partner.values() if totals.get(currency))
        table.add_row(
            Text(currency, style="bold"),
            _shown(amount, currency),
            _shown(figures.pending[currency], currency),
            str(partners),
        )
    return table


def _kinds(figures: Figures) -> Text:
    """How many currencies' worth each kind brought would mix units: say it in the base currency's own amounts only."""
    words = {"cpa": "per client (cpa)", "revshare": "revenue share", "lot": "per lot", "clawback": "taken back"}
    parts: list[str | tuple[str, str]] = [("in EUR: ", "dim")]
    for number, (kind, name) in enumerate(words.items()):
        amount = figures.by_kind.get(kind, Counter())["EUR"]
        parts += [" · " if number else "", name, " ", (_shown(amount, "EUR"), "bold red" if amount < 0 else "bold")]
    return Text.assemble(*parts)


def _top_partners(outcome: Outcome, per_euro: Mapping[str, str]) -> Table:
    def euros(totals: Mapping[str, int]) -> float:
        # Good enough to put names in an order; no amount is made of it.
        return sum(
            amount / 10 ** decimals(currency) / float("1" if currency == "EUR" else per_euro[currency])
            for currency, amount in totals.items()
        )

    names = outcome.world.partner_names()
    ranked = sorted(outcome.figures.by_partner.items(), key=lambda entry: euros(entry[1]), reverse=True)[:_TOP]
    most = euros(ranked[0][1]) if ranked else 0
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("top partners")
    table.add_column("earned", justify="right")
    table.add_column("")
    for partner, totals in ranked:
        amounts = ", ".join(f"{_shown(amount, currency)} {currency}" for currency, amount in sorted(totals.items()))
        width = max(1, round(euros(totals) / most * 16)) if most > 0 else 0
        table.add_row(names[partner], amounts, Align.left(Text("▪" * width, style="cyan")))
    return table


def _facts(outcome: Outcome) -> list[Text]:
    sent, standing, seconds = outcome.sent, outcome.standing, outcome.seconds
    busy = seconds.get("history", 0) + seconds.get("day", 0)
    speed = f"{(sent.clicks + sent.events) / busy:,.0f} clicks and events a second" if busy else ""
    lines = [
        Text.assemble(
            ("intake     ", "dim"), f"{sent.clicks:,} clicks ({standing.flagged:,} flagged), {sent.events:,} events: "
            f"{sent.statuses['accepted']:,} accepted, {sent.statuses['duplicate']:,} known already, "
            f"{len(standing.quarantined):,} in quarantine"
        ),
        Text.assemble(
            ("books      ", "dim"), f"{standing.applied:,} events applied, {outcome.clients:,} clients, "
            f"{outcome.figures.journals:,} journals"
        ),
        Text.assemble(
            ("verified   ", "dim"),
            ("every figure recomputed from the facts, no difference", "green")
            if outcome.differences == 0
            else (f"{outcome.differences} differences", "bold red"),
            (f"   state {outcome.state_hash[:16]}", "dim"),
        ),
        Text.assemble(("time       ", "dim"), f"{seconds.get('total', 0):.0f} s in all, {speed}"),
    ]  # fmt: skip
    return lines


def _shown(amount: int, currency: str) -> str:
    whole, dot, part = decimal_string(amount, currency).partition(".")
    return f"{int(whole or 0):,}{dot}{part}" if whole not in ("-0", "-") else f"-0{dot}{part}"
