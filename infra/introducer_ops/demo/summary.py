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

from introducer.domain.ledger import PENDING, Journal
from introducer.domain.money import decimal_string, decimals
from introducer.services.verify.report import Report
from introducer.store.click_counts import ClickCounts
from introducer.store.event_counts import EventCounts
from introducer.store.ledger import Ledger
from introducer.wording.mails.telling import WORDS
from introducer_ops.demo.building import Login, World
from introducer_ops.demo.cases import Caught, Suspicions
from introducer_ops.demo.communication import Communication
from introducer_ops.demo.contests import Contests, Ended
from introducer_ops.demo.deals import UNITS
from introducer_ops.demo.month_end import LATE_EVENT, Closed, MonthEnd
from introducer_ops.demo.payouts import PaidRun
from introducer_ops.demo.sending import Sent
from introducer_ops.demo.waiting import Standing

_BAR = 34
_TOP = 5
_KINDS_OF_TASKS = 2
"""So many are named in a line."""
_KINDS_WIDTH = 62
KINDS = {
    "cpa": "per client",
    "cpl": "per lead",
    "revshare": "revenue share",
    "lot": "per lot",
    "bonus": "goals",
    "override": "from below",
    "adjustment": "by hand",
    "prize": "contests",
}
"""What earnings are for, and how a person reads it."""
WORDS_OF_TASKS = {
    "payout_failed": "payouts that failed",
    "case_opened": "cases",
    "documents_wait": "with documents that wait",
    "ftd_fell": "whose deposits fell",
    "near_cap": "near a cap",
    "near_tier": "near a tier",
    "near_goal": "near a goal",
    "dormant": "dormant",
    "first_ftd": "first clients",
    "contest_won": "prizes",
    "application_waits": "with applications",
}
"""What a kind of task is about, after its number."""
_RAILS = {"sepa": "SEPA", "paypal": "PayPal", "manual": "hand"}


@dataclass(slots=True)
class Figures:
    """The world's figures, over all partners and days."""

    funnel: Counter[str] = field(default_factory=Counter)
    earned: Counter[str] = field(default_factory=Counter)
    """Minor units per currency."""
    pending: Counter[str] = field(default_factory=Counter)
    by_partner: dict[str, dict[str, int]] = field(default_factory=dict)
    by_kind: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Minor units per kind of earning and currency, clawbacks taken off."""
    journals: int = 0
    clawbacks: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything the summary is made of."""

    world: World
    day: date
    sent: Sent
    standing: Standing
    figures: Figures
    month_end: MonthEnd
    suspicions: Suspicions
    paid_run: PaidRun
    contests: Contests
    communication: Communication
    invited: Login
    """Who has not signed in yet."""
    report: Report
    seconds: Mapping[str, float]
    portal_url: str
    mails_url: str
    """Where the sent mails can be looked at while the demo runs."""


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
                figures.by_kind[journal.receipt.rule_kind][journal.key.currency] += journal.amount
                figures.journals += 1
                figures.clawbacks += journal.kind == "clawback"
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
        "clients": outcome.report.clients,
        "ftd": outcome.figures.funnel["ftd"],
        "earnings": {
            currency: decimal_string(amount, currency) for currency, amount in sorted(outcome.figures.earned.items())
        },
        "earnings_by_kind": {
            kind: {
                currency: decimal_string(amount, currency)
                for currency, amount in sorted(outcome.figures.by_kind.get(kind, Counter()).items())
            }
            for kind in KINDS
        },
        "months_settled": outcome.report.months,
        "adjustment": outcome.month_end.adjustment,
        "move": _move_document(outcome),
        "close": _close_document(outcome.month_end.closed),
        "late_event": {
            "event_id": LATE_EVENT,
            "journals": [_journal_document(journal) for journal in outcome.month_end.late],
        },
        "cases": _cases_document(outcome.suspicions, outcome.paid_run),
        "payouts": _payouts_document(outcome.paid_run),
        "contests": _contests_document(outcome.contests),
        "mails_sent": outcome.communication.mails_sent,
        "tasks_open": outcome.communication.tasks_open,
        "communication": _communication_document(outcome.communication),
        "money_differences": outcome.paid_run.money_differences,
        "seconds_until_settled": round(outcome.seconds.get("settle", 0), 2),
        "verify_differences": len(outcome.report.differences),
        "state_hash": outcome.report.state_hash,
        "seconds": {phase: round(seconds, 2) for phase, seconds in outcome.seconds.items()},
        "portal_url": outcome.portal_url,
        "mails_url": outcome.mails_url,
    }


