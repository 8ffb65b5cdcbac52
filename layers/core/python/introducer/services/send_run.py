"""Sends what was approved: in batches of one rail and pay currency, each handed over under one key for ever.

The order is what keeps a payout from being sent twice or while it is held. A payout joins its batch in a transaction
that looks at holds and at the payment profile. The batch is sealed: from then on its content is fixed. That it is tried
is written down before it is tried. And whoever finds it tried, tries it again under the same key only while the
provider remembers that key; after that a person decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from introducer.domain.configuration import Change, Status, status_at
from introducer.domain.errors import Conflict
from introducer.domain.mail import MailTemplate, payout_mail
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import (
    UNSETTLED,
    Batch,
    BatchStatus,
    Payout,
    PayoutStatus,
    RunStatus,
    batch_id,
)
from introducer.domain.reconciliation import step_to
from introducer.gateways.rails.protocol import (
    Handed,
    KeyExpired,
    NotReached,
    Outcome,
    Rail,
    Refusal,
    Refused,
    Transfer,
    Unsure,
)
from introducer.gateways.vault import SealBroken, Vault
from introducer.services.decide_run import DETAILS_CHANGED
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payouts import Payouts

_TRIES = 5

LEASE = timedelta(minutes=16)
"""Longer than a function may run (`Timeout` of the payout function): an attempt that began before that has ended,
whatever became of it."""

NOTHING_LEFT, NO_ACCOUNT = "nothing_left_to_send", "no_account"
ON_HOLD, NOT_ACTIVE, PROFILE_BROKEN = "on_hold", "partner_not_active", "profile_broken"
NO_ANSWER = "no_answer"
"""Nobody knows whether the provider took it."""
KEY_EXPIRED = "key_expired"
"""Nobody knows whether it was paid, and the provider has forgotten the key under which it could be asked."""
CONTRADICTION = "contradiction"
"""The rail says of a payout what cannot follow from what the books say of it: a person must look."""


@dataclass(frozen=True)
class Sending:
    """What sending works with."""

    configuration: Configuration
    ledger: Ledger
    payouts: Payouts
    profiles: PaymentProfiles
    vault: Vault
    rails: Mapping[RailKind, Rail]


def plan_batches(payouts: Payouts, rails: Mapping[RailKind, Rail], *, brand: str, run: str) -> list[Batch]:
    """The batches of a run, by rail and pay currency. Planned again, they are the same: they are cut from all payouts
    that the run has, whatever became of them since."""
    found = payouts.run(brand, run)
    if found.status not in (RunStatus.APPROVED, RunStatus.CONFIRMING):
        raise Conflict("This run is not approved.", code="wrong_status")
    ids: dict[tuple[RailKind, str], list[str]] = defaultdict(list)
    for payout in payouts.all_of_run(brand, run):
        ids[payout.rail, payout.pay_currency].append(payout.payout)
    planned = []
    for (rail, currency), those in sorted(ids.items()):
        most = rails[rail].most_per_batch
        for number, start in enumerate(range(0, len(those), most)):
            planned.append(
                payouts.open_batch(
                    Batch(
                        batch=batch_id(brand, run, rail, currency, number),
                        brand=brand,
                        run=run,
                        rail=rail,
                        currency=currency,
                        after=those[start - 1] if start else "",
                        through=those[min(start + most, len(those)) - 1],
                        status=BatchStatus.OPEN,
                    )
                )
            )
    return planned


def send_batch(sending: Sending, *, brand: str, run: str, batch: str, now: datetime) -> Batch:
    """Sends a batch; again, it goes on where it stopped, and what is sent is not sent again. One that somebody else is
    at, or that got no clear answer, is answered as it is (`sealed`), and so is one whose rail has no account to pay
    from (`open`): look it up later.

    Raises `Unavailable` when tables, keys or a rail's own store do not answer: try again.
    """
    payouts = sending.payouts
    found = payouts.batch(brand, run, batch)
    opened: dict[str, Transfer] = {}
    if found.status is BatchStatus.OPEN:
        if not sending.rails[found.rail].ready:
            noted = replace(found, note=NO_ACCOUNT)
            return found if noted == found else payouts.change_batch(found, noted)
        found = _seal(sending, found, opened, now)
    if found.status is BatchStatus.FAILED:
        # It may have been left between the batch and its payouts.
        fail_members(payouts, found, now)
    if found.status is not BatchStatus.SEALED:
        return found
    members = joined(payouts, found)
    if not members:
        return payouts.change_batch(found, replace(found, status=BatchStatus.DONE, note=NOTHING_LEFT))
    if found.trying_since is not None and now - found.trying_since < LEASE:
        return found
    transfers = _transfers(sending, members, opened)
    # Before it is tried: whoever finds this knows that it may have left, and that somebody is at it.
    tried = replace(
        found,
        first_tried_at=found.first_tried_at or now,
        trying_since=now,
        count=len(members),
        pays=sum(payout.pays for payout in members),
    )
    return _try(sending, payouts.change_batch(found, tried), members, transfers, now)


def _try(sending: Sending, batch: Batch, members: list[Payout], transfers: list[Transfer], now: datetime) -> Batch:
    """Hands a batch over, and writes down what came of it. Had somebody else begun to hand it over meanwhile, the batch
    is not as it was, and nothing is written."""
    payouts = sending.payouts
    tried = replace(batch, trying_since=None)
    try:
        handed = sending.rails[batch.rail].send(batch, transfers, now)
    except Refused as error:
        # The batch first: one that is not marked would be tried again, after its money was released.
        note = next(iter(error.faults.values()), error.code)
        failed = payouts.change_batch(batch, replace(tried, status=BatchStatus.FAILED, note=note))
        fail_members(payouts, failed, now)
        return failed
    except KeyExpired:
        return give_up(payouts, tried, now)
    except NotReached:
        return payouts.change_batch(batch, tried)
    except Unsure:
        for payout in members:
            if payout.status is PayoutStatus.SENDING:
                _step_unless_further(payouts, payout, PayoutStatus.UNKNOWN, now, reason=NO_ANSWER)
        return payouts.change_batch(batch, tried)
    return take_answer(payouts, tried, handed, now)


def take_answer(payouts: Payouts, batch: Batch, handed: Handed, now: datetime) -> Batch:
    """What a rail says of a batch that it has, in the books. The payouts first: a batch that says it is sent is not
    handed over again. What contradicts the books is noted at the batch, and stops none of the others."""
    members = joined(payouts, batch)
    outcomes = handed.all_of(payout.payout for payout in members)
    note = batch.note
    for payout in members:
        told = outcomes.get(payout.payout)
        if payout.status in (PayoutStatus.SENDING, PayoutStatus.UNKNOWN):
            under_way = told if told is not None and told.state is PayoutStatus.SENT else _UNDER_WAY
            _step_unless_further(
                payouts, payout, PayoutStatus.SENT, now, reason=under_way.reason, note=under_way.note,
                reference=under_way.reference or payout.reference,
            )  # fmt: skip
        if told is None or told.state is PayoutStatus.SENT:
            # That all of a batch is under way is said again long after some of it has ended.
            continue
        try:
            # What is said of the rest names no payout.
            take_outcome(payouts, replace(told, payout=payout.payout), now)
        except Conflict as error:
            if error.code != CONTRADICTION:
                raise
            note = CONTRADICTION
    sent = replace(
        batch,
        status=BatchStatus.SENT,
        note=note,
        provider_id=handed.provider_id or batch.provider_id,
        file=handed.file or batch.file,
    )
    return batch if sent == batch else payouts.change_batch(batch, sent)


def give_up(payouts: Payouts, batch: Batch, now: datetime, reason: str = KEY_EXPIRED) -> Batch:
    """Nobody can tell any more whether a batch was paid: its payouts wait for a person, with their money reserved. It
    is never handed over again."""
    for payout in joined(payouts, batch):
        if payout.status in (PayoutStatus.SENDING, PayoutStatus.SENT):
            _step_unless_further(payouts, payout, PayoutStatus.UNKNOWN, now, reason=reason)
        elif payout.status is PayoutStatus.UNKNOWN:
            # It may have been tried once more since somebody looked at the provider's list: they look again.
            payouts.say_again(payout, reason)
    return payouts.change_batch(batch, replace(batch, status=BatchStatus.UNKNOWN, note=reason))


def take_outcome(payouts: Payouts, outcome: Outcome, now: datetime, change: Change | None = None) -> Payout:
    """What a rail or a bank says about a payout, in the books: with its money, and a mail to the partner; `change` is
    whoever handed it in, where that was a person. What was taken before changes nothing.

    Raises `NotFound` for a payout that is none, `Conflict` (code `contradiction`) for what can never be.
    """
    for _ in range(_TRIES):
        payout = payouts.by_id(outcome.payout)
        to = step_to(payout.status, outcome.state)
        if to is None:
            return payout
        told = replace(
            payout,
            reason=outcome.reason,
            note=outcome.note,
            reference=outcome.reference or payout.reference,
        )
        template = TOLD.get(to)
        mails = [] if template is None else [payout_mail(template, told, now)]
        try:
            return payouts.step(
                payout, to, now, change=change, mails=mails, reason=told.reason, note=told.note,
                reference=told.reference,
            )  # fmt: skip
        except Conflict as error:
            # Somebody else has heard more meanwhile: look again what follows now.
            if error.code != "wrong_status":
                raise
    raise Conflict("The payout is being changed by somebody else: try again.", code="books_changed")


TOLD: Mapping[PayoutStatus, MailTemplate] = {
    PayoutStatus.PAID: MailTemplate.PAYOUT_PAID,
    PayoutStatus.FAILED: MailTemplate.PAYOUT_FAILED,
    PayoutStatus.RETURNED: MailTemplate.PAYOUT_RETURNED,
}
"""What the partner is told of."""

_UNDER_WAY = Outcome(payout="", state=PayoutStatus.SENT)


def fail_members(payouts: Payouts, batch: Batch, now: datetime) -> None:
    """Nothing of a batch was sent: the money of each of its payouts is released, and the partner is told."""
    for payout in joined(payouts, batch):
        if payout.status in UNSETTLED:
            mail = payout_mail(MailTemplate.PAYOUT_FAILED, replace(payout, reason=batch.note), now)
            _step_unless_further(payouts, payout, PayoutStatus.FAILED, now, mails=[mail], reason=batch.note)


def _step_unless_further(payouts: Payouts, payout: Payout, to: PayoutStatus, now: datetime, **more: Any) -> None:
    """A step, unless somebody else has meanwhile taken the payout to where it cannot follow any more."""
    try:
        payouts.step(payout, to, now, **more)
    except Conflict as error:
        if error.code != "wrong_status":
            raise


def _seal(sending: Sending, batch: Batch, opened: dict[str, Transfer], now: datetime) -> Batch:
    """Its approved payouts join a batch, those excepted that something came between; then nothing joins it any more.
    What was opened for that is kept in `opened`."""
    payouts, rail = sending.payouts, sending.rails[batch.rail]
    approved = [each for each in members_of(payouts, batch) if each.status is PayoutStatus.APPROVED]
    for payout in approved:
        try:
            [transfer] = _transfers(sending, [payout], opened)
            refusal = rail.check(transfer)
        except SealBroken as error:
            # One that does not open must not hold up the others; whoever entered it can enter it anew.
            refusal = Refusal(PROFILE_BROKEN, error.detail)
        if refusal is not None:
            _step_unless_further(payouts, payout, PayoutStatus.SET_ASIDE, now, reason=refusal.reason, note=refusal.note)
        else:
            _join(sending, payout, batch, now)
    return payouts.change_batch(batch, replace(batch, status=BatchStatus.SEALED, note=""))


def _join(sending: Sending, payout: Payout, batch: Batch, now: datetime) -> None:
    """One payout joins the batch, or is set aside with the reason."""
    payouts = sending.payouts
    for _ in range(_TRIES):
        if payout.status is not PayoutStatus.APPROVED:
            return
        reason = _obstacle(sending, payout, now)
        if reason:
            # Another may have put it into the batch before this came between.
            _step_unless_further(payouts, payout, PayoutStatus.SET_ASIDE, now, reason=reason)
            return
        if payouts.begin_sending(payout, batch, now) is not None:
            return
        if payouts.batch(batch.brand, batch.run, batch.batch).status is not BatchStatus.OPEN:
            raise Conflict("Somebody else has sealed this batch: look at it again.", code="batch_changed")
        payout = payouts.payout(payout.brand, payout.run, payout.payout)
    raise Conflict("The payout is being changed by somebody else: try again.", code="books_changed")


def _obstacle(sending: Sending, payout: Payout, now: datetime) -> str:
    """What came between reserving and sending; empty for nothing. Holds and the profile are looked at again in the
    transaction itself."""
    if sending.ledger.balance(payout.partner).holds:
        return ON_HOLD
    profile = sending.profiles.of_partner(payout.partner)
    if profile is None or profile.version != payout.profile_version:
        return DETAILS_CHANGED
    partner = sending.configuration.partner(payout.partner)
    status = partner.status
    if partner.status_since is not None and partner.status_since > now:
        status = status_at(now, sending.configuration.standings(payout.partner))
    return "" if status is Status.ACTIVE else NOT_ACTIVE


def members_of(payouts: Payouts, batch: Batch) -> Iterator[Payout]:
    """The payouts of a batch's rail and currency in its range."""
    for payout in payouts.all_of_run(batch.brand, batch.run, batch.after, batch.through):
        if (payout.rail, payout.pay_currency) == (batch.rail, batch.currency):
            yield payout


def joined(payouts: Payouts, batch: Batch) -> list[Payout]:
    """The payouts that are in a batch, whatever became of them."""
    return [payout for payout in members_of(payouts, batch) if payout.batch == batch.batch]


def _transfers(sending: Sending, members: list[Payout], opened: dict[str, Transfer]) -> list[Transfer]:
    """What the rail is told: destinations in clear, which go nowhere else. Those in `opened` are not opened again."""
    closed = [payout for payout in members if payout.payout not in opened]
    profiles = sending.profiles.of_versions((payout.partner, payout.profile_version) for payout in closed)
    for payout in closed:
        profile = profiles[payout.partner, payout.profile_version]
        opened[payout.payout] = Transfer(
            payout=payout.payout,
            amount=payout.pays,
            currency=payout.pay_currency,
            destination=sending.vault.open(profile.partner, profile.version, profile.sealed, profile.data_key),
            reference=f"{payout.run} {payout.payout}",
        )
    return [opened[payout.payout] for payout in members]
