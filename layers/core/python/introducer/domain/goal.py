"""Personal goals: a manager offers one partner an amount for so many clients within some days.

An offer waits for the partner until `answer_by`. Accepting it makes a version of the partner's deal with one rule more,
a `bonus` with a window of its own; from then on the engine counts and pays it like any other rule (docs/goals.md).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from introducer.domain.adjustment import Act
from introducer.domain.calendar import day_start, plus_days
from introducer.domain.configuration import Role
from introducer.domain.deal import Basis
from introducer.domain.errors import Conflict, Invalid
from introducer.domain.events import NOTICE, day_of, from_milliseconds
from introducer.domain.money import decimal_string, decimals, minor_units

OFFERERS = frozenset({Role.MANAGER, Role.ADMIN})
"""Who offers goals and withdraws them: those who propose deals."""
COUNTED = (Basis.QFTD, Basis.FTD)
"""What a goal may count. Revenue and lots are kept by month and not by day: a goal for them is a month's."""

MOST_CLIENTS = 1_000_000
LARGEST_AMOUNT = 1_000_000
"""Units of the deal's currency. More than that is a slip of the hand, or a matter for the deal itself."""
LONGEST_DAYS = 366
FURTHEST_DAYS = 366
"""How long a goal may last, and how far ahead it may begin."""
LONGEST_NOTE = 500
MOST_OPEN = 10
"""Offers that wait for one partner."""

_DAY = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


class GoalStatus(StrEnum):
    """What became of an offer."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """An offer with its whole story. What is offered never changes; each step makes a new value."""

    goal: str
    brand: str
    partner: str
    by: Basis
    clients: int
    first: str
    last: str
    """UTC days, both included."""
    amount: int
    currency: str
    note: str
    """A word to the partner; may be empty."""
    answer_by: datetime
    """Until then the partner may answer."""
    offered_by: str
    offered_at: datetime
    status: GoalStatus = GoalStatus.OFFERED
    answered: Act | None = None
    """Who accepted, declined or withdrew it, when, and in which words (they may be empty)."""
    version: int | None = None
    """The deal version that has it, once it is accepted."""

    @property
    def rule(self) -> str:
        """The id of its rule in the deal: no other goal has it."""
        return f"goal_{self.goal[-16:].lower()}"

    def waits_at(self, at: datetime) -> bool:
        """Whether the partner can answer at a moment."""
        return self.status is GoalStatus.OFFERED and at < self.answer_by

    def terms(self) -> dict[str, Any]:
        """Its rule, as a deal has it (`domain.terms`)."""
        return {
            "type": "bonus",
            "id": self.rule,
            "by": self.by.value,
            "goal": str(self.clients),
            "amount": decimal_string(self.amount, self.currency),
            "window": {"from": self.first, "until": self.last},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a manager writes: all of it text, as a form sends it."""

    by: str
    clients: str
    first: str
    last: str
    amount: str
    currency: str
    note: str = ""
    answer_by: str = ""
    """The last UTC day to answer on; empty: as long as the goal can still begin in time."""


def offered(
    wish: Wish, *, goal: str, brand: str, partner: str, currency: str, earliest: str, by: str, at: datetime
) -> Goal:
    """The offer. `currency` is the deal's, and `earliest` the first day that terms accepted now can be in force.

    Raises `Invalid` with the code of what cannot be.
    """
    if wish.by not in COUNTED:
        if wish.by in list(Basis):
            raise Invalid(
                "A goal with days of its own counts ftd or qftd: revenue and lots are kept by month. Propose a deal"
                " with a bonus for the month instead.",
                code="metric_by_month",
            )
        raise Invalid("by is ftd or qftd.", code="invalid_metric")
    first, last = _day(wish.first, "first"), _day(wish.last, "last")
    _check_days(first, last, earliest, day_of(at))
    return Goal(
        goal=goal,
        brand=brand,
        partner=partner,
        by=Basis(wish.by),
        clients=_clients(wish.clients),
        first=first,
        last=last,
        amount=_amount(wish.amount, wish.currency, currency),
        currency=currency,
        note=words(wish.note),
        answer_by=_answer_by(wish.answer_by, first, at),
        offered_by=by,
        offered_at=at,
    )