def _move_document(outcome: Outcome) -> dict[str, object]:
    move, partners = outcome.month_end.move, outcome.world.partners
    return {
        "decision": outcome.month_end.decision,
        "from": partners[move.holder].partner,
        "to": partners[move.target].partner,
        "starts_at": move.starts_at.isoformat(),
    }


def _close_document(closed: Closed) -> dict[str, object]:
    return {
        "month": closed.close.month,
        "execution": closed.execution.name,
        "status": closed.execution.status,
        "partners": closed.close.partners,
        "statements": closed.statements,
        "sums": {
            currency: decimal_string(amount, currency) for currency, amount in sorted((closed.close.sums or {}).items())
        },
    }


def _cases_document(suspicions: Suspicions, paid_run: PaidRun) -> dict[str, object]:
    """`false` are cases about honest partners, `missed` attackers without one; `paid` is what the run paid too."""
    return {
        "opened": len(suspicions.caught),
        "held": _decimals(suspicions.held),
        "false": suspicions.false,
        "missed": len(suspicions.missed),
        "list": [
            {
                "case": each.case.case,
                "partner": each.case.partner,
                "name": each.case.name,
                "attack": each.attack.kind if each.attack else None,
                "detectors": list(each.case.detectors),
                "clients": len(each.case.clients),
                "held": _decimals(each.case.holds),
                "paid": _decimals(_paid_to(paid_run, each.case.partner)),
                "status": each.case.status.value,
                "execution": each.case.execution,
                "page": _page(each),
            }
            for each in suspicions.caught
        ],
    }


def _paid_to(paid_run: PaidRun, partner: str) -> Counter[str]:
    """What a run paid a partner, minor units by the currency that it was held in."""
    paid: Counter[str] = Counter()
    for payout in paid_run.paid:
        if payout.partner == partner:
            paid[payout.currency] += payout.amount
    return paid


def _page(caught: Caught) -> str:
    return f"/desk/cases/{caught.case.partner}/{caught.case.case}"


def _decimals(sums: Mapping[str, int]) -> dict[str, str]:
    return {currency: decimal_string(amount, currency) for currency, amount in sorted(sums.items())}


def _payouts_document(paid_run: PaidRun) -> dict[str, object]:
    """Amounts are what was paid, by the currency it was paid in."""
    by_currency, by_rail = _by_currency(paid_run), Counter(payout.rail.value for payout in paid_run.paid)
    return {
        "run": paid_run.run.run,
        "execution": paid_run.execution.name,
        "status": paid_run.execution.status,
        "count": len(paid_run.payouts),
        "paid": len(paid_run.paid),
        "by_currency": {currency: decimal_string(pays, currency) for currency, pays in sorted(by_currency.items())},
        "by_rail": dict(sorted(by_rail.items())),
        "converted": sum(payout.currency != payout.pay_currency for payout in paid_run.paid),
        "left_out": dict(paid_run.run.left_out),
    }


def _contests_document(contests: Contests) -> dict[str, object]:
    """`sums` is what was won in money, `pool` what of it was shared out of pools; `receipts_verified` prizes whose
    receipt, as the partner reads it, comes to what was won."""
    ended, goal = contests.ended, contests.goal
    pools: Counter[str] = Counter()
    for each in ended:
        pools[each.currency] += each.shares
    return {
        "count": len(ended),
        "participants": sum(len(each.results) for each in ended),
        "set_aside": sum(len(each.aside) for each in ended),
        "prizes": sum(len(each.awards) for each in ended),
        "gifts": sum(len(each.gifts) for each in ended),
        "sums": _decimals(contests.sums),
        "pool": _decimals(pools),
        "receipts_verified": sum(each.verified for each in ended),
        "board_is_result": all(each.board_is_result for each in ended),
        "list": [_contest_document(each) for each in ended],
        "goal": {
            "goal": goal["goal"],
            "counts": goal["by"],
            "clients": goal["clients"],
            "counted": goal["counted"],
            "phase": goal["phase"],
            "paid": goal["paid"],
            "entries": [entry["id"] for entry in goal["entries"]],
        },
    }


