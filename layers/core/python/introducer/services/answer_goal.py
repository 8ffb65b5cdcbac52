"""A partner answers the offer of a goal: accepting it makes a version of its deal, with the goal as one rule more."""

from __future__ import annotations

from introducer.domain.adjustment import Act
from introducer.domain.configuration import Change, DealRecord, Member, Partner, Role, Status
from introducer.domain.errors import Conflict, Forbidden
from introducer.domain.goal import Goal, GoalStatus, answered, words
from introducer.domain.goal_mail import answered_mail
from introducer.services.creation import Clock, now
from introducer.services.goal_version import deal_with_goal
from introducer.services.set_standing import standing_of
from introducer.store.configuration import Configuration
from introducer.store.goals import Goals


def accept_goal(
    configuration: Configuration,
    goals: Goals,
    *,
    member: Member,
    partner: Partner,
    goal: str,
    terms_hash: str,
    clock: Clock,
) -> tuple[Goal, DealRecord]:
    """The accepted goal, and the deal version that has it. Accepting again what was accepted changes nothing.

    `terms_hash` names the terms that were read (`deal_with_goal`): when the deal changed since, it is a `Conflict` with
    the code `terms_changed`. Raises `Forbidden`, `NotFound`; `Conflict` as well when the offer was withdrawn or
    answered, its time is over, or it does not go with the deal any more; the code says which.
    """
    _check_owner(member)
    found = goals.goal(partner.partner, goal)
    if (before := _accepted(configuration, found, terms_hash)) is not None:
        return found, before
    act = Act(member.member, now(clock), "")
    answered(found, GoalStatus.ACCEPTED, act)
    if standing_of(configuration, partner, act.at) is Status.BLOCKED:
        raise Conflict("A blocked partner earns nothing: write to your manager.", code="partner_blocked")
    deal = deal_with_goal(configuration.deals(partner.partner), found, act.at)
    if deal.terms_hash != terms_hash:
        raise Conflict("The deal has changed since you read it: read it again.", code="terms_changed")
    after = answered(found, GoalStatus.ACCEPTED, act, deal.version)
    change = Change(by=act.by, at=act.at, why="accepted in the portal")
    try:
        goals.answer("accept_goal", found, after, change, answered_mail(after, partner.name), deal)
    except Conflict:
        # Of two presses at once the slower one finds it accepted.
        again = goals.goal(partner.partner, goal)
        if (before := _accepted(configuration, again, terms_hash)) is None:
            raise
        return again, before
    return after, deal


def decline_goal(goals: Goals, *, member: Member, partner: Partner, goal: str, why: str, clock: Clock) -> Goal:
    """The offer, declined; `why` is for the manager and may be empty. Again changes nothing.

    Raises `Forbidden`, `NotFound`, `Invalid` for words that are too long, `Conflict` when it was withdrawn or accepted.
    """
    _check_owner(member)
    found = goals.goal(partner.partner, goal)
    if found.status is GoalStatus.DECLINED:
        return found
    act = Act(member.member, now(clock), words(why))
    after = answered(found, GoalStatus.DECLINED, act)
    change = Change(by=act.by, at=act.at, why="declined in the portal")
    goals.answer("decline_goal", found, after, change, answered_mail(after, partner.name))
    return after


def _check_owner(member: Member) -> None:
    if member.role is not Role.OWNER:
        raise Forbidden("Only the owner of this account answers: ask them to sign in.", code="owner_only")


def _accepted(configuration: Configuration, goal: Goal, terms_hash: str) -> DealRecord | None:
    """The version of a goal that was accepted with these terms."""
    if goal.status is not GoalStatus.ACCEPTED:
        return None
    for record in configuration.deals(goal.partner):
        if (record.version, record.terms_hash) == (goal.version, terms_hash):
            return record
    return None
