"""Mails: what is written to whom because of what happened, decided in the transaction in which it happened.

A mail is addressed to people by who they are, never by address: who they are now, where they read mail and in which
language is looked up when it is sent. One to all owners of a partner, or to all approvers of a brand, becomes one for
each of them. Its id follows from what happened and to whom it goes, so that there is one per step and person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from introducer.domain.configuration import Role
from introducer.domain.events import day_of, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.money import DECIMALS, Money
from introducer.domain.payout import Payout, PayoutStatus, Run

KEPT = timedelta(days=400)
"""How long a mail is remembered."""
PREFIX = "mail"
"""What ids of mails begin with: the stream of the books is filtered by it."""


class MailTemplate(StrEnum):
    """What is said."""

    PAYOUT_PAID = "payout_paid"
    PAYOUT_RETURNED = "payout_returned"
    PAYOUT_FAILED = "payout_failed"
    PAYMENT_PROFILE_CHANGED = "payment_profile_changed"
    PAYOUTS_WAITING = "payouts_waiting"
    VERIFICATION_DECIDED = "verification_decided"
    CASE_OPENED = "case_opened"
    CASE_REMINDER = "case_reminder"
    CASE_ESCALATED = "case_escalated"
    CASE_DECIDED = "case_decided"
    CASE_APPEALED = "case_appealed"
    CASE_CLOSED = "case_closed"
    GOAL_OFFERED = "goal_offered"
    GOAL_ANSWERED = "goal_answered"
    CONTEST_ENTERED = "contest_entered"
    CONTEST_MOVED = "contest_moved"
    CONTEST_CANCELLED = "contest_cancelled"
    CONTEST_RESULT = "contest_result"
    CONTEST_OBJECTED = "contest_objected"
    CONTEST_ANSWERED = "contest_answered"
    CONTEST_OBJECTIONS_WAIT = "contest_objections_wait"
    CONTEST_WON = "contest_won"
    CONTEST_FINAL = "contest_final"
    PARTNER_REPORT = "partner_report"
    MANAGER_DIGEST = "manager_digest"
    RUN_SUMMARY = "run_summary"
    LEAD_CAME = "lead_came"
    LEAD_MOVED = "lead_moved"
    TARGET_PAUSED = "target_paused"
    """Outbound postbacks to one target stopped: nothing arrived there."""
    APPLICATION_CHECK = "application_check"
    """Somebody applied with this address: a link that shows that it is theirs."""
    APPLICATION_REFUSED = "application_refused"
    MESSAGE_WRITTEN = "message_written"
    """Somebody wrote in a conversation: to either side."""
    WRITTEN = "written"
    """What staff wrote themselves, in a sequence or a broadcast: the text stands apart, and the mail names it."""


TO_APPLICANTS = frozenset({MailTemplate.APPLICATION_CHECK, MailTemplate.APPLICATION_REFUSED})
"""What is said to people without a login."""


class Audience(StrEnum):
    """Whom a mail is for."""

    OWNERS = "owners"
    """Each owner of a partner."""
    APPROVERS = "approvers"
    """Each member of a brand's staff who approves payouts."""
    COMPLIANCE = "compliance"
    """Each member of a brand's staff who decides appeals, and cases that nobody decided in time."""
    PLANNERS = "planners"
    """Each member of a brand's staff who plans contests, and decides objections."""
    MEMBER = "member"
    """One login."""
    APPLICANT = "applicant"
    """Whoever sent an application: nobody with a login. Its address stands sealed with the application."""

    @property
    def roles(self) -> frozenset[Role]:
        """Which members it means; none where it is one of them already."""
        match self:
            case Audience.OWNERS:
                return frozenset({Role.OWNER})
            case Audience.APPROVERS:
                return frozenset({Role.FINANCE, Role.ADMIN})
            case Audience.COMPLIANCE:
                return frozenset({Role.COMPLIANCE, Role.ADMIN})
            case Audience.PLANNERS:
                return frozenset({Role.MANAGER, Role.ADMIN})
            case Audience.MEMBER | Audience.APPLICANT:
                return frozenset()


