"""Letters into HTML and plain text: Jinja2 with autoescape for the one, and strict undefined for both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from introducer.domain.events import milliseconds
from introducer.domain.mail import TO_APPLICANTS, MailTemplate, Value, amount
from introducer.domain.mail_topics import topic_said
from introducer.locale import Language
from introducer.wording.mails.chart import HEIGHT, WIDTH, draw
from introducer.wording.mails.letters import Letter, letter
from introducer.wording.mails.telling import Reader, Written

HERE = Path(__file__).parent
_EMPTY_LINES = re.compile(r"\n{3,}")
_BREAKS = re.compile(r" *[\x00-\x1f\x7f-\x9f\u2028\u2029]+ *")
"""What would end a line of plain text: what people wrote stays within its own."""
_TIME = re.compile(r"(\d\d:\d\d) UTC\b")
"""A time of day: in a language from right to left it is misread where a line ends inside."""


class Image(NamedTuple):
    """A picture that the HTML shows by its Content-ID."""

    name: str
    """`cid:` and this is its address in the HTML."""
    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A mail as it is read."""

    subject: str
    text: str
    html: str
    images: tuple[Image, ...] = ()


def render(
    template: MailTemplate,
    values: Mapping[str, Value],
    language: Language,
    reader: Reader,
    written: Written | None = None,
    fonts: Path | None = None,
) -> Rendered:
    """The mail for this reader; `written` is what staff wrote, for the template that says it. Without the folder of
    `fonts` a chart is said in words alone. Raises `ValueError` for values that are not those of the template."""
    return rendered(letter(template, values, language, reader, written), fonts)


def rendered(said: Letter, fonts: Path | None = None) -> Rendered:
    """The letter, written."""
    images = _drawn(said, fonts)
    text = _environment().get_template("mail.txt").render(letter=said)
    html = _environment().get_template("mail.html").render(letter=said, images=images, width=WIDTH, height=HEIGHT)
    return Rendered(
        subject=said.subject,
        text=_EMPTY_LINES.sub("\n\n", text).strip("\n") + "\n",
        html=_TIME.sub("\\1\N{NO-BREAK SPACE}UTC", html),
        images=images,
    )


def _drawn(said: Letter, fonts: Path | None) -> tuple[Image, ...]:
    """The chart as a picture. A letter goes without one where it cannot be drawn: its words say the same."""
    if said.chart is None or fonts is None:
        return ()
    try:
        return (Image("chart@introducer", draw(said.chart, fonts)),)
    except (ImportError, OSError):
        return ()


