"""What a bank's statement, or a provider, says of our payouts, and which steps follow from it.

A payout is found in a statement by its EndToEndId alone, and only when amount and currency are right: what fits
half-way is never guessed at, it is reported with its reason and a person looks. Reading the same file again, or one
that overlaps with it, takes no step twice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from introducer.domain.errors import Conflict
from introducer.domain.money import Money
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import NEXT, Payout, PayoutStatus

# -------------------------------------------------------------------------------------------------------- names of ours

_ID = r"(?<![0-9A-Z])(PAY|BAT)[-_ ]?([0-9A-HJKMNP-TV-Z]{26})(?![0-9A-Z])"
_OURS = re.compile(_ID)
_PREFIX = {"PAY": "pay", "BAT": "bat"}


def bank_id(ours: str) -> str:
    """A payout's or a batch's id as a bank takes it: `pay_01…` is `pay-01…`.

    The characters of a SEPA identification are letters, digits and `/-?:().,'+` (EPC217-08, and the pattern
    `RestrictedIdentificationSEPA1` of the German banks' schemas): a file with an underscore in it is refused whole.
    `ids_in` reads it back, so one id stands for one payout all the same.
    """
    return ours.replace("_", "-")


def ids_in(text: str, prefix: str = "pay") -> tuple[str, ...]:
    """The ids of payouts (or of batches, `bat`) in a text of a bank's, each once. Some banks write capitals only, or
    leave out what is neither letter nor digit."""
    found = (f"{_PREFIX[kind]}_{rest}" for kind, rest in _OURS.findall(text.upper()))
    return tuple(dict.fromkeys(each for each in found if each.startswith(prefix)))


# ------------------------------------------------------------------------------------------------------- what banks say


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntry:
    """One movement on the broker's account, as a statement tells of it: an entry, or one of the transactions that were
    booked together as an entry. It names no account but the broker's own, and that masked."""

    place: str
    """Where it stands in the file: `2.1.3` is the second statement's first entry's third transaction."""
    payouts: tuple[str, ...]
    """The payouts it names. One is what is expected."""
    batches: tuple[str, ...] = ()
    """The batches it names, where payouts were booked together."""
    end_to_end: str = ""
    """As the file has it; empty where there is none."""
    amount: int | None
    """Minor units of `currency`; None when the file says none that can be one."""
    currency: str
    instructed: tuple[int, str] | None = None
    """Minor units and currency that were asked for, where the bank exchanged."""
    debit: bool
    """Whether money left the account."""
    booked: bool
    """Whether it is final. What is pending may still go away."""
    status: str = ""
    """The bank's own word: `BOOK`, `PDNG`, `INFO`."""
    booked_on: str = ""
    """Day of booking, `2026-11-30`; empty where the file says none."""
    value_on: str = ""
    came_back: bool = False
    """Whether the bank says that it gives a payment back."""
    reason: str = ""
    """The return's reason: an ISO 20022 code such as `AC04`, or the bank's own word."""
    note: str = ""
    """What the bank says beside it, without numbers of accounts."""
    reference: str = ""
    """The bank's own reference of it."""
    account: str = ""
    """The broker's account, masked."""


class Says(StrEnum):
    """What an entry says of the payout it names."""

    PAID = "paid"
    RETURNED = "returned"
    PENDING = "pending"
    """It is on its way to being booked: nothing follows yet."""
    KNOWN = "known"
    """What was known already."""


class Unplaceable(StrEnum):
    """Why an entry that concerns our payouts was not placed. A person looks at each."""

    UNKNOWN_PAYOUT = "unknown_payout"
    """It names a payout that this brand does not have."""
    SEVERAL_PAYOUTS = "several_payouts"
    """It names more than one."""
    BATCH_WITHOUT_DETAILS = "batch_without_details"
    """It is a whole batch in one sum: the camt.054 of that day has the payouts one by one."""
    NO_AMOUNT = "no_amount"
    CURRENCY_DIFFERS = "currency_differs"
    AMOUNT_DIFFERS = "amount_differs"
    OTHER_RAIL = "other_rail"
    """The payout does not leave through a bank."""
    NOT_SENT = "not_sent"
    """The payout was not sent, or failed: no money should have moved."""
    PAID_AGAIN = "paid_again"
    """It was paid already, by another booking: it may have left twice."""
    RETURNED_AGAIN = "returned_again"
    """It came back already, by another booking."""
    CREDIT_WITHOUT_RETURN = "credit_without_return"
    """Money came in under this payout's id, and the bank does not say that it is a return."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What one entry says of one payout, and the steps that follow."""

    entry: BankEntry
    payout: str
    says: Says
    steps: tuple[PayoutStatus, ...] = ()
    """To be taken in this order; empty where nothing follows. A return of what was not known to be paid is both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """An entry that nothing follows from, and why."""

    entry: BankEntry
    why: Unplaceable
    payout: str = ""
    """The payout it names, where that is one of ours."""
    detail: str = ""
    """A sentence for whoever looks at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """All of a file: each entry is in one of the three."""

    placed: tuple[Placed, ...]
    unplaced: tuple[Unplaced, ...]
    others: tuple[BankEntry, ...]
    """What does not concern payouts: fees, deposits, other transfers."""

    def counts(self) -> dict[str, int]:
        """How many say what: by `Says`, by `Unplaceable`, and `others`. For a summary and for logs."""
        found = Counter(each.says.value for each in self.placed)
        found.update(each.why.value for each in self.unplaced)
        if self.others:
            found["others"] = len(self.others)
        return dict(sorted(found.items()))


@dataclass(slots=True)
class _Standing:
    """How a payout stands while a file is gone through."""

    status: PayoutStatus
    paid_by: str = ""
    """The bank's reference of the booking that paid it, as far as it is known."""
    returned_by: str = ""
    places: dict[bool, str] = field(default_factory=dict)
    """Where this file has said that it left (True) and that it came back (False)."""

    def again(self, entry: BankEntry, known: str) -> bool:
        """Whether this is another booking than the one that is known. Where the bank gives none of its references it is
        taken for the same, but not within one entry: what stands twice in there was booked twice."""
        before = self.places.get(entry.debit, "")
        if before and _entry_of(before) == _entry_of(entry.place):
            return True
        return bool(entry.reference and known and entry.reference != known)


def named_in(entries: Iterable[BankEntry]) -> tuple[str, ...]:
    """The payouts that a file names, each once: those to read before `reconcile`."""
    return tuple(dict.fromkeys(payout for entry in entries for payout in entry.payouts))


def reconcile(entries: Sequence[BankEntry], payouts: Mapping[str, Payout]) -> Reconciled:
    """What the entries of one file say. `payouts` are those of the brand that the file names, as they stand now.

    What left is looked at before what came in, whatever their order in the file: a payout that was paid and came back
    on one day takes both steps.
    """
    standing = {payout: _as_it_stands(found) for payout, found in payouts.items()}
    placed: list[Placed] = []
    unplaced: list[Unplaced] = []
    others: list[BankEntry] = []
    for entry in sorted(entries, key=lambda each: not each.debit):
        if not entry.payouts:
            if entry.batches:
                unplaced.append(_unplaced(entry, Unplaceable.BATCH_WITHOUT_DETAILS))
            else:
                others.append(entry)
            continue
        found = payouts.get(entry.payouts[0])
        why = _unfit(entry, found)
        if why is not None or found is None:
            unplaced.append(_unplaced(entry, why or Unplaceable.UNKNOWN_PAYOUT, found))
        elif not entry.booked:
            placed.append(Placed(entry=entry, payout=found.payout, says=Says.PENDING))
        else:
            said = _left(entry, standing[found.payout]) if entry.debit else _came(entry, standing[found.payout])
            if isinstance(said, Unplaceable):
                unplaced.append(_unplaced(entry, said, found))
            else:
                placed.append(Placed(entry=entry, payout=found.payout, says=said[0], steps=said[1]))
    return Reconciled(placed=tuple(placed), unplaced=tuple(unplaced), others=tuple(others))


def _as_it_stands(payout: Payout) -> _Standing:
    standing = _Standing(payout.status)
    if payout.rail is RailKind.MANUAL:
        pass  # a person wrote down some reference: the bank's may be another
    elif payout.status is PayoutStatus.PAID:
        standing.paid_by = payout.reference
    elif payout.status is PayoutStatus.RETURNED:
        standing.returned_by = payout.reference
    return standing


def _unfit(entry: BankEntry, payout: Payout | None) -> Unplaceable | None:
    """Why this entry cannot be of this payout, however the payout stands."""
    if len(entry.payouts) > 1:
        return Unplaceable.SEVERAL_PAYOUTS
    if payout is None:
        return Unplaceable.UNKNOWN_PAYOUT
    if payout.rail is RailKind.PAYPAL:
        return Unplaceable.OTHER_RAIL
    if entry.amount is None:
        return Unplaceable.NO_AMOUNT
    amount, currency = _said(entry, payout)
    if currency != payout.pay_currency:
        return Unplaceable.CURRENCY_DIFFERS
    if amount != payout.pays:
        return Unplaceable.AMOUNT_DIFFERS
    return None


def _said(entry: BankEntry, payout: Payout) -> tuple[int, str]:
    """What to compare with the payout: what was asked for, where the bank took it out of another currency."""
    if entry.instructed is not None and entry.currency != payout.pay_currency:
        return entry.instructed
    return entry.amount or 0, entry.currency


def _left(entry: BankEntry, standing: _Standing) -> tuple[Says, tuple[PayoutStatus, ...]] | Unplaceable:
    """What it says that money left for a payout."""
    if PayoutStatus.PAID in NEXT[standing.status]:
        standing.status, standing.paid_by = PayoutStatus.PAID, entry.reference
        standing.places[True] = entry.place
        return Says.PAID, (PayoutStatus.PAID,)
    if standing.status not in (PayoutStatus.PAID, PayoutStatus.RETURNED):
        return Unplaceable.NOT_SENT
    if standing.again(entry, standing.paid_by):
        return Unplaceable.PAID_AGAIN
    standing.places[True] = entry.place
    standing.paid_by = standing.paid_by or entry.reference
    return Says.KNOWN, ()


def _came(entry: BankEntry, standing: _Standing) -> tuple[Says, tuple[PayoutStatus, ...]] | Unplaceable:
    """What it says that money came in under the id of a payout."""
    if not entry.came_back:
        return Unplaceable.CREDIT_WITHOUT_RETURN
    if standing.status is PayoutStatus.RETURNED:
        if standing.again(entry, standing.returned_by):
            return Unplaceable.RETURNED_AGAIN
        standing.places[False] = entry.place
        return Says.KNOWN, ()
    if standing.status is PayoutStatus.PAID:
        steps: tuple[PayoutStatus, ...] = (PayoutStatus.RETURNED,)
    elif PayoutStatus.PAID in NEXT[standing.status]:
        steps = (PayoutStatus.PAID, PayoutStatus.RETURNED)
    else:
        return Unplaceable.NOT_SENT
    standing.status, standing.returned_by = PayoutStatus.RETURNED, entry.reference
    standing.places[False] = entry.place
    return Says.RETURNED, steps


def _entry_of(place: str) -> list[str]:
    """Statement and entry, without the transaction."""
    return place.split(".")[:2]


_WORDS: Mapping[Unplaceable, str] = {
    Unplaceable.UNKNOWN_PAYOUT: "It names a payout that is not one of this brand's: look whether the file is.",
    Unplaceable.SEVERAL_PAYOUTS: "It names several payouts, and which of them it is about cannot be told.",
    Unplaceable.BATCH_WITHOUT_DETAILS: "It is a whole batch in one sum: upload the camt.054 that lists its payouts.",
    Unplaceable.NO_AMOUNT: "The file says no amount of it that could be compared.",
    Unplaceable.OTHER_RAIL: "This payout does not leave through a bank.",
    Unplaceable.PAID_AGAIN: "It was paid already by another booking: ask the bank whether it left twice.",
    Unplaceable.RETURNED_AGAIN: "It came back already by another booking: ask the bank what this is.",
    Unplaceable.CREDIT_WITHOUT_RETURN: "Money came in under its id, and the bank does not call it a return.",
}


def _unplaced(entry: BankEntry, why: Unplaceable, payout: Payout | None = None) -> Unplaced:
    detail = _WORDS.get(why, "")
    if payout is not None and why in (Unplaceable.AMOUNT_DIFFERS, Unplaceable.CURRENCY_DIFFERS):
        said, ours = Money(*_said(entry, payout)), Money(payout.pays, payout.pay_currency)
        detail = f"The bank says {said}, the payout is {ours}."
    if payout is not None and why is Unplaceable.NOT_SENT:
        word = payout.status.value.replace("_", " ")
        detail = f"The payout is {word}, so no money should have moved: ask the bank what this is."
    return Unplaced(entry=entry, why=why, payout="" if payout is None else payout.payout, detail=detail)


# --------------------------------------------------------------------------------------------------- what providers say


def step_to(status: PayoutStatus, said: PayoutStatus) -> PayoutStatus | None:
    """The step that follows from what a rail says (`Outcome.state`) of a payout that stands so; None: none does.

    Money that came back had been paid, or it never arrived: that depends on how the payout stood, which rails do not
    know. So `RETURNED` of what is not paid is `FAILED`, and `FAILED` of what is paid is `RETURNED`. Raises `Conflict`
    (code `contradiction`) for what cannot follow, such as `PAID` of what failed: a person must look.
    """
    to = said
    if said is PayoutStatus.RETURNED and PayoutStatus.FAILED in NEXT[status]:
        to = PayoutStatus.FAILED
    elif said is PayoutStatus.FAILED and status in (PayoutStatus.PAID, PayoutStatus.RETURNED):
        to = PayoutStatus.RETURNED
    elif said is PayoutStatus.RETURNED and status is PayoutStatus.FAILED:
        to = PayoutStatus.FAILED
    if to is status:
        return None
    if to in NEXT[status]:
        return to
    if to is PayoutStatus.SENT and status in (PayoutStatus.PAID, PayoutStatus.RETURNED):
        return None  # an answer from before: it is known by now how it ended
    raise Conflict(
        f"The payout is {status.value.replace('_', ' ')}, and the provider says {said.value}: look at it by hand.",
        code="contradiction",
        status=status.value,
    )