class MailStatus(StrEnum):
    """How far a mail has come."""

    WAITING = "waiting"
    HANDED_ON = "handed_on"
    """Each person it is for has a mail of their own now."""
    SENDING = "sending"
    """It is being handed to the mail service."""
    SENT = "sent"
    """The mail service has it."""
    FAILED = "failed"
    """It was not sent, and is not going to be by itself."""
    SUPPRESSED = "suppressed"
    """It must not be sent to this person."""
    UNCLEAR = "unclear"
    """Nobody knows whether the mail service took it. It is not tried again: a second mail would be worse than none."""


class Seen(StrEnum):
    """What became of a mail that was sent; each is counted once per mail."""

    SENT = "sent"
    DELIVERED = "delivered"
    """The reader's own mail server took it."""
    BOUNCED = "bounced"
    """It came back for good."""
    COMPLAINED = "complained"
    """The reader called it spam."""
    OPENED = "opened"
    """Its picture was loaded: by the reader, or by a mail program of theirs."""
    CLICKED = "clicked"


NEXT: Mapping[MailStatus, frozenset[MailStatus]] = {
    MailStatus.WAITING: frozenset({MailStatus.HANDED_ON, MailStatus.SENDING, MailStatus.FAILED, MailStatus.SUPPRESSED}),
    MailStatus.SENDING: frozenset({MailStatus.SENT, MailStatus.FAILED, MailStatus.WAITING, MailStatus.UNCLEAR}),
    # Whoever took it over for lost may have been too quick: what the sender itself says counts.
    MailStatus.UNCLEAR: frozenset({MailStatus.SENT, MailStatus.FAILED, MailStatus.WAITING}),
    MailStatus.HANDED_ON: frozenset(),
    MailStatus.SENT: frozenset(),
    MailStatus.FAILED: frozenset(),
    MailStatus.SUPPRESSED: frozenset(),
}
"""Which status may follow which."""

UNSENT = frozenset({MailStatus.WAITING, MailStatus.SENDING, MailStatus.FAILED, MailStatus.UNCLEAR})
"""Nobody was told, or nobody knows whether somebody was: the brand's staff has these on a list."""

NO_SENDER = "no_sender_configured"
NOBODY = "nobody_to_tell"
NO_LOGIN = "no_such_login"
LOGIN_DISABLED = "login_disabled"
ADDRESS_UNVERIFIED = "address_unverified"
NOT_RENDERED = "not_rendered"
REFUSED = "refused"
NO_ANSWER = "no_answer"
CUT_OFF = "cut_off"
UNSUBSCRIBED = "unsubscribed"
BOUNCED = "bounced"
COMPLAINED = "complained"
"""Why a mail failed, was suppressed or is unclear. The mail service's own words for a refusal may stand here too."""


# -------------------------------------------------------------------------------------------------------------- values


class Kind(StrEnum):
    """What a value of a mail is, as it is kept: plain JSON."""

    TEXT = "text"
    """A line that people wrote, or a masked account."""
    WORD = "word"
    """A stable word (`account_closed`); the reader's language has words for it."""
    CODE = "code"
    """An id."""
    DAY = "day"
    """A UTC day, `2026-11-30`."""
    MOMENT = "moment"
    """Milliseconds since 1970."""
    COUNT = "count"
    AMOUNT = "amount"
    """`{"minor": 12345, "currency": "EUR"}`"""
    AMOUNTS = "amounts"
    """Some of them."""
    COUNTS = "counts"
    """`{"name": "ftd", "now": 12, "before": 9}`, some of them."""
    POINTS = "points"
    """`{"day": "2026-11-23", "count": 12}`, some of them, by time."""
    PARTNERS = "partners"
    """`{"of": "par_…", "name": "…", "now": 12, "before": 9}`, some of them."""
    RATES = "rates"
    """`{"source": "EUR", "target": "USD", "rate": "1.0842", "day": "2026-11-27", "feed": "ecb"}`, some of them; none
    where nothing was converted."""
    PATH = "path"
    """A page of the portal: `/links`."""
    FILLS = "fills"
    """`{"manager": "Ann Reed", "ftd_30": 12}`: what stands for the placeholders of a text."""


Value = str | int | Mapping[str, str | int] | Sequence[Mapping[str, str | int]]

