"""What every rail promises: handing a batch over, and learning what became of it.

The promise, exactly, because a service that moves money stands on it:

1. A batch is handed over under its own id, for ever. `send` may be called with the same batch and the same transfers
   any number of times, also by two callers at once: the provider or the bank gets it once.
2. `Refused` is final: nothing of the batch has left, through this call or an earlier one, and nothing of it will under
   this key. All its payouts have failed.
3. `NotReached` says that nothing left through *this* call, and that the same call may succeed at another time. What an
   earlier call did is as known or unknown as it was before.
4. `Unsure` says that the batch may have left: look it up later, or `send` it again. That is the same request under the
   same key; it is never sent under a new one, and never with other transfers.
5. `KeyExpired` says that nothing left through this call because the provider may have forgotten the key: to send again
   could pay twice. A person decides. `look_up` may still know.
6. What is raised here names payouts, batches and reasons, and never anything of a destination: neither its text nor its
   cause or context does.

To send again while the provider has *not* got the batch hands it over then: whoever may not be paid any more (a hold
that came meanwhile) is in it all the same, because what is in a sealed batch never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from introducer.domain.errors import IntroducerError, Unavailable
from introducer.domain.payment_profile import Destination, RailKind
from introducer.domain.payout import Batch, PayoutStatus


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Transfer:
    """One payout as a rail needs it. It has no repr, for what it holds in clear."""

    payout: str
    amount: int
    """Minor units of `currency`, above zero."""
    currency: str
    """The pay currency, ISO 4217."""
    destination: Destination
    reference: str
    """What the payee reads beside the money, such as `Northwind partners 2026-11`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known of one payout. Nothing in it tells where the money goes."""

    payout: str
    """Empty in `Handed.rest`."""
    state: PayoutStatus
    """`SENT` while it is under way (also when it waits to be claimed or is under review: `reason` says so), `PAID`,
    `FAILED` when no money reached the payee, or `RETURNED` when it came back. Whether money that came back had been
    paid is for `domain.reconciliation.step_to` to say, which knows how the payout stood."""
    reason: str = ""
    """A stable word (`unclaimed`, `on_hold`, `blocked`, `receiver_account_invalid` …); empty where nothing is odd."""
    note: str = ""
    """The same for people, in a sentence of our own."""
    reference: str = ""
    """The provider's own id of this payment."""
    at: datetime | None = None
    """When it became so, where the provider says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What a rail knows of a batch that it has."""

    provider_id: str = ""
    """The provider's own id of the batch: keep it, `look_up` needs it."""
    file: str = ""
    """The key of its file in the bucket of sent files."""
    outcomes: tuple[Outcome, ...] = ()
    rest: Outcome | None = None
    """What is true of each payout of the batch that `outcomes` does not name; None: nothing is known of those."""

    def of(self, payout: str) -> Outcome | None:
        """What is known of one payout of the batch."""
        return self.all_of([payout]).get(payout)

    def all_of(self, payouts: Iterable[str]) -> Mapping[str, Outcome]:
        """What is known of each of these payouts of the batch."""
        named = {each.payout: each for each in self.outcomes}
        found = {payout: named.get(payout, self.rest) for payout in payouts}
        return {payout: outcome for payout, outcome in found.items() if outcome is not None}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a rail would not take a transfer: found before it is put into a batch, so that it harms no other."""

    reason: str
    """A stable word."""
    note: str
    """A sentence that says what to do; it repeats nothing of the destination."""


class Rail(Protocol):
    """One way for money to leave. All times are aware and passed in."""

    @property
    def kind(self) -> RailKind: ...

    @property
    def most_per_batch(self) -> int:
        """How many transfers one batch may hold."""
        ...

    @property
    def currencies(self) -> frozenset[str] | None:
        """What it pays in; None: any currency."""
        ...

    @property
    def remembers(self) -> timedelta | None:
        """For how long after `Batch.first_tried_at` a repeated `send` is known as one; None: for ever."""
        ...

    @property
    def ready(self) -> bool:
        """Whether there is an account to pay from. Where there is none, a batch is not even sealed: whatever comes
        meanwhile, such as a hold, still counts when there is one."""
        ...

    def check(self, transfer: Transfer) -> Refusal | None:
        """Why this transfer could not be handed over, or None. Asks nobody. `send` refuses a batch with such a one."""
        ...

    def send(self, batch: Batch, transfers: Sequence[Transfer], at: datetime) -> Handed:
        """Hands the batch over; the outcome of each transfer as it is known by then, mostly `SENT`.

        The transfers are all of the batch, in any order. `batch.first_tried_at` is that of the first attempt: None, or
        the same as `at`, in the first one; earlier than `at` in each that follows. Raises `Refused`, `NotReached`,
        `Unsure` or `KeyExpired`.
        """
        ...

    def look_up(self, batch: Batch, at: datetime) -> Handed | None:
        """What has become of a batch that was or may have been handed over. Changes nothing.

        None: the rail cannot tell. Either it never got it, or (`Paypal`) it can only be asked by `provider_id`, and
        that is what is missing: then `send` again. Raises `Unsure` when nobody answered: ask later.
        """
        ...


class NotSent(IntroducerError):
    """Nothing left through this call. Its kinds say whether that is final."""

    code = "not_sent"
    again: bool = False
    """Whether the same call may succeed at another time."""


class Refused(NotSent):
    """Nothing of this batch has left, nor will it. `faults`: those payouts that were the reason, each with its own,
    where that is known; the others failed with them."""

    code = "refused"

    def __init__(
        self, detail: str, *, code: str | None = None, faults: Mapping[str, str] | None = None, **facts: object
    ) -> None:
        super().__init__(detail, code=code, **facts)
        self.faults = dict(faults or {})


class NotReached(NotSent):
    """Nothing left through this call: the provider was not reached, or does not take anything from us just now."""

    code = "not_reached"
    again = True


class KeyExpired(NotSent):
    """The provider may have forgotten this batch's key: to send again could pay twice. A person decides."""

    code = "key_expired"


