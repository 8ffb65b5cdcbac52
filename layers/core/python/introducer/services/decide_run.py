"""A run waits for a second person, who approves it or not; single payouts can be taken out of it before.

What was decided stands in the run. The execution that waits is only woken: whoever asks again, because the token was
lost or the clock reminded, finds the decision there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict, Forbidden
from introducer.domain.mail import payouts_waiting_mail
from introducer.domain.payout import Payout, PayoutStatus, Run, RunStatus, added_up
from introducer.services.decisions import reason
from introducer.services.set_payout_schedule import check_decider
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts

Wake = Callable[[str, Mapping[str, str]], bool]
"""Wakes the execution that waits with a token; whether it did."""

DETAILS_CHANGED = "details_changed"
"""Why a payout is set aside whose partner's payment profile is another by now."""
LAPSED, NOT_APPROVED, TAKEN_OUT = "run_lapsed", "run_rejected", "taken_out"
"""Why a payout is rejected: nobody decided in time, the run was rejected, or this payout alone."""

_TRIES = 5
_DECIDED = {
    RunStatus.APPROVED: "approved",
    RunStatus.CONFIRMING: "approved",
    RunStatus.CLOSED: "approved",
    RunStatus.REJECTED: "rejected",
    RunStatus.LAPSED: "lapsed",
}


