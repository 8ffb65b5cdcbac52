"""The deal version that accepting a goal makes: the newest accepted terms, and one rule more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from introducer.domain.configuration import DealRecord
from introducer.domain.deal import Basis, Bonus, Cpa, Deal, HoldFrom
from introducer.domain.errors import Conflict
from introducer.domain.events import NOTICE, day_of, milliseconds
from introducer.domain.goal import Goal
from introducer.domain.goals_kept import check_goals_kept, opens_before
from introducer.domain.terms import check_successor, parse_terms
from introducer.services.accept_deal import begins_when_accepted, next_midnight
from introducer.services.propose_deal import hash_of, next_version, text_of
from introducer.services.read_contracts import deal_versions


def newest_accepted(records: Sequence[DealRecord]) -> DealRecord:
    """The terms that a goal is added to. Raises `Conflict` (`no_deal`) for a partner that never accepted any."""
    accepted = [record for record in records if record.accepted_at is not None]
    if not accepted:
        raise Conflict("The partner has accepted no deal yet: propose one first.", code="no_deal")
    return max(accepted, key=lambda record: record.version)


def currency_of(record: DealRecord) -> str:
    """The currency of a deal version."""
    return parse_terms(json.loads(record.terms)).currency


def begins_with_goal(records: Sequence[DealRecord], at: datetime) -> datetime:
    """When terms begin that are accepted at this moment: the next midnight, or with the newest ones if they are still
    to come. Raises `Conflict` (`no_deal`)."""
    return max(next_midnight(at + NOTICE), newest_accepted(records).valid_from)


def deal_with_goal(records: Sequence[DealRecord], goal: Goal, at: datetime) -> DealRecord:
    """The version, as it is accepted at this moment. `records` are all versions of the partner.

    Raises `Conflict`: `no_deal`; `deal_waits` while other terms wait for the partner; `deal_begins_later` when the
    newest terms begin after the goal's days do; `currency_changed`; `no_cpa` where nothing says who qualifies;
    `hold_of_deal` where the deal holds money from the event's day; `same_goal` where the deal has this goal already.
    """
    base = newest_accepted(records)
    before = parse_terms(json.loads(base.terms))
    begins = begins_with_goal(records, at)
    _check_nothing_waits(records, at)
    if day_of(begins) > goal.first:
        raise Conflict(
            f"Version {base.version} of the deal begins on {day_of(base.valid_from)}: let the goal begin then or"
            " later.",
            code="deal_begins_later",
        )
    _check_fits(goal, before)
    terms = json.loads(base.terms)
    terms["rules"] = [
        # What is over is said by the versions that had it.
        *(rule for rule in terms["rules"] if rule.get("window", {"until": goal.last})["until"] >= day_of(begins)),
        goal.terms(),
    ]
    if before.hold.counts_from is HoldFrom.QUALIFICATION:
        # What is paid once per client counts from its qualification all the same; a goal has none.
        terms["hold"] = terms["hold"] | {"from": HoldFrom.MONTH_END.value}
    deal = parse_terms(terms)
    check_successor(deal, [(record.version, parse_terms(json.loads(record.terms))) for record in records])
    check_goals_kept(deal, milliseconds(begins), deal_versions(records))
    text = text_of(terms)
    return DealRecord(
        partner=base.partner,
        version=next_version(records),
        valid_from=begins,
        accepted_at=at,
        terms=text,
        terms_hash=hash_of(text),
    )


def _check_nothing_waits(records: Sequence[DealRecord], at: datetime) -> None:
    """Only one thing at a time: accepting a goal would overtake other terms that the partner has still to answer."""
    accepted = deal_versions(records)
    for record in records:
        if record.accepted_at is not None or record.version < newest_accepted(records).version:
            continue
        begins = milliseconds(begins_when_accepted(records, record, at))
        if opens_before(parse_terms(json.loads(record.terms)), begins, accepted) is None:
            raise Conflict(
                f"Version {record.version} of the deal waits for the partner's answer, and a goal would take its place:"
                " let the partner accept it first, or propose it anew with the goal in it.",
                code="deal_waits",
                version=record.version,
            )


def _check_fits(goal: Goal, deal: Deal) -> None:
    if deal.currency != goal.currency:
        raise Conflict(
            f"The deal is in {deal.currency} now, and the goal in {goal.currency}: offer it anew.",
            code="currency_changed",
        )
    if goal.by is Basis.QFTD and not any(isinstance(rule, Cpa) for rule in deal.rules):
        raise Conflict("No cpa of the deal says who qualifies: let the goal count ftd.", code="no_cpa")
    if deal.hold.counts_from is HoldFrom.EVENT_DAY:
        raise Conflict(
            "The deal holds money from the day of the event, and a goal is known at a month's end only: propose terms"
            " that hold from month_end first.",
            code="hold_of_deal",
        )
    for rule in deal.rules:
        same = isinstance(rule, Bonus) and (rule.by, rule.goal) == (goal.by, goal.clients) and rule.window
        if same and same.first <= goal.last and goal.first <= same.last:
            raise Conflict(
                f"The deal pays for this very goal from {same.first} until {same.last} already: choose other days or"
                " another number.",
                code="same_goal",
            )