_PAYOUT = {
    "payout": Kind.CODE,
    "amount": Kind.AMOUNT,
    "pays": Kind.AMOUNT,
    "masked": Kind.TEXT,
    "day": Kind.DAY,
    "rates": Kind.RATES,
}
_CASE = {
    "case": Kind.CODE,
    "of": Kind.CODE,  # the partner
    "name": Kind.TEXT,  # the partner's, for staff
    "topic": Kind.WORD,  # the first detector; empty when a person opened it
    "clients": Kind.COUNT,  # in question; 0: all of the partner's
    "held": Kind.AMOUNTS,  # by currency; none where nothing is held, or not yet
}
_CONTEST = {
    "contest": Kind.CODE,
    "name": Kind.TEXT,
}
_PLACE = _CONTEST | {
    "division": Kind.TEXT,  # empty where there is one alone
    "place": Kind.COUNT,  # from 1; 0: none
    "ranked": Kind.COUNT,  # how many have a place in the division
    "score": Kind.TEXT,  # decimal text
    "unit": Kind.WORD,  # the metric, or points
    "currency": Kind.CODE,  # of money that scores
    "unranked": Kind.WORD,  # why it has no place; empty where it has one
}
_GOAL = {
    "goal": Kind.CODE,
    "by": Kind.WORD,  # what it counts
    "clients": Kind.COUNT,
    "first": Kind.DAY,
    "last": Kind.DAY,
    "amount": Kind.AMOUNT,
}
FIELDS: Mapping[MailTemplate, Mapping[str, Kind]] = {
    MailTemplate.PAYOUT_PAID: _PAYOUT,
    MailTemplate.PAYOUT_RETURNED: _PAYOUT | {"reason": Kind.WORD},
    MailTemplate.PAYOUT_FAILED: _PAYOUT | {"reason": Kind.WORD},
    MailTemplate.PAYMENT_PROFILE_CHANGED: {
        "previous": Kind.TEXT,  # empty for the first one
        "masked": Kind.TEXT,
        "changed_at": Kind.MOMENT,
        "usable_from": Kind.MOMENT,
    },
    MailTemplate.PAYOUTS_WAITING: {
        "run": Kind.CODE,
        "first": Kind.DAY,
        "through": Kind.DAY,
        "payouts": Kind.COUNT,
        "sums": Kind.AMOUNTS,  # what is paid out, by pay currency
        "deadline": Kind.MOMENT,
        "reminder": Kind.COUNT,  # 0 for the first time
    },
    MailTemplate.VERIFICATION_DECIDED: {
        "decision": Kind.WORD,  # approved, or another: then not
        "reason": Kind.TEXT,  # to the partner, in the words of whoever decided; may be empty
    },
    MailTemplate.CASE_OPENED: _CASE
    | {
        "why": Kind.TEXT,  # in words for staff; empty in the partner's
        "decide_by": Kind.MOMENT,
        "release_by": Kind.MOMENT,
    },
    MailTemplate.CASE_REMINDER: _CASE
    | {
        "stage": Kind.WORD,  # open, escalated or appealed
        "reminder": Kind.COUNT,
        "decide_by": Kind.MOMENT,
    },
    MailTemplate.CASE_ESCALATED: _CASE | {"release_by": Kind.MOMENT},
    MailTemplate.CASE_DECIDED: _CASE
    | {
        "outcome": Kind.WORD,  # released or disallowed
        "by": Kind.WORD,  # person, or clock: nobody decided in time
        "code": Kind.WORD,  # why clients are disallowed; else empty
        "why": Kind.TEXT,  # in the words of whoever decided; empty where the clock did
        "disallowed": Kind.COUNT,  # clients
        "starts_at": Kind.MOMENT,  # from when on they earn nothing; 0: from the beginning
        "appeal_by": Kind.MOMENT,  # 0: there is nothing to appeal against
    },
    MailTemplate.CASE_APPEALED: _CASE
    | {
        "said": Kind.TEXT,  # by the partner
        "decide_by": Kind.MOMENT,
    },
    MailTemplate.GOAL_OFFERED: _GOAL
    | {
        "note": Kind.TEXT,  # the manager's; may be empty
        "answer_by": Kind.MOMENT,
    },
    MailTemplate.GOAL_ANSWERED: _GOAL
    | {
        "of": Kind.CODE,  # the partner
        "name": Kind.TEXT,
        "answer": Kind.WORD,  # accepted or declined
        "said": Kind.TEXT,  # by the partner; may be empty
    },
    MailTemplate.CASE_CLOSED: _CASE
    | {
        "outcome": Kind.WORD,  # released, disallowed (nobody appealed), upheld or overturned
        "by": Kind.WORD,  # person, or clock
        "code": Kind.WORD,
        "why": Kind.TEXT,
    },
    MailTemplate.CONTEST_ENTERED: _CONTEST | {"division": Kind.TEXT, "ends_at": Kind.MOMENT},
    MailTemplate.CONTEST_MOVED: _CONTEST
    | {
        "starts_at": Kind.MOMENT,
        "ends_at": Kind.MOMENT,
        "why": Kind.TEXT,  # in the words of whoever moved it; may be empty
    },
    MailTemplate.CONTEST_CANCELLED: _CONTEST | {"why": Kind.TEXT},
    MailTemplate.CONTEST_RESULT: _PLACE | {"objections_until": Kind.MOMENT},
    MailTemplate.CONTEST_OBJECTED: _CONTEST
    | {
        "of": Kind.CODE,  # the partner
        "partner": Kind.TEXT,  # its name, for staff
        "said": Kind.TEXT,
    },
    MailTemplate.CONTEST_ANSWERED: _CONTEST
    | {
        "answer": Kind.WORD,  # upheld, rejected, or unanswered: nobody decided in time
        "why": Kind.TEXT,  # in the words of whoever decided; else empty
    },
    MailTemplate.CONTEST_OBJECTIONS_WAIT: _CONTEST
    | {
        "waiting": Kind.COUNT,
        "reminder": Kind.COUNT,
        "decide_by": Kind.MOMENT,
    },
    MailTemplate.CONTEST_WON: _PLACE
    | {
        "won": Kind.AMOUNTS,  # none where it won gifts alone
        "gifts": Kind.TEXT,  # in the brand's words; may be empty
        "available": Kind.DAY,  # from when the money can be paid out
    },
    MailTemplate.CONTEST_FINAL: _PLACE,
    MailTemplate.PARTNER_REPORT: {
        "cadence": Kind.WORD,  # weekly or monthly
        "first": Kind.DAY,
        "last": Kind.DAY,
        "counts": Kind.COUNTS,
        "earned": Kind.AMOUNTS,
        "earned_before": Kind.AMOUNTS,
        "metric": Kind.WORD,  # what the chart shows
        "points": Kind.POINTS,  # none: there is no chart
        "change": Kind.WORD,
        "changed": Kind.WORD,  # the metric that did
        "suggestion": Kind.WORD,
        "link": Kind.TEXT,  # the code of the link that brought most; may be empty
    },
    MailTemplate.MANAGER_DIGEST: {
        "first": Kind.DAY,
        "last": Kind.DAY,
        "partners": Kind.COUNT,
        "counts": Kind.COUNTS,
        "rose": Kind.PARTNERS,
        "fell": Kind.PARTNERS,
        "new": Kind.PARTNERS,
        "more_rose": Kind.COUNT,  # who are not named
        "more_fell": Kind.COUNT,
        "more_new": Kind.COUNT,
        "waits": Kind.COUNTS,
    },
    MailTemplate.RUN_SUMMARY: {
        "run": Kind.CODE,
        "first": Kind.DAY,
        "through": Kind.DAY,
        "status": Kind.WORD,  # closed, rejected or lapsed
        "paid": Kind.COUNT,
        "sums": Kind.AMOUNTS,  # what was paid, by pay currency
        "unsettled": Kind.COUNT,  # nobody knows yet whether they were paid
        "unsettled_sums": Kind.AMOUNTS,
        "not_paid": Kind.COUNT,  # refused, returned or set aside
        "not_paid_sums": Kind.AMOUNTS,
        "left_out": Kind.COUNT,  # partners
    },
    MailTemplate.LEAD_CAME: {
        "lead": Kind.CODE,
        "of": Kind.CODE,  # the partner
        "name": Kind.TEXT,  # the partner's
        "how": Kind.WORD,  # came, or given: by somebody else of the staff
        "known": Kind.WORD,  # lead or client: with the same e-mail or phone, there before; else empty
    },
    MailTemplate.LEAD_MOVED: {
        "lead": Kind.CODE,
        "came": Kind.DAY,
        "stage": Kind.WORD,
        "lost": Kind.WORD,  # why; else empty
    },
    MailTemplate.APPLICATION_CHECK: {
        "application": Kind.CODE,
        "until": Kind.MOMENT,  # how long the link is good
        "known": Kind.WORD,  # login: the address has one already; else empty. Looked up when it is sent
        "link": Kind.PATH,  # where the link leads; made when it is sent
    },
    MailTemplate.APPLICATION_REFUSED: {
        "application": Kind.CODE,
        "reason": Kind.TEXT,  # in the words of whoever decided
    },
    MailTemplate.TARGET_PAUSED: {
        "target": Kind.CODE,
        "name": Kind.TEXT,  # the target's
        "failures": Kind.COUNT,
        "error": Kind.WORD,  # why the last try did not arrive
    },
    MailTemplate.MESSAGE_WRITTEN: {
        "thread": Kind.CODE,
        "of": Kind.CODE,  # the partner
        "name": Kind.TEXT,  # the partner's, for staff; else empty
        "said": Kind.TEXT,  # the subject of the conversation
    },
    MailTemplate.WRITTEN: {
        "text": Kind.CODE,  # which of the brand's texts: `store/mail_texts.py` has it, as it was
        "topic": Kind.WORD,  # a `Topic`: what a reader switches off to get no more of these
        "fills": Kind.FILLS,  # whatever of its placeholders is not the reader's own name, partner or brand
        "path": Kind.PATH,  # where its button leads
    },
}
"""What each mail says. A mail is refused when it is made, not when it is sent, for a value it has not."""

