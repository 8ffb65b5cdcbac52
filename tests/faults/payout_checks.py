"""What must hold when the schedule of a run has ended, whatever happened on the way.

Two measures: every change of the books in the order in which it was committed, and what the provider really did.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from introducer.domain.calendar import day_at
from introducer.domain.exchange import pays, unbalanced, way_back, way_out
from introducer.domain.ledger import AVAILABLE, HELD, HOUSE, PAID, PENDING, RESERVED, Journal
from introducer.domain.payout import (
    NEXT,
    RELEASED_IN,
    RESERVED_IN,
    UNSETTLED,
    Batch,
    BatchStatus,
    Payout,
    PayoutStatus,
    Run,
    RunStatus,
)
from introducer.domain.reservation import Move, moved
from introducer.services.verify.payouts_side import PayoutsSide
from introducer.store import keys, scans
from introducer.store.cases import case_journal_from_item
from introducer.store.invoices import invoice_from_item
from introducer.store.ledger import HOLDS, balance_attribute, balance_from_item, earned_attribute, journal_from_item
from introducer.store.payout_items import batch_from_item, payout_from_item, run_from_item
from introducer.store.reservations import payout_journal_from_item, way_from_item
from introducer.store.scans import Stored
from introducer.store.wire import from_wire
from tests.faults.payout_worlds import BOOKS, PUBLISHED
from tests.faults.payouts import RunSchedule
from tests.faults.schedules import Violation

kind_of = lru_cache(maxsize=20_000)(scans.kind_of)
SET_ASIDE = PayoutStatus.SET_ASIDE
SEEN_BY_PEOPLE = frozenset(PayoutStatus) - {PayoutStatus.CREATED, PayoutStatus.APPROVED, PayoutStatus.SENDING}
"""How a payout may stand when its run is closed: settled, or listed for somebody who decides."""
Item = Mapping[str, Any]


def check(schedule: RunSchedule) -> Counter[str]:
    """Check the books; do everything once more and see that nothing changes; have people say what is open; check
    again. Says what the schedule was about."""
    closed = Found(schedule)
    _is_closed(closed)
    books_agree(closed)
    before = schedule.store.stream(BOOKS)
    schedule.begin_again()
    again = [record for record in schedule.store.stream(BOOKS)[len(before) :] if record.old != record.new]
    closed = Found(schedule)
    books_agree(closed)
    schedule.somebody_says_the_rest()
    found = Found(schedule)
    books_agree(found)
    _as_the_provider_did(schedule, found)
    _as_verified(schedule)
    return schedule.facts + Counter(
        {
            **_counted("payouts", (each.status.value for each in found.payouts.values())),
            **_counted("batches", (each.note or each.status.value for each in closed.batches.values())),
            **_counted("set aside:", (each.reason for each in found.payouts.values() if each.status is SET_ASIDE)),
            **_counted("unknown:", closed.unknown),
            "payouts": len(found.payouts),
            "batches": len(found.batches),
            "heard of when looked up again": bool(again),
            "said by people": sum(
                payout.status is not found.payouts[payout.payout].status for payout in closed.payouts.values()
            ),
            "converted": sum(each.currency != each.pay_currency for each in found.payouts.values()),
            "runs with payouts": bool(found.payouts),
            "closed with something open": any(each.status in UNSETTLED for each in closed.payouts.values()),
        }
    )


def _counted(what: str, those: Iterable[str]) -> dict[str, int]:
    return {f"{what} {each}": count for each, count in Counter(those).items()}


class Found:
    """What stands in the tables, and whether it came about as it must: the changes are read in their order."""

    def __init__(self, schedule: RunSchedule) -> None:
        self.run: Run | None = None
        self.payouts: dict[str, Payout] = {}
        self.batches: dict[str, Batch] = {}
        self.balances: dict[str, Item] = defaultdict(dict)
        self.journals: list[Journal] = []
        self.moves: dict[str, list[tuple[Journal, Any]]] = defaultdict(list)
        self.invoices: list[Any] = []
        self.sealed: dict[str, frozenset[str]] = {}
        self.unknown: list[str] = []
        """Why payouts became unknown."""
        self._seen: frozenset[str] | None = None
        """The payouts that there were when the run was approved."""
        self._profiles: dict[str, int] = {}
        takers = {
            "run": self._run, "payout": self._payout, "batch": self._batch, "balance": self._balance,
            "journal": self._journal, "payout_journal": self._move, "payment_profile": self._profile,
            "invoice": self._invoice, "case_journal": self._case_journal,
        }  # fmt: skip
        for record in schedule.store.stream(BOOKS):
            kind = kind_of(keys.BOOKS, *record.place)
            if record.new is None:
                raise Violation(f"{kind} {record.place} was deleted")
            if taker := takers.get(kind):
                taker(None if record.old is None else from_wire(record.old), from_wire(record.new))

    def _run(self, old: Item | None, new: Item) -> None:
        self.run = run_from_item(new)
        if self.run.status is RunStatus.APPROVED and self._seen is None:
            self._seen = frozenset(self.payouts)
            stand = sum(each.status is PayoutStatus.CREATED for each in self.payouts.values())
            shown = sum(each.count for each in self.run.sums if each.status is PayoutStatus.CREATED)
            if stand != shown:
                raise Violation(f"the run was approved by its sums of {shown} payouts, and has {stand}")

    def _balance(self, old: Item | None, new: Item) -> None:
        self.balances[keys.parts(new[keys.PK])[1]] = new

    def _profile(self, old: Item | None, new: Item) -> None:
        self._profiles[new["partner"]] = new["version"]

    def _invoice(self, old: Item | None, new: Item) -> None:
        _once("an invoice", old, new)
        self.invoices.append(invoice_from_item(new))

    def _journal(self, old: Item | None, new: Item) -> None:
        _once("a journal", old, new)
        self.journals.append(journal_from_item(new))

    def _case_journal(self, old: Item | None, new: Item) -> None:
        _once("a case's journal", old, new)
        self.journals.append(case_journal_from_item(new))

    def _move(self, old: Item | None, new: Item) -> None:
        _once("a payout's journal", old, new)
        journal = payout_journal_from_item(new)
        self.journals.append(journal)
        self.moves[journal.key.scope].append((journal, way_from_item(new)))
        if journal.kind == Move.RESERVE:
            # The balance comes after the journal in their transaction: this is what it was before.
            partner, currency = journal.key.partner, journal.key.currency
            balance = balance_from_item(partner, self.balances[partner])
            available = balance.bucket(currency, AVAILABLE, day_at(journal.posted_at))
            if moved(journal) > available:
                raise Violation(f"{journal.id}: {moved(journal)} were reserved, and {available} available")
            if balance.holds:
                raise Violation(f"{journal.id}: reserved while a hold stood")

    def _payout(self, old: Item | None, new: Item) -> None:
        after = payout_from_item(new)
        before = self.payouts.get(after.payout)
        self.payouts[after.payout] = after
        if before is None:
            if after.status is not PayoutStatus.CREATED:
                raise Violation(f"{after.payout} begins as {after.status}")
            return
        said_again = after.status is before.status is PayoutStatus.UNKNOWN
        if after.status not in NEXT[before.status] and not said_again:
            raise Violation(f"{after.payout} went from {before.status} to {after.status}")
        same = replace(
            after, status=before.status, status_since=before.status_since, reason=before.reason, note=before.note,
            batch=before.batch, reference=before.reference, version=before.version,
        )  # fmt: skip
        if same != before:
            raise Violation(f"{after.payout} is another one than before")
        if after.status is PayoutStatus.APPROVED and after.payout not in (self._seen or ()):
            raise Violation(f"{after.payout} was made after the run was approved, and approved with it")
        if after.status is PayoutStatus.UNKNOWN:
            self.unknown.append(after.reason)
        if after.status is PayoutStatus.SENDING:
            self._begins_sending(after)
        elif after.batch != before.batch:
            raise Violation(f"{after.payout} went into another batch")

    def _begins_sending(self, payout: Payout) -> None:
        if self.balances[payout.partner].get(HOLDS, 0) > 0:
            raise Violation(f"{payout.payout} was on hold, and began to be sent")
        if self._profiles.get(payout.partner, 1) != payout.profile_version:
            raise Violation(f"{payout.payout} is sent to where its partner is paid no more")
        batch = self.batches[payout.batch]
        if batch.status is not BatchStatus.OPEN:
            raise Violation(f"{payout.payout} joined {batch.batch}, which was {batch.status}")

    def _batch(self, old: Item | None, new: Item) -> None:
        after = batch_from_item(new)
        before = self.batches.get(after.batch)
        self.batches[after.batch] = after
        if before is None:
            return
        fixed = ("run", "rail", "currency", "after", "through")
        if any(getattr(before, name) != getattr(after, name) for name in fixed):
            raise Violation(f"{after.batch} is another batch than before")
        if before.first_tried_at is not None and before.first_tried_at != after.first_tried_at:
            raise Violation(f"{after.batch} forgot when it was first tried")
        if before.status is not BatchStatus.OPEN and after.status is BatchStatus.OPEN:
            raise Violation(f"{after.batch} was opened again")
        if before.status is BatchStatus.OPEN and after.status is not BatchStatus.OPEN:
            self.sealed[after.batch] = self.members(after.batch)

    def members(self, batch: str) -> frozenset[str]:
        return frozenset(each.payout for each in self.payouts.values() if each.batch == batch)


def _once(what: str, old: Item | None, new: Item) -> None:
    if old is not None:
        raise Violation(f"{what} was changed: {new[keys.SK]}")


def _is_closed(found: Found) -> None:
    """The run has ended, and nothing of it hangs where nobody looks."""
    if found.run is None or found.run.closed_at is None:
        raise Violation("nobody is at the run any more, and it is not closed")
    for payout in found.payouts.values():
        if payout.status not in SEEN_BY_PEOPLE:
            raise Violation(f"the run is closed, and {payout.payout} is {payout.status} ({payout.batch or 'no batch'})")


def books_agree(found: Found) -> None:
    """Payouts, their journals, balances, batches and invoices say the same, to the minor unit."""
    for payout in found.payouts.values():
        _journals_agree(payout, found.moves.get(payout.payout, []))
        if payout.amount <= 0 or payout.pays <= 0 or sum(part.amount for part in payout.parts) != payout.amount:
            raise Violation(f"the parts of {payout.payout} are not its amount")
        converted = pays(payout.parts, payout.currency, payout.pay_currency)
        if payout.pays != converted:
            raise Violation(f"{payout.payout} pays {payout.pays}, its parts come to {converted}")
    if strange := set(found.moves) - set(found.payouts):
        raise Violation(f"journals of payouts that there are not: {strange}")
    for batch, members in found.sealed.items():
        if found.members(batch) != members:
            raise Violation(f"{batch} was sealed, and has other payouts now")
    for each in found.batches.values():
        there = [found.payouts[payout] for payout in found.members(each.batch)]
        if each.first_tried_at is not None and (each.count, each.pays) != (len(there), sum(x.pays for x in there)):
            raise Violation(f"{each.batch} counts {each.count} payouts and {each.pays}")
    _balances_agree(found)
    numbers = sorted(int(each.number.partition("-")[2]) for each in found.invoices)
    if numbers != list(range(1, len(numbers) + 1)):
        raise Violation(f"numbers of invoices have gaps, or stand twice: {numbers}")
    for payout in found.payouts.values():
        count = sum(each.payout == payout.payout and not each.corrects for each in found.invoices)
        if count > (payout.status in (PayoutStatus.PAID, PayoutStatus.RETURNED)):
            raise Violation(f"{payout.payout} is {payout.status} and has {count} invoices")


def _journals_agree(payout: Payout, moves: Sequence[tuple[Journal, Any]]) -> None:
    expected = [Move.RESERVE]
    if payout.status in RELEASED_IN:
        expected.append(Move.RELEASE)
    elif payout.status not in RESERVED_IN:
        expected.append(Move.PAY)
    if payout.status is PayoutStatus.RETURNED:
        expected.append(Move.RETURN)
    if [journal.kind for journal, _ in moves] != expected:
        raise Violation(f"{payout.payout} is {payout.status}, and moved {[journal.kind for journal, _ in moves]}")
    for journal, way in moves:
        if sum(leg.amount for leg in journal.legs) or moved(journal) != payout.amount:
            raise Violation(f"{journal.id} moves another amount than its payout's")
        if (journal.key.partner, journal.key.currency) != (payout.partner, payout.currency):
            raise Violation(f"{journal.id} moves other money than its payout's")
        wanted = {Move.PAY: way_out, Move.RETURN: way_back}.get(Move(journal.kind), lambda _: ())(payout)
        if tuple(way) != tuple(wanted) or unbalanced(way):
            raise Violation(f"{journal.id} left the house another way than its payout says")


def _balances_agree(found: Found) -> None:
    """Each balance is the sum of its journals; what is available, pending, held, reserved and paid is what was earned;
    reserved is what payouts say, and so is paid."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for journal in found.journals:
        partner, currency = journal.key.partner, journal.key.currency
        for leg in journal.legs:
            if leg.account != HOUSE:
                bucket, _, day = leg.account.partition(".")
                sums[partner][balance_attribute(currency, bucket, day)] += leg.amount
        if journal.amount:
            sums[partner][earned_attribute(currency, journal.key.earn_month)] += journal.amount
    for partner in sums.keys() | found.balances.keys():
        item = found.balances[partner]
        stands = {name: value for name, value in item.items() if "." in name and value}
        expected = {name: value for name, value in sums[partner].items() if value}
        if stands != expected:
            raise Violation(f"the balance of {partner} says {stands}, its journals {expected}")
        balance = balance_from_item(partner, item)
        for currency in balance.currencies():
            of = {
                bucket: sum(
                    value for (each, name, _), value in balance.amounts.items() if (each, name) == (currency, bucket)
                )
                for bucket in (PENDING, AVAILABLE, HELD, RESERVED, PAID)
            }
            earned = sum(value for (each, _), value in balance.earned.items() if each == currency)
            if sum(of.values()) != earned:
                raise Violation(f"{partner} earned {earned} {currency}, and has {of}")
            those = [each for each in found.payouts.values() if (each.partner, each.currency) == (partner, currency)]
            reserved = sum(each.amount for each in those if each.status in RESERVED_IN)
            paid = sum(each.amount for each in those if each.status is PayoutStatus.PAID)
            if (of[RESERVED], of[PAID]) != (reserved, paid):
                raise Violation(
                    f"{partner} has {of[RESERVED]} {currency} reserved and {of[PAID]} paid, its payouts {reserved} and"
                    f" {paid}"
                )


