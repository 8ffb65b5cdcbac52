"""What became of what was sent: asked of the providers, told by people, and when a run has heard enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict, Invalid, Unavailable
from introducer.domain.mail import payout_mail
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import UNSETTLED, Batch, BatchStatus, Payout, PayoutStatus, Run, RunStatus, added_up
from introducer.domain.report import run_summary_mail
from introducer.gateways.rails.protocol import Unsure
from introducer.services.decisions import reason
from introducer.services.reserve_run import set_aside
from introducer.services.send_run import (
    LEASE,
    NO_ANSWER,
    TOLD,
    Sending,
    fail_members,
    give_up,
    joined,
    members_of,
    send_batch,
    take_answer,
)
from introducer.services.set_payout_schedule import check_decider
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts

_TRIES = 5
BY_PEOPLE = frozenset({RailKind.SEPA, RailKind.MANUAL})
"""Rails that no provider answers for: a bank's file or a person says what was paid."""


@dataclass(frozen=True, slots=True)
class Heard:
    """How far a run has heard what was paid."""

    open: int
    """Payouts of which it is not known yet."""
    late: bool
    """Whether it has waited long enough: what is open stays open, and is told."""

    @property
    def done(self) -> bool:
        return self.open == 0 or self.late


def look_up(
    sending: Sending,
    schedules: PayoutSchedules,
    *,
    brand: str,
    run: str,
    now: datetime,
    enough: Callable[[], bool] = lambda: False,
) -> Heard:
    """Asks the rails about all batches of a run that are not done, until `enough` says so, and counts what is open."""
    payouts = sending.payouts
    found = _confirming(payouts, schedules, brand, run, now)
    late = found.confirm_by is not None and now >= found.confirm_by
    open_payouts, at_work = 0, False
    for batch in payouts.batches(brand, run):
        if batch.status is BatchStatus.DONE:
            continue
        if batch.status is BatchStatus.FAILED:
            # It may have been left between the batch and its payouts.
            fail_members(payouts, batch, now)
            continue
        asked = batch if enough() else _asked(sending, batch, now)
        if asked.status is BatchStatus.FAILED:
            # Whatever kept it from being asked may have come between the batch and its payouts.
            fail_members(payouts, asked, now)
        if late and asked.status in (BatchStatus.OPEN, BatchStatus.SEALED):
            # Nobody will try it after this: what became of it is for a person to find out.
            if asked.trying_since is not None and now - asked.trying_since < LEASE:
                at_work = True
            else:
                asked = _let_go(payouts, asked, now)
        left = sum(each.status in UNSETTLED for each in joined(payouts, asked))
        if asked.status is BatchStatus.OPEN:
            # What has not joined it yet is still to be sent.
            left += sum(each.status is PayoutStatus.APPROVED for each in members_of(payouts, asked))
        if left == 0 and asked.status in (BatchStatus.SENT, BatchStatus.UNKNOWN):
            payouts.change_batch(asked, replace(asked, status=BatchStatus.DONE))
        open_payouts += left
    return Heard(open_payouts, late and not at_work)


def close_run(payouts: Payouts, *, brand: str, run: str, now: datetime) -> Run:
    """The run is closed, and its approvers are told what it came to. What it could not hear stays open and may still be
    told; what was never sent, because a step came too late with it, is released. Again changes nothing."""
    for _ in range(_TRIES):
        found = payouts.run(brand, run)
        if found.closed_at is not None:
            set_aside(payouts, payouts.all_of_run(brand, run), now)
            return found
        # Looked at again when one of them was: what the run came to is what its payouts say.
        while set_aside(payouts, everything := list(payouts.all_of_run(brand, run)), now):
            pass
        status = found.status if found.status in (RunStatus.REJECTED, RunStatus.LAPSED) else RunStatus.CLOSED
        change = Change(by="system:payout_run", at=now, why="All its steps are done", origin="payout_run")
        closed = replace(found, status=status, closed_at=now, token="", sums=added_up(everything))
        try:
            return payouts.change_run(found, closed, change, "close_run", [run_summary_mail(closed, now)])
        except Conflict:
            continue
    raise Conflict("The run is being changed by somebody else: try again.", code="run_changed")


