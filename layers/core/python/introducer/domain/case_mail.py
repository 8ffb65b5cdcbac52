"""Whom a step of a case is told to, and what: the partner's owners and the staff who are to decide.

The partner's manager is asked first. Once a case is escalated, and of every appeal, compliance and the admins are told;
they are from the beginning where the partner has no manager. Mails belong into the transaction of the step they tell
of, one per step and person: putting one that is there already refuses that transaction, so a step that is repeated
writes nothing at all.
"""

from __future__ import annotations

from datetime import datetime

from introducer.domain.case import CLOCK, Case, CaseStatus, Verdict
from introducer.domain.events import milliseconds
from introducer.domain.mail import LONGEST_TEXT, Audience, Mail, MailTemplate, Value, amount, new_mail


def opened_mails(case: Case, at: datetime, *, manager: str = "") -> list[Mail]:
    """A case was opened: to both. `manager` is the id of the partner's manager; empty where it has none. The partner is
    told what is looked at, and never the figures that staff see."""
    values: dict[str, Value] = {"decide_by": milliseconds(case.decide_by), "release_by": milliseconds(case.escalate_by)}
    return [
        _to_partner(MailTemplate.CASE_OPENED, case, at, values | {"why": ""}),
        _to_staff(MailTemplate.CASE_OPENED, case, at, values | {"why": case.why[:LONGEST_TEXT]}, manager=manager),
    ]


def reminder_mails(case: Case, at: datetime, *, decide_by: datetime, manager: str = "") -> list[Mail]:
    """Whoever is to decide is reminded, for the `case.reminders`-th time; `decide_by` is when the clock goes on."""
    values: dict[str, Value] = {
        "stage": case.status.value,
        "reminder": case.reminders,
        "decide_by": milliseconds(decide_by),
    }
    if case.status is not CaseStatus.OPEN:
        manager = ""
    return [
        _to_staff(
            MailTemplate.CASE_REMINDER, case, at, values, manager=manager, step=f" {case.status.value} {case.reminders}"
        )
    ]


def escalated_mails(case: Case, at: datetime) -> list[Mail]:
    """Nobody decided in time: to compliance and the admins, and to the partner, for whom it takes longer."""
    values: dict[str, Value] = {"release_by": milliseconds(case.escalate_by)}
    return [
        _to_partner(MailTemplate.CASE_ESCALATED, case, at, values),
        _to_staff(MailTemplate.CASE_ESCALATED, case, at, values),
    ]


def decided_mails(case: Case, at: datetime, *, manager: str = "") -> list[Mail]:
    """The first verdict stands in `case`: to both."""
    verdict = case.verdict
    assert verdict is not None, "a case that was decided has its verdict"
    values = _of_verdict(verdict) | {
        "outcome": "disallowed" if verdict.disallowed else "released",
        "disallowed": len(verdict.clients) if verdict.disallowed else 0,
        "starts_at": 0 if verdict.starts_at is None else milliseconds(verdict.starts_at),
        "appeal_by": milliseconds(case.appeal_by) if verdict.disallowed and case.appeal_by else 0,
    }
    return [
        _to_partner(MailTemplate.CASE_DECIDED, case, at, values),
        _to_staff(MailTemplate.CASE_DECIDED, case, at, values, manager=manager),
    ]


def appealed_mails(case: Case, at: datetime, *, said: str, decide_by: datetime) -> list[Mail]:
    """The partner appealed: to those who decide appeals, with what it said; and to its owners, that it arrived."""
    values: dict[str, Value] = {"said": said[:LONGEST_TEXT], "decide_by": milliseconds(decide_by)}
    return [
        _to_partner(MailTemplate.CASE_APPEALED, case, at, values),
        _to_staff(MailTemplate.CASE_APPEALED, case, at, values),
    ]


def closed_mails(case: Case, at: datetime, *, manager: str = "") -> list[Mail]:
    """The case is over: to both. None for one that was released by its first verdict: then all was said with that."""
    match case.status:
        case CaseStatus.UPHELD | CaseStatus.OVERTURNED if case.second is not None:
            values = _of_verdict(case.second) | {"outcome": case.status.value}
        case CaseStatus.DISALLOWED if case.verdict is not None:
            values = _of_verdict(case.verdict) | {"outcome": case.status.value}
        case _:
            return []
    return [
        _to_partner(MailTemplate.CASE_CLOSED, case, at, values),
        _to_staff(MailTemplate.CASE_CLOSED, case, at, values, manager=manager),
    ]


def _of_verdict(verdict: Verdict) -> dict[str, Value]:
    return {
        "by": "clock" if verdict.by == CLOCK else "person",
        "code": verdict.code.value if verdict.code is not None else "",
        "why": "" if verdict.by == CLOCK else verdict.why[:LONGEST_TEXT],
    }


def _values(case: Case) -> dict[str, Value]:
    return {
        "case": case.case,
        "of": case.partner,
        "name": case.name[:LONGEST_TEXT],
        "topic": case.detectors[0] if case.detectors else "",
        "clients": 0 if case.whole else len(case.clients),
        "held": [amount(minor, currency) for currency, minor in sorted(case.holds.items())],
    }


def _to_partner(template: MailTemplate, case: Case, at: datetime, values: dict[str, Value]) -> Mail:
    what = f"{case.case} {template.value}"
    return new_mail(what, template, _values(case) | values, brand=case.brand, partner=case.partner, at=at)


def _to_staff(
    template: MailTemplate, case: Case, at: datetime, values: dict[str, Value], *, manager: str = "", step: str = ""
) -> Mail:
    what = f"{case.case} {template.value}{step}"
    return new_mail(
        what, template, _values(case) | values, brand=case.brand, member=manager, staff=Audience.COMPLIANCE, at=at
    )