def words(text: str) -> str:
    """What one side writes to the other: one line of at most 500 characters, or nothing. Raises `Invalid`."""
    text = text.strip()
    if len(text) > LONGEST_NOTE or any(unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} for each in text):
        raise Invalid(f"Write at most {LONGEST_NOTE} characters on one line.", code="invalid_note")
    return text


def answered(goal: Goal, status: GoalStatus, act: Act, version: int | None = None) -> Goal:
    """The offer after its answer, or after it was withdrawn. Raises `Conflict`: code `offer_closed` when that was done
    before, `offer_expired` when the time to answer is over."""
    if goal.status is not GoalStatus.OFFERED:
        raise Conflict(f"This offer was {goal.status.value} already: read it again.", code="offer_closed")
    if act.at >= goal.answer_by:
        raise Conflict("The time to answer is over: the offer has ended by itself.", code="offer_expired")
    return replace(goal, status=status, answered=act, version=version)


def latest_answer(first: str) -> datetime:
    """Until when a goal must be accepted to be in force on its first day: terms begin at a midnight after `NOTICE`."""
    return from_milliseconds(day_start(first)) - NOTICE


def _clients(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Invalid("clients is a whole number, such as 10.", code="invalid_goal")
    if not int(text):
        raise Invalid("A goal of no clients is reached before it begins: say at least 1.", code="goal_zero")
    if int(text) > MOST_CLIENTS:
        raise Invalid(f"A goal is of at most {MOST_CLIENTS} clients.", code="invalid_goal")
    return int(text)


def _amount(text: str, currency: str, wanted: str) -> int:
    if currency != wanted:
        raise Invalid(f"The partner's deal is in {wanted}: offer the goal in it.", code="wrong_currency")
    minor = minor_units(text, currency)
    if minor <= 0:
        raise Invalid("A goal pays more than nothing: send an amount.", code="invalid_amount")
    if minor > LARGEST_AMOUNT * 10 ** decimals(currency):
        raise Invalid(
            f"A goal pays at most {LARGEST_AMOUNT} {currency}: write what is beyond it into the deal.",
            code="amount_too_large",
        )
    return minor


def _day(text: str, name: str) -> str:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise Invalid(f"{name} is a UTC day, such as 2026-11-30.", code="invalid_days", field=name)


def _check_days(first: str, last: str, earliest: str, today: str) -> None:
    if last < first:
        raise Invalid(f"The goal ends on {last}, before it begins on {first}.", code="ends_before_start")
    if first < earliest:
        raise Invalid(
            f"Accepted now, the goal would be in force from {earliest} on: let it begin then or later.",
            code="window_past",
            earliest=earliest,
        )
    if last >= plus_days(first, LONGEST_DAYS):
        raise Invalid(f"A goal lasts at most {LONGEST_DAYS} days.", code="window_too_long")
    if first > plus_days(today, FURTHEST_DAYS):
        raise Invalid(f"A goal begins within {FURTHEST_DAYS} days.", code="window_too_far")


def _answer_by(text: str, first: str, at: datetime) -> datetime:
    latest = latest_answer(first)
    if not text:
        return latest
    try:
        day = _day(text, "answer_by")
    except Invalid as error:
        raise Invalid(error.detail, code="invalid_answer_by") from None
    if not day_of(at) <= day <= day_of(latest):
        raise Invalid(
            f"The last day to answer is from {day_of(at)} to {day_of(latest)}: the goal could not begin in time.",
            code="invalid_answer_by",
        )
    return min(latest, from_milliseconds(day_start(plus_days(day, 1))))
