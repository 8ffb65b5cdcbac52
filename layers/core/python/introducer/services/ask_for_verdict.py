"""A case waits for people: for a verdict, for an appeal, for the verdict on it. The clock reminds, escalates, and decides
where nobody does: for the partner.

What was decided stands in the case. The execution that waits is only woken: whoever asks again, because the token was
lost or the clock reminded, finds the decision there.
"""

from __future__ import annotations

from datetime import datetime

from introducer.domain.case import Case
from introducer.services.case_books import CaseBooks, Wake


def ask_for_verdict(books: CaseBooks, wake: Wake, *, partner: str, case: str, token: str, now: datetime) -> Case:
    """Keeps the token of the execution that waits, holds what is in question by now, and reminds whoever decides when
    it is time. Of an appealed case it asks for the second verdict.

    A case that is decided wakes the execution at once. Past `decide_by` it is escalated; past `escalate_by` it is
    released by the clock; an appeal that nobody decides in time is overturned. The execution is woken with
    `{"decision": "released" | "disallowed" | "upheld" | "overturned"}`. Raises `NotFound`, `Conflict`, `Unavailable`.
    """
    raise NotImplementedError


def wait_for_appeal(books: CaseBooks, wake: Wake, *, partner: str, case: str, token: str, now: datetime) -> Case:
    """Keeps the token while the partner may appeal. Wakes at once with `{"decision": "appealed"}` when it has, with
    `{"decision": "not_appealed"}` once `appeal_by` has passed. Raises `NotFound`, `Conflict`, `Unavailable`."""
    raise NotImplementedError


def seconds_until_next(case: Case, remind_hours: int, now: datetime) -> int:
    """How long the execution waits before it asks again, unless it is woken: until the next reminder, the next
    deadline, or the next look at money that stands reserved; at least a minute."""
    raise NotImplementedError