def _contest_document(ended: Ended) -> dict[str, object]:
    return {
        "contest": ended.contest,
        "name": ended.name,
        "status": ended.status,
        "execution": ended.execution,
        "participants": len(ended.results),
        "ranked": sum(bool(each["rank"]) for each in ended.results),
        "set_aside": [{"partner": each["partner"], "name": each["name"], "why": each["aside"]} for each in ended.aside],
        "objections": ended.objections,
        "pool": decimal_string(ended.pool, ended.currency),
        "paid": decimal_string(ended.paid, ended.currency),
        "currency": ended.currency,
        "prizes": [
            {
                "partner": each["partner"],
                "name": each["name"],
                "division": each["division"],
                "place": each["place"],
                "score": each["score"],
                "kind": each["kind"],
                "won": each["gift"] or each["amount"]["amount"],
                "status": each["status"],
                "journal": each["journal"] or None,
            }
            for each in ended.awards
        ],
        "board_is_result": ended.board_is_result,
        "archive": ended.archive,
        "page": f"/desk/contests/{ended.contest}",
    }


def _communication_document(told: Communication) -> dict[str, object]:
    """`held_back` are mails that must not go to their readers, by reason; `became` what became of those that were sent.
    The broadcast's figures are those of its page."""
    story, report = told.story, told.broadcast["report"] or {}
    rows = ("recipients", "sent", "suppressed", "unsubscribed", "failed", "delivered", "bounced", "complained")
    return {
        "mails_by_template": dict(sorted(told.by_template.items())),
        "mails_counted": sum(told.counted.values()),
        "mails_taken": len(told.handed_over),
        "became": dict(sorted(told.became.items())),
        "held_back": dict(sorted(told.suppressed.items())),
        "onboarding": {"joined": len(told.newcomers), "sent_by_step": dict(told.steps), "walks": dict(told.ends)},
        "broadcast": {
            "broadcast": story.broadcast,
            "segment": story.segment,
            "partners": story.fits,
            "approved_by": story.approved_by,
            "status": told.broadcast["status"],
            **{row: report.get(row) for row in rows},
            "page": f"/desk/broadcasts/{story.broadcast}",
        },
        "conversation": {"thread": story.thread, "page": f"/desk/messages/{told.star}/{story.thread}"},
        "announcement": {"announcement": story.announcement, **told.spread},
        "leads": {"won": story.won, "lost": story.lost, "client_of": story.lead_partner},
        "tasks": {
            "open_by_kind": dict(sorted(Counter(each["kind"] for each in told.tasks).items())),
            "done": len(story.done),
            "put_off": len(story.snoozed),
            "page": "/desk?whose=all",
        },
    }


def _by_currency(paid_run: PaidRun) -> Counter[str]:
    """What was paid, minor units by pay currency."""
    found: Counter[str] = Counter()
    for payout in paid_run.paid:
        found[payout.pay_currency] += payout.pays
    return found


def _journal_document(journal: Journal) -> dict[str, object]:
    return {
        "journal": journal.id,
        "month": journal.post_month,
        "earned_for": journal.key.earn_month,
        "rule": journal.key.rule,
        "amount": decimal_string(journal.amount, journal.key.currency),
        "currency": journal.key.currency,
    }


def write_run(outcome: Outcome, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run_document(outcome), indent=2) + "\n")


def show(outcome: Outcome, console: Console, per_euro: Mapping[str, str]) -> None:
    """Print the summary. `per_euro` only ranks partners of different currencies."""
    console.print()
    console.print(Text(f"{outcome.world.brand.name} · {outcome.day:%A %-d %B %Y}", style="bold cyan"))
    console.print(Text("six weeks of light history, a trading day to the New York close, a month closed", style="dim"))
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
    console.print(Text.assemble(("Its mails are at ", "bold"), (outcome.mails_url, "bold underline cyan")))
    console.print(Text("Ctrl-C closes it.", style="dim"))


