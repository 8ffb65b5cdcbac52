"""Takes what a bank's statement says of payouts into the books, and reports what it could not place and why.

The file itself is not kept: it names accounts. Its digest is, with who handed it in and what came of it. Reading the
same file again, or one that overlaps with it, takes no step twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict
from introducer.domain.money import Money
from introducer.domain.payout import Payout, PayoutStatus
from introducer.domain.reconciliation import BankEntry, Placed, Reconciled, Unplaced, named_in, reconcile
from introducer.gateways.rails.protocol import Outcome
from introducer.services.decisions import reason
from introducer.services.send_run import take_outcome
from introducer.services.set_payout_schedule import check_decider
from introducer.sources.bank_statement import read_statement
from introducer.store.payouts import Payouts

NO_TIME, MEANWHILE = "no_time", "changed_meanwhile"
"""Why what an entry says was not taken: there was no time left for it, or the payout was changed meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPlaced:
    """What one entry says of one payout, and what followed."""

    place: str
    payout: str
    name: str
    """The partner's."""
    run: str
    says: str
    """`paid`, `returned`, `pending` or `known`: see `domain.reconciliation.Says`."""
    amount: Money | None
    booked_on: str
    reference: str
    before: PayoutStatus
    after: PayoutStatus
    """How the payout stands now; how it would, where the file was only looked at."""
    not_taken: str
    """Why the step was not taken; empty where it was, or none follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryUnplaced:
    """An entry that concerns payouts and that nothing follows from."""

    place: str
    why: str
    detail: str
    payout: str
    end_to_end: str
    amount: Money | None
    debit: bool
    booked_on: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """All of a file."""

    name: str
    entries: int
    recorded: bool
    """Whether what it says is in the books now; False where it was only looked at."""
    counts: Mapping[str, int]
    """How many entries say what, and how many concern something else (`others`)."""
    pays: tuple[Money, ...]
    """What was paid by the steps that it brought, by currency."""
    placed: tuple[EntryPlaced, ...]
    unplaced: tuple[EntryUnplaced, ...]
    left: int
    """Entries whose step was not taken: hand the same file in again."""


def reconcile_bank_file(
    payouts: Payouts,
    *,
    member: Member,
    data: bytes,
    name: str,
    why: str,
    record: bool,
    now: datetime,
    enough: Callable[[], bool] = lambda: False,
) -> FileReport:
    """Reads a camt.053 or camt.054 and takes the steps that follow, until `enough` says so; with `record` false it only
    says what they would be.

    Raises `Forbidden` for a role that decides nothing, `Invalid` for a reason that is none, and what `read_statement`
    does.
    """
    check_decider(member)
    change = Change(by=member.member, at=now, why=reason(why), origin="portal") if record else None
    entries = read_statement(data, name)
    found = {payout: each for payout, each in payouts.by_ids(named_in(entries)).items() if each.brand == member.brand}
    said = reconcile(entries, found)
    placed = [_taken(payouts, each, found[each.payout], change, now, enough) for each in said.placed]
    report = _report(name, said, placed, len(entries), record)
    if change is not None:
        told = {
            "sha256": hashlib.sha256(data).hexdigest(),
            "entries": len(entries),
            "counts": dict(report.counts),
            "left": report.left,
        }
        payouts.record(member.brand, member.brand, "reconcile_bank_file", change, told)
    return report


def _taken(
    payouts: Payouts, placed: Placed, payout: Payout, change: Change | None, now: datetime, enough: Callable[[], bool]
) -> EntryPlaced:
    """Takes the steps of one entry, in their order."""
    entry, stands, not_taken = placed.entry, payout.status, ""
    for step in placed.steps:
        if change is None:
            stands = step
            continue
        if enough():
            not_taken = NO_TIME
            break
        came_back = step is PayoutStatus.RETURNED
        outcome = Outcome(
            payout=payout.payout,
            state=step,
            reason=entry.reason if came_back else "",
            note=entry.note if came_back else "",
            reference=entry.reference,
        )
        try:
            stands = take_outcome(payouts, outcome, now, change).status
        except Conflict:
            stands, not_taken = payouts.by_id(payout.payout).status, MEANWHILE
            break
    return EntryPlaced(
        place=entry.place,
        payout=payout.payout,
        name=payout.name,
        run=payout.run,
        says=placed.says.value,
        amount=_amount(entry),
        booked_on=entry.booked_on,
        reference=entry.reference,
        before=payout.status,
        after=stands,
        not_taken=not_taken,
    )


def _report(name: str, said: Reconciled, placed: list[EntryPlaced], entries: int, recorded: bool) -> FileReport:
    sums: dict[str, int] = {}
    for each in placed:
        if each.says == "paid" and not each.not_taken and each.amount is not None:
            sums[each.amount.currency] = sums.get(each.amount.currency, 0) + each.amount.minor
    return FileReport(
        name=name,
        entries=entries,
        recorded=recorded,
        counts=said.counts(),
        pays=tuple(Money(minor, currency) for currency, minor in sorted(sums.items())),
        placed=tuple(placed),
        unplaced=tuple(map(_unplaced, said.unplaced)),
        left=sum(bool(each.not_taken) for each in placed),
    )


def _unplaced(each: Unplaced) -> EntryUnplaced:
    entry = each.entry
    return EntryUnplaced(
        place=entry.place,
        why=each.why.value,
        detail=each.detail,
        payout=each.payout,
        end_to_end=entry.end_to_end,
        amount=_amount(entry),
        debit=entry.debit,
        booked_on=entry.booked_on,
        reference=entry.reference,
    )


def _amount(entry: BankEntry) -> Money | None:
    return None if entry.amount is None else Money(entry.amount, entry.currency)