LONGEST_TEXT = 500
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}|", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9/_.-]{0,200}", re.ASCII)
_RATE = re.compile(r"\d{1,20}(\.\d{1,12})?", re.ASCII)


# --------------------------------------------------------------------------------------------------------------- mails


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail to one person, or to all of some people."""

    mail: str
    brand: str
    partner: str
    """Whose it is; empty where it is for the brand's staff."""
    audience: Audience
    member: str
    """The login it is for; empty unless it is for one."""
    template: MailTemplate
    values: Mapping[str, Value]
    """What `FIELDS` asks for. Never an address, and never a bank detail in clear."""
    what: str
    """What happened, for whoever asks why it was sent: such as `pay_01J… paid`."""
    at: datetime
    """When it happened."""
    status: MailStatus = MailStatus.WAITING
    status_since: datetime
    reason: str = ""
    message: str = ""
    """The mail service's own id of it."""
    people: int = 0
    """To how many people it was handed on."""
    series: str = ""
    """Among which mails it is counted: `seq:{sequence}:{step}`, `brc:{broadcast}`; empty: those of its template."""
    not_before: datetime | None = None
    """While it waits: for this moment. None: for nothing."""
    permitted: bool = False
    """Whether a permit was taken for it: it waited for one."""
    seen: frozenset[Seen] = frozenset()
    """What is known of it since, and was counted."""

    @property
    def counted_as(self) -> str:
        """Among which mails it is counted."""
        return self.series or self.template.value

    @property
    def of(self) -> str:
        """Among whose mails it stands: the partner's, or those of the brand for its staff."""
        return self.partner or self.brand