def preview(
    template: MailTemplate, language: Language, reader: Reader | None = None, fonts: Path | None = None
) -> Rendered:
    """The mail with example values: for whoever wants to see it before somebody gets it."""
    reads = reader or (STAFF if template in _TO_STAFF else APPLICANT if template in TO_APPLICANTS else OWNER)
    if not topic_said(template, EXAMPLES[template]).is_binding:
        reads = replace(reads, unsubscribe=f"{reads.portal}/unsubscribe/Y29udGVzdHMgMDEyMzQ1.c2lnbmVk")
    written = WRITTEN if template is MailTemplate.WRITTEN else None
    return render(template, EXAMPLES[template], language, reads, written, fonts)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=lambda name: name is None or not name.endswith(".txt"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["line"] = _one_line
    return environment


def _one_line(text: object) -> str:
    return _BREAKS.sub(" ", str(text))


# ------------------------------------------------------------------------------------------------------------ examples

OWNER = Reader(
    name="Marta Zielińska", brand="Northwind Markets", portal="https://partners.example.com", partner="Amberfield Media"
)
STAFF = Reader(name="Somchai Wattana", brand="Northwind Markets", portal="https://partners.example.com")
APPLICANT = Reader(name="Marta Zielińska", brand="Northwind Markets", portal="https://partners.example.com")
_TO_STAFF = {
    MailTemplate.PAYOUTS_WAITING,
    MailTemplate.CASE_REMINDER,
    MailTemplate.GOAL_ANSWERED,
    MailTemplate.LEAD_CAME,
    MailTemplate.CONTEST_OBJECTED,
    MailTemplate.CONTEST_OBJECTIONS_WAIT,
    MailTemplate.MANAGER_DIGEST,
    MailTemplate.RUN_SUMMARY,
}
_AT = datetime(2026, 12, 3, 9, 30, tzinfo=UTC)
_PAYOUT: Mapping[str, Value] = {
    "payout": "pay_01JDXAMPLE0000000000000000",
    "amount": amount(1_234_567, "EUR"),
    "pays": amount(1_338_517, "USD"),
    "masked": "DE•• •••• 3000",
    "day": "2026-12-03",
    "rates": [{"source": "EUR", "target": "USD", "rate": "1.0842", "day": "2026-12-02", "feed": "ecb"}],
}
_CASE: Mapping[str, Value] = {
    "case": "cas_01JDXAMPLE0000000000000000",
    "of": "par_01JDXAMPLE0000000000000000",
    "name": "Amberfield Media",
    "topic": "registration_cluster",
    "clients": 12,
    "held": [amount(184_500, "EUR"), amount(42_000, "USD")],
}
_CONTEST: Mapping[str, Value] = {"contest": "ctt_01JDXAMPLE0000000000000000", "name": "Winter race"}
_PLACE: Mapping[str, Value] = {
    **_CONTEST,
    "division": "Up to 20 clients",
    "place": 3,
    "ranked": 118,
    "score": "41",
    "unit": "qftd",
    "currency": "EUR",
    "unranked": "",
}
_COUNTS: Value = [
    {"name": "clicks", "now": 1_284, "before": 1_102},
    {"name": "registrations", "now": 61, "before": 48},
    {"name": "ftd", "now": 14, "before": 9},
    {"name": "qftd", "now": 8, "before": 8},
]
_GOAL: Mapping[str, Value] = {
    "goal": "gol_01JDXAMPLE0000000000000000",
    "by": "qftd",
    "clients": 10,
    "first": "2026-12-05",
    "last": "2026-12-31",
    "amount": amount(50_000, "EUR"),
}
EXAMPLES: Mapping[MailTemplate, Mapping[str, Value]] = {
    MailTemplate.PAYOUT_PAID: _PAYOUT,
    MailTemplate.PAYOUT_RETURNED: {**_PAYOUT, "reason": "account_closed"},
    MailTemplate.PAYOUT_FAILED: {**_PAYOUT, "reason": "name_mismatch"},
    MailTemplate.PAYMENT_PROFILE_CHANGED: {
        "previous": "DE•• •••• 3000",
        "masked": "GB•• •••• 6819",
        "changed_at": milliseconds(_AT),
        "usable_from": milliseconds(_AT.replace(day=6)),
    },
    MailTemplate.PAYOUTS_WAITING: {
        "run": "2026-11-monthly-EUR",
        "first": "2026-11-01",
        "through": "2026-11-30",
        "payouts": 38,
        "sums": [amount(4_823_015, "EUR"), amount(1_338_517, "USD"), amount(90_000, "JPY")],
        "deadline": milliseconds(_AT.replace(day=5)),
        "reminder": 0,
    },
    MailTemplate.VERIFICATION_DECIDED: {
        "decision": "rejected",
        "reason": "The bill is older than three months: send one of the last three.",
    },
    MailTemplate.CASE_OPENED: {
        **_CASE,
        "why": "12 of 15 clients of a week came from one network.",
        "decide_by": milliseconds(_AT.replace(day=10)),
        "release_by": milliseconds(_AT.replace(day=17)),
    },
    MailTemplate.CASE_REMINDER: {
        **_CASE,
        "stage": "open",
        "reminder": 1,
        "decide_by": milliseconds(_AT.replace(day=10)),
    },
    MailTemplate.CASE_ESCALATED: {**_CASE, "release_by": milliseconds(_AT.replace(day=17))},
    MailTemplate.CASE_DECIDED: {
        **_CASE,
        "outcome": "disallowed",
        "by": "person",
        "code": "fake_registrations",
        "why": "Eleven of the twelve numbers do not exist.",
        "disallowed": 11,
        "starts_at": milliseconds(_AT.replace(day=1)),
        "appeal_by": milliseconds(_AT.replace(day=20)),
    },
    MailTemplate.CASE_APPEALED: {
        **_CASE,
        "said": "They all registered at our stand at a fair, over its network.",
        "decide_by": milliseconds(_AT.replace(day=27)),
    },
    MailTemplate.GOAL_OFFERED: {
        **_GOAL,
        "note": "Your new landing page does well: ten by New Year?",
        "answer_by": milliseconds(_AT.replace(day=4)),
    },
    MailTemplate.GOAL_ANSWERED: {
        **_GOAL,
        "of": "par_01JDXAMPLE0000000000000000",
        "name": "Amberfield Media",
        "answer": "declined",
        "said": "December is our quietest month: ask again in January.",
    },
    MailTemplate.LEAD_CAME: {
        "lead": "lea_01JDXAMPLE0000000000000000",
        "of": "par_01JDXAMPLE0000000000000000",
        "name": "Amberfield Media",
        "how": "came",
        "known": "lead",
    },
    MailTemplate.LEAD_MOVED: {
        "lead": "lea_01JDXAMPLE0000000000000000",
        "came": "2026-11-30",
        "stage": "lost",
        "lost": "not_reached",
    },
    MailTemplate.APPLICATION_CHECK: {
        "application": "app_01JDXAMPLE0000000000000000",
        "until": milliseconds(_AT.replace(day=5)),
        "known": "",
        "link": "/apply/confirm/MTc5NjI5MDIwMDAwMA.c2lnbmVk",
    },
    MailTemplate.APPLICATION_REFUSED: {
        "application": "app_01JDXAMPLE0000000000000000",
        "reason": "We may not work with partners in your country yet.",
    },
    MailTemplate.TARGET_PAUSED: {
        "target": "tgt_01JDXAMPLE0000000000000000",
        "name": "Voluum",
        "failures": 25,
        "error": "timed_out",
    },
    MailTemplate.MESSAGE_WRITTEN: {
        "thread": "thr_01JDXAMPLE0000000000000000",
        "of": "par_01JDXAMPLE0000000000000000",
        "name": "Amberfield Media",
        "said": "Banners for the new year",
    },
    MailTemplate.CASE_CLOSED: {
        **_CASE,
        "outcome": "overturned",
        "by": "person",
        "code": "",
        "why": "The fair's organiser has confirmed the stand.",
    },
    MailTemplate.CONTEST_ENTERED: {
        **_CONTEST,
        "division": "Up to 20 clients",
        "ends_at": milliseconds(_AT.replace(day=31)),
    },
    MailTemplate.CONTEST_MOVED: {
        **_CONTEST,
        "starts_at": milliseconds(_AT),
        "ends_at": milliseconds(_AT.replace(day=31)),
        "why": "The holidays are in it now.",
    },
    MailTemplate.CONTEST_CANCELLED: {**_CONTEST, "why": "The platform was down for two of its ten days."},
    MailTemplate.CONTEST_RESULT: {**_PLACE, "objections_until": milliseconds(_AT.replace(day=6))},
    MailTemplate.CONTEST_OBJECTED: {
        **_CONTEST,
        "of": "par_01JDXAMPLE0000000000000000",
        "partner": "Amberfield Media",
        "said": "Two clients of the last evening are missing.",
    },
    MailTemplate.CONTEST_ANSWERED: {
        **_CONTEST,
        "answer": "rejected",
        "why": "Both qualified on the morning after the end.",
    },
    MailTemplate.CONTEST_OBJECTIONS_WAIT: {
        **_CONTEST,
        "waiting": 2,
        "reminder": 1,
        "decide_by": milliseconds(_AT.replace(day=13)),
    },
    MailTemplate.CONTEST_WON: {
        **_PLACE,
        "won": [amount(250_000, "EUR")],
        "gifts": "A weekend in Lisbon for two",
        "available": "2027-01-03",
    },
    MailTemplate.CONTEST_FINAL: {**_PLACE, "place": 57, "score": "9"},
    MailTemplate.PARTNER_REPORT: {
        "cadence": "weekly",
        "first": "2026-11-23",
        "last": "2026-11-29",
        "counts": _COUNTS,
        "earned": [amount(184_500, "EUR"), amount(-4_250, "USD")],
        "earned_before": [amount(123_750, "EUR")],
        "metric": "ftd",
        "points": [
            {"day": day, "count": count}
            for day, count in (
                ("2026-10-05", 4),
                ("2026-10-12", 6),
                ("2026-10-19", 5),
                ("2026-10-26", 0),
                ("2026-11-02", 7),
                ("2026-11-09", 11),
                ("2026-11-16", 9),
                ("2026-11-23", 14),
            )
        ],
        "change": "rose",
        "changed": "ftd",
        "suggestion": "push_the_best_link",
        "link": "aB3dE6gH",
    },
    MailTemplate.MANAGER_DIGEST: {
        "first": "2026-11-23",
        "last": "2026-11-29",
        "partners": 84,
        "counts": _COUNTS,
        "rose": [
            {"of": "par_01JDXAMPLE0000000000000000", "name": "Amberfield Media", "now": 14, "before": 9},
            {"of": "par_01JDXAMPLE0000000000000001", "name": "شركة الخليج للتسويق", "now": 6, "before": 2},
        ],
        "fell": [{"of": "par_01JDXAMPLE0000000000000002", "name": "Łódzkie Zyski", "now": 1, "before": 12}],
        "new": [{"of": "par_01JDXAMPLE0000000000000003", "name": "เทรดเดอร์ไทย", "now": 0, "before": 0}],
        "more_rose": 3,
        "more_fell": 0,
        "more_new": 0,
        "waits": [{"name": "cases", "now": 2, "before": 0}],
    },
    MailTemplate.RUN_SUMMARY: {
        "run": "2026-11-monthly-EUR",
        "first": "2026-11-01",
        "through": "2026-11-30",
        "status": "closed",
        "paid": 36,
        "sums": [amount(4_723_015, "EUR"), amount(1_338_517, "USD")],
        "unsettled": 1,
        "unsettled_sums": [amount(60_000, "EUR")],
        "not_paid": 1,
        "not_paid_sums": [amount(40_000, "EUR")],
        "left_out": 7,
    },
    MailTemplate.WRITTEN: {
        "text": "txt_01JDXAMPLE0000000000000000",
        "topic": "onboarding",
        "fills": {"manager": "Somchai Wattana", "ftd_30": 4},
        "path": "/links",
    },
}
"""Values to look at each mail with. Nobody's."""
WRITTEN = Written(
    subject="Your first link, Amberfield Media",
    paragraphs=("A link takes a minute: choose a campaign, and copy what you get.", "Somchai Wattana helps with it."),
)
"""What staff might have written."""
