"""Sequences: timed mails to one partner, each step once, under conditions, until a goal is reached.

What comes next is a pure function of the sequence, of how far the partner is, of what is true of it, and of the moment.
A step's wait counts from the step before it, whether that was sent or left out. When its time comes a step is sent if
all of its conditions hold, and left out for good if one does not. Steps are known by their ids: staff may change a
sequence while partners walk it, and nobody gets a step twice.

Whoever walks a sequence looks once a day at least: a goal that is met, a last owner who unsubscribes, a step that staff
bring forward is seen by then. Behind the last step the goal may be met a while longer, so that it is known of that step
too whether it helped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from introducer.domain import forms
from introducer.domain.configuration import Status
from introducer.domain.console_names import slug
from introducer.domain.errors import Invalid
from introducer.domain.mail_text import MailText, check_text

ONBOARDING = "onboarding"
"""The sequence that begins when a partner is registered."""

LONGEST = timedelta(days=180)
"""A sequence that is not over by then is given up: the partner was suspended all along, or has nobody to write to."""
LOOK_AGAIN = timedelta(days=1)
"""How long to wait where only others can change something, and in one go anyway: in 180 days that makes some 2,000
events of an execution, of the 25,000 that AWS allows."""
GOAL_AFTER = timedelta(days=14)
"""For so long behind its last step a partner may still reach the goal."""
MOST_STEPS = 20
LONGEST_WAIT = 90 * 24
"""Of a step, in hours."""
MOST_BYTES = 300_000
"""Of all texts of a sequence together: it is one item of DynamoDB, which ends at 400 KB."""

_STEP = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


class Fact(StrEnum):
    """What a condition asks of a partner."""

    HAS_LINK = "has_link"
    HAS_CLICK = "has_click"
    HAS_FTD = "has_ftd"
    HAS_TERMS = "has_terms"
    """It was offered some, accepted or not."""
    ACCEPTED_TERMS = "accepted_terms"
    HAS_PAYMENT_PROFILE = "has_payment_profile"


class Condition(NamedTuple):
    """That something is true of a partner, or that it is not."""

    fact: Fact
    holds: bool = True

    @property
    def word(self) -> str:
        """As it is kept and typed: `has_link`, `not_has_link`."""
        return self.fact.value if self.holds else f"not_{self.fact.value}"


CONDITIONS: Mapping[str, Condition] = {
    condition.word: condition for fact in Fact for condition in (Condition(fact), Condition(fact, False))
}
"""All there are, by their words."""


class Place(StrEnum):
    """Where a step's button leads in the portal."""

    START = "/"
    LINKS = "/links"
    DEAL = "/deal"
    PAYMENT = "/settings/payment"
    EARNINGS = "/earnings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One mail."""

    step: str
    """Its id: it never changes, for by it is known who had it."""
    wait_hours: int
    """Since the step before, or the beginning."""
    conditions: tuple[Condition, ...] = ()
    """All have to hold when its time comes; else it is left out."""
    text: MailText
    place: Place = Place.START


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """What a brand writes to each new partner, in order."""

    brand: str
    sequence: str
    steps: tuple[Step, ...]
    goal: Fact | None
    """What ends it early; None: nothing but its last step."""
    on: bool = False
    """Whether it is begun for new partners, and goes on for those who walk it."""
    version: int = 0
    """How often it was changed; 0 for the default that nobody has touched."""


class End(StrEnum):
    """Why a sequence is over for a partner."""

    GOAL = "goal"
    UNSUBSCRIBED = "unsubscribed"
    """None of its owners wants these mails."""
    DONE = "done"
    """There is no further step, and the goal was not reached in the days after the last one."""
    BLOCKED = "blocked"
    EXPIRED = "expired"


