"""Takes back the mails of a stopped broadcast that still wait: for a permit, or for the end of their reader's night."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from introducer.domain.broadcast import TAKEN_BACK, BroadcastStatus, Recipient, mail_of
from introducer.domain.errors import Conflict
from introducer.domain.mail import MailStatus
from introducer.services.broadcast_books import BroadcastBooks

AT_ONCE = 100


class TakenBack(NamedTuple):
    """How many it took back, and whether none is left that waits."""

    number: int
    whole: bool = True


def take_back_mails(
    books: BroadcastBooks, *, broadcast: str, now: datetime, enough: Callable[[], bool] = lambda: False
) -> TakenBack:
    """Goes on until none is left that waits, or it is `enough` for now. One that is on its way goes its way. May be
    repeated safely. Raises `NotFound`, `Unavailable`."""
    found = books.broadcasts.broadcast(broadcast)
    if found.status is not BroadcastStatus.STOPPED or not found.may_have_mails:
        return TakenBack(0)
    number, recipients = 0, books.broadcasts.recipients(found)
    while some := list[Recipient](islice(recipients, AT_ONCE)):
        if enough():
            return TakenBack(number, whole=False)
        waiting = books.broadcasts.waiting(found, some)
        for recipient in waiting:
            with suppress(Conflict):
                mail = books.mails.mail(recipient.partner, mail_of(found, recipient))
                books.mails.mark(mail, MailStatus.SUPPRESSED, now, reason=TAKEN_BACK)
                number += 1
    return TakenBack(number)