def new_mail(
    what: str,
    template: MailTemplate,
    values: Mapping[str, Value],
    *,
    brand: str,
    at: datetime,
    partner: str = "",
    member: str = "",
    staff: Audience = Audience.APPROVERS,
    series: str = "",
    not_before: datetime | None = None,
) -> Mail:
    """A mail that waits: to one member; else to a partner's owners; else to the brand's approvers, or other `staff`.
    `what` names the step that happened, once for ever. It may wait for a moment.

    Raises `ValueError` for values that the template has not, or lacks, or that are not of their kind: a mistake of
    whoever writes it.
    """
    check_values(template, values)
    audience = Audience.MEMBER if member else Audience.OWNERS if partner else staff
    return Mail(
        mail=mail_id(brand, what, audience, partner, member),
        brand=brand,
        partner=partner,
        audience=audience,
        member=member,
        template=template,
        values=values,
        what=what,
        at=at,
        status_since=at,
        series=series,
        not_before=not_before,
    )


def mail_id(brand: str, what: str, audience: Audience, partner: str, member: str) -> str:
    """The id of the mail that tells these people of a step."""
    return derived_id(PREFIX, brand, what, audience.value, partner, member)


def handed_on_to(mail: Mail, member: str, now: datetime) -> Mail:
    """The mail of one of the people that a mail is for."""
    return Mail(
        mail=derived_id(PREFIX, mail.mail, member),
        brand=mail.brand,
        partner=mail.partner,
        audience=Audience.MEMBER,
        member=member,
        template=mail.template,
        values=mail.values,
        what=mail.what,
        at=mail.at,
        status_since=now,
        series=mail.series,
    )


