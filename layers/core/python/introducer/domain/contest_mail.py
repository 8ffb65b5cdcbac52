"""Whom a step of a contest is told to, and what: its participants, and the staff who plan contests.

There is one mail per step and person. Who puts one beside a partner's own write puts it into that transaction; what is
told to everybody is put page by page (`services.tell_participants`), and putting a mail that is there changes nothing:
so a step that is repeated tells nobody twice.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from introducer.domain.contest import SCORE_ONE, Contest
from introducer.domain.contest_prizes import Result
from introducer.domain.events import milliseconds
from introducer.domain.mail import LONGEST_TEXT, Audience, Mail, MailTemplate, Value, amount, new_mail


class Answer(StrEnum):
    """What became of an objection."""

    UPHELD = "upheld"
    REJECTED = "rejected"
    UNANSWERED = "unanswered"
    """Nobody decided in time: the result stands."""


def entered_mail(contest: Contest, partner: str, division: int, at: datetime) -> Mail:
    """The clock entered a partner into a contest that takes everybody. Goes with its entry."""
    values: dict[str, Value] = {"division": _division(contest, division), "ends_at": milliseconds(contest.ends_at)}
    return _to_partner(MailTemplate.CONTEST_ENTERED, contest, partner, at, values)


def moved_mail(contest: Contest, partner: str, at: datetime) -> Mail:
    """A contest of which a partner takes part runs at another time now: closed early, or extended, or moved before its
    start. One per participant and time, whoever puts it (`services.tell_participants`)."""
    values: dict[str, Value] = {
        "starts_at": milliseconds(contest.starts_at),
        "ends_at": milliseconds(contest.ends_at),
        "why": contest.why_over[:LONGEST_TEXT],
    }
    step = f" {values['starts_at']} {values['ends_at']}"
    return _to_partner(MailTemplate.CONTEST_MOVED, contest, partner, at, values, step)


def cancelled_mail(contest: Contest, partner: str, at: datetime) -> Mail:
    """A contest was cancelled (`why_over`): nothing is paid."""
    return _to_partner(MailTemplate.CONTEST_CANCELLED, contest, partner, at, {"why": contest.why_over[:LONGEST_TEXT]})


def result_mail(contest: Contest, result: Result, at: datetime, *, ranked: int, anew: bool = False) -> Mail:
    """The provisional result, to one participant: its own place among the `ranked` of its division, and until when it
    may object; once, and again (`anew`) whenever staff change it. What others scored is not in it, nor why one is set
    aside beyond the word for it."""
    assert contest.objections_until is not None, "a result that can be objected to has a day until when"
    values = _place(contest, result, ranked) | {"objections_until": milliseconds(contest.objections_until)}
    step = f" {contest.version}" if anew else ""
    return _to_partner(MailTemplate.CONTEST_RESULT, contest, result.partner, at, values, step)


def objected_mail(contest: Contest, partner: str, name: str, said: str, at: datetime, *, manager: str = "") -> Mail:
    """A participant (its name for staff) objects: to its manager, else to all who plan contests. Goes with the
    objection."""
    values: dict[str, Value] = {"of": partner, "partner": name[:LONGEST_TEXT], "said": said[:LONGEST_TEXT]}
    return _to_staff(
        MailTemplate.CONTEST_OBJECTED, contest, at, values, f" {partner} {milliseconds(at)}", member=manager
    )


def answered_mail(
    contest: Contest, partner: str, raised_at: datetime, at: datetime, *, answer: Answer, why: str
) -> Mail:
    """An objection that was raised at this moment was answered, or the time for it is over. Goes with the answer."""
    values: dict[str, Value] = {"answer": answer.value, "why": why[:LONGEST_TEXT]}
    step = f" {milliseconds(raised_at)}"
    return _to_partner(MailTemplate.CONTEST_ANSWERED, contest, partner, at, values, step)


def objections_wait_mail(contest: Contest, at: datetime, *, waiting: int, reminder: int, decide_by: datetime) -> Mail:
    """So many objections wait although their time is over: to all who plan contests, for the `reminder`-th time. After
    `decide_by` the result stands."""
    values: dict[str, Value] = {"waiting": waiting, "reminder": reminder, "decide_by": milliseconds(decide_by)}
    return _to_staff(MailTemplate.CONTEST_OBJECTIONS_WAIT, contest, at, values, f" {reminder}")


def final_mail(contest: Contest, result: Result, at: datetime, *, ranked: int, available: str = "") -> Mail:
    """The final result, to one participant: what it won (`CONTEST_WON`), or its place alone (`CONTEST_FINAL`).
    `available` is the UTC day from which its prize money can be paid out; empty where it won none."""
    if not result.amount and not result.gifts:
        return _to_partner(MailTemplate.CONTEST_FINAL, contest, result.partner, at, _place(contest, result, ranked))
    values = _place(contest, result, ranked) | {
        "won": [amount(result.amount, contest.currency)] if result.amount else [],
        "gifts": ", ".join(result.gifts)[:LONGEST_TEXT],
        # Of gifts alone the day is nobody's.
        "available": available or f"{at:%Y-%m-%d}",
    }
    return _to_partner(MailTemplate.CONTEST_WON, contest, result.partner, at, values)


def score_text(score: int) -> str:
    """A score of hundredths as decimal text: `1234.50`, and `12` for what has no part of one."""
    whole, rest = divmod(abs(score), SCORE_ONE)
    return f"{'-' if score < 0 else ''}{whole}" + (f".{rest:02}" if rest else "")


def _place(contest: Contest, result: Result, ranked: int) -> dict[str, Value]:
    [(metric, _), *_] = contest.weights
    return {
        "division": _division(contest, result.division),
        "place": result.rank,
        "ranked": ranked,
        "score": score_text(result.score),
        "unit": "points" if contest.is_weighted else metric.value,
        "currency": contest.currency,
        "unranked": result.unranked.value if result.unranked is not None else "",
    }


def _division(contest: Contest, number: int) -> str:
    return contest.divisions[number].name[:LONGEST_TEXT]


def _values(contest: Contest) -> dict[str, Value]:
    return {"contest": contest.contest, "name": contest.name[:LONGEST_TEXT]}


def _to_partner(
    template: MailTemplate, contest: Contest, partner: str, at: datetime, values: dict[str, Value], step: str = ""
) -> Mail:
    what = f"{contest.contest} {template.value}{step}"
    return new_mail(what, template, _values(contest) | values, brand=contest.brand, partner=partner, at=at)


def _to_staff(
    template: MailTemplate, contest: Contest, at: datetime, values: dict[str, Value], step: str, *, member: str = ""
) -> Mail:
    what = f"{contest.contest} {template.value}{step}"
    return new_mail(
        what, template, _values(contest) | values, brand=contest.brand, member=member, staff=Audience.PLANNERS, at=at
    )
