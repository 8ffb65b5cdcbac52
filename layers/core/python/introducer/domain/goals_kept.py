"""Goals with days of their own over several deal versions: what a later version must keep of what was accepted.

The version in force when a goal's days begin decides about it, and later ones change nothing. So a version that begins
before then would take the goal away by leaving it out; and one that begins after it can only repeat it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from introducer.domain.calendar import day_at, day_start
from introducer.domain.deal import Basis, Bonus, Cpa, Deal, DealVersion, Window
from introducer.domain.describe import Day, Names, Number, Sentence
from introducer.domain.terms_refused import GOAL_DROPPED, GOAL_NOT_COUNTED, TermsRefused


@dataclass(frozen=True, slots=True)
class Promised:
    """A goal with days of its own, and the version that decides about it."""

    version: DealVersion
    rule: Bonus
    window: Window

    @property
    def opens(self) -> int:
        """The first millisecond of its days."""
        return day_start(self.window.first)

    def is_in(self, deal: Deal) -> bool:
        """Whether a deal has the very same goal."""
        return self.rule in deal.rules and self.version.deal.currency == deal.currency


def in_force(accepted: Sequence[DealVersion], at_ms: int) -> DealVersion | None:
    """The version in force at a moment, of a partner that is not blocked (`Contracts.version_at`)."""
    begun = [version for version in accepted if version.valid_from <= at_ms]
    return max(begun, key=lambda version: (version.valid_from, version.version), default=None)


def promised(accepted: Sequence[DealVersion]) -> Iterator[Promised]:
    """The goals of accepted versions, each once, of the version that decides about it."""
    for version in accepted:
        for rule in version.deal.rules:
            if isinstance(rule, Bonus) and rule.window and in_force(accepted, day_start(rule.window.first)) == version:
                yield Promised(version, rule, rule.window)


def opens_before(deal: Deal, begins: int, accepted: Sequence[DealVersion]) -> str | None:
    """The first day of a goal of these terms that opens before they begin (ms), and is not one that was accepted
    before; None when there is none."""
    kept = [each.rule for each in promised(accepted) if each.is_in(deal)]
    days = [rule.window.first for rule in deal.rules if isinstance(rule, Bonus) and rule.window and rule not in kept]
    return min((day for day in days if day_start(day) < begins), default=None)


def check_goals_kept(deal: Deal, begins: int, accepted: Sequence[DealVersion]) -> None:
    """Raises `TermsRefused` when terms that begin at a moment (ms) would take away a goal that was accepted.

    Code `goal_dropped`: its days begin later, and it is left out or changed. Code `goal_not_counted`: its days are not
    over, it counts qualified clients, and nothing of these terms says who qualifies.
    """
    for each in promised(accepted):
        rule, window = each.rule, each.window
        if each.opens >= begins and not each.is_in(deal):
            raise TermsRefused(
                f"The goal {rule.id!r} from {window.first} until {window.last} was accepted with version"
                f" {each.version.version} and opens when these terms are in force: keep its rule and the currency as"
                f" they are, or let the terms begin after {window.first}.",
                place=_changed(each, deal),
                advice=Sentence(
                    GOAL_DROPPED,
                    {
                        "goal": Names((rule.id,)),
                        "first": Day(window.first),
                        "last": Day(window.last),
                        "version": Number(str(each.version.version)),
                    },
                ),
                code="goal_dropped",
                rule=rule.id,
            )
        counts = any(isinstance(other, Cpa) for other in deal.rules)
        if rule.by is Basis.QFTD and not counts and window.last >= day_at(begins):
            raise TermsRefused(
                f"The goal {rule.id!r} counts qualified clients until {window.last}, but no cpa of these terms says who"
                f" qualifies: keep one, or let the terms begin after {window.last}.",
                advice=Sentence(GOAL_NOT_COUNTED, {"goal": Names((rule.id,)), "last": Day(window.last)}),
                code="goal_not_counted",
                rule=rule.id,
            )


def _changed(goal: Promised, deal: Deal) -> str:
    """The place in the terms that differs from a goal that they do not keep; empty where they leave it out."""
    if goal.rule in deal.rules:
        return "currency"
    places = [f"rules[{at}]" for at, rule in enumerate(deal.rules) if rule.id == goal.rule.id]
    return places[0] if places else ""