def applicant_mail(
    what: str, template: MailTemplate, values: Mapping[str, Value], *, brand: str, partner: str, at: datetime
) -> Mail:
    """A mail to whoever sent an application. It stands among those of the `partner` that they would become, and goes
    with that. Raises `ValueError` as `new_mail` does."""
    check_values(template, values)
    return Mail(
        mail=mail_id(brand, what, Audience.APPLICANT, partner, ""),
        brand=brand,
        partner=partner,
        audience=Audience.APPLICANT,
        member="",
        template=template,
        values=values,
        what=what,
        at=at,
        status_since=at,
    )


def payout_mail(template: MailTemplate, payout: Payout, at: datetime) -> Mail:
    """Tells a partner's owners what became of a payout (paid, returned, failed) at this moment. A reason that is no
    word, but a bank's own text, is left out: it must not stop the payout, and is not for every inbox."""
    values: dict[str, Value] = {
        "payout": payout.payout,
        "amount": amount(payout.amount, payout.currency),
        "pays": amount(payout.pays, payout.pay_currency),
        "masked": payout.masked,
        "day": day_of(at),
        "rates": rates_of(payout),
    }
    if "reason" in FIELDS[template]:
        values["reason"] = payout.reason if _WORD.fullmatch(payout.reason) else ""
    what = f"{payout.payout} {template.value}"
    return new_mail(what, template, values, brand=payout.brand, partner=payout.partner, at=at)


def payouts_waiting_mail(run: Run, at: datetime) -> Mail:
    """Tells a brand's approvers that a run waits for them; each reminder is a mail of its own."""
    assert run.deadline is not None, "a run that waits has a deadline"
    waiting = [each for each in run.sums if each.status is PayoutStatus.CREATED]
    pays: dict[str, int] = {}
    for each in waiting:
        pays[each.pay_currency] = pays.get(each.pay_currency, 0) + each.pays
    values: dict[str, Value] = {
        "run": run.run,
        "first": run.first,
        "through": run.through,
        "payouts": sum(each.count for each in waiting),
        "sums": [amount(minor, currency) for currency, minor in sorted(pays.items())],
        "deadline": milliseconds(run.deadline),
        "reminder": run.reminders,
    }
    what = f"{run.run} waiting {run.reminders}"
    return new_mail(what, MailTemplate.PAYOUTS_WAITING, values, brand=run.brand, at=at)


def payment_profile_mail(
    *, brand: str, partner: str, version: int, previous: str, masked: str, changed_at: datetime, usable_from: datetime
) -> Mail:
    """Tells a partner's owners that money goes elsewhere from `usable_from` on. Both accounts are masked; `previous`
    is empty for the first one."""
    values: dict[str, Value] = {
        "previous": previous,
        "masked": masked,
        "changed_at": milliseconds(changed_at),
        "usable_from": milliseconds(usable_from),
    }
    what = f"{partner} payment_profile {version}"
    template = MailTemplate.PAYMENT_PROFILE_CHANGED
    return new_mail(what, template, values, brand=brand, partner=partner, at=changed_at)


def verification_mail(what: str, *, brand: str, partner: str, decision: str, reason: str, at: datetime) -> Mail:
    """Tells a partner's owners whether its documents were `approved` or not (any other word); `what` names this
    decision. Of a reason that is too long for a mail the rest is left out."""
    values: dict[str, Value] = {"decision": decision, "reason": reason[:LONGEST_TEXT]}
    return new_mail(what, MailTemplate.VERIFICATION_DECIDED, values, brand=brand, partner=partner, at=at)


