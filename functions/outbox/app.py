"""Outbox: a new mail in the BOOKS stream → one in somebody's inbox.

The stream keeps it until this function is done with it. A mail that the mail service has no room for, or whose reader
cannot be looked up now, is tried again from the stream; one that cannot be sent is marked so, and holds up nobody.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

from introducer.domain.errors import Unavailable
from introducer.domain.mail import Mail, MailStatus
from introducer.gateways import mail as mail_gateway
from introducer.gateways import user_pool
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.send_mail import Outbox
from introducer.store.configuration import Configuration
from introducer.store.mails import Mails, mail_of_image

_METRICS = {
    MailStatus.SENT: "MailsSent",
    MailStatus.FAILED: "MailsFailed",
    MailStatus.SUPPRESSED: "MailsSuppressed",
    MailStatus.UNCLEAR: "MailsUnclear",
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Stream records → from which on they must come again."""
    statuses: Counter[MailStatus | None] = Counter()
    again: list[str] = []
    for record in event["Records"]:
        try:
            named = mail_of_image(record["dynamodb"].get("NewImage") or {})
            if named is not None:
                statuses[outbox().deliver(*named)] += 1
        except Unavailable as error:
            # What is down for one is down for the next: go on from here when it is up again.
            logger().warning("a mail is to be tried again", extra={"code": error.code, "event": record.get("eventID")})
            again.append(record["dynamodb"]["SequenceNumber"])
            break
        except Exception as error:
            logger().error("a mail could not be delivered", exc_info=error, extra={"event": record.get("eventID")})
            again.append(record["dynamodb"]["SequenceNumber"])
    for status, name in _METRICS.items():
        count(name, statuses[status])
    publish()
    # The stream goes on from the first one named; those after it that are done are passed over then.
    return {"batchItemFailures": [{"itemIdentifier": name} for name in again[:1]]}


@cache
def outbox() -> Outbox:
    """The outbox of this container. Without an address to send from, it writes down that nothing was sent."""
    books = settings.books_table
    sender = settings.mail_from
    return Outbox(
        mails=Mails(books),
        configuration=Configuration(books),
        logins=user_pool.UserPool(user_pool.new_client(), settings.user_pool_id),
        mailer=mail_gateway.Mailer(mail_gateway.new_client(), sender) if sender else None,
        now=clock.now,
        report=_report,
    )


def _report(mail: Mail, error: Exception) -> None:
    logger().error(
        "a mail could not be written", exc_info=error, extra={"mail": mail.mail, "code": mail.template.value}
    )
