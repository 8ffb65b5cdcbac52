"""The questions about personal goals, asked of real tables; and that each step is one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.adjustment import Act
from introducer.domain.configuration import Change, DealRecord
from introducer.domain.deal import Basis
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import milliseconds
from introducer.domain.goal import Goal, GoalStatus, answered
from introducer.domain.goal_mail import answered_mail, offered_mail
from introducer.domain.ids import new_id
from introducer.store.configuration import Configuration
from introducer.store.goals import Goals
from introducer.store.mails import Mails
from tests.conftest import Tables

NOW = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
PARTNER, BRAND = "par_p", "brd_1"


@pytest.fixture
def goals(tables: Tables) -> Goals:
    return Goals(tables.books)


def a_goal(number: int = 0, **other: Any) -> Goal:
    at = NOW + timedelta(minutes=number)
    return replace(
        Goal(
            goal=new_id("gol", milliseconds(at), bytes([number] * 10)),
            brand=BRAND,
            partner=PARTNER,
            by=Basis.QFTD,
            clients=10,
            first="2026-11-06",
            last="2026-11-30",
            amount=50_000,
            currency="EUR",
            note="Ten by the end of the month?",
            answer_by=NOW + timedelta(days=2),
            offered_by="sub-manager",
            offered_at=at,
        ),
        **other,
    )


def a_deal(version: int = 2) -> DealRecord:
    return DealRecord(
        partner=PARTNER, version=version, valid_from=datetime(2026, 11, 4, tzinfo=UTC), accepted_at=NOW, terms="{}",
        terms_hash="hash",
    )  # fmt: skip


def change(by: str = "sub-manager", number: int = 0) -> Change:
    return Change(by=by, at=NOW + timedelta(minutes=number), why="a goal")


def offer(goals: Goals, goal: Goal) -> Goal:
    goals.offer(goal, change(), offered_mail(goal))
    return goal


def accepted(goal: Goal, by: str = "sub-owner", minutes: int = 9) -> Goal:
    return answered(goal, GoalStatus.ACCEPTED, Act(by, NOW + timedelta(minutes=minutes), ""), 2)


@pytest.mark.pattern("goal_by_id")
def test_an_offer_comes_back_as_it_was_made_to_its_own_partner_only(goals: Goals) -> None:
    goal = offer(goals, a_goal())

    assert goals.goal(PARTNER, goal.goal) == goal
    strange = [(PARTNER, name) for name in ("gol_none", "#", "gol_" + "0" * 3000)]
    for partner, name in (("par_other", goal.goal), *strange):
        with pytest.raises(NotFound):
            goals.goal(partner, name)


@pytest.mark.pattern("goals_of_partner")
def test_a_partners_offers_come_newest_first_as_they_stand(goals: Goals) -> None:
    first, second, third = (offer(goals, a_goal(number)) for number in (1, 2, 3))
    offer(goals, a_goal(4, partner="par_other"))
    refused = answered(second, GoalStatus.DECLINED, Act("sub-owner", NOW, "Too many"))
    goals.answer("decline_goal", second, refused, change("sub-owner"), answered_mail(refused, "Amberfield"))

    assert goals.of_partner(PARTNER) == (third, refused, first)
    assert goals.of_partner("par_nobody") == ()


def test_accepting_writes_offer_deal_audit_and_mail_at_once(tables: Tables, goals: Goals) -> None:
    # given an offer whose owners were told
    goal = offer(goals, a_goal())
    [told] = Mails(tables.books).mails(PARTNER)
    assert (told.template.value, told.values["clients"]) == ("goal_offered", 10)

    # when it is accepted
    after = accepted(goal)
    goals.answer("accept_goal", goal, after, change("sub-owner", 9), answered_mail(after, "Amberfield"), a_deal())

    # then the deal has a version that reads like any other, and the manager is told
    configuration = Configuration(tables.books)
    assert configuration.deals(PARTNER) == [a_deal()]
    assert goals.goal(PARTNER, goal.goal) == after
    [answer] = Mails(tables.books).mails(BRAND)
    assert (answer.member, answer.values["answer"]) == ("sub-manager", "accepted")
    trail = configuration.audit_of_subject(PARTNER).items
    assert [record.action for record in trail] == ["accept_goal", "offer_goal"]
    assert trail[0].after is not None and '"version": 2' in trail[0].after and '"terms_hash": "hash"' in trail[0].after
    # and what the two sides wrote to each other stands nowhere in the trail
    assert not any(goal.note in str(record) for record in trail)


def test_of_two_answers_one_stands_and_nothing_of_the_other_is_written(tables: Tables, goals: Goals) -> None:
    goal = offer(goals, a_goal())
    after = accepted(goal)
    goals.answer("accept_goal", goal, after, change("sub-owner", 9), None, a_deal())

    withdrawn = answered(goal, GoalStatus.WITHDRAWN, Act("sub-manager", NOW, "A slip"))
    with pytest.raises(Conflict):
        goals.answer("withdraw_goal", goal, withdrawn, change(number=10))
    again = accepted(goal, "sub-other", 11)
    with pytest.raises(Conflict):
        goals.answer("accept_goal", goal, again, change("sub-other", 11), None, a_deal(3))
    assert goals.goal(PARTNER, goal.goal) == after
    assert [deal.version for deal in Configuration(tables.books).deals(PARTNER)] == [2]


def test_a_version_that_came_between_is_not_overwritten(tables: Tables, goals: Goals) -> None:
    goal = offer(goals, a_goal())
    proposed = replace(a_deal(), accepted_at=None, terms_hash="another")
    Configuration(tables.books).propose_deal(proposed, change())

    with pytest.raises(Conflict):
        goals.answer("accept_goal", goal, accepted(goal), change("sub-owner", 9), None, a_deal())
    assert goals.goal(PARTNER, goal.goal) == goal
    assert Configuration(tables.books).deals(PARTNER) == [proposed]


def test_one_offer_is_made_once(goals: Goals) -> None:
    goal = offer(goals, a_goal())
    with pytest.raises(Conflict):
        goals.offer(replace(goal, clients=11), change(number=1), offered_mail(goal))
    assert goals.of_partner(PARTNER) == (goal,)
