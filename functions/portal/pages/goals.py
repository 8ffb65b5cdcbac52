"""`/goals`: the personal goals of a partner: what is offered, how far those are that run, what became of the others.
`/goals/{goal}/accept` and `…/decline`: the owner's answer to an offer.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Column, Done, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, IntroducerError, Invalid
from introducer.services.answer_goal import accept_goal, decline_goal
from introducer.services.read_goals import GoalOfPartner, read_goals_of_partner
from introducer.wording.sentences import say

PATH = "/goals"
ONE = PATH + "/{goal}"


class Acceptance(BaseModel):
    """Which words the owner read: those of the deal as it will be."""

    model_config = ConfigDict(extra="forbid")

    terms_hash: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class Refusal(BaseModel):
    """Why not, for the manager; it may be empty."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[str, StringConstraints(strip_whitespace=True, max_length=600)] = ""


WHY_NOT = {
    "offer_expired": N_("The time to answer is over: the offer has ended by itself."),
    "offer_closed": N_("This offer was answered or withdrawn meanwhile: look at it again below."),
    "terms_changed": N_("Your deal has changed since you read this: read it again below."),
    "deal_waits": N_("New terms of the deal wait for an answer: a goal can be accepted after them."),
    "deal_begins_later": N_("Terms that were accepted already begin after the first day of this goal."),
    "currency_changed": N_("The deal is in another currency by now: the goal is to be offered anew."),
    "no_cpa": N_("Nothing in the deal says by now who qualifies: the goal is to be offered anew."),
    "hold_of_deal": N_("The way in which the deal holds money does not go with a goal."),
    "same_goal": N_("The deal pays for this very goal already."),
    "partner_blocked": N_("A blocked partner earns nothing: write to your manager."),
    "conflict": N_("The offer or the deal changed meanwhile: look at it again below."),
    "invalid_note": N_("Write at most 500 characters on one line."),
}
"""Why an offer cannot be answered, in words to the partner."""

COLUMNS: tuple[Column, ...] = (
    ("goal", lambda row: row["goal"]),
    ("rule", lambda row: row["rule"]),
    ("status", lambda row: row["phase"]),
    ("counts", lambda row: row["by"]),
    ("clients", lambda row: row["clients"]),
    ("counted", lambda row: row["counted"]),
    ("first", lambda row: row["first"]),
    ("last", lambda row: row["last"]),
    ("amount", lambda row: row["amount"]),
    ("currency", lambda row: row["amount"].currency),
    ("paid", lambda row: row["paid"]),
    ("answer_by", lambda row: row["answer_by"]),
    ("answered_at", lambda row: row["answered_at"]),
)


@page(PATH, "goals.html", columns=COLUMNS)
def goals(visit: Visit, goal: str = "") -> dict[str, Any]:
    """The partner's goals, what is offered, how far those are that run, and what became of others. `goal` is the one of
    a refused answer, which the page has anyway."""
    assert visit.partner is not None and visit.member is not None
    found = read_goals(visit, visit.partner.partner)
    return {
        "may_answer": visit.member.role is Role.OWNER,
        # Who of the staff offered it is not for the partner.
        "items": [told(visit, each) | {"offered_by": None} for each in found],
    }


@page(ONE + "/accept", "goals.html", method="POST", again=goals, body=Acceptance)
def accept(visit: Visit, goal: str) -> Done:
    """An owner accepts a goal, which makes a version of the deal with the goal as one rule more. `terms_hash` names the
    terms that were read: other ones are refused."""
    assert visit.partner is not None and visit.member is not None
    wish = visit.read(Acceptance)
    try:
        accepted, deal = accept_goal(
            visit.portal.configuration,
            visit.portal.goals,
            member=visit.member,
            partner=visit.partner,
            goal=goal,
            terms_hash=wish.terms_hash,
            clock=visit.portal.now,
        )
    except (Conflict, Invalid) as error:
        raise _refusal(error) from error
    data = {
        "goal": accepted.goal,
        "status": accepted.status,
        "version": deal.version,
        "begins": deal.valid_from,
        "terms_hash": deal.terms_hash,
    }
    return Done(data, f"{PATH}?accepted={accepted.goal}")


@page(ONE + "/decline", "goals.html", method="POST", again=goals, body=Refusal)
def decline(visit: Visit, goal: str) -> Done:
    """An owner declines the offer of a goal."""
    assert visit.partner is not None and visit.member is not None
    wish = visit.read(Refusal)
    try:
        declined = decline_goal(
            visit.portal.goals,
            member=visit.member,
            partner=visit.partner,
            goal=goal,
            why=wish.why,
            clock=visit.portal.now,
        )
    except (Conflict, Invalid) as error:
        raise _refusal(error) from error
    return Done({"goal": declined.goal, "status": declined.status}, f"{PATH}?declined={declined.goal}")


def read_goals(visit: Visit, partner: str) -> tuple[GoalOfPartner, ...]:
    """A partner's goals as they stand now."""
    portal = visit.portal
    return read_goals_of_partner(
        portal.configuration, portal.goals, portal.settlements, portal.ledger, partner=partner, at=visit.now
    )


def told(visit: Visit, goal: GoalOfPartner) -> dict[str, Any]:
    """A goal as a page and a program get it: its sentences in the visitor's words."""
    data = {field.name: getattr(goal, field.name) for field in fields(goal)}
    if goal.acceptance is not None and goal.acceptance.refused in WHY_NOT:
        detail = visit.language.text(WHY_NOT[goal.acceptance.refused])
        data["acceptance"] = replace(goal.acceptance, detail=detail)
    return data | {"sentences": [say(visit.language, sentence) for sentence in goal.sentences]}


def _refusal(error: IntroducerError) -> IntroducerError | FormRefused:
    if error.code not in WHY_NOT:
        return error
    return FormRefused({"": WHY_NOT[error.code]}, {}, error)
