"""A manager offers a partner a personal goal, and may withdraw it until it is answered."""

from __future__ import annotations

from introducer.domain.adjustment import Act
from introducer.domain.configuration import Change, Member, Role, Status
from introducer.domain.errors import Conflict, Forbidden
from introducer.domain.events import day_of
from introducer.domain.goal import MOST_OPEN, OFFERERS, Goal, GoalStatus, Wish, answered, offered
from introducer.domain.goal_mail import offered_mail
from introducer.services.creation import Clock, Randomness, create_once, make_id, now
from introducer.services.decisions import reason
from introducer.services.goal_version import begins_with_goal, currency_of, deal_with_goal, newest_accepted
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.set_standing import standing_of
from introducer.store.configuration import Configuration
from introducer.store.goals import Goals


def offer_goal(
    configuration: Configuration,
    goals: Goals,
    *,
    member: Member,
    partner: str,
    wish: Wish,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> Goal:
    """The offer, which pays nothing until the partner accepts it; its owners are told by mail.

    A repeated `request` meets the first one's offer. Raises `Forbidden`, `NotFound`; `Invalid` for what cannot be;
    `Conflict` for what does not go with the partner's deal as it is (`deal_with_goal`), `partner_blocked`,
    `partner_suspended`, `too_many_offers`.
    """
    check_role(member.role)
    owner = partner_of_brand(configuration, member, partner)
    at = now(clock)
    standing = standing_of(configuration, owner, at)
    if standing is not Status.ACTIVE:
        raise Conflict(
            f"The partner is {standing.value}, and could not accept it: lift that first.",
            code=f"partner_{standing.value}",
        )
    records = configuration.deals(owner.partner)
    new = offered(
        wish,
        goal=make_id("gol", request, at, random, owner.partner, member.member),
        brand=owner.brand,
        partner=owner.partner,
        currency=currency_of(newest_accepted(records)),
        earliest=day_of(begins_with_goal(records, at)),
        by=member.member,
        at=at,
    )
    if request is not None:
        before = next((each for each in goals.of_partner(owner.partner) if each.goal == new.goal), None)
        if before is not None:
            return _same(before, new)
    deal_with_goal(records, new, at)
    _check_others(goals.of_partner(owner.partner), new)
    change = Change(by=member.member, at=at, why="offered a goal")
    return create_once(
        lambda: goals.offer(new, change, offered_mail(new)),
        lambda: goals.goal(new.partner, new.goal),
        lambda existing: _offer(existing) == _offer(new),
        new,
    )


def withdraw_goal(
    configuration: Configuration, goals: Goals, *, member: Member, partner: str, goal: str, why: str, clock: Clock
) -> Goal:
    """The offer, withdrawn. Again changes nothing.

    Raises `Forbidden`, `NotFound`, `Invalid` without a reason, `Conflict` when it was answered or its time is over.
    """
    check_role(member.role)
    owner = partner_of_brand(configuration, member, partner)
    found = goals.goal(owner.partner, goal)
    if found.status is GoalStatus.WITHDRAWN:
        return found
    act = Act(member.member, now(clock), reason(why))
    after = answered(found, GoalStatus.WITHDRAWN, act)
    goals.answer("withdraw_goal", found, after, Change(by=act.by, at=act.at, why=act.why))
    return after


def check_role(role: Role) -> None:
    """Raises `Forbidden` for a role that offers no goals."""
    if role not in OFFERERS:
        raise Forbidden("Managers and admins offer goals: ask one of them.", code="not_your_role")


def _check_others(others: tuple[Goal, ...], new: Goal) -> None:
    """What waits beside it: not too much, and not the same thing twice."""
    waiting = [each for each in others if each.waits_at(new.offered_at)]
    if len(waiting) >= MOST_OPEN:
        raise Conflict(
            f"{len(waiting)} offers wait for this partner: withdraw one, or wait for its answer.",
            code="too_many_offers",
        )
    for each in waiting:
        same = (each.by, each.clients) == (new.by, new.clients)
        if same and each.first <= new.last and new.first <= each.last:
            raise Conflict(
                f"An offer for this very goal from {each.first} until {each.last} waits already: withdraw it first.",
                code="same_goal",
            )


def _same(before: Goal, new: Goal) -> Goal:
    if _offer(before) != _offer(new):
        raise Conflict("This request offered something else before: use a new key.", code="idempotency_key_reused")
    return before


def _offer(goal: Goal) -> tuple[object, ...]:
    """What was offered, whatever became of it and when."""
    return (goal.by, goal.clients, goal.first, goal.last, goal.amount, goal.currency, goal.note)