def ask_for_approval(
    schedules: PayoutSchedules, payouts: Payouts, wake: Wake, *, brand: str, run: str, token: str, now: datetime
) -> Run:
    """Keeps the token of the execution that waits, and tells the approvers; again when it is time to remind them.

    A run that is decided wakes the execution at once. One whose deadline has passed lapses, and wakes it too.
    """
    for _ in range(_TRIES):
        found = payouts.run(brand, run)
        if found.status in _DECIDED:
            wake(token, {"decision": _DECIDED[found.status]})
            return found
        schedule = schedules.get(brand, found.schedule)
        asked = found.asked_at or now
        deadline = found.deadline or asked + timedelta(hours=schedule.deadline_hours)
        if now >= deadline:
            lapsed = replace(found, status=RunStatus.LAPSED, decided_at=now, decided_by="system:payout_run", token="")
            change = Change(by="system:payout_run", at=now, why="Nobody decided in time", origin="payout_run")
            try:
                found = payouts.change_run(found, lapsed, change, "lapse_run")
            except Conflict:
                continue
            wake(token, {"decision": "lapsed"})
            return found
        # By the clock and not by how often it is asked: a step that is tried again reminds nobody twice.
        # Never fewer than before: a step that began earlier would send a reminder's mail, which is there, for ever.
        reminders = max(found.reminders, (now - asked) // timedelta(hours=schedule.remind_hours))
        first = found.asked_at is None
        waiting = replace(
            found, status=RunStatus.WAITING, token=token, asked_at=asked, deadline=deadline, reminders=reminders
        )
        mails = [payouts_waiting_mail(waiting, now)] if first or reminders > found.reminders else []
        try:
            return payouts.change_run(found, waiting, mails=mails)
        except Conflict:
            continue
    raise Conflict("The run is being changed by somebody else: try again.", code="run_changed")


def decide_run(
    payouts: Payouts,
    profiles: PaymentProfiles,
    wake: Wake,
    *,
    member: Member,
    run: str,
    version: int,
    approve: bool,
    why: str,
    now: datetime,
) -> Run:
    """Approves or rejects a run as it was read (`version`). Deciding again the way it was decided changes nothing.

    Raises `Forbidden` for a role that decides nothing (`finance_only`) and for whoever started the run
    (`same_person`), `Invalid` for a reason that is none, and `Conflict` when it was decided otherwise
    (`decided_already`), is not as it was read (`run_changed`), or bank details were changed since it was made
    (`details_changed`): those payouts are taken out of it first, and it is to be looked at again.
    """
    check_decider(member)
    word = reason(why)
    found = payouts.run(member.brand, run)
    wanted = RunStatus.APPROVED if approve else RunStatus.REJECTED
    if found.status in _DECIDED:
        if _DECIDED[found.status] != ("approved" if approve else "rejected"):
            raise Conflict(f"This run is {_DECIDED[found.status]} already.", code="decided_already")
        return found
    if found.started_by == member.member:
        raise Forbidden("Whoever starts a run does not decide it: ask a second person.", code="same_person")
    if found.status is not RunStatus.WAITING:
        raise Conflict("This run does not wait for a decision yet: look again in a moment.", code="not_waiting")
    if found.version != version:
        raise Conflict("The run changed since you looked at it: look again.", code="run_changed")
    if approve and found.deadline is not None and now >= found.deadline:
        raise Conflict(
            "The deadline of this run has passed: it lapses, its money is available again, and the next run pays it.",
            code="deadline_passed",
        )
    if approve:
        changed = _take_out_changed(payouts, profiles, found, now)
        if changed:
            raise Conflict(
                f"Payment details were changed since the run was made: {changed} payouts were taken out of it. "
                "Look at the run again.",
                code=DETAILS_CHANGED,
                payouts=changed,
            )
        sums = added_up(list(payouts.all_of_run(member.brand, run)))
        if sums != found.sums:
            # A step that came late has made one more, or released one: nobody approves what no sum has shown.
            payouts.change_run(found, replace(found, sums=sums))
            raise Conflict("The run's payouts changed since they were added up: look again.", code="run_changed")
    decided = replace(found, status=wanted, decided_at=now, decided_by=member.member, decision=word, token="")
    change = Change(by=member.member, at=now, why=word, origin="portal")
    decided = payouts.change_run(found, decided, change, "approve_run" if approve else "reject_run")
    if found.token:
        wake(found.token, {"decision": _DECIDED[wanted]})
    return decided


def reject_payout(payouts: Payouts, *, member: Member, run: str, payout: str, why: str, now: datetime) -> Payout:
    """Takes one payout out of a run that waits; its money is available again, for the next run. Again changes nothing.

    Raises `Forbidden` for a role that decides nothing, `NotFound`, `Invalid` for a reason that is none, `Conflict` when
    the run does not wait any more.
    """
    check_decider(member)
    word = reason(why)
    before = payouts.payout(member.brand, run, payout)
    change = Change(by=member.member, at=now, why=word, origin="portal")
    return _take_out(payouts, before, PayoutStatus.REJECTED, now, change=change, reason=TAKEN_OUT, note=word)


def approve_group(payouts: Payouts, *, brand: str, run: str, after: str, through: str, now: datetime) -> int:
    """The payouts of a group, of a run that was approved, are approved; how many are, or went on from there."""
    if payouts.run(brand, run).status not in (RunStatus.APPROVED, RunStatus.CONFIRMING):
        raise Conflict("This run is not approved.", code="wrong_status")
    count = 0
    for payout in payouts.all_of_run(brand, run, after, through):
        if payout.status is PayoutStatus.CREATED:
            try:
                payouts.step(payout, PayoutStatus.APPROVED, now)
            except Conflict as error:
                # Another has approved it before, and it went on from there.
                if error.code != "wrong_status":
                    raise
        count += payout.status not in (PayoutStatus.REJECTED, PayoutStatus.SET_ASIDE)
    return count


def release_group(payouts: Payouts, *, brand: str, run: str, after: str, through: str, now: datetime) -> int:
    """The payouts of a group, of a run that was rejected or lapsed, are rejected; how many there are."""
    found = payouts.run(brand, run)
    if found.status not in (RunStatus.REJECTED, RunStatus.LAPSED):
        raise Conflict("This run is not rejected.", code="wrong_status")
    why = NOT_APPROVED if found.status is RunStatus.REJECTED else LAPSED
    count = 0
    for payout in payouts.all_of_run(brand, run, after, through):
        if payout.status is PayoutStatus.CREATED:
            payouts.step(payout, PayoutStatus.REJECTED, now, reason=why, note=found.decision)
        count += 1
    return count


def _take_out_changed(payouts: Payouts, profiles: PaymentProfiles, run: Run, now: datetime) -> int:
    """Sets payouts aside whose partners are paid elsewhere by now; how many."""
    count = 0
    waiting: list[Payout] = []

    def look() -> int:
        current = profiles.of_partners(payout.partner for payout in waiting)
        changed = [
            payout
            for payout in waiting
            if (profile := current.get(payout.partner)) is None or profile.version != payout.profile_version
        ]
        waiting.clear()
        return sum(
            _take_out(payouts, payout, PayoutStatus.SET_ASIDE, now, reason=DETAILS_CHANGED).reason == DETAILS_CHANGED
            for payout in changed
        )

    for payout in payouts.all_of_run(run.brand, run.run):
        if payout.status is PayoutStatus.CREATED:
            waiting.append(payout)
        if len(waiting) == 100:
            count += look()
    return count + look()


def _take_out(
    payouts: Payouts, payout: Payout, to: PayoutStatus, now: datetime, *, change: Change | None = None, **said: str
) -> Payout:
    """Takes a payout out of its run, whose sums follow: whoever read the run before has to look again. What was taken
    out already is answered as it is. Raises `Conflict` when the run does not wait any more."""
    for _ in range(_TRIES):
        if payout.status in (PayoutStatus.REJECTED, PayoutStatus.SET_ASIDE):
            return payout
        run = payouts.run(payout.brand, payout.run)
        if run.status is not RunStatus.WAITING:
            raise Conflict("Only a run that waits for its decision can be changed.", code="not_waiting")
        taken = payouts.take_out(run, payout, to, now, change=change, **said)
        if taken is not None:
            return taken[1]
        payout = payouts.payout(payout.brand, payout.run, payout.payout)
    raise Conflict("The run is being changed by somebody else: try again.", code="run_changed")
