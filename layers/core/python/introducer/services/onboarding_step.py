"""Takes a partner as far in its sequence as it goes now: what is due is sent or left out; then it waits, or is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import Change
from introducer.domain.errors import Unavailable
from introducer.domain.events import in_full_ms
from introducer.domain.mail import Mail, written_mail
from introducer.domain.mail_topics import Topic
from introducer.domain.sequence import (
    LOOK_AGAIN,
    MOST_STEPS,
    Over,
    Progress,
    Send,
    Step,
    Wait,
    after,
    following,
    next_step,
    series,
    what_of,
)
from introducer.services.onboarding_books import TRIES, OnboardingBooks
from introducer.services.read_sequences import facts_of, fills_of, sequence_of

BY = "system:onboarding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """How far the partner is."""

    state: Progress
    until: datetime | None
    """When to look again; None once it is over."""
    next: str | None = None
    """The step that comes then, or later; None where none does."""


def onboarding_step(books: OnboardingBooks, *, partner: str, sequence: str, now: datetime) -> Stepped:
    """Does all that is due now. May be repeated safely: each step is taken once, whoever is at it at the same time.

    Raises `NotFound` for a partner that walks no such sequence; `Unavailable`: nothing of the step that failed was
    done, call again.
    """
    at = in_full_ms(now)
    found = books.configuration.partner(partner)
    state = books.sequences.walk(partner, sequence)
    if state.end is not None:
        return Stepped(state=state, until=None)
    facts, met = facts_of(books, found, at), 0
    # One step more than there can be: the last turn says that it is over.
    for _ in range(MOST_STEPS + 1 + TRIES):
        rules = sequence_of(books, state.brand, sequence)
        coming = next_step(rules, state, facts, at)
        if isinstance(coming, Wait):
            step = following(rules, state)
            until = min(coming.until, at + LOOK_AGAIN)
            return Stepped(state=state, until=until, next=step.step if step else None)
        further = after(state, coming, at)
        mail = _mail(books, state, coming.step, at) if isinstance(coming, Send) else None
        change = Change(by=BY, at=at, why=_why(further), origin=sequence)
        if books.sequences.go_on(state, further, change, mail):
            state = further
            if isinstance(coming, Over):
                return Stepped(state=state, until=None)
            continue
        # Another was at it: what it did is done.
        met += 1
        if met >= TRIES:
            break
        state = books.sequences.walk(partner, sequence)
        if state.end is not None:
            return Stepped(state=state, until=None)
    raise Unavailable("This partner's sequence is being walked by another: try again.", code="sequence_busy")


def _mail(books: OnboardingBooks, state: Progress, step: Step, at: datetime) -> Mail:
    """What the step says, kept as it is now: an edit that comes between this and its sending changes nothing of it."""
    partner = books.configuration.partner(state.partner)
    # Of what the text does not ask for, nothing is told.
    fills = {name: value for name, value in fills_of(books, partner, at).items() if name in step.text.placeholders}
    return written_mail(
        what_of(state, step.step),
        books.texts.keep(state.brand, step.text),
        Topic.ONBOARDING.value,
        brand=state.brand,
        partner=state.partner,
        at=at,
        series=series(state.sequence, step.step),
        fills=fills,
        path=step.place.value,
    )


def _why(state: Progress) -> str:
    if state.end is not None:
        return f"over: {state.end.value}"
    last = state.done[-1]
    return f"{last.step}: {'sent' if last.sent else 'left out'}"