def written_mail(
    what: str,
    text: str,
    topic: str,
    *,
    brand: str,
    at: datetime,
    series: str,
    partner: str = "",
    member: str = "",
    fills: Mapping[str, str | int] | None = None,
    path: str = "/",
    not_before: datetime | None = None,
) -> Mail:
    """A mail with one of the brand's own texts (an id of `store/mail_texts.py`) to a member, or a partner's owners.
    `topic` is a `Topic`; `series` says what it is counted with."""
    values: dict[str, Value] = {"text": text, "topic": topic, "fills": dict(fills or {}), "path": path}
    return new_mail(what, MailTemplate.WRITTEN, values, brand=brand, at=at, partner=partner, member=member,
                    series=series, not_before=not_before)  # fmt: skip


def amount(minor: int, currency: str) -> Mapping[str, str | int]:
    """An amount as a value of a mail."""
    return {"minor": minor, "currency": currency}


def money_of(value: Any) -> Money:
    """The amount back."""
    return Money(value["minor"], value["currency"])


def rates_of(payout: Payout) -> Sequence[Mapping[str, str | int]]:
    """The rates that a payout was converted at, each once."""
    rates = dict.fromkeys(part.rate for part in payout.parts if part.rate is not None)
    return [
        {"source": rate.source, "target": rate.target, "rate": str(rate), "day": rate.day, "feed": rate.feed}
        for rate in rates
        if rate.source != rate.target
    ]


def check_values(template: MailTemplate, values: Mapping[str, Value]) -> None:
    """Raises `ValueError` unless these are the values that the template has, each of its kind."""
    wanted = FIELDS[template]
    if values.keys() != wanted.keys():
        raise ValueError(f"{template.value} says {sorted(wanted)}, not {sorted(values)}")
    for name, kind in wanted.items():
        if not _is(kind, values[name]):
            raise ValueError(f"{name} of {template.value} is no {kind.value}")


def _is(kind: Kind, value: Any) -> bool:
    return _CHECKS[kind](value)


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _some(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    # A text is a sequence too, of letters.
    return lambda value: isinstance(value, Sequence) and not isinstance(value, str) and all(map(check, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def _is_number(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_amount(value: Any) -> bool:
    return _has(value, minor=int, currency=str) and value["currency"] in DECIMALS


def _is_count(value: Any) -> bool:
    return _has(value, name=str, now=int, before=int)


def _is_point(value: Any) -> bool:
    return _has(value, day=str, count=int) and _is(Kind.DAY, value["day"])


def _is_partner(value: Any) -> bool:
    return _has(value, of=str, name=str, now=int, before=int)


def _is_path(value: Any) -> bool:
    return _matches(_PATH)(value) and not value.startswith("//")


def _are_fills(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        _is(Kind.WORD, name) and (type(each) is int or _is_text(each)) for name, each in value.items()
    )


def _has(value: Any, **fields: type) -> bool:
    return (
        isinstance(value, Mapping)
        and value.keys() == fields.keys()
        and all(type(value[name]) is kind for name, kind in fields.items())
    )


def _is_rate(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and value.keys() == {"source", "target", "rate", "day", "feed"}
        and all(isinstance(each, str) for each in value.values())
        and _RATE.fullmatch(value["rate"]) is not None
        and _DAY.fullmatch(value["day"]) is not None
    )


_CHECKS: Mapping[Kind, Callable[[Any], bool]] = {
    Kind.TEXT: _is_text,
    Kind.WORD: _matches(_WORD),
    Kind.CODE: _matches(_CODE),
    Kind.DAY: _matches(_DAY),
    Kind.MOMENT: _is_number,
    Kind.COUNT: _is_number,
    Kind.AMOUNT: _is_amount,
    Kind.AMOUNTS: _some(_is_amount),
    Kind.COUNTS: _some(_is_count),
    Kind.POINTS: _some(_is_point),
    Kind.PARTNERS: _some(_is_partner),
    Kind.RATES: _some(_is_rate),
    Kind.PATH: _is_path,
    Kind.FILLS: _are_fills,
}
"""What a value of each kind looks like."""