class Unsure(Unavailable):
    """It may have left: there was no answer, or none that says."""

    code = "unsure"


# ------------------------------------------------------------------------------------------- what every rail does alike


def check_key(batch: Batch, remembers: timedelta | None, at: datetime) -> None:
    """Raises `KeyExpired` when the provider may have forgotten the key of a batch that was tried before."""
    if remembers is not None and batch.first_tried_at is not None and at - batch.first_tried_at >= remembers:
        raise KeyExpired(
            f"The batch {batch.batch} was first handed over {(at - batch.first_tried_at).days} days ago, and its key is"
            " not known any more: look at the provider's own list before anything is paid."
        )


def tried_before(batch: Batch, at: datetime) -> bool:
    """Whether this is not the first attempt: then what is refused now may have been taken before."""
    return batch.first_tried_at is not None and batch.first_tried_at < at


def in_order(rail: Rail, batch: Batch, transfers: Sequence[Transfer]) -> list[Transfer]:
    """The transfers by payout id, so that the same batch is always the same bytes. Raises `Refused` for what no attempt
    could hand over, whenever it is asked, and `NotReached` for transfers that are not the sealed ones."""
    found = sorted(transfers, key=lambda each: each.payout)
    if batch.rail is not rail.kind:
        raise Refused(f"The batch {batch.batch} is for another rail.", code="wrong_rail")
    if not found or len(found) > rail.most_per_batch:
        raise Refused(
            f"A batch holds 1 to {rail.most_per_batch} payouts, {batch.batch} has {len(found)}.", code="batch_size"
        )
    if len({each.payout for each in found}) != len(found):
        raise Refused(f"A payout stands twice in the batch {batch.batch}.", code="payout_twice")
    if batch.count and (len(found), sum(each.amount for each in found)) != (batch.count, batch.pays):
        # Not `Refused`: under this key the right ones may be on their way.
        raise NotReached(f"These are not the payouts that {batch.batch} was sealed with.", code="not_the_batch")
    faults = {}
    for each in found:
        refusal = check_amount(rail, each, batch.currency) or rail.check(each)
        if refusal is not None:
            faults[each.payout] = refusal.reason
    if faults:
        raise Refused(
            f"{len(faults)} of the {len(found)} payouts in the batch {batch.batch} cannot be handed over.",
            code="unpayable",
            faults=faults,
        )
    return found


def check_amount(rail: Rail, transfer: Transfer, currency: str) -> Refusal | None:
    """Why this can be no transfer of a batch in this currency, on any rail."""
    if transfer.destination.rail is not rail.kind:
        return Refusal("wrong_rail", "Its payment profile is for another way of being paid.")
    if transfer.currency != currency or (rail.currencies is not None and currency not in rail.currencies):
        return Refusal("unsupported_currency", f"It is not paid in {transfer.currency} on this rail.")
    if transfer.amount <= 0:
        return Refusal("invalid_amount", "Only amounts above zero are paid.")
    return None


def sent(transfers: Iterable[Transfer]) -> tuple[Outcome, ...]:
    """That all of these are under way."""
    return tuple(Outcome(payout=each.payout, state=PayoutStatus.SENT) for each in transfers)
