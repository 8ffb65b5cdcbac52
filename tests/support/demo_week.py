"""A week of communication of the demo world, as it must be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from introducer.domain.configuration import Role
from introducer.domain.mail import UNSUBSCRIBED, Audience, Mail, MailStatus, MailTemplate, Seen
from introducer_ops.demo.building import Login
from introducer_ops.demo.communication import Communication, Newcomer, Story

AT = datetime(2026, 3, 4, 21, tzinfo=UTC)
BOUNCES, COMPLAINS = "bounce@quillmark.example", "complaint@quillmark.example"
DELIVERED = frozenset({Seen.SENT, Seen.DELIVERED})
_BROADCAST, _WELCOME = "brc:brc_1", "seq:onboarding:welcome"


def a_mail(mail: str, partner: str = "par_1", **changes: Any) -> Mail:
    sent = Mail(
        mail=mail, brand="brd_1", partner=partner, audience=Audience.MEMBER, member="mem_1",
        template=MailTemplate.WRITTEN, values={}, what=mail, at=AT, status=MailStatus.SENT, status_since=AT,
        seen=DELIVERED,
    )  # fmt: skip
    return replace(sent, **changes)


def the_mails() -> tuple[Mail, ...]:
    """A broadcast to three, of whom one has no address and one complains; three welcomes; Monday's letters; and what
    was held back after that."""
    none = frozenset({Seen.SENT, Seen.BOUNCED})
    held_back: dict[str, Any] = {"status": MailStatus.SUPPRESSED, "seen": frozenset()}
    return (
        a_mail("mail_1", series=_BROADCAST),
        a_mail("mail_2", series=_BROADCAST, seen=none),
        a_mail("mail_3", "par_2", series=_BROADCAST, seen=DELIVERED | {Seen.COMPLAINED}),
        *(a_mail(f"mail_{number + 3}", f"par_new{number}", series=_WELCOME) for number in (1, 2, 3)),
        a_mail("mail_7", template=MailTemplate.PARTNER_REPORT),
        a_mail("mail_8", "", template=MailTemplate.MANAGER_DIGEST),
        a_mail("mail_9", template=MailTemplate.PARTNER_REPORT, reason="bounced", **held_back),
        a_mail("mail_10", template=MailTemplate.PARTNER_REPORT, reason="complained", **held_back),
        a_mail("mail_11", "par_new3", series="seq:onboarding:terms", reason=UNSUBSCRIBED, **held_back),
        a_mail("mail_12", audience=Audience.OWNERS, member="", status=MailStatus.HANDED_ON, seen=frozenset()),
    )


def a_report(**changes: int) -> dict[str, int]:
    rows = ("suppressed", "taken_back", "unsubscribed", "waiting", "failed", "unclear", "left", "opened", "clicked")
    found = dict.fromkeys(rows, 0)
    return found | {"recipients": 3, "sent": 3, "delivered": 2, "bounced": 1, "complained": 1} | changes


def a_week(**changes: Any) -> Communication:
    owner = Login(Role.OWNER, "owner@newcomer.example", "Secret-secret-secret12")
    week = Communication(
        story=Story(
            segment="seg_1", fits=2, broadcast="brc_1", people=3, approved_by="Head of partnerships", thread="thr_1",
            announcement="ann_1", won="led_1", lost="led_2", lead_partner="par_1", done=["tsk_8", "tsk_9"],
            snoozed=["tsk_2"],
        ),
        mails=the_mails(),
        handed_over=tuple(
            (f"<mail_{number}@introducer.example>", {2: BOUNCES, 3: COMPLAINS}.get(number, "owner@some.example"))
            for number in range(1, 9)
        ),
        counted={_BROADCAST: 3, _WELCOME: 3, "partner_report": 1, "manager_digest": 1},
        barred={BOUNCES: 1, COMPLAINS: 1},
        newcomers=tuple(Newcomer(f"par_new{each}", f"New {each}", owner, (1, "hash")) for each in (1, 2, 3)),
        broadcast={"status": "done", "report": a_report()},
        thread={"waits_since": None, "read_by_other": True},
        spread={"partners": 45, "have_read": 2, "people": 2},
        steps={"welcome": 3, "terms": 0},
        ends={"New 1": "", "New 2": "", "New 3": "over"},
        tasks=(
            {"task": "tsk_1", "partner": "par_1", "name": "Amberfield Media", "kind": "near_tier"},
            {"task": "tsk_2", "partner": "par_1", "name": "Amberfield Media", "kind": "first_ftd"},
        ),
        queue={"partners": 1, "tasks": 1, "overdue": 0, "asleep": 1},
        star="par_1",
    )  # fmt: skip
    return replace(week, **changes)
