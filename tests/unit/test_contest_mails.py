"""What participants and planners are told of a contest: each step once, the own place and nobody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Role
from introducer.domain.contest import Contest, Division, Metric
from introducer.domain.contest_mail import (
    Answer,
    answered_mail,
    cancelled_mail,
    entered_mail,
    final_mail,
    moved_mail,
    objected_mail,
    objections_wait_mail,
    result_mail,
    score_text,
)
from introducer.domain.contest_prizes import Result, Unranked
from introducer.domain.mail import Audience, Mail, MailTemplate
from introducer.locale import language
from introducer.wording.mails.rendering import OWNER, STAFF, render

NOW = datetime(2026, 12, 3, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
CONTEST = Contest(
    contest="ctt_1", brand="brd_1", name="Winter race", weights=((Metric.QFTD, 1_000),), currency="EUR",
    time_zone="Europe/Warsaw", starts_at=NOW, ends_at=NOW + DAY, divisions=(Division(name="Small"),),
    objections_until=NOW + 4 * DAY, drafted_by="mem_1", drafted_at=NOW,
)  # fmt: skip
RESULT = Result(contest="ctt_1", partner="par_1", division=0, rank=2, score=41_00, last_at=0)


def said(mail: Mail) -> str:
    return render(mail.template, mail.values, language("en"), OWNER if mail.partner else STAFF).text


def test_the_provisional_result_says_the_own_place_and_until_when_one_may_object() -> None:
    mail = result_mail(CONTEST, RESULT, NOW, ranked=118)
    assert (mail.of, mail.audience) == ("par_1", Audience.OWNERS)
    text = said(mail)
    assert "You are number 2 of 118" in text
    assert "Score: 41 · qualified clients" in text
    assert "Object until: 7 Dec 2026" in text
    assert "https://partners.example.com/contests/ctt_1" in text


@pytest.mark.parametrize(
    ("unranked", "line"),
    [
        (Unranked.BELOW_MINIMUM, "You scored less than is needed for a place."),
        (Unranked.SET_ASIDE, "You are set aside in this contest: its page says why, and you may object."),
    ],
)
def test_who_has_no_place_is_told_why_and_accused_of_nothing(unranked: Unranked, line: str) -> None:
    result = replace(RESULT, rank=0, unranked=unranked, aside="open_case")
    text = said(result_mail(CONTEST, result, NOW, ranked=3))
    assert line in text
    assert "Place:" not in text
    assert "case" not in text
    assert "you may object" not in said(final_mail(CONTEST, result, NOW, ranked=3))


def test_winners_are_told_what_they_won_and_from_when_and_the_others_their_place() -> None:
    won = replace(RESULT, amount=2_500_00, gifts=("A weekend in Lisbon",))
    mail = final_mail(CONTEST, won, NOW, ranked=9, available="2027-01-03")
    assert mail.template is MailTemplate.CONTEST_WON
    text = said(mail)
    assert "2,500.00\N{NO-BREAK SPACE}EUR" in text
    assert "it can be paid out from 3 Jan 2027" in text
    assert "Gift: A weekend in Lisbon" in text
    gift = final_mail(CONTEST, replace(won, amount=0), NOW, ranked=9)
    assert "paid out" not in said(gift)
    assert final_mail(CONTEST, RESULT, NOW, ranked=9).template is MailTemplate.CONTEST_FINAL


@pytest.mark.parametrize(
    ("weights", "score", "expected"),
    [
        (((Metric.DEPOSITS, 1_000),), 1_234_50, "Score: 1,234.50\N{NO-BREAK SPACE}EUR"),
        (((Metric.NET_REVENUE, 1_000),), -7, "-0.07"),
        (((Metric.FTD, 10_000), (Metric.LOTS, 500)), 12_50, "Score: 12.50 · points"),
    ],
)
def test_a_score_is_said_in_its_own_unit(weights: Any, score: int, expected: str) -> None:
    mail = result_mail(replace(CONTEST, weights=weights), replace(RESULT, score=score), NOW, ranked=2)
    assert expected in said(mail).replace("\N{MINUS SIGN}", "-")
    assert [score_text(each) for each in (0, 5, -150, 1200)] == ["0", "0.05", "-1.50", "12"]


def test_each_step_is_one_mail_to_each_who_is_concerned() -> None:
    def of(partner: str = "par_1", at: datetime = NOW, contest: Contest = CONTEST) -> list[Mail]:
        return [
            entered_mail(contest, partner, 0, at), moved_mail(contest, partner, at),
            cancelled_mail(contest, partner, at),
            result_mail(contest, replace(RESULT, partner=partner), at, ranked=1),
            final_mail(contest, replace(RESULT, partner=partner), at, ranked=1),
            answered_mail(contest, partner, NOW, at, answer=Answer.REJECTED, why="Seen"),
        ]  # fmt: skip

    # A step that is repeated later is the same mail; another partner's is another, and so is another time.
    ids = [mail.mail for mail in of()]
    assert len(set(ids)) == len(ids)
    assert [mail.mail for mail in of(at=NOW + DAY)] == ids
    assert not set(ids) & {mail.mail for mail in of("par_2")}
    later = [mail.mail for mail in of(contest=replace(CONTEST, ends_at=NOW + 2 * DAY))]
    assert [one == other for one, other in zip(ids, later, strict=True)] == [True, False, True, True, True, True]


def test_objections_go_to_the_partners_manager_or_to_all_who_plan_and_each_reminder_is_a_mail() -> None:
    to_manager = objected_mail(CONTEST, "par_1", "Amberfield Media", "x" * 900, NOW, manager="mem_9")
    assert (to_manager.of, to_manager.audience, to_manager.member) == ("brd_1", Audience.MEMBER, "mem_9")
    to_all = objected_mail(CONTEST, "par_1", "Amberfield Media", "Two are missing", NOW)
    assert to_all.audience.roles == {Role.MANAGER, Role.ADMIN}
    assert "Two are missing" in said(to_all)
    assert "/desk/contests/ctt_1" in said(to_all)
    first, second = (
        objections_wait_mail(CONTEST, NOW, waiting=2, reminder=number, decide_by=NOW + 7 * DAY) for number in (1, 2)
    )
    assert first.mail != second.mail
    assert "Without an answer by 10 Dec 2026" in said(first)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (Answer.UPHELD, "you are right"),
        (Answer.REJECTED, "the result stands as it was counted"),
        (Answer.UNANSWERED, "Nobody decided about it"),
    ],
)
def test_whoever_objected_is_told_what_came_of_it(answer: Answer, line: str) -> None:
    assert line in said(answered_mail(CONTEST, "par_1", NOW, NOW + DAY, answer=answer, why=""))


def test_who_may_win_nothing_any_more_is_told_why() -> None:
    cancelled = said(cancelled_mail(replace(CONTEST, why_over="The platform was down"), "par_1", NOW))
    assert "nobody wins anything" in cancelled
    assert "Why: The platform was down" in cancelled
    assert "What your clients earn you by your deal is untouched." in cancelled
