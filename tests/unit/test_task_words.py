"""Tasks in words: each trigger says why, with its figure, and proposes a message in the partner's language."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from introducer.domain.task import Task
from introducer.domain.trigger import Evidence, Trigger
from introducer.locale import CODES, language
from introducer.wording.tasks import figure, proposed_message, proposed_subject, why

EVIDENCE: dict[Trigger, Evidence] = {
    Trigger.PAYOUT_FAILED: {"payout": "pay_1", "what": "returned", "amount_minor": 42_613, "amount_currency": "PLN",
                            "reason": "account_closed"},
    Trigger.CASE_OPENED: {"case": "cas_1", "topic": "wash_trades", "clients": 3, "amount_minor": 9_000,
                          "amount_currency": "EUR"},
    Trigger.DOCUMENTS_WAIT: {"days": 3},
    Trigger.FTD_FELL: {"ftd_7": 2, "ftd_prev_28": 21, "fell_percent": 61},
    Trigger.NEAR_CAP: {"done": 45, "needed": 50, "missing": 5, "rule": "cpa", "month": "2026-11"},
    Trigger.NEAR_TIER: {"done": 4_500_00, "needed": 5_000_00, "missing": 500_00, "by": "net_revenue", "tier": 2,
                        "currency": "EUR"},
    Trigger.NEAR_GOAL: {"done": 8, "needed": 10, "missing": 2, "days_left": 4, "by": "qftd", "last": "2026-12-04",
                        "amount_minor": 50_000, "amount_currency": "EUR"},
    Trigger.DORMANT: {"dormant_days": 15},
    Trigger.FIRST_FTD: {"ftd_7": 1},
    Trigger.CONTEST_WON: {"contest": "cts_1", "name": "Spring 100% Gold", "place": 2},
    Trigger.APPLICATION_WAITS: {"application": "app_1", "country": "PL", "kind": "ib"},
}  # fmt: skip
SAID = {
    Trigger.PAYOUT_FAILED: "426.13 PLN",
    Trigger.CASE_OPENED: "90.00 EUR held",
    Trigger.DOCUMENTS_WAIT: "3 days",
    Trigger.FTD_FELL: "−61% first deposits",
    Trigger.NEAR_CAP: "45 of 50",
    Trigger.NEAR_TIER: "4,500.00 EUR of 5,000.00 EUR",
    Trigger.NEAR_GOAL: "8 of 10",
    Trigger.DORMANT: "15 days",
    Trigger.FIRST_FTD: "1 this week",
    Trigger.CONTEST_WON: "place 2",
    Trigger.APPLICATION_WAITS: "Poland",
}


def a_task(trigger: Trigger, **other: Any) -> Task:
    given = {"evidence": EVIDENCE[trigger], "language": "en", "name": "Harbour & <b>Sons</b>"} | other
    return Task(
        task="tsk_1", brand="brd_1", partner="par_1", trigger=trigger, about="", assignee="mem_1",
        raised_at=datetime(2026, 11, 30, tzinfo=UTC), due="2026-12-01", **given,
    )  # fmt: skip


@pytest.mark.parametrize("trigger", Trigger)
def test_each_trigger_says_its_figure(trigger: Trigger) -> None:
    assert str(figure(language("en"), a_task(trigger))).replace("\N{NO-BREAK SPACE}", " ") == SAID[trigger]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("trigger", Trigger)
def test_each_is_said_in_every_language_without_a_hole(trigger: Trigger, code: str) -> None:
    task = a_task(trigger, language=code)
    for said in (
        str(why(language(code), task)),
        str(figure(language(code), task)),
        proposed_message(task, signed="Sam"),
        proposed_subject(task),
    ):
        assert said and "%(" not in said and "\N{EN DASH}" not in said


def test_a_mean_is_exact_and_a_figure_that_is_not_known_is_a_dash() -> None:
    assert "5.25 a week" in str(why(language("en"), a_task(Trigger.FTD_FELL)))
    bare = a_task(Trigger.CASE_OPENED, evidence={"case": "cas_1", "topic": "", "clients": 0})
    assert str(figure(language("en"), bare)) == "Nothing is held yet"
    assert "\N{EN DASH}" in str(why(language("en"), a_task(Trigger.FTD_FELL, evidence={})))


def test_a_message_is_plain_text_and_a_page_shows_no_markup_of_a_name() -> None:
    said = proposed_message(a_task(Trigger.CONTEST_WON), signed="Sam Okoro")
    assert said.startswith("Hello Harbour & <b>Sons</b>,\n\nCongratulations on place 2 in Spring 100% Gold!")
    assert said.endswith("\n\nKind regards\nSam Okoro")
    hostile = a_task(Trigger.CONTEST_WON, evidence={"name": "<img onerror=x>", "contest": "c", "place": 1})
    assert "<img" not in why(language("en"), hostile).__html__()


def test_a_language_that_we_do_not_speak_is_english() -> None:
    assert proposed_message(a_task(Trigger.DORMANT, language="xx"), signed="").endswith("Kind regards")