class Done(NamedTuple):
    """A step that had its time."""

    step: str
    at: datetime
    sent: bool
    """False: it was left out, for a condition did not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a partner is."""

    brand: str
    partner: str
    sequence: str
    started_at: datetime
    done: tuple[Done, ...] = ()
    """In their order."""
    end: End | None = None
    ended_at: datetime | None = None
    version: int = 1

    @property
    def since(self) -> datetime:
        """From when the next wait counts."""
        return self.done[-1].at if self.done else self.started_at

    @property
    def last_sent(self) -> str | None:
        """The step that was sent last; None where none was."""
        return next((each.step for each in reversed(self.done) if each.sent), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is true of a partner at a moment."""

    true: frozenset[Fact] = frozenset()
    status: Status = Status.ACTIVE
    owners: int = 1
    """How many people can be written to."""
    willing: int = 1
    """How many of them have not switched these mails off."""

    def hold(self, conditions: Many[Condition]) -> bool:
        return all((each.fact in self.true) is each.holds for each in conditions)


class Wait(NamedTuple):
    """Nothing is to be done before a moment."""

    until: datetime


class Send(NamedTuple):
    """The step's time has come, and its conditions hold."""

    step: Step


class Skip(NamedTuple):
    """The step's time has come, and a condition does not hold."""

    step: Step


class Over(NamedTuple):
    """Nothing comes any more."""

    end: End


Next = Wait | Send | Skip | Over


def next_step(sequence: Sequence, state: Progress, facts: Facts, now: datetime) -> Next:
    """What is to be done with a partner now."""
    if state.end is not None:
        return Over(state.end)
    if facts.status is Status.BLOCKED:
        return Over(End.BLOCKED)
    if sequence.goal is not None and sequence.goal in facts.true:
        return Over(End.GOAL)
    if facts.owners and not facts.willing:
        return Over(End.UNSUBSCRIBED)
    time, step, last = due(sequence, state), following(sequence, state), state.started_at + LONGEST
    if now < time:
        return Wait(time)
    if step is None:
        return Over(End.DONE)
    if now >= last:
        return Over(End.EXPIRED)
    if facts.status is not Status.ACTIVE or not sequence.on:
        return Wait(min(now + LOOK_AGAIN, last))
    if not facts.hold(step.conditions):
        return Skip(step)
    # Nobody has signed in yet: a welcome must not be lost because the owner is invited a day later.
    return Send(step) if facts.owners else Wait(min(now + LOOK_AGAIN, last))


def due(sequence: Sequence, state: Progress) -> datetime:
    """When the next step has its time, or, behind the last one, when the goal is waited for no more: at once where
    there is none. It is never later than the partner is given up."""
    step = following(sequence, state)
    if step is not None:
        wait = timedelta(hours=step.wait_hours)
    else:
        wait = timedelta() if sequence.goal is None else GOAL_AFTER
    return min(state.since + wait, state.started_at + LONGEST)


def following(sequence: Sequence, state: Progress) -> Step | None:
    """The first step, of those that the partner did not have, behind the one that it had last (or, where that is taken
    out, the one before it); None behind the last. What staff put in before that comes too late for this partner; a step
    that it had long ago and that is moved to the end takes nothing away from it."""
    had, places = {each.step for each in state.done}, {each.step: place for place, each in enumerate(sequence.steps, 1)}
    behind = next((places[each.step] for each in reversed(state.done) if each.step in places), 0)
    return next((each for each in sequence.steps[behind:] if each.step not in had), None)


def after(state: Progress, outcome: Send | Skip | Over, now: datetime) -> Progress:
    """How far the partner is, once that was done."""
    if isinstance(outcome, Over):
        return replace(state, end=outcome.end, ended_at=now, version=state.version + 1)
    done = Done(outcome.step.step, now, isinstance(outcome, Send))
    return replace(state, done=(*state.done, done), version=state.version + 1)


def series(sequence: str, step: str) -> str:
    """What mails of a step are counted as."""
    return f"seq:{sequence}:{step}"


def what_of(state: Progress, step: str) -> str:
    """What a mail of a step tells of, once for ever: its id follows from it."""
    return f"{state.partner} {state.sequence} {step}"


# ------------------------------------------------------------------------------------------------------------- editing


def check(sequence: Sequence) -> Sequence:
    """The sequence with its texts in their one spelling.

    Raises `Invalid`, with the number of the `step` (from 1) among its facts where it is about one: `no_steps`,
    `too_many_steps`, `invalid_step`, `same_step`, `invalid_wait`, `conditions_contradict`, `sequence_too_long`, and
    what `check_text` does.
    """
    forms.slug(sequence.sequence, "sequence")
    if not sequence.steps:
        raise Invalid("A sequence needs a step at least: switch it off if nothing is to be sent.", code="no_steps")
    if len(sequence.steps) > MOST_STEPS:
        raise Invalid(f"A sequence has {MOST_STEPS} steps at most.", code="too_many_steps")
    seen: set[str] = set()
    steps = []
    for number, step in enumerate(sequence.steps, 1):
        if not _STEP.fullmatch(step.step):
            raise Invalid(f"Step {number} needs a name of small letters, digits and _, at most 40.",
                          code="invalid_step", step=number)  # fmt: skip
        if step.step in seen:
            raise Invalid(f"Step {number} has the name of another one.", code="same_step", step=number)
        if not 0 <= step.wait_hours <= LONGEST_WAIT:
            raise Invalid(f"Step {number} waits 0 to {LONGEST_WAIT} hours.", code="invalid_wait", step=number)
        if len({each.fact for each in step.conditions}) < len(step.conditions):
            raise Invalid(f"Step {number} asks for the same thing twice, or for it and for its opposite.",
                          code="conditions_contradict", step=number)  # fmt: skip
        try:
            text = check_text(step.text)
        except Invalid as error:
            raise Invalid(f"Step {number}: {error.detail}", code=error.code, step=number, **error.facts) from error
        steps.append(replace(step, text=text))
        seen.add(step.step)
    if sum(step.text.size for step in steps) > MOST_BYTES:
        raise Invalid("All texts together are too long to be kept: shorten some, or take a step out.",
                      code="sequence_too_big")  # fmt: skip
    if timedelta(hours=sum(step.wait_hours for step in steps)) > LONGEST:
        raise Invalid(f"All waits together are longer than {LONGEST.days} days: nobody would get the last step.",
                      code="sequence_too_long")  # fmt: skip
    return replace(sequence, steps=tuple(steps))


def with_step(sequence: Sequence, step: Step, place: int) -> Sequence:
    """The sequence with a step at a place (from 1; behind the last where there are fewer): a new one, or one that it
    has already, as it is now."""
    others = [each for each in sequence.steps if each.step != step.step]
    spot = max(0, place - 1)
    return replace(sequence, steps=(*others[:spot], step, *others[spot:]))


def without_step(sequence: Sequence, step: str) -> Sequence:
    """The sequence without a step."""
    return replace(sequence, steps=tuple(each for each in sequence.steps if each.step != step))


def changed_steps(before: Sequence, after: Sequence) -> list[str]:
    """Which steps are new, gone or other than before; for whoever reads what was changed."""
    old, new = ({step.step: step for step in each.steps} for each in (before, after))
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


# ----------------------------------------------------------------------------------------------------------- execution


def execution_name(state: Progress, name: str) -> str:
    """What a partner's execution is called, for whoever reads it in the AWS console: the partner, the sequence, the end
    of its id. At most 76 characters."""
    return f"{slug(name, 24, 'partner')}-{state.sequence[:20]}-{state.partner[-20:].replace('_', '-')}"


def execution_input(state: Progress) -> dict[str, str]:
    """What it is given."""
    return {"brand": state.brand, "partner": state.partner, "sequence": state.sequence}
