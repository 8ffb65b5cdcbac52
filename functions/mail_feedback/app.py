"""Mail feedback: what SES tells on its topic → what became of a mail, and who must get none."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import Any

import boto3

from introducer.domain.mail import Seen
from introducer.gateways.secrets import CONFIG, Secrets
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.take_mail_feedback import MailFeedback, NotOurs
from introducer.store.mails import Mails
from introducer.store.suppressions import Suppressions

_METRICS = {Seen.BOUNCED: "MailsBounced", Seen.COMPLAINED: "MailsComplainedOf", Seen.DELIVERED: "MailsDelivered"}


def handler(event: dict[str, Any], context: Any) -> None:
    """Notifications → figures and suppressed addresses. What fails comes again; what is not ours does not."""
    seen: Counter[Seen | None] = Counter()
    try:
        for record in event["Records"]:
            try:
                seen[feedback().take(_told(record["Sns"]))] += 1
            except NotOurs as error:
                logger().warning("a notification was refused", extra={"code": error.code, "reason": str(error)})
                count("MailFeedbackRefused", 1)
    finally:
        for kind, name in _METRICS.items():
            count(name, seen[kind])
        publish()


def _told(notification: dict[str, Any]) -> dict[str, Any]:
    """What SES says. Raises `NotOurs` for what another topic brought, or what is no notification."""
    if notification.get("TopicArn") != settings.mail_events_topic:
        raise NotOurs("This came by another topic.")
    try:
        told = json.loads(notification["Message"])
    except (KeyError, ValueError):
        told = None
    if not isinstance(told, dict):
        raise NotOurs("This is no notification of SES.")
    return told


@cache
def feedback() -> MailFeedback:
    books = settings.books_table
    secrets = Secrets(boto3.client("secretsmanager", config=CONFIG), elapsed=clock.elapsed)
    return MailFeedback(
        Mails(books),
        Suppressions(books),
        secret=lambda: secrets.text(settings.identity_key_secret).encode(),
        now=clock.now,
    )
