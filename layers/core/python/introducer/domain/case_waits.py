"""How far a case is, and how long its execution waits: what the state machine asks between its steps."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from introducer.domain.case import Case, CaseStatus

FIRST_LOOK, LAST_LOOK = timedelta(seconds=5), timedelta(hours=6)
"""The shortest and the longest time between two looks at something that others are to do."""
_SHARE = 8
"""Between two looks passes an eighth of the time since the first: the engine takes moments, a payout days, and an
execution of AWS has 25,000 events in its life."""
_SHARE_OF_QUESTIONS = 32
"""Likewise between two questions for a verdict, whatever the brand's reminders are: at least so large a part of the
time since the first. With the reminders that the product comes with it makes a difference after two months."""


class Stage(StrEnum):
    """Where an execution goes on that is started again."""

    VERDICT = "verdict"
    """A first verdict is waited for."""
    CARRY_OUT = "carry_out"
    """There is a verdict, the first or the second, that is not carried out."""
    MAY_APPEAL = "may_appeal"
    """The first was carried out, and took something back."""
    APPEALED = "appealed"
    """A second verdict is waited for."""
    DONE = "done"
    """There is nothing left to do but to close it."""
    CLOSED = "closed"


class Due(StrEnum):
    """What it is time for while a verdict is waited for."""

    REMIND = "remind"
    ESCALATE = "escalate"
    RELEASE = "release"
    OVERTURN = "overturn"


def stage(case: Case) -> Stage:
    """How far a case is."""
    if case.is_closed:
        return Stage.CLOSED
    if case.verdict is None:
        return Stage.VERDICT
    if not case.is_carried_out:
        return Stage.CARRY_OUT
    match case.status:
        case CaseStatus.APPEALED:
            return Stage.APPEALED
        case CaseStatus.DISALLOWED:
            return Stage.MAY_APPEAL
        case _:
            return Stage.DONE


def due(case: Case, now: datetime) -> Due:
    """What it is time for at this moment, while a verdict is waited for."""
    if case.status is CaseStatus.APPEALED:
        return Due.OVERTURN if now >= case.escalate_by else Due.REMIND
    if case.status.waits and now >= case.escalate_by:
        return Due.RELEASE
    if case.status is CaseStatus.OPEN and now >= case.decide_by:
        return Due.ESCALATE
    return Due.REMIND


def until_next_question(case: Case, wanted: int, now: datetime) -> int:
    """Seconds until people are asked again for a verdict: in `wanted` seconds, more rarely the longer it takes, and at
    each deadline. At least a minute."""
    began = case.appealed_at if case.status is CaseStatus.APPEALED and case.appealed_at else case.opened_at
    deadline = case.decide_by if case.status is CaseStatus.OPEN else case.escalate_by
    rare = seconds((now - began) / _SHARE_OF_QUESTIONS)
    return max(60, min(max(wanted, rare), seconds(deadline - now)))


def until_next_look(since: datetime, now: datetime) -> int:
    """Seconds until it is time to look again at what others are to do, who began at `since`."""
    return seconds(min(max((now - since) / _SHARE, FIRST_LOOK), LAST_LOOK))


def seconds(wait: timedelta) -> int:
    """In whole seconds, and never less than one: whoever wakes too early would wait again."""
    return max(1, -(-wait // timedelta(seconds=1)))