def record_outcome(
    payouts: Payouts,
    *,
    member: Member,
    run: str,
    payout: str,
    outcome: PayoutStatus,
    why: str,
    now: datetime,
    version: int = 0,
) -> Payout:
    """A person says what became of a payout: paid, failed, or returned after it was paid. Again changes nothing.
    `version` is that of the payout as the person saw it; 0 where nobody looked at one.

    For rails that no provider answers for, for whatever is unknown, and once the provider is not asked any more because
    all of the batch has ended or the run is closed. Raises `Forbidden` for a role that decides nothing,
    `NotFound`, `Invalid` for another outcome or a reason that is none, `Conflict` when it cannot be, when its batch may
    still be tried (`still_trying`), or it is not as it was seen (`payout_changed`).
    """
    check_decider(member)
    word = reason(why)
    if outcome not in TOLD:
        raise Invalid("Say that it was paid, failed or returned.", code="bad_outcome")
    found = payouts.payout(member.brand, run, payout)
    if found.status is outcome:
        return found
    if version and found.version != version:
        raise Conflict("More was heard of this payout since you looked at it: look again.", code="payout_changed")
    if found.rail not in BY_PEOPLE and found.status is not PayoutStatus.UNKNOWN and _is_asked_about(payouts, found):
        raise Conflict("The provider says what becomes of this payout: wait for it.", code="provider_tells")
    released = outcome is PayoutStatus.FAILED and found.status in UNSETTLED
    unclear = released or found.status in (PayoutStatus.SENDING, PayoutStatus.UNKNOWN)
    if unclear and payouts.batch(member.brand, run, found.batch).status in (BatchStatus.OPEN, BatchStatus.SEALED):
        # It may still be tried, under its one key: money that is released now, or paid by hand, could leave as well.
        raise Conflict("It is still being found out whether this payout left: wait for it.", code="still_trying")
    change = Change(by=member.member, at=now, why=word, origin="portal")
    said = "" if outcome is PayoutStatus.PAID else "told_by_staff"
    mail = payout_mail(TOLD[outcome], replace(found, reason=said), now)
    # What the batch says goes with the payout as it was read before: one that was sent since is looked at again.
    return payouts.step(found, outcome, now, change=change, mails=[mail], as_read=released, reason=said, note=word)


def _is_asked_about(payouts: Payouts, payout: Payout) -> bool:
    """Whether the provider is still asked what becomes of a payout: until its batch is done, or its run closed."""
    if payouts.run(payout.brand, payout.run).closed_at is not None:
        return False
    return not payout.batch or payouts.batch(payout.brand, payout.run, payout.batch).status is not BatchStatus.DONE


def confirm_batch(
    payouts: Payouts,
    *,
    member: Member,
    run: str,
    batch: str,
    why: str,
    now: datetime,
    enough: Callable[[], bool] = lambda: False,
) -> int:
    """A person says that a batch was paid by hand; how many payouts are paid by that, until `enough` says so. Again
    goes on where it stopped, and changes nothing else."""
    check_decider(member)
    found = payouts.batch(member.brand, run, batch)
    if found.rail not in BY_PEOPLE:
        raise Conflict("The provider says what becomes of this batch: wait for it.", code="provider_tells")
    count = 0
    for each in joined(payouts, found):
        if enough():
            break
        if each.status in (PayoutStatus.SENT, PayoutStatus.UNKNOWN):
            record_outcome(
                payouts, member=member, run=run, payout=each.payout, outcome=PayoutStatus.PAID, why=why, now=now
            )
            count += 1
    return count


def _asked(sending: Sending, batch: Batch, now: datetime) -> Batch:
    """The batch after asking. One that cannot be asked or sent just now keeps no other from it."""
    try:
        return _ask(sending, batch, now)
    except Unavailable:
        return sending.payouts.batch(batch.brand, batch.run, batch.batch)


def _ask(sending: Sending, batch: Batch, now: datetime) -> Batch:
    """Asks a rail about one batch. What it does not know, and was tried, is tried again under the same key."""
    payouts, rail = sending.payouts, sending.rails[batch.rail]
    if batch.status is BatchStatus.OPEN or (batch.status is BatchStatus.SEALED and batch.first_tried_at is None):
        return send_batch(sending, brand=batch.brand, run=batch.run, batch=batch.batch, now=now)
    if batch.status is BatchStatus.UNKNOWN and not batch.provider_id:
        # The provider has forgotten the key, and gave no name of its own to ask by.
        return batch
    try:
        handed = rail.look_up(batch, now)
    except Unsure:
        return batch
    if handed is not None:
        return take_answer(payouts, batch, handed, now)
    if batch.status is BatchStatus.SEALED:
        return send_batch(sending, brand=batch.brand, run=batch.run, batch=batch.batch, now=now)
    return batch


def _let_go(payouts: Payouts, batch: Batch, now: datetime) -> Batch:
    """A batch that got no clear answer in all the days that a run waits. Nothing joins it any more, nor is it tried."""
    if batch.status is BatchStatus.OPEN:
        batch = payouts.change_batch(batch, replace(batch, status=BatchStatus.SEALED))
    return give_up(payouts, batch, now, NO_ANSWER)


def _confirming(payouts: Payouts, schedules: PayoutSchedules, brand: str, run: str, now: datetime) -> Run:
    """The run, which has been sent and waits to hear."""
    for _ in range(_TRIES):
        found = payouts.run(brand, run)
        if found.status is not RunStatus.APPROVED:
            return found
        days = schedules.get(brand, found.schedule).confirm_days
        waits = replace(found, status=RunStatus.CONFIRMING, confirm_by=now + timedelta(days=days))
        try:
            return payouts.change_run(found, waits)
        except Conflict:
            continue
    raise Conflict("The run is being changed by somebody else: try again.", code="run_changed")