def _funnel(funnel: Mapping[str, int]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="left")
    table.add_column(justify="right")
    stages = (
        ("clicks by people", "clicks"),
        ("first visits that day", "unique"),
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


def _kinds(figures: Figures) -> Table:
    """What each kind of earning brought, in one currency: a sum over currencies would be no amount."""
    lines = [Text()]
    for kind, name in KINDS.items():
        amount = _shown(figures.by_kind.get(kind, Counter())["EUR"], "EUR")
        if lines[-1] and len(lines[-1]) + len(f" · {name} {amount}") > _KINDS_WIDTH:
            lines.append(Text())
        lines[-1].append_text(Text.assemble(" · " if lines[-1] else "", f"{name} ", (amount, "bold")))
    table = Table.grid(padding=(0, 2))
    for number, line in enumerate(lines):
        table.add_row(Text("" if number else "of the EUR", style="dim"), line)
    return table


def _top_partners(outcome: Outcome, per_euro: Mapping[str, str]) -> Table:
    def euros(totals: Mapping[str, int]) -> float:
        # Good enough to put names in an order; no amount is made of it.
        return sum(
            amount
            / 10 ** decimals(currency)
            / float("1" if currency == "EUR" else per_euro.get(currency, UNITS[currency]))
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
    sent, standing, figures, seconds = outcome.sent, outcome.standing, outcome.figures, outcome.seconds
    busy = seconds.get("history", 0) + seconds.get("day", 0)
    speed = f"{(sent.clicks + sent.events) / busy:,.0f} clicks and events a second" if busy else ""
    differences = len(outcome.report.differences)
    closed, settled = outcome.month_end.closed, seconds.get("settle", 0)
    statuses, quarantined = sent.statuses, len(standing.quarantined)
    told = (
        ("intake", f"{sent.clicks:,} clicks, {standing.flagged:,} of them flagged"),
        (
            "",
            f"{sent.events:,} events: {statuses['accepted']:,} accepted, {statuses['duplicate']:,} known before,"
            f" {quarantined:,} in quarantine",
        ),
        ("books", f"{standing.applied:,} events applied, {outcome.report.clients:,} clients"),
        ("", f"{figures.journals:,} journals, {figures.clawbacks:,} of them clawbacks"),
        ("", f"{outcome.report.months:,} partners' months settled, {settled:.1f} s after the last event"),
        (
            "closed",
            f"{closed.close.month}: {_many(closed.close.partners, 'partner')}, {_many(closed.statements, 'statement')},"
            f" {closed.close.entries or 0:,} entries",
        ),
        ("", _late_words(outcome.month_end)),
        *_case_lines(outcome.suspicions, outcome.paid_run),
        ("paid", _paid_words(outcome.paid_run)),
        ("", _sums_words(outcome.paid_run)),
        *_contest_lines(outcome.contests),
        *_mail_lines(outcome.communication, outcome.mails_url),
        *_task_lines(outcome.communication),
        ("verified", ""),
        ("time", f"{seconds.get('total', 0):.0f} s in all, {speed}"),
    )
    verdict = (
        ("recomputed from the facts, no difference", "green")
        if not differences
        else (f"{differences:,} difference{'s' if differences > 1 else ''}", "bold red")
    )
    state = (f", state {outcome.report.state_hash[:12]}", "dim")
    return [
        Text.assemble((f"{name:<10}", "dim"), *((verdict, state) if name == "verified" else (words,)))
        for name, words in told
    ]


def _case_lines(suspicions: Suspicions, paid_run: PaidRun) -> list[tuple[str, str]]:
    """Each case: whose, what is held and what was paid beside it, what was found, who waits, and where to see it."""
    false = f"{suspicions.false} about honest partners" if suspicions.false else "none about an honest partner"
    lines = [f"{_many(len(suspicions.caught), 'case')}, {false}; {_amounts(suspicions.held)} held"]
    for each in suspicions.caught:
        case = each.case
        paid = _amounts(_paid_to(paid_run, case.partner))
        first, *others = (WORDS["case_topic"].get(name, name) for name in case.detectors or ("",))
        lines += [
            f"{case.name}: {_amounts(case.holds)} held, {paid} paid; {case.status.value}",
            f"{first[:1].lower()}{first[1:]}{f', and {len(others)} more' if others else ''}",
            case.execution or "no execution",
            f"/desk/cases/{case.partner}",
        ]
    lines += [f"{name}: no case" for name in suspicions.missed]
    return [("" if number else "cases", line) for number, line in enumerate(lines)]


def _contest_lines(contests: Contests) -> list[tuple[str, str]]:
    """What was won in all, who stands first in each contest, and what became of the goal."""
    ended, goal = contests.ended, contests.goal
    participants, aside, prizes, gifts, verified = (
        sum(map(count, ended))
        for count in (
            lambda each: len(each.results),
            lambda each: len(each.aside),
            lambda each: len(each.money),
            lambda each: len(each.gifts),
            lambda each: each.verified,
        )
    )
    first = [
        f"{each.name}: {', '.join(row['shown_as'] for row in each.results if row['rank'] == 1) or 'nobody'} first"
        for each in ended
    ]
    paid = f"{goal['paid']['amount']} {goal['paid']['currency']} paid"
    lines = [
        f"{_many(len(ended), 'contest')}, {_many(participants, 'participant')}, {aside} set aside",
        f"{_amounts(contests.sums)} in {_many(prizes, 'prize')}, {_many(gifts, 'gift')}; {verified} receipts read",
        *first,
        f"a goal of {goal['clients']} first deposits: {goal['counted']} counted, {paid}",
    ]
    return [("" if number else "contests", line) for number, line in enumerate(lines)]


def _mail_lines(told: Communication, url: str) -> list[tuple[str, str]]:
    """How many mails went, what became of them, and what the week's broadcast and the first steps came to."""
    became, report, held_back = told.became, told.broadcast["report"] or {}, sum(told.suppressed.values())
    letters, digests = (told.by_template[each] for each in ("partner_report", "manager_digest"))
    lines = [
        f"{_many(told.mails_sent, 'mail')} sent, {became['delivered']:,} delivered, {became['bounced']} bounced,"
        f" {became['complained']} complained of",
        f"{held_back:,} more not sent: {_reasons(told.suppressed)} before",
        f"a broadcast to {report.get('recipients', 0)}: {report.get('sent', 0)} sent,"
        f" {report.get('bounced', 0)} bounced, {report.get('complained', 0)} complained of",
        f"{_many(letters, 'letter')} and {_many(digests, 'digest')} on Monday;"
        f" {_many(sum(told.steps.values()), 'first step')} to {_many(len(told.newcomers), 'newcomer')}",
        url,
    ]
    return [("" if number else "mails", line) for number, line in enumerate(lines)]


def _reasons(held_back: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {reason.replace('_', ' ')}" for reason, number in sorted(held_back.items())) or "none"


def _task_lines(told: Communication) -> list[tuple[str, str]]:
    """What waits for a person, by kind, and what was done."""
    kinds = Counter(WORDS_OF_TASKS.get(each["kind"], each["kind"]) for each in told.tasks)
    by = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common(_KINDS_OF_TASKS))
    if others := kinds.total() - sum(number for _, number in kinds.most_common(_KINDS_OF_TASKS)):
        by += f", {others} more"
    story = told.story
    won = "is the demo partner's" if story.lead_partner == told.star else "is not the demo partner's"
    lines = [
        f"{_many(told.tasks_open, 'task')} open, {len(story.done)} done, {len(story.snoozed)} put off: {by}",
        f"a lead was won, and its client {won}",
    ]
    return [("" if number else "tasks", line) for number, line in enumerate(lines)]


def _amounts(sums: Mapping[str, int]) -> str:
    return ", ".join(f"{_shown(amount, currency)} {currency}" for currency, amount in sorted(sums.items())) or "nothing"


def _paid_words(paid_run: PaidRun) -> str:
    """What a run came to."""
    rails = Counter(payout.rail.value for payout in paid_run.paid)
    by = ", ".join(f"{count} by {_RAILS[rail]}" for rail, count in rails.most_common())
    return f"{paid_run.run.run}: {by or 'nobody'}; {sum(paid_run.run.left_out.values())} left out"


def _sums_words(paid_run: PaidRun) -> str:
    """What was paid, by currency."""
    return _amounts(_by_currency(paid_run))


def _late_words(month_end: MonthEnd) -> str:
    """Where the event stands that came after the close."""
    if not month_end.late:
        return "a trade told too late: nowhere"
    of = month_end.late[0]
    total = sum(journal.amount for journal in month_end.late)
    amount = f"{_shown(total, of.key.currency)} {of.key.currency}"
    return f"a trade told too late: {amount} for {of.key.earn_month}, posted in {of.post_month}"


def _many(number: int | None, word: str) -> str:
    return f"{number or 0:,} {word}{'' if number == 1 else 's'}"


def _shown(amount: int, currency: str) -> str:
    whole, dot, part = decimal_string(amount, currency).partition(".")
    return f"{int(whole or 0):,}{dot}{part}" if whole not in ("-0", "-") else f"-0{dot}{part}"
