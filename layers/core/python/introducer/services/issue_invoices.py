"""Writes the self-billed invoices of payouts that were paid, and the credit notes of those that came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, Invalid
from introducer.domain.invoice import (
    Invoice,
    InvoiceKind,
    TaxProfile,
    due,
    invoice_year,
    make_credit_note,
    make_invoice,
    numbered,
)
from introducer.domain.payout import Payout, PayoutStatus
from introducer.store.configuration import Configuration
from introducer.store.invoices import MOST_AT_ONCE, Invoices
from introducer.store.payouts import Payouts

SYSTEM = "system:issue_invoices"
TRIES = 20
"""How often a series that somebody else goes on with is read again, for each transaction. Between the read and the
write lie some milliseconds."""
PORTION = 200
"""So many payouts of a run are looked at in one go."""


def issue_invoices(
    configuration: Configuration,
    payouts_store: Payouts,
    invoices: Invoices,
    *,
    brand: str,
    run: str,
    payouts: Sequence[Payout],
    now: datetime,
) -> tuple[Invoice, ...]:
    """All documents of these payouts, in their order: those that stand, and those that were missing. The payouts are
    read again: what was paid has an invoice, what came back has a credit note beside it, others have nothing yet.

    Repeating it issues nothing twice, whoever else is at it. Raises `Invalid` for payouts of another run, `Conflict`
    (code `books_changed`) when others go on with the series all the time: try again.
    """
    if any((each.brand, each.run) != (brand, run) for each in payouts):
        raise Invalid("These payouts are not of one run: issue the invoices of each run by itself.", code="other_run")
    wanted = [each.payout for each in payouts]
    found = payouts_store.by_ids(wanted)
    done = [found[each] for each in dict.fromkeys(wanted) if each in found and due(found[each].status)]
    if not done:
        return ()
    named = TaxProfile(legal_name=configuration.brand(brand).name)
    known = {each.of: each.profile for each in invoices.tax_records([brand, *(each.partner for each in done)]).values()}
    desk = _Desk(invoices, brand, known.get(brand, named), known, now)
    return tuple(
        document
        for start in range(0, len(done), MOST_AT_ONCE)
        for document in desk.issued(done[start : start + MOST_AT_ONCE], why=f"payouts of {run}")
    )


def issue_missing_invoices(
    configuration: Configuration, payouts_store: Payouts, invoices: Invoices, *, brand: str, run: str, now: datetime
) -> int:
    """Issues the documents that payouts of a closed run lack, portion after portion; how many payouts lacked one.

    They are of what was heard while the groups of the run had theirs written: what is heard once it is closed is issued
    by whoever hears it. Repeating it issues nothing twice. Raises `Conflict` as `issue_invoices` does.
    """
    count = 0
    everything = (each for each in payouts_store.all_of_run(brand, run) if due(each.status))
    while portion := list(islice(everything, PORTION)):
        standing = invoices.standing([(each.partner, each.payout) for each in portion])
        lacking = [each for each in portion if any((each.payout, kind) not in standing for kind in due(each.status))]
        issue_invoices(configuration, payouts_store, invoices, brand=brand, run=run, payouts=lacking, now=now)
        count += len(lacking)
    return count


def issue_late_invoices(
    configuration: Configuration,
    payouts_store: Payouts,
    invoices: Invoices,
    *,
    payouts: Sequence[str],
    now: datetime,
) -> tuple[Invoice, ...]:
    """All documents of these payouts, by their ids, whatever runs they are of: for what was heard after their run wrote
    its invoices, such as money that came back. Repeating it issues nothing twice. Raises `Conflict` as
    `issue_invoices` does."""
    by_run: dict[tuple[str, str], list[Payout]] = {}
    for payout in payouts_store.by_ids(payouts).values():
        by_run.setdefault((payout.brand, payout.run), []).append(payout)
    return tuple(
        invoice
        for (brand, run), found in sorted(by_run.items())
        for invoice in issue_invoices(
            configuration,
            payouts_store,
            invoices,
            brand=brand,
            run=run,
            payouts=sorted(found, key=lambda payout: payout.payout),
            now=now,
        )
    )


class _Desk:
    """One moment of issuing: for whom, in whose name, in which series."""

    def __init__(
        self, invoices: Invoices, brand: str, customer: TaxProfile, suppliers: Mapping[str, TaxProfile], now: datetime
    ) -> None:
        self._invoices = invoices
        self._brand = brand
        self._customer = customer
        self._suppliers = suppliers
        self._now = now
        self._year = invoice_year(now)

    def issued(self, payouts: Sequence[Payout], why: str) -> list[Invoice]:
        """All documents of these payouts; those that were missing are issued first."""
        places = [(each.partner, each.payout) for each in payouts]
        refused = 0
        while True:
            # The counter first: whatever is issued after it was read, its condition meets.
            last = self._invoices.last_place(self._brand, self._year)
            standing = self._invoices.standing(places)
            missing = self._missing(payouts, standing, last)
            if not missing:
                return [
                    standing[each.payout, kind]
                    for each in payouts
                    for kind in InvoiceKind
                    if (each.payout, kind) in standing
                ]
            change = Change(by=SYSTEM, at=self._now, why=why)
            if self._invoices.issue(self._brand, self._year, last, missing, change):
                continue
            refused += 1
            if refused >= TRIES:
                raise Conflict("Others go on with this series all the time: try again.", code="books_changed")

    def _missing(
        self, payouts: Sequence[Payout], standing: Mapping[tuple[str, InvoiceKind], Invoice], last: int
    ) -> list[Invoice]:
        """The next documents of these payouts, with their numbers: as many as one transaction takes."""
        missing: list[Invoice] = []
        for payout in payouts:
            if len(missing) + len(InvoiceKind) > MOST_AT_ONCE:
                break
            invoice = standing.get((payout.payout, InvoiceKind.INVOICE))
            if invoice is None:
                supplier = self._suppliers.get(payout.partner)
                made = make_invoice(payout, self._customer, supplier, self._paid_at(payout), self._now)
                invoice = numbered(made, self._year, last + len(missing) + 1)
                missing.append(invoice)
            if payout.status is PayoutStatus.RETURNED and (payout.payout, InvoiceKind.CREDIT_NOTE) not in standing:
                note = make_credit_note(invoice, payout.status_since, self._now)
                missing.append(numbered(note, self._year, last + len(missing) + 1))
        return missing

    def _paid_at(self, payout: Payout) -> datetime:
        if payout.status is PayoutStatus.PAID:
            return payout.status_since
        paid = self._invoices.paid_at(payout.partner, payout.payout)
        assert paid is not None, "what came back was paid before"
        return paid
