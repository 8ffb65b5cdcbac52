"""Whom a message is told to by mail: a partner's owners, or whoever of staff answers. The mail names the subject and
leads to the portal; what was written stays there."""

from __future__ import annotations

from datetime import datetime

from introducer.domain.conversation import Side, Thread
from introducer.domain.events import milliseconds
from introducer.domain.mail import Audience, Mail, MailTemplate, new_mail


def message_mail(thread: Thread, side: Side, name: str, at: datetime, *, due: datetime, answers: str = "") -> Mail:
    """Tells a side of a message of this moment; the mail goes when it is `due`. `name` is the partner's; `answers` is
    the member of staff whom it is told to, empty for all who look after partners."""
    values = {
        "thread": thread.thread,
        "of": thread.partner,
        "name": name if side is Side.STAFF else "",
        # Under this name it is taken out when the partner is erased (`services.erase_partner`).
        "said": thread.subject,
    }
    what = f"{thread.thread} {side.value} {milliseconds(due)}"
    template, not_before = MailTemplate.MESSAGE_WRITTEN, due if due > at else None
    if side is Side.PARTNER:
        return new_mail(
            what, template, values, brand=thread.brand, partner=thread.partner, at=at, not_before=not_before
        )
    return new_mail(
        what,
        template,
        values,
        brand=thread.brand,
        member=answers,
        staff=Audience.PLANNERS,
        at=at,
        not_before=not_before,
    )
