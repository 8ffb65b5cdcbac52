"""Whom a step of a personal goal is told to: the offer to the partner's owners, the answer to who offered it."""

from __future__ import annotations

from introducer.domain.events import milliseconds
from introducer.domain.goal import Goal
from introducer.domain.mail import Mail, MailTemplate, Value, amount, new_mail


def offered_mail(goal: Goal) -> Mail:
    """Goes with the offer."""
    values = _what(goal) | {"note": goal.note, "answer_by": milliseconds(goal.answer_by)}
    what = f"{goal.goal} offered"
    return new_mail(what, MailTemplate.GOAL_OFFERED, values, brand=goal.brand, partner=goal.partner, at=goal.offered_at)


def answered_mail(goal: Goal, name: str) -> Mail:
    """Goes with the answer; `name` is the partner's."""
    assert goal.answered is not None
    values = _what(goal) | {
        "of": goal.partner,
        "name": name,
        "answer": goal.status.value,
        # Under this name it is taken out when the partner is erased (`services.erase_partner`).
        "said": goal.answered.why,
    }
    what = f"{goal.goal} {goal.status.value}"
    template = MailTemplate.GOAL_ANSWERED
    return new_mail(what, template, values, brand=goal.brand, member=goal.offered_by, at=goal.answered.at)


def _what(goal: Goal) -> dict[str, Value]:
    return {
        "goal": goal.goal,
        "by": goal.by.value,
        "clients": goal.clients,
        "first": goal.first,
        "last": goal.last,
        "amount": amount(goal.amount, goal.currency),
    }
