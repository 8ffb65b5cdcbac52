"""Due mails: every minute, what waited for a moment that has come goes on to the outbox."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from introducer.gateways import mail as mail_gateway
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, publish
from introducer.runtime.settings import settings
from introducer.services.hand_on_mails import HandsOn
from introducer.services.send_mail import Pacing
from introducer.store.configuration import Configuration
from introducer.store.mails import Mails
from introducer.store.paces import Paces

SPARE_MS = 15_000
"""Milliseconds before the function's end in which nothing new is begun."""


def handler(event: Any, context: Any) -> dict[str, int]:
    """A schedule's call → how many mails went on."""
    books = settings.books_table
    went = HandsOn(
        Mails(books),
        Configuration(books),
        pacing(),
        now=clock.now,
        wait=time.sleep,
        left=lambda: (context.get_remaining_time_in_millis() - SPARE_MS) / 1000,
    ).run()
    count("MailsHandedOn", went)
    publish()
    return {"handed_on": went}


@cache
def pacing() -> Pacing:
    mailer = mail_gateway.Mailer(mail_gateway.new_client(), settings.mail_from)
    return Pacing(Paces(settings.books_table), mailer.per_second)
