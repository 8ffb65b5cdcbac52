"""What each trigger goes off at, in worked numbers: the last that does not, and the first that does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from introducer.domain.configuration import Role
from introducer.domain.contest_mail import MailTemplate
from introducer.domain.events import LOT
from introducer.domain.mail import Audience, Mail, Value, amount, handed_on_to, new_mail
from introducer.domain.money import Money
from introducer.domain.results import ResultLine
from introducer.domain.trigger import (
    FOR_EVER,
    RULES,
    Evidence,
    Found,
    Need,
    Over,
    Progress,
    Seen,
    Trigger,
    asks_for_first,
    found_in,
    found_of_mail,
    going,
    rests_until,
    told,
)

TODAY = "2026-11-30"
AT = datetime(2026, 11, 30, 9, tzinfo=UTC)


def a_line(**other: Any) -> ResultLine:
    """A partner in its second year that does what it always does."""
    usual = {"ftd_7": 5, "ftd_30": 22, "ftd_prev_28": 20, "last_active_day": TODAY, "joined": "2025-06-01"}
    return ResultLine(partner="par_1", day=TODAY, **usual | other)


def goes_off(*progress: Progress, ftd_before: int | None = None, **line: Any) -> list[Trigger]:
    seen = Seen(line=a_line(**line), ftd_before=ftd_before, progress=progress)
    return [each.trigger for each in found_in(seen, TODAY)]


def test_a_usual_week_needs_nobody() -> None:
    assert goes_off() == []


@pytest.mark.parametrize(
    ("week", "before", "fell"),
    [
        # 20 in four weeks are 5 a week: half of that is 2.5.
        (3, 20, False),
        (2, 20, True),
        # Exactly half is down by 50 %.
        (2, 16, True),
        (0, 8, True),
        # Under two a week, half of them is chance.
        (0, 7, False),
        (0, 0, False),
        # 101 in four weeks are 25.25 a week, half is 12.625: whole numbers compare exactly.
        (12, 101, True),
        (13, 101, False),
    ],
)
def test_first_deposits_fell_by_half_against_the_own_four_weeks(week: int, before: int, fell: bool) -> None:
    assert (Trigger.FTD_FELL in goes_off(ftd_7=week, ftd_prev_28=before)) is fell


def test_a_partner_younger_than_five_weeks_has_no_mean_of_its_own() -> None:
    assert goes_off(ftd_7=1, joined="2026-10-26") == [Trigger.FTD_FELL], "35 days"
    assert goes_off(ftd_7=1, joined="2026-10-27") == [], "34 days"


@pytest.mark.parametrize(
    ("last", "quiet"),
    [("2026-11-17", False), ("2026-11-16", True), ("2026-10-01", True), ("2026-09-30", False), ("", False)],
)
def test_fourteen_days_without_anything_are_dormant_until_sixty(last: str, quiet: bool) -> None:
    # Who was never active at all is for the first steps that every partner is led through.
    assert (Trigger.DORMANT in goes_off(last_active_day=last)) is quiet


@pytest.mark.parametrize(
    ("over", "trigger"),
    [(Over.TIER, Trigger.NEAR_TIER), (Over.CAP, Trigger.NEAR_CAP), (Over.GOAL, Trigger.NEAR_GOAL)],
)
@pytest.mark.parametrize(
    ("done", "needed", "near"),
    [(7, 10, False), (8, 10, True), (9, 10, True), (10, 10, False), (12, 10, False), (2, 3, False), (0, 0, False)],
)
def test_four_fifths_of_the_way_is_near_and_there_is_not(
    over: Over, trigger: Trigger, done: int, needed: int, near: bool
) -> None:
    more = {"days_left": 3} if over is Over.GOAL else {}
    assert (goes_off(going(over=over, about="a", done=done, needed=needed, **more)) == [trigger]) is near


@pytest.mark.parametrize(("days", "waits"), [(0, False), (1, False), (2, True), (9, True)])
def test_documents_wait_two_full_days(days: int, waits: bool) -> None:
    found = goes_off(Progress(over=Over.DOCUMENTS, about="documents 3", figures={"days": days}))
    assert found == ([Trigger.DOCUMENTS_WAIT] if waits else [])


@pytest.mark.parametrize(("week", "before", "first"), [(1, 0, True), (3, 0, True), (1, 1, False), (0, 0, False)])
def test_the_first_one_ever_is_one_with_none_before(week: int, before: int, first: bool) -> None:
    assert (goes_off(ftd_7=week, ftd_prev_28=0, ftd_before=before) == [Trigger.FIRST_FTD]) is first


def test_nothing_is_said_of_a_first_one_that_nobody_counted() -> None:
    assert goes_off(ftd_7=1, ftd_prev_28=0) == []
    assert asks_for_first(a_line(ftd_7=1, ftd_prev_28=0))
    assert not asks_for_first(a_line(ftd_7=1, ftd_prev_28=1)) and not asks_for_first(a_line(ftd_7=0, ftd_prev_28=0))


def test_a_task_gets_the_figures_that_made_it() -> None:
    goals = [
        going(over=Over.GOAL, about=f"goal_{each}", done=9, needed=10, facts={"last": "2026-12-01"}, days_left=2)
        for each in "ab"
    ]
    found = found_in(Seen(line=a_line(ftd_7=2, ftd_prev_28=20), progress=tuple(goals)), TODAY)
    assert found == (
        Found(
            trigger=Trigger.FTD_FELL, about="", evidence={"ftd_7": 2, "ftd_prev_28": 20, "fell_percent": 60}
        ),
        *(
            Found(
                trigger=Trigger.NEAR_GOAL, about=f"goal_{each}",
                evidence={"done": 9, "needed": 10, "missing": 1, "days_left": 2, "last": "2026-12-01"},
            )
            for each in "ab"
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("need", "figures", "holds"),
    [
        (Need("x", least=2), {"x": 2}, True),
        (Need("x", least=2), {"x": 1}, False),
        (Need("x", least=2), {}, False),
        (Need("x", least=2, most=3), {"x": 4}, False),
        (Need("x", most=50, of="y"), {"x": 5, "y": 10}, True),
        (Need("x", most=50, of="y"), {"x": 6, "y": 10}, False),
        (Need("x", most=50, of="y"), {"x": 0, "y": 0}, False),
        (Need("x", most=50, of="y"), {"x": 0}, False),
    ],
)
def test_a_condition_compares_whole_numbers(need: Need, figures: dict[str, int], holds: bool) -> None:
    assert need.holds(figures) is holds


def a_mail(template: MailTemplate, values: dict[str, Value], **to: str) -> Mail:
    return new_mail("pay_1 step", template, values, brand="brd_1", at=AT, **to or {"partner": "par_1"})


PAYOUT: dict[str, Value] = {
    "payout": "pay_1", "amount": amount(10_000, "EUR"), "pays": amount(42_613, "PLN"), "masked": "PL•• 1111",
    "day": TODAY, "rates": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("template", "what"), [(MailTemplate.PAYOUT_FAILED, "failed"), (MailTemplate.PAYOUT_RETURNED, "returned")]
)
def test_a_payout_that_did_not_arrive_is_a_task_with_what_was_paid_out(template: MailTemplate, what: str) -> None:
    found = found_of_mail(a_mail(template, PAYOUT | {"reason": "account_closed"}))
    assert found == Found(
        trigger=Trigger.PAYOUT_FAILED,
        about="pay_1 step",
        evidence={
            "payout": "pay_1", "what": what, "amount_minor": 42_613, "amount_currency": "PLN",
            "reason": "account_closed",
        },
    )  # fmt: skip


def test_what_is_well_and_what_staff_are_told_anyway_make_no_task() -> None:
    told = a_mail(MailTemplate.PAYOUT_FAILED, PAYOUT | {"reason": ""})
    assert found_of_mail(a_mail(MailTemplate.PAYOUT_PAID, PAYOUT)) is None
    # Each owner has a copy of their own: one task.
    assert found_of_mail(handed_on_to(told, "mem_1", AT)) is None
    assert found_of_mail(replace(told, partner="", audience=Audience.APPROVERS)) is None


def test_every_trigger_has_a_rule_that_can_go_off_and_somebody_to_work_it() -> None:
    assert list(RULES) == list(Trigger)
    for trigger, rule in RULES.items():
        assert (rule.over is Over.EVENT) == (rule.needs == ()), trigger
        assert {Role.MANAGER, Role.ADMIN} <= rule.workers and all(role.is_staff for role in rule.workers)
        assert rule.due_days >= 1 and 0 < rule.weight <= 30


def test_what_is_said_once_rests_for_ever_and_the_rest_for_days() -> None:
    assert rests_until(RULES[Trigger.FIRST_FTD], TODAY) == FOR_EVER
    assert rests_until(RULES[Trigger.DORMANT], TODAY) == "2026-12-30"


@pytest.mark.parametrize(("evidence", "says"), [
    ({"what": "failed", "amount_minor": -5, "amount_currency": "JPY"}, {"what": "failed", "amount": Money(-5, "JPY")}),
    ({"done": 450_00, "needed": 500_00, "missing": 50_00, "by": "net_revenue", "tier": 2, "currency": "EUR"},
     {"done": Money(450_00, "EUR"), "needed": Money(500_00, "EUR"), "missing": Money(50_00, "EUR"),
      "by": "net_revenue", "tier": 2, "currency": "EUR"}),
    ({"done": 5 * LOT // 2, "missing": LOT, "by": "lots", "currency": "EUR"},
     {"done": "2.5", "missing": "1", "by": "lots", "currency": "EUR"}),
    ({"done": 8, "days_left": 4, "by": "qftd"}, {"done": 8, "days_left": 4, "by": "qftd"}),
    ({"done": 45, "needed": 50, "rule": "cpa"}, {"done": 45, "needed": 50, "rule": "cpa"}),
])  # fmt: skip
def test_evidence_is_told_in_money_lots_and_numbers(evidence: Evidence, says: dict[str, Any]) -> None:
    assert told(evidence) == says
