"""`/desk/partners/{partner}/goals`: the goals that one partner was offered, and offering another.
`…/{goal}/withdraw`: an offer is taken back before it is answered.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import STAFF_HOME, Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.errors import Conflict, IntroducerError, Invalid, NotFound
from introducer.domain.events import day_of
from introducer.domain.goal import COUNTED, OFFERERS, Goal, Wish
from introducer.domain.money import Money
from introducer.services.goal_version import begins_with_goal, currency_of, newest_accepted
from introducer.services.offer_goal import offer_goal, withdraw_goal
from introducer.services.partner_of_brand import partner_of_brand
from pages.goals import COLUMNS, WHY_NOT, read_goals, told

LIST = STAFF_HOME + "/{partner}/goals"
ONE = LIST + "/{goal}"

Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
Whole = Annotated[int, Field(ge=-999_999_999, le=999_999_999)]


class Offer(BaseModel):
    """What a manager offers. `amount` is a decimal string, `clients` a whole number; the days are UTC days."""

    model_config = ConfigDict(extra="forbid")

    by: Short
    clients: Short | Whole
    first: Short
    last: Short
    amount: Short
    currency: Short
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=600)] = ""
    answer_by: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""
    """The last day to answer on; empty: as long as the goal can begin in time."""


class Withdrawal(BaseModel):
    """Why an offer is taken back."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[str, StringConstraints(strip_whitespace=True, max_length=600)] = ""


_ADVICE = {
    "metric_by_month": ("by", N_("A goal with days of its own counts first deposits or qualified clients.")),
    "invalid_metric": ("by", N_("This does not fit here.")),
    "no_cpa": ("by", N_("No CPA of the deal says who qualifies: count first deposits.")),
    "goal_zero": ("clients", N_("Write a whole number, at least 1.")),
    "invalid_goal": ("clients", N_("Write a whole number, at least 1.")),
    "invalid_days": ("first", N_("Choose two days.")),
    "window_past": ("first", N_("Accepted now, the goal would be in force later: choose a later day.")),
    "window_too_far": ("first", N_("Choose a day within a year.")),
    "ends_before_start": ("last", N_("This is before the first day.")),
    "window_too_long": ("last", N_("A goal lasts a year at most.")),
    "invalid_amount": ("amount", N_("Write an amount above zero, such as 500.00.")),
    "too_many_decimals": ("amount", N_("This currency has fewer decimals.")),
    "amount_too_large": ("amount", N_("This is too much for a goal: write it into the deal instead.")),
    "wrong_currency": ("currency", N_("Write the currency of the partner's deal.")),
    "unknown_currency": ("currency", N_("Write the currency of the partner's deal.")),
    "invalid_note": ("note", N_("Write at most 500 characters on one line.")),
    "invalid_answer_by": ("answer_by", N_("Choose a day from today on, before the goal begins.")),
    "no_deal": ("", N_("The partner has accepted no deal yet: propose one first.")),
    "deal_waits": ("", N_("New terms of the deal wait for the partner's answer: a goal can be offered after them.")),
    "same_goal": ("", N_("This very goal is in the deal, or on offer, for some of these days already.")),
    "hold_of_deal": ("", N_("The deal holds money from the event's day: propose one that holds from the month's end.")),
    "too_many_offers": ("", N_("Too many offers wait for this partner: withdraw one, or wait for its answer.")),
    "partner_blocked": ("", N_("The partner is blocked: it could not accept a goal.")),
    "partner_suspended": ("", N_("The partner is suspended: it could not accept a goal.")),
    "offer_closed": ("", WHY_NOT["offer_closed"]),
    "offer_expired": ("", WHY_NOT["offer_expired"]),
    "conflict": ("", WHY_NOT["conflict"]),
    "reason_needed": ("why", N_("Say why, in 3 to 500 characters.")),
}


@page(LIST, "desk_goals.html", who=Who.STAFF, columns=COLUMNS)
def goals_of_partner(visit: Visit, partner: str, goal: str = "") -> dict[str, Any]:
    """All goals that a partner was offered, and what became of each. `goal` is the one of a refused withdrawal, which
    the page has anyway."""
    assert visit.member is not None
    owner = partner_of_brand(visit.portal.configuration, visit.member, partner)
    found = read_goals(visit, owner.partner)
    names = {each.offered_by: _name(visit, each.offered_by) for each in found if each.offered_by}
    return {
        "partner": owner.partner,
        "name": owner.name,
        "counts": list(COUNTED),
        "may_offer": visit.member.role in OFFERERS,
        "items": [told(visit, each) | {"offered_by": names.get(each.offered_by)} for each in found],
        **_deal(visit, owner.partner),
    }


@page(LIST, "desk_goals.html", method="POST", who=Who.STAFF, again=goals_of_partner, body=Offer)
def offer(visit: Visit, partner: str) -> Done:
    """Managers and admins offer a partner a goal; it pays nothing before the partner accepts."""
    assert visit.member is not None
    sent = visit.read(Offer)
    typed = {name: str(value) for name, value in sent.model_dump().items()}
    try:
        made = offer_goal(
            visit.portal.configuration,
            visit.portal.goals,
            member=visit.member,
            partner=partner,
            wish=Wish(**typed),
            clock=visit.portal.now,
            random=secrets.token_bytes,
            request=visit.idempotency_key,
        )
    except (Conflict, Invalid) as error:
        raise _refusal(error, typed) from error
    return Done(_offered(made), f"{STAFF_HOME}/{partner}/goals?offered={made.goal}", created=True)


@page(ONE + "/withdraw", "desk_goals.html", method="POST", who=Who.STAFF, again=goals_of_partner, body=Withdrawal)
def withdraw(visit: Visit, partner: str, goal: str) -> Done:
    """Withdraws the offer of a goal before the partner has answered it."""
    assert visit.member is not None
    sent = visit.read(Withdrawal)
    try:
        withdrawn = withdraw_goal(
            visit.portal.configuration,
            visit.portal.goals,
            member=visit.member,
            partner=partner,
            goal=goal,
            why=sent.why,
            clock=visit.portal.now,
        )
    except (Conflict, Invalid) as error:
        raise _refusal(error, {"why": sent.why}) from error
    return Done(_offered(withdrawn), f"{STAFF_HOME}/{partner}/goals?withdrawn={withdrawn.goal}")


def _deal(visit: Visit, partner: str) -> dict[str, Any]:
    """In which currency a goal is offered, and from which day on; None where there is no deal."""
    records = visit.portal.configuration.deals(partner)
    try:
        begins = begins_with_goal(records, visit.now)
    except Conflict:
        return {"currency": None, "earliest": None}
    return {"currency": currency_of(newest_accepted(records)), "earliest": day_of(begins)}


def _offered(goal: Goal) -> dict[str, Any]:
    return {
        "goal": goal.goal,
        "rule": goal.rule,
        "status": goal.status,
        "by": goal.by,
        "clients": goal.clients,
        "first": goal.first,
        "last": goal.last,
        "amount": Money(goal.amount, goal.currency),
        "note": goal.note,
        "answer_by": goal.answer_by,
    }


def _name(visit: Visit, member: str) -> str:
    try:
        return visit.portal.configuration.member(member).name
    except NotFound:
        return member


def _refusal(error: IntroducerError, typed: dict[str, str]) -> IntroducerError | FormRefused:
    """The form again, with what to do beside the field it is about."""
    if error.code not in _ADVICE:
        return error
    field, message = _ADVICE[error.code]
    return FormRefused({str(error.facts.get("field", field)): message}, typed, error)