def _as_verified(schedule: RunSchedule) -> None:
    """`introducer verify` finds nothing in what stands there."""
    side, last = PayoutsSide(), {record.place: record.new for record in schedule.store.stream(BOOKS)}
    for at, item in last.items():
        stored = Stored(kind_of(keys.BOOKS, *at), from_wire(item or {}))
        if taker := side.takers.get(stored.kind):
            taker(stored)
        elif stored.kind == "payout_journal":
            side.move(stored)
        elif stored.kind == "balance":
            side.balance(keys.parts(at[0])[1], stored.item)
    for difference in side.differences(PUBLISHED):
        raise Violation(f"verify: {difference}")


def _as_the_provider_did(schedule: RunSchedule, found: Found) -> None:
    """Nothing was paid twice, and the books say of each payout what really became of it."""
    provider = schedule.provider
    if provider.wrong:
        raise Violation(provider.wrong[0])
    for name, payments in provider.payments.items():
        payout = found.payouts.get(name)
        if payout is None:
            raise Violation(f"{name} was paid, and there is no such payout")
        if len(payments) > 1:
            raise Violation(f"{name} was handed over {len(payments)} times")
        if (payments[0].amount, payments[0].currency) != (payout.pays, payout.pay_currency):
            raise Violation(f"{name} was handed over as {payments[0].amount} {payments[0].currency}")
    for payout in found.payouts.values():
        made = provider.payments.get(payout.payout)
        truth = made[0].stands(schedule.now)[0] if made else None
        allowed = {
            None: {PayoutStatus.FAILED, PayoutStatus.SET_ASIDE, PayoutStatus.REJECTED},
            PayoutStatus.PAID: {PayoutStatus.PAID},
            PayoutStatus.FAILED: {PayoutStatus.FAILED},
            PayoutStatus.RETURNED: {PayoutStatus.RETURNED, PayoutStatus.FAILED},
            PayoutStatus.SENT: set[PayoutStatus](),
        }[truth]
        if payout.status not in allowed:
            raise Violation(f"{payout.payout} is {payout.status} ({payout.reason}), and in truth {truth or 'not sent'}")
        if truth is PayoutStatus.RETURNED and payout.status is PayoutStatus.FAILED:
            continue
        if truth is None and payout.status is PayoutStatus.FAILED and not payout.batch:
            raise Violation(f"{payout.payout} failed, and never was in a batch")
