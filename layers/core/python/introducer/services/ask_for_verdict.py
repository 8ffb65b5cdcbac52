"""A case waits for people: for a verdict, for an appeal, for the verdict on it. The clock reminds, escalates, and
decides where nobody does: for the partner.

What was decided stands in the case. The execution that waits is only woken: whoever asks again, because the token was
lost or the clock reminded, finds the decision there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from introducer.domain.case import CLOCK, Case, CaseStatus
from introducer.domain.case_mail import escalated_mails, reminder_mails
from introducer.domain.case_rules import BY_CLOCK, by_the_clock, due, reminded
from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict
from introducer.domain.mail import Mail
from introducer.services.case_books import TRIES, CaseBooks, Wake
from introducer.services.hold_money import hold_money
from introducer.store.cases import Step

LOOK_AGAIN = timedelta(minutes=30)
"""How soon it is looked again whether what stands reserved came back."""
SOONEST = timedelta(minutes=1)
"""What waits, waits so long at least: a clock that is a little behind asks no thousand times."""


def ask_for_verdict(books: CaseBooks, wake: Wake, *, partner: str, case: str, token: str, now: datetime) -> Case:
    """Keeps the token of the execution that waits (without one: that of whoever asked before), holds what is in
    question by now, and reminds whoever decides when it is time. Of an appealed case it asks for the second verdict.

    A case that is decided wakes the execution at once. Past `decide_by` it is escalated; past `escalate_by` it is
    released by the clock; an appeal that nobody decides in time is overturned. The execution is woken with
    `{"decision": "released" | "disallowed" | "upheld" | "overturned"}`. Raises `NotFound`, `Conflict`, `Unavailable`.
    """
    for _ in range(TRIES):
        found = hold_money(books, partner=partner, case=case, now=now)
        if not found.status.waits:
            wake(token, {"decision": found.status.value})
            return found
        policy = books.cases.policy(found.brand)
        after = by_the_clock(found, now)
        change = Change(by=CLOCK, at=now, why=BY_CLOCK, origin="fraud_case")
        if not after.status.waits:
            written = books.cases.write(Step(before=found, after=after, change=change, action=f"case_{after.status}"))
            if written is None:
                continue
            wake(token, {"decision": written.status.value})
            return written
        escalated = after.status is not found.status
        after = reminded(replace(after, token=token or found.token), policy, now)
        if escalated:
            step = Step(
                before=found,
                after=after,
                change=change,
                action="escalate_case",
                mails=tuple(escalated_mails(after, now)),
            )
        else:
            mails = _reminders(books, after, now) if after.reminders > found.reminders else ()
            step = Step(before=found, after=after, mails=mails)
        written = books.cases.write(step)
        if written is not None:
            return written
    raise Conflict("The case is being changed by somebody else: try again.", code="case_changed")


def wait_for_appeal(books: CaseBooks, wake: Wake, *, partner: str, case: str, token: str, now: datetime) -> Case:
    """Keeps the token while the partner may appeal. Wakes at once with `{"decision": "appealed"}` when it has, with
    `{"decision": "not_appealed"}` once `appeal_by` has passed. Raises `NotFound`, `Conflict` (`nothing_to_appeal` when
    there is no verdict that could be appealed against), `Unavailable`."""
    for _ in range(TRIES):
        found = books.cases.case(partner, case)
        if found.appealed_at is not None:
            wake(token, {"decision": "appealed"})
            return found
        if found.status is not CaseStatus.DISALLOWED or found.appeal_by is None:
            raise Conflict("There is no verdict to appeal against.", code="nothing_to_appeal")
        if found.is_closed or now >= found.appeal_by:
            wake(token, {"decision": "not_appealed"})
            return found
        written = books.cases.write(Step(before=found, after=replace(found, token=token)))
        if written is not None:
            return written
    raise Conflict("The case is being changed by somebody else: try again.", code="case_changed")


def seconds_until_next(case: Case, remind_hours: int, now: datetime) -> int:
    """How long the execution waits before it asks again, unless it is woken: until the next reminder, the next
    deadline, or the next look at money that stands reserved; at least a minute."""
    moments = [now + LOOK_AGAIN] if case.stop else []
    if case.status.waits:
        moments.append(due(case))
        if case.asked_at is not None:
            moments.append(case.asked_at + (case.reminders + 1) * timedelta(hours=remind_hours))
    elif case.appeal_by is not None:
        moments.append(case.appeal_by)
    wait = max(SOONEST, min(moments, default=now) - now)
    # Upwards: a second too early would be one question more.
    return -(-wait // timedelta(seconds=1))


def _reminders(books: CaseBooks, case: Case, now: datetime) -> tuple[Mail, ...]:
    manager = books.configuration.partner(case.partner).manager or ""
    return tuple(reminder_mails(case, now, decide_by=due(case), manager=manager))
